# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples that people copy: those of the modules' documentation and the README's playbook run as they are printed.

Only what names a host, a domain or a file is put in place of the example's; the secrets come from the variables that
the examples name.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any

import yaml

from tests.playbook.playbook_site import REPOSITORY, PlaybookSite, write_yaml

_MODULES = "ansible_collections.pbxops.yeastar.plugins.modules"
_EXAMPLE_DN = "DC=example,DC=com"
_GROUP = "group/pbxops.yeastar.ad"


def test_the_examples_of_the_connection_run_in_their_order(site: PlaybookSite) -> None:
    played = _play_examples(site, "pbx_ad_connection", site.environment)

    # Connected, disabled, enabled, disconnected.
    assert played.recap["localhost"]["changed"] == 4
    assert site.writes() == []


def test_the_examples_of_update_now_run_in_their_order(site: PlaybookSite) -> None:
    staff = site.add_unit("Staff")
    site.add_user("Anna", parent=site.add_unit("Sales", staff))
    _connect(site)

    played = _play_examples(site, "pbx_ad_sync", site.environment)

    # The first saves and does; nothing is left for the others.
    assert played.recap["localhost"]["changed"] == 1
    assert site.names == {"2000": "Anna"}


def test_the_examples_of_the_rollback_run_in_their_order(site: PlaybookSite) -> None:
    site.add_user("Anna")
    _connect(site)
    _play(site, [{"pbxops.yeastar.pbx_ad_user_sync": site.options}])

    played = _play_examples(site, "pbx_ad_rollback", site.environment)

    # It is undone once; the last example finds it undone already.
    assert played.recap["localhost"]["changed"] == 2
    assert site.names == {}


def test_the_examples_of_users_run_in_their_order(site: PlaybookSite) -> None:
    _add_the_people_of_the_examples(site)
    for number, fields in {"2002": {}, "2003": {}, "2060": {"email_addr": "frida@lab.test"}}.items():
        site.pbx.pbx.seed_extension(number, first_name=f"hand {number}", **fields)

    _connect(site)

    played = _play_examples(site, "pbx_ad_user_sync")
    assert played.recap["localhost"]["changed"] == 4
    assert site.names == {
        "2000": "Carl",  # in Staff/Sales
        "2001": "Dora",  # in Support, named by its DN
        "2050": "Emil",  # a member, with this ipPhone
        "2060": "Frida",  # a member, with this extension's address
        "1000": "Gustav",  # found by the filter
        "2002": "Anna",  # named
        "2003": "Bernd",
    }


def test_the_examples_of_organizational_units_run_in_their_order(site: PlaybookSite) -> None:
    staff = site.add_unit("Staff")
    site.add_user("Anna", parent=site.add_unit("Sales", staff), department="Field")
    site.add_unit("sales north", site.base_dn)
    departments = site.pbx.pbx.seed_organization("Departments")
    _connect(site)
    _play(site, [{"pbxops.yeastar.pbx_ad_user_sync": site.options}])

    played = _play_examples(site, "pbx_ad_ou_sync")

    assert played.recap["localhost"]["changed"] == 3
    # Each example takes in something else, and what the one before it made is released.
    shown = {one["name"]: one for one in site.pbx.state.organizations.values()}
    assert shown.keys() == {"Example Ltd", "Departments", "Staff", "Sales", "Field"}
    assert shown["Staff"]["parent_id"] == departments
    assert shown["Sales"]["parent_id"] == shown["Staff"]["id"]
    assert shown["Field"]["parent_id"] == 1
    assert {"Sales", "sales north"} <= site.pbx.state.groups.keys()


def test_the_examples_of_groups_run_in_their_order(site: PlaybookSite) -> None:
    anna = site.add_user("Anna")
    groups = site.add_unit("Groups")
    for name in ("PBX Support", "PBX Sales"):
        site.admin.add_group(name, parent=site.base_dn, members=[anna])
    site.admin.add_group("Managers", parent=groups)
    site.admin.add_group("Everybody", parent=site.base_dn, kind="universal distribution")
    _connect(site)
    _play(site, [{"pbxops.yeastar.pbx_ad_user_sync": site.options}])

    played = _play_examples(site, "pbx_ad_group_sync")

    assert played.recap["localhost"]["changed"] == 3
    # The second example deletes what it no longer takes in, and the third makes two of them again.
    assert site.pbx.state.groups.keys() - {"Default_All_Extensions"} == {"PBX Support", "PBX Sales"}


def test_the_examples_of_the_schedule_run_in_their_order(site: PlaybookSite) -> None:
    _play(site, [{"pbxops.yeastar.pbx_ad_connection": site.options}])

    played = _play_examples(site, "pbx_ad_schedule")

    assert played.recap["localhost"]["changed"] == 3


def test_the_examples_of_the_modules_that_tell_run_in_their_order(site: PlaybookSite) -> None:
    _add_the_people_of_the_examples(site)
    _play(site, [{"pbxops.yeastar.pbx_ad_connection": site.options}, {"pbxops.yeastar.pbx_ad_user_sync": site.options}])
    site.pbx.pbx.change_by_hand(next(iter(site.names)), title="Boss")
    site.writes()

    told = [_play_examples(site, module, site.environment) for module in ("pbx_ad_info", "pbx_ad_user_info")]

    assert [played.recap["localhost"]["changed"] for played in told] == [0, 0]
    assert "title was written as and is Boss" in told[0].everything
    assert "has extension 1000; the next run would update title of extension 1000" in told[1].everything
    assert site.writes() == []


def test_the_playbook_of_the_readme_runs(site: PlaybookSite) -> None:
    site.admin.add_group(
        "PBX Team", members=[site.add_user("Anna", parent=site.add_unit("Staff"))], parent=site.base_dn
    )
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (printed,) = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)

    played = _play(site, yaml.safe_load(printed))

    assert played.recap["localhost"]["changed"] == 4
    assert site.names == {"1000": "Anna"}
    (home,) = site.pbx.state.extensions["1000"]["organization_ids"]
    assert site.pbx.state.organizations[home]["name"] == "Staff"
    assert "PBX Team" in site.pbx.state.groups


def _add_the_people_of_the_examples(site: PlaybookSite) -> None:
    staff = site.add_unit("Staff")
    site.add_user("Carl", parent=site.add_unit("Sales", staff))
    site.add_user("Dora", parent=site.add_unit("Support", staff))
    emil = site.add_user("Emil", ipPhone="2050")
    frida = site.add_user("Frida", mail="frida@lab.test")
    site.admin.add_group("PBX Users", parent=site.base_dn, members=[emil, frida])
    site.add_user("Gustav", department="Sales", title="Clerk")
    site.add_user("Tina", department="Sales", title="Trainee")
    site.add_user("Anna", userPrincipalName="anna@example.com")
    site.add_user("Bernd", sam_account_name="bernd")


def _connect(site: PlaybookSite) -> None:
    _play(site, [{"pbxops.yeastar.pbx_ad_connection": site.options}])


def _play_examples(site: PlaybookSite, module: str, environment: Mapping[str, str] | None = None) -> Any:
    examples = yaml.safe_load(importlib.import_module(f"{_MODULES}.{module}").EXAMPLES)
    return _play(site, examples, environment)


def _play(site: PlaybookSite, printed: list[dict[str, Any]], environment: Mapping[str, str] | None = None) -> Any:
    """Run plays, or tasks in a play of their own, with this site in place of the example's.

    :param environment: for examples whose connection comes from there.
    """
    plays = printed if "hosts" in printed[0] else [{"hosts": "localhost", "gather_facts": False, "tasks": printed}]
    playbook = write_yaml(site.folder / "playbook.yml", _moved(site, plays))
    names = ("directory_password", "pbx_client_id", "pbx_client_secret")
    vault = write_yaml(site.folder / "vault.yml", {f"vault_{name}": site.options[name] for name in names})
    # What an example leaves out, since it is a matter of the machine.
    machine = ("PBX_AD_DIRECTORY_CA_PATH", "PBX_AD_PBX_CA_PATH", "PBX_AD_LEDGER_PATH")
    given = environment or {name: site.environment[name] for name in machine}
    return site.play(playbook, "-e", f"@{vault}", environment=given)


def _moved(site: PlaybookSite, value: Any) -> Any:
    """The same with the connection options and the domain of this site; templates stay as they are printed."""
    if isinstance(value, Mapping):
        return {key: _moved_option(site, key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_moved(site, inner) for inner in value]
    return value.replace(_EXAMPLE_DN, site.base_dn) if isinstance(value, str) else value


def _moved_option(site: PlaybookSite, key: str, value: Any) -> Any:
    if key in site.options and not str(value).startswith("{{"):
        return site.options[key]
    return _moved(site, value)
