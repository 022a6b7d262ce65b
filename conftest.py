# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets pytest import `tests`, `lab` and the gateway when it is run with other settings than pyproject.toml's.

`ansible-test units` does that. pytest itself puts this file's folder on the path.
"""

from __future__ import annotations

import sys
from pathlib import Path

_GATEWAY = Path(__file__).parent / "roles" / "pbx_ad_sso_gateway" / "files"

if str(_GATEWAY) not in sys.path:
    sys.path.insert(0, str(_GATEWAY))
