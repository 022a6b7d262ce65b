# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a user's extension is, what the next run would do to it, and why, in words for a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import PRINCIPAL_NAME, DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.explain_fields import (
    FieldExplanation,
    explain_fields,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.explain_scope import (
    ScopeExplainer,
    ScopeFacts,
    ScopeVerdict,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import DISPLAY_NAME
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    ObjectKind,
    Origin,
    RetiredNumber,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.numbers import number_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, Conflict, Drifted, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import (
    Outcome,
    State,
    change_data,
    conflict_data,
    drift_data,
    explanation,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    AccountStatus,
    NumberFrom,
    RuleKind,
    UserRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.scope import account_status
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.whereabouts import Whereabouts

_ADDRESS_CONFLICTS = frozenset({ConflictCode.EMAIL_IN_USE.value, ConflictCode.EMAIL_SHARED.value})
_ORIGINS = {
    Origin.CREATED: "kept since it was given",
    Origin.ADOPTED: "taken over by e-mail address",
    Origin.BOUND: "bound by the rule",
}
_TAKEN_OVER = {Reason.SAME_EMAIL: _ORIGINS[Origin.ADOPTED], Reason.BOUND_BY_NAME: _ORIGINS[Origin.BOUND]}

_Item = TypeVar("_Item")
_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that explanations are made of.

    :param time: by which accounts expire.
    :param idle: why no run does anything to users' extensions, e.g. ``the rule for users is paused``; "" if runs do.
    :param scope: None where no rule is saved.
    :param now: as it is.
    :param end: as it is once the next run has done all that is not stopped.
    :param outcomes: what that run would do, in its order.
    :param retired: numbers freed or refused earlier.
    :param drift: what a person set on the PBX, and what that run would do about it.
    """

    time: datetime
    idle: str
    scope: ScopeFacts | None
    now: Standing
    end: Standing
    outcomes: Sequence[Outcome] = ()
    conflicts: Sequence[Conflict] = ()
    retired: Sequence[RetiredNumber] = ()
    drift: Sequence[Drifted] = ()


@dataclass(frozen=True, slots=True)
class ExtensionExplanation:
    """The extension that a user has, or would be given.

    :param id: the PBX's id; None for one that is still to be created.
    :param origin: how it came or comes about.
    :param number_explanation: why it has this number.
    :param parked_since: when it was made unusable until it is deleted; None if it can be used.
    """

    number: str
    id: int | None
    origin: Origin
    number_explanation: str
    parked_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class GroupExplanation:
    """An extension group of a rule, and whether a user's extension is in it.

    :param wanted: whether it would be in it after the next run.
    """

    name: str
    rule: RuleKind
    wanted: bool
    actual: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """One user, explained.

    :param organization_wanted: the organizations that the extension would be in after the next run; "" for none.
    :param upcoming: what the next run would do to the user's extension.
    :param summary: all of it in a sentence.
    """

    user: DirectoryUser
    scope: ScopeVerdict
    extension: ExtensionExplanation | None
    fields: tuple[FieldExplanation, ...]
    organization_wanted: str
    organization_actual: str
    groups: tuple[GroupExplanation, ...]
    upcoming: tuple[Outcome, ...]
    drift: tuple[Drifted, ...]
    conflicts: tuple[Conflict, ...]
    summary: str


class Explainer:
    """Explains users, one by one, from facts that are gone through once for all of them."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._rule = facts.scope.rule if facts.scope is not None else UserRule()
        self._scope = ScopeExplainer(facts.scope, facts.time)
        self._now, self._end = Whereabouts(facts.now), Whereabouts(facts.end)
        about_extensions = (one for one in facts.outcomes if one.change.kind is ObjectKind.EXTENSION)
        self._upcoming = _grouped((one.change.guid, one) for one in about_extensions)
        self._drift = _grouped((one.guid, one) for one in facts.drift if one.kind is ObjectKind.EXTENSION)
        self._conflicts = _grouped((one.guid, one) for one in facts.conflicts)
        rested = facts.time - timedelta(days=self._rule.number_rest_days)
        self._resting = {(one.guid, one.number) for one in facts.retired if one.guid and one.since > rested}

    def explain(self, user: DirectoryUser) -> Explanation:
        """Explain a user who exists in the directory, in scope or not."""
        guid = user.guid
        upcoming = tuple(self._upcoming.get(guid, ()))
        found = tuple(self._conflicts.get(guid, ()))
        verdict = self._scope.explain(user)
        extension = self._extension(user, upcoming)
        address_problem = next((one.message for one in found if one.code in _ADDRESS_CONFLICTS), "")
        return Explanation(
            user=user,
            scope=verdict,
            extension=extension,
            fields=explain_fields(user, self._now.extension(guid), self._now.association(guid), address_problem),
            organization_wanted=self._end.organizations(guid),
            organization_actual=self._now.organizations(guid),
            groups=self._groups(guid),
            upcoming=upcoming,
            drift=tuple(self._drift.get(guid, ())),
            conflicts=found,
            summary=self._summary(user, verdict, extension, upcoming, found),
        )

    def _extension(self, user: DirectoryUser, upcoming: Sequence[Outcome]) -> ExtensionExplanation | None:
        held, present = self._now.association(user.guid), self._now.extension(user.guid)
        coming = next((one.change for one in upcoming if one.change.action in (Action.CREATE, Action.ASSOCIATE)), None)
        if held is not None and present is not None:
            since = held.parked.since if held.parked is not None else None
            return ExtensionExplanation(present.number, present.id, held.origin, _ORIGINS[held.origin], since)
        if held is not None:
            gone = "the extension was deleted on the PBX by hand"
            why = f"kept since it was given; {gone} and is created again" if coming is not None else gone
            return ExtensionExplanation(held.number, None, held.origin, why)
        if coming is None:
            return None
        if coming.action is Action.CREATE:
            return ExtensionExplanation(coming.number, None, Origin.CREATED, self._why_number(user, coming.number))
        origin = Origin.BOUND if coming.reason is Reason.BOUND_BY_NAME else Origin.ADOPTED
        return ExtensionExplanation(coming.number, coming.object_id, origin, _TAKEN_OVER[coming.reason])

    def _why_number(self, user: DirectoryUser, number: str) -> str:
        if self._rule.number_from is NumberFrom.ATTRIBUTE:
            attribute = self._rule.number_attribute
            return f"{attribute} says {number_of(user, attribute)}"
        if (user.guid, number) in self._resting:
            return "the user had it before, and it rests for them"
        return f"first free number from {self._rule.number_start}"

    def _groups(self, guid: str) -> tuple[GroupExplanation, ...]:
        actual, wanted = self._now.memberships(guid), self._end.memberships(guid)
        known = {**self._now.groups, **self._end.groups}
        explained = [
            GroupExplanation(known[key][0], known[key][1], key in wanted, key in actual) for key in actual | wanted
        ]
        return tuple(sorted(explained, key=lambda one: (one.name.casefold(), one.name)))

    # --- the sentence

    def _summary(
        self,
        user: DirectoryUser,
        verdict: ScopeVerdict,
        extension: ExtensionExplanation | None,
        upcoming: Sequence[Outcome],
        found: Sequence[Conflict],
    ) -> str:
        name = user.account_name
        held = self._now.association(user.guid)
        beginning = f"{name} has extension {extension.number}" if held and extension else f"{name} has no extension"
        if held is not None and held.parked is not None:
            beginning += f", parked since {held.parked.since:%Y-%m-%d}"
        trouble = f" In the way: {found[0].message}" if found else ""
        if upcoming:
            steps = ", and ".join(_step(one, extension) for one in upcoming)
            return f"{beginning}; the next run would {steps}.{trouble}"
        if self._facts.idle:
            return f"{beginning}, and no run changes that: {self._facts.idle}.{trouble}"
        if held is not None:
            return f"{beginning}, and the next run changes nothing of it.{trouble}"
        why = "" if verdict.in_scope else f" {verdict.explanation}"
        return f"{beginning}, and the next run gives none.{why}{trouble}"


def _step(outcome: Outcome, extension: ExtensionExplanation | None) -> str:
    change = outcome.change
    what = f"extension {change.number}"
    if change.action is Action.UPDATE:
        what = f"{', '.join(change.after) or 'nothing'} of {what}"
    why = explanation(change.reason)
    if change.action is Action.CREATE and change.reason is Reason.NEW_USER and extension is not None:
        why = extension.number_explanation
    if outcome.state is State.STOPPED:
        why += ", which the guard stops"
    if outcome.state is State.DEFERRED:
        why += f", which is put off while {outcome.detail}"
    return f"{_VERBS[change.action]} {what} ({why})"


_VERBS = {
    Action.REVOKE: "replace the Linkus password of",
    Action.CREATE: "create",
    Action.ASSOCIATE: "take over",
    Action.UPDATE: "update",
    Action.UNPARK: "make usable again",
    Action.PARK: "park",
    Action.RELEASE: "release",
    Action.DELETE: "delete",
}


def _grouped(items: Iterable[tuple[_Key, _Item]]) -> dict[_Key, list[_Item]]:
    groups: defaultdict[_Key, list[_Item]] = defaultdict(list)
    for key, item in items:
        groups[key].append(item)
    return groups


_CHANGE_KEYS = ("kind", "action", "state", "number", "reason", "explanation", "before", "after")


def explanation_data(explained: Explanation, time: datetime) -> dict[str, Any]:
    """Return an explained user as plain data for a result.

    :param time: by which accounts expire.
    """
    user, extension = explained.user, explained.extension
    return {
        "guid": user.guid,
        "dn": user.dn,
        "name": user.account_name,
        "user_principal_name": user.attributes.get(PRINCIPAL_NAME, ""),
        "display_name": user.attributes.get(DISPLAY_NAME, ""),
        "disabled": user.disabled,
        "expired": AccountStatus.EXPIRED in account_status(user, time),
        "in_scope": explained.scope.in_scope,
        "scope_explanation": explained.scope.explanation,
        "extension": _extension_data(extension) if extension is not None else {},
        "fields": [_field_data(field) for field in explained.fields],
        "organization": {"wanted": explained.organization_wanted, "actual": explained.organization_actual},
        "groups": [
            {"name": group.name, "rule": group.rule.value, "wanted": group.wanted, "actual": group.actual}
            for group in explained.groups
        ],
        "next": [_change_data(outcome) for outcome in explained.upcoming],
        "drift": [drift_data(drifted) for drifted in explained.drift],
        "conflicts": [conflict_data(conflict) for conflict in explained.conflicts],
        "summary_explanation": explained.summary,
    }


def _extension_data(extension: ExtensionExplanation) -> dict[str, Any]:
    return {
        "number": extension.number,
        "id": extension.id,
        "origin": extension.origin.value,
        "number_explanation": extension.number_explanation,
        "parked_since": extension.parked_since.isoformat(timespec="seconds") if extension.parked_since else "",
    }


def _field_data(field: FieldExplanation) -> dict[str, Any]:
    return {
        "field": field.field,
        "attribute": field.attribute,
        "directory": field.directory,
        "wanted": field.wanted,
        "pbx": field.pbx,
        "written": field.written,
        "drift": field.drift,
        "problem": field.problem,
    }


def _change_data(outcome: Outcome) -> dict[str, Any]:
    data = change_data(outcome)
    return {key: data[key] for key in _CHANGE_KEYS}
