# SPDX-License-Identifier: GPL-3.0-or-later
"""An LDAP proxy in front of the lab's domain controller: Windows' limits always, faults on demand."""
