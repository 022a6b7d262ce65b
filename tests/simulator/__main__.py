# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.simulator --seed 12345 --trace` lives one life, `--seeds 1000000` as many as that."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

# Where `make setup` links this project under the collection's full name, by which its code is imported.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".venv" / "collections"))

if __name__ == "__main__":
    sys.exit(import_module("tests.simulator.soak").main(sys.argv[1:]))
