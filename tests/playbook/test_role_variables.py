# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role pbx_ad makes of its variables, and that they are documented."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.kinds import KINDS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import CONNECTION_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.sign_on import SIGN_ON_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

from tests.playbook.playbook_site import REPOSITORY, environment_of, write_yaml

ROLE = REPOSITORY / "roles" / "pbx_ad"
PREFIXES = {
    RuleKind.USERS: "pbx_ad_user_",
    RuleKind.ORGANIZATIONAL_UNITS: "pbx_ad_ou_",
    RuleKind.GROUPS: "pbx_ad_group_",
}
_ENABLED = {"type": "bool", "default": True}
_COMPUTED = (
    "pbx_ad_connection_options",
    "pbx_ad_given_kinds",
    "pbx_ad_given_rules",
    "pbx_ad_sign_on_options",
    "pbx_ad_saved_kinds",
    "pbx_ad_approved_plan_id",
    "pbx_ad_approved_changes",
)


def _load(*path: str) -> Any:
    return yaml.safe_load(ROLE.joinpath(*path).read_text(encoding="utf-8"))


# --- what is made of them ---


def _computed(
    folder: Path, hosts: Mapping[str, Mapping[str, Any]], *arguments: str, raw: str = "{}"
) -> dict[str, dict[str, Any]]:
    """What the role computes of the variables of each host; none of what Ansible says of it may be a warning.

    :param raw: variables of all hosts as YAML, for what JSON cannot say.
    """
    (folder / "group_vars").mkdir()
    (folder / "group_vars" / "all.yml").write_text(raw, encoding="utf-8")
    write_yaml(folder / "hosts.yml", {"all": {"hosts": hosts}})
    expression = ", ".join(f"{name!r}: {name}" for name in _COMPUTED)
    save = {"content": f"{{{{ {{{expression}}} | to_json }}}}", "dest": f"{folder}/{{{{ inventory_hostname }}}}.json"}
    play = {
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "vars_files": [str(ROLE / "defaults" / "main.yml"), str(ROLE / "vars" / "main.yml")],
        "tasks": [{"ansible.builtin.copy": save}],
    }
    finished = subprocess.run(
        ["ansible-playbook", "-i", "hosts.yml", str(write_yaml(folder / "play.yml", [play])), *arguments],
        cwd=folder,
        env=environment_of(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, ""), finished.stdout
    return {host: json.loads((folder / f"{host}.json").read_text(encoding="utf-8")) for host in hosts}


def test_what_is_not_set_is_left_to_the_modules(tmp_path: Path) -> None:
    assert _computed(tmp_path, {"hq": {}})["hq"] == {
        "pbx_ad_connection_options": {},
        "pbx_ad_given_kinds": ["users"],
        "pbx_ad_given_rules": {"users": {}},
        "pbx_ad_sign_on_options": {},
        "pbx_ad_saved_kinds": ["organizational_units", "users", "groups"],
        "pbx_ad_approved_plan_id": "",
        "pbx_ad_approved_changes": [],
    }


def test_each_variable_becomes_the_option_of_its_name(tmp_path: Path) -> None:
    connection = {"directory_host": "dc1", "directory_port": 1636, "pbx_validate_certs": False, "ledger_path": "/l"}
    rules: dict[str, dict[str, Any]] = {
        "users": {"scope": "users", "users": [{"user": "anna", "number": "2000"}], "enabled": False, "groups": []},
        "organizational_units": {"filter": "(ou=*)", "guard": {"deletions": {"floor": 3, "percent": 2.5}}},
        "groups": {"types": ["security"], "filter": ""},
    }
    variables = {f"pbx_ad_{name}": value for name, value in connection.items()}
    for kind, rule in rules.items():
        variables |= {f"{PREFIXES[RuleKind(kind)]}{name}": value for name, value in rule.items()}

    variables |= {"pbx_ad_sso_enabled": False, "pbx_ad_sso_gateway_port": 8443}

    kinds = {"pbx_ad_kinds": ["groups", "users", "organizational_units"]}
    computed = _computed(tmp_path, {"hq": {**variables, **kinds}})["hq"]

    assert computed["pbx_ad_connection_options"] == connection
    assert computed["pbx_ad_given_rules"] == rules
    assert computed["pbx_ad_sign_on_options"] == {"enabled": False}


def test_kinds_that_are_not_named_are_not_given(tmp_path: Path) -> None:
    variables = {"pbx_ad_user_scope": "all", "pbx_ad_group_scope": "all"}

    computed = _computed(tmp_path, {"hq": variables}, "-e", "pbx_ad_kinds=groups,organizational_units")["hq"]

    assert computed["pbx_ad_given_rules"] == {"organizational_units": {}, "groups": {"scope": "all"}}
    assert computed["pbx_ad_saved_kinds"] == ["groups", "organizational_units"]


def test_secrets_come_through_as_they_are(tmp_path: Path) -> None:
    secrets = [
        "12345",
        "0x1F",
        "1e3",
        "true",
        "null",
        "a'b\"c\\d\\n",
        "{x: 1}",
        "[1]",
        "'",
        " leading",
        "ä€\u2028",
        "#%$",
    ]
    hosts = {f"host{number}": {"pbx_ad_directory_password": secret} for number, secret in enumerate(secrets)}

    computed = _computed(tmp_path, hosts, raw="pbx_ad_pbx_client_secret: !unsafe '{{ x }}{% y'")

    for host, given in hosts.items():
        assert computed[host]["pbx_ad_connection_options"] == {
            "directory_password": given["pbx_ad_directory_password"],
            "pbx_client_secret": "{{ x }}{% y",
        }


def test_a_host_takes_the_plan_that_was_approved_for_it(tmp_path: Path) -> None:
    plans = {"first": "aa", "second": "bb"}
    lines = {"first": ["x"], "second": ["y"]}
    by_host = {"pbx_ad_expect_plan_id": plans, "pbx_ad_expect_changes": lines}
    one = {"pbx_ad_expect_plan_id": "cc", "pbx_ad_expect_changes": ["z"]}
    none: dict[str, Any] = {"pbx_ad_expect_plan_id": {}, "pbx_ad_expect_changes": {}}

    computed = _computed(tmp_path, {"first": by_host, "second": by_host, "other": by_host, "one": one, "none": none})

    approved = {
        host: (one["pbx_ad_approved_plan_id"], one["pbx_ad_approved_changes"]) for host, one in computed.items()
    }
    # No plan has the name none, so that it is refused.
    assert approved == {
        "first": ("aa", ["x"]),
        "second": ("bb", ["y"]),
        "other": ("none", []),
        "one": ("cc", ["z"]),
        "none": ("none", []),
    }


# --- their documentation ---


def _documented(entry: str) -> dict[str, Any]:
    options: dict[str, Any] = _load("meta", "argument_specs.yml")["argument_specs"][entry]["options"]
    return options


def test_the_documentation_is_what_the_modules_say() -> None:
    command = [sys.executable, str(REPOSITORY / "scripts" / "role_arguments.py"), "--check"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (finished.returncode, finished.stderr) == (0, ""), "make role-arguments"


def test_each_option_of_a_module_has_its_variable_with_its_type_and_choices() -> None:
    wanted = {f"pbx_ad_{name}": option for name, option in CONNECTION_OPTIONS.items()}
    for kind, prefix in PREFIXES.items():
        options = {**KINDS[kind].saved_options, "enabled": _ENABLED}
        wanted |= {prefix + name: option for name, option in options.items()}
    wanted |= {f"pbx_ad_sso_{name}": option for name, option in SIGN_ON_OPTIONS.items()}

    own = _load("defaults", "main.yml").keys() | _RUN
    documented = {name: option for name, option in _documented("main").items() if name not in own}
    assert {name: _kind_of(option) for name, option in documented.items()} == {
        name: _kind_of(option) for name, option in wanted.items()
    }


_RUN = {
    "pbx_ad_kinds",
    "pbx_ad_allow_guarded",
    "pbx_ad_keep_snapshot",
    "pbx_ad_full_read_every",
    "pbx_ad_expect_plan_id",
    "pbx_ad_expect_changes",
}


def _kind_of(option: Mapping[str, Any]) -> dict[str, Any]:
    inner = {name: _kind_of(one) for name, one in option.get("options", {}).items()}
    known = {name: option.get(name) for name in ("type", "elements", "choices", "default")}
    return {**known, "no_log": option.get("no_log", False), "options": inner}


def test_the_documented_defaults_are_those_of_the_role() -> None:
    documented = _documented("main")

    for name, value in _load("defaults", "main.yml").items():
        assert documented[name]["default"] == value, name


def test_each_entry_point_is_documented_and_takes_the_connection() -> None:
    entries = {path.stem for path in (ROLE / "tasks").glob("*.yml")}

    assert _load("meta", "argument_specs.yml")["argument_specs"].keys() == entries
    for entry in entries:
        documented = _documented(entry)
        assert {f"pbx_ad_{name}" for name in CONNECTION_OPTIONS} <= documented.keys(), entry
        assert documented.keys() <= _documented("main").keys(), entry
    assert _documented("pause")["pbx_ad_kinds"]["required"]
    assert "required" not in _documented("main")["pbx_ad_kinds"]


def test_the_readme_names_each_entry_point_and_each_variable() -> None:
    readme = (ROLE / "README.md").read_text(encoding="utf-8")

    named = set(re.findall(r"`(\w+)`", readme))
    assert _documented("main").keys() <= named
    assert {path.stem for path in (ROLE / "tasks").glob("*.yml")} <= named
