# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a filter is given: the result of a run, that of a status, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.fields import Fields
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.run import NO_SIDES, Run, Sides, read_run
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.status import Status, is_status, read_status


@dataclass(frozen=True, slots=True)
class Results:
    """A run, a status, or both; never neither."""

    run: Run | None
    status: Status | None

    @property
    def sides(self) -> Sides:
        """The PBX and the domain, of whichever result tells them."""
        if self.run and self.run.sides.pbx:
            return self.run.sides
        return self.status.sides if self.status else NO_SIDES


def read_results(result: Any, info: Any = None) -> Results:
    """Return what was given to a filter.

    :param result: what a module that synchronizes returned, or what pbx_ad_info returned.
    :param info: what pbx_ad_info returned, beside a run.
    :raises ReportError: if one of them is no such result.
    """
    given = Fields.of(result, "The result")
    if is_status(given):
        return Results(None, read_status(given))
    about = Fields.of(info, "info")
    return Results(read_run(given), read_status(about) if about.data else None)
