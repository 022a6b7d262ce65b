# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets into Linkus, and with what.

Vendor's Linkus guides: the user name is the extension's number or e-mail address, the password its user password; the
first log-in forces a change of the initial password. The two-factor authentication is left out.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from lab.pbx.errors import ApiError
from lab.pbx.extension_fields import refuse_unfit_user_password
from lab.pbx.extensions import Extension
from lab.pbx.pbx import Pbx


@dataclass(frozen=True, slots=True)
class ChangeDue:
    """The password is right and has to be changed; `ticket` is what `change_password` asks for."""

    extension: Extension
    ticket: str


class LogInRefusedError(Exception):
    """No extension has this name and this password, or the ticket or signature is not valid (any more)."""


class PasswordUnfitError(Exception):
    """The new password breaks a rule; the message is the rule, one of the words of `validation_type`."""


def log_in(pbx: Pbx, username: str, password: str) -> Extension | ChangeDue:
    """The extension that a user name and a password let in.

    Raises LogInRefusedError.
    """
    with pbx.lock:
        extension = pbx.extensions.by_login_name(username)
        if extension is None or not _is_same(password, extension.user_password):
            pbx.linkus.record("password", username, "", "refused")
            raise LogInRefusedError
        if pbx.variants.first_log_in_changes_password and extension.user_password_is_initial:
            pbx.linkus.record("password", username, extension.number, "change_asked")
            return ChangeDue(extension, pbx.linkus.ask_for_change(extension.id))
        pbx.linkus.record("password", username, extension.number, "accepted")
        return extension


def change_password(pbx: Pbx, ticket: str, password: str) -> Extension:
    """The extension that gets in with its new password, which is the user's own from now on.

    Raises LogInRefusedError for a ticket that is not valid, PasswordUnfitError for a password that is not taken (the
    ticket stays valid then).
    """
    with pbx.lock:
        extension = _with_id(pbx, pbx.linkus.changing(ticket))
        if extension is None:
            pbx.linkus.record("new_password", "", "", "refused")
            raise LogInRefusedError
        try:
            _refuse_unfit(pbx, extension, password)
        except PasswordUnfitError:
            pbx.linkus.record("new_password", "", extension.number, "change_refused")
            raise
        changed = extension.with_user_password(password, is_initial=False)
        pbx.extensions.put(changed)
        pbx.linkus.end_change(ticket)
        pbx.linkus.record("new_password", "", extension.number, "changed")
        return changed


def sdk_log_in(pbx: Pbx, username: str, signature: str) -> Extension:
    """The extension that an application built with the Linkus SDK logs in with a signature.

    Raises LogInRefusedError for a signature that is unknown, expired or somebody else's.
    """
    with pbx.lock:
        named = pbx.extensions.by_login_name(username)
        signed = _with_id(pbx, pbx.linkus.signed(signature))
        if signed is None or named is not signed:
            pbx.linkus.record("signature", username, "", "refused")
            raise LogInRefusedError
        pbx.linkus.record("signature", username, signed.number, "accepted")
        return signed


def _with_id(pbx: Pbx, extension_id: int | None) -> Extension | None:
    return None if extension_id is None else pbx.extensions.get(extension_id)


def _refuse_unfit(pbx: Pbx, extension: Extension, password: str) -> None:
    if password == extension.user_password:
        raise PasswordUnfitError("history")
    try:
        refuse_unfit_user_password(extension.with_user_password(password, is_initial=False), pbx.variants)
    except ApiError as error:
        raise PasswordUnfitError(error.details["invalid_param_list"][0]["validation_type"]) from None


def _is_same(given: str, wanted: str) -> bool:
    """Whether a password is right; an extension without one lets nobody in."""
    return bool(wanted) and hmac.compare_digest(_bytes(given), _bytes(wanted))


def _bytes(text: str) -> bytes:
    # A form can carry halves of characters, which have no UTF-8 form.
    return text.encode(errors="surrogatepass")
