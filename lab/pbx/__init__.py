# SPDX-License-Identifier: GPL-3.0-or-later
"""A PBX emulator: the manners of a Yeastar P-Series PBX's Open API (openapi/v1.0), over HTTPS.

See README.md in this folder. `Emulator` runs it inside a process, `python -m lab.pbx` as one of its
own, `lab.pbx.control.ControlClient` steers the latter.
"""

from __future__ import annotations
