# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Makes a rule of the options of pbx_ad_group_sync."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.drift_options import DRIFT_OPTIONS, drift_fields
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import check_scope
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import MEMBERS, NAME
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import (
    DeletionProof,
    DriftPolicy,
    GroupRule,
    GroupScope,
    GroupType,
    OutOfScope,
)

GROUP_RULE_OPTIONS: dict[str, dict[str, Any]] = {
    "scope": {"type": "str", "choices": [scope.value for scope in GroupScope], "default": "all"},
    "types": {"type": "list", "elements": "str", "choices": [kind.value for kind in GroupType], "default": []},
    "filter": {"type": "str", "default": ""},
    "groups": {"type": "list", "elements": "str", "default": []},
    "out_of_scope": {"type": "str", "choices": [fate.value for fate in OutOfScope], "default": "release"},
    "deletion_proof": {"type": "str", "choices": [proof.value for proof in DeletionProof], "default": "tombstone"},
    "associate_by_name": {"type": "bool", "default": False},
    **DRIFT_OPTIONS,
}

_SCOPE_OPTIONS = {GroupScope.TYPES: "types", GroupScope.FILTER: "filter", GroupScope.GROUPS: "groups"}


def group_rule(options: Mapping[str, Any]) -> GroupRule:
    """Return the rule that the options describe.

    :raises OptionError: where they contradict each other or cannot be used, by their names.
    """
    scope = GroupScope(options["scope"])
    check_scope(scope, _SCOPE_OPTIONS, options)
    return GroupRule(
        scope=scope,
        types=frozenset(GroupType(kind) for kind in options["types"]),
        filter=options["filter"],
        groups=tuple(options["groups"]),
        out_of_scope=OutOfScope(options["out_of_scope"]),
        deletion_proof=DeletionProof(options["deletion_proof"]),
        associate_by_name=options["associate_by_name"],
        drift=DriftPolicy(options["drift"]),
        drift_fields=drift_fields(options, (NAME, MEMBERS)),
    )
