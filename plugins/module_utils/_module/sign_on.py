# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The sign-on with the directory's credentials: its settings saved, and who can sign on told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.clean_up import CleanUp, clean_up
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.kinds import differing
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import CONNECTION_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration, Ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.report import Began, Report, idle
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.saving import SettingsError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import (
    CONNECTED,
    World,
    require_base_dn,
    require_domain,
    require_integration,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import PRINCIPAL_NAME, UserLookup
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on import Candidate, SignOn, candidates
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import (
    SignOnError,
    SignOnMethod,
    SignOnSettings,
    make_settings,
    settings_data,
)

SIGN_ON_OPTIONS: dict[str, dict[str, Any]] = {
    "enabled": {"type": "bool", "default": True},
    "login_addresses": {"type": "list", "elements": "str", "default": []},
    "method": {"type": "str", "choices": [method.value for method in SignOnMethod], "default": "password"},
    "allow_http": {"type": "bool", "default": False},
    "confirmation": {"type": "bool", "default": False},
    "signature_seconds": {"type": "int", "default": 60},
    "session_minutes": {"type": "int", "default": 15},
    "failures_per_user": {"type": "int", "default": 3},
    "failure_minutes": {"type": "int", "default": 30},
    "attempts_per_address": {"type": "int", "default": 20},
    "attempt_minutes": {"type": "int", "default": 5},
}

_DISABLED = "The integration is disabled, so that nobody can sign on."


@dataclass(frozen=True, slots=True)
class SignOnRequest:
    """What is to be saved.

    :param settings: None to switch off what is saved and leave the rest of it.
    """

    command: str
    base_dn: str
    settings: SignOnSettings | None
    check_mode: bool


@dataclass(frozen=True, slots=True)
class SignOnReport:
    """What became of it.

    :param before: the settings as they were saved; None for none.
    :param after: as they are saved now, or would be in check mode.
    :param users: the synchronized users.
    :param signed_on: how many extensions have a password that a sign-on has set.
    :param report: of the passwords that were replaced.
    """

    before: SignOnSettings | None
    after: SignOnSettings | None
    users: Sequence[Candidate]
    signed_on: int
    report: Report

    @property
    def changed(self) -> bool:
        """Whether what is saved differs from what was, or a password was replaced."""
        return self.before != self.after or self.report.changed


def wanted_settings(options: Mapping[str, Any]) -> SignOnSettings | None:
    """Return the settings that the options describe; None to switch off what is saved.

    :raises SignOnError: for an option that cannot be used, by its name.
    """
    if not options["enabled"] and not options["login_addresses"]:
        return None
    return make_settings(options)


def change_sign_on(world: World, request: SignOnRequest) -> SignOnReport:
    """Save the settings, and end what earlier sign-ons have left behind if they are switched off.

    :raises SignOnError: if sign-on would not be safe with this domain or this connection.
    :raises YeastarError: if a side that is needed could not be read, or the ledger belongs to others.
    """
    with world.open_ledger() as ledger:
        return _change(world, ledger, request)


def _change(world: World, ledger: Ledger, request: SignOnRequest) -> SignOnReport:
    began = Began(request.command, request.check_mode, world.clock())
    integration, warnings = require_integration(ledger, check_mode=request.check_mode)
    require_base_dn(integration, request.base_dn)
    remembered = ledger.sign_on()
    before, after = remembered.settings, _settings_to_save(request, remembered)
    if integration is None:
        return SignOnReport(before, after, (), 0, idle(began, ledger, warnings=warnings))
    is_connected = integration.status == CONNECTED
    if not is_connected:
        _refuse_other_settings(before, after)
    if after is not None and after.enabled:
        _require_safe_connections(integration)
    users = _read_users(world, ledger, after, is_connected=is_connected)
    wanted = SignOn(after, remembered.credentials)
    if wanted.credentials and not (is_connected and wanted.is_on):
        report = _end_credentials(world, ledger, integration, request, after)
    else:
        _save(world, ledger, after)
        report = idle(began, ledger, skipped="" if is_connected else _DISABLED)
    return SignOnReport(before, after, users, len(ledger.sign_on().credentials), report)


def _settings_to_save(request: SignOnRequest, remembered: SignOn) -> SignOnSettings | None:
    if request.settings is not None:
        return request.settings
    return replace(remembered.settings, enabled=False) if remembered.settings is not None else None


def _refuse_other_settings(before: SignOnSettings | None, after: SignOnSettings | None) -> None:
    saved = settings_data(before) if before is not None else {}
    names = differing(settings_data(after) if after is not None else {}, saved)
    if names:
        raise SettingsError(
            f"A disabled integration keeps its settings, and {', '.join(names)} differ(s).",
            "Enable it first, by pbxops.yeastar.pbx_ad_connection with state connected.",
        )


def _require_safe_connections(integration: Integration) -> None:
    """Passwords of people cross both connections; the sign-on gateway uses them as they are saved."""
    defaults = {name: spec["default"] for name, spec in CONNECTION_OPTIONS.items() if "default" in spec}
    settings = {**defaults, "pbx_url": "", **integration.settings}
    problems = (
        ("directory_protocol", settings["directory_protocol"] == "ldap", "ldaps or start_tls"),
        ("directory_validate_certs", not settings["directory_validate_certs"], "true, with directory_ca_path"),
        ("pbx_url", not str(settings["pbx_url"]).lower().startswith("https://"), "an https address"),
        ("pbx_validate_certs", not settings["pbx_validate_certs"], "true, with the PBX's certificate as pbx_ca_path"),
    )
    for name, is_unsafe, remedy in problems:
        if is_unsafe:
            raise SignOnError(
                f"The integration was connected with {name} {settings[name]}, and the passwords of people are not to "
                "cross such a connection.",
                f"Run pbxops.yeastar.pbx_ad_connection with {name} set to {remedy}, then this again.",
            )


def _read_users(
    world: World, ledger: Ledger, settings: SignOnSettings | None, *, is_connected: bool
) -> Sequence[Candidate]:
    """Ask the directory for the synchronized users, and remember by which names they sign on."""
    held = ledger.associations()
    with world.open_directory((PRINCIPAL_NAME,)) as directory:
        identity = directory.identify()
        require_domain(ledger, identity)
        if settings is not None and settings.enabled:
            _require_below_lockout(settings, directory.lockout_threshold())
        lookup = directory.look_up_users([association.guid for association in held])
    named = [_named(association, lookup) for association in held]
    ledger.save_associations([new for new, old in zip(named, held, strict=True) if new != old])
    return candidates(
        settings, named, lookup, domain=identity.domain.dns_name, time=identity.time, is_connected=is_connected
    )


def _named(association: Association, lookup: UserLookup) -> Association:
    user = lookup.live.get(association.guid)
    if user is None:
        return association
    return replace(
        association,
        account_name=user.account_name,
        user_principal_name=user.attributes.get(PRINCIPAL_NAME, ""),
    )


def _require_below_lockout(settings: SignOnSettings, threshold: int) -> None:
    if 0 < threshold <= settings.failures_per_user:
        raise SignOnError(
            f"failures_per_user is {settings.failures_per_user} and the domain locks an account after {threshold} "
            "wrong passwords, so that anybody could lock out anybody at the sign-on gateway.",
            f"Set failures_per_user to less than {threshold}.",
        )


def _save(world: World, ledger: Ledger, settings: SignOnSettings | None) -> None:
    if settings is not None and settings != ledger.sign_on().settings:
        ledger.save_sign_on(settings, world.clock())


def _end_credentials(
    world: World, ledger: Ledger, integration: Integration, request: SignOnRequest, settings: SignOnSettings | None
) -> Report:
    """Replace the passwords that sign-ons have set; the settings are saved before, so that none is set anew meanwhile.

    A disabled integration has some left if the PBX was out of reach when it was disabled.
    """
    asked = CleanUp(
        command=request.command,
        delete=(),
        release_others=False,
        check_mode=request.check_mode,
        save=lambda: _save(world, ledger, settings),
        ends_sign_on=True,
    )
    return clean_up(world, ledger, integration, asked)


def barred(users: Sequence[Candidate]) -> list[Candidate]:
    """Return those who cannot sign on, in the order of their names."""
    found = [user for user in users if user.barrier is not None]
    return sorted(found, key=lambda user: (user.association.account_name.casefold(), user.association.guid))
