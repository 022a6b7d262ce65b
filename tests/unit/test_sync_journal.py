# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journal says of an association that is saved anew without any write, and when it says so."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import differs_in_substance, remembering
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    ExtensionChange,
    GroupChange,
    OrganizationChange,
    Reason,
)

from tests.unit.undo_builders import team, unit, user

ANNA, SALES, TEAM = user("anna", 41, "1000"), unit("Sales", 7), team("Team", 5, 41)


def test_what_is_remembered_anew_is_an_update_that_writes_nothing() -> None:
    assert remembering(ANNA) == ExtensionChange(
        action=Action.UPDATE,
        guid="anna-guid",
        name="anna",
        dn="CN=anna",
        number="1000",
        object_id=41,
        reason=Reason.REMEMBERED,
        association=ANNA,
    )
    assert remembering(SALES) == OrganizationChange(
        action=Action.UPDATE,
        guid="Sales-guid",
        name="Sales",
        dn="OU=Sales",
        object_id=7,
        reason=Reason.REMEMBERED,
        association=SALES,
    )
    assert remembering(TEAM) == GroupChange(
        action=Action.UPDATE,
        guid="Team-guid",
        name="Team",
        dn="CN=Team",
        object_id=5,
        reason=Reason.REMEMBERED,
        association=TEAM,
    )


def test_an_association_of_another_kind_or_none_differs() -> None:
    assert differs_in_substance(TEAM, ANNA)
    assert differs_in_substance(ANNA, TEAM)
    assert differs_in_substance(None, TEAM)
    assert not differs_in_substance(SALES, replace(SALES, dn="OU=Other"))
