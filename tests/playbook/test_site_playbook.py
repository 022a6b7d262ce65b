# SPDX-License-Identifier: GPL-3.0-or-later
"""What people run: pbxops.yeastar.site in check mode and for real, its settings, several PBXs, the guard."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.playbook.playbook_site import NOT_CONNECTED_YET, REPOSITORY, SITE, PlaybookSite, write_yaml

_ARGUMENTS = REPOSITORY / "roles" / "pbx_ad" / "meta" / "argument_specs.yml"
EXAMPLES = REPOSITORY / "playbooks" / "examples"
PEOPLE = ("Anna", "Bernd", "Carl")


@pytest.mark.parametrize("settings", ["variables", "environment"])
def test_check_mode_shows_a_run_does_and_a_second_run_changes_nothing(site: PlaybookSite, settings: str) -> None:
    for name in PEOPLE:
        site.add_user(name, mail=f"{name.lower()}@lab.test")
    rule = {"pbx_ad_user_number_start": 3000}
    inventory = site.inventory({**rule, **(site.variables if settings == "variables" else {})})
    environment = site.environment if settings == "environment" else {}

    shown = site.play(SITE, "-i", inventory, "--check", "--diff", environment=environment, warnings=[NOT_CONNECTED_YET])
    assert site.writes() == []
    assert not site.ledger_path.parent.exists()
    assert shown.recap["headquarters"]["changed"] == 2
    for number, name in enumerate(PEOPLE, start=3000):
        assert f"create {number} {name}-" in shown.output
        assert f'    first_name: "{name}"\n' in shown.output

    done = site.play(SITE, "-i", inventory, environment=environment)
    assert site.writes() == ["extension/create"] * 3
    assert done.recap["headquarters"]["changed"] == 2
    assert site.names == {"3000": "Anna", "3001": "Bernd", "3002": "Carl"}

    again = site.play(SITE, "-i", inventory, environment=environment)
    assert site.writes() == []
    assert again.recap["headquarters"] == {**done.recap["headquarters"], "changed": 0}


@pytest.mark.parametrize("order", ["organization", "extension_group", "department"])
def test_all_three_kinds_are_in_step_after_one_play(site: PlaybookSite, order: str) -> None:
    sales = site.add_unit("Sales", site.add_unit("Staff"))
    anna = site.add_user("Anna", parent=sales, department="Field")
    site.admin.add_group("Team", parent=site.base_dn, members=[anna])
    target = {"pbx_ad_ou_hierarchy_from": "department"} if order == "department" else {"pbx_ad_ou_sync_to": order}
    kinds = {"pbx_ad_kinds": ["organizational_units", "users", "groups"], "pbx_ad_user_label_group": "From AD"}
    inventory = site.inventory({**site.variables, **kinds, **target})

    site.play(SITE, "-i", inventory)

    writes = site.writes()
    (extension,) = site.pbx.state.extensions.values()
    groups = {name: set(group["members"]) for name, group in site.pbx.state.groups.items()}
    assert groups["Team"] == groups["From AD"] == {extension["id"]}
    if order == "extension_group":
        assert groups["Sales"] == {extension["id"]}
    else:
        (home,) = extension["organization_ids"]
        assert site.pbx.state.organizations[home]["name"] == {"organization": "Sales", "department": "Field"}[order]
    if order == "organization":
        assert "extension/update" not in writes
    again = site.play(SITE, "-i", inventory)
    assert again.recap["headquarters"]["changed"] == 0
    assert site.writes() == []


def test_a_kind_that_does_not_exist_is_refused(site: PlaybookSite) -> None:
    played = site.play(SITE, "-i", site.inventory({**site.variables, "pbx_ad_kinds": ["ous"]}), fails=True)

    assert "pbx_ad_kinds" in played.everything
    assert site.names == {}


def test_a_plan_is_the_same_in_check_mode_and_in_a_run(site: PlaybookSite) -> None:
    anna = site.add_user("Anna")
    inventory = site.inventory(site.variables)
    site.play(SITE, "-i", inventory)
    site.admin.modify(anna, sn="Neuhaus")

    shown = site.play(SITE, "-i", inventory, "--check", "--diff")
    done = site.play(SITE, "-i", inventory, "--diff")

    assert 'last_name: - -> "Neuhaus"' in shown.output
    assert '"headline": "1 updated."' in done.output
    assert shown.output.replace("To be done: ", "") == done.output.replace(" [CHECK MODE]", "")


def test_many_removals_stop_with_the_way_to_let_them_through(site: PlaybookSite) -> None:
    people = [site.add_user(f"User {number}") for number in range(12)]
    inventory = site.inventory(site.variables)
    site.play(SITE, "-i", inventory)
    for person in people[1:]:
        site.admin.delete(person)
    new = site.add_user("Gustav")
    assert new

    stopped = site.play(SITE, "-i", inventory, fails=True)
    found = re.search(r"run once with allow_guarded: ([0-9a-z=+_-]+)\.", stopped.everything)
    assert found, stopped.everything
    assert stopped.recap["headquarters"]["failed"] == 1
    assert len(site.names) == 13
    assert "Gustav" in site.names.values()

    wrong = site.play(SITE, "-i", inventory, "-e", "pbx_ad_allow_guarded=0123456789abcdef", fails=True)
    assert "allow_guarded" in wrong.everything
    assert len(site.names) == 13

    site.play(SITE, "-i", inventory, "-e", f"pbx_ad_allow_guarded={found[1]}")
    assert sorted(site.names.values()) == ["Gustav", "User 0"]


def test_one_pbx_that_cannot_be_reached_does_not_stop_the_others(site: PlaybookSite) -> None:
    site.add_user("Anna")
    gone = {"pbx_ad_pbx_url": "https://127.0.0.1:1", "pbx_ad_ledger_path": str(site.folder / "gone.sqlite3")}

    played = site.play(SITE, "-i", site.inventory(site.variables, gone=gone, headquarters={}), fails=True)

    assert played.recap["gone"]["failed"] == 1
    assert played.recap["headquarters"]["failed"] == 0
    assert "pbx_url" in played.everything
    assert "Traceback" not in played.everything
    assert list(site.names.values()) == ["Anna"]


def test_the_example_inventory_runs_when_it_is_filled_in(site: PlaybookSite) -> None:
    site.add_user("Anna", parent=site.add_unit("Staff"))
    inventory = _copy_of_the_examples(site)
    loaded = site.load_inventory(inventory)
    assert loaded["yeastar_pbx"]["hosts"] == ["headquarters"]

    played = site.play(SITE, "-i", inventory, "-e", f"@{_whereabouts(site)}")

    assert played.recap["headquarters"]["changed"] == 2
    assert site.names == {"1000": "Anna"}
    (home,) = site.pbx.state.extensions["1000"]["organization_ids"]
    assert site.pbx.state.organizations[home]["name"] == "Staff"


def test_what_the_example_inventory_has_commented_out_works_too(site: PlaybookSite) -> None:
    site.pbx.pbx.seed_organization("Departments")
    staff = site.add_unit("Staff")
    site.add_user("Anna", parent=staff)
    site.add_user("Walter", parent=site.add_unit("Warehouse", staff))
    inventory = _copy_of_the_examples(site)
    for path in (inventory, site.folder / "group_vars" / "yeastar_pbx" / "vars.yml"):
        path.write_text(re.sub(r"(?m)^( *)# ( *(?:\w+:|- ).*)$", r"\1\2", path.read_text()), encoding="utf-8")
    hosts = site.load_inventory(inventory)["_meta"]["hostvars"]
    assert set(hosts) == {"headquarters", "warehouse"}
    assert hosts["warehouse"]["pbx_ad_user_organizational_units"] == ["Staff/Warehouse"]
    known = yaml.safe_load(_ARGUMENTS.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"].keys()
    named = {name for host in hosts.values() for name in host if name.startswith("pbx_ad_")}
    assert named <= known

    site.play(SITE, "-i", inventory, "-e", f"@{_whereabouts(site)}", "--limit", "warehouse")

    assert site.names == {"3000": "Walter"}


def _copy_of_the_examples(site: PlaybookSite) -> Path:
    """The example inventory, copied and with its vault filled in as its comments say."""
    shutil.copytree(EXAMPLES, site.folder, dirs_exist_ok=True)
    folder = site.folder / "group_vars" / "yeastar_pbx"
    template: Mapping[str, Any] = yaml.safe_load((folder / "vault.yml.example").read_text(encoding="utf-8"))
    write_yaml(folder / "vault.yml", {name: site.variables[name.removeprefix("vault_")] for name in template})
    return site.folder / "inventory.yml"


def _whereabouts(site: PlaybookSite) -> Path:
    """A file with what names this site's hosts, base DN, account and files in place of the example's."""
    secret = {"pbx_ad_directory_password", "pbx_ad_pbx_client_id", "pbx_ad_pbx_client_secret"}
    return write_yaml(
        site.folder / "whereabouts.yml", {name: value for name, value in site.variables.items() if name not in secret}
    )
