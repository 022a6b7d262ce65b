# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Carries a plan out, one change after the other: written down, done, written down again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Ledger, Pbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    AnswerLostError,
    PbxError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import (
    Action,
    Association,
    Change,
    JournalState,
    NewExtension,
    OrganizationReference,
    PbxSnapshot,
    Reason,
    RetiredNumber,
    Welcome,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import Outcome, State

WELCOME_BATCH = 50


@dataclass(frozen=True, slots=True)
class Hands:
    """What carrying out a plan needs besides the plan.

    :param clock: returns the time, aware, UTC.
    :param draw_name: returns a registration name that no extension has.
    """

    pbx: Pbx
    ledger: Ledger
    run_id: str
    clock: Callable[[], datetime]
    draw_name: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a plan.

    :param ended_by: the error that made every further call pointless, None if there was none.
    """

    outcomes: tuple[Outcome, ...]
    ended_by: PbxError | None = None


@dataclass(frozen=True, slots=True)
class _Organizations:
    """The organizations that go along with a write: the root for a new extension, its own for another."""

    of_new: tuple[OrganizationReference, ...]
    of_existing: Mapping[int, tuple[OrganizationReference, ...]]


def apply(changes: Sequence[Change], stopped: Collection[str], snapshot: PbxSnapshot, hands: Hands) -> Applied:
    """Carry out the changes in their order.

    A change that fails stops itself and what depends on it, nothing else. An error that no further call would
    survive (the PBX is gone, the token is refused) ends the run; what is left is told as skipped.
    """
    organizations = _organizations(snapshot)
    outcomes: list[Outcome] = []
    done: set[str] = set()
    ended_by: PbxError | None = None
    for change in changes:
        lacking = [key for key in change.depends_on if key not in done]
        if change.key in stopped:
            outcomes.append(Outcome(change, State.STOPPED, "stopped by the guard against many removals"))
        elif ended_by is not None:
            outcomes.append(Outcome(change, State.SKIPPED, "the run ended before it"))
        elif lacking:
            outcomes.append(Outcome(change, State.SKIPPED, f"it needs {', '.join(lacking)}, which was not done"))
        else:
            outcome, ended_by = _carry_out(change, organizations, hands)
            outcomes.append(outcome)
            if outcome.state is State.DONE:
                done.add(change.key)
    return Applied(tuple(outcomes), ended_by)


def _carry_out(change: Change, organizations: _Organizations, hands: Hands) -> tuple[Outcome, PbxError | None]:
    name = hands.draw_name() if change.action is Action.CREATE else ""
    row = hands.ledger.intend(hands.run_id, change, name, hands.clock())
    try:
        extension_id = _write(change, name, organizations, hands.pbx)
    except PbxRefusedError as error:
        hands.ledger.not_done(row, JournalState.FAILED, str(error), hands.clock())
        if change.action is Action.CREATE and any(taken.field == "number" for taken in error.duplicate_fields):
            hands.ledger.retire_number(RetiredNumber(change.number, "", hands.clock()))
        return Outcome(change, State.FAILED, str(error)), None
    except AnswerLostError as error:
        hands.ledger.not_done(row, JournalState.UNKNOWN, str(error), hands.clock())
        return Outcome(change, State.UNKNOWN, str(error)), None
    except PbxError as error:
        hands.ledger.not_done(row, JournalState.UNKNOWN, str(error), hands.clock())
        return Outcome(change, State.UNKNOWN, str(error)), error
    association = _settled(change, extension_id)
    hands.ledger.done(row, association, _retired(change, hands.clock()), hands.clock())
    return Outcome(change, State.DONE, extension_id=extension_id), None


def _write(change: Change, name: str, organizations: _Organizations, pbx: Pbx) -> int | None:
    """Make the one call of a change and return the id of the extension it concerns."""
    if change.action is Action.CREATE:
        return pbx.create_extension(NewExtension(change.number, change.after, name, organizations.of_new))
    if change.extension_id is None:
        raise ValueError(f"{change.key} names no extension")
    if change.action is Action.DELETE:
        pbx.delete_extension(change.extension_id)
    elif change.after:
        pbx.update_extension(change.extension_id, change.after, organizations.of_existing[change.extension_id])
    return change.extension_id


def _organizations(snapshot: PbxSnapshot) -> _Organizations:
    """While organization management is on, the Open API wants organizations with every create and update."""
    root = snapshot.root_organization
    return _Organizations(
        of_new=(root,) if root is not None else (),
        of_existing={
            extension.id: extension.organizations if root is not None else () for extension in snapshot.extensions
        },
    )


def _settled(change: Change, extension_id: int | None) -> Association | None:
    if change.association is None or extension_id is None:
        return None
    return replace(change.association, extension_id=extension_id)


def _retired(change: Change, at: datetime) -> RetiredNumber | None:
    """A number whose extension is gone rests; one that was released lives on with its extension."""
    if change.action is Action.DELETE or change.reason is Reason.EXTENSION_GONE:
        return RetiredNumber(change.number, change.guid, at)
    return None


def send_welcome_emails(associations: Iterable[Association], hands: Hands) -> list[str]:
    """Send the welcome e-mails that are due and return what went wrong, in sentences.

    Each is marked as sent before the PBX is asked, so that a crash may lose a mail and never repeats one.
    """
    due = [association for association in associations if association.welcome is Welcome.DUE]
    problems = []
    for start in range(0, len(due), WELCOME_BATCH):
        batch = due[start : start + WELCOME_BATCH]
        hands.ledger.save_associations([replace(association, welcome=Welcome.SENT) for association in batch])
        try:
            hands.pbx.send_welcome_emails([association.extension_id for association in batch])
        except PbxError as error:
            numbers = ", ".join(association.number for association in batch)
            problems.append(f"The welcome e-mail of {numbers} may not have been sent, and is not sent again. {error}")
    return problems
