# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Extensions created, changed and deleted, so that a lost answer makes no second one."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    ROLE_NOT_EXISTED,
    AnswerLostError,
    PbxError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.extension_reader import ExtensionReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.lost_answers import (
    Answer,
    created_id,
    delete_until_known,
    write_until_known,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.passwords import make_password
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import (
    ElementShape,
    OrganizationShape,
    parse_optional_integer,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Access,
    Extension,
    NewExtension,
    OrganizationReference,
    has_access,
)

_PASSWORD_FIELDS = frozenset({"user_password", "reg_password"})


class ExtensionWriter:
    """Writes extensions.

    :param reader: shows what became of a write whose answer was lost.
    :param organization_shape: how this PBX writes organizations.
    :param source: where passwords come from.
    :param warn: takes sentences for the administrator about what went wrong without harm.
    """

    def __init__(
        self,
        session: Session,
        reader: ExtensionReader,
        organization_shape: OrganizationShape,
        source: random.Random,
        *,
        warn: Callable[[str], None],
    ) -> None:
        self._session = session
        self._reader = reader
        self._organization_shape = organization_shape
        self._source = source
        self._warn = warn
        self._passwords_in_base64 = False

    @property
    def passwords_in_base64(self) -> bool:
        """Whether this PBX has refused passwords as they are and taken them in Base64."""
        return self._passwords_in_base64

    def create(self, new: NewExtension) -> int:
        """Create an extension with passwords that nobody knows, and return its id.

        Settings that the PBX refuses (a role that is gone, a number of registrations that it no longer allows) are
        left out, with a warning; those that it shows as texts of digits, and refuses so, are sent as numbers first.

        :raises PbxCapacityError: if the licence allows no more.
        :raises PbxRefusedError: if the PBX refuses it, or the number is another extension's.
        :raises AnswerLostError: if it is not known whether it was created.
        """
        try:
            return self._create_whole(new)
        except PbxRefusedError as error:
            refused = _refused_settings(error, new)
            if not refused:
                raise
        numbers = {name: int(value) for name in refused if _is_digits(value := new.settings[name])}
        if numbers:
            return self.create(replace(new, settings={**new.settings, **numbers}))
        kept = {name: value for name, value in new.settings.items() if name not in refused}
        extension_id = self.create(replace(new, settings=kept))
        self._warn(
            f"Extension {new.number} was created without its former {', '.join(sorted(refused))}: the PBX refused it. "
            "Set it on the PBX."
        )
        return extension_id

    def _create_whole(self, new: NewExtension) -> int:
        names = (new.fields.get("first_name", ""), new.fields.get("last_name", ""))
        user_password = make_password(self._source, new.number, *names)
        reg_password = make_password(self._source, new.number, *names)
        answer = self._with_passwords(lambda encode: self._create(new, user_password, reg_password, encode))
        return self._created_id(new, answer)

    def update(
        self,
        extension_id: int,
        fields: Mapping[str, str],
        organizations: Sequence[OrganizationReference],
        access: Access | None = None,
    ) -> None:
        """Set these managed fields and no others, and put the extension into exactly these organizations.

        :param organizations: empty while organization management is off: then they are left as they are.
        :param access: what becomes of how phones, clients and callers get at it; None to leave that.
        :raises PbxRefusedError: if the PBX refuses it.
        :raises AnswerLostError: if it is not known whether it was done.
        """

        def ask(_must_exist: bool) -> Answer | None:
            present = self._reader.read_one(extension_id)
            is_done = (
                present is not None
                and _has(present, fields, organizations)
                and (access is None or _shows(present, access))
            )
            return {} if is_done else None

        def send(password: str, encoded: str) -> Answer:
            body = {"id": extension_id, **fields, **_access_fields(access, encoded)}
            call = Call(
                "extension/update",
                f"change the extension with id {extension_id}",
                body=body,
                secrets=(password, encoded) if password else (),
            )
            return self._write(call, organizations, ask)

        if access is None or not access.password_unlike:
            send("", "")
            return
        password = make_password(self._source, *access.password_unlike)
        self._with_passwords(lambda encode: send(password, encode(password)))

    def delete(self, extension_id: int) -> None:
        """Delete an extension; one that is already gone is a success.

        :raises PbxRefusedError: if the PBX refuses it.
        :raises AnswerLostError: if it is not known whether it was done.
        """
        call = Call("extension/delete", f"delete the extension with id {extension_id}", query={"id": str(extension_id)})
        delete_until_known(self._session, call, lambda: self._reader.read_one(extension_id) is None)

    def send_welcome_emails(self, extension_ids: Sequence[int]) -> None:
        """Ask for the Linkus welcome e-mail of these extensions, once.

        :raises PbxRefusedError: if the PBX refuses it.
        :raises AnswerLostError: if it is not known whether they were sent; nothing is sent again.
        """
        if not extension_ids:
            return
        call = Call(
            "extension/send_welcome_email",
            f"send the welcome e-mail of {len(extension_ids)} extension(s)",
            body={"id_list": list(extension_ids)},
        )
        try:
            self._session.write(call)
        except PbxError as error:
            if not error.outcome_unknown:
                raise
            lost = error
        else:
            return
        raise AnswerLostError(
            f"It is not known whether the PBX managed to {call.purpose}: {lost.message}",
            "They are not asked for again.",
        )

    def _with_passwords(self, send: Callable[[Callable[[str], str]], Answer]) -> Answer:
        """Send a call that has passwords in it, encoded as this PBX wants them.

        Whether passwords travel in Base64 is not documented: PBXs that want it so refuse them as they are.

        :param send: takes what encodes a password.
        """
        in_base64 = self._passwords_in_base64
        try:
            return send(_in_base64 if in_base64 else str)
        except PbxRefusedError as error:
            refusal = error
        refused = set(refusal.invalid_fields)
        if in_base64 or not refused or not refused <= _PASSWORD_FIELDS:
            raise refusal
        try:
            answer = send(_in_base64)
        except PbxRefusedError:
            raise refusal from None
        self._passwords_in_base64 = True
        return answer

    def _create(self, new: NewExtension, user_password: str, reg_password: str, encode: Callable[[str], str]) -> Answer:
        secrets = (user_password, reg_password, encode(user_password), encode(reg_password))
        body: dict[str, Any] = {
            "type": "SIP",
            "number": new.number,
            **{name: value for name, value in new.fields.items() if value},
            "user_password": encode(user_password),
            "reg_name": new.registration_name,
            "reg_password": encode(reg_password),
            "concurrent_registrations": 1,
            "presence_status": "available",
            **new.settings,
        }
        call = Call("extension/create", f"create extension {new.number}", body=body, secrets=secrets)
        return self._write(call, new.organizations, lambda must_exist: self._find_created(new, must_exist))

    def _write(
        self, call: Call, organizations: Sequence[OrganizationReference], ask: Callable[[bool], Answer | None]
    ) -> Answer:
        """Send a call with the extension's organizations.

        How they are written is a guess while no extension has shown one. If they are refused, they are sent once more
        as the other guess.
        """

        shape = self._organization_shape
        guess, other = shape.guesses[:2]

        def send(guess: ElementShape) -> Answer:
            listed = {"organization_list": shape.write(organizations, guess)} if organizations else {}
            return write_until_known(self._session, replace(call, body={**(call.body or {}), **listed}), ask)

        try:
            return send(guess)
        except PbxRefusedError as error:
            if not shape.is_guessed or "organization_list" not in error.invalid_fields:
                raise
            refusal = error
        try:
            answer = send(other)
        except PbxRefusedError as error:
            if "organization_list" not in error.invalid_fields:
                shape.accept(other)
                refusal = error
        else:
            shape.accept(other)
            return answer
        raise refusal

    def _created_id(self, new: NewExtension, answer: Mapping[str, Any]) -> int:
        """Read the id of the created extension; where create does not return it, look the number up."""

        def find() -> int | None:
            found = self._reader.find_by_number(new.number, must_exist=True)
            return None if found is None else found.id

        return created_id(answer, find, f"extension {new.number}")

    def _find_created(self, new: NewExtension, must_exist: bool) -> Answer | None:
        """Find the extension with the number of a creation whose answer was lost; None if there is none.

        :raises PbxRefusedError: if the number is somebody else's.
        """
        found = self._reader.find_by_number(new.number, must_exist)
        if found is None:
            return None
        if _is_ours(found, new):
            return {"id": found.id}
        raise PbxRefusedError(
            f"Extension {new.number} exists on the PBX and is not the one that was to be created.",
            "Give the user another number, or delete that extension on the PBX.",
        )


def _refused_settings(error: PbxRefusedError, new: NewExtension) -> set[str]:
    """Return the settings that a creation was refused for; none if it was refused for anything else."""
    if error.errcode == ROLE_NOT_EXISTED:
        return {"role_id"} & new.settings.keys()
    invalid = set(error.invalid_fields)
    return invalid if invalid <= new.settings.keys() else set()


def _is_digits(value: object) -> bool:
    return isinstance(value, str) and parse_optional_integer(value) is not None


def _is_ours(found: Extension, new: NewExtension) -> bool:
    """Whether this is the extension that was to be created: by registration name, else by its filled fields."""
    if found.registration_name is not None:
        return found.registration_name == new.registration_name
    filled = {name: value for name, value in new.fields.items() if value}
    return bool(filled) and all(found.fields.get(name) == value for name, value in filled.items())


def _shows(present: Extension, access: Access) -> bool:
    """Whether an extension shows that its access was set; a new password alone leaves nothing to be seen, and can be
    set once more."""
    return has_access(present, access) and bool(
        access.registration_name or access.presence or not access.password_unlike
    )


def _access_fields(access: Access | None, user_password: str) -> dict[str, str]:
    if access is None:
        return {}
    fields = {
        "reg_name": access.registration_name,
        "presence_status": access.presence,
        "user_password": user_password,
    }
    return {name: value for name, value in fields.items() if value}


def _has(present: Extension, fields: Mapping[str, str], organizations: Sequence[OrganizationReference]) -> bool:
    """Whether an extension has these values, and is in exactly these organizations if any are named."""
    wanted = {organization.id for organization in organizations}
    is_placed = not wanted or wanted == {organization.id for organization in present.organizations}
    return is_placed and all(present.fields.get(name) == value for name, value in fields.items())


def _in_base64(text: str) -> str:
    return base64.b64encode(text.encode("ascii")).decode("ascii")
