# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive that Galaxy gets: what is in it, and that it alone is enough to run the playbooks."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from tests.playbook.playbook_site import REPOSITORY, SITE, PlaybookSite, environment_of, write_yaml

# The first test of the installed collection waits for packages from the network.
pytestmark = pytest.mark.timeout(900)

_COLLECTION = Path("ansible_collections", "pbxops", "yeastar")
_LARGEST = 1_000_000
# Each file of the archive is one of these. Whatever else there is in the repository is for those who work on it.
_FOR_USERS = (
    "MANIFEST.json",
    "FILES.json",
    "*.md",
    "LICENSE",
    "requirements.txt",
    "changelogs/changelog.yaml",
    "docs/*.md",
    "docs/*.png",
    "docs/*.svg",
    "docs/docsite/*.yml",
    "meta/runtime.yml",
    "meta/execution-environment.yml",
    "meta/ee-*.txt",
    "playbooks/*.yml",
    "playbooks/*.md",
    "playbooks/examples/*.example",
    "plugins/*.py",
    "plugins/*.j2",
    "plugins/*.css",
    "plugins/*.js",
    "roles/*/README.md",
    "roles/*/defaults/*.yml",
    "roles/*/files/*",
    "roles/*/handlers/*.yml",
    "roles/*/meta/*.yml",
    "roles/*/tasks/*.yml",
    "roles/*/templates/*.j2",
    "roles/*/vars/*.yml",
)
_NOWHERE = ("*/__pycache__/*", "*.pyc", "*/tests/*", "*/.*", "*.sqlite3", "*.log")
# Python leaves no __pycache__ beside what was installed.
_AS_INSTALLED = {"PYTHONDONTWRITEBYTECODE": "1"}
# All of these are there, in full.
_KINDS = (
    "plugins/modules/*.py",
    "plugins/filter/*.py",
    "plugins/callback/*.py",
    "playbooks/*.yml",
    "roles/*/tasks/*.yml",
    "docs/*.md",
)


@pytest.fixture(name="archive", scope="module")
def _archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection as `ansible-galaxy collection build` packs it."""
    folder = tmp_path_factory.mktemp("archive")
    _run(folder, "ansible-galaxy", "collection", "build", "--output-path", str(folder), str(REPOSITORY))
    (archive,) = folder.glob("pbxops-yeastar-*.tar.gz")
    return archive


@pytest.fixture(name="packed", scope="module")
def _packed(archive: Path) -> set[str]:
    with tarfile.open(archive) as opened:
        assert all(member.isfile() or member.isdir() for member in opened)
        return {member.name for member in opened if member.isfile()}


@pytest.fixture(name="programs", scope="module")
def _programs(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment that has ansible-core, the archive's requirements, and the archive.

    Installed as README says, with this environment's ansible-core.
    """
    folder = tmp_path_factory.mktemp("empty")
    programs, collections = folder / "venv" / "bin", folder / "collections"
    _run(folder, sys.executable, "-m", "virtualenv", "--no-periodic-update", str(folder / "venv"))
    with tarfile.open(archive) as opened:
        opened.extract("requirements.txt", folder, filter="data")
    _run(
        folder,
        *(str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        "--no-compile",  # half of the time, for files that are used a few times
        *(f"ansible-core=={version('ansible-core')}", "--requirement", "requirements.txt"),
    )
    _run(folder, str(programs / "ansible-galaxy"), "collection", "install", "-p", str(collections), str(archive))
    return programs


def test_it_holds_what_users_need_and_nothing_else(archive: Path, packed: set[str]) -> None:
    assert archive.stat().st_size < _LARGEST
    unknown = {name for name in packed if not _is_one_of(name, _FOR_USERS) or _is_one_of(name, _NOWHERE)}
    assert unknown == set()


def test_it_holds_all_that_users_need(packed: set[str]) -> None:
    for kind in _KINDS:
        missing = {str(path.relative_to(REPOSITORY)) for path in REPOSITORY.glob(kind)} - packed
        assert missing == set()
    tracked = subprocess.run(
        ["git", "-c", f"safe.directory={REPOSITORY}", "ls-files", "plugins", "roles", "playbooks", "meta"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {name for name in tracked.stdout.splitlines() if (REPOSITORY / name).exists()} - packed == set()


def test_an_execution_environment_gets_the_libraries_of_all_ledgers(archive: Path, tmp_path: Path) -> None:
    home = tmp_path / "collections" / _COLLECTION
    home.mkdir(parents=True)
    with tarfile.open(archive) as opened:
        opened.extractall(home, filter="data")

    found = yaml.safe_load(_run(tmp_path, "ansible-builder", "introspect", str(tmp_path / "collections")))

    needed = {line.partition("#")[0].strip() for line in found["python"]}
    assert needed > _requirements(REPOSITORY / "requirements.txt")
    assert {re.split(r"[<>=]", requirement)[0] for requirement in needed} == {"ldap3", "requests", "psycopg[binary]"}
    assert [line.split()[0] for line in found["system"]] == ["tzdata"]


def test_ansible_builder_takes_the_archive_into_an_image(archive: Path, tmp_path: Path) -> None:
    collection = {"name": f"/build/archive/{archive.name}", "type": "file"}
    definition = {
        "version": 3,
        "images": {"base_image": {"name": "quay.io/ansible/awx-ee:24.6.1"}},
        "dependencies": {"galaxy": {"collections": [collection]}},
        "additional_build_files": [{"src": str(archive), "dest": "archive"}],
    }
    path = write_yaml(tmp_path / "execution-environment.yml", definition)
    context = tmp_path / "context"

    _run(tmp_path, "ansible-builder", "create", "--file", str(path), "--context", str(context))

    assert (context / "_build" / "archive" / archive.name).read_bytes() == archive.read_bytes()
    assert archive.name in (context / "_build" / "requirements.yml").read_text(encoding="utf-8")


def test_every_module_is_in_the_action_group() -> None:
    runtime = yaml.safe_load((REPOSITORY / "meta" / "runtime.yml").read_text(encoding="utf-8"))

    assert runtime["requires_ansible"] == ">=2.18.0"
    modules = sorted(path.stem for path in (REPOSITORY / "plugins" / "modules").glob("*.py"))
    assert runtime["action_groups"]["ad"] == modules


def test_installed_into_an_empty_environment_it_synchronizes_and_reports(site: PlaybookSite, programs: Path) -> None:
    site.add_user("Anna", mail="anna@lab.test")
    inventory = site.inventory({**site.variables, "pbx_ad_user_number_start": 3000})
    page = site.folder / "page.html"
    installed = programs.parents[1] / "collections"
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "ANSIBLE_COLLECTIONS_PATH": str(installed), **_AS_INSTALLED}

    done = site.play(SITE, "-vvv", "-i", inventory, environment=environment)
    reported = site.play(
        "pbxops.yeastar.report",
        *("-vvv", "-i", inventory, "-e", f"pbx_ad_report_path={page}"),
        environment=environment,
    )

    assert site.names == {"3000": "Anna"}
    assert "3000" in page.read_text(encoding="utf-8")
    tasks = _paths(r"task path: (\S+):\d+", done.output + reported.output)
    modules = _paths(r"Using module file (\S+/pbx_ad_\w+\.py)", done.output + reported.output)
    home = installed / _COLLECTION
    assert {path.relative_to(home).parts[0] for path in tasks} == {"roles", "playbooks"}
    assert {path.parent for path in modules} == {home / "plugins" / "modules"}
    assert str(REPOSITORY) not in done.everything + reported.everything


def test_what_is_installed_is_what_was_packed_and_is_all_documented(programs: Path, packed: set[str]) -> None:
    folder = programs.parents[1]
    home = folder / "collections" / _COLLECTION
    collections = ("-p", str(folder / "collections"))
    ansible_doc = str(programs / "ansible-doc")

    _run(folder, str(programs / "ansible-galaxy"), "collection", "verify", "--offline", *collections, "pbxops.yeastar")
    for kind, names in (("module", "modules"), ("filter", "filter"), ("callback", "callback")):
        listed = _run(folder, ansible_doc, "--list_files", "--type", kind, "pbxops.yeastar")
        assert {line.split()[1] for line in listed.splitlines()} == set(map(str, home.glob(f"plugins/{names}/*.py")))
    roles = json.loads(_run(folder, ansible_doc, "--json", "--list", "--type", "role", "pbxops.yeastar"))
    documented = fnmatch.filter(packed, "roles/*/meta/argument_specs.yml")
    assert set(roles) == {f"pbxops.yeastar.{name.split('/')[1]}" for name in documented}
    playbooks = [f"pbxops.yeastar.{path.stem}" for path in (home / "playbooks").glob("*.yml")]
    _run(folder, str(programs / "ansible-playbook"), "--syntax-check", *playbooks)


def _run(folder: Path, *command: str) -> str:
    """Run a command for which there is no collection but those that were installed into the folder."""
    installed = {"ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"), **_AS_INSTALLED}
    environment = {**environment_of(folder), **installed}
    finished = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def _is_one_of(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _paths(pattern: str, output: str) -> set[Path]:
    found = {Path(path) for path in re.findall(pattern, output)}
    assert found, pattern
    return found


def _requirements(path: Path) -> set[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}
