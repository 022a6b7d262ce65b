# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a module returns, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """What a module returns.

    :param values: the documented return values.
    :param failure: why the module fails although it has a result; "" if it does not.
    """

    values: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    failure: str = ""
