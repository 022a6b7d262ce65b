# SPDX-License-Identifier: GPL-3.0-or-later
"""A PBX whose refusals repeat all that they were sent: none of the secrets among it gets into an error."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import PbxError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings

from tests.integration.pbx_helpers import QuietHandler, new_extension, serving

TOKENS = {"errcode": 0, "access_token": "AccessToken1", "refresh_token": "RefreshToken1"}
SECRET_FIELDS = ("password", "user_password", "reg_password")


def _echoing_server(gives_token: bool, sent: list[str]) -> AbstractContextManager[str]:
    """An HTTP server that refuses every call with the secrets sent in its errmsg, and keeps them; its URL."""

    class Handler(QuietHandler):
        def respond(self) -> None:
            endpoint = urlsplit(self.path)
            body = json.loads(self.body() or "{}")
            secrets = [*parse_qs(endpoint.query).get("access_token", []), *(body.get(name) for name in SECRET_FIELDS)]
            texts = [secret for secret in secrets if secret]
            sent.extend(texts)
            answer: dict[str, Any] = {"errcode": 40001, "errmsg": f"REFUSED {' '.join(texts)}"}
            if endpoint.path.endswith("/del_token"):
                answer = {"errcode": 0}
            elif endpoint.path.endswith("/get_token") and gives_token:
                answer = TOKENS
            self.answer(200, json.dumps(answer).encode())

    return serving(Handler)


@pytest.mark.parametrize(("gives_token", "masked"), [(True, 3), (False, 1)], ids=["creation", "log-in"])
def test_a_refusal_that_repeats_secrets_is_told_without_them(gives_token: bool, masked: int) -> None:
    sent: list[str] = []
    with (
        _echoing_server(gives_token, sent) as url,
        PbxClient(PbxSettings(url, "CLIENT", "ClientSecret1", timeout=5.0)) as client,
        pytest.raises(PbxError) as caught,
    ):
        client.create_extension(new_extension())

    error = caught.value
    shown = f"{error} {error!r} {vars(error)}"
    assert "REFUSED" + " ***" * masked in str(error)
    assert "ClientSecret1" in sent
    assert [secret for secret in sent if secret in shown] == []
