# SPDX-License-Identifier: GPL-3.0-or-later
"""The Open API's errcodes (vendor's page "Error Code and Error Message") and the error bodies."""

from __future__ import annotations

from typing import Any

FAILURE = -1
SUCCESS = 0
INTERFACE_NOT_EXISTED = 10001
TOKEN_EXPIRED = 10004
ACCESS_DENIED = 10005
PARAMETER_SYNTAX_ERROR = 40001
PARAMETER_ERROR = 40002
DUPLICATE_KEY_VALUE = 40003
DATA_NOT_FOUND = 60001
MAX_LIMITATION_EXCEEDED = 60002
ROLE_NOT_EXISTED = 60101
ACCOUNT_IP_BLOCKED = 70004
IP_FORBIDDEN = 70087
CONNECTION_RELATION_EXISTED = 70091
ORGANIZATION_DISABLED = 70120

MESSAGES = {
    -2: "INTERNAL SERVER ERROR",
    FAILURE: "FAILURE",
    SUCCESS: "SUCCESS",
    1: "PARTIAL SUCCESS",
    2: "PROCESSING",
    INTERFACE_NOT_EXISTED: "INTERFACE NOT EXISTED",
    10002: "API VERSION OUT OF MAINTENANCE",
    10003: "API VERSION UNSUPPORTED",
    TOKEN_EXPIRED: "TOKEN EXPIRED",
    ACCESS_DENIED: "ACCESS DENIED",
    PARAMETER_SYNTAX_ERROR: "PARAMETER SYNTAX ERROR",
    PARAMETER_ERROR: "PARAMETER ERROR",
    DUPLICATE_KEY_VALUE: "DUPLICATE KEY VALUE",
    40004: "FILE SIZE EXCEEDED",
    DATA_NOT_FOUND: "DATA NOT FOUND",
    MAX_LIMITATION_EXCEEDED: "MAX LIMITATION EXCEEDED",
    ROLE_NOT_EXISTED: "ROLE NOT EXISTED",
    ACCOUNT_IP_BLOCKED: "ACCOUNT IP BLOCKED",
    70082: "OVERLOAD_TASK_RUNNING",
    70084: "ACTION FORBIDDEN",
    IP_FORBIDDEN: "IP FORBIDDEN",
    CONNECTION_RELATION_EXISTED: "CONNECTION_RELATION_EXISTED",
    ORGANIZATION_DISABLED: "ORGANIZATION DISABLED",
    70123: "API UNAVAILABLE",
    70132: "OPERATION NOT SUPPORTED",
}


class ApiError(Exception):
    """A call that the PBX refuses: an errcode and what its body carries beside it."""

    def __init__(self, errcode: int, **details: Any) -> None:
        super().__init__(f"{errcode} {MESSAGES.get(errcode, 'FAILURE')}")
        self.errcode = errcode
        self.details = details


def body(errcode: int, details: dict[str, Any]) -> dict[str, Any]:
    """The JSON object of an answer: errcode and errmsg first, then `details`."""
    return {"errcode": errcode, "errmsg": MESSAGES.get(errcode, "FAILURE"), **details}


def invalid(field: str, validation_type: str) -> ApiError:
    """40002 that names one field."""
    return ApiError(PARAMETER_ERROR, invalid_param_list=[{"field": field, "validation_type": validation_type}])
