# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""One scratch organization, extension and extension group: made, changed, asked about and deleted whatever happens.

They are known by their names alone, which nobody gives to anything else; what a killed check has left is found by them.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.asking import Answered, AskingClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    DUPLICATE_KEY_VALUE,
    PbxAnswerError,
    PbxError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.examination import Examination
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.group_shapes import SPECIFIC
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.masking import shape_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.questions import ask_about_extension, unknown_id
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    NewExtension,
    Organization,
    OrganizationReference,
)

# Letters alone: no PBX can refuse them for their characters.
_NAME = "PbxopsCheckScratch"
_RENAMED = "PbxopsCheckScratchRenamed"
_FIRST_NAME = "PbxopsCheck"
_LAST_NAME = "Scratch"
_NAMES = (_NAME, _RENAMED)
_TITLE = "PbxopsCheckTitle"
_OTHER_TITLE = "PbxopsCheckOtherTitle"
#: All that a scratch object shows; a report may.
SCRATCH_TEXTS = frozenset({*_NAMES, _FIRST_NAME, _LAST_NAME, f"{_FIRST_NAME} {_LAST_NAME}", _TITLE, _OTHER_TITLE})
# Vendor's page "Extension Preferences": by default, users have 1000 to 5999. Companies fill it from below.
_NUMBERS = range(5999, 999, -1)
_NUMBERS_TRIED = 10
_SIGNATURE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Scratch:
    """A scratch object that is on the PBX.

    :param kind: extension_group, extension or organization.
    """

    kind: str
    id: int


def find_scratch(
    extensions: Sequence[Extension], groups: Sequence[ExtensionGroup], organizations: Sequence[Organization] | None
) -> list[Scratch]:
    """Find the scratch objects among what a PBX holds, in the order in which they can be deleted."""
    return [
        *(Scratch("extension_group", one.id) for one in groups if one.name in _NAMES),
        *(Scratch("extension", one.id) for one in extensions if _is_scratch(one)),
        *(Scratch("organization", one.id) for one in reversed(organizations or ()) if one.name in _NAMES),
    ]


def _is_scratch(extension: Extension) -> bool:
    return (extension.fields.get("first_name"), extension.fields.get("last_name")) == (_FIRST_NAME, _LAST_NAME)


def remove_scratch(client: AskingClient) -> list[Scratch]:
    """Delete all scratch objects, and return those that could not be.

    :raises PbxError: if they cannot be looked for.
    """
    delete: dict[str, Callable[[int], None]] = {
        "extension_group": client.delete_group,
        "extension": client.delete_extension,
        "organization": client.delete_organization,
    }
    left = []
    for scratch in find_scratch(client.extensions(), client.groups(), client.organizations()):
        try:
            delete[scratch.kind](scratch.id)
        except PbxError:
            left.append(scratch)
    return left


@dataclass
class ScratchCheck:
    """What is tried with the scratch objects.

    :param number: the scratch extension's number; "" for the highest that is free.
    """

    client: AskingClient
    examination: Examination
    extensions: Sequence[Extension]
    organizations: Sequence[Organization] | None
    number: str = ""

    def run(self) -> None:
        """Create, read, change and ask about one of each; deleting them is left to ``remove_scratch``."""
        organization = self._organization()
        extension = self._extension(organization)
        self._group(extension)
        if organization is not None:
            self._delete_organization(organization, extension)

    # --- the organization -----------------------------------------------------------------------------------------

    def _organization(self) -> OrganizationReference | None:
        client, attempt = self.client, partial(self.examination.attempt, needed=False)
        if not self.organizations:
            for name in ("create_organization", "rename_organization"):
                self.examination.leave_out(name, "Organization management is off.", needed=False)
            return None
        root = self.organizations[0].id
        organization_id = attempt("create_organization", lambda: client.create_organization(_NAME, root))
        if organization_id is None:
            return None
        self.examination.answer("duplicate_organization", lambda: self._duplicate_organization(root))

        def rename() -> None:
            client.update_organization(organization_id, _RENAMED, root)
            shown = client.organization(organization_id)
            _require(shown is not None and shown.name == _RENAMED, "an organization that was renamed has its old name")

        attempt("rename_organization", rename)
        return OrganizationReference(organization_id, _RENAMED)

    def _duplicate_organization(self, root: int) -> str:
        answered = self.client.ask("organization/create", body={"name": _NAME, "parent_id": root})
        return "yes" if answered.succeeded else f"no, {answered.told}"

    def _delete_organization(self, organization: OrganizationReference, extension: Extension | None) -> None:
        """Delete the organization while the extension is in it."""
        client = self.client
        self.examination.attempt(
            "delete_organization", lambda: client.delete_organization(organization.id), needed=False
        )
        if extension is None or not self.organizations or not self.examination.passed("delete_organization"):
            return
        root = self.organizations[0].id

        def where() -> str:
            shown = client.extension(extension.id)
            ids = [one.id for one in shown.organizations] if shown else []
            if not ids:
                return "in none"
            return "in its parent" if ids == [root] else "still in it" if organization.id in ids else "elsewhere"

        self.examination.answer("extensions_of_deleted_organization", where)

    # --- the extension --------------------------------------------------------------------------------------------

    def _extension(self, organization: OrganizationReference | None) -> Extension | None:
        """Create the extension, try what the collection does with it, and ask about it."""
        places = (organization,) if organization else self._root()
        self.examination.answer("missing_fields", self._missing_fields)
        extension_id = self.examination.attempt("create_extension", lambda: self._create_extension(places))
        if extension_id is None:
            for name in ("read_extension", "update_extension"):
                self.examination.leave_out(name, "No extension could be created.", needed=True)
            return None
        self.examination.answers["create_returns_id"] = self._returned_id("extension/create")
        self.examination.answers["passwords"] = "in Base64" if self.client.passwords_in_base64 else "as they are"
        extension = self.examination.attempt("read_extension", lambda: self._read_extension(extension_id, places))
        if extension is None:
            self.examination.leave_out("update_extension", "The extension could not be read.", needed=True)
            return None
        ask_about_extension(self.client, self.examination, extension_id)
        self.examination.attempt("update_extension", lambda: self._update_extension(extension_id, places))
        self._ask_about_writing(extension, places)
        return extension

    def _root(self) -> tuple[OrganizationReference, ...]:
        return tuple(OrganizationReference(one.id, one.name) for one in (self.organizations or ())[:1])

    def _missing_fields(self) -> str:
        body = {"type": "SIP", "first_name": _FIRST_NAME, "last_name": _LAST_NAME}
        return self.client.ask("extension/create", body=body).told

    def _create_extension(self, places: Sequence[OrganizationReference]) -> int:
        refusal: PbxRefusedError | None = None
        for number in self._free_numbers():
            new = NewExtension(
                number=number,
                fields={"first_name": _FIRST_NAME, "last_name": _LAST_NAME},
                registration_name=f"pbxopscheck{secrets.token_hex(8)}",
                organizations=tuple(places),
            )
            try:
                return self.client.create_extension(new)
            except PbxRefusedError as error:
                if error.errcode != DUPLICATE_KEY_VALUE:
                    raise
                # It may be a queue's or anything else's that has numbers.
                refusal = error
        raise refusal or PbxAnswerError("There is no free number.", "Give the check a number that is free.")

    def _free_numbers(self) -> list[str]:
        if self.number:
            return [self.number]
        taken = {extension.number for extension in self.extensions}
        free = (str(number) for number in _NUMBERS if str(number) not in taken)
        return [number for number, _count in zip(free, range(_NUMBERS_TRIED), strict=False)]

    def _read_extension(self, extension_id: int, places: Sequence[OrganizationReference]) -> Extension:
        shown = self.client.extension(extension_id)
        if shown is None:
            raise PbxAnswerError("The PBX does not show the extension that it has just created.")
        _require(_is_scratch(shown), "the extension has another name than it was created with")
        _require(
            {one.id for one in shown.organizations} == {one.id for one in places} or not places,
            "the extension is not in the organization that it was created in",
        )
        return shown

    def _update_extension(self, extension_id: int, places: Sequence[OrganizationReference]) -> None:
        self.client.update_extension(extension_id, {"title": _TITLE}, places)
        shown = self.client.extension(extension_id)
        _require(shown is not None and shown.fields["title"] == _TITLE, "the change of an extension does not show")

    def _ask_about_writing(self, extension: Extension, places: Sequence[OrganizationReference]) -> None:
        client, answer = self.client, self.examination.answer
        answer("duplicate_number", lambda: client.ask("extension/create", body=self._same_number(extension)).told)
        if places:
            answer("update_without_organization_list", partial(self._update_alone, extension.id))
            answer("parent_includes_children", partial(self._parent_includes, extension.id, places[0].id))
        ids = [one.id for one in (*self.extensions, extension)]
        answer("unknown_id_deleted", lambda: client.ask("extension/delete", {"id": unknown_id(ids)}).told)
        answer("signature", partial(self._signature, extension.number))
        answer("number_update", partial(self._number_update, extension))

    def _same_number(self, extension: Extension) -> dict[str, Any]:
        """The body that would create another extension of the same number."""
        return {
            "type": "SIP",
            "number": extension.number,
            "first_name": _FIRST_NAME,
            "last_name": _LAST_NAME,
            "user_password": self._password(),
            "reg_name": f"pbxopscheck{secrets.token_hex(8)}",
            "reg_password": self._password(),
            "concurrent_registrations": 1,
            "presence_status": "available",
            **self._shown_organizations(extension),
        }

    def _password(self) -> str:
        """A password of the kind that the documentation asks for; nothing is to be made with it."""
        password = f"Aq7{secrets.token_hex(8)}Zk"
        return b64encode(password.encode()).decode() if self.client.passwords_in_base64 else password

    def _shown_organizations(self, extension: Extension) -> dict[str, Any]:
        """The extension's organizations as the PBX shows them, for a body; nothing where it shows none."""
        listed = self.client.ask("extension/get", {"id": extension.id}).object().get("organization_list")
        return {"organization_list": listed} if listed else {}

    def _update_alone(self, extension_id: int) -> str:
        answered = self.client.ask("extension/update", body={"id": extension_id, "title": _OTHER_TITLE})
        if not answered.succeeded:
            return f"no, {answered.told}"
        shown = self.client.extension(extension_id)
        return "yes" if shown and shown.organizations else "yes, and takes the extension out of its organizations"

    def _parent_includes(self, extension_id: int, organization_id: int) -> str:
        answered = self.client.ask("organization/list", {"is_all": 1})
        holders = {
            str(node.get("id"))
            for node in _nodes(answered.rows("organization_list"))
            if str(extension_id) in {str(one) for one in node.get("ext_list") or ()}
        }
        if holders <= {str(organization_id)}:
            return "no" if holders else "the extension is not listed"
        return "yes"

    def _number_update(self, extension: Extension) -> str:
        taken = {one.number for one in self.extensions} | {extension.number}
        number = next(str(number) for number in _NUMBERS if str(number) not in taken)
        body = {"id": extension.id, "number": number, **self._shown_organizations(extension)}
        answered = self.client.ask("extension/update", body=body)
        if not answered.succeeded:
            return f"refused with {answered.told}"
        shown = self.client.extension(extension.id)
        return "accepted" if shown and shown.number == number else "ignored"

    def _signature(self, number: str) -> str:
        body = {"username": number, "sign_type": "sdk", "expire_time": _SIGNATURE_SECONDS}
        answered = self.client.ask("sign/create", body=body)
        return "a signature" if answered.succeeded else answered.told

    def _returned_id(self, endpoint: str) -> str:
        created = [one for one in self.client.exchanges if one.endpoint == endpoint and one.errcode == 0]
        return "yes" if created and '"id"' in created[-1].answered else "no"

    # --- the group ------------------------------------------------------------------------------------------------

    def _group(self, extension: Extension | None) -> None:
        client, examination = self.client, self.examination
        if extension is None:
            for name in ("create_group", "update_group"):
                examination.leave_out(name, "No extension could be created.", needed=False)
            return
        members = [extension.id]
        group_id = examination.attempt("create_group", lambda: client.create_group(_NAME, members), needed=False)
        if group_id is None:
            examination.leave_out("update_group", "No extension group could be created.", needed=False)
            return
        found: dict[str, Any] = {}

        def ask_shape() -> str:
            found.update(client.ask("extensiongroup/get", {"id": group_id}).object())
            members = found.get("members")
            return shape_of(members[0]) if isinstance(members, list) and members else shape_of(members)

        examination.answer("member_shape", ask_shape)

        def update() -> None:
            client.update_group(group_id, members)
            shown = client.group(group_id)
            _require(shown is not None and list(shown.members) == members, "the members of a group do not show")

        examination.attempt("update_group", update, needed=False)
        examination.answer("group_rename", lambda: self._rename_group(group_id, members))
        examination.answer("group_flags_not_sent", lambda: self._flags(group_id, found))
        examination.answer("group_without_members", lambda: self._empty_group(group_id))

    def _rename_group(self, group_id: int, members: Sequence[int]) -> str:
        if self.client.rename_group(group_id, _RENAMED, members):
            return "accepted"
        named = [one for one in self.client.exchanges if one.endpoint == "extensiongroup/update" and "name" in one.sent]
        return "ignored" if named[-1].errcode == 0 else f"refused with errcode {named[-1].errcode}"

    def _flags(self, group_id: int, shown: dict[str, Any]) -> str:
        """Set one permission otherwise, send an update without it, and look at it."""
        flag = next((name for name in sorted(shown) if "_enb_" in name), None)
        if flag is None:
            return "the group shows no permissions"
        wanted = 0 if str(shown[flag]) == "1" else 1
        body = {"id": group_id, "member_select": SPECIFIC, "members": shown.get("members", [])}
        set_flag = self._ask_group(body | {flag: wanted})
        if not set_flag.succeeded:
            return set_flag.told
        without = self._ask_group(body)
        if not without.succeeded:
            return without.told
        after = self.client.ask("extensiongroup/get", {"id": group_id}).object().get(flag)
        return "they stay" if str(after) == str(wanted) else "they are reset"

    def _empty_group(self, group_id: int) -> str:
        answered = self._ask_group({"id": group_id, "member_select": SPECIFIC, "members": []})
        return "yes" if answered.succeeded else f"no, {answered.told}"

    def _ask_group(self, body: dict[str, Any]) -> Answered:
        return self.client.ask("extensiongroup/update", body=body)


def _require(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise PbxAnswerError(f"The PBX said that it had done it, but {otherwise}.")


def _nodes(nodes: Sequence[Any]) -> Iterator[Any]:
    for node in nodes:
        yield node
        yield from _nodes(node.get("children") or ())
