# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What can go wrong between this collection and the PBX, as types, and the Open API's errcodes turned into them.

Which of them end the run is the type's own statement, ``ends_run``:

* ``PbxObjectError`` and what derives from it concern the one object that the call was about; others may go on.
  ``PbxRefusedError``: the PBX said no. ``AnswerLostError``: it is not known whether the PBX did it.
* Every other ``PbxError`` ends the run: no further call makes sense before somebody has acted on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError

SUCCESS = 0
FAILURE = -1
INTERNAL_SERVER_ERROR = -2
PROCESSING = 2
INTERFACE_NOT_EXISTED = 10001
API_VERSION_OUT_OF_MAINTENANCE = 10002
API_VERSION_UNSUPPORTED = 10003
TOKEN_EXPIRED = 10004
ACCESS_DENIED = 10005
PARAMETER_SYNTAX_ERROR = 40001
PARAMETER_ERROR = 40002
DUPLICATE_KEY_VALUE = 40003
DATA_NOT_FOUND = 60001
MAX_LIMITATION_EXCEEDED = 60002
ROLE_NOT_EXISTED = 60101
ACCOUNT_IP_BLOCKED = 70004
OVERLOAD_TASK_RUNNING = 70082
IP_FORBIDDEN = 70087
CONNECTION_RELATION_EXISTED = 70091
ORGANIZATION_DISABLED = 70120
API_UNAVAILABLE = 70123
#: Neither done nor refused.
UNCLEAR = (INTERNAL_SERVER_ERROR, PROCESSING)

_TEXT_LIMIT = 200
_SECRET_FIELDS = ("password", "secret", "token", "pin")


class PbxError(YeastarError):
    """Something between this collection and the PBX failed.

    :param errcode: the Open API's errcode; None where no answer carried one.
    :param errmsg: its errmsg.
    """

    #: Whether no further call makes sense in this run.
    ends_run = True
    #: Whether the PBX may have done what was asked although no usable answer came.
    outcome_unknown = False
    #: Whether the call surely never reached the PBX, so that it may be sent again whatever it is.
    nothing_sent = False

    def __init__(self, message: str, remedy: str = "", *, errcode: int | None = None, errmsg: str = "") -> None:
        super().__init__(message, remedy)
        self.errcode = errcode
        self.errmsg = errmsg


class PbxParameterError(PbxError):
    """A connection parameter cannot be what it is."""


class PbxUnreachableError(PbxError):
    """No connection, or a connection on which no whole answer came.

    :param nothing_sent: the connection was never made, so the PBX has not seen the call.
    :param outcome_unknown: the call was sent, or may have been.
    """

    def __init__(
        self, message: str, remedy: str = "", *, nothing_sent: bool = False, outcome_unknown: bool = False
    ) -> None:
        super().__init__(message, remedy)
        self.nothing_sent = nothing_sent
        self.outcome_unknown = outcome_unknown


class PbxCertificateError(PbxError):
    """The PBX's TLS certificate did not pass, or the trusted certificates could not be read."""


class PbxAnswerError(PbxError):
    """No answer to go on with: not JSON, no errcode, an HTTP error, a field that must be there; or the PBX is busy."""

    def __init__(
        self,
        message: str,
        remedy: str = "",
        *,
        outcome_unknown: bool = False,
        errcode: int | None = None,
        errmsg: str = "",
    ) -> None:
        super().__init__(message, remedy, errcode=errcode, errmsg=errmsg)
        self.outcome_unknown = outcome_unknown


class PbxAuthenticationError(PbxError):
    """The PBX refused the client ID and secret, or does not keep the access token that it gave."""


class PbxPermissionError(PbxError):
    """The API application may not make this call (errcode 10005)."""


class PbxTokenLimitError(PbxError):
    """All access tokens of the API application are taken (errcode 60002 of get_token)."""


class PbxBlockedError(PbxError):
    """The PBX refuses this machine's address (errcodes 70004 and 70087)."""


class PbxInterfaceError(PbxError):
    """The PBX has no such API call (errcodes 10001, 10002, 10003, 70123)."""


class FirmwareError(PbxError):
    """This model or firmware has no Open API."""


class IncompleteListError(PbxError):
    """A list that the PBX gave is not proved complete, so nothing may be concluded from it."""


class PbxObjectError(PbxError):
    """An error of one object alone; the run goes on with the others."""

    ends_run = False


class AnswerLostError(PbxObjectError):
    """The answer to a write was lost, and asking did not show whether the PBX did it.

    :param ends_run: whether the PBX could not be asked at all.
    """

    outcome_unknown = True

    def __init__(self, message: str, remedy: str = "", *, ends_run: bool = False) -> None:
        super().__init__(message, remedy)
        self.ends_run = ends_run


@dataclass(frozen=True, slots=True)
class DuplicateField:
    """A value that must be unique and already belongs to another object of the PBX (errcode 40003).

    :param field: the Open API's field name.
    :param value: the value, "" for a field whose values are secret.
    :param owner_kind: external_source, the kind of the object that has it, e.g. ``extension``.
    :param owner_name: external_source_name, its number or name.
    """

    field: str
    value: str
    owner_kind: str
    owner_name: str


class PbxRefusedError(PbxObjectError):
    """The PBX refused this one call.

    :param invalid_fields: the fields that errcode 40002 named.
    :param duplicate_fields: the values that errcode 40003 named, each with who has it.
    """

    def __init__(
        self,
        message: str,
        remedy: str = "",
        *,
        errcode: int | None = None,
        errmsg: str = "",
        invalid_fields: Sequence[str] = (),
        duplicate_fields: Sequence[DuplicateField] = (),
    ) -> None:
        super().__init__(message, remedy, errcode=errcode, errmsg=errmsg)
        self.invalid_fields = tuple(invalid_fields)
        self.duplicate_fields = tuple(duplicate_fields)


class PbxCapacityError(PbxRefusedError):
    """The PBX holds no more objects of this kind (errcode 60002 of a write); other calls may go on."""


_REMEDIES = {
    ACCESS_DENIED: "Check that pbx_client_id and pbx_client_secret are those of Integrations > API (those of "
    "Integrations > Linkus SDK get a token too, but no access), and that the API application has the permission.",
    INTERFACE_NOT_EXISTED: "Check that pbx_url is the address of the PBX's web portal, and that its firmware is "
    "at least 37.7.0.16 (Appliance), 83.7.0.0 (Software) or 84.7.0.17 (Cloud).",
    API_VERSION_OUT_OF_MAINTENANCE: "This firmware no longer serves openapi/v1.0; use a newer version of this "
    "collection.",
    API_VERSION_UNSUPPORTED: "This firmware does not serve openapi/v1.0; update it.",
    API_UNAVAILABLE: "Switch the API on at Integrations > API.",
    ACCOUNT_IP_BLOCKED: "The PBX has blocked this machine's address after failed log-ins; remove it from "
    "Security > Security Rules > Blocked IPs, and check pbx_client_id and pbx_client_secret before the next run.",
    IP_FORBIDDEN: "Add this machine's address to the allow-list at Integrations > API.",
    TOKEN_EXPIRED: "See on the PBX whether it restarts again and again, or whether something else revokes tokens.",
    DATA_NOT_FOUND: "It may have been deleted on the PBX meanwhile; the next run sees that.",
    ROLE_NOT_EXISTED: "Choose a role that exists on the PBX.",
    OVERLOAD_TASK_RUNNING: "The PBX is busy with a big task (an import, say); run again later.",
    CONNECTION_RELATION_EXISTED: "Another object of the PBX refers to it; remove it from there first.",
    ORGANIZATION_DISABLED: "Switch it on at PBX Settings > Preferences > Organization Management.",
}
_CREDENTIALS_REMEDY = (
    "Check pbx_client_id and pbx_client_secret against Integrations > API. Five failed log-ins make the PBX block "
    "this machine's address, so do not just try again."
)
_TOKENS_REMEDY = (
    "Eight access tokens are alive at most; wait up to 30 minutes until one ends, or stop what else uses this API "
    "application and does not revoke its tokens (del_token)."
)
_CAPACITY_REMEDY = "The licence or the model allows no more; see system capacity on the PBX's dashboard."


def error_from_answer(answer: Mapping[str, Any], errcode: int, purpose: str, secrets: Iterable[str] = ()) -> PbxError:
    """Turn an answer whose errcode is not 0 into the error to raise.

    Source: vendor's pages "Error Code and Error Message" and "Response Result".

    :param answer: the JSON object.
    :param errcode: its errcode as an integer.
    :param purpose: what the call was for, as in "The PBX refused to ...".
    :param secrets: texts that the message must not hold, whatever the PBX echoes.
    """
    errmsg = clean_text(answer.get("errmsg", ""), secrets)
    message = f"The PBX refused to {purpose}: errcode {errcode} {errmsg}".rstrip()
    remedy = _REMEDIES.get(errcode, "")
    if errcode in UNCLEAR:
        text = f"The PBX did not say whether it managed to {purpose}: errcode {errcode} {errmsg}".rstrip()
        return PbxAnswerError(f"{text}.", outcome_unknown=True, errcode=errcode, errmsg=errmsg)
    run_error = _RUN_ERRORS.get(errcode)
    if run_error is not None:
        return run_error(f"{message}.", remedy, errcode=errcode, errmsg=errmsg)
    if errcode == MAX_LIMITATION_EXCEEDED:
        return PbxCapacityError(f"{message}.", _CAPACITY_REMEDY, errcode=errcode, errmsg=errmsg)
    invalid = _invalid_fields(answer)
    duplicates = _duplicate_fields(answer, secrets)
    details = _invalid_text(invalid, answer, secrets) or _duplicate_text(duplicates, answer, secrets)
    return PbxRefusedError(
        f"{message}{': ' if details else ''}{details}.",
        remedy,
        errcode=errcode,
        errmsg=errmsg,
        invalid_fields=[field for field, _reason in invalid],
        duplicate_fields=duplicates,
    )


def login_error_from_answer(answer: Mapping[str, Any], errcode: int, secrets: Iterable[str]) -> PbxError:
    """Turn get_token's refusal into the error to raise; none of them is about one object."""
    if errcode in _RUN_ERRORS or errcode in UNCLEAR:
        return error_from_answer(answer, errcode, "give an access token", secrets)
    errmsg = clean_text(answer.get("errmsg", ""), secrets)
    message = f"The PBX refused to give an access token: errcode {errcode} {errmsg}".rstrip() + "."
    if errcode == MAX_LIMITATION_EXCEEDED:
        return PbxTokenLimitError(message, _TOKENS_REMEDY, errcode=errcode, errmsg=errmsg)
    if errcode == OVERLOAD_TASK_RUNNING:
        return PbxAnswerError(message, _REMEDIES[errcode], errcode=errcode, errmsg=errmsg)
    return PbxAuthenticationError(message, _CREDENTIALS_REMEDY, errcode=errcode, errmsg=errmsg)


def clean_text(value: object, secrets: Iterable[str] = ()) -> str:
    """Make what a PBX said fit for a message: one line, of bounded length, without these secrets.

    They are masked before anything else is done, for blanks that are joined and quotes that are escaped change them;
    and once more on the line that comes of it.
    """
    texts = _forms(secrets)
    text = _masked(_plain(value, texts), texts)
    text = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    text = _masked(text, texts)
    return text if len(text) <= _TEXT_LIMIT else f"{text[:_TEXT_LIMIT]}…"


def _forms(secrets: Iterable[str]) -> list[str]:
    """Secrets as they are and as JSON has them, a longer one before what is a part of it."""
    forms = {form for secret in secrets if secret for form in (secret, json.dumps(secret)[1:-1])}
    return sorted(forms, key=len, reverse=True)


def _masked(value: Any, secrets: Sequence[str]) -> Any:
    """The same with *** for every secret, in all texts of a structure."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "***")
        return value
    if isinstance(value, Mapping):
        return {_masked(key, secrets): _masked(one, secrets) for key, one in value.items()}
    if isinstance(value, list):
        return [_masked(one, secrets) for one in value]
    return value


def _plain(value: object, secrets: Sequence[str] = ()) -> str:
    """Return anything as text, however deeply it is nested, without these secrets."""
    try:
        return str(_masked(value, secrets))
    except RecursionError:
        return type(value).__name__


_RUN_ERRORS: dict[int, type[PbxError]] = {
    INTERFACE_NOT_EXISTED: PbxInterfaceError,
    API_VERSION_OUT_OF_MAINTENANCE: PbxInterfaceError,
    API_VERSION_UNSUPPORTED: PbxInterfaceError,
    API_UNAVAILABLE: PbxInterfaceError,
    TOKEN_EXPIRED: PbxAuthenticationError,
    ACCESS_DENIED: PbxPermissionError,
    ACCOUNT_IP_BLOCKED: PbxBlockedError,
    IP_FORBIDDEN: PbxBlockedError,
}


def _invalid_fields(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each field of invalid_param_list with what is wrong with it, where the PBX says so."""
    return [
        (_plain(item.get("field", "")), _plain(item.get("validation_type", "")))
        for item in _objects(answer.get("invalid_param_list"))
    ]


def _invalid_text(invalid: Sequence[tuple[str, str]], answer: Mapping[str, Any], secrets: Iterable[str]) -> str:
    values = [item.get("value") for item in _objects(answer.get("invalid_param_list"))]
    parts = []
    for (field, reason), value in zip(invalid, values, strict=True):
        shown = f" = {clean_text(value, secrets)!r}" if value not in (None, "") and not _is_secret(field) else ""
        parts.append(f"{clean_text(field, secrets)}{shown}" + (f" ({clean_text(reason, secrets)})" if reason else ""))
    return ", ".join(parts)


def _duplicate_fields(answer: Mapping[str, Any], secrets: Iterable[str]) -> tuple[DuplicateField, ...]:
    return tuple(
        DuplicateField(
            field=clean_text(item.get("field", ""), secrets),
            value="" if _is_secret(_plain(item.get("field", ""))) else clean_text(item.get("value", ""), secrets),
            owner_kind=clean_text(item.get("external_source", ""), secrets),
            owner_name=clean_text(item.get("external_source_name", ""), secrets),
        )
        for item in _objects(answer.get("duplicate_field_list"))
    )


def _duplicate_text(duplicates: Sequence[DuplicateField], answer: Mapping[str, Any], secrets: Iterable[str]) -> str:
    if not duplicates:
        return clean_text(answer.get("submsg", ""), secrets)
    return ", ".join(
        f"{item.field} {item.value} belongs to {item.owner_kind} {item.owner_name}".strip() for item in duplicates
    )


def _is_secret(field: str) -> bool:
    return any(word in field.lower() for word in _SECRET_FIELDS)


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
