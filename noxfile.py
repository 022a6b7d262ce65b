# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that need environments of their own: other releases of ansible-core, and Galaxy's importer.

`make setup` comes first; then `.venv/bin/nox --list` and, for example, `.venv/bin/nox --session importer`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nox

nox.needs_version = ">=2026.10.20"
nox.options.envdir = ".venv/nox"
nox.options.sessions = ["units", "sanity", "integration", "importer"]
nox.options.default_venv_backend = "venv"

_ROOT = Path(__file__).parent
_DEVELOPMENT = _ROOT / "requirements" / "dev.txt"

# Galaxy runs what no option here changes; what is said besides these is an error.
_IMPORTER_SETTINGS = """\
[galaxy-importer]
CHECK_REQUIRED_TAGS = True
# Would fetch and start a container. `make sanity` runs the same tests, with no ignore file.
RUN_ANSIBLE_TEST = False
"""
_IMPORTER_WARNINGS = {
    f"Failed to find pbxops.yeastar.{playbook} playbook.": (
        "The project for AWX in roles/pbx_ad_schedule/files imports this playbook of the installed collection, "
        "and the importer lints an archive that is installed nowhere."
    )
    for playbook in ("plan", "sync_now")
}


@dataclass(frozen=True, slots=True)
class Release:
    """A release of ansible-core and a Python that it runs on.

    :param requirement: for pip, which takes the newest that fits; one that names a beta takes release candidates too.
    """

    name: str
    requirement: str
    python: str


_RELEASES = (
    Release("2.18", "ansible-core~=2.18.0", "3.11"),
    Release("2.19", "ansible-core~=2.19.0", "3.11"),
    Release("2.20", "ansible-core~=2.20.0", "3.12"),
    Release("2.20", "ansible-core~=2.20.0", "3.13"),
    Release("2.21", "ansible-core~=2.21.0", "3.12"),
    Release("2.21", "ansible-core~=2.21.0", "3.13"),
    Release("2.22", "ansible-core~=2.22.0b1", "3.13"),
)
_EACH_RELEASE = [nox.param(release, id=f"{release.name}-python{release.python}") for release in _RELEASES]


@nox.session(python=False)
@nox.parametrize("release", _EACH_RELEASE)
def units(session: nox.Session, release: Release) -> None:
    """Run the unit tests on a release of ansible-core; further arguments are pytest's: `-- tests/playbook`."""
    environment = _environment(session, release, "--requirement", "requirements/tests.in")
    paths = session.posargs or ["tests/unit"]
    pytest = (str(environment / "python"), "-m", "pytest", "--quiet", "--numprocesses", "2", "-p", "no:cacheprovider")
    # ansible-core 2.22 listens at a socket in the folder for temporary files, of whose path Linux takes 107 bytes.
    with tempfile.TemporaryDirectory(prefix="nox-") as folder:
        session.run(*pytest, "--basetemp", f"{folder}/t", *paths, external=True)


@nox.session(python=False)
@nox.parametrize("release", _EACH_RELEASE)
def sanity(session: nox.Session, release: Release) -> None:
    """Run the sanity tests of a release of ansible-core; further arguments are ansible-test's."""
    environment = _environment(session, release)
    session.run("scripts/sanity", *session.posargs, env={"ANSIBLE_TEST_VENV": str(environment.parent)}, external=True)


@nox.session(python=False)
@nox.parametrize("release", _EACH_RELEASE)
def integration(session: nox.Session, release: Release) -> None:
    """Run the integration targets on a release of ansible-core against a lab; further arguments are ansible-test's."""
    environment = _environment(session, release, "--requirement", "requirements/tests.in")
    session.run(
        "scripts/integration", *session.posargs, env={"ANSIBLE_TEST_VENV": str(environment.parent)}, external=True
    )


@nox.session(python=False)
def molecule(session: nox.Session) -> None:
    """Play Molecule's scenarios, each with a lab of its own; further arguments are those of `molecule test`."""
    environment = _ROOT / ".venv"
    path = os.pathsep.join([str(environment / "bin"), os.environ["PATH"]])
    settings = {"ANSIBLE_COLLECTIONS_PATH": str(environment / "collections"), "PATH": path}
    session.run("molecule", "test", *(session.posargs or ["--all"]), env=settings, external=True)


@nox.session
def importer(session: nox.Session) -> None:
    """Let Galaxy's importer judge the built collection; build/galaxy-importer.log keeps what it said."""
    session.install("galaxy-importer==0.4.44", _pinned("ansible-core"), _pinned("ansible-lint"))
    folder = Path(session.create_tmp())
    settings = folder / "galaxy-importer.cfg"
    settings.write_text(_IMPORTER_SETTINGS, encoding="utf-8")
    archive = _build(session, folder)
    with session.chdir(folder):
        said = session.run(
            *("python", "-m", "galaxy_importer.main", archive.name),
            env={"GALAXY_IMPORTER_CONFIG": str(settings)},
            silent=True,
            success_codes=range(256),
        )
    report = str(said)
    (_ROOT / "build").mkdir(exist_ok=True)
    (_ROOT / "build" / "galaxy-importer.log").write_text(report, encoding="utf-8")
    print(report)
    if "Importer processing completed successfully" not in report:
        session.error("The importer refuses the collection; it says why above.")
    warnings = re.findall(r"^(?:WARNING|ERROR|CRITICAL)\b.*", report, re.MULTILINE)
    unexplained = [line for line in warnings if not any(known in line for known in _IMPORTER_WARNINGS)]
    for known, reason in _IMPORTER_WARNINGS.items():
        session.log(f"{known} {reason}")
    if unexplained:
        session.error("\n".join(["Warnings for which no reason is known:", *unexplained]))


def _build(session: nox.Session, folder: Path) -> Path:
    """Build the collection from this folder and return the archive."""
    session.run("ansible-galaxy", "collection", "build", "--force", "--output-path", str(folder), str(_ROOT))
    (archive,) = folder.glob("pbxops-yeastar-*.tar.gz")
    return archive.absolute()


def _environment(session: nox.Session, release: Release, *requirements: str) -> Path:
    """Make a virtual environment with a release and return its folder of programs.

    Skips the session where its Python is missing.
    """
    python = _interpreter(release.python)
    if not python:
        session.skip(f"there is no Python {release.python} here, which ansible-core {release.name} is tested with")
    folder = _ROOT / ".venv" / "nox" / f"core-{release.name}-python{release.python}"
    programs = folder / "bin"
    if not (programs / "python").exists():
        session.run(python, "-m", "venv", str(folder), external=True)
    constraints = folder / "constraints.txt"
    constraints.write_text(_constraints(), encoding="utf-8")
    session.run(
        *(str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--constraint", str(constraints), release.requirement, *requirements),
        external=True,
    )
    session.run(programs / "ansible", "--version", external=True)
    return programs


def _constraints() -> str:
    """The versions of requirements/dev.txt, but for what each ansible-core chooses."""
    lines = _DEVELOPMENT.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith(("ansible-", "resolvelib=="))) + "\n"


def _pinned(package: str) -> str:
    """A package as requirements/dev.txt has it."""
    lines = _DEVELOPMENT.read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith(f"{package}=="))


def _interpreter(version: str) -> str | None:
    """A Python of this version that runs: one found by its name, or one of pyenv's, whose names may lead nowhere."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    named = shutil.which(f"python{version}")
    for candidate in ([named] if named else []) + sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}")):
        if subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:  # noqa: S603
            return str(candidate)
    return None
