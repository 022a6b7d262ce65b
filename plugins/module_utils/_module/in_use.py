# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Extensions in use are spared: the PBX is asked which they are, once, and only if a plan would take one away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Pbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import Verdict
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.live_use import may_disturb, put_off
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import LiveUse
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import Outcome, State


class InUse:
    """What a PBX tells of the use of its extensions, at the moment it is first needed."""

    def __init__(self, pbx: Pbx) -> None:
        self._pbx = pbx
        self._live: LiveUse | None = None

    def spare(self, verdict: Verdict) -> Verdict:
        """Put off, of what the guard lets through, all that would take an extension away from whoever uses it.

        :raises PbxError: if the PBX does not answer as it should.
        """
        going_on = [change for change in verdict.changes if change.key not in verdict.stopped]
        if not any(may_disturb(change) for change in going_on):
            return verdict
        if self._live is None:
            self._live = self._pbx.live_use()
        return replace(verdict, put_off=put_off(going_on, self._live))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be asked, in sentences."""
        if self._live is None or not self._live.unknown:
            return ()
        return (
            f"The PBX does not answer {' and '.join(self._live.unknown)}, so that an extension in use may be deleted. "
            "Permit these calls to the API application, or update the firmware.",
        )


def left_in_use(outcomes: Iterable[Sequence[Outcome]]) -> list[str]:
    """Tell, in sentences, what was left where no later run of its own accord takes it up.

    :param outcomes: of each stage.
    """
    left = [one.change for stage in outcomes for one in stage if one.state is State.DEFERRED]
    if not left:
        return []
    numbers = ", ".join(dict.fromkeys(change.number or change.name for change in left))
    return [f"In use and therefore left: {numbers}. Run again later, or set delete_in_use."]
