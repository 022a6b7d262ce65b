# SPDX-License-Identifier: GPL-3.0-or-later
"""Test data for rollbacks: the rows of a run's journal, the PBX as it is since, and what undoing the run would do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import AnyImage
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Done
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    Origin,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    Organization,
    OrganizationReference,
    PbxCapacity,
    PbxIdentity,
    PbxSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rollback import Rollback, plan_rollback
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_history import History, RollbackRule

from tests.unit.sync_builders import DOMAIN, fields

ROOT = Organization(1, "Company", 0)
#: The smallest model: 50 organizations.
P550 = PbxIdentity("3631A1234567", "P550", "37.20.0.19")


def references(*organizations: Organization) -> tuple[OrganizationReference, ...]:
    """Organizations as an extension refers to them."""
    return tuple(OrganizationReference(one.id, one.name) for one in organizations)


def extension(id_: int, number: str, *places: Organization, **values: str) -> Extension:
    """An extension with these managed fields in these organizations, in the root if there are none."""
    return Extension(id_, number, fields(**values), organizations=references(*(places or (ROOT,))))


def user(name: str, id_: int, number: str, **values: Any) -> Association:
    """The association of a user with an extension that was created for them."""
    known = {"origin": Origin.CREATED, "written": {}, **values}
    return Association(f"{name}-guid", id_, number, f"CN={name}", name, **known)


def unit(name: str, id_: int, *, below: int = ROOT.id, **values: Any) -> ObjectAssociation:
    """The association of a unit with an organization of its name."""
    known = {"name": name, "origin": Origin.CREATED, **values}
    rule = RuleKind.ORGANIZATIONAL_UNITS
    return ObjectAssociation(
        f"{name}-guid", ObjectKind.ORGANIZATION, rule, id_, dn=f"OU={name}", parent_id=below, **known
    )


def team(name: str, id_: int, *members: int, **values: Any) -> ObjectAssociation:
    """The association of a group with an extension group of its name and of these members."""
    known = {"name": name, "origin": Origin.CREATED, **values}
    return ObjectAssociation(
        f"{name}-guid", ObjectKind.EXTENSION_GROUP, RuleKind.GROUPS, id_, dn=f"CN={name}", members=members, **known
    )


def row(
    id_: int,
    action: Action,
    former: Association | ObjectAssociation | None,
    latter: Association | ObjectAssociation | None,
    image: AnyImage | None = None,
    **values: Any,
) -> Done:
    """A change that the run has done, of the object that it found or, if there was none, left behind.

    :param values: those of the change that are not told by the associations.
    """
    of = former or latter
    assert of is not None
    known: dict[str, Any] = {"reason": Reason.DIRECTORY_CHANGED, "guid": of.guid, "dn": of.dn, "association": latter}
    if isinstance(of, Association):
        known |= {"name": of.account_name, "number": of.number, "object_id": of.extension_id}
        change: AnyChange = ExtensionChange(action=action, **{**known, **values})
    else:
        kind = OrganizationChange if of.kind is ObjectKind.ORGANIZATION else GroupChange
        change = kind(action=action, **{**known, "name": of.name, "object_id": of.object_id, **values})
    return Done(id_, "run", change, former, latter, image)


def rolled_back(
    *rows: Done,
    extensions: Sequence[Extension] = (),
    organizations: Sequence[Organization] | None = (ROOT,),
    groups: Sequence[ExtensionGroup] = (),
    held: Iterable[Association | ObjectAssociation] = (),
    undone_by: Sequence[History] = (),
    room: int = 100,
    identity: PbxIdentity = P550,
    send_welcome_email: bool = False,
) -> Rollback:
    """Plan to undo a run with these rows, on the PBX as it is and with the associations that are there since.

    :param room: for how many more extensions the PBX is licensed.
    """
    known = list(held)
    pbx = PbxSnapshot(
        identity,
        PbxCapacity(len(extensions) + room, len(extensions)),
        tuple(extensions),
        organizations=None if organizations is None else tuple(organizations),
        groups=tuple(groups),
    )
    standing = Standing(
        pbx,
        [one for one in known if isinstance(one, Association)],
        [one for one in known if isinstance(one, ObjectAssociation)],
    )
    rule = RollbackRule("run", send_welcome_email)
    return plan_rollback(rule, History(rows, tuple(undone_by)), standing, DOMAIN)


def brief(made: Rollback) -> list[str]:
    """The changes in their order, each as its key, its reason, the fields that it writes and what it waits for."""
    lines = []
    for change in made.plan.changes:
        fields_ = [f"{name}: {change.before.get(name, '')}>{value}" for name, value in change.after.items()]
        waits = ["after " + " ".join(change.depends_on)] if change.depends_on else []
        lines.append(" | ".join([change.key, change.reason, *fields_, *waits]))
    return lines


def conflicts(made: Rollback) -> list[tuple[str, str, str]]:
    """The conflicts, each as its object, its code and its sentence."""
    return [(one.name, one.code, one.message) for one in made.plan.conflicts]


def lost(made: Rollback) -> list[tuple[str, str]]:
    """What is not brought back, each as its object's name and what is lost."""
    return [(one.name, what) for one in made.not_restored for what in one.what]
