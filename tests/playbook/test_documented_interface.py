# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-doc says is what the modules take and return, neither more nor less."""

from __future__ import annotations

import importlib
import json
import subprocess
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sign_on import SignOnLedger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.info import Gather
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Credential
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, ExtensionChange, Reason

from tests.playbook.playbook_site import NOT_CONNECTED_YET, REPOSITORY, PlaybookSite, environment_of, write_yaml

# In the order in which they need each other.
_SYNCHRONIZING = ("pbx_ad_ou_sync", "pbx_ad_user_sync", "pbx_ad_group_sync")
_CHANGING = ("pbx_ad_connection", *_SYNCHRONIZING, "pbx_ad_sync", "pbx_ad_sso", "pbx_ad_schedule")
_UNDOING = "pbx_ad_rollback"
_TELLING = ("pbx_ad_info", "pbx_ad_user_info")
_CHECKING = "pbx_ad_pbx_check"
_MODULES = (*_CHANGING, _UNDOING, *_TELLING, _CHECKING)
# What a module needs besides the connection.
_REQUIRED: dict[str, dict[str, Any]] = {
    "pbx_ad_schedule": {"timezone": "Europe/Berlin"},
    "pbx_ad_sso": {"login_addresses": ["https://pbx.example.com:8088/login"]},
}
_ALL_THERE_IS = {"gather": [part.value for part in Gather]}
_CLEAN_UP = {"state": "disabled", "delete_extensions": True, "delete_organizations": True, "delete_groups": True}
_NOTHING = {"floor": 0, "percent": 0, "count": 0}
_STRICT = {"guard": {"deletions": _NOTHING, "releases": _NOTHING}}
_PACKAGE = "ansible_collections.pbxops.yeastar.plugins.modules"
_GROUP = "pbxops.yeastar.ad"
# What Ansible itself adds to every result.
_ANSIBLE_KEYS = {"changed", "failed", "msg", "diff", "invocation", "warnings", "exception"}
# Their keys are those of options and of managed fields.
_FREE_KEYS = {
    "settings",
    "sign_on.settings",
    "changes.before",
    "changes.after",
    "users.next.before",
    "users.next.after",
}
# Their keys are those of kinds of synchronization, and of what a run of any version has counted.
_FREE_KEYS |= {"summaries", "rules", "runs.summary"}


@pytest.fixture(name="documentation", scope="module")
def _documentation(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ansible-doc knows of each module: `doc`, `return`, `examples`."""
    names = [f"pbxops.yeastar.{module}" for module in _MODULES]
    finished = subprocess.run(
        ["ansible-doc", "--json", *names],
        env=environment_of(tmp_path_factory.mktemp("doc")),
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stderr == ""
    loaded: dict[str, Any] = json.loads(finished.stdout)
    return {module: loaded[f"pbxops.yeastar.{module}"] for module in _MODULES}


class _SpecificationSeen(Exception):  # noqa: N818 (it is no error)
    def __init__(self, specification: dict[str, Any]) -> None:
        self.specification = specification


def _specification(module: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a module's main() gives Ansible."""

    def see(**arguments: Any) -> None:
        raise _SpecificationSeen(arguments)

    code = importlib.import_module(f"{_PACKAGE}.{module}")
    monkeypatch.setattr(code, "YeastarModule", see)
    with pytest.raises(_SpecificationSeen) as seen:
        code.main()
    return seen.value.specification


@pytest.mark.parametrize("module", _MODULES)
def test_the_documented_options_are_those_of_the_argument_specification(
    module: str, documentation: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    specification = _specification(module, monkeypatch)

    assert _documented(documentation[module]["doc"]["options"]) == _specified(specification["argument_spec"])
    assert specification["supports_check_mode"]


def _documented(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {
            "type": option["type"],
            "required": option.get("required", False),
            "default": option.get("default"),
            "choices": option.get("choices"),
            "elements": option.get("elements"),
            "options": _documented(option.get("suboptions", {})),
        }
        for name, option in options.items()
    }


def _specified(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {
            "type": option.get("type", "str"),
            "required": option.get("required", False),
            "default": option.get("default"),
            "choices": option.get("choices"),
            "elements": option.get("elements"),
            "options": _specified(option.get("options", {})),
        }
        for name, option in options.items()
    }


@pytest.mark.parametrize("module", _MODULES)
def test_the_documentation_of_an_option_names_its_environment_variable(
    module: str, documentation: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = documentation[module]["doc"]["options"]
    for name, option in _specification(module, monkeypatch)["argument_spec"].items():
        for variable in option.get("fallback", (None, []))[1]:
            assert f"E({variable})" in "".join(options[name]["description"])


@pytest.mark.parametrize("module", _MODULES)
def test_a_module_is_in_the_action_group_and_says_so(module: str, documentation: dict[str, Any]) -> None:
    runtime = yaml.safe_load((REPOSITORY / "meta" / "runtime.yml").read_text(encoding="utf-8"))

    assert sorted(runtime["action_groups"]["ad"]) == sorted(_MODULES)
    attributes = documentation[module]["doc"]["attributes"]
    assert attributes["action_group"]["membership"] == [_GROUP]
    assert {attributes[name]["support"] for name in ("check_mode", "idempotent")} == {"full"}
    assert attributes["diff_mode"]["support"] == ("N/A" if module in (*_TELLING, _CHECKING) else "full")


def test_no_module_is_left_out() -> None:
    assert sorted(path.stem for path in (REPOSITORY / "plugins" / "modules").glob("*.py")) == sorted(_MODULES)


# --- results ---


@pytest.mark.timeout(900)
def test_the_documented_results_are_those_that_are_returned(site: PlaybookSite, documentation: dict[str, Any]) -> None:
    results = _results_of_all_kinds(site)

    for module in _MODULES:
        documented = set(_documented_keys(documentation[module]["return"]))
        returned = {key for result in results[module] for key in _returned_keys(result)} - _ANSIBLE_KEYS
        assert returned == documented


def _documented_keys(options: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, option in options.items():
        yield prefix + name
        yield from _documented_keys(option.get("contains", {}), f"{prefix}{name}.")


def _returned_keys(value: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _returned_keys(inner, prefix)
    if isinstance(value, Mapping) and prefix.removesuffix(".") not in _FREE_KEYS:
        for name, inner in value.items():
            if not prefix and name in _ANSIBLE_KEYS:
                yield name
                continue
            yield prefix + name
            yield from _returned_keys(inner, f"{prefix}{name}.")


def _results_of_all_kinds(site: PlaybookSite) -> dict[str, list[dict[str, Any]]]:
    """What the modules return in check mode and in runs: changes, conflicts, recoveries, and the guard's failures."""
    results: dict[str, list[dict[str, Any]]] = {module: [] for module in _MODULES}

    def run(
        *arguments: str,
        rule: Mapping[str, Any] | None = None,
        warnings: tuple[str, ...] = (),
        modules: Collection[str] = _CHANGING,
    ) -> None:
        for module, result in _run_modules(site, modules, *arguments, rule=rule or {}, warnings=warnings).items():
            results[module].append(result)

    unit = site.add_unit("Staff")
    anna = site.add_user("Anna", mail="anna@lab.test", parent=unit)
    for twin in ("Bernd", "Carl"):
        site.add_user(twin, mail="shared@lab.test")
    site.admin.add_group("Team", parent=site.base_dn, members=[anna])
    site.pbx.pbx.seed_group("Taken")
    site.admin.add_group("Taken", parent=site.base_dn)
    site.pbx.pbx.seed_organization("Departments")
    site.add_unit("Departments")
    run("--check", warnings=(NOT_CONNECTED_YET, "conflict"))
    run(warnings=("conflict",))
    site.admin.modify(anna, sn="Neuhaus")
    for module in _SYNCHRONIZING:
        _begin_an_update_and_leave_it(site)
        run(warnings=("conflict",), modules=[module])
    run("--check", warnings=("conflict",))
    site.pbx.pbx.change_by_hand(next(iter(site.names)), title="Boss")
    _change_an_organization_and_a_group_by_hand(site)
    run("--check", warnings=("conflict",), modules=[*_SYNCHRONIZING, "pbx_ad_sync"])
    assert all(results[module][-1]["drift"] for module in (*_SYNCHRONIZING, "pbx_ad_sync"))
    run(rule=_ALL_THERE_IS, modules=["pbx_ad_info"])
    run(modules=["pbx_ad_user_info"])
    run(rule={**_ALL_THERE_IS, "offline": True}, modules=["pbx_ad_info"])
    run(rule={"offline": True}, modules=["pbx_ad_user_info"])
    _sign_on_and_leave_it(site)
    run(rule={"enabled": False}, modules=["pbx_ad_sso"])
    assert results["pbx_ad_sso"][-1]["recovered"]
    stopping = {"scope": "filter", "filter": "(cn=nobody)", **_STRICT}
    run(rule=stopping)
    for module in (*_SYNCHRONIZING, "pbx_ad_sync"):
        assert results[module][-1]["failed"]
        assert results[module][-1]["changes"][0]["state"] == "stopped"
    for module in _SYNCHRONIZING:
        assert results[module][2]["recovered"]
    site.pbx.pbx.seed_extension("9000", organization_ids=list(site.pbx.state.organizations))
    for module, options, warnings in (("pbx_ad_sync", {}, ()), ("pbx_ad_connection", _CLEAN_UP, ("conflict",))):
        _begin_an_update_and_leave_it(site)
        run(rule=options, warnings=warnings, modules=[module])
        assert results[module][-1]["recovered"]
    # The last run has deleted everything; in the place of one thing there is another.
    site.pbx.pbx.seed_group("Team")
    run(warnings=("conflict",), modules=[_UNDOING])
    _begin_an_update_and_leave_it(site)
    run("--check", warnings=("conflict",), modules=[_UNDOING])
    assert results[_UNDOING][0]["not_restored"]
    assert results[_UNDOING][-1]["recovered"]
    # A scratch object of an earlier check, which is left behind.
    site.pbx.pbx.seed_group("PbxopsCheckScratch")
    run(modules=[_CHECKING], warnings=("scratch objects",))
    return results


def _run_modules(
    site: PlaybookSite, modules: Collection[str], *arguments: str, rule: Mapping[str, Any], warnings: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """Run modules in one play: what each returned, failed or not."""
    tasks: list[dict[str, Any]] = []
    for module in modules:
        options = rule if module in _SYNCHRONIZING or len(modules) == 1 else _REQUIRED.get(module, {})
        tasks.append({f"pbxops.yeastar.{module}": dict(options), "register": module, "ignore_errors": True})
        save = {"content": f"{{{{ {module} | to_json }}}}", "dest": str(_result_path(site, module))}
        tasks.append({"ansible.builtin.copy": save, "check_mode": False, "diff": False})
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
    playbook = write_yaml(site.folder / "results.yml", [play])
    site.play(playbook, "--diff", *arguments, environment=site.environment, warnings=warnings)
    return {module: json.loads(_result_path(site, module).read_text(encoding="utf-8")) for module in modules}


def _result_path(site: PlaybookSite, module: str) -> Path:
    return site.folder / f"{module}.json"


def _change_an_organization_and_a_group_by_hand(site: PlaybookSite) -> None:
    pbx = site.pbx.pbx
    (staff,) = [one["id"] for one in site.pbx.state.organizations.values() if one["name"] == "Staff"]
    pbx.organizations.rename(staff, "Staff by hand")
    team = pbx.groups.named("Team")
    assert team is not None
    pbx.groups.put(replace(team, members={}))


def _sign_on_and_leave_it(site: PlaybookSite) -> None:
    """Write down that a password is set, and what a run that is killed leaves."""
    with open_ledger(site.ledger_path, read_write=False, command="test") as ledger:
        held = ledger.associations()[0]
    SignOnLedger(site.ledger_path).note_credential(Credential(held.extension_id, held.guid, datetime.now(UTC)))
    _begin_an_update_and_leave_it(site)


def _begin_an_update_and_leave_it(site: PlaybookSite) -> None:
    """Write down what a run that is killed at its write leaves in the journal."""
    now = datetime.now(UTC)
    with open_ledger(site.ledger_path, read_write=True, command="test") as ledger:
        association = ledger.associations()[0]
        change = ExtensionChange(
            action=Action.UPDATE,
            guid=association.guid,
            name=association.account_name,
            dn=association.dn,
            number=association.number,
            object_id=association.extension_id,
            reason=Reason.DIRECTORY_CHANGED,
            before={"title": ""},
            after={"title": "Clerk"},
            association=association,
        )
        ledger.intend(ledger.begin_run("pbx_ad_sync", ["users"], "plan", now), change, "", now)
