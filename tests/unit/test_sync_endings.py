# SPDX-License-Identifier: GPL-3.0-or-later
"""Which associations of units and groups end, how, and which are kept because nothing is proven."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Absent
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.endings import Ending, Endings, sort_endings
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import ObjectAssociation, ObjectKind, Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import DeletionProof, OutOfScope, RuleKind


def _association(
    guid: str, name: str = "Sales", id_: int = 10, kind: ObjectKind = ObjectKind.ORGANIZATION
) -> ObjectAssociation:
    return ObjectAssociation(guid, kind, RuleKind.ORGANIZATIONAL_UNITS, id_, "", name, Origin.CREATED)


SALES = _association("g1")


def _sorted(
    *associations: ObjectAssociation,
    absent: Absent,
    out_of_scope: OutOfScope = OutOfScope.RELEASE,
    deletion_proof: DeletionProof = DeletionProof.TOMBSTONE,
    existing: Collection[int] = (10, 11, 12),
) -> Endings:
    return sort_endings(
        associations, absent, out_of_scope=out_of_scope, deletion_proof=deletion_proof, existing=existing
    )


@pytest.mark.parametrize("proof", list(DeletionProof))
@pytest.mark.parametrize(
    ("out_of_scope", "action"), [(OutOfScope.RELEASE, Action.RELEASE), (OutOfScope.DELETE, Action.DELETE)]
)
@pytest.mark.parametrize(
    ("absent", "reason"),
    [
        pytest.param(Absent(outside=frozenset({"g1"})), Reason.OUT_OF_SCOPE, id="outside"),
        pytest.param(Absent(deleted=frozenset({"g1"})), Reason.OBJECT_DELETED, id="deleted"),
        pytest.param(Absent(), Reason.OUT_OF_SCOPE, id="not asked about"),
    ],
)
def test_the_rule_says_what_becomes_of_what_is_proven_to_be_gone_from_the_scope(
    absent: Absent, reason: Reason, out_of_scope: OutOfScope, action: Action, proof: DeletionProof
) -> None:
    result = _sorted(SALES, absent=absent, out_of_scope=out_of_scope, deletion_proof=proof)
    assert result == Endings([Ending(SALES, action, reason)])


@pytest.mark.parametrize("out_of_scope", list(OutOfScope))
@pytest.mark.parametrize("existing", [(10,), ()])
def test_what_the_directory_does_not_show_is_a_conflict_and_kept(
    out_of_scope: OutOfScope, existing: Collection[int]
) -> None:
    result = _sorted(SALES, absent=Absent(missing=frozenset({"g1"})), out_of_scope=out_of_scope, existing=existing)
    assert (result.endings, result.kept) == ([], [SALES])
    (conflict,) = result.conflicts
    assert (conflict.code, conflict.guid, conflict.name) == ("object_not_found", "g1", "Sales")
    assert "organization Sales" in conflict.message
    assert "deletion_proof" in conflict.message


def test_the_conflict_names_the_kind_of_the_object() -> None:
    group = _association("g1", kind=ObjectKind.EXTENSION_GROUP)
    (conflict,) = _sorted(group, absent=Absent(missing=frozenset({"g1"}))).conflicts
    assert "extension group Sales" in conflict.message


@pytest.mark.parametrize(
    ("out_of_scope", "action"), [(OutOfScope.RELEASE, Action.RELEASE), (OutOfScope.DELETE, Action.DELETE)]
)
def test_absence_proves_a_deletion_where_the_rule_says_so(out_of_scope: OutOfScope, action: Action) -> None:
    result = _sorted(
        SALES,
        absent=Absent(missing=frozenset({"g1"})),
        out_of_scope=out_of_scope,
        deletion_proof=DeletionProof.ABSENCE,
    )
    assert result == Endings([Ending(SALES, action, Reason.OBJECT_DELETED)])


@pytest.mark.parametrize("out_of_scope", list(OutOfScope))
@pytest.mark.parametrize("absent", [Absent(), Absent(deleted=frozenset({"g1"})), Absent(outside=frozenset({"g1"}))])
def test_what_is_gone_from_the_pbx_is_only_forgotten(absent: Absent, out_of_scope: OutOfScope) -> None:
    result = _sorted(SALES, absent=absent, out_of_scope=out_of_scope, existing=(11,))
    assert result == Endings([Ending(SALES, Action.RELEASE, Reason.OBJECT_GONE)])


def test_each_is_judged_by_itself_in_the_order_of_the_names() -> None:
    made = [_association("g3", "West", 12), _association("g2", "sales", 11), SALES, _association("g4", "Board", 13)]
    result = _sorted(*made, absent=Absent(deleted=frozenset({"g1"}), missing=frozenset({"g3"})))
    assert [(ending.association.guid, ending.reason) for ending in result.endings] == [
        ("g4", Reason.OBJECT_GONE),
        ("g1", Reason.OBJECT_DELETED),
        ("g2", Reason.OUT_OF_SCOPE),
    ]
    assert [one.guid for one in result.kept] == ["g3"]
    assert result == _sorted(*reversed(made), absent=Absent(deleted=frozenset({"g1"}), missing=frozenset({"g3"})))


def test_nothing_ends_where_nothing_is_absent() -> None:
    assert _sorted(absent=Absent(deleted=frozenset({"g1"}))) == Endings()
