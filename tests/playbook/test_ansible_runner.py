# SPDX-License-Identifier: GPL-3.0-or-later
"""The nightly job as ansible-runner runs it, which is what AWX does: what it needs, and no secret in what it leaves."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.playbook.playbook_site import SECRETS, SITE, PlaybookSite, environment_of, write_yaml
from tests.playbook.secret_search import SecretSearch, secrets_of

SYNC_NOW = "pbxops.yeastar.sync_now"
PLAN = "pbxops.yeastar.plan"
_VAULT_PASSWORD = "V4ult-pass-6c1d"
_KINDS = ["organizational_units", "users", "groups"]
_FAILED = 2


@dataclass(frozen=True)
class Job:
    """A private data directory, and the site that its playbooks synchronize."""

    site: PlaybookSite
    folder: Path
    arguments: tuple[str, ...] = ()

    def run(self, playbook: str, ident: str, *arguments: str, status: int = 0) -> Path:
        """Run a playbook to its end; return the folder of its artifacts."""
        # In one word, for what begins with a hyphen would be taken for an option.
        command_line = f"--cmdline={' '.join([*self.arguments, *arguments])}"
        command = ["ansible-runner", "run", str(self.folder), "-p", playbook, "--ident", ident, command_line]
        finished = subprocess.run(
            command, env=environment_of(self.site.folder), capture_output=True, text=True, check=False
        )
        assert finished.returncode == status, finished.stdout + finished.stderr
        return self.folder / "artifacts" / ident


def _prepare(site: PlaybookSite, folder: Path) -> None:
    """Set the site up once, and write a private data directory that has all but the secrets."""
    anna = site.add_user("Anna", mail="anna@lab.test", parent=site.add_unit("Staff"))
    site.admin.add_group("Team", parent=site.base_dn, members=[anna])
    site.play(SITE, "-i", site.inventory({**site.variables, "pbx_ad_kinds": _KINDS}))
    public = {f"pbx_ad_{name}": value for name, value in site.options.items() if name not in SECRETS}
    for name in ("inventory", "env", "project"):
        (folder / name).mkdir(parents=True)
    write_yaml(folder / "inventory" / "hosts.yml", {"yeastar_pbx": {"hosts": {"headquarters": {}}, "vars": public}})


@pytest.fixture(name="by_environment")
def _by_environment(site: PlaybookSite, tmp_path: Path) -> Job:
    """The secrets are in env/envvars, from which ansible-runner gives them to the job's environment."""
    folder = tmp_path / "runner"
    _prepare(site, folder)
    write_yaml(folder / "env" / "envvars", {f"PBX_AD_{name.upper()}": site.options[name] for name in SECRETS})
    return Job(site, folder)


@pytest.fixture(name="by_vault")
def _by_vault(site: PlaybookSite, tmp_path: Path) -> Job:
    """The secrets are in an encrypted file of the inventory, and the vault's password is typed in by ansible-runner."""
    folder = tmp_path / "runner"
    _prepare(site, folder)
    vault = folder / "inventory" / "group_vars" / "yeastar_pbx"
    vault.mkdir(parents=True)
    write_yaml(vault / "vault.yml", {f"pbx_ad_{name}": site.options[name] for name in SECRETS})
    password = tmp_path / "vault-password"
    password.write_text(_VAULT_PASSWORD, encoding="utf-8")
    subprocess.run(
        ["ansible-vault", "encrypt", "--vault-password-file", str(password), str(vault / "vault.yml")],
        env=environment_of(site.folder),
        capture_output=True,
        check=True,
    )
    password.unlink()
    write_yaml(folder / "env" / "passwords", {r"Vault password:\s*?$": _VAULT_PASSWORD})
    return Job(site, folder, ("--ask-vault-pass",))


def test_with_a_vault_no_artifact_has_a_secret(by_vault: Job) -> None:
    folders = _run_well_and_badly(by_vault)

    assert _files_with_secrets(by_vault, folders) == set()


def test_with_secrets_in_the_environment_one_artifact_has_them_and_is_its_owners(by_environment: Job) -> None:
    folders = _run_well_and_badly(by_environment)

    assert _files_with_secrets(by_environment, folders) == {folder / "command" for folder in folders}
    for folder in folders:
        assert (folder / "command").stat().st_mode & 0o077 == 0
        assert folder.stat().st_mode & 0o077 == 0


def _run_well_and_badly(job: Job) -> list[Path]:
    """Run the job at the highest verbosity: well, with errors of both sides, and with a change that fails."""
    site, arguments = job.site, ("-vvvv", "--diff")
    site.add_user("Bernd", mail="bernd@lab.test")
    folders = [job.run(SYNC_NOW, "checked", *arguments, "--check"), job.run(SYNC_NOW, "well", *arguments)]
    assert set(site.names.values()) == {"Anna", "Bernd"}
    # The transport's own errors hold the URL, and so the token.
    site.pbx.fail("organization/list", "http_500")
    folders.append(job.run(SYNC_NOW, "refused", *arguments, status=_FAILED))
    site.pbx.fail("extension/list", "cut_before_work", times=None)
    folders.append(job.run(SYNC_NOW, "cut", *arguments, status=_FAILED))
    site.pbx.faults.clear()
    site.add_user("Carl", mail="carl@lab.test")
    site.pbx.fail("extension/create", "http_500", times=None)
    folders.append(job.run(SYNC_NOW, "not_created", *arguments, status=_FAILED))
    site.pbx.faults.clear()
    wrong = "-e pbx_ad_directory_port=1"
    folders.append(job.run(SYNC_NOW, "unreachable", *arguments, wrong, status=_FAILED))
    folders.append(job.run(SYNC_NOW, "invalid", *arguments, "-e pbx_ad_kinds=ous", status=_FAILED))
    for folder in folders:
        assert (folder / "stdout").stat().st_size > 0
        assert list((folder / "job_events").iterdir())
    return folders


def _files_with_secrets(job: Job, folders: list[Path]) -> set[Path]:
    given = {str(job.site.options[name]) for name in SECRETS}
    search = SecretSearch({_VAULT_PASSWORD} | given | secrets_of(job.site.pbx))
    return {Path(finding.place) for folder in folders for finding in search.in_folder(folder)}


def test_a_plan_is_an_artifact_and_the_run_does_exactly_that(by_environment: Job) -> None:
    site = by_environment.site
    site.add_user("Bernd")
    planned = by_environment.run(PLAN, "plan", "-e pbx_ad_settings=saved")

    approved = _published(planned)
    assert approved["pbx_ad_expect_plan_id"].keys() == {"headquarters"}
    write_yaml(by_environment.folder / "env" / "extravars", approved)
    bernd = f"CN=Bernd,{site.base_dn}"
    site.admin.modify(bernd, sn="Neuhaus")
    refused = by_environment.run(SYNC_NOW, "refused", status=_FAILED)
    assert "Newly planned" in (refused / "stdout").read_text(encoding="utf-8")
    assert set(site.names.values()) == {"Anna"}

    planned = by_environment.run(PLAN, "plan_again", "-e pbx_ad_settings=saved")
    write_yaml(by_environment.folder / "env" / "extravars", _published(planned))
    by_environment.run(SYNC_NOW, "done")
    assert set(site.names.values()) == {"Anna", "Bernd"}


def _published(artifacts: Path) -> dict[str, Any]:
    """What AWX hands to the next job of a workflow."""
    events = [json.loads(path.read_text(encoding="utf-8")) for path in (artifacts / "job_events").glob("*.json")]
    (ended,) = [event for event in events if event["event"] == "playbook_on_stats"]
    published: dict[str, Any] = ended["event_data"]["artifact_data"]
    return published


def test_a_job_tells_how_far_it_has_come_in_lines_although_it_has_a_terminal(by_environment: Job) -> None:
    site, environment = by_environment.site, by_environment.folder / "env" / "envvars"
    given = json.loads(environment.read_text(encoding="utf-8"))
    write_yaml(environment, {**given, "ANSIBLE_CALLBACKS_ENABLED": "pbxops.yeastar.progress", "TERM": "xterm"})
    site.add_user("Bernd")

    told = (by_environment.run(SYNC_NOW, "told") / "stdout").read_text(encoding="utf-8")

    assert "\nheadquarters: 1 of 1 changes (100 %) in " in told
    assert "[#" not in told
    assert "reads and plans" not in told
