# SPDX-License-Identifier: GPL-3.0-or-later
"""The Open API of one PBX without its transport: a request in, a JSON object out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lab.pbx import (
    authentication_endpoints,
    errors,
    extension_endpoints,
    group_endpoints,
    linkus_endpoints,
    organization_endpoints,
    system_endpoints,
    telephony_endpoints,
)
from lab.pbx.arguments import ApiCall, Endpoint
from lab.pbx.errors import ApiError
from lab.pbx.pbx import Pbx
from lab.pbx.tokens import Grant

BASE_PATH = "/openapi/v1.0/"
_LINKUS_SDK_ENDPOINTS = frozenset({"sign/create", "del_token"})


@dataclass(frozen=True)
class Route:
    """One endpoint: its method, whether it needs a token and changes the PBX, the firmware release it came with."""

    method: Literal["GET", "POST"]
    endpoint: Endpoint
    needs_token: bool = True
    writes: bool = False
    since: tuple[int, ...] = ()


def _get(endpoint: Endpoint, *, writes: bool = False) -> Route:
    return Route("GET", endpoint, writes=writes)


def _post(endpoint: Endpoint, *, writes: bool = True) -> Route:
    return Route("POST", endpoint, writes=writes)


ROUTES: dict[str, Route] = {
    "get_token": Route("POST", authentication_endpoints.get_token, needs_token=False),
    "refresh_token": Route("POST", authentication_endpoints.refresh_token, needs_token=False),
    "del_token": _get(authentication_endpoints.del_token),
    "system/information": _get(system_endpoints.information),
    "system/capacity": _get(system_endpoints.capacity),
    "system/get_menuoptions": _get(system_endpoints.get_menuoptions),
    "preference/get": _get(system_endpoints.get_preference),
    "preference/update": _post(system_endpoints.update_preference),
    "sign/create": Route("POST", linkus_endpoints.create_sign, since=linkus_endpoints.SIGN_RELEASE),
    "call/query": _get(telephony_endpoints.query_calls),
    "queue/list": _get(telephony_endpoints.list_queues),
    "extension/list": _get(extension_endpoints.list_extensions),
    "extension/search": _get(extension_endpoints.search_extensions),
    "extension/get": _get(extension_endpoints.get_extension),
    "extension/query": _get(extension_endpoints.query_extensions),
    "extension/getpassword": _get(extension_endpoints.get_password),
    "extension/create": _post(extension_endpoints.create_extension),
    "extension/update": _post(extension_endpoints.update_extension),
    "extension/delete": _get(extension_endpoints.delete_extension, writes=True),
    "extension/send_welcome_email": _post(extension_endpoints.send_welcome_email),
    "extensiongroup/list": _get(group_endpoints.list_groups),
    "extensiongroup/search": _get(group_endpoints.search_groups),
    "extensiongroup/get": _get(group_endpoints.get_group),
    "extensiongroup/query": _get(group_endpoints.query_groups),
    "extensiongroup/create": _post(group_endpoints.create_group),
    "extensiongroup/update": _post(group_endpoints.update_group),
    "extensiongroup/delete": _get(group_endpoints.delete_group, writes=True),
    "organization/list": _get(organization_endpoints.list_organizations),
    "organization/search": _get(organization_endpoints.search_organizations),
    "organization/get": _get(organization_endpoints.get_organization),
    "organization/query": _get(organization_endpoints.query_organizations),
    "organization/create": _post(organization_endpoints.create_organization),
    "organization/update": _post(organization_endpoints.update_organization),
    "organization/delete": _get(organization_endpoints.delete_organization, writes=True),
}


@dataclass(frozen=True)
class ApiRequest:
    """A request as the API needs it. `query` is decoded, `body` is as it came."""

    method: str
    path: str
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    content_type: str
    address: str

    @property
    def endpoint(self) -> str:
        """The path below openapi/v1.0, or the whole path elsewhere."""
        return self.path.removeprefix(BASE_PATH)

    @property
    def route(self) -> Route | None:
        """The endpoint asked for; None for an unknown path or the wrong method."""
        route = ROUTES.get(self.endpoint) if self.path.startswith(BASE_PATH) else None
        return route if route and route.method == self.method else None

    def arguments(self) -> dict[str, Any]:
        """The query without the token, or the JSON body.

        Raises ApiError 40001 for a body that is not a JSON object, or is not called JSON.
        """
        if self.method == "GET":
            return {name: value for name, value in self.query.items() if name != "access_token"}
        if self.content_type.partition(";")[0].strip().lower() != "application/json":
            raise ApiError(errors.PARAMETER_SYNTAX_ERROR)
        try:
            decoded = json.loads(self.body)
        except ValueError:
            raise ApiError(errors.PARAMETER_SYNTAX_ERROR) from None
        if not isinstance(decoded, dict):
            raise ApiError(errors.PARAMETER_SYNTAX_ERROR)
        return decoded


@dataclass(frozen=True)
class ApiAnswer:
    """The JSON object that answers, and whether the work was done."""

    errcode: int
    payload: dict[str, Any]


def answer(pbx: Pbx, request: ApiRequest) -> ApiAnswer:
    """Do what a request asks for."""
    with pbx.lock:
        try:
            return ApiAnswer(errors.SUCCESS, _success(pbx, request))
        except ApiError as error:
            details = dict(error.details)
            if pbx.variants.invalid_value_echoed:
                details = _with_echo(details, request)
            return ApiAnswer(error.errcode, errors.body(error.errcode, details))


def refusal(errcode: int) -> ApiAnswer:
    """An answer that carries an errcode and nothing else."""
    return ApiAnswer(errcode, errors.body(errcode, {}))


def _success(pbx: Pbx, request: ApiRequest) -> dict[str, Any]:
    route = request.route
    if route is None or not pbx.settings.has_firmware(route.since):
        raise ApiError(errors.INTERFACE_NOT_EXISTED)
    pbx.refuse_address(request.address)
    access_token = request.query.get("access_token", "")
    if route.needs_token:
        _authorize(pbx, request.endpoint, access_token)
    call = ApiCall(pbx, request.arguments(), request.address, access_token)
    payload = route.endpoint(call)
    if pbx.variants.integers_as_strings:
        payload = {name: _stringed(value) for name, value in payload.items()}
    return errors.body(errors.SUCCESS, payload)


def _authorize(pbx: Pbx, endpoint: str, access_token: str) -> None:
    if not access_token:
        raise ApiError(pbx.variants.missing_token_errcode)
    grant = pbx.tokens.find(access_token)
    if grant is None:
        raise ApiError(errors.TOKEN_EXPIRED)
    if endpoint in pbx.settings.denied_endpoints or not _permits(grant, endpoint):
        raise ApiError(errors.ACCESS_DENIED)


def _permits(grant: Grant, endpoint: str) -> bool:
    """A Linkus SDK credential's token signs, and an API credential's does all but that."""
    if grant.application == "linkus_sdk":
        return endpoint in _LINKUS_SDK_ENDPOINTS
    return endpoint != "sign/create"


def _stringed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _stringed(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_stringed(one) for one in value]
    return str(value) if isinstance(value, int) else value


def _with_echo(details: dict[str, Any], request: ApiRequest) -> dict[str, Any]:
    failures = details.get("invalid_param_list")
    if not failures or not request.route:
        return details
    arguments = request.arguments()
    return {
        **details,
        "invalid_param_list": [
            {**failure, "value": arguments[failure["field"]]} if failure["field"] in arguments else failure
            for failure in failures
        ],
    }
