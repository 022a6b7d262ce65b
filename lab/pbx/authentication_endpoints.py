# SPDX-License-Identifier: GPL-3.0-or-later
"""get_token, refresh_token, del_token (vendor's page "Authorization Rule")."""

from __future__ import annotations

import hmac

from lab.pbx.arguments import ApiCall, Payload
from lab.pbx.errors import FAILURE, TOKEN_EXPIRED, ApiError
from lab.pbx.settings import Settings
from lab.pbx.tokens import Application, Grant, TokenStore
from lab.pbx.validation import refuse_invalid, text


def get_token(call: ApiCall) -> Payload:
    """A new pair of tokens for the client id and secret."""
    refuse_invalid(call.arguments, {"username": text(), "password": text()}, ["username", "password"])
    pbx = call.pbx
    application = _application(pbx.settings, call.arguments["username"], call.arguments["password"])
    if application is None:
        pbx.lock_out.record_failure(call.address, pbx.variants.failed_logins_allowed)
        raise ApiError(FAILURE, invalid_param_list=[{"field": "username or password", "value": "error"}])
    pbx.lock_out.record_success(call.address)
    return _token_payload(pbx.tokens, pbx.tokens.issue(application))


def refresh_token(call: ApiCall) -> Payload:
    """A new pair of tokens in the place of the one that the refresh token belongs to."""
    refuse_invalid(call.arguments, {"refresh_token": text()}, ["refresh_token"])
    tokens = call.pbx.tokens
    grant = tokens.refresh(
        call.arguments["refresh_token"],
        unknown_errcode=call.pbx.variants.unknown_refresh_token_errcode,
        keep_old_access=call.pbx.variants.old_token_survives_refresh,
    )
    return _token_payload(tokens, grant)


def del_token(call: ApiCall) -> Payload:
    """Revokes the call's own access token."""
    if not call.pbx.tokens.revoke(call.access_token):
        raise ApiError(TOKEN_EXPIRED)
    return {}


def _application(settings: Settings, username: str, password: str) -> Application | None:
    if _same(username, settings.client_id) and _same(password, settings.client_secret):
        return "api"
    if (
        settings.linkus_sdk_id
        and _same(username, settings.linkus_sdk_id)
        and _same(password, settings.linkus_sdk_secret)
    ):
        return "linkus_sdk"
    return None


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _token_payload(tokens: TokenStore, grant: Grant) -> Payload:
    return {
        "access_token_expire_time": tokens.access_seconds,
        "access_token": grant.access_token,
        "refresh_token_expire_time": tokens.refresh_seconds,
        "refresh_token": grant.refresh_token,
    }
