# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an extension is: which organizations, and which associated groups."""

from __future__ import annotations

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    Organization,
    OrganizationReference,
    PbxCapacity,
    PbxSnapshot,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.whereabouts import Whereabouts

from tests.unit.sync_builders import fields
from tests.unit.undo_builders import P550, ROOT, references, team, unit, user

STAFF, SALES = Organization(7, "Staff", 1), Organization(5, "Sales", 7)
ANNA = Extension(41, "1000", fields(), organizations=(*references(SALES, ROOT), OrganizationReference(99, "Gone")))
BEN = Extension(42, "1001", fields())
GROUPS = (
    ExtensionGroup(5, "Team", (41,)),
    ExtensionGroup(6, "All", includes_all=True),
    ExtensionGroup(7, "By hand", (41,)),
)
WHERE = Whereabouts(
    Standing(
        PbxSnapshot(P550, PbxCapacity(9, 2), (ANNA, BEN), organizations=(ROOT, STAFF, SALES), groups=GROUPS),
        [user("anna", 41, "1000"), user("ben", 42, "1001"), user("carl", 43, "1002")],
        # The organization has the id of a group, and one group is gone.
        [unit("sales", 5), team("team", 5), team("all", 6), team("gone", 9)],
    )
)


def test_organizations_are_told_by_their_paths_and_one_that_is_gone_by_its_name() -> None:
    assert WHERE.organizations("anna-guid") == "Company, Company/Staff/Sales, Gone"
    assert WHERE.organizations("ben-guid") == ""


def test_groups_are_those_that_are_associated_and_there() -> None:
    assert WHERE.groups == {"team-guid": ("Team", RuleKind.GROUPS), "all-guid": ("All", RuleKind.GROUPS)}
    assert WHERE.memberships("anna-guid") == {"team-guid", "all-guid"}
    assert WHERE.memberships("ben-guid") == {"all-guid"}


def test_who_has_no_extension_or_one_that_is_gone_is_nowhere() -> None:
    for guid in ("carl-guid", "nobody"):
        assert (WHERE.extension(guid), WHERE.organizations(guid), WHERE.memberships(guid)) == (None, "", frozenset())
    known = WHERE.association("carl-guid")
    assert known is not None
    assert known.extension_id == 43
