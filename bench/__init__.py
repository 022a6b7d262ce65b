# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection costs: `python -m bench`, against a real domain controller and the PBX emulator."""

import sys
from pathlib import Path

# Where `make setup` links this folder under the collection's full name, by which its code is imported.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / ".venv" / "collections"))
