# SPDX-License-Identifier: GPL-3.0-or-later
"""An AWX emulator: the part of AWX's REST API (/api/v2/) that sets up job templates, workflows and schedules.

See README.md in this folder. `Emulator` runs it inside a process.
"""

from __future__ import annotations
