# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The work of pbx_ad_sso: its options in, its result out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.asked import warned
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import make_world
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import CONNECTION_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.result import Result
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.results import report_values
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.sign_on import (
    SIGN_ON_OPTIONS,
    SignOnReport,
    SignOnRequest,
    barred,
    change_sign_on,
    wanted_settings,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import diff_text
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on import Candidate, barrier_text
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import SignOnSettings, settings_data

SIGN_ON_MODULE_OPTIONS: dict[str, dict[str, Any]] = {**CONNECTION_OPTIONS, **SIGN_ON_OPTIONS}


def sign_on_module(options: Mapping[str, Any], check_mode: bool, command: str) -> Result:
    """Do the work of pbx_ad_sso."""
    request = SignOnRequest(command, options["directory_base_dn"], wanted_settings(options), check_mode)
    pbx_warnings: list[str] = []
    report = change_sign_on(make_world(options, check_mode, command, pbx_warnings), request)
    return warned(sign_on_result(report), options, pbx_warnings)


def sign_on_result(sign_on: SignOnReport) -> Result:
    """Return what pbx_ad_sso returns."""
    before, after = _shown_settings(sign_on.before), _shown_settings(sign_on.after)
    cannot = barred(sign_on.users)
    values: dict[str, Any] = {
        **report_values(sign_on.report),
        "changed": sign_on.changed,
        "settings": after,
        "users": {"can_sign_on": len(sign_on.users) - len(cannot), "cannot": len(cannot)},
        "cannot_sign_on": [_barred_data(one) for one in cannot],
        "signed_on": sign_on.signed_on,
        "diff": [{"before": before, "after": after}, {"prepared": diff_text(sign_on.report.outcomes)}],
    }
    if not sign_on.report.stages and not sign_on.report.skipped:
        is_on = sign_on.after is not None and sign_on.after.enabled
        told = f"Sign-on is switched {'on' if is_on else 'off'}; {values['users']['can_sign_on']} user(s) can sign on."
        values["outcome"] = {**values["outcome"], "headline": told}
    return Result(values, sign_on.report.warnings, sign_on.report.failure)


def _shown_settings(settings: SignOnSettings | None) -> dict[str, Any]:
    return settings_data(settings) if settings is not None else {}


def _barred_data(candidate: Candidate) -> dict[str, str]:
    held, barrier = candidate.association, candidate.barrier
    return {
        "name": held.account_name,
        "guid": held.guid,
        "number": held.number,
        "reason": barrier.value if barrier is not None else "",
        "explanation": barrier_text(barrier) if barrier is not None else "",
    }
