# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API refuses, as Django REST framework puts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, payload: Mapping[str, Any]) -> None:
        super().__init__(f"{status}: {payload}")
        self.status = status
        self.payload = payload


def invalid(field: str, *messages: str) -> ApiError:
    """A field, or `__all__`, has a value that is not taken."""
    return ApiError(400, {field: list(messages)})


def bad_request(detail: str) -> ApiError:
    """The request itself is not taken."""
    return ApiError(400, {"detail": detail})


def not_authenticated() -> ApiError:
    """No account, or not its password or token."""
    return ApiError(401, {"detail": "Authentication credentials were not provided."})


def forbidden(detail: str) -> ApiError:
    """Nobody may do that to this object."""
    return ApiError(403, {"detail": detail})


def not_found() -> ApiError:
    """There is no such object, or no such place."""
    return ApiError(404, {"detail": "Not found."})


def method_not_allowed(method: str) -> ApiError:
    """The place knows other methods only."""
    return ApiError(405, {"detail": f'Method "{method}" not allowed.'})
