# SPDX-License-Identifier: GPL-3.0-or-later
"""What the directory's values become on the PBX, and when two values are the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync import fields

from tests.unit.sync_builders import user


def _wanted(**attributes: str) -> fields.WantedFields:
    return fields.wanted_fields(replace(user("jdoe"), attributes=attributes))


def test_each_managed_field_comes_from_its_attribute() -> None:
    wanted = fields.wanted_fields(
        user("jdoe", "Jane.Doe@example.test", first="Jane", last="Doe", mobile="+49 151 1", title="Controller")
    )
    assert wanted.values == {
        "first_name": "Jane",
        "last_name": "Doe",
        "email_addr": "Jane.Doe@example.test",
        "mobile_number": "+491511",
        "title": "Controller",
    }
    assert wanted.problems == ()


def test_the_mobile_number_comes_from_telephone_number_not_from_mobile() -> None:
    person = user("jdoe", mobile="1")
    both = replace(person, attributes={**person.attributes, "mobile": "2"})
    assert fields.wanted_fields(both).values["mobile_number"] == "1"


def test_absent_attributes_clear_their_fields() -> None:
    wanted = fields.wanted_fields(user("jdoe", first="Jane"))
    assert wanted.values == {
        "first_name": "Jane",
        "last_name": "",
        "email_addr": "",
        "mobile_number": "",
        "title": "",
    }


@pytest.mark.parametrize(
    ("spelled", "written"),
    [
        ("+49 (151) 123-456", "+49(151)123-456"),
        ("tel:+49151123", "+49151123"),
        ("TEL:+49151123", "+49151123"),
        (" 0151\u2013123\u2212456 ", "0151-123-456"),
        ("0151/123 456", "0151-123456"),
        ("\uff10\uff11\uff15\uff11", "0151"),
        ("0151\u00a0123", "0151123"),
        ("*31#0151", "*31#0151"),
        ("", ""),
    ],
)
def test_a_telephone_number_is_written_in_the_characters_that_the_pbx_takes(spelled: str, written: str) -> None:
    wanted = fields.wanted_fields(user("jdoe", mobile=spelled))
    assert wanted.values["mobile_number"] == written
    assert wanted.problems == ()


@pytest.mark.parametrize(
    ("attribute", "name", "value", "why"),
    [
        ("givenName", "first_name", "x" * 64, "it has 64 characters and the PBX takes 63"),
        ("sn", "last_name", "x" * 64, "it has 64 characters and the PBX takes 63"),
        ("sn", "last_name", "D\x07oe", "it contains control characters"),
        ("mail", "email_addr", "x" * 247 + "@test.de1", "it has 256 characters and the PBX takes 255"),
        ("mail", "email_addr", "jane+doe@example.test", "the PBX takes letters"),
        ("mail", "email_addr", ".jane@example.test", "the PBX takes letters"),
        ("mail", "email_addr", "jane@example", "the PBX takes letters"),
        ("mail", "email_addr", "jane@example.test\n@x.test", "the PBX takes letters"),
        ("mail", "email_addr", "j\u00e4ne@example.test", "the PBX takes letters"),
        ("telephoneNumber", "mobile_number", "1" * 32, "it has 32 characters and the PBX takes 31"),
        ("telephoneNumber", "mobile_number", "0151 ext:7", "the PBX takes digits"),
        ("title", "title", "Head\tof", "it contains control characters"),
    ],
)
def test_what_the_pbx_would_refuse_is_a_problem_and_not_cut(attribute: str, name: str, value: str, why: str) -> None:
    wanted = _wanted(displayName="Jane Doe", **{attribute: value})
    (problem,) = wanted.problems
    assert (problem.attribute, problem.name, problem.value) == (attribute, name, value)
    assert problem.why.startswith(why)
    if name != "first_name":
        assert name not in wanted.values


@pytest.mark.parametrize(
    ("attribute", "name", "value"),
    [
        ("givenName", "first_name", "x" * 63),
        ("mail", "email_addr", "x" * 246 + "@test.de1"),
        ("mail", "email_addr", "_o'neil-x.y_z@mail-1.example.test"),
        ("telephoneNumber", "mobile_number", "1" * 31),
        ("title", "title", "x" * 200),
    ],
)
def test_what_just_fits_is_taken(attribute: str, name: str, value: str) -> None:
    wanted = _wanted(**{attribute: value})
    assert wanted.values[name] == value
    assert wanted.problems == ()


@pytest.mark.parametrize(
    ("attributes", "first_name"),
    [
        ({"displayName": " Meeting Room ", "cn": "room"}, "Meeting Room"),
        ({"displayName": "x" * 64, "cn": "room"}, "room"),
        ({"displayName": "  ", "cn": "ro\x00om"}, "jdoe"),
        ({}, "jdoe"),
    ],
)
def test_a_user_without_first_and_last_name_gets_the_first_usable_other_name(
    attributes: dict[str, str], first_name: str
) -> None:
    assert _wanted(**attributes).values["first_name"] == first_name


def test_a_last_name_alone_is_name_enough() -> None:
    assert _wanted(displayName="Jane Doe", sn="Doe").values["first_name"] == ""


def test_an_unusable_first_name_alone_gives_way_to_another_name_for_the_pbx_wants_one() -> None:
    wanted = fields.wanted_fields(user("jdoe", first="x" * 64, displayName="Jane"))
    assert wanted.values["first_name"] == "Jane"
    assert [problem.name for problem in wanted.problems] == ["first_name"]


def test_case_matters_in_names_and_not_in_addresses() -> None:
    assert fields.same("email_addr", "Jane@Example.test", "jane@example.TEST")
    assert not fields.same("first_name", "Jane", "jane")


def test_only_wanted_fields_can_differ_and_an_absent_one_is_empty() -> None:
    wanted = {"title": "Lead", "last_name": "Doe", "mobile_number": "", "email_addr": "A@x.test"}
    actual = {"title": "lead", "first_name": "Someone", "last_name": "Doe", "email_addr": "a@X.test"}
    assert fields.differing(wanted, actual) == ("title",)
    assert fields.differing({"title": "Lead", "last_name": "Doe"}, {}) == ("last_name", "title")


def test_every_attribute_that_a_field_comes_from_is_read() -> None:
    assert set(fields.USER_ATTRIBUTES) == {
        "givenName",
        "sn",
        "mail",
        "telephoneNumber",
        "title",
        "displayName",
        "cn",
    }
