# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The shapes of an extension group: read with tolerance, written back as they came."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import IncompleteListError, PbxAnswerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.listing import Row
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import (
    parse_integer,
    parse_optional_integer,
    parse_text,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import ExtensionGroup

#: member_select of vendor's page "Query Extension Group List": every extension, or those that ``members`` names.
ALL_EXTENSIONS = "sel_all_ext"
SPECIFIC = "sel_specific"

# The page that describes a member could not be read. References are {value, type, text, text2} in most of the Open
# API, e.g. vendor's page "Query Group Voicemail List", and the web portal itself asks with {ext_id, caller_id_name,
# user_type}; so both are taken.
_ID_KEYS = ("value", "ext_id", "id")
_FLAG = re.compile(r"(?:mgr|user|custom)_enb_")
# What vendor's page "Extension Group Overview" gives a new member.
USER = "user"


@dataclass(frozen=True, slots=True)
class GroupDetails:
    """What an extension group holds that only the PBX cares about, and that must survive being written.

    :param members: by extension id, each member as the PBX showed it, user type included.
    :param flags: its permissions by name, for managers, users and custom users (vendor's page "Edit an Extension
        Group").
    """

    members: Mapping[int, Any] = field(default_factory=dict)
    flags: Mapping[str, int] = field(default_factory=dict)


def parse_group(detail: Row, row: Row) -> tuple[ExtensionGroup, GroupDetails]:
    """Read an extension group.

    :param detail: an object of extensiongroup/get or extensiongroup/query.
    :param row: its row of extensiongroup/list, for what the detail leaves out and for how many members it has; empty
        where it was not read.
    :raises PbxAnswerError: if there is no id, name or member.
    :raises IncompleteListError: if the row says that there are more or fewer members than the detail has.
    """
    group_id = parse_integer(detail.get("id"), "id of an extension group")
    what = "name of an extension group"
    name = parse_text(detail.get("name"), what) or parse_text(row.get("name"), what)
    if not name:
        raise PbxAnswerError(f"The PBX's answer has an extension group without name (id {group_id}).")
    details = GroupDetails(_parse_members(detail, row, name), _parse_flags(detail))
    if _includes_all(detail, row):
        return ExtensionGroup(group_id, name, includes_all=True, settings=details.flags), details
    total = _total(row)
    if total not in (None, len(details.members)):
        raise IncompleteListError(
            f"The PBX's list says that extension group {name} has {total} members, and its details show "
            f"{len(details.members)}.",
            "Run again when nobody is changing extension groups; if it stays so, restart the PBX.",
        )
    group = ExtensionGroup(
        group_id,
        name,
        tuple(sorted(details.members)),
        user_types=_user_types(details.members),
        settings=details.flags,
    )
    return group, details


def is_whole(detail: Row) -> bool:
    """Whether a detail needs no row of the list beside it."""
    has_members = detail.get("members") is not None or detail.get("member_select") == ALL_EXTENSIONS
    return bool(detail.get("name")) and bool(detail.get("member_select")) and has_members


@dataclass(frozen=True, slots=True)
class _Form:
    """How a member is written.

    :param id_key: the key of the extension's id; "" where a member is nothing but that id.
    :param fixed: what every member has besides.
    """

    id_key: str
    id_is_text: bool
    fixed: Mapping[str, Any] = field(default_factory=dict)


_REFERENCE = _Form("value", id_is_text=True, fixed={"type": "extension"})
_WEB_PORTAL = _Form("ext_id", id_is_text=False)


class MemberShape:
    """How this PBX writes a member of an extension group.

    It is learned from the first member that any group has. Until then it is guessed: ``{"value": "54", "type":
    "extension", "user_type": "user"}``, or ``{"ext_id": 54, "user_type": "user"}`` as the other guess.
    """

    def __init__(self) -> None:
        self._form = _REFERENCE
        self._has_user_type = True
        self._learned = False

    @property
    def is_guessed(self) -> bool:
        """Whether no member was seen yet."""
        return not self._learned

    def guess_other(self) -> None:
        """Go over from one guess to the other one."""
        self._form = _WEB_PORTAL if self._form is _REFERENCE else _REFERENCE

    def learn(self, elements: Iterable[object]) -> None:
        """Look at members that the PBX returned, already read without error."""
        for element in elements:
            if not self._learned:
                self._learned = True
                self._has_user_type = False
                self._form = _form_of(element)
            # A word of another kind than the documented ones is none that could be given to a new member.
            if isinstance(element, Mapping) and isinstance(element.get("user_type"), str):
                self._has_user_type = True

    def write(self, extension_id: int, user_type: str = USER) -> Any:
        """Return a member that no group has shown, of that type if this PBX shows the types of members."""
        identifier = str(extension_id) if self._form.id_is_text else extension_id
        if not self._form.id_key:
            return identifier
        typed = {"user_type": user_type} if self._has_user_type else {}
        return {self._form.id_key: identifier, **self._form.fixed, **typed}


def _form_of(element: object) -> _Form:
    if not isinstance(element, Mapping):
        return _Form("", id_is_text=isinstance(element, str))
    id_key = next(key for key in _ID_KEYS if key in element)
    fixed = {"type": element["type"]} if "type" in element else {}
    return _Form(id_key, id_is_text=isinstance(element[id_key], str), fixed=fixed)


def _parse_member(element: object, name: str) -> int:
    identifier = element
    if isinstance(element, Mapping):
        identifier = next((element[key] for key in _ID_KEYS if key in element), None)
    return parse_integer(identifier, f"id of a member of extension group {name}")


def _user_types(members: Mapping[int, Any]) -> dict[int, str]:
    return {
        id_: element["user_type"]
        for id_, element in members.items()
        if isinstance(element, Mapping) and isinstance(element.get("user_type"), str)
    }


def _includes_all(detail: Row, row: Row) -> bool:
    return (detail.get("member_select") or row.get("member_select")) == ALL_EXTENSIONS


def _total(row: Row) -> int | None:
    return parse_optional_integer(row.get("total_extensions"))


def _parse_members(detail: Row, row: Row, name: str) -> dict[int, Any]:
    members = detail.get("members")
    if not isinstance(members, list):
        # An empty group and one whose members are not shown are told apart: who is taken for gone is taken out.
        if not _includes_all(detail, row) and (members is not None or _total(row) != 0):
            raise PbxAnswerError(f"The PBX's answer has no list of the members of extension group {name}.")
        members = []
    return {_parse_member(element, name): element for element in members}


def _parse_flags(detail: Row) -> dict[str, int]:
    flags = {key: parse_optional_integer(value) for key, value in detail.items() if _FLAG.match(key)}
    return {key: value for key, value in flags.items() if value is not None}
