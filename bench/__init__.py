# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection costs: `python -m bench`, against a real domain controller and the PBX emulator."""
