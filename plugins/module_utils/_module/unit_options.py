# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Makes a rule of the options of pbx_ad_ou_sync."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.drift_options import DRIFT_OPTIONS, drift_fields
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import (
    OptionError,
    check_scope,
    require_attribute,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.naming import name_problem
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import MEMBERS, NAME, PARENT
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    DeletionProof,
    DriftPolicy,
    OutOfScope,
    SyncTo,
    UnitRule,
    UnitScope,
)

UNIT_RULE_OPTIONS: dict[str, dict[str, Any]] = {
    "scope": {"type": "str", "choices": [scope.value for scope in UnitScope], "default": "all"},
    "organizational_units": {"type": "list", "elements": "str", "default": []},
    "filter": {"type": "str", "default": ""},
    "sync_to": {"type": "str", "choices": [target.value for target in SyncTo], "default": "organization"},
    "parent_organization": {"type": "str", "default": ""},
    "company_name": {"type": "str", "default": ""},
    "hierarchy_from": {"type": "str", "default": ""},
    "hierarchy_separator": {"type": "str", "default": ""},
    "out_of_scope": {"type": "str", "choices": [fate.value for fate in OutOfScope], "default": "release"},
    "deletion_proof": {"type": "str", "choices": [proof.value for proof in DeletionProof], "default": "tombstone"},
    "associate_by_name": {"type": "bool", "default": False},
    **DRIFT_OPTIONS,
}
_DRIFT_FIELDS = {SyncTo.ORGANIZATION: (NAME, PARENT), SyncTo.EXTENSION_GROUP: (NAME, MEMBERS)}

_SCOPE_OPTIONS = {UnitScope.ORGANIZATIONAL_UNITS: "organizational_units", UnitScope.FILTER: "filter"}
_ORGANIZATION_OPTIONS = ("parent_organization", "company_name", "hierarchy_from", "hierarchy_separator")


def unit_rule(options: Mapping[str, Any]) -> UnitRule:
    """Return the rule that the options describe.

    :raises OptionError: where they contradict each other or cannot be used, by their names.
    """
    scope, sync_to = UnitScope(options["scope"]), SyncTo(options["sync_to"])
    check_scope(scope, _SCOPE_OPTIONS, options)
    _check_target(sync_to, options)
    _check_hierarchy(scope, options)
    return UnitRule(
        scope=scope,
        organizational_units=tuple(options["organizational_units"]),
        filter=options["filter"],
        sync_to=sync_to,
        parent_organization=options["parent_organization"].strip(),
        company_name=options["company_name"].strip(),
        hierarchy_from=options["hierarchy_from"],
        hierarchy_separator=options["hierarchy_separator"],
        out_of_scope=OutOfScope(options["out_of_scope"]),
        deletion_proof=DeletionProof(options["deletion_proof"]),
        associate_by_name=options["associate_by_name"],
        drift=DriftPolicy(options["drift"]),
        drift_fields=drift_fields(options, _DRIFT_FIELDS[sync_to]),
    )


def _check_target(sync_to: SyncTo, options: Mapping[str, Any]) -> None:
    for name in _ORGANIZATION_OPTIONS:
        if options[name] and sync_to is not SyncTo.ORGANIZATION:
            raise OptionError(
                f"{name} is given and sync_to is {sync_to.value}, which does not look at it.",
                f"Set sync_to to organization, or leave {name} out.",
            )
    problem = name_problem(options["company_name"]) if options["company_name"] else ""
    if problem:
        raise OptionError(f"company_name cannot be used: {problem}.", "Give a shorter or plainer name.")


def _check_hierarchy(scope: UnitScope, options: Mapping[str, Any]) -> None:
    attribute = options["hierarchy_from"]
    if options["hierarchy_separator"] and not attribute:
        raise OptionError(
            "hierarchy_separator is given without hierarchy_from.", "Name the attribute too, or leave it out."
        )
    if not attribute:
        return
    require_attribute(options, "hierarchy_from")
    if scope is not UnitScope.ALL:
        raise OptionError(
            f"scope is {scope.value} and hierarchy_from makes organizations of an attribute's values, not of units.",
            "Leave scope out, or hierarchy_from.",
        )
