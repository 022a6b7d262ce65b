# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The one access token: got, renewed and revoked; and which calls are sent again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    SUCCESS,
    TOKEN_EXPIRED,
    PbxAnswerError,
    PbxAuthenticationError,
    PbxError,
    PbxRefusedError,
    PbxUnreachableError,
    error_from_answer,
    login_error_from_answer,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import parse_optional_integer
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.signals import signals_held
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call, Transport

ATTEMPTS = 4
_FIRST_PAUSE = 0.5
# Vendor's page "Authorization Rule": an access token lives 1800 s; it is renewed after 1500 s.
_TOKEN_LIFE = 1800
_RENEW_AFTER = 5 / 6
_EARLY_ENDS = 5
_REVOKE_ATTEMPTS = 3
_REVOKE_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class _Token:
    """The live access token; ``renew_at`` is a time of the monotonic clock."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    renew_at: float


@dataclass(frozen=True, slots=True)
class Renewal:
    """How a PBX renews an access token.

    :param accepted: whether it takes the refresh token.
    :param former_survives: whether the former access token goes on working.
    """

    accepted: bool
    former_survives: bool = False


class Session:
    """Calls with one access token, got at the first call, renewed in time and revoked at the end.

    Several threads may use it at once. Whoever needs a token that is not there yet, or not any more, waits until one
    of them has got it; a call that was answered meanwhile with the former one is sent again with the new one.

    :param monotonic: a clock in seconds that never goes back.
    :param sleep: waits that many seconds.
    :param attempts: how often what may be sent again is sent at most.
    """

    def __init__(
        self,
        settings: PbxSettings,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        attempts: int = ATTEMPTS,
    ) -> None:
        self._settings = settings
        self._transport = Transport(settings)
        self._monotonic = monotonic
        self._sleep = sleep
        self._attempts = attempts
        # Held while the token is got, renewed or revoked, never during any other call.
        self._keeping_token = threading.RLock()
        self._token: _Token | None = None
        # Why there will be no token any more.
        self._token_failure: PbxError | None = None
        self._early_ends = 0

    @property
    def calls(self) -> int:
        """How many HTTP requests were sent, or tried."""
        return self._transport.calls

    def read(self, call: Call) -> dict[str, Any]:
        """Send a call that changes nothing; again, a few times, where the answer was lost or an HTTP error."""
        return self._repeat(call, lambda error: error.nothing_sent or error.outcome_unknown)

    def write(self, call: Call) -> dict[str, Any]:
        """Send a call that changes something; again only while it surely never reached the PBX.

        An error whose ``outcome_unknown`` is true leaves open whether the PBX did it.
        """
        return self._repeat(call, lambda error: error.nothing_sent)

    def ask(self, call: Call) -> dict[str, Any]:
        """Send a call once and return its answer, whatever its errcode: for finding out how a PBX answers.

        :raises PbxError: if no answer of the Open API came.
        """
        return self._answer(call, self._live_token())

    def rehearse_renewal(self, call: Call) -> Renewal:
        """Renew the token before its time, and try the former one with a call that changes nothing.

        :raises PbxError: if it is not known what became of the renewal.
        """
        former = self._live_token()
        if self._refresh(former) is None:
            return Renewal(accepted=False)
        survives: bool = self._transport.exchange(call, former.access)["errcode"] == SUCCESS
        if survives:
            self._revoke(former)
        return Renewal(accepted=True, former_survives=survives)

    def pause(self, attempt: int) -> None:
        """Wait before the attempt of this number (0 is the first, which waits for nothing)."""
        if attempt:
            self._sleep(_FIRST_PAUSE * 2 ** (attempt - 1))

    def close(self) -> str:
        """Revoke the token, and return "" or a sentence that says why it could not be."""
        with signals_held(), self._keeping_token:
            self._token_failure = PbxUnreachableError("The PBX is not asked any more: the run has ended.")
            token, self._token = self._token, None
            failure = None if token is None else self._revoke(token)
            self._transport.close()
        if failure is None:
            return ""
        return f"The access token could not be revoked; it ends by itself within 30 minutes. {failure}"

    def _repeat(self, call: Call, may_repeat: Callable[[PbxError], bool]) -> dict[str, Any]:
        failure: PbxError | None = None
        for attempt in range(self._attempts):
            self.pause(attempt)
            token = self._live_token()
            try:
                return self._exchange(call, token)
            except PbxError as error:
                failure = error
            if not may_repeat(failure):
                break
        raise failure or PbxUnreachableError(f"The PBX could not be asked to {call.purpose}.")

    def _exchange(self, call: Call, token: _Token) -> dict[str, Any]:
        answer = self._answer(call, token)
        if answer["errcode"] == SUCCESS:
            return answer
        live = self._token or token
        secrets = (*call.secrets, token.access, live.access, live.refresh, self._settings.client_secret)
        raise error_from_answer(answer, answer["errcode"], call.purpose, secrets)

    def _answer(self, call: Call, token: _Token) -> dict[str, Any]:
        answer = self._transport.exchange(call, token.access)
        if answer["errcode"] == TOKEN_EXPIRED:
            # The token ended early (the PBX restarted, say), so the call was not executed.
            token = self._renew_early(token, answer)
            answer = self._transport.exchange(call, token.access)
        return answer

    # --- the token ------------------------------------------------------------------------------------------------

    def _live_token(self) -> _Token:
        with self._keeping_token:
            if self._token_failure is not None:
                raise self._token_failure
            if self._token is None:
                return self._log_in()
            if self._monotonic() >= self._token.renew_at:
                return self._renew(self._token)
            return self._token

    def _renew_early(self, token: _Token, answer: Mapping[str, Any]) -> _Token:
        """Renew a token that a call was refused with, unless another thread has done so already."""
        with self._keeping_token:
            if self._token is not token:
                return self._live_token()
            self._early_ends += 1
            if self._early_ends > _EARLY_ENDS:
                raise error_from_answer(answer, TOKEN_EXPIRED, f"keep an access token ({_EARLY_ENDS} ended early)")
            return self._renew(token)

    def _log_in(self) -> _Token:
        """Get the token. It is asked for again only while nothing was sent: a get_token whose answer was lost may
        have taken one of the eight slots, and one that was refused counts towards the block of this address."""
        failure: PbxError | None = None
        for attempt in range(self._attempts):
            self.pause(attempt)
            try:
                with signals_held():
                    self._token = self._get_token()
                return self._token
            except PbxError as error:
                failure = error
            if not failure.nothing_sent:
                break
        self._token_failure = _final(failure, "give an access token")
        raise self._token_failure

    def _get_token(self) -> _Token:
        secret = self._settings.client_secret
        call = Call(
            "get_token",
            "give an access token",
            body={"username": self._settings.client_id, "password": secret},
            secrets=(secret,),
        )
        asked_at = self._monotonic()
        answer = self._transport.exchange(call, None)
        if answer["errcode"] != SUCCESS:
            raise login_error_from_answer(answer, answer["errcode"], call.secrets)
        return _parse_token(answer, asked_at)

    def _renew(self, token: _Token) -> _Token:
        """Replace the token. A new one is asked for only when the old one is surely dead, so that two never live."""
        refreshed = self._refresh(token)
        if refreshed is not None:
            return refreshed
        failure = self._revoke(token)
        if failure is not None:
            raise _final(failure, "renew the access token")
        self._token = None
        return self._log_in()

    def _refresh(self, token: _Token) -> _Token | None:
        """Renew by the refresh token; None if the PBX refuses that.

        :raises PbxUnreachableError: if no answer tells what became of it.
        """
        if not token.refresh:
            return None
        failure: PbxError | None = None
        lost = False
        for attempt in range(self._attempts):
            self.pause(attempt)
            try:
                with signals_held():
                    self._token = self._exchange_refresh_token(token)
                return self._token
            except PbxError as error:
                failure = error
            if isinstance(failure, PbxRefusedError | PbxAuthenticationError) and not lost:
                return None
            lost = lost or failure.outcome_unknown
            if not (failure.outcome_unknown or failure.nothing_sent):
                break
        if lost:
            # That answer held a token that nobody knows: a new one beside it would make two.
            self._token_failure = PbxUnreachableError(
                "The PBX's answer to the renewal of the access token was lost.",
                "A token that nobody knows may now live for up to 30 minutes; run again.",
            )
            raise self._token_failure
        raise _final(failure, "renew the access token")

    def _exchange_refresh_token(self, token: _Token) -> _Token:
        call = Call("refresh_token", "renew the access token", body={"refresh_token": token.refresh})
        asked_at = self._monotonic()
        answer = self._transport.exchange(call, None)
        if answer["errcode"] != SUCCESS:
            raise error_from_answer(answer, answer["errcode"], call.purpose, (token.access, token.refresh))
        return _parse_token(answer, asked_at)

    def _revoke(self, token: _Token) -> PbxError | None:
        """End a token; None once the PBX has said that it is dead, else what went wrong."""
        call = Call("del_token", "revoke the access token")
        failure: PbxError | None = None
        for attempt in range(_REVOKE_ATTEMPTS):
            self.pause(attempt)
            try:
                answer = self._transport.exchange(call, token.access, min(_REVOKE_TIMEOUT, self._settings.timeout))
            except PbxError as error:
                failure = error
                continue
            if answer["errcode"] in (SUCCESS, TOKEN_EXPIRED):
                return None
            failure = error_from_answer(answer, answer["errcode"], call.purpose, (token.access, token.refresh))
            if not failure.outcome_unknown:
                break
        return failure


def _parse_token(answer: Mapping[str, Any], asked_at: float) -> _Token:
    access, refresh = answer.get("access_token"), answer.get("refresh_token")
    if not isinstance(access, str) or not access:
        raise PbxAnswerError("The PBX gave no access token although it reported success.")
    life = parse_optional_integer(answer.get("access_token_expire_time")) or _TOKEN_LIFE
    return _Token(access, refresh if isinstance(refresh, str) else "", asked_at + life * _RENEW_AFTER)


def _final(failure: PbxError | None, purpose: str) -> PbxError:
    """The error of a log-in or a renewal as the run is to see it: nothing that a call could be repeated for."""
    if isinstance(failure, (PbxUnreachableError, PbxAnswerError)) and (failure.outcome_unknown or failure.nothing_sent):
        orphan = (
            "If it is up, a token that nobody knows may live for up to 30 minutes." if failure.outcome_unknown else ""
        )
        return PbxUnreachableError(
            f"The PBX could not be asked to {purpose}: {failure.message}", f"{failure.remedy} {orphan}".strip()
        )
    if isinstance(failure, PbxRefusedError):
        # It concerns no object: without a token nothing more can be asked.
        return PbxAnswerError(failure.message, failure.remedy, errcode=failure.errcode, errmsg=failure.errmsg)
    return failure or PbxUnreachableError(f"The PBX could not be asked to {purpose}.")
