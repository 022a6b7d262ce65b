# SPDX-License-Identifier: GPL-3.0-or-later
"""A conflict says whom it is about, what is in the way and which setting or value to change."""

from __future__ import annotations

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import conflicts, object_conflicts
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import FieldProblem
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    Origin,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.object_conflicts import Subject
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Conflict
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

from tests.unit.sync_builders import extension, user

ADA = user("ada")
HELD = Association(ADA.guid, 7, "1000", ADA.dn, "ada", Origin.CREATED, {})
PROBLEM = FieldProblem("mail", "email_addr", "x@", "it is no address")
SALES = Subject("guid-sales", "OU=Sales", ObjectKind.ORGANIZATION)
GROUP = Subject("guid-sales", "CN=Sales", ObjectKind.EXTENSION_GROUP)
UNIT = ObjectAssociation(
    "guid-sales", ObjectKind.ORGANIZATION, RuleKind.ORGANIZATIONAL_UNITS, 5, "", "Sales", Origin.CREATED
)


@pytest.mark.parametrize(
    ("made", "code", "words"),
    [
        (
            conflicts.email_in_use(ADA, "a@x.test", extension(7, "4711")),
            ConflictCode.EMAIL_IN_USE,
            ("address a@x.test is in use by extension 4711.", "associate_by_email"),
        ),
        (
            conflicts.email_in_use(ADA, "a@x.test", extension(7, "4711"), "ben"),
            ConflictCode.EMAIL_IN_USE,
            ("address a@x.test is in use by extension 4711 of ben", "by hand"),
        ),
        (
            conflicts.email_shared(ADA, "a@x.test", ("ben", "cid")),
            ConflictCode.EMAIL_SHARED,
            ("address a@x.test is also that of ben, cid,",),
        ),
        (
            conflicts.extension_not_found(ADA, "4711"),
            ConflictCode.EXTENSION_NOT_FOUND,
            ("no extension 4711", "another in users"),
        ),
        (
            conflicts.extension_taken(ADA, "4711"),
            ConflictCode.EXTENSION_TAKEN,
            ("Extension 4711 is associated with another user", "in users"),
        ),
        (
            conflicts.field_invalid(ADA, PROBLEM),
            ConflictCode.FIELD_INVALID,
            ("mail 'x@' cannot become email_addr: it is no address.", "in the directory"),
        ),
        (conflicts.no_capacity(ADA, 3), ConflictCode.NO_CAPACITY, ("licensed for 3 extensions", "licence")),
        (
            conflicts.number_differs(ADA, "1000", "1001", "ipPhone"),
            ConflictCode.NUMBER_DIFFERS,
            ("ipPhone says 1001 and the extension is 1000;", "Set ipPhone to 1000", "out_of_scope delete"),
        ),
        (
            conflicts.number_in_use(ADA, "1000"),
            ConflictCode.NUMBER_IN_USE,
            ("Extension 1000 exists already", "associate_by_email", "scope users"),
        ),
        (
            conflicts.number_made_anew(ADA, "1000"),
            ConflictCode.NUMBER_IN_USE,
            ("extension 1000 was deleted on the PBX and another one made", "Delete that one"),
        ),
        (
            conflicts.number_invalid(ADA, "12a", "ipPhone"),
            ConflictCode.NUMBER_INVALID,
            ("ipPhone '12a' is not an extension number", "1 to 8 digits", "directory"),
        ),
        (
            conflicts.number_missing(ADA, "ipPhone"),
            ConflictCode.NUMBER_MISSING,
            ("ipPhone is empty", "directory"),
        ),
        (
            conflicts.number_range_exhausted(ADA, 1000, 1003),
            ConflictCode.NUMBER_RANGE_EXHAUSTED,
            ("from 1000 to 1003", "number_end", "number_start"),
        ),
        (
            conflicts.number_shared(ADA, "1000", "ipPhone", ("ben", "cid")),
            ConflictCode.NUMBER_SHARED,
            ("ipPhone 1000 is also that of ben, cid.",),
        ),
        (
            conflicts.user_not_found(HELD, "Read it."),
            ConflictCode.USER_NOT_FOUND,
            ("1000 is kept. Read it.",),
        ),
        (
            conflicts.welcome_without_address(ADA, "1000"),
            ConflictCode.WELCOME_WITHOUT_ADDRESS,
            ("Extension 1000 has no e-mail address", "Fill mail"),
        ),
    ],
)
def test_conflicts_of_users(made: Conflict, code: ConflictCode, words: tuple[str, ...]) -> None:
    assert (made.code, made.guid, made.name) == (code.value, ADA.guid, "ada")
    assert [word for word in words if word not in made.message] == []


@pytest.mark.parametrize(
    ("made", "code", "words"),
    [
        (
            object_conflicts.name_invalid(SALES, "a&b", "it holds &"),
            ConflictCode.NAME_INVALID,
            ("The name 'a&b' cannot be that of an organization: it holds &.", "in the directory"),
        ),
        (
            object_conflicts.name_shared(SALES, "Sales", "Bonn"),
            ConflictCode.NAME_SHARED,
            ("called Sales too", "'Sales (Bonn)'"),
        ),
        (object_conflicts.name_shared(SALES, "Sales", ""), ConflictCode.NAME_SHARED, ("'Sales (second)'",)),
        (
            object_conflicts.name_taken(GROUP, "Sales", adoptable=True),
            ConflictCode.NAME_TAKEN,
            ("an extension group Sales already", "associate_by_name", ", or rename one of the two", "'Sales (AD)'"),
        ),
        (
            object_conflicts.name_taken(SALES, "Sales", adoptable=False),
            ConflictCode.NAME_TAKEN,
            ("an organization Sales already", ". Rename one of the two", "'Sales (AD)'"),
        ),
        (object_conflicts.no_room(SALES, 512), ConflictCode.NO_ROOM, ("takes 512 organizations", "narrow the scope")),
        (
            object_conflicts.too_deep(SALES, 10, exists=False),
            ConflictCode.TOO_DEEP,
            ("10 layers", "and this one would", "go to the organization above it", "parent_organization"),
        ),
        (
            object_conflicts.too_deep(SALES, 10, exists=True),
            ConflictCode.TOO_DEEP,
            ("10 layers", "or what is below it", "It stays where it is", "parent_organization"),
        ),
        (
            object_conflicts.object_in_use(SALES, "Sales", list("abcde")),
            ConflictCode.OBJECT_IN_USE,
            ("The organization Sales is to be deleted", "a, b, c, d, e. It is kept", "out_of_scope to release"),
        ),
        (
            object_conflicts.object_in_use(SALES, "Sales", list("abcdefg")),
            ConflictCode.OBJECT_IN_USE,
            ("a, b, c, d, e and 2 more.",),
        ),
    ],
)
def test_conflicts_of_units_and_groups(made: Conflict, code: ConflictCode, words: tuple[str, ...]) -> None:
    assert (made.code, made.guid) == (code.value, "guid-sales")
    assert made.name in ("OU=Sales", "CN=Sales")
    assert [word for word in words if word not in made.message] == []


def test_an_object_that_is_not_shown_is_named_as_it_is_on_the_pbx() -> None:
    made = object_conflicts.object_not_found(UNIT, "Read it.")
    assert (made.code, made.guid, made.name) == ("object_not_found", "guid-sales", "Sales")
    assert "neither what the organization Sales was made of" in made.message
    assert made.message.endswith("it is kept. Read it.")
