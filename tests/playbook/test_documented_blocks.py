# SPDX-License-Identifier: GPL-3.0-or-later
"""Every code block of README and of every page is accounted for.

Ansible reads plays and tasks, whose options are compared with those of the modules, variables with those of the roles,
commands with what there is to be called, Python is compiled and its imports are made. What is none of these is listed
here with the reason why it is not looked at.
"""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import __main__ as lab_commands
from tests.playbook.documented_blocks import REPOSITORY, Block, Kind, blocks, commands, pages
from tests.playbook.playbook_site import environment_of, write_yaml

_OWN = "pbxops.yeastar."
_COLLECTION = "ansible_collections.pbxops.yeastar.plugins"
_BLOCKS = blocks()
# Collections that are not installed here: what is shown of them is that of their own documentation.
_FOREIGN_MODULES = ("community.general.mail",)
_FOREIGN_KEYWORD = "ansible.builtin.meta"
# Where the tutorial installs ansible-core.
_INSTALLED = "/opt/pbxops/bin/"
# Programs of others, which are called as their own manuals say.
_FOREIGN_PROGRAMS = {
    ".venv/bin/pre-commit", "ansible-galaxy", "ansible-runner", "ansible-vault", "cd", "certutil", "curl", "dsacls",
    "git", "journalctl", "ldapsearch", "ldapwhoami",
    "chmod", "chown", "cp", "install", "mkdir", "mv", "python3", "useradd",
    "printf", "openssl", "pg_dump", "pg_restore", "pip", "psql", "source", "export", "sqlite3", "systemctl",
}  # fmt: skip
# By the language: what other programs read, and do not run here.
_LANGUAGES = {
    "sql": "test_documented_sql.py has a server carry it out",
    "powershell": "runs on Windows alone",
    "nginx": "a web server's own, which is not installed here",
}
# By page and first line: what is no code of ours, or is looked at elsewhere.
_OTHER = {
    ("CONTRIBUTING.md", "bugfixes:"): "a fragment of the changelog, which antsibull-changelog reads",
    (
        "README.md",
        "plugins/module_utils/_ad/      speaks LDAP: a page loop and",
    ): "folders, which test_every_folder_of_the_readme_is_there looks for",
    (
        "docs/ansible-runner.md",
        "ansible-runner run /srv/pbx-runner -p pbxops.yeastar.sync_no",
    ): "a call and a tree of files; test_ansible_runner.py runs it",
    ("docs/ansible-runner.md", "# env/passwords"): "a file and a call; test_ansible_runner.py runs it",
    (
        "docs/many-pbxs.md",
        "group_vars/yeastar_pbx/vars.yml      rules, guard, kinds: fo",
    ): "names of an inventory's files",
    ("docs/incremental.md", "directory_read:"): "what a run returns; test_incremental.py looks at it",
    ("docs/many-pbxs.md", "PLAY RECAP"): "what Ansible prints; test_many_pbxs.py reads it",
    ("docs/awx.md", "version: 3"): "an execution environment, which ansible-builder reads",
    (
        "docs/awx.md",
        "plan.yml                        imports pbxops.yeastar.plan",
    ): "files, which test_awx_docs.py looks for",
    (
        "docs/guard.md",
        "The guard stopped 12 deletions, which is more than guard.del",
    ): "a message; test_guard.py has its words",
    (
        "docs/life.md",
        "headquarters  [#######-----------------------]  480 of 2,000",
    ): "what a callback shows; test_progress.py has its words",
    (
        "docs/reports.md",
        "- alert: YeastarSynchronizationFailed",
    ): "Prometheus' own; test_every_metric_of_the_alerts_is_described looks at the names",
    ("docs/schedule.md", 'frequency: weekly, time: "23:59", days: [monday, saturday],'): "a table's heading, in words",
}


def _of(kind: Kind) -> list[Block]:
    return [block for block in _BLOCKS if block.kind is kind and (block.page, block.beginning) not in _OTHER]


def _named(kind: Kind) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", [pytest.param(block, id=block.name) for block in _of(kind)])


def test_every_block_is_of_a_kind_that_is_looked_at_or_has_a_reason() -> None:
    unknown = [
        f"{block.name} {block.beginning}"
        for block in _BLOCKS
        if block.kind is Kind.OTHER and block.language not in _LANGUAGES and (block.page, block.beginning) not in _OTHER
    ]

    assert len(_BLOCKS) > 60
    assert unknown == []


def test_no_reason_is_left_over() -> None:
    assert set(_OTHER) <= {(block.page, block.beginning) for block in _BLOCKS}
    assert set(_LANGUAGES) <= {block.language for block in _BLOCKS}


def test_ansible_reads_all_plays_and_tasks(tmp_path: Path) -> None:
    plays = [play for block in (*_of(Kind.PLAYS), *_of(Kind.TASKS)) for play in _plays(block)]
    playbook = write_yaml(tmp_path / "all.yml", plays)

    hosts = sorted({play["hosts"] for play in plays})
    # One process for all: what it says of a mistake names the line, and the plays carry the names of their pages.
    finished = subprocess.run(
        ["ansible-playbook", "--syntax-check", "-i", f"{','.join(hosts)},", playbook],
        env=environment_of(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert len(plays) > 10
    assert (finished.returncode, finished.stderr) == (0, "")


def _plays(block: Block) -> list[dict[str, Any]]:
    text = block.text
    for foreign in _FOREIGN_MODULES:
        text = re.sub(
            rf"^(\s*){re.escape(foreign)}:\n(?:\1  .*\n)+", rf"\1{_FOREIGN_KEYWORD}: noop\n", text, flags=re.M
        )
    loaded = yaml.safe_load(text)
    plays = loaded if block.kind is Kind.PLAYS else [{"hosts": "localhost", "gather_facts": False, "tasks": loaded}]
    return [{**play, "name": block.name} for play in plays]


@pytest.mark.parametrize(
    "block", [pytest.param(block, id=block.name) for block in (*_of(Kind.PLAYS), *_of(Kind.TASKS))]
)
def test_every_option_and_variable_of_a_play_exists(block: Block) -> None:
    unknown = []
    for mapping in _mappings(yaml.safe_load(block.text)):
        for key, value in mapping.items():
            module = str(key).removeprefix(_OWN)
            if str(key).startswith(_OWN) and isinstance(value, dict):
                unknown += [f"{key}: {option}" for option in value if option not in _options(module)]
            if re.match(r"pbx_ad_", str(key)) and key not in _variables():
                unknown.append(str(key))

    assert unknown == []


@_named(Kind.INVENTORY)
def test_every_variable_of_an_inventory_exists(block: Block) -> None:
    names = {str(key) for mapping in _mappings(yaml.safe_load(block.text)) for key in mapping}

    assert {name for name in names if name.startswith("pbx_ad_")} <= _variables()


@_named(Kind.VARIABLES)
def test_every_variable_exists(block: Block) -> None:
    assert set(yaml.safe_load(block.text)) <= _variables()


@_named(Kind.OPTIONS)
def test_every_option_of_the_connection_exists(block: Block) -> None:
    assert set(yaml.safe_load(block.text)) <= _options("pbx_ad_sync")


def _mappings(loaded: object) -> Iterator[Mapping[Any, Any]]:
    """All dictionaries of a YAML document, however deep."""
    if isinstance(loaded, dict):
        yield loaded
        for value in loaded.values():
            yield from _mappings(value)
    if isinstance(loaded, list):
        for value in loaded:
            yield from _mappings(value)


def _options(module: str) -> set[str]:
    """The options that a module documents, those of its fragments too."""
    documentation = yaml.safe_load(importlib.import_module(f"{_COLLECTION}.modules.{module}").DOCUMENTATION)
    found = set(documentation.get("options") or {})
    for fragment in documentation["extends_documentation_fragment"]:
        _namespace, _name, file, *part = fragment.split(".")
        holder = importlib.import_module(f"{_COLLECTION}.doc_fragments.{file}").ModuleDocFragment
        text = getattr(holder, part[0].upper() if part else "DOCUMENTATION")
        found |= set(yaml.safe_load(text).get("options") or {})
    return found


def _variables() -> set[str]:
    """The variables of all roles, what they leave, and those that playbooks take besides."""
    playbooks = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "playbooks").glob("*.yml"))
    found = {"pbx_ad_result", *re.findall(r"\bpbx_ad_\w+\b", playbooks)}
    for path in (REPOSITORY / "roles").glob("*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"].values():
            found |= set(entry.get("options") or {})
    return found


@_named(Kind.SHELL)
def test_every_command_of_ours_can_be_called(block: Block) -> None:
    called = commands(block)

    assert called
    assert [trouble for words in called for trouble in _troubles(words)] == []


def _troubles(words: list[str]) -> Iterable[str]:
    """What of a command does not exist."""
    program, *arguments = words
    program = program.removeprefix(_INSTALLED)
    if program == "sudo":
        return _troubles(_called_by_sudo(arguments))
    if program == "make":
        return _troubles_of_make(arguments)
    if program == "ansible-playbook":
        return _troubles_of_playbook(arguments)
    if program == "ansible":
        return _troubles_of_module(arguments)
    if program == "python":
        return _troubles_of_python(arguments)
    return [] if program in _FOREIGN_PROGRAMS else [f"{program} is no command that is known here"]


def _called_by_sudo(arguments: list[str]) -> list[str]:
    """What sudo is to call: for root, or for whom its first option names."""
    return arguments[3:] if arguments[:1] == ["-u"] else arguments


def _troubles_of_make(arguments: list[str]) -> list[str]:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = {word for word in arguments if "=" not in word}
    paths = re.findall(r"\btests/[\w/.]+", " ".join(arguments))
    return [
        *(f"make {target}" for target in targets if not re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE)),
        *(path for path in paths if not (REPOSITORY / path).exists()),
    ]


def _troubles_of_playbook(arguments: list[str]) -> list[str]:
    names = [word.removeprefix(_OWN) for word in arguments if word.startswith(_OWN)]
    variables = [name for word in arguments for name in re.findall(r"\b(pbx_ad_\w+)=", word)]
    return [
        *(f"playbook {name}" for name in names if not (REPOSITORY / "playbooks" / f"{name}.yml").is_file()),
        *(variable for variable in variables if variable not in _variables()),
        *([] if names or any(word.endswith(".yml") for word in arguments) else ["no playbook"]),
    ]


def _troubles_of_module(arguments: list[str]) -> list[str]:
    module = arguments[arguments.index("-m") + 1].removeprefix(_OWN)
    given = arguments[arguments.index("-a") + 1].split()
    options = _options(module)
    return [pair for pair in given if pair.partition("=")[0] not in options]


def _troubles_of_python(arguments: list[str]) -> list[str]:
    if arguments[:2] == ["-m", "lab"]:
        lab_commands._parser().parse_args(arguments[2:])
        return []
    if arguments[:1] == ["-m"]:
        return [] if importlib.util.find_spec(arguments[1]) else [arguments[1]]
    return [] if (REPOSITORY / arguments[0]).is_file() else [arguments[0]]


@_named(Kind.PYTHON)
def test_every_piece_of_python_compiles_and_imports_what_there_is(block: Block) -> None:
    tree = ast.parse(block.text)
    imports: list[ast.stmt] = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]

    compile(tree, block.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    exec(compile(ast.Module(imports, []), block.name, "exec"), {})  # noqa: S102 (our own pages)


def test_every_folder_of_the_readme_is_there() -> None:
    (tree,) = (block for block in _BLOCKS if block.page == "README.md" and block.beginning.startswith("plugins/"))
    folders = [path for path in re.findall(r"^([\w/.]+)(?:  |$)", tree.text, re.MULTILINE) if path]

    assert len(folders) > 8
    assert [path for path in folders if not (REPOSITORY / path).exists()] == []


def test_every_metric_of_the_alerts_is_described() -> None:
    page = (REPOSITORY / "docs" / "reports.md").read_text(encoding="utf-8")
    (alerts,) = (block for block in _BLOCKS if block.beginning.startswith("- alert:"))
    metrics = re.findall(r"pbxops_yeastar_(\w+)", alerts.text)

    assert len(metrics) >= 3
    assert all(f"| `{metric}` |" in page for metric in metrics)


def test_every_page_is_reached_from_the_index_and_every_link_leads_somewhere() -> None:
    index = (REPOSITORY / "docs" / "README.md").read_text(encoding="utf-8")
    guides = {path.name for path in (REPOSITORY / "docs").glob("*.md")} - {"README.md"}

    assert {name for name in guides if f"]({name}" not in index} == set()
    assert [broken for page in pages() for broken in _broken_links(page)] == []


def _broken_links(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _hash, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            found.append(f"{page.relative_to(REPOSITORY)}: {link}")
    return found


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}
