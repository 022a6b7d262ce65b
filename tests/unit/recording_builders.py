# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of a run, made of what matters to a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.kinds import KINDS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration, SavedRule, UserQuery
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.recording import (
    DirectoryRecord,
    GroupRecord,
    Recording,
    UsersAnswer,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryIdentity, DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

from tests.unit.sync_builders import DOMAIN, NOW, PBX, pbx

BASE_DN = DOMAIN.dn


def directory_record(*users: DirectoryUser, groups: Sequence[GroupRecord] | None = None) -> DirectoryRecord:
    """A directory that was asked for all users below the base DN, and for all groups if there are any."""
    return DirectoryRecord(
        identity=DirectoryIdentity(DOMAIN, "dc1.example.test", NOW, deleted_objects_readable=True),
        users=users,
        deleted_users=frozenset(),
        named_users={},
        answers=(UsersAnswer(UserQuery((BASE_DN,)), tuple(range(len(users)))),),
        groups=tuple(groups) if groups is not None else None,
        named_groups={},
        found_groups=(),
        nested_groups={},
        units=(),
        named_units={},
        objects={},
        deleted_objects=frozenset(),
    )


def recording_of(
    *users: DirectoryUser,
    extensions: Sequence[Extension] = (),
    associations: Sequence[Association] = (),
    **settings: Any,
) -> Recording:
    """What a run under a rule for users has seen; the settings are those that differ from the defaults."""
    seen = pbx(*extensions, room=len(users))
    rule = SavedRule({**KINDS[RuleKind.USERS].defaults, **settings}, synchronized=True)
    return Recording(
        directory=directory_record(*users),
        pbx=replace(seen, identity=PBX),
        integration=Integration(DOMAIN, PBX, {"directory_base_dn": BASE_DN}, "connected"),
        rules={RuleKind.USERS.value: rule},
        names={},
        associations=tuple(associations),
        objects=(),
    )
