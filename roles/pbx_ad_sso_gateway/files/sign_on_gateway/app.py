# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes: what a browser asks, and what it is answered."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import (
    SignOnMethod,
    SignOnSettings,
    origin_of,
)
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Lifespan

from sign_on_gateway import log
from sign_on_gateway.certificate import ServerCertificate
from sign_on_gateway.forms import BadFormError, SignOnForm, fault_of, has_name, read_form
from sign_on_gateway.limits import address_key
from sign_on_gateway.pages import Address, Pages, Problem
from sign_on_gateway.security import (
    CONTENT_POLICY,
    FormTokens,
    allowed_origin,
    content_policy,
    is_own_origin,
    own_cookie,
)
from sign_on_gateway.sessions import Sessions
from sign_on_gateway.shield import HEALTH_PATH, Shield
from sign_on_gateway.sign_on import RefusedError, SignedOn, SignOns

_STATIC = Path(__file__).parent / "static"
_FORM_COOKIE = "__Host-csrf"
_SESSION_COOKIE = "__Host-session"
_MINUTE = 60
# What is no page is never shown as one, even by a browser that is led straight to it.
_JSON_HEADERS = {"Content-Disposition": 'attachment; filename="api.json"'}

# The HTTP status of a refusal; all others are told with 403.
_STATUSES = {
    "empty": 400,
    "malformed_name": 400,
    "malformed_password": 400,
    "password_unfit": 422,
    "password_refused": 422,
    "too_many_attempts": 429,
    "internal_error": 500,
    "directory_unavailable": 503,
    "pbx_unavailable": 503,
    "outcome_unknown": 503,
    "busy": 503,
    "switched_off": 503,
}
# What is told at once: it depends on nothing but what was sent.
_OF_THE_FORM = frozenset({"form_expired", "empty", "malformed_name", "malformed_password"})


class Gateway:
    """Answers the requests.

    :param clock: the time, aware.
    :param monotonic: seconds that never go back.
    :param answer_floor: seconds; a refusal is answered after a whole number of them.
    """

    def __init__(
        self,
        sign_ons: SignOns,
        pages: Pages,
        certificate: ServerCertificate,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        answer_floor: float,
    ) -> None:
        self._sign_ons = sign_ons
        self._pages = pages
        self._certificate = certificate
        self._clock = clock
        self._monotonic = monotonic
        self._answer_floor = answer_floor
        self._sessions = Sessions(monotonic)
        self._tokens = FormTokens()

    async def show_form(self, request: Request) -> Response:
        """Answer with the empty form."""
        try:
            settings = await self._sign_ons.settings()
        except RefusedError as error:
            return self._turn_away(request, _STATUSES[error.problem], error.problem, error)
        return self._form(request, settings, 200)

    async def sign_on(self, request: Request) -> Response:
        """Take the form."""
        if not is_own_origin(request.headers):
            return self._turn_away(request, 403, "forbidden")
        try:
            form = await read_form(request)
            # No earlier: whoever sends the form could choose where within a floor the rest of it ends.
            begun = self._monotonic()
            settings = await self._sign_ons.settings()
            login_address = _login_address(settings, form)
        except BadFormError as error:
            return self._turn_away(request, error.status, "bad_request")
        except RefusedError as error:
            return self._turn_away(request, _STATUSES[error.problem], error.problem, error)
        try:
            signed_on = await self._try(request, form)
        except RefusedError as error:
            return await self._refusal(request, settings, form, error, begun)
        log.tell("signed_on", user=form.username, number=signed_on.number, address=_address(request))
        return self._success(request, signed_on, login_address)

    async def give_signature(self, request: Request) -> Response:
        """Give a page of an allowed origin a signature for the user who has signed on."""
        headers = await self._cross_origin_headers(request)
        if headers is None:
            return JSONResponse({"error": "forbidden"}, 403, _JSON_HEADERS)
        session = self._sessions.find(own_cookie(request.headers, _SESSION_COOKIE))
        if session is None:
            log.turned_away(request.scope, 401, "not_signed_on")
            return JSONResponse({"error": "not_signed_on"}, 401, headers)
        try:
            signature = await self._sign_ons.signature(session.guid)
        except RefusedError as error:
            log.tell("no_signature", guid=session.guid, cause=error.cause, text=error.text)
            return JSONResponse({"error": error.problem}, _STATUSES.get(error.problem, 403), headers)
        log.tell("signature", number=signature.username, address=_address(request))
        content = {
            "username": signature.username,
            "signature": signature.text,
            "pbx_url": signature.pbx_url,
            "expires_in": signature.seconds,
        }
        return JSONResponse(content, 200, headers)

    async def allow_signature(self, request: Request) -> Response:
        """Answer a browser that asks whether a page may ask for signatures (Fetch, CORS preflight)."""
        headers = await self._cross_origin_headers(request)
        if headers is None:
            return JSONResponse({"error": "forbidden"}, 403, _JSON_HEADERS)
        allowed = {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "Content-Type"}
        return Response(None, 204, {**headers, **allowed})

    async def sign_out(self, request: Request) -> Response:
        """End the session, if there is one."""
        headers = {} if is_own_origin(request.headers) else await self._cross_origin_headers(request)
        if headers is None:
            return self._message(403, "forbidden", request.headers)
        self._sessions.end(own_cookie(request.headers, _SESSION_COOKIE))
        response = self._message(200, "signed_out", request.headers)
        response.headers.update(headers)
        response.delete_cookie(_SESSION_COOKIE, secure=True, httponly=True, samesite="strict")
        return response

    async def tell_health(self, _request: Request) -> Response:
        """Say whether the service can do its work, as far as it lies with this machine."""
        faults = []
        if not self._certificate.is_valid_at(self._clock()):
            faults.append("the certificate is not valid now")
        try:
            await self._sign_ons.settings()
        except RefusedError as error:
            if error.problem != "switched_off":
                faults.append("the ledger cannot be read")
        return PlainTextResponse("; ".join(faults) or "ok", 503 if faults else 200)

    def refuse(self, status: int, code: str, headers: Headers) -> Response:
        """Answer with a page that says why there is none."""
        return self._message(status, code, headers)

    async def tell_http_error(self, request: Request, error: Exception) -> Response:
        """Answer what no route takes."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        code = {404: "not_found", 405: "method_not_allowed"}.get(status, "bad_request")
        if code != "not_found":  # that is asked for all day long, and nothing is refused
            log.turned_away(request.scope, status, code)
        response = self._message(status, code, request.headers)
        if isinstance(error, HTTPException) and error.headers:
            response.headers.update(error.headers)
        return response

    # --- parts of answers -----------------------------------------------------------------------------------------

    async def _try(self, request: Request, form: SignOnForm) -> SignedOn:
        is_ours = self._tokens.fits(own_cookie(request.headers, _FORM_COOKIE), form.csrf)
        fault = fault_of(form) if is_ours else "form_expired"
        if fault is not None:
            raise RefusedError(fault, fault)
        return await self._sign_ons.sign_on(form.username, form.password, address_key(_address(request)))

    async def _refusal(
        self, request: Request, settings: SignOnSettings, form: SignOnForm, error: RefusedError, begun: float
    ) -> Response:
        log.tell(
            "refused",
            user=form.username if has_name(form) else None,
            address=_address(request),
            problem=error.problem,
            cause=error.cause,
            text=error.text,
        )
        if error.problem not in _OF_THE_FORM:
            await self._wait_for_floor(begun)
        problem = Problem(error.problem, error.details)
        return self._form(request, settings, _STATUSES.get(error.problem, 403), form, problem)

    async def _wait_for_floor(self, begun: float) -> None:
        """Wait until a whole number of floors has passed, so that the time that it took tells nothing."""
        if self._answer_floor:
            spent = self._monotonic() - begun
            await asyncio.sleep(math.ceil(spent / self._answer_floor) * self._answer_floor - spent)

    def _form(
        self,
        request: Request,
        settings: SignOnSettings,
        status: int,
        form: SignOnForm | None = None,
        problem: Problem | None = None,
    ) -> Response:
        cookie = self._tokens.cookie(own_cookie(request.headers, _FORM_COOKIE))
        page = self._pages.sign_on(
            self._language(request.headers),
            csrf=self._tokens.field(cookie),
            addresses=[Address(address) for address in settings.login_addresses],
            username=form.username if form else "",
            chosen=form.address if form else 0,
            problem=problem,
            method=settings.method.value,
        )
        origins = dict.fromkeys(origin_of(address) for address in settings.login_addresses)
        response = HTMLResponse(page, status, {CONTENT_POLICY: content_policy(origins)})
        _set_cookie(response, _FORM_COOKIE, cookie)
        return response

    def _success(self, request: Request, signed_on: SignedOn, login_address: str) -> Response:
        settings = signed_on.settings
        if settings.method is SignOnMethod.PASSWORD and settings.confirmation:
            page = self._pages.done(self._language(request.headers), names=signed_on.names, address=login_address)
            return HTMLResponse(page)
        response = RedirectResponse(login_address, 303)
        if settings.method is SignOnMethod.SIGNATURE:
            secret = self._sessions.begin(signed_on.guid, settings.session_minutes * _MINUTE)
            _set_cookie(response, _SESSION_COOKIE, secret, settings.session_minutes * _MINUTE)
        return response

    def _turn_away(self, request: Request, status: int, code: str, error: RefusedError | None = None) -> Response:
        """Answer a request that is refused before anybody's name and password are tried."""
        cause, text = (error.cause, error.text) if error is not None else (None, None)
        log.turned_away(request.scope, status, code, cause=cause, text=text)
        return self._message(status, code, request.headers)

    def _message(self, status: int, code: str, headers: Headers) -> Response:
        return HTMLResponse(self._pages.message(self._language(headers), code=code), status)

    def _language(self, headers: Headers) -> str:
        return self._pages.language(headers.get("accept-language", ""))

    async def _cross_origin_headers(self, request: Request) -> dict[str, str] | None:
        """The headers that let a page read the answer; None if its origin may not."""
        try:
            settings = await self._sign_ons.settings()
        except RefusedError as error:
            log.turned_away(request.scope, 403, "forbidden", cause=error.cause, text=error.text)
            return None
        is_given = settings.method is SignOnMethod.SIGNATURE
        origin = allowed_origin(request.headers, settings.signature_origins) if is_given else None
        if origin is None:
            log.turned_away(request.scope, 403, "forbidden")
            return None
        return {
            **_JSON_HEADERS,
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
            "Vary": "Origin",
        }


def make_app(
    gateway: Gateway, *, public_host: str, concurrent: int, lifespan: Lifespan[Starlette] | None = None
) -> ASGIApp:
    """Join the routes.

    :param public_host: the only host that requests may be for.
    :param concurrent: how many requests are worked on at once.
    :param lifespan: what is open while the service runs.
    """
    application = Starlette(
        routes=[
            Route("/", gateway.show_form, methods=["GET"]),
            Route("/", gateway.sign_on, methods=["POST"]),
            Route("/signature", gateway.give_signature, methods=["POST"]),
            Route("/signature", gateway.allow_signature, methods=["OPTIONS"]),
            Route("/sign-out", gateway.sign_out, methods=["POST"]),
            Route(HEALTH_PATH, gateway.tell_health, methods=["GET"]),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        exception_handlers={HTTPException: gateway.tell_http_error},
        lifespan=lifespan,
    )
    application.router.redirect_slashes = False
    return Shield(application, gateway.refuse, public_host, concurrent)


def _login_address(settings: SignOnSettings, form: SignOnForm) -> str:
    """The address that was chosen, one of the administrator's own: never anything that a browser sends."""
    try:
        return settings.login_addresses[form.address]
    except IndexError:
        raise BadFormError(400) from None


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _set_cookie(response: Response, name: str, value: str, seconds: int | None = None) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict")
