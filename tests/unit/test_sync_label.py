# SPDX-License-Identifier: GPL-3.0-or-later
"""The label group: one extension group whose members are exactly the associated extensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectorySnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.label import LABEL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    Origin,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension, ExtensionGroup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import GroupChange, Plan
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import OutOfScope, RuleKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.users import plan_users

from tests.unit.sync_builders import codes, directory, extension, pbx, rule, synced, user

ADA, BEN = user("ada", "ada@x.test"), user("ben", "ben@x.test")
(ADAS, ADA_KNOWN), (BENS, BEN_KNOWN) = synced(ADA, 1, "1000"), synced(BEN, 2, "1001")
BY_HAND = extension(9, "9000", first_name="Hand")
TITLE = "AD users"
GROUP = ExtensionGroup(20, TITLE, (1, 2))


def known(on_pbx: ExtensionGroup, **changed: object) -> ObjectAssociation:
    """The association of the label group, last written as it is but for what is given."""
    association = ObjectAssociation(
        guid=LABEL,
        kind=ObjectKind.EXTENSION_GROUP,
        rule=RuleKind.USERS,
        object_id=on_pbx.id,
        dn="",
        name=on_pbx.name,
        origin=Origin.CREATED,
        members=on_pbx.members,
    )
    return replace(association, **changed)  # type: ignore[arg-type]


def plan(
    seen: DirectorySnapshot,
    *groups: ExtensionGroup,
    extensions: Sequence[Extension] = (ADAS, BENS, BY_HAND),
    associations: Sequence[Association] = (ADA_KNOWN, BEN_KNOWN),
    objects: Sequence[ObjectAssociation] = (),
    title: str = TITLE,
    **settings: Any,
) -> Plan:
    """Plan the users of a directory with these extension groups on the PBX."""
    shown = replace(pbx(*extensions), groups=groups)
    return plan_users(rule(label_group=title, **settings), seen, shown, associations, (), objects=objects)


def label(made: Plan) -> list[str]:
    """What is done to the label group, each as "action reason" and, with signs, the name and the members."""
    changes = [change for change in made.changes if isinstance(change, GroupChange)]
    assert made.changes[len(made.changes) - len(changes) :] == tuple(changes), "the label group comes last"
    return [
        " ".join(
            [
                change.action,
                change.reason,
                *(f"={name}" for name in change.after.values()),
                *(f"+{member.split()[0]}" for member in change.added),
                *(f"-{member.split()[0]}" for member in change.removed),
            ]
        )
        for change in changes
    ]


def test_it_is_created_with_all_associated_extensions_and_no_other() -> None:
    assert label(plan(directory(ADA, BEN))) == [f"create label ={TITLE} +1000 +1001"]


def test_it_gets_the_extensions_that_this_run_creates() -> None:
    made = plan(directory(ADA, BEN), extensions=[ADAS], associations=[ADA_KNOWN])
    assert label(made) == [f"create label ={TITLE} +1000 +1001"]
    made = plan(
        directory(ADA, BEN),
        replace(GROUP, members=(1,)),
        extensions=[ADAS],
        associations=[ADA_KNOWN],
        objects=[known(replace(GROUP, members=(1,)))],
    )
    assert label(made) == ["update directory_changed +1001"]


def test_it_gets_the_extensions_that_this_run_takes_over() -> None:
    made = plan(
        directory(ADA, BEN),
        replace(GROUP, members=(1,)),
        associations=[ADA_KNOWN],
        objects=[known(replace(GROUP, members=(1,)))],
        associate_by_email=True,
    )
    assert label(made) == ["update directory_changed +1001"]


def test_whose_extension_is_released_leaves_it() -> None:
    made = plan(directory(ADA, outside=[BEN]), GROUP, objects=[known(GROUP)])
    assert label(made) == ["update directory_changed -1001"]


def test_a_deleted_extension_leaves_it_by_itself() -> None:
    made = plan(directory(ADA, outside=[BEN]), GROUP, objects=[known(GROUP)], out_of_scope=OutOfScope.DELETE)
    assert label(made) == []
    again = plan(
        directory(ADA),
        replace(GROUP, members=(1,)),
        extensions=[ADAS],
        associations=[ADA_KNOWN],
        objects=[known(GROUP)],
    )
    assert (label(again), again.refreshed) == ([], (known(replace(GROUP, members=(1,))),))


def test_a_user_that_is_not_shown_keeps_it() -> None:
    assert label(plan(directory(ADA, missing=["ben"]), GROUP, objects=[known(GROUP)])) == []


def test_nothing_is_done_where_all_is_as_it_should_be() -> None:
    made = plan(directory(ADA, BEN), GROUP, objects=[known(GROUP)])
    assert (made.changes, made.refreshed, made.conflicts) == ((), (), ())


def test_what_was_changed_by_hand_is_put_right_and_told_as_drift() -> None:
    made = plan(directory(ADA, BEN), ExtensionGroup(20, "Linkus", (1, 9)), objects=[known(GROUP)])
    assert label(made) == [f"update drift ={TITLE} +1001 -9000"]
    assert made.changes[0].drift == ("name", "members")


def test_it_is_renamed_with_the_rule() -> None:
    made = plan(directory(ADA, BEN), GROUP, objects=[known(GROUP)], title="Linkus")
    assert label(made) == ["update directory_changed =Linkus"]


@pytest.mark.parametrize("existing", [(GROUP,), ()])
def test_without_a_name_it_goes(existing: tuple[ExtensionGroup, ...]) -> None:
    made = plan(directory(ADA, BEN), *existing, objects=[known(GROUP)], title="")
    assert label(made) == (["delete label_ended"] if existing else ["release object_gone"])


def test_without_a_name_one_that_was_not_created_is_released() -> None:
    made = plan(directory(ADA, BEN), GROUP, objects=[known(GROUP, origin=Origin.ADOPTED)], title="")
    assert label(made) == ["release label_ended"]


def test_without_a_name_there_never_is_one() -> None:
    other = known(GROUP, guid="guid-sales", rule=RuleKind.GROUPS)
    assert label(plan(directory(ADA, BEN), GROUP, objects=[other], title="")) == []


def test_a_name_that_another_group_has_is_a_conflict_without_the_remedy_that_there_is_not() -> None:
    made = plan(directory(ADA, BEN), replace(GROUP, members=(9,)))
    assert (label(made), [code for _name, code in codes(made)]) == ([], ["name_taken"])
    assert "associate_by_name" not in made.conflicts[0].message


def test_groups_that_were_not_read_are_not_looked_at() -> None:
    made = plan_users(
        rule(label_group=TITLE), directory(ADA, BEN), pbx(ADAS, BENS), [ADA_KNOWN, BEN_KNOWN], (), objects=[]
    )
    assert made.changes == ()
