# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages with which a test plays a user of Linkus. They are this emulator's own: no part of the Open API.

A PBX serves a web client here, whose inner workings nobody documents; who gets in with what is documented
(linkus_log_in.py), and that is all that these pages show. `/login` takes a user's name and password as the web client
does, `/linkus/sdk` a signature as an application built with the Linkus SDK does. A client that prefers JSON
(`Accept: application/json`) is answered in JSON, and may send it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from markupsafe import Markup
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from lab.pbx.extensions import Extension
from lab.pbx.linkus_log_in import (
    ChangeDue,
    LogInRefusedError,
    PasswordUnfitError,
    change_password,
    log_in,
    sdk_log_in,
)
from lab.pbx.pbx import Pbx

_ROUTES = Map(
    [
        Rule("/login", methods=["GET"], endpoint="show"),
        Rule("/login", methods=["POST"], endpoint="log_in"),
        Rule("/login/password", methods=["POST"], endpoint="change_password"),
        Rule("/linkus/sdk", methods=["GET"], endpoint="sdk_log_in"),
    ],
    merge_slashes=False,
)
_PAGE = Markup(
    '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"></head>\n'
    "<body><main>\n<h1>{title}</h1>\n{content}\n</main></body>\n</html>\n"
)
_ERROR = Markup('<p id="error" role="alert">{sentence}</p>\n')
_LOG_IN_FORM = Markup(
    '<form method="post" action="/login">\n'
    '<p><label for="username">User name (extension number or e-mail address)</label>\n'
    '<input id="username" name="username" value="{username}" autocomplete="username" required></p>\n'
    '<p><label for="password">Password</label>\n'
    '<input id="password" name="password" type="password" autocomplete="current-password" required></p>\n'
    '<p><button type="submit">Log in</button></p>\n</form>'
)
_CHANGE_FORM = Markup(
    '<form method="post" action="/login/password">\n<input type="hidden" name="ticket" value="{ticket}">\n'
    "<p>This is the first log-in. Please agree to the privacy policy and change the initial password.</p>\n"
    '<p><input id="consent" name="consent" type="checkbox" value="1" required>\n'
    '<label for="consent">I agree to the privacy policy</label></p>\n'
    '<p><label for="new_password">New password</label>\n'
    '<input id="new_password" name="new_password" type="password" autocomplete="new-password" required></p>\n'
    '<p><button type="submit">Change the password</button></p>\n</form>'
)
_EXTENSION = Markup(
    '<p id="extension" data-number="{number}" data-name="{name}">You are logged in as {name}, extension {number}.</p>'
)
_WRONG = "The user name or the password is wrong."
_NO_TICKET = "The change of the password took too long. Please log in again."
_NO_CONSENT = "Without consent to the privacy policy nobody gets in."
_UNFIT = "The new password does not fit the rules: {rule}."
_NO_SIGNATURE = "The signature is not this user's, or it has expired."


class LinkusPages:
    """The WSGI application of these pages; every other path is `otherwise`'s."""

    def __init__(self, pbx: Callable[[], Pbx], otherwise: Callable[..., Iterable[bytes]]) -> None:
        """`pbx` gives the PBX of the moment: a reset puts another in place."""
        self._pbx = pbx
        self._otherwise = otherwise

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        try:
            page, _values = _ROUTES.bind_to_environ(environ).match()
        except NotFound:
            return self._otherwise(environ, start_response)
        except HTTPException as refusal:
            return refusal(environ, start_response)
        response = _PAGES[page](self._pbx(), Request(environ))
        response.headers["Cache-Control"] = "no-store"
        return response(environ, start_response)


def _show(_pbx: Pbx, request: Request) -> Response:
    return _log_in_page(request, "", "", HTTPStatus.OK)


def _log_in(pbx: Pbx, request: Request) -> Response:
    given = _fields(request)
    username = given.get("username", "")
    try:
        outcome = log_in(pbx, username, given.get("password", ""))
    except LogInRefusedError:
        return _log_in_page(request, username, _WRONG, HTTPStatus.UNAUTHORIZED)
    if isinstance(outcome, ChangeDue):
        return _change_page(request, outcome.ticket, "", HTTPStatus.FORBIDDEN)
    return _linkus_page(pbx, request, outcome)


def _change_password(pbx: Pbx, request: Request) -> Response:
    given = _fields(request)
    ticket = given.get("ticket", "")
    if not given.get("consent"):
        return _change_page(request, ticket, _NO_CONSENT, HTTPStatus.BAD_REQUEST)
    try:
        extension = change_password(pbx, ticket, given.get("new_password", ""))
    except LogInRefusedError:
        return _log_in_page(request, "", _NO_TICKET, HTTPStatus.UNAUTHORIZED)
    except PasswordUnfitError as error:
        return _change_page(request, ticket, _UNFIT.format(rule=error), HTTPStatus.BAD_REQUEST)
    return _linkus_page(pbx, request, extension)


def _sdk_log_in(pbx: Pbx, request: Request) -> Response:
    try:
        extension = sdk_log_in(pbx, request.args.get("username", ""), request.args.get("signature", ""))
    except LogInRefusedError:
        content = _ERROR.format(sentence=_NO_SIGNATURE)
        return _answer(request, "Linkus SDK", content, {"error": _NO_SIGNATURE}, HTTPStatus.UNAUTHORIZED)
    return _linkus_page(pbx, request, extension)


_PAGES: Mapping[str, Callable[[Pbx, Request], Response]] = {
    "show": _show,
    "log_in": _log_in,
    "change_password": _change_password,
    "sdk_log_in": _sdk_log_in,
}


def _fields(request: Request) -> dict[str, str]:
    """The texts of a form, or of a JSON object."""
    if not request.is_json:
        return request.form.to_dict()
    content = request.get_json(silent=True)
    if not isinstance(content, dict):
        return {}
    return {name: value for name, value in content.items() if isinstance(value, str)}


def _log_in_page(request: Request, username: str, error: str, status: HTTPStatus) -> Response:
    content = _alert(error) + _LOG_IN_FORM.format(username=username)
    return _answer(request, "Log in to Linkus", content, {"error": error}, status)


def _change_page(request: Request, ticket: str, error: str, status: HTTPStatus) -> Response:
    content = _alert(error) + _CHANGE_FORM.format(ticket=ticket)
    shown = {"error": error or "The initial password has to be changed.", "ticket": ticket}
    return _answer(request, "Change the initial password", content, shown, status)


def _linkus_page(pbx: Pbx, request: Request, extension: Extension) -> Response:
    shown = {"number": extension.number, "name": pbx.display_name(extension)}
    return _answer(request, "Linkus", _EXTENSION.format(**shown), shown, HTTPStatus.OK)


def _alert(sentence: str) -> Markup:
    return _ERROR.format(sentence=sentence) if sentence else Markup("")


def _answer(request: Request, title: str, content: Markup, fields: Mapping[str, str], status: HTTPStatus) -> Response:
    if _wants_json(request):
        return Response(json.dumps(fields), status=status, content_type="application/json")
    return Response(_PAGE.format(title=title, content=content), status=status, content_type="text/html; charset=utf-8")


def _wants_json(request: Request) -> bool:
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"
