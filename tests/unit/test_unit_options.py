# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of pbx_ad_ou_sync become a rule, or an error that names the option."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import OptionError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.unit_options import UNIT_RULE_OPTIONS, unit_rule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    DeletionProof,
    DriftPolicy,
    OutOfScope,
    SyncTo,
    UnitRule,
    UnitScope,
)


def options(**given: Any) -> dict[str, Any]:
    """The options as Ansible hands them over: the given ones and the defaults of the others."""
    return {name: spec["default"] for name, spec in UNIT_RULE_OPTIONS.items()} | given


def test_the_defaults_are_those_of_the_rule() -> None:
    assert unit_rule(options()) == UnitRule()


def test_what_is_given_is_in_the_rule() -> None:
    assert unit_rule(
        options(
            scope="organizational_units",
            organizational_units=["Staff", "OU=Sales,DC=lab,DC=test"],
            parent_organization=" Departments/Sites ",
            company_name=" Example Ltd ",
            out_of_scope="delete",
            deletion_proof="absence",
            associate_by_name=True,
        )
    ) == UnitRule(
        scope=UnitScope.ORGANIZATIONAL_UNITS,
        organizational_units=("Staff", "OU=Sales,DC=lab,DC=test"),
        parent_organization="Departments/Sites",
        company_name="Example Ltd",
        out_of_scope=OutOfScope.DELETE,
        deletion_proof=DeletionProof.ABSENCE,
        associate_by_name=True,
    )
    assert unit_rule(options(hierarchy_from="department", hierarchy_separator=" / ")) == UnitRule(
        hierarchy_from="department", hierarchy_separator=" / "
    )
    assert unit_rule(options(scope="filter", filter="(ou=sales*)", sync_to="extension_group")) == UnitRule(
        scope=UnitScope.FILTER, filter="(ou=sales*)", sync_to=SyncTo.EXTENSION_GROUP
    )


@pytest.mark.parametrize("name", ["department", "extensionAttribute1", "msDS-cloudExtensionAttribute1", "1.2.840.1"])
def test_an_attribute_may_have_a_name_or_an_object_identifier(name: str) -> None:
    assert unit_rule(options(hierarchy_from=name)).hierarchy_from == name


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"scope": "organizational_units"}, ["organizational_units", "empty"]),
        ({"scope": "filter"}, ["filter", "empty"]),
        ({"organizational_units": ["Staff"]}, ["organizational_units", "scope", "all"]),
        ({"filter": "(ou=*)"}, ["filter", "scope", "all"]),
        ({"scope": "organizational_units", "organizational_units": ["Staff"], "filter": "(ou=*)"}, ["filter", "scope"]),
        ({"scope": "filter", "filter": "(ou=*)", "organizational_units": ["Staff"]}, ["organizational_units", "scope"]),
        ({"scope": "organizational_units", "organizational_units": ["Staff", ""]}, ["organizational_units", "empty"]),
        ({"scope": "organizational_units", "organizational_units": ["\t"]}, ["organizational_units", "empty"]),
        ({"sync_to": "extension_group", "parent_organization": "1"}, ["parent_organization", "sync_to"]),
        ({"sync_to": "extension_group", "company_name": "Example Ltd"}, ["company_name", "sync_to"]),
        ({"sync_to": "extension_group", "hierarchy_from": "department"}, ["hierarchy_from", "sync_to"]),
        ({"sync_to": "extension_group", "hierarchy_separator": "/"}, ["hierarchy_separator", "sync_to"]),
        ({"company_name": "  "}, ["company_name", "empty"]),
        ({"company_name": "x" * 128}, ["company_name", "128"]),
        ({"company_name": "Example\0Ltd"}, ["company_name", "control characters"]),
        ({"company_name": "Example\nLtd"}, ["company_name", "control characters"]),
        ({"hierarchy_separator": "/"}, ["hierarchy_separator", "hierarchy_from"]),
        ({"hierarchy_from": " "}, ["hierarchy_from"]),
        ({"hierarchy_from": "department "}, ["hierarchy_from"]),
        ({"hierarchy_from": "department;lang-de"}, ["hierarchy_from"]),
        ({"hierarchy_from": "department)(cn=*"}, ["hierarchy_from"]),
        ({"hierarchy_from": "department\n"}, ["hierarchy_from"]),
        ({"hierarchy_from": "\0"}, ["hierarchy_from"]),
        ({"hierarchy_from": "1"}, ["hierarchy_from"]),
        ({"hierarchy_from": "*"}, ["hierarchy_from"]),
        (
            {"hierarchy_from": "department", "scope": "organizational_units", "organizational_units": ["Staff"]},
            ["hierarchy_from", "scope", "organizational_units"],
        ),
        ({"hierarchy_from": "department", "scope": "filter", "filter": "(ou=*)"}, ["hierarchy_from", "scope"]),
    ],
)
def test_options_that_cannot_be_are_told_by_their_names(given: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(OptionError) as raised:
        unit_rule(options(**given))

    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"drift_fields": {"members": "report"}}, "It takes name, parent."),
        ({"drift_fields": {"parent": "report"}, "sync_to": "extension_group"}, "It takes name, members."),
        ({"drift_fields": {"parent": "no"}}, "Give correct or report."),
    ],
)
def test_a_policy_for_a_field_that_is_none_is_told_with_those_there_are(given: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        unit_rule(options(**given))


def test_a_policy_for_drift_is_in_the_rule() -> None:
    rule = unit_rule(options(drift="report", drift_fields={"name": "correct"}))

    assert (rule.drift, rule.drift_fields) == (DriftPolicy.REPORT, {"name": DriftPolicy.CORRECT})
