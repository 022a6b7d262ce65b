# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a check has tried and found, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    PbxAuthenticationError,
    PbxBlockedError,
    PbxCertificateError,
    PbxError,
    PbxParameterError,
    PbxTokenLimitError,
    PbxUnreachableError,
)

Value = TypeVar("Value")

#: After these nothing else can be asked.
_ENDING = (
    PbxAuthenticationError,
    PbxBlockedError,
    PbxCertificateError,
    PbxParameterError,
    PbxTokenLimitError,
    PbxUnreachableError,
)


class StepState(Enum):
    """What came of a step."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_TRIED = "not_tried"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the collection does with a PBX.

    :param needed: whether it cannot work with a PBX that does not do it.
    :param message: why it failed or was not tried.
    """

    name: str
    needed: bool
    state: StepState
    message: str = ""


@dataclass
class Examination:
    """The steps and answers of a check, in the order in which they came.

    :param answers: by question.
    :param ended: why nothing else could be asked; "" while it can.
    """

    steps: list[Step] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    ended: str = ""

    def attempt(self, name: str, work: Callable[[], Value], *, needed: bool = True) -> Value | None:
        """Do a step and return what came of it; None if it failed or was not tried."""
        if self.ended:
            self.leave_out(name, self.ended, needed=needed)
            return None
        try:
            value = work()
        except PbxError as error:
            self._take_down(error)
            self.steps.append(Step(name, needed, StepState.FAILED, str(error)))
            return None
        self.steps.append(Step(name, needed, StepState.PASSED))
        return value

    def leave_out(self, name: str, why: str, *, needed: bool) -> None:
        """Take down that a step was not tried."""
        self.steps.append(Step(name, needed, StepState.NOT_TRIED, why))

    def answer(self, question: str, find_out: Callable[[], str]) -> None:
        """Ask a question; what the PBX does not even answer to is an answer too."""
        if self.ended:
            return
        try:
            self.answers[question] = find_out()
        except PbxError as error:
            self._take_down(error)
            self.answers[question] = f"no answer: {error.message}"

    def passed(self, name: str) -> bool:
        """Whether a step was done."""
        return any(step.name == name and step.state is StepState.PASSED for step in self.steps)

    def _take_down(self, error: PbxError) -> None:
        if isinstance(error, _ENDING):
            self.ended = "Nothing else could be asked."
