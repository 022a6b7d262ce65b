# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""A PBX that is asked how it answers: the client of a run, and beside it single calls whatever their errcode."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import SUCCESS
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.masking import Mask, invalid_fields, shape_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Renewal, Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call

_PURPOSE = "answer a question of the check"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call and its answer, without anything that is somebody's.

    :param sent: the shape of the query or the body.
    :param fields: which fields the answer complains of.
    :param answered: the shape of the answer.
    """

    endpoint: str
    sent: str
    errcode: int
    errmsg: str
    fields: tuple[str, ...]
    answered: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What a PBX answered to one call."""

    errcode: int
    answer: Mapping[str, Any] = field(repr=False)

    @property
    def succeeded(self) -> bool:
        """Whether the errcode is that of a success."""
        return self.errcode == SUCCESS

    @property
    def told(self) -> str:
        """The errcode, and the fields that the answer complains of."""
        fields = invalid_fields(self.answer)
        return f"errcode {self.errcode}" + (f" for {', '.join(fields)}" if fields else "")

    def rows(self, key: str = "data") -> list[Mapping[str, Any]]:
        """The objects of a list; of anything else none."""
        listed = self.answer.get(key)
        return [row for row in listed if isinstance(row, Mapping)] if isinstance(listed, list) else []

    def object(self, key: str = "data") -> Mapping[str, Any]:
        """The object of an answer; an empty one if there is none."""
        found = self.answer.get(key)
        return found if isinstance(found, Mapping) else {}


class RecordingSession(Session):
    """A session that takes down every exchange but those of tokens.

    :param mask: what is learned of the answers.
    """

    def __init__(self, settings: PbxSettings, mask: Mask) -> None:
        super().__init__(settings, monotonic=time.monotonic, sleep=time.sleep)
        self.exchanges: list[Exchange] = []
        self._mask = mask

    def _answer(self, call: Call, token: Any) -> dict[str, Any]:
        answer = super()._answer(call, token)
        self._mask.learn(answer)
        sent = call.query if call.body is None else call.body
        self.exchanges.append(
            Exchange(
                endpoint=call.endpoint,
                sent=shape_of(sent),
                errcode=answer["errcode"],
                errmsg=self._mask.errmsg(answer),
                fields=invalid_fields(answer),
                answered=shape_of(answer),
            )
        )
        return answer


class AskingClient(PbxClient):
    """The client of a run, which can also be asked single questions with the same access token.

    :param public: texts that a report may show although the PBX holds them.
    """

    def __init__(self, settings: PbxSettings, *, public: frozenset[str] = frozenset()) -> None:
        host = urlsplit(settings.base_url)
        self.mask = Mask(
            settings.client_id, settings.client_secret, host.netloc, host.hostname or "", settings.url, public=public
        )
        self._recording = RecordingSession(settings, self.mask)
        super().__init__(settings, session=self._recording)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """What was asked and answered so far, without anything that is somebody's."""
        return tuple(self._recording.exchanges)

    @property
    def passwords_in_base64(self) -> bool:
        """Whether this PBX has refused passwords as they are and taken them in Base64."""
        return self._extension_writer.passwords_in_base64

    def ask(
        self, endpoint: str, query: Mapping[str, object] | None = None, body: Mapping[str, Any] | None = None
    ) -> Answered:
        """Send one call once, and return its answer whatever its errcode.

        :raises PbxError: if no answer of the Open API came.
        """
        texts = {name: str(value) for name, value in (query or {}).items()}
        answer = self._session.ask(Call(endpoint, _PURPOSE, query=texts, body=body))
        return Answered(answer["errcode"], answer)

    def rehearse_renewal(self) -> Renewal:
        """Renew the access token, and try the former one."""
        return self._session.rehearse_renewal(Call("system/information", _PURPOSE))
