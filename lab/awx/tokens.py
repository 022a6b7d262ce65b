# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may ask: an OAuth token that lasts, tokens that a client takes and gives back, and the account's password."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets

from lab.awx.errors import not_authenticated, not_found
from lab.awx.settings import Settings


class Tokens:
    """The tokens that are alive."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._issued: dict[int, str] = {}
        self._next_id = 1

    @property
    def live(self) -> int:
        """How many of those that were taken have not been given back."""
        return len(self._issued)

    def take(self) -> tuple[int, str]:
        """A new token and its id."""
        identifier, self._next_id = self._next_id, self._next_id + 1
        self._issued[identifier] = secrets.token_urlsafe(22)
        return identifier, self._issued[identifier]

    def give_back(self, identifier: int) -> None:
        """End a token.

        :raises ApiError: 404 if there is none.
        """
        if self._issued.pop(identifier, None) is None:
            raise not_found()

    def check(self, authorization: str) -> None:
        """Let a request pass by its Authorization header.

        :raises ApiError: 401 for nobody, a wrong password, a token that is not alive.
        """
        scheme, _space, proof = authorization.partition(" ")
        if scheme == "Bearer" and any(
            _same(proof, one) for one in (self._settings.oauth_token, *self._issued.values())
        ):
            return
        if scheme == "Basic" and _same(_decoded(proof), f"{self._settings.username}:{self._settings.password}"):
            return
        raise not_authenticated()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _decoded(proof: str) -> str:
    try:
        return base64.b64decode(proof, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
