# SPDX-License-Identifier: GPL-3.0-or-later
"""The role pbx_ad_schedule sets a schedule up in AWX with the modules of awx.awx, and takes it away again."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.awx import recurrence
from lab.awx.emulator import Emulator
from lab.awx.testing import running_awx
from lab.tls import CertificateAuthority
from tests.playbook.awx_site import (
    CLIENT_SECRET,
    DAILY,
    DIRECTORY_PASSWORD,
    LEDGER_PASSWORD,
    NEW_PASSWORD,
    REPOSITORY_URL,
    SECRETS,
    SETTINGS,
    WEEKLY,
    WEEKLY_TIME,
    AwxSite,
)
from tests.playbook.playbook_site import COLLECTIONS, Played

PLAYBOOKS = ("plan.yml", "sync_now.yml")
EVERY_PATH = (
    *("credential_types", "credentials", "projects", "inventories", "hosts", "job_templates"),
    *("workflow_job_templates", "workflow_job_template_nodes", "workflow_approval_templates", "schedules"),
)


@pytest.fixture(name="awx")
def _awx(lab_authority: CertificateAuthority) -> Iterator[Emulator]:
    """An AWX with one organization; at the end no token may be alive that was taken."""
    with running_awx(
        authority=lab_authority, repositories={REPOSITORY_URL: PLAYBOOKS}, folders={"pbx-sync": PLAYBOOKS}
    ) as emulator:
        yield emulator
        assert emulator.api.tokens.live == 0


@pytest.fixture(name="site")
def _site(awx: Emulator, tmp_path: Path) -> AwxSite:
    return AwxSite(tmp_path, awx)


def _changed(played: Played) -> int:
    return played.recap["localhost"]["changed"]


def _picked(view: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: view[name] for name in names}


def test_a_run_makes_all_and_a_second_one_changes_nothing(site: AwxSite) -> None:
    shown = site.play("--check", "--diff")
    assert (site.awx.writes(), _changed(shown)) == ([], 3)
    assert "More is to be made in AWX than is shown above" in shown.everything

    site.play()
    assert all(200 <= call.status < 300 for call in site.awx.writes())
    _check_credentials(site.awx)
    _check_sources(site.awx)
    _check_templates(site.awx)
    _check_workflow(site.awx)
    _check_schedule(site.awx, DAILY, "job_templates", "Example - run")

    again = site.play()
    assert (site.awx.writes(), _changed(again), again.warnings) == ([], 0, [])


def _check_credentials(awx: Emulator) -> None:
    types, credentials = awx.objects("credential_types"), awx.objects("credentials")
    assert set(types) == {"Example - directory account", "Example - PBX API"}
    assert {kind["kind"] for kind in types.values()} == {"cloud"}
    assert {name: one["inputs"] for name, one in credentials.items()} == {
        "Example - directory": {"username": "svc-yeastar@example.com", "password": "$encrypted$", "ca": ""},
        "Example - PBX": {"client_id": "api-client", "client_secret": "$encrypted$", "ca": ""},
    }
    assert credentials["Example - PBX"]["credential_type"] == types["Example - PBX API"]["id"]
    assert {one["organization"] for one in credentials.values()} == {awx.objects("organizations")["Default"]["id"]}


def _check_sources(awx: Emulator) -> None:
    project, inventory = awx.objects("projects")["Example - project"], awx.objects("inventories")["Example - inventory"]
    assert _picked(project, "scm_type", "scm_url", "scm_branch", "scm_update_on_launch", "status") == {
        "scm_type": "git",
        "scm_url": REPOSITORY_URL,
        "scm_branch": "",
        "scm_update_on_launch": True,
        "status": "successful",
    }
    host = awx.objects("hosts")["pbx.example.com"]
    assert (host["inventory"], host["enabled"]) == (inventory["id"], True)
    assert json.loads(host["variables"]) == {
        "pbx_ad_directory_host": "dc1.example.com",
        "pbx_ad_directory_base_dn": "DC=example,DC=com",
        "pbx_ad_pbx_url": "https://pbx.example.com:8088",
    }


def _check_templates(awx: Emulator) -> None:
    templates = awx.objects("job_templates")
    credentials = [one["id"] for one in awx.objects("credentials").values()]
    fields = ("job_type", "playbook", "diff_mode")
    assert {name: tuple(_picked(one, *fields).values()) for name, one in templates.items()} == {
        "Example - plan": ("check", "plan.yml", True),
        "Example - run": ("run", "sync_now.yml", False),
    }
    for one in templates.values():
        assert _picked(one, "allow_simultaneous", "ask_variables_on_launch", "timeout", "extra_vars", "limit") == {
            "allow_simultaneous": False,
            "ask_variables_on_launch": False,
            "timeout": 3600,
            "extra_vars": '{"pbx_ad_hosts": "all", "pbx_ad_settings": "saved"}',
            "limit": "",
        }
        assert one["project"] == awx.objects("projects")["Example - project"]["id"]
        assert one["inventory"] == awx.objects("inventories")["Example - inventory"]["id"]
        assert sorted(awx.attached("job_templates", "credentials", one["id"])) == sorted(credentials)


def _check_workflow(awx: Emulator) -> None:
    workflow = awx.objects("workflow_job_templates")["Example - approved run"]
    assert _picked(workflow, "allow_simultaneous", "ask_variables_on_launch", "extra_vars") == {
        "allow_simultaneous": False,
        "ask_variables_on_launch": False,
        "extra_vars": "",
    }
    nodes = awx.objects("workflow_job_template_nodes")
    approval = awx.objects("workflow_approval_templates")["Example - approve the plan"]
    templates = awx.objects("job_templates")
    assert {name: one["unified_job_template"] for name, one in nodes.items()} == {
        "plan": templates["Example - plan"]["id"],
        "approve": approval["id"],
        "run": templates["Example - run"]["id"],
    }
    assert {name: one["success_nodes"] for name, one in nodes.items()} == {
        "plan": [nodes["approve"]["id"]],
        "approve": [nodes["run"]["id"]],
        "run": [],
    }
    assert not any(one["failure_nodes"] or one["always_nodes"] for one in nodes.values())
    assert {one["workflow_job_template"] for one in nodes.values()} == {workflow["id"]}
    assert approval["timeout"] == 86400


def _check_schedule(awx: Emulator, rule: str, path: str, started: str, *, enabled: bool = True) -> None:
    (schedule,) = awx.objects("schedules").values()
    assert _picked(schedule, "name", "rrule", "enabled", "unified_job_template", "extra_data", "timezone") == {
        "name": "Example - schedule",
        "rrule": rule,
        "enabled": enabled,
        "unified_job_template": awx.objects(path)[started]["id"],
        "extra_data": {},
        "timezone": "Europe/Berlin",
    }


def test_another_time_changes_the_schedule_alone(site: AwxSite) -> None:
    site.play()
    site.awx.writes()
    schedule = site.awx.objects("schedules")["Example - schedule"]["id"]

    shown = site.play("--check", **WEEKLY_TIME)
    assert (site.awx.writes(), _changed(shown)) == ([], 1)
    assert "More is to be made" not in shown.everything
    done = site.play(**WEEKLY_TIME)
    assert _changed(done) == 1
    assert [(call.method, call.path) for call in site.awx.writes()] == [("PATCH", f"/api/v2/schedules/{schedule}/")]
    _check_schedule(site.awx, WEEKLY, "job_templates", "Example - run")

    moved = site.play(**WEEKLY_TIME, awx_scheduled="workflow", awx_enabled=False)
    assert _changed(moved) == 2
    assert [call.method for call in site.awx.writes()] == ["POST", "DELETE"]
    _check_schedule(site.awx, WEEKLY, "workflow_job_templates", "Example - approved run", enabled=False)


@pytest.mark.parametrize("rule", [DAILY, WEEKLY])
def test_the_rules_of_these_tests_are_such_as_awx_takes(rule: str) -> None:
    assert recurrence.problems(rule) == []


def test_no_secret_is_seen_outside_of_the_credentials(site: AwxSite, lab_authority: CertificateAuthority) -> None:
    certificates = lab_authority.ca_path.read_text(encoding="utf-8")
    settings: dict[str, Any] = {
        "ledger_password": LEDGER_PASSWORD,
        "awx_directory_ca": certificates,
        "awx_pbx_ca": certificates,
    }
    without_ledger = {"awx_directory_ca": certificates, "awx_pbx_ca": certificates}

    def play(*arguments: str, **changed: Any) -> Played:
        return site.play(*arguments, "-vvvv", "--diff", environment=site.account, **changed)

    outputs = [play("--check", **settings), play(**settings)]
    _check_environment(site.awx, certificates, DIRECTORY_PASSWORD)
    assert set(site.awx.objects("credentials")) == {"Example - directory", "Example - PBX", "Example - ledger"}

    # What AWX does not show is not compared, and so stays, unless it is to be written in any case.
    outputs.append(play(directory_password=NEW_PASSWORD, **settings))
    assert _changed(outputs[-1]) == 0
    _check_environment(site.awx, certificates, DIRECTORY_PASSWORD)
    outputs.append(play(directory_password=NEW_PASSWORD, awx_update_secrets=True, **settings))
    _check_environment(site.awx, certificates, NEW_PASSWORD)

    outputs.append(play(**without_ledger))
    assert set(site.awx.objects("credentials")) == {"Example - directory", "Example - PBX"}
    assert "Example - ledger database" not in site.awx.objects("credential_types")

    for secret in (*SECRETS, NEW_PASSWORD, site.awx.settings.password):
        for spelling in (secret, base64.b64encode(secret.encode()).decode()):
            assert not any(spelling in f"{played.output}{played.errors}" for played in outputs), secret


def test_absent_takes_everything_away(site: AwxSite) -> None:
    site.play(ledger_password=LEDGER_PASSWORD)
    site.awx.writes()
    shown = site.play("--check", state="absent")
    assert (site.awx.writes(), _changed(shown)) == ([], 6)
    # Whose they were is all that it needs to be told.
    nothing: dict[str, Any] = {"timezone": "", "options": {}, "directory_password": "", "pbx_client_secret": ""}
    done = site.play(state="absent", **nothing)
    assert _changed(done) == 6
    assert {call.method for call in site.awx.writes()} == {"DELETE"}
    assert not any(site.awx.objects(path) for path in EVERY_PATH)
    assert list(site.awx.objects("organizations")) == ["Default"]

    again = site.play(state="absent")
    assert (site.awx.writes(), _changed(again)) == ([], 0)
    never = site.play(state="absent", awx_organization="Nobody")
    assert (site.awx.writes(), _changed(never)) == ([], 0)


def _check_environment(awx: Emulator, certificates: str, password: str) -> None:
    """The jobs of both templates get what the modules look for in their environment."""
    for template in awx.objects("job_templates").values():
        variables, files = awx.job_environment(template["id"])
        paths = [variables.pop(f"PBX_AD_{side}_CA_PATH") for side in ("DIRECTORY", "PBX")]
        assert [files[path] for path in paths] == [certificates] * 2
        assert variables == {
            "PBX_AD_DIRECTORY_USERNAME": "svc-yeastar@example.com",
            "PBX_AD_DIRECTORY_PASSWORD": password,
            "PBX_AD_PBX_CLIENT_ID": "api-client",
            "PBX_AD_PBX_CLIENT_SECRET": CLIENT_SECRET,
            "PBX_AD_LEDGER_PASSWORD": LEDGER_PASSWORD,
        }


def test_what_is_there_is_used_by_its_name(site: AwxSite) -> None:
    awx = site.awx
    default = awx.objects("organizations")["Default"]["id"]
    environment = awx.seed("execution_environments", name="PBX tools", image="registry.example.com/pbx:1")
    group = awx.seed("instance_groups", name="with a volume")
    inventory = awx.seed("inventories", name="PBXs", organization=default)
    project = awx.seed("projects", name="Our playbooks", organization=default, local_path="pbx-sync")
    mail = awx.seed("notification_templates", name="Mail", organization=default, notification_type="email")
    kind = awx.seed("credential_types", name="Vault", kind="cloud")
    vault = awx.seed("credentials", name="Our vault", organization=default, credential_type=kind)
    settings: dict[str, Any] = {
        "awx_project_scm_url": "",
        "awx_project": "Our playbooks",
        "awx_inventory": "PBXs",
        "awx_execution_environment": "PBX tools",
        "awx_instance_groups": ["with a volume"],
        "awx_other_credentials": ["Our vault"],
        **{f"awx_notifications_{when}": ["Mail"] for when in ("started", "success", "error", "approvals")},
    }

    site.play(**settings)

    for template in awx.objects("job_templates").values():
        assert _picked(template, "project", "inventory", "execution_environment") == {
            "project": project,
            "inventory": inventory,
            "execution_environment": environment,
        }
        assert awx.attached("job_templates", "instance_groups", template["id"]) == [group]
        assert vault in awx.attached("job_templates", "credentials", template["id"])
        for when in ("started", "success", "error"):
            assert awx.attached("job_templates", f"notification_templates_{when}", template["id"]) == [mail]
    workflow = awx.objects("workflow_job_templates")["Example - approved run"]["id"]
    for when in ("started", "success", "error", "approvals"):
        assert awx.attached("workflow_job_templates", f"notification_templates_{when}", workflow) == [mail]
    awx.writes()
    assert (_changed(site.play(**settings)), awx.writes()) == (0, [])

    site.play(state="absent", **settings)
    assert (list(awx.objects("projects")), list(awx.objects("inventories"))) == (["Our playbooks"], ["PBXs"])
    assert list(awx.objects("credentials")) == ["Our vault"]


def test_an_inventory_that_is_there_says_which_pbxs_there_are(site: AwxSite) -> None:
    """Its hosts have the connection options, so that the role is given none."""
    inventory = site.awx.seed(
        "inventories", name="PBXs", organization=site.awx.objects("organizations")["Default"]["id"]
    )
    settings: dict[str, Any] = {
        "options": {},
        "awx_inventory": "PBXs",
        "awx_directory_username": "svc-yeastar@example.com",
        "awx_pbx_client_id": "api-client",
    }

    site.play(**settings, **WEEKLY_TIME)

    assert {one["inventory"] for one in site.awx.objects("job_templates").values()} == {inventory}
    assert list(site.awx.objects("hosts")) == []
    _check_schedule(site.awx, WEEKLY, "job_templates", "Example - run")


def test_the_machine_that_plays_it_needs_neither_the_ledger_nor_what_the_modules_need(
    site: AwxSite, tmp_path: Path
) -> None:
    """The ledger's database is reached from where the jobs run."""
    nobody_listens = "postgresql://yeastar@127.0.0.1:1/ledgers"
    options = {**SETTINGS["pbx_ad_schedule_options"], "ledger_url": nobody_listens}
    (tmp_path / "without").mkdir()
    # Of a module that is None here, Python says that there is none.
    hide = "import sys\nsys.modules.update(dict.fromkeys(['ldap3', 'requests', 'psycopg']))\n"
    (tmp_path / "without" / "sitecustomize.py").write_text(hide, encoding="utf-8")
    environment = {**site.token, "PYTHONPATH": str(tmp_path / "without")}

    site.play(environment=environment, options=options, ledger_password=LEDGER_PASSWORD)

    host = site.awx.objects("hosts")["pbx.example.com"]
    assert json.loads(host["variables"])["pbx_ad_ledger_url"] == nobody_listens
    _check_schedule(site.awx, DAILY, "job_templates", "Example - run")


def test_a_time_that_the_clocks_will_skip_or_repeat_is_warned_of(site: AwxSite) -> None:
    (warning,) = site.play("--check", time="02:30").warnings

    assert re.match("time 02:30 is (skipped|repeated) by the change of the clocks in Europe/Berlin on ", warning)


def test_two_customers_stand_side_by_side(site: AwxSite) -> None:
    other: dict[str, Any] = {
        "awx_prefix": "Other",
        "awx_organization": "Other Ltd",
        "awx_project_scm_url": "",
        "awx_project_local_path": "pbx-sync",
        "awx_hosts": {"berlin": {"pbx_ad_pbx_url": "https://berlin.example.com:8088"}, "bonn": {}},
    }
    site.play(**other)
    assert {"berlin", "bonn"} == set(site.awx.objects("hosts"))
    assert site.awx.objects("projects")["Other - project"]["local_path"] == "pbx-sync"
    before = {path: site.awx.objects(path) for path in EVERY_PATH}

    site.play()
    assert "Other Ltd" in site.awx.objects("organizations")
    assert len(site.awx.objects("schedules")) == 2

    site.play(state="absent")
    assert {path: site.awx.objects(path) for path in EVERY_PATH} == before


def test_an_awx_without_the_organization_is_shown_what_can_be(site: AwxSite) -> None:
    token = {"controller_oauthtoken": site.awx.settings.oauth_token}

    shown = site.play("--check", environment={}, defaults=token, awx_organization="New Ltd")

    assert (site.awx.writes(), _changed(shown)) == ([], 2)
    assert "More is to be made in AWX" in shown.everything


def test_the_missing_collection_is_named_with_the_way_to_get_it(site: AwxSite, tmp_path: Path) -> None:
    ours = tmp_path / "collections" / "ansible_collections" / "pbxops"
    ours.mkdir(parents=True)
    (ours / "yeastar").symlink_to(COLLECTIONS / "ansible_collections" / "pbxops" / "yeastar")

    played = site.play(environment={"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections")}, fails=True)

    assert "needs the collection awx.awx, and it is not there" in played.everything
    assert "ansible-galaxy collection install awx.awx:24.6.1" in played.everything
    assert site.awx.calls == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"timezone": ""}, "pbx_ad_schedule_timezone is empty"),
        ({"timezone": "Europe/Berln"}, "Did you mean Europe/Berlin?"),
        ({"time": "24:30"}, "time 24:30 is no time of day"),
        ({"frequency": "weekly"}, "frequency weekly needs days"),
        ({"directory_password": ""}, "pbx_ad_schedule_directory_password is not set"),
        ({"pbx_client_secret": ""}, "pbx_ad_schedule_pbx_client_secret is not set"),
        ({"options": {}}, "pbx_ad_schedule_awx_directory_username is not set"),
        ({"awx_project_scm_url": ""}, "Set one of pbx_ad_schedule_awx_project "),
        ({"awx_project": "Ours"}, "Set one of pbx_ad_schedule_awx_project "),
        ({"awx_hosts": {"a": {}}, "awx_inventory": "b"}, "not both"),
        (
            {"options": {"directory_username": "a", "pbx_client_id": "b"}},
            "There is no PBX to synchronize",
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_work_is_refused_before_awx_is_asked(site: AwxSite, changed: dict[str, Any], words: str) -> None:
    played = site.play(fails=True, **changed)

    assert words in played.everything
    assert site.awx.calls == []


def test_a_secret_in_the_inventory_is_refused_and_not_shown(site: AwxSite) -> None:
    hosts = {"a": {"pbx_ad_directory_password": DIRECTORY_PASSWORD}}

    played = site.play("-vvvv", fails=True, awx_hosts=hosts)

    assert "has a secret among the variables of a" in played.everything
    assert DIRECTORY_PASSWORD not in played.everything
    assert site.awx.calls == []


def test_what_awx_refuses_ends_the_play_with_its_words(site: AwxSite) -> None:
    playbook = site.play(fails=True, awx_plan_playbook="none.yml")
    assert "Playbook not found for project." in playbook.everything
    denied = site.play(fails=True, environment={"CONTROLLER_OAUTH_TOKEN": "wrong"})
    assert "Invalid authentication credentials" in denied.everything
    unknown = site.play(fails=True, awx_prefix="New", awx_project_scm_url="https://git.example.com/none.git")
    assert "Project update failed" in unknown.everything
