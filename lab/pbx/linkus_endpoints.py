# SPDX-License-Identifier: GPL-3.0-or-later
"""sign/create (vendor's guide of the Linkus SDK, "Obtain Login Signature")."""

from __future__ import annotations

from lab.pbx.arguments import ApiCall, Payload
from lab.pbx.errors import ApiError
from lab.pbx.pbx import Pbx
from lab.pbx.validation import integer, one_of, refuse_invalid, text

# Appliance Edition 37.12.0.23.
SIGN_RELEASE = (12, 0, 23)


def create_sign(call: ApiCall) -> Payload:
    """A signature that logs one user in to an application built with the Linkus SDK."""
    checks = {"username": text(), "sign_type": one_of(["sdk"]), "expire_time": integer(0)}
    refuse_invalid(call.arguments, checks, ["username", "sign_type", "expire_time"])
    extension = call.pbx.extensions.by_login_name(call.arguments["username"])
    if extension is None:
        raise ApiError(call.pbx.variants.sign_unknown_user_errcode)
    expires = _expires(call.pbx, call.arguments["expire_time"])
    return {"data": {"sign": call.pbx.linkus.sign(extension.id, expires)}}


def _expires(pbx: Pbx, expire_time: int) -> float | None:
    if expire_time == 0:
        return None
    if pbx.variants.sign_expire_time == "point_in_time":
        return expire_time
    return pbx.clock.now() + expire_time
