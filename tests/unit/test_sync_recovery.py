# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of changes whose outcome nobody wrote down."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Intent, JournalState, Resolution
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    Origin,
    RetiredNumber,
    Welcome,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, ExtensionChange, Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.recovery import recover

from tests.unit.sync_builders import NOW, extension, pbx

FIELDS = {"first_name": "Ada", "email_addr": "ada@x.test"}
AFTERWARDS = Association("ada", 0, "1000", "CN=ada", "ada", Origin.CREATED, FIELDS, Welcome.DUE)
CREATE = ExtensionChange(
    action=Action.CREATE,
    guid="ada",
    name="ada",
    dn="CN=ada",
    number="1000",
    object_id=None,
    reason=Reason.NEW_USER,
    after=FIELDS,
    association=AFTERWARDS,
)
HELD = replace(AFTERWARDS, extension_id=7)
UPDATE = replace(CREATE, action=Action.UPDATE, object_id=7, association=HELD)
ASSOCIATE = replace(UPDATE, action=Action.ASSOCIATE)
DELETE = ExtensionChange(
    action=Action.DELETE, guid="ada", name="ada", dn="CN=ada", number="1000", object_id=7, reason=Reason.ACCOUNT_DELETED
)
RELEASE = replace(DELETE, action=Action.RELEASE, reason=Reason.OUT_OF_SCOPE)


def _recover(change: ExtensionChange, *extensions: Extension, associations: tuple[Association, ...] = ()) -> Resolution:
    name = "drawn" if change.action is Action.CREATE else ""
    (resolution,) = recover([Intent(1, "run", change, name)], associations, pbx(*extensions), NOW)
    assert resolution.intent.change == change
    return resolution


def _failed(resolution: Resolution, detail: str) -> None:
    assert (resolution.state, resolution.detail) == (JournalState.FAILED, detail)
    assert (resolution.save, resolution.drop, resolution.retired) == (None, False, None)


def test_nothing_unfinished_is_nothing_to_settle() -> None:
    assert recover([], [HELD], pbx(), NOW) == []


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(extension(9, "1000", registration_name="drawn"), id="by its name, whatever its fields"),
        pytest.param(extension(9, "1000", **FIELDS), id="by its fields where the PBX hides the name"),
        pytest.param(extension(9, "1000", title="x", **FIELDS), id="by the fields it was given, of all it has"),
    ],
)
def test_a_creation_that_was_not_answered_is_known_again(found: Extension) -> None:
    resolution = _recover(CREATE, extension(7, "1001"), found)
    assert (resolution.state, resolution.detail) == (JournalState.DONE, "the extension had been created")
    assert resolution.save == replace(AFTERWARDS, extension_id=9)
    assert (resolution.drop, resolution.retired) == (False, None)


def test_a_creation_that_did_not_happen_is_planned_again() -> None:
    _failed(_recover(CREATE, extension(9, "1001", **FIELDS)), "the extension was not created")


@pytest.mark.parametrize(
    "found",
    [
        extension(9, "1000", registration_name="other", **FIELDS),
        extension(9, "1000", first_name="Ada", email_addr="other@x.test"),
    ],
)
def test_an_extension_that_somebody_made_meanwhile_is_theirs(found: Extension) -> None:
    _failed(_recover(CREATE, found), "extension 1000 is somebody else's")


def test_an_extension_that_another_user_has_is_theirs() -> None:
    found = extension(9, "1000", registration_name="drawn", **FIELDS)
    owner = replace(HELD, guid="ben", extension_id=9)
    _failed(_recover(CREATE, found, associations=(owner,)), "extension 1000 is somebody else's")


def test_an_extension_that_the_user_has_already_stays_theirs() -> None:
    found = extension(9, "1000", registration_name="drawn")
    owner = replace(HELD, extension_id=9)
    assert _recover(CREATE, found, associations=(owner,)).save == owner


def test_of_two_creations_of_one_number_one_is_done() -> None:
    other = replace(CREATE, guid="ben", association=replace(AFTERWARDS, guid="ben"))
    found = extension(9, "1000", **FIELDS)
    first, second = recover([Intent(1, "run", CREATE), Intent(2, "run", other)], [], pbx(found), NOW)
    assert first.save == replace(AFTERWARDS, extension_id=9)
    _failed(second, "extension 1000 is somebody else's")


def test_a_creation_without_association_is_refused() -> None:
    found = extension(9, "1000", registration_name="drawn")
    _failed(_recover(replace(CREATE, association=None), found), "the journal row names no association")


def test_a_deletion_that_happened_frees_the_number() -> None:
    resolution = _recover(DELETE, extension(9, "1000"), associations=(HELD,))
    assert (resolution.state, resolution.detail) == (JournalState.DONE, "the extension had been deleted")
    assert (resolution.save, resolution.drop) == (None, True)
    assert resolution.retired == RetiredNumber("1000", "ada", NOW)


def test_a_deletion_that_did_not_happen_is_planned_again() -> None:
    _failed(_recover(DELETE, extension(7, "1000"), associations=(HELD,)), "the extension was not deleted")


def test_a_release_is_planned_again() -> None:
    _failed(_recover(RELEASE, extension(7, "1000"), associations=(HELD,)), "the association had not ended")


@pytest.mark.parametrize("change", [UPDATE, ASSOCIATE])
def test_fields_that_were_written_are_remembered(change: ExtensionChange) -> None:
    resolution = _recover(change, extension(7, "1000", **FIELDS))
    assert (resolution.state, resolution.detail) == (JournalState.DONE, "the fields had been written")
    assert (resolution.save, resolution.drop, resolution.retired) == (HELD, False, None)


@pytest.mark.parametrize("change", [UPDATE, ASSOCIATE])
@pytest.mark.parametrize("found", [extension(7, "1000", first_name="Ada"), extension(9, "1000", **FIELDS)])
def test_fields_that_were_not_written_are_planned_again(change: ExtensionChange, found: Extension) -> None:
    _failed(_recover(change, found), "the fields had not been written")


def test_a_change_that_names_no_extension_wrote_nothing() -> None:
    _failed(_recover(replace(UPDATE, object_id=None), extension(7, "1000")), "the fields had not been written")
