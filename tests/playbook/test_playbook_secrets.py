# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret leaves a play: not at -vvvv, not in a file, not in a list of processes."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.playbook.playbook_site import NOT_CONNECTED_YET, SITE, PlaybookSite, Played, secrets_seen, write_yaml

_SECRET_VARIABLES = ("pbx_ad_directory_password", "pbx_ad_pbx_client_secret")
_SAMPLE_SECONDS = 0.01


@pytest.mark.parametrize("source", ["environment", "variables"])
def test_no_secret_is_seen_outside(site: PlaybookSite, source: str) -> None:
    anna = site.add_user("Anna", mail="anna@lab.test", parent=site.add_unit("Staff"))
    site.admin.add_group("Team", parent=site.base_dn, members=[anna])
    vault = site.folder / "vault.yml"
    arguments: list[str] = ["-i", str(_inventory(site, source)), "-vvvv", "--diff"]
    if source == "variables":
        write_yaml(vault, {name: site.variables[name] for name in _SECRET_VARIABLES})
        arguments += ["-e", f"@{vault}"]
    environment = site.environment if source == "environment" else {}
    outputs: list[Played] = []
    with _sampled_processes() as commands:
        outputs.append(site.play(SITE, *arguments, "--check", environment=environment, warnings=[NOT_CONNECTED_YET]))
        outputs.append(site.play(SITE, *arguments, environment=environment))
        site.admin.modify(anna, sn="Neuhaus")
        # The transport's own errors hold the URL, and so the token.
        site.pbx.fail("organization/list", "http_500")
        outputs.append(site.play(SITE, *arguments, environment=environment, fails=True))
        site.pbx.fail("extensiongroup/list", "cut_before_work", times=None)
        outputs.append(site.play(SITE, *arguments, environment=environment, fails=True))
        site.pbx.faults.clear()
        site.admin.modify(anna, sn="Altmann")
        site.pbx.fail("extension/update", "cut_after_work")
        site.pbx.fail("extension/get", "cut_before_work")
        outputs.append(site.play(SITE, *arguments, environment=environment, fails=True))
        site.pbx.fail("extension/list", "cut_before_work")
        outputs.append(site.play(SITE, *arguments, environment=environment, fails=True))

    secrets = secrets_seen(site)
    # Besides the two that are given: one creation has two passwords, each of the four plays a token and more.
    assert len(secrets) >= 2 + 2 + 4
    kept = {path: path.read_bytes() for path in site.folder.rglob("*") if path.is_file() and path != vault}
    assert any(b"ansible-playbook" in command for command in commands)
    for module in ("pbx_ad_connection", "pbx_ad_sync"):
        assert any(module.encode() in command for command in commands)
    assert site.ledger_path in kept
    for secret in secrets:
        for spelling in (secret, base64.b64encode(secret.encode()).decode()):
            assert not any(spelling in f"{played.output}{played.errors}" for played in outputs), secret
            assert not [path for path, content in kept.items() if spelling.encode() in content], secret
            assert not [command for command in commands if spelling.encode() in command], secret


def _inventory(site: PlaybookSite, source: str) -> Path:
    public = {name: value for name, value in site.variables.items() if name not in _SECRET_VARIABLES}
    kinds = {"pbx_ad_kinds": ["organizational_units", "users", "groups"], "pbx_ad_user_label_group": "From AD"}
    return site.inventory({**kinds, **(public if source == "variables" else {})})


@contextmanager
def _sampled_processes() -> Iterator[set[bytes]]:
    """The command lines that `ps` shows, looked at all the time until the end of the with block."""
    commands: set[bytes] = set()
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            commands.update(_command_lines())

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield commands
    finally:
        ended.set()
        sampler.join()


def _command_lines() -> Iterator[bytes]:
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield process.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
