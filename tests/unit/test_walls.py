# SPDX-License-Identifier: GPL-3.0-or-later
"""The walls between the collection's rooms hold: who may import what, read from the source itself."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

_ROOT = Path(__file__).parents[2]
_COLLECTION = "ansible_collections.pbxops.yeastar."
_UTILS = (PurePosixPath("plugins/module_utils"), PurePosixPath("plugins/plugin_utils"))

# What a room may import of the others. The ports are the interfaces that a run asks for; the rooms that
# implement them know those and nothing else of the run.
_OPEN_DOORS = {
    "_sync": ("_sync", "_errors"),
    "_ad": ("_ad", "_sync", "_errors", "_module.ports"),
    "_pbx": ("_pbx", "_sync", "_errors", "_module.ports"),
    "_ledger": ("_ledger", "_sync", "_errors", "_module.ports"),
    "_report": ("_report", "_errors"),
}

# Each library is known to one room alone.
_LIBRARY_ROOMS = {
    "ldap3": "_ad",
    "pyasn1": "_ad",
    "requests": "_pbx",
    "urllib3": "_pbx",
    "sqlite3": "_ledger",
    "jinja2": "_report",
    "psycopg": "_ledger",
}

# Ansible itself is known where arguments come in and results go out: in _module and in the plugins.
_ROOMS_WITHOUT_ANSIBLE = ("_sync", "_ad", "_pbx", "_ledger", "_report")

# What would let the clock, chance, the machine or the network into the rooms that only make data of data.
_PURE_ROOMS = ("_sync", "_report")
# fmt: off
_IMPURE = frozenset({
    "asyncio", "concurrent", "ctypes", "fcntl", "ftplib", "getpass", "glob", "http", "importlib", "io", "locale",
    "logging", "mmap", "multiprocessing", "os", "pathlib", "platform", "random", "secrets", "select", "selectors",
    "shutil", "signal", "smtplib", "socket", "socketserver", "ssl", "subprocess", "sys", "tempfile", "threading",
    "time", "urllib",
})
# fmt: on
# What of these is pure all the same: names and addresses are texts.
_PURE_PARTS = ("urllib.parse",)
_IMPURE_BUILTINS = frozenset({"__import__", "eval", "exec", "input", "open", "print"})
_IMPURE_METHODS = frozenset({"now", "today", "utcnow", "uuid1", "uuid4"})

# Samples and tests have homes of their own: those of operator and pbx.
_MACHINE_PATH = re.compile(r"(?<![\w.-])/(?:home/(?!(?:operator|pbx)\b)|(?:root|work|Users)/)|\.\./shared")


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Full names of all that is imported, anywhere in the source; `from a import b` gives `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            above = package.split(".")[: -node.level + 1 or None] if node.level else []
            origin = ".".join([*above, node.module] if node.module else above)
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def _is_within(name: str, area: str) -> bool:
    return name == area or name.startswith(f"{area}.")


def _room_of(path: PurePosixPath) -> str:
    """The room of a file in module_utils or plugin_utils; "" for a file that stands in none, and for plugins."""
    inside = next((path.relative_to(utils).parts[:-1] for utils in _UTILS if path.is_relative_to(utils)), ())
    return inside[0] if inside else ""


def _own_name(name: str) -> str:
    """The name of something in module_utils or plugin_utils from there; "" for the name of anything else."""
    for utils in _UTILS:
        area = _COLLECTION + ".".join(utils.parts)
        if _is_within(name, area):
            return name.removeprefix(f"{area}.")
    return ""


def _import_is_allowed(path: PurePosixPath, name: str) -> bool:
    room, library = _room_of(path), name.partition(".")[0]
    own = _own_name(name)
    if own:
        doors = _OPEN_DOORS.get(room)
        return doors is None or any(_is_within(own, door) for door in doors)
    if name.startswith(_COLLECTION):
        return not _is_within(name, f"{_COLLECTION}lab") and not _is_within(name, f"{_COLLECTION}tests")
    if library == "ansible":
        return room not in _ROOMS_WITHOUT_ANSIBLE
    if room in _PURE_ROOMS and library in _IMPURE and not any(_is_within(name, part) for part in _PURE_PARTS):
        return False
    return library not in ("lab", "tests") and _LIBRARY_ROOMS.get(library, room) == room


def _impure_calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id in _IMPURE_BUILTINS:
            yield function.id
        if isinstance(function, ast.Attribute) and function.attr in _IMPURE_METHODS:
            yield function.attr


def _breaches(path: PurePosixPath, source: str) -> list[str]:
    """What a file under plugins/ (its path from the collection's root) does that its place does not allow."""
    tree = ast.parse(source)
    package = _COLLECTION + ".".join(path.parent.parts)
    breaches = [f"imports {name}" for name in _imports(tree, package) if not _import_is_allowed(path, name)]
    if _room_of(path) in _PURE_ROOMS:
        breaches += [f"calls {name}" for name in _impure_calls(tree)]
    return breaches


def _project_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={_ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=_ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := _ROOT / name).is_file()]


def test_no_file_of_the_collection_breaks_a_wall() -> None:
    files = sorted((_ROOT / "plugins").rglob("*.py"))
    breaches = {
        str(relative): found
        for file in files
        if (found := _breaches(relative := PurePosixPath(file.relative_to(_ROOT)), file.read_text(encoding="utf-8")))
    }
    assert {_room_of(PurePosixPath(file.relative_to(_ROOT))) for file in files} >= {"_sync", "_module", "_report"}
    assert breaches == {}


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("module_utils/_sync/plan.py", "import ldap3"),
        ("module_utils/_sync/plan.py", "import requests"),
        ("module_utils/_sync/plan.py", "import sqlite3"),
        ("module_utils/_sync/plan.py", "from ansible.module_utils.basic import AnsibleModule"),
        ("module_utils/_sync/plan.py", "import socket"),
        ("module_utils/_sync/plan.py", "from time import time"),
        ("module_utils/_sync/plan.py", "def later():\n    import urllib.request"),
        ("module_utils/_sync/plan.py", f"from {_COLLECTION}plugins.module_utils._ledger import store"),
        ("module_utils/_sync/plan.py", f"from {_COLLECTION}plugins.module_utils import _ledger"),
        ("module_utils/_sync/plan.py", "from ..other import x\nfrom .._pbx import client"),
        ("module_utils/_sync/plan.py", f"from {_COLLECTION}plugins.module_utils._module.ports import Pbx"),
        ("module_utils/_sync/plan.py", "from datetime import datetime\ndatetime.now()"),
        ("module_utils/_sync/plan.py", "open('rules')"),
        ("module_utils/_ad/reader.py", f"from {_COLLECTION}plugins.module_utils._pbx.client import Client"),
        ("module_utils/_ad/reader.py", f"import {_COLLECTION}plugins.module_utils._module.run"),
        ("module_utils/_ad/reader.py", "import requests"),
        ("module_utils/_pbx/client.py", f"from {_COLLECTION}plugins.module_utils._ad.reader import Reader"),
        ("module_utils/_pbx/client.py", f"from {_COLLECTION}plugins.module_utils._ledger.store import Store"),
        ("module_utils/_pbx/client.py", "import sqlite3"),
        ("module_utils/_module/main.py", "import psycopg"),
        ("module_utils/_ledger/store.py", f"from {_COLLECTION}plugins.module_utils._module.run import run"),
        ("module_utils/_module/run.py", "import ldap3"),
        ("module_utils/_module/run.py", "from lab.pbx import server"),
        ("modules/pbx_ad_user_sync.py", "try:\n    import ldap3\nexcept ImportError:\n    ldap3 = None"),
        ("modules/pbx_ad_user_sync.py", "from requests.exceptions import RequestException"),
        ("modules/pbx_ad_user_sync.py", "from tests.unit import conftest"),
        ("plugin_utils/_report/page.py", "from ansible.errors import AnsibleFilterError"),
        ("plugin_utils/_report/page.py", "from pathlib import Path"),
        ("plugin_utils/_report/page.py", "from datetime import datetime\ndatetime.now()"),
        ("plugin_utils/_report/page.py", f"from {_COLLECTION}plugins.module_utils._sync.report import explanation"),
        ("module_utils/_sync/report.py", f"from {_COLLECTION}plugins.plugin_utils._report.page import report_page"),
        ("filter/report.py", "import jinja2"),
        ("filter/extension.py", f"from {_COLLECTION}lab.tls import CertificateAuthority"),
    ],
)
def test_a_breach_is_seen(path: str, source: str) -> None:
    assert _breaches(PurePosixPath("plugins") / path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("module_utils/_sync/users.py", f"from {_COLLECTION}plugins.module_utils._sync import changes, conflicts"),
        ("module_utils/_sync/users.py", "from .plan import Plan\nfrom .. import _errors\nimport hashlib"),
        ("module_utils/_ad/reader.py", f"import ldap3\nfrom {_COLLECTION}plugins.module_utils._module.ports import A"),
        ("module_utils/_pbx/client.py", f"import requests\nfrom {_COLLECTION}plugins.module_utils._errors import X"),
        ("module_utils/_ledger/store.py", "import sqlite3\nimport os"),
        ("module_utils/_ledger/postgresql.py", "import psycopg\nfrom psycopg import sql"),
        ("module_utils/_module/run.py", f"from {_COLLECTION}plugins.module_utils._ad.reader import Reader"),
        ("modules/pbx_ad_user_sync.py", "from ansible.module_utils.basic import AnsibleModule"),
        ("plugin_utils/_report/page.py", f"import jinja2\nfrom {_COLLECTION}plugins.module_utils._errors import X"),
        ("filter/report.py", f"from {_COLLECTION}plugins.plugin_utils._report.page import report_page"),
    ],
)
def test_an_open_door_is_no_breach(path: str, source: str) -> None:
    assert _breaches(PurePosixPath("plugins") / path, source) == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    files = _project_files()
    named = {
        f"{file.relative_to(_ROOT)}:{number}": line.strip()
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if _MACHINE_PATH.search(line)
    }
    assert Path(__file__) in files
    assert named == {}


@pytest.mark.parametrize("parts", [("", "home"), ("", "root"), ("", "work"), ("", "Users"), ("..", "shared")])
def test_a_path_of_somebodys_machine_is_seen(parts: tuple[str, str]) -> None:
    assert _MACHINE_PATH.search(f"ca_path: '{'/'.join(parts)}/ca.pem'")


def test_no_test_makes_a_controller_of_its_process() -> None:
    """Ansible's own plugins load its controller, in whose process modules are given their arguments otherwise."""
    plugin = re.compile(rf"from {re.escape(_COLLECTION)}plugins\.(callback|filter|action|lookup|inventory)\b")
    tests = [file for file in (_ROOT / "tests").rglob("*.py") if plugin.search(file.read_text(encoding="utf-8"))]
    assert tests == []
