# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The compare of what was last written, what is wanted and what is there, where a person may have set what is there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import (
    MANAGED_FIELDS,
    FieldProblem,
    WantedFields,
    same,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import ORGANIZATIONS, Placed
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    MEMBERS,
    NAME,
    PARENT,
    Conflict,
    DriftAction,
    Drifted,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import AnyRule, leaves_drift

_FIRST, _LAST = "first_name", "last_name"
_NAMELESS = (
    "the extension would be left without any name, for its other name was emptied on the PBX by hand, and is left so"
)


@dataclass(frozen=True, slots=True)
class Merged:
    """What is to be written of a user's fields, and what a person set in them.

    :param wanted: without the fields that are left as they are.
    :param left: names of those.
    """

    wanted: WantedFields
    drifted: tuple[Drifted, ...] = ()
    left: frozenset[str] = frozenset()


def merge_fields(
    user: DirectoryUser,
    wanted: WantedFields,
    association: Association,
    extension: Extension,
    reported: Collection[str],
) -> Merged:
    """Compare a user's managed fields three ways.

    A field that is not as it was last written, and not as it is wanted, was set by a person. It is put back, or left as
    it is; then it is still last written what was, so that it can be told until one side gives in.

    :param wanted: as the directory wants them.
    :param reported: names of the fields that are left then.
    """
    if wanted.values == extension.fields:
        # Nearly always. What is wanted need not be held beside what is there.
        return Merged(replace(wanted, values=extension.fields))
    drifted = tuple(
        Drifted(
            kind=ObjectKind.EXTENSION,
            guid=user.guid,
            number=extension.number,
            name=user.account_name,
            field=name,
            written=association.written[name],
            wanted=value,
            actual=extension.fields.get(name, ""),
            action=DriftAction.REPORTED if name in reported else DriftAction.CORRECTED,
            both_changed=name in reported and not same(name, association.written[name], value),
        )
        for name, value in wanted.values.items()
        if _is_set_by_hand(name, association.written, value, extension.fields.get(name, ""))
    )
    left = frozenset(one.field for one in drifted if one.action is DriftAction.REPORTED)
    return Merged(_with_a_name(_without(wanted, left), extension, left), drifted, left)


def _is_set_by_hand(name: str, written: Mapping[str, str], wanted: str, actual: str) -> bool:
    return name in written and not same(name, written[name], actual) and not same(name, wanted, actual)


def _without(wanted: WantedFields, names: Collection[str]) -> WantedFields:
    if not names:
        return wanted
    return replace(wanted, values={name: value for name, value in wanted.values.items() if name not in names})


def _with_a_name(wanted: WantedFields, extension: Extension, left: frozenset[str]) -> WantedFields:
    """The PBX wants a first or a last name: where one was emptied by hand and stays so, the other is not emptied."""
    after = {**extension.fields, **wanted.values}
    emptied = [name for name in (_FIRST, _LAST) if name in wanted.values and extension.fields.get(name)]
    if after.get(_FIRST) or after.get(_LAST) or not emptied or not left & {_FIRST, _LAST}:
        return wanted
    attributes = {field.name: field.attribute for field in MANAGED_FIELDS}
    problems = tuple(FieldProblem(attributes[name], name, "", _NAMELESS) for name in emptied)
    return replace(_without(wanted, emptied), problems=(*wanted.problems, *problems))


@dataclass(frozen=True, slots=True)
class LeftDrift:
    """Which fields of organizations and extension groups a person's change is left in, rather than put back."""

    name: bool
    parent: bool
    members: bool

    @classmethod
    def of(cls, rule: AnyRule) -> LeftDrift:
        """Return what a rule says."""
        return cls(leaves_drift(rule, NAME), leaves_drift(rule, PARENT), leaves_drift(rule, MEMBERS))


#: A person's change is put back in each field.
NO_DRIFT_LEFT = LeftDrift(name=False, parent=False, members=False)


def drifted_object(
    held: ObjectAssociation,
    shown: str,
    field: str,
    texts: tuple[str, str, str],
    *,
    is_left: bool,
    both_changed: bool = False,
) -> Drifted:
    """Return what a person did to one field of an organization or extension group.

    :param shown: the directory object as a report names it.
    :param texts: what was last written, what is wanted and what is there, as a report shows them.
    :param is_left: whether it stays so.
    :param both_changed: whether the directory changed it too.
    """
    written, wanted, actual = texts
    return Drifted(
        kind=held.kind,
        guid=held.guid,
        number="",
        name=shown,
        field=field,
        written=written,
        wanted=wanted,
        actual=actual,
        action=DriftAction.REPORTED if is_left else DriftAction.CORRECTED,
        both_changed=is_left and both_changed,
    )


def drifted_place(association: Association, extension: Extension, placed: Placed | None) -> Drifted | None:
    """Return what a person did to the organizations of an extension; None for nothing."""
    if placed is None or placed.by_hand is None:
        return None
    by_hand = placed.by_hand
    return Drifted(
        kind=ObjectKind.EXTENSION,
        guid=association.guid,
        number=extension.number,
        name=association.account_name,
        field=ORGANIZATIONS,
        written=by_hand.written,
        wanted=by_hand.wanted,
        actual=by_hand.actual,
        action=DriftAction.CORRECTED if placed.drift else DriftAction.REPORTED,
        both_changed=by_hand.both_changed,
    )


def both_changed_conflicts(drifted: Collection[Drifted]) -> list[Conflict]:
    """Tell what a person and the directory have changed, each to something else."""
    return [_conflict(one) for one in drifted if one.both_changed]


def _conflict(drifted: Drifted) -> Conflict:
    return Conflict(
        ConflictCode.DRIFT_BOTH_CHANGED.value,
        drifted.guid,
        drifted.name,
        f"{drifted.field} was set to {drifted.actual!r} on the PBX by hand, and the directory changed it from "
        f"{drifted.written!r} to {drifted.wanted!r}. The PBX's value is left. Make the two agree on either side, or "
        f"set drift_fields.{drifted.field} to correct to have the directory's value written.",
    )
