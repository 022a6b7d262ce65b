# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook that makes a release, on a copy of the repository."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.playbook.playbook_site import REPOSITORY, environment_of

_VERSION = "1.0.0"


class Repository:
    """A copy of the repository with a history of its own.

    :param folder: where it is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "repository"
        self._environment = environment_of(folder)
        for name in _tracked():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, self.folder / name, follow_symlinks=False)
        self.git("init", "--quiet")
        self.release_as(_VERSION)

    def git(self, *words: str) -> str:
        """Run git, as somebody, and return what it says."""
        somebody = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
        return subprocess.run(
            ["git", *somebody, *words], cwd=self.folder, capture_output=True, text=True, check=True
        ).stdout

    def release_as(self, version: str) -> None:
        """Write the version into galaxy.yml and commit all."""
        galaxy = self.folder / "galaxy.yml"
        text = re.sub(r"^version:.*", f"version: {version}", galaxy.read_text(encoding="utf-8"), flags=re.MULTILINE)
        galaxy.write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", f"Version {version}")

    def release(self, *flags: str) -> subprocess.CompletedProcess[str]:
        """Run the playbook."""
        return subprocess.run(
            ["ansible-playbook", "release/release.yml", *flags],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )


def _tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={REPOSITORY}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [name for name in listed.split("\0") if name and (REPOSITORY / name).exists()]


@pytest.fixture(name="copy", scope="module")
def _copy(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(tmp_path_factory.mktemp("release"))


@pytest.fixture(name="repository")
def _repository(copy: Repository) -> Repository:
    """The copy without what a test before has left uncommitted."""
    copy.git("reset", "--quiet", "--hard")
    return copy


def test_what_is_not_committed_is_not_released(repository: Repository) -> None:
    (repository.folder / "README.md").write_text("Something else", encoding="utf-8")

    refused = repository.release()

    assert refused.returncode != 0
    assert "not committed" in refused.stdout
    assert repository.git("status", "--porcelain") == " M README.md\n"


def test_a_version_that_is_not_semantic_is_not_released(repository: Repository) -> None:
    repository.release_as("01.0")

    refused = repository.release("--check")

    assert refused.returncode != 0
    assert "is not semantic" in refused.stdout


def test_it_is_looked_at_and_made_and_not_made_twice(repository: Repository) -> None:
    repository.release_as(_VERSION)
    looked = repository.release("--check")

    assert (looked.returncode, looked.stderr) == (0, ""), looked.stdout
    assert repository.git("status", "--porcelain", "--ignored") == ""

    made = repository.release()

    assert (made.returncode, made.stderr) == (0, ""), made.stdout
    assert f"git tag --annotate {_VERSION}" in made.stdout
    assert list((repository.folder / "changelogs" / "fragments").glob("*.yml")) == []
    modules = {path.stem for path in (repository.folder / "plugins" / "modules").glob("*.py")}
    changelog = yaml.safe_load((repository.folder / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))
    released = changelog["releases"][_VERSION]
    assert {module["name"] for module in released["modules"]} == modules
    playbooks = {path.stem for path in (repository.folder / "playbooks").glob("*.yml")}
    assert {playbook["name"] for playbook in released["objects"]["playbook"]} == playbooks
    roles = {path.name for path in (repository.folder / "roles").iterdir()}
    assert {role["name"] for role in released["objects"]["role"]} == roles
    (archive,) = (repository.folder / "build" / "release").glob("*.tar.gz")
    assert archive.name == f"pbxops-yeastar-{_VERSION}.tar.gz"
    with tarfile.open(archive) as opened:
        packed = opened.extractfile("CHANGELOG.md")
        assert packed is not None
        assert packed.read() == (repository.folder / "CHANGELOG.md").read_bytes()
        assert not any(name.startswith("release") for name in opened.getnames())
    assert repository.git("tag", "--list") == ""

    repository.release_as(_VERSION)
    again = repository.release("--check")

    assert again.returncode != 0
    assert f"{_VERSION} was released before" in again.stdout
