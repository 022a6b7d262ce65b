# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What a sign-on asks of a PBX: a user's password set, or a Linkus SDK signature made."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.details import DetailReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import PbxAnswerError, PbxRefusedError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.passwords import make_password
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call, hushed_library

_ORGANIZATIONS = "organization_list"


class SignOnClient:
    """A PBX with one access token: got at the first call, renewed in time, revoked by ``close``.

    A user waits, so nothing is sent twice; whoever wants to tries again.

    :param settings: with the credentials of Integrations > API for passwords, with those of Integrations > Linkus SDK
        (AccessID and AccessKey) for signatures.
    :param passwords_in_base64: whether this PBX wants passwords so; the Open API documents them in clear.
    :param source: where random passwords come from.
    """

    def __init__(
        self,
        settings: PbxSettings,
        *,
        passwords_in_base64: bool = False,
        source: random.Random | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session = Session(settings, monotonic=monotonic, sleep=sleep, attempts=1)
        self._details = DetailReader(self._session, "extension", "extension")
        self._passwords_in_base64 = passwords_in_base64
        self._source = source or random.SystemRandom()
        self._scope = ExitStack()
        self._scope.enter_context(hushed_library())

    def set_password(self, extension_id: int, password: str) -> None:
        """Give an extension's user this password (Open API, extension/update), and change nothing else.

        Newer pages say that organization_list is required while organization management is on, older ones that an
        update may leave it out. A PBX that asks for it gets back what it shows.

        :raises PbxRefusedError: if the PBX does not take it.
        :raises PbxError: for anything else; ``outcome_unknown`` tells whether it may be set all the same.
        """
        sent = base64.b64encode(password.encode()).decode("ascii") if self._passwords_in_base64 else password
        call = Call(
            "extension/update",
            f"set the user password of the extension with id {extension_id}",
            body={"id": extension_id, "user_password": sent},
            secrets=(password, sent),
        )
        try:
            self._session.write(call)
        except PbxRefusedError as error:
            if set(error.invalid_fields) != {_ORGANIZATIONS}:
                raise
            organizations = self._details.read(extension_id).get(_ORGANIZATIONS)
            self._session.write(replace(call, body={**(call.body or {}), _ORGANIZATIONS: organizations}))

    def draw_password(self, extension_id: int, parts_to_avoid: Sequence[str]) -> None:
        """Give an extension's user a random password that nobody knows.

        :param parts_to_avoid: the extension's number, first and last name.
        :raises PbxError: as ``set_password`` does.
        """
        self.set_password(extension_id, make_password(self._source, *parts_to_avoid))

    def signature(self, username: str, seconds: int) -> str:
        """Get a signature with which an application of the Linkus SDK logs a user in (Open API, sign/create).

        :param username: the extension's number or e-mail address.
        :param seconds: how long it is good for. Whether the Open API takes this for seconds from now or for a point in
            time is not documented; a PBX that takes it for the latter makes one that has expired, never one that lives
            longer.
        :raises PbxError: if the PBX does not give one.
        """
        call = Call(
            "sign/create",
            f"make a Linkus SDK signature for {username}",
            body={"username": username, "sign_type": "sdk", "expire_time": seconds},
        )
        return _signature_in(self._session.write(call))

    def close(self) -> str:
        """Revoke the token, and return "" or a sentence that says why it could not be."""
        try:
            return self._session.close()
        finally:
            self._scope.close()


def _signature_in(answer: dict[str, Any]) -> str:
    data = answer.get("data")
    signature = data.get("sign") if isinstance(data, dict) else None
    if not isinstance(signature, str) or not signature:
        raise PbxAnswerError("The PBX gave no signature although it reported success.")
    return signature
