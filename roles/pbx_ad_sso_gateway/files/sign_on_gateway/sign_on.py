# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sign-on, step by step: what is asked of the ledger, the directory and the PBX, and in which order.

Nothing here knows of HTTP. Whatever stops a sign-on is a ``RefusedError``: what the user is told, and the true cause
for the log. Nobody who has not proved who he is learns anything of an account, not even whether there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import DirectoryBindError, DirectoryError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.sign_on import (
    PROVING_CODES,
    LogInUnansweredError,
    NotAUserError,
    ProvedAccount,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    DATA_NOT_FOUND,
    PbxError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.firmware import is_cloud
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.passwords import CLOUD_RULES, broken_rules
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Credential
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import SignOnMethod, SignOnSettings

from sign_on_gateway.directory import Directory
from sign_on_gateway.ledger import Ledger
from sign_on_gateway.limits import Attempt, Attempts
from sign_on_gateway.pbx import Pbx
from sign_on_gateway.threads import TooSlowError

_CONNECTED = "connected"
_MINUTE = 60
_SIGNATURES_PER_MINUTE = 30


class RefusedError(Exception):
    """There is no sign-on.

    :param problem: what the user is told: a code of ``pages.problem_codes``.
    :param cause: what it was, for the log alone.
    :param text: more of the cause, in words.
    :param details: codes of password rules that are not met.
    """

    def __init__(self, problem: str, cause: str, text: object = None, details: Sequence[str] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.cause = cause
        self.text = None if text is None else str(text)
        self.details = tuple(details)


@dataclass(frozen=True, slots=True)
class SignedOn:
    """A user who has signed on.

    :param number: the number of the user's extension.
    :param settings: those that it was done by.
    :param names: what Linkus takes as the user's name.
    """

    guid: str
    number: str
    settings: SignOnSettings
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """What an application of the Linkus SDK logs a user in with.

    :param text: the signature, a secret.
    """

    username: str
    text: str
    pbx_url: str
    seconds: int

    def __repr__(self) -> str:
        return f"Signature(username={self.username!r})"


@dataclass(frozen=True, slots=True)
class _Switched:
    """A sign-on that is switched on: what it needs of the ledger's state."""

    integration: Integration
    settings: SignOnSettings


class SignOns:
    """Signs users on.

    :param clock: the time, aware.
    :param monotonic: seconds that never go back.
    """

    def __init__(
        self,
        ledger: Ledger,
        directory: Directory,
        pbx: Pbx,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._pbx = pbx
        self._clock = clock
        self._of_addresses = Attempts(monotonic)
        self._of_names = Attempts(monotonic)
        self._of_users = Attempts(monotonic)
        self._of_signatures = Attempts(monotonic)

    async def settings(self) -> SignOnSettings:
        """Return the settings of a sign-on that is switched on.

        :raises RefusedError: if it is off, or the ledger cannot be read.
        """
        with _ledger_needed():
            return (await self._switched_on()).settings

    async def sign_on(self, name: str, password: str, address: str) -> SignedOn:
        """Sign a user on by name and password.

        :param name: ``user@domain``.
        :param password: not empty.
        :param address: where it comes from, as ``limits.address_key`` writes it.
        :raises RefusedError: if that cannot be done.
        """
        with _ledger_needed():
            switched = await self._switched_on()
            attempts = self._count(switched.settings, name, address)
            try:
                account = await self._prove(switched, name, password)
                association = await self._association(account)
                await self._give(switched, association, password)
            except RefusedError as error:
                if error.problem != "refused":
                    _give_back(attempts)
                raise
            except (LedgerError, TooSlowError):
                # The ledger's, which is asked before a password is tried, or after it was proved.
                _give_back(attempts)
                raise
            _give_back(attempts)
            return SignedOn(account.guid, association.number, switched.settings, _linkus_names(association))

    async def signature(self, guid: str) -> Signature:
        """Get a signature for a user who has signed on.

        :raises RefusedError: if the user cannot have one, or not any more.
        """
        with _ledger_needed():
            switched = await self._switched_on()
            if switched.settings.method is not SignOnMethod.SIGNATURE:
                raise RefusedError("switched_off", "method_is_password")
            if self._of_signatures.make(guid, _SIGNATURES_PER_MINUTE, _MINUTE) is None:
                raise RefusedError("too_many_attempts", "limit_of_signatures")
            association = await self._usable_association(guid)
            seconds = switched.settings.signature_seconds
            with _pbx_needed("pbx_unavailable"):
                text = await self._pbx.signature(switched.integration, association.number, seconds)
            return Signature(association.number, text, switched.integration.settings["pbx_url"], seconds)

    # --- before anything is asked of anybody ----------------------------------------------------------------------

    async def _switched_on(self) -> _Switched:
        state = await self._ledger.state()
        if state.integration is None or state.integration.status != _CONNECTED:
            raise RefusedError("switched_off", "integration_not_connected")
        if state.settings is None or not state.settings.enabled:
            raise RefusedError("switched_off", "sign_on_off")
        return _Switched(state.integration, state.settings)

    def _count(self, settings: SignOnSettings, name: str, address: str) -> tuple[Attempt, Attempt]:
        """Count an attempt from this address and by this name, whether anybody has that name or not."""
        window = settings.attempt_minutes * _MINUTE
        of_address = self._of_addresses.make(address, settings.attempts_per_address, window)
        if of_address is None:
            raise RefusedError("too_many_attempts", "limit_of_address")
        window = settings.failure_minutes * _MINUTE
        of_name = self._of_names.make(name.casefold(), settings.failures_per_user, window)
        if of_name is None:
            raise RefusedError("too_many_attempts", "limit_of_name")
        return of_address, of_name

    # --- who it is ------------------------------------------------------------------------------------------------

    async def _prove(self, switched: _Switched, name: str, password: str) -> ProvedAccount:
        """Let the directory prove who it is, never more often than a user may fail.

        A name that nobody synchronized has, or that has failed often enough under any of the user's names, takes the
        same way to the directory, but for the log-in.
        """
        settings = switched.settings
        guid = await self._ledger.find(name)
        window = settings.failure_minutes * _MINUTE
        attempt = self._of_users.make(guid, settings.failures_per_user, window) if guid else None
        if attempt is None:
            await self._knock(switched.integration)
            raise RefusedError("refused", "limit_of_user" if guid else "unknown_name")
        account = await self._log_in(switched.integration, name, password, attempt)
        if account.guid != guid:
            # A name that has changed hands since the last synchronization.
            raise RefusedError("refused", "name_of_another_account")
        return account

    async def _knock(self, integration: Integration) -> None:
        try:
            await self._directory.knock(integration)
        except (DirectoryError, TooSlowError) as error:
            raise RefusedError("directory_unavailable", "not_reached", error) from None

    async def _log_in(self, integration: Integration, name: str, password: str, attempt: Attempt) -> ProvedAccount:
        """Log in; an attempt that the directory has surely not counted as a failure is given back."""
        try:
            account = await self._directory.prove(integration, name, password)
        except DirectoryBindError as error:
            if error.code in PROVING_CODES:
                attempt.give_back()
            raise RefusedError("refused", f"log_in_refused_{error.code}") from None
        except LogInUnansweredError as error:
            raise RefusedError("directory_unavailable", "log_in_unanswered", error) from None
        except TooSlowError as error:
            if not error.begun:
                attempt.give_back()
            raise RefusedError("directory_unavailable", "too_slow") from None
        except NotAUserError as error:
            attempt.give_back()
            raise RefusedError("refused", "not_a_user", error) from None
        except DirectoryError as error:
            attempt.give_back()
            raise RefusedError("directory_unavailable", "not_reached", error) from None
        attempt.give_back()
        return account

    async def _association(self, account: ProvedAccount) -> Association:
        if account.disabled:
            raise RefusedError("refused", "account_disabled")
        if account.expires is not None and account.expires <= self._clock():
            raise RefusedError("refused", "account_expired")
        return await self._usable_association(account.guid)

    async def _usable_association(self, guid: str) -> Association:
        association = await self._ledger.association(guid)
        if association is None:
            raise RefusedError("refused", "not_synchronized")
        if association.parked is not None:
            raise RefusedError("refused", "parked")
        return association

    # --- what is given --------------------------------------------------------------------------------------------

    async def _give(self, switched: _Switched, association: Association, password: str) -> None:
        if switched.settings.method is SignOnMethod.PASSWORD:
            _require_fit(switched.integration, association, password)
            await self._set_password(switched.integration, association, password)

    async def _set_password(self, integration: Integration, association: Association, password: str) -> None:
        """Set the password, written down beforehand, so that whatever happens the synchronization can end it."""
        credential = Credential(association.extension_id, association.guid, self._clock())
        earlier = await self._ledger.note_credential(credential)
        try:
            with _pbx_needed():
                await self._pbx.set_password(integration, association.extension_id, password)
        except RefusedError as error:
            # What an earlier sign-on has set is still there.
            if error.problem != "outcome_unknown" and earlier is None:
                await self._ledger.forget_credential(credential)
            raise
        await self._require_still(integration, association, credential)

    async def _require_still(self, integration: Integration, association: Association, credential: Credential) -> None:
        """Take the password back if, while it was being set, the sign-on was switched off or the association ended."""
        try:
            await self._switched_on()
            now = await self._usable_association(association.guid)
            if now.extension_id != association.extension_id:
                raise RefusedError("refused", "other_extension_now")
        except RefusedError:
            # If that fails, the credential is still written down, and the next run replaces the password.
            with _pbx_needed():
                await self._pbx.draw_password(integration, association)
            await self._ledger.forget_credential(credential)
            raise


def _require_fit(integration: Integration, association: Association, password: str) -> None:
    names = [association.written.get(field, "") for field in ("first_name", "last_name")]
    broken = broken_rules(password, association.number, names)
    if not is_cloud(integration.pbx):
        broken = tuple(rule for rule in broken if rule not in CLOUD_RULES)
    if broken:
        raise RefusedError("password_unfit", "password_unfit", details=broken)


def _linkus_names(association: Association) -> tuple[str, ...]:
    return tuple(name for name in (association.written.get("email_addr", ""), association.number) if name)


def _give_back(attempts: Sequence[Attempt]) -> None:
    for attempt in attempts:
        attempt.give_back()


@contextmanager
def _ledger_needed() -> Iterator[None]:
    try:
        yield
    except LedgerError as error:
        raise RefusedError("internal_error", "ledger", error) from None
    except TooSlowError:
        raise RefusedError("busy", "ledger_too_slow") from None


@contextmanager
def _pbx_needed(refused: str = "password_refused") -> Iterator[None]:
    """Tell a failure of the PBX by what it means for the password that was to be set.

    :param refused: what the user is told if the PBX says no.
    """
    try:
        yield
    except TooSlowError as error:
        problem = "outcome_unknown" if error.begun else "pbx_unavailable"
        raise RefusedError(problem, "pbx_too_slow") from None
    except PbxRefusedError as error:
        if error.errcode == DATA_NOT_FOUND:
            raise RefusedError("refused", "extension_not_found", error) from None
        raise RefusedError(refused, "pbx_refused", error) from None
    except PbxError as error:
        problem = "outcome_unknown" if error.outcome_unknown else "pbx_unavailable"
        raise RefusedError(problem, "pbx_failed", error) from None
