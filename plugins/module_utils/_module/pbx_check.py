# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Whether this collection can work with a PBX, and how that PBX answers what its documentation leaves open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import (
    OFFLINE_OPTIONS,
    OptionError,
    pbx_settings,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.result import Result
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.asking import AskingClient, Exchange
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import PbxError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.examination import Examination, Step, StepState
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.firmware import check_firmware
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.questions import QUESTIONS, ask_by_reading
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.scratch import (
    SCRATCH_TEXTS,
    Scratch,
    ScratchCheck,
    find_scratch,
    remove_scratch,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Extension,
    ExtensionGroup,
    LiveUse,
    Organization,
    PbxCapacity,
    PbxIdentity,
)

CHECK_OPTIONS: dict[str, dict[str, Any]] = {
    **{name: spec for name, spec in OFFLINE_OPTIONS.items() if name != "offline"},
    **{name: {**OFFLINE_OPTIONS[name], "required": True} for name in ("pbx_url", "pbx_client_id", "pbx_client_secret")},
    "writes": {"type": "bool", "default": False},
    "scratch_number": {"type": "str", "default": ""},
}

_DIGITS_MAX = 8
_NOT_ASKED = "not asked"
#: What a step is about, as in "What does not work: ...".
_STEP_TEXTS = {
    "log_in_and_identify": "log in and tell model and firmware",
    "firmware": "a firmware that has the Open API",
    "read_capacity": "tell the capacity",
    "read_extensions": "read all extensions",
    "read_groups": "read all extension groups",
    "read_organizations": "read the organizations",
    "organizations_on": "organization management",
    "read_live_use": "tell which extensions are in use",
    "set_company_name": "set the company name",
    "remove_left_overs": "delete what an earlier check has left",
    "room_for_an_extension": "room for another extension",
    "create_organization": "create an organization",
    "rename_organization": "rename an organization",
    "delete_organization": "delete an organization",
    "create_extension": "create an extension",
    "read_extension": "show a new extension",
    "update_extension": "change an extension",
    "create_group": "create an extension group",
    "update_group": "change an extension group",
    "remove_scratch": "delete extensions, groups and organizations",
}


class Verdict(Enum):
    """Whether this collection can work with a PBX."""

    WORKS = "works"
    #: But for something that it can do without.
    WORKS_PARTLY = "works_partly"
    #: Nothing was written, so that half of it is not known.
    READS = "reads"
    FAILS = "fails"


class _LackingError(PbxError):
    """Something that the collection can do without is not there."""


@dataclass
class PbxCheck:
    """What a check has found.

    :param left: scratch objects that are on the PBX at the end.
    :param found: scratch objects of an earlier check.
    """

    examination: Examination = field(default_factory=Examination)
    identity: PbxIdentity | None = None
    capacity: PbxCapacity | None = None
    extensions: Sequence[Extension] = ()
    groups: Sequence[ExtensionGroup] = ()
    organizations: Sequence[Organization] | None = None
    found: Sequence[Scratch] = ()
    left: Sequence[Scratch] = ()
    wrote: bool = False


def check_pbx(options: Mapping[str, Any], check_mode: bool, _name: str) -> Result:
    """Do the work of pbx_ad_pbx_check.

    :raises OptionError: for an option that cannot be used.
    """
    number = options["scratch_number"]
    if number and not (number.isascii() and number.isdigit() and len(number) <= _DIGITS_MAX):
        raise OptionError("scratch_number is not a number of at most 8 digits.", "Give digits, such as 5999.")
    check = PbxCheck()
    try:
        client = AskingClient(pbx_settings(options), public=SCRATCH_TEXTS)
    except PbxError as error:
        # A certificate that cannot be read, say: an option, not the PBX.
        raise OptionError(error.message, error.remedy) from error
    with client:
        _read(client, check)
        if options["writes"] and not check_mode:
            _write(client, check, number)
    return _result(client, check, writes=options["writes"], check_mode=check_mode)


def _read(client: AskingClient, check: PbxCheck) -> None:
    """Do all that a run reads, then ask what reading can answer."""
    examination = check.examination
    check.identity = examination.attempt("log_in_and_identify", client.identity)
    identity = check.identity
    if identity is None:
        examination.ended = examination.ended or "The PBX did not tell what it is."
    else:
        examination.attempt("firmware", lambda: check_firmware(identity))
    check.capacity = examination.attempt("read_capacity", client.capacity)
    check.extensions = examination.attempt("read_extensions", client.extensions) or ()
    check.groups = examination.attempt("read_groups", client.groups) or ()
    check.organizations = examination.attempt("read_organizations", client.organizations)
    examination.attempt("organizations_on", lambda: _require_organizations(examination, check), needed=False)
    examination.attempt("read_live_use", lambda: _require_live_use(client.live_use()), needed=False)
    examination.attempt("set_company_name", lambda: _require_company_name(client), needed=False)
    ask_by_reading(client, examination, check.extensions, check.groups, check.organizations or ())
    check.found = check.left = find_scratch(check.extensions, check.groups, check.organizations)


def _require_organizations(examination: Examination, check: PbxCheck) -> None:
    if check.organizations is None and examination.passed("read_organizations"):
        raise _LackingError(
            "Organization management is off.",
            "For units to become organizations, switch it on at PBX Settings > Preferences > Organization Management.",
        )


def _require_live_use(use: LiveUse) -> None:
    if use.unknown:
        raise _LackingError(
            f"The PBX does not answer {' and '.join(use.unknown)}, so that extensions in use are not known.",
            "Give the API application the permission, or set delete_in_use.",
        )


def _require_company_name(client: AskingClient) -> None:
    if not client.can_set_company_name():
        raise _LackingError("The PBX does not let the company name be set.", "Set it by hand.")


def _write(client: AskingClient, check: PbxCheck, number: str) -> None:
    """Delete left-overs, try what a run writes with scratch objects, and delete those whatever happens."""
    examination = check.examination
    failed = [step for step in examination.steps if step.needed and step.state is not StepState.PASSED]
    if failed:
        examination.leave_out("create_extension", "What has to be read cannot be.", needed=True)
        return
    if check.capacity is not None and check.capacity.extensions_used >= check.capacity.extensions and not check.found:
        examination.leave_out("room_for_an_extension", "The licence allows no more; nothing was written.", needed=False)
        return
    check.wrote = True
    try:
        if check.found and examination.attempt("remove_left_overs", lambda: _remove(client, check)) is None:
            return
        ours = {one.id for one in check.found if one.kind == "extension"}
        extensions = [one for one in check.extensions if one.id not in ours]
        places = {one.id for one in check.found if one.kind == "organization"}
        organizations = [one for one in check.organizations or () if one.id not in places]
        ScratchCheck(client, examination, extensions, organizations, number).run()
    finally:
        # Whatever has happened, a signal too: what was made is deleted.
        ended, examination.ended = examination.ended, ""
        examination.attempt("remove_scratch", lambda: _remove(client, check))
        examination.ended = ended


def _remove(client: AskingClient, check: PbxCheck) -> bool:
    """Delete all scratch objects.

    :raises PbxError: if one of them is left.
    """
    check.left = remove_scratch(client)
    if check.left:
        named = ", ".join(f"{one.kind} with id {one.id}" for one in check.left)
        raise _LackingError(f"The PBX does not delete what the check has made: {named}.", "Delete it by hand.")
    return True


# --- the report ---------------------------------------------------------------------------------------------------


def verdict_of(steps: Sequence[Step], *, wrote: bool) -> Verdict:
    """Say whether the collection can work with a PBX of which these steps are known."""
    undone = [step for step in steps if step.state is not StepState.PASSED]
    if any(step.needed for step in undone):
        return Verdict.FAILS
    if not wrote:
        return Verdict.READS
    return Verdict.WORKS_PARTLY if undone else Verdict.WORKS


def _headline(steps: Sequence[Step], verdict: Verdict, masked: Callable[[str], str] = str) -> str:
    if verdict is Verdict.FAILS:
        failed = [step for step in steps if step.needed and step.state is StepState.FAILED]
        missing = "; ".join(_STEP_TEXTS[step.name] for step in failed)
        return (
            f"This collection cannot work with this PBX, which does not do this: {missing}. {masked(failed[0].message)}"
        )
    missing = "; ".join(_STEP_TEXTS[step.name] for step in steps if step.state is not StepState.PASSED)
    but = f" It does without: {missing}." if missing else ""
    if verdict is Verdict.READS:
        return f"All that this collection reads can be read; whether it can write was not tried.{but}"
    return f"This collection can work with this PBX.{but}"


def _result(client: AskingClient, check: PbxCheck, *, writes: bool, check_mode: bool) -> Result:
    steps = check.examination.steps
    verdict = verdict_of(steps, wrote=check.wrote)
    masked = client.mask.text
    identity = check.identity
    values: dict[str, Any] = {
        "changed": _has_changed(check, writes=writes, check_mode=check_mode),
        "verdict": verdict.value,
        "headline": _headline(steps, verdict, masked),
        "pbx": {
            "model": identity.model if identity else "",
            "firmware": identity.firmware if identity else "",
            "extensions_max": check.capacity.extensions if check.capacity else None,
            "extensions": len(check.extensions),
            "groups": len(check.groups),
            "organizations": len(check.organizations or ()),
        },
        "steps": [_step_data(step, masked(step.message)) for step in steps],
        "answers": [
            {"name": name, "question": question, "answer": masked(check.examination.answers.get(name, _NOT_ASKED))}
            for name, question in QUESTIONS.items()
        ],
        "exchanges": _exchanges_data(client.exchanges),
        "left_behind": [{"kind": one.kind, "id": one.id} for one in check.left],
    }
    values["summary"] = _summary(values)
    warnings = tuple(client.warnings)
    if check.left and not check.wrote:
        warnings += ("An earlier check has left scratch objects on the PBX; one with writes deletes them.",)
    return Result(values, warnings, _headline(steps, verdict) if verdict is Verdict.FAILS else "")


def _has_changed(check: PbxCheck, *, writes: bool, check_mode: bool) -> bool:
    """Whether the PBX is not as it was; in check mode, would not be."""
    if check_mode or not check.wrote:
        return writes and check_mode and bool(check.found)
    return list(check.found) != list(check.left)


def _step_data(step: Step, message: str) -> dict[str, Any]:
    return {
        "name": step.name,
        "what": _STEP_TEXTS[step.name],
        "needed": step.needed,
        "state": step.state.value,
        "message": message,
    }


def _exchanges_data(exchanges: Sequence[Exchange]) -> list[dict[str, Any]]:
    """The exchanges in their order; those that are alike once, with how many there were."""
    return [
        {
            "endpoint": one.endpoint,
            "sent": one.sent,
            "errcode": one.errcode,
            "errmsg": one.errmsg,
            "fields": list(one.fields),
            "answered": one.answered,
            "times": times,
        }
        for one, times in Counter(exchanges).items()
    ]


def _summary(values: Mapping[str, Any]) -> list[str]:
    """The report in lines to read."""
    pbx = values["pbx"]
    lines = [values["headline"], "", f"{pbx['model'] or 'Model unknown'}, firmware {pbx['firmware'] or 'unknown'}", ""]
    for step in values["steps"]:
        lines.append(f"{step['state']:9}  {step['what']}{': ' if step['message'] else ''}{step['message']}")
    lines.append("")
    lines += [f"{one['question']} {one['answer']}" for one in values["answers"] if one["answer"] != _NOT_ASKED]
    return lines
