# SPDX-License-Identifier: GPL-3.0-or-later
"""The outside world on one machine: a Samba domain controller, an LDAP proxy and a PBX emulator."""
