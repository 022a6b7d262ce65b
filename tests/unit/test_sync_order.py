# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of changes: what frees an address comes before what takes it, rings are broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.order import in_order
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    ExtensionChange,
    Placement,
    Reason,
)

from tests.unit.sync_builders import dn, extension, guid

EXTENSIONS = {
    id_: extension(id_, str(1000 + id_), first_name=name, email_addr=f"{name}@x.test")
    for id_, name in enumerate(("ada", "ben", "cid", "dot"), start=1)
}
IDS = {"ada": 1, "ben": 2, "cid": 3, "dot": 4}


def _change(
    action: Action,
    name: str,
    *,
    after: Mapping[str, str] | None = None,
    depends_on: tuple[str, ...] = (),
    extensions: Mapping[int, Extension] = EXTENSIONS,
) -> ExtensionChange:
    id_ = IDS.get(name) if action is not Action.CREATE else None
    after = after or {}
    before = {field: extensions[id_].fields[field] for field in after} if id_ else {}
    written = {"first_name": name, "title": "", "email_addr": f"{name}@x.test", **after}
    return ExtensionChange(
        action=action,
        guid=guid(name),
        name=name,
        dn=dn(name),
        number=str(1000 + (id_ or 9)),
        object_id=id_,
        reason=Reason.DIRECTORY_CHANGED,
        before=before,
        after=after,
        depends_on=depends_on,
        association=None
        if action in (Action.DELETE, Action.RELEASE)
        else Association(guid(name), id_ or 0, "", dn(name), name, Origin.CREATED, written),
    )


def _takes(name: str, giver: str, action: Action = Action.UPDATE, *depends_on: str) -> ExtensionChange:
    return _change(action, name, after={"email_addr": f"{giver}@x.test"}, depends_on=depends_on)


def _keys(*changes: ExtensionChange) -> list[str]:
    return [change.key.replace("guid-", "") for change in in_order(changes, EXTENSIONS)]


def test_removals_first_and_creations_last_and_else_as_given() -> None:
    assert _keys(
        _change(Action.CREATE, "new"),
        _change(Action.ASSOCIATE, "dot"),
        _change(Action.UPDATE, "cid"),
        _change(Action.UPDATE, "ada"),
        _change(Action.RELEASE, "ben"),
        _change(Action.DELETE, "eve"),
    ) == ["delete:eve", "release:ben", "update:cid", "update:ada", "associate:dot", "create:new"]


def test_nothing_is_nothing() -> None:
    assert in_order([], EXTENSIONS) == ()


@pytest.mark.parametrize("address", ["ben@x.test", "BEN@x.test"])
def test_who_takes_an_address_waits_for_the_one_who_gives_it_up(address: str) -> None:
    taker = _change(Action.UPDATE, "ada", after={"email_addr": address})
    ordered = in_order([taker, _takes("ben", "new")], EXTENSIONS)
    assert [change.name for change in ordered] == ["ben", "ada"]
    assert ordered[1].depends_on == ("update:guid-ben",)


def test_an_address_is_freed_in_every_spelling() -> None:
    upper = {**EXTENSIONS, 2: extension(2, "1002", email_addr="BEN@X.test")}
    ordered = in_order([_takes("ada", "ben"), _change(Action.DELETE, "ben", extensions=upper)], upper)
    assert ordered[1].depends_on == ("delete:guid-ben",)


def test_a_deletion_frees_its_address() -> None:
    ordered = in_order([_takes("ada", "ben"), _change(Action.DELETE, "ben")], EXTENSIONS)
    assert ordered[1].depends_on == ("delete:guid-ben",)


def test_a_release_and_a_change_of_other_fields_free_no_address() -> None:
    changes = [
        _takes("ada", "ben"),
        _change(Action.RELEASE, "ben"),
        _takes("cid", "dot"),
        _change(Action.UPDATE, "dot", after={"title": "Lead"}),
    ]
    assert all(change.depends_on == () for change in in_order(changes, EXTENSIONS))


def test_clearing_an_address_waits_for_nobody_though_another_extension_has_none() -> None:
    changes = [_change(Action.UPDATE, name, after={"email_addr": ""}) for name in ("ada", "ben")]
    without = {**EXTENSIONS, 2: extension(2, "1002")}
    assert all(change.depends_on == () for change in in_order(changes, without))


def test_a_new_spelling_of_ones_own_address_waits_for_nobody() -> None:
    (change,) = in_order([_change(Action.UPDATE, "ada", after={"email_addr": "ADA@x.test"})], EXTENSIONS)
    assert change.depends_on == ()


def test_a_dependency_is_named_once() -> None:
    create = _takes("new", "ben", Action.CREATE, "delete:guid-ben")
    ordered = in_order([create, _change(Action.DELETE, "ben")], EXTENSIONS)
    assert ordered[1].depends_on == ("delete:guid-ben",)


def test_a_chain_goes_from_its_end() -> None:
    assert _keys(
        _takes("ada", "ben"), _takes("ben", "cid"), _takes("cid", "new"), _takes("new", "ada", Action.CREATE)
    ) == ["update:cid", "update:ben", "update:ada", "create:new"]


def test_two_who_exchange_their_addresses() -> None:
    vacate, ben, ada = in_order([_takes("ada", "ben"), _takes("ben", "ada")], EXTENSIONS)
    assert (vacate.key, vacate.action, vacate.reason) == (
        "update:guid-ada:vacate",
        Action.UPDATE,
        Reason.ADDRESS_EXCHANGE,
    )
    assert (vacate.before, vacate.after) == ({"email_addr": "ada@x.test"}, {"email_addr": ""})
    assert ben.depends_on == ("update:guid-ada:vacate",)
    assert set(ada.depends_on) == {"update:guid-ben", "update:guid-ada:vacate"}
    assert (ben.after, ada.after) == ({"email_addr": "ada@x.test"}, {"email_addr": "ben@x.test"})


def test_three_in_a_ring_with_two_waiting_outside() -> None:
    assert _keys(
        _takes("ben", "cid"),
        _takes("ada", "ben"),
        _takes("cid", "ada"),
    ) == ["update:ada:vacate", "update:cid", "update:ben", "update:ada"]


def test_two_rings_are_two_rings() -> None:
    keys = _keys(_takes("ada", "ben"), _takes("ben", "ada"), _takes("cid", "dot"), _takes("dot", "cid"))
    assert keys.index("update:ada:vacate") < keys.index("update:ben") < keys.index("update:ada")
    assert keys.index("update:cid:vacate") < keys.index("update:dot") < keys.index("update:cid")


def test_what_the_first_step_leaves_as_written_is_what_is_there() -> None:
    changed = _change(Action.UPDATE, "ada", after={"email_addr": "ben@x.test", "first_name": "Adele"})
    vacate, *_others = in_order([changed, _takes("ben", "ada")], EXTENSIONS)
    assert vacate.association is not None
    assert vacate.association.written == {"first_name": "ada", "title": "", "email_addr": ""}
    assert vacate.drift == ()


def test_a_ring_of_users_being_bound_waits_for_the_ends_of_their_old_associations() -> None:
    ordered = in_order(
        [
            _takes("ada", "ben", Action.ASSOCIATE, "release:guid-ada", "release:guid-ben"),
            _takes("ben", "ada", Action.ASSOCIATE, "release:guid-ben"),
            _change(Action.RELEASE, "ada"),
            _change(Action.RELEASE, "ben"),
        ],
        EXTENSIONS,
    )
    vacate = ordered[2]
    assert (vacate.key, vacate.action) == ("associate:guid-ada:vacate", Action.ASSOCIATE)
    assert vacate.depends_on == ("release:guid-ada", "release:guid-ben")
    assert [change.name for change in ordered] == ["ada", "ben", "ada", "ben", "ada"]


def test_a_ring_that_addresses_do_not_explain_is_refused() -> None:
    changes = [
        _change(Action.UPDATE, "ada", depends_on=("update:guid-ben",)),
        _change(Action.UPDATE, "ben", depends_on=("update:guid-ada",)),
    ]
    with pytest.raises(RuntimeError, match="in a ring"):
        in_order(changes, EXTENSIONS)


def test_a_ring_of_changes_that_leave_no_association_cannot_be_broken() -> None:
    changes = [replace(change, association=None) for change in (_takes("ada", "ben"), _takes("ben", "ada"))]
    with pytest.raises(RuntimeError, match="in a ring"):
        in_order(changes, EXTENSIONS)


def test_giving_an_address_up_does_nothing_else_of_the_change() -> None:
    """What is saved of it is what is then there: the former fields, the former organization, no address."""
    after = {"email_addr": "ben@x.test", "title": "Lead"}
    mover = replace(
        _change(Action.UPDATE, "ada", after=after, depends_on=("organization:create:unit",)),
        before={"email_addr": "ada@x.test", "title": "Clerk"},
        drift=("title",),
        placement=Placement((), "unit", taken=5),
    )
    taker = _takes("ben", "ada", Action.UPDATE, "delete:guid-eve")
    vacated, took, moved = in_order([mover, taker], EXTENSIONS)
    assert isinstance(mover.association, Association)
    assert vacated == replace(
        mover,
        reason=Reason.ADDRESS_EXCHANGE,
        part="vacate",
        before={"email_addr": "ada@x.test"},
        after={"email_addr": ""},
        drift=(),
        depends_on=("delete:guid-eve", "organization:create:unit"),
        placement=None,
        association=replace(
            mover.association,
            written={**mover.association.written, "title": "Clerk", "email_addr": ""},
            organization_id=5,
        ),
    )
    assert took.depends_on == ("delete:guid-eve", vacated.key)
    assert (moved.key, moved.depends_on) == (mover.key, ("organization:create:unit", taker.key, vacated.key))
    assert moved.placement == mover.placement


def test_an_extension_that_is_not_moved_stays_where_it_was_given() -> None:
    mover = _takes("ada", "ben")
    assert mover.association is not None
    placed = replace(mover, association=replace(mover.association, organization_id=7))
    vacated = in_order([placed, _takes("ben", "ada")], EXTENSIONS)[0]
    assert vacated.association is not None
    assert vacated.association.organization_id == 7
