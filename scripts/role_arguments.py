# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes meta/argument_specs.yml of the role pbx_ad and the tables of its README from the modules' documentation.

    python scripts/role_arguments.py            write both anew (make role-arguments)
    python scripts/role_arguments.py --check    only say whether they are as they would be written

A variable of a module's option has its type, default, choices and description from there. Needs .venv (make setup).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
ROLE = ROOT / "roles" / "pbx_ad"
ARGUMENTS = ROLE / "meta" / "argument_specs.yml"
README = ROLE / "README.md"

Options = dict[str, dict[str, Any]]

_COLLECTION = "pbxops.yeastar"
_BEGIN, _END = "<!-- variables: {} -->", "<!-- end of variables -->"
_WIDTH = 120

# What the role has of its own.
_OWN: Options = yaml.safe_load("""
pbx_ad_state:
  description:
    - What the integration is to be, the option C(state) of M(pbxops.yeastar.pbx_ad_connection).
    - V(present) connects it, and leaves one that was disabled as it is. V(connected) enables that too.
    - With V(disabled) and V(disconnected) nothing is synchronized.
  type: str
  choices: [present, connected, disabled, disconnected]
  default: present
pbx_ad_settings:
  description:
    - Where the rules come from. V(given) saves those that the variables describe and carries them out.
    - V(saved) carries out those that are in the ledger, as the entry point V(sync) does, and looks at no variable of a
      rule.
  type: str
  choices: [given, saved]
  default: given
pbx_ad_kinds:
  description:
    - What is synchronized. What is not named is neither saved nor carried out.
    - If it is not set, it is V(users) for rules of the variables, and all that is saved otherwise.
    - On a command line C(-e pbx_ad_kinds=users,groups).
  type: list
  elements: str
  choices: [organizational_units, users, groups]
pbx_ad_allow_guarded:
  description:
    - The RV(pbxops.yeastar.pbx_ad_sync#module:guard_id) of what the guard is to let through.
  type: str
pbx_ad_expect_plan_id:
  description:
    - The plan that was approved. What would do anything else is refused.
    - A text, or a dictionary of one for each host, as the playbook C(pbxops.yeastar.plan) publishes it. A host that is
      not in it was not approved.
  type: raw
pbx_ad_expect_changes:
  description:
    - The changes of that plan, by which is told what moved when it no longer holds. A list, or a dictionary of one for
      each host.
  type: raw
pbx_ad_keep_snapshot:
  description:
    - Whether a run of all rules that are enabled keeps in the ledger what it has read of both sides, and left behind on
      the PBX, to be looked at without them. If false, what an earlier one has kept is forgotten. The default is true.
  type: bool
pbx_ad_full_read_every:
  description:
    - Of so many runs, one reads the directory whole, and the others only what changed in it since. The default is 1, by
      which every run reads the directory whole.
  type: int
pbx_ad_delete_extensions:
  description:
    - Whether the extensions that are associated with users are deleted when their rule is paused, or the integration
      disabled or disconnected. Otherwise they stay.
    - The guard does not count them, for this is asked for in so many words.
  type: bool
  default: false
pbx_ad_delete_organizations:
  description: Likewise for the organizations and extension groups that are associated with organizational units.
  type: bool
  default: false
pbx_ad_delete_groups:
  description: Likewise for the extension groups that are associated with groups.
  type: bool
  default: false
pbx_ad_delete_extensions_in_use:
  description:
    - Whether C(pbx_ad_delete_extensions) deletes extensions that are in a call, or agents of a queue, when the
      integration is disabled or disconnected. Otherwise those are left, and the task fails and names them.
  type: bool
  default: false
pbx_ad_rollback_run_id:
  description:
    - The run that the entry point V(rollback) undoes. If it is empty, the latest one that changed anything.
  type: str
  default: ""
pbx_ad_rollback_pause:
  description: Whether the rules of what that run synchronized are paused, so that the next run does not do it again.
  type: bool
  default: true
pbx_ad_rollback_send_welcome_email:
  description: Whether the users of extensions that are created again get the PBX's welcome e-mail.
  type: bool
  default: false
pbx_ad_rollback_delete_in_use:
  description:
    - Whether the rollback deletes extensions that are in a call, or agents of a queue. Otherwise those are left, and
      the task fails and names them.
  type: bool
  default: false
pbx_ad_report_path:
  description:
    - File that a page of what was done is written to, also when it failed, and in check mode a page of the plan.
    - It is a file of the host that the modules run on. With several PBXs it must differ from host to host.
  type: path
  default: ""
pbx_ad_report_title:
  description: The heading of the page. By default it says what the page shows and of which domain.
  type: str
  default: ""
pbx_ad_report_mode:
  description: Mode of that file. It names people, so that by default it is its owner's alone.
  type: str
  default: "0600"
pbx_ad_metrics_path:
  description:
    - File that metrics for Prometheus are written to, likewise. The node exporter reads files that end in C(.prom).
  type: path
  default: ""
pbx_ad_metrics_mode:
  description: Mode of that file.
  type: str
  default: "0600"
""")

_EXPECT = ("pbx_ad_expect_plan_id", "pbx_ad_expect_changes")
_DELETE = ("pbx_ad_delete_extensions", "pbx_ad_delete_organizations", "pbx_ad_delete_groups")
_DELETE_IN_USE_TOO = (*_DELETE, "pbx_ad_delete_extensions_in_use")
_WRITE = tuple(name for name in _OWN if name.startswith(("pbx_ad_report_", "pbx_ad_metrics_")))
_ROLLBACK = tuple(name for name in _OWN if name.startswith("pbx_ad_rollback_"))
_RUN = ("pbx_ad_kinds", "pbx_ad_allow_guarded", "pbx_ad_keep_snapshot", "pbx_ad_full_read_every", *_EXPECT)


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """What the role can be asked for.

    :param own: the variables of the role's own that it looks at, besides those of the connection.
    :param rules: whether it looks at those of the rules.
    :param sign_on: whether it looks at those of the sign-on.
    :param needs_kinds: whether the kinds must be named.
    """

    short_description: str
    description: str
    own: tuple[str, ...]
    rules: bool = False
    sign_on: bool = False
    needs_kinds: bool = False


ENTRY_POINTS: Mapping[str, EntryPoint] = {
    "main": EntryPoint(
        "Connect, save the rules and synchronize",
        "Brings the integration to O(main:pbx_ad_state), saves the rules that the variables describe and carries them "
        "out, in one run that reads each side once. Then it saves the sign-on, if a variable of it is set.",
        tuple(_OWN),
        rules=True,
        sign_on=True,
    ),
    "plan": EntryPoint(
        "Show what main would do",
        "Does what V(main) does in check mode, with or without C(--check), and shows the differences.",
        tuple(name for name in _OWN if name not in _EXPECT),
        rules=True,
        sign_on=True,
    ),
    "connect": EntryPoint(
        "Bring the integration to its state",
        "Does what V(main) does before it synchronizes.",
        ("pbx_ad_state", *_DELETE_IN_USE_TOO),
    ),
    "sync": EntryPoint(
        "Synchronize as saved",
        "Carries out the rules that are saved and enabled. This is what a schedule runs.",
        (*_RUN, *_WRITE),
    ),
    "pause": EntryPoint(
        "Pause rules",
        "Pauses the rules of O(pause:pbx_ad_kinds). Their settings stay, and so does what they have made unless "
        "it is to be deleted.",
        ("pbx_ad_kinds", *_EXPECT, *_DELETE, *_WRITE),
        needs_kinds=True,
    ),
    "resume": EntryPoint(
        "Resume rules",
        "Resumes the rules of O(resume:pbx_ad_kinds), as they were saved, and carries them out.",
        (*_RUN, *_WRITE),
        needs_kinds=True,
    ),
    "sso": EntryPoint(
        "Save the sign-on",
        "Saves how users sign on with their Active Directory credentials, and shows who cannot and why.",
        (),
        sign_on=True,
    ),
    "rollback": EntryPoint(
        "Undo a run",
        "Undoes what a run has changed. What that does is shown first, and then exactly that is done.",
        (*_EXPECT, *_ROLLBACK, *_WRITE),
    ),
    "disable": EntryPoint(
        "Disable the integration",
        "Suspends the whole integration. What that deletes is shown first, and then exactly that is done.",
        (*_EXPECT, *_DELETE_IN_USE_TOO, *_WRITE),
    ),
    "disconnect": EntryPoint(
        "Disconnect the PBX from the directory",
        "Ends the integration. What that deletes and releases is shown first, and then exactly that is done.",
        (*_EXPECT, *_DELETE_IN_USE_TOO, *_WRITE),
    ),
    "status": EntryPoint("Show the status", "Shows how the integration stands, from the ledger alone.", ()),
    "report": EntryPoint(
        "Write the page of the status",
        "Asks both sides and writes the page of how the integration stands, and the metrics of it.",
        _WRITE,
    ),
}


@dataclass(frozen=True, slots=True)
class Part:
    """The options of a module that are variables of one prefix."""

    title: str
    prefix: str
    module: str
    takes: Callable[[str], bool]


def _is_of_connection(name: str) -> bool:
    return name.startswith(("directory_", "pbx_", "ledger_"))


def _is_of_rule(name: str) -> bool:
    """Whether it is a part of the rule, and not of a run or a command."""
    return not _is_of_connection(name) and f"pbx_ad_{name}" not in _OWN and name != "sync"


CONNECTION = Part("connection", "pbx_ad_", "pbx_ad_connection", _is_of_connection)
RULES = (
    Part("users", "pbx_ad_user_", "pbx_ad_user_sync", _is_of_rule),
    Part("organizational units", "pbx_ad_ou_", "pbx_ad_ou_sync", _is_of_rule),
    Part("groups", "pbx_ad_group_", "pbx_ad_group_sync", _is_of_rule),
)
SIGN_ON = Part("sign-on", "pbx_ad_sso_", "pbx_ad_sso", lambda name: not _is_of_connection(name))
PARTS = (CONNECTION, *RULES, SIGN_ON)


def documented_variables() -> dict[str, Options]:
    """Return the variables of each part, and those of the role's own, as the modules' documentation has them."""
    modules = sorted({part.module for part in PARTS})
    documentation = _documentation(modules)
    return {part.title: _variables(part, documentation[part.module]) for part in PARTS} | {"role": _OWN}


def _documentation(modules: list[str]) -> dict[str, Options]:
    folder = ROOT / ".venv"
    finished = subprocess.run(  # noqa: S603 (the command is our own)
        [str(folder / "bin" / "ansible-doc"), "--json", *(f"{_COLLECTION}.{module}" for module in modules)],
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "LC_ALL": "C.UTF-8",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = json.loads(finished.stdout)
    return {module: loaded[f"{_COLLECTION}.{module}"]["doc"]["options"] for module in modules}


def _variables(part: Part, options: Options) -> Options:
    names = {name: part.prefix + name for name in options if part.takes(name)}
    names |= {name: f"pbx_ad_{name}" for name in options if name not in names and _is_of_connection(name)}
    names |= {name: f"pbx_ad_{name}" for name in options if f"pbx_ad_{name}" in _OWN}
    told = partial(_told, part.module, names)
    return {names[name]: _argument(option, told, name) for name, option in options.items() if part.takes(name)}


def _argument(option: Mapping[str, Any], told: Callable[[str], str], name: str) -> dict[str, Any]:
    texts = option["description"]
    argument: dict[str, Any] = {
        "description": [told(text) for text in ([texts] if isinstance(texts, str) else texts)],
        "type": option["type"],
    }
    argument |= {key: option[key] for key in ("elements", "choices", "default") if key in option}
    if re.search(r"(password|secret)$", name):
        argument["no_log"] = True
    if "suboptions" in option:
        argument["options"] = {
            inner: _argument(value, told, inner) | ({"required": True} if value.get("required") else {})
            for inner, value in option["suboptions"].items()
        }
    return argument


def _told(module: str, names: Mapping[str, str], text: str) -> str:
    """Turn what a module's documentation says of its own options and results into what a role's can say."""

    def option(found: re.Match[str]) -> str:
        name, rest = found.groups()
        there = f"{_COLLECTION}.{module}#module:{name}"
        return f"O(main:{names[name]}{rest}" if name in names else f"O({there}{rest}"

    text = re.sub(r"\bO\((\w+)([=)])", option, text)
    return re.sub(r"\bRV\((\w+)([=)])", rf"RV({_COLLECTION}.{module}#module:\1\2", text)


def arguments_text(variables: Mapping[str, Options]) -> str:
    """Return the content of meta/argument_specs.yml: the entry point main in full, and the others by reference."""
    lines = [
        "---",
        "# Written by scripts/role_arguments.py from the documentation of the modules, whose words can be long.",
        "# yamllint disable rule:line-length",
        "argument_specs:",
    ]
    for name, entry in ENTRY_POINTS.items():
        lines += [f"  {name}:", *_indented(_entry_texts(entry), 4), "    options:"]
        for variable, argument in _options_of(entry, variables).items():
            if name == "main":
                lines += [f"      {variable}: &{variable}", *_indented(argument, 8)]
            elif variable == "pbx_ad_kinds" and entry.needs_kinds:
                lines += [f"      {variable}:", f"        <<: *{variable}", "        required: true"]
            else:
                lines.append(f"      {variable}: *{variable}")
    return "\n".join(lines) + "\n"


def _entry_texts(entry: EntryPoint) -> dict[str, Any]:
    return {
        "short_description": entry.short_description,
        "description": [entry.description],
        "version_added": "0.1.0",
        "author": ["The pbxops.yeastar maintainers (@pbxops)"],
    }


def _options_of(entry: EntryPoint, variables: Mapping[str, Options]) -> Options:
    own = {name: variables["role"][name] for name in entry.own}
    rules = (
        {name: argument for part in RULES for name, argument in variables[part.title].items()} if entry.rules else {}
    )
    sign_on = variables[SIGN_ON.title] if entry.sign_on else {}
    return {**own, **variables[CONNECTION.title], **rules, **sign_on}


def _indented(content: object, depth: int) -> list[str]:
    class Indented(yaml.SafeDumper):
        """Puts lists further in than their key, as yamllint has it."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            del indentless
            super().increase_indent(flow, False)

        def ignore_aliases(self, data: object) -> bool:
            del data
            return True

    text = yaml.dump(content, Dumper=Indented, sort_keys=False, allow_unicode=True, width=_WIDTH - depth - 10)
    return [" " * depth + line for line in text.splitlines()]


def readme_text(text: str, variables: Mapping[str, Options]) -> str:
    """Return the README with its tables written anew, each between its two marks."""
    for title, options in variables.items():
        begin = _BEGIN.format(title)
        table = "\n".join(["| variable | default | what it is |", "|---|---|---|", *_rows(options)])
        before, found, rest = text.partition(begin)
        if not found:
            sys.exit(f"{README} has no {begin}")
        text = f"{before}{begin}\n\n{table}\n\n{_END}{rest.partition(_END)[2]}"
    return text


def _rows(options: Options) -> Iterator[str]:
    for name, argument in options.items():
        texts = argument["description"]
        first = _markdown(texts if isinstance(texts, str) else texts[0]).replace("|", "\\|")
        choices = f" ({', '.join(f'`{choice}`' for choice in argument['choices'])})" if "choices" in argument else ""
        yield f"| `{name}` | {_default(argument)} | {first.removesuffix('.')}{choices}. |"


def _default(argument: Mapping[str, Any]) -> str:
    default = argument.get("default")
    return f"`{json.dumps(default)}`" if default is not None else ""


def _markdown(text: str) -> str:
    text = re.sub(r"\b(?:O|RV)\((?:[\w.#]+:)?(\w+)(=[^)]*)?\)", r"`\1\2`", text)
    text = re.sub(r"\bC\(([^)]*)\)", r"`\1`", text)  # has no escapes, unlike those that came later
    text = re.sub(r"\b[VEM]\(((?:\\.|[^)\\])*)\)", _code, text)
    return re.sub(r"\b[BI]\(([^)]*)\)", r"*\1*", text)


def _code(found: re.Match[str]) -> str:
    return "`" + re.sub(r"\\(.)", r"\1", found[1]) + "`"


def main(arguments: list[str]) -> int:
    """Write both files, or say whether they are as they would be written."""
    variables = documented_variables()
    wanted = {
        ARGUMENTS: arguments_text(variables),
        README: readme_text(README.read_text(encoding="utf-8"), variables),
    }
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if arguments == ["--check"]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not as scripts/role_arguments.py writes it", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
