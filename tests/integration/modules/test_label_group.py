# SPDX-License-Identifier: GPL-3.0-or-later
"""label_group: one extension group whose members are exactly the associated extensions."""

from __future__ import annotations

from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from lab.pbx.groups import ALL_EXTENSIONS, ExtensionGroup
from tests.integration.modules.site_under_test import Site, codes, guard

LABEL: dict[str, Any] = {"label_group": "AD"}


def labels(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Action and reason of each change of a result that is about the label group."""
    return [(change["action"], change["reason"]) for change in result["changes"] if change["kind"] == "extension_group"]


@pytest.fixture(name="labelled")
def _labelled(site: Site) -> Site:
    """Three users with extensions below two units, an extension made by hand, and the label group; no calls logged."""
    site.pbx.pbx.seed_extension("5000", first_name="hand", email_addr="hand@lab.test")
    for unit, names in {"Inside": ("Anna", "Bernd"), "Outside": ("Carl",)}.items():
        parent = site.add_unit(unit)
        for name in names:
            site.add_user(name, parent=parent)
    site.sync(**LABEL)
    site.pbx.calls.clear()
    return site


def inside(site: Site, name: str) -> str:
    """The DN of a user of the unit Inside."""
    return DirectoryAdmin.dn(name, DirectoryAdmin.dn("Inside", site.base_dn, kind="OU"))


def test_the_label_group_has_exactly_the_associated_extensions(labelled: Site) -> None:
    site = labelled
    assert site.members == {"AD": {"Anna", "Bernd", "Carl"}}
    assert not site.sync(**LABEL)["changed"]
    assert site.writes() == []

    # One is created, one deleted, one taken over.
    site.add_user("Dora")
    site.admin.delete(inside(site, "Bernd"))
    site.add_user("Emil", mail="hand@lab.test")
    result = site.sync(**LABEL, associate_by_email=True)

    assert site.members == {"AD": {"Anna", "Carl", "Dora", "Emil"}}
    assert labels(result) == [("update", "directory_changed")]
    assert site.writes().count("extensiongroup/update") == 1
    assert not site.sync(**LABEL, associate_by_email=True)["changed"]

    # Two are released.
    rule: dict[str, Any] = {"scope": "organizational_units", "organizational_units": ["Inside"]}
    site.sync(**LABEL, **rule)
    assert site.members == {"AD": {"Anna"}}
    assert {"Carl", "Dora", "Emil"} <= set(site.names.values())
    assert not site.sync(**LABEL, **rule)["changed"]


def test_the_first_run_tells_whom_the_label_group_will_have(site: Site) -> None:
    for name in ("Anna", "Bernd"):
        site.add_user(name)

    shown, done = site.sync(check=True, **LABEL), site.sync(**LABEL)

    assert shown["plan_id"] == done["plan_id"]
    for result in (shown, done):
        (change,) = [one for one in result["changes"] if one["kind"] == "extension_group"]
        assert (change["action"], change["reason"], change["after"]) == ("create", "label", {"name": "AD"})
        assert change["members_added"] == ["1000", "1001"]
    assert site.members == {"AD": {"Anna", "Bernd"}}


def test_without_any_user_the_label_group_is_empty(site: Site) -> None:
    site.sync(**LABEL)

    assert site.members == {"AD": set()}
    assert not site.sync(**LABEL)["changed"]


def test_only_what_was_really_created_is_labelled(labelled: Site) -> None:
    for name in ("Dora", "Emil", "Frida"):
        labelled.add_user(name)
    labelled.pbx.fail("extension/create", "errcode", nth=2, errcode=40002)

    labelled.sync_failing(**LABEL, pbx_concurrency=1)

    assert labelled.members == {"AD": {"Anna", "Bernd", "Carl", "Dora", "Frida"}}
    labelled.sync(**LABEL)
    assert labelled.members == {"AD": {"Anna", "Bernd", "Carl", "Dora", "Emil", "Frida"}}


def test_what_an_administrator_did_to_the_label_group_is_put_right_and_told_as_drift(labelled: Site) -> None:
    labelled.set_group("AD", {"Anna": "manager", "Bernd": "user", "hand": "user"}, user_enb_monitor=1)

    result = labelled.sync(**LABEL)

    assert labels(result) == [("update", "drift")]
    assert result["changes"][0]["drift"] == ["members"]
    assert labelled.roles("AD") == {"Anna": "manager", "Bernd": "user", "Carl": "user"}
    assert labelled.pbx.state.groups["AD"]["flags"]["user_enb_monitor"] == 1
    labelled.pbx.pbx.groups.remove(labelled.group_id("AD"))
    assert labels(labelled.sync(**LABEL)) == [("create", "object_missing")]
    assert labelled.members == {"AD": {"Anna", "Bernd", "Carl"}}


@pytest.mark.parametrize("rename", ["ignored", "accepted"])
def test_the_label_group_is_renamed(labelled: Site, rename: str) -> None:
    labelled.pbx.variants = labelled.pbx.variants.changed(group_rename=rename)
    labelled.set_group("AD", {"Anna": "manager", "Bernd": "user", "Carl": "user"})
    before = labelled.group_id("AD")

    result = labelled.sync(label_group=" From the directory ")

    assert labels(result) == [("update", "directory_changed")]
    assert labelled.roles("From the directory") == {"Anna": "manager", "Bernd": "user", "Carl": "user"}
    assert set(labelled.members) == {"From the directory"}
    assert (labelled.group_id("From the directory") == before) is (rename == "accepted")
    assert not labelled.sync(label_group="From the directory")["changed"]


def test_switched_off_the_label_group_is_deleted_whatever_the_guard_says(labelled: Site) -> None:
    limits: dict[str, Any] = guard("deletions", "releases")
    result = labelled.sync(**limits)

    assert labels(result) == [("delete", "label_ended")]
    assert labelled.members == {}
    assert len(labelled.names) == 4
    labelled.pbx.calls.clear()
    assert not labelled.sync(**limits)["changed"]
    # Nothing asks for groups where no label is or was.
    assert labelled.pbx.calls.all("extensiongroup/list") == []


def test_a_label_group_that_is_gone_already_is_forgotten_when_it_is_switched_off(labelled: Site) -> None:
    labelled.pbx.pbx.groups.remove(labelled.group_id("AD"))

    assert labels(labelled.sync()) == [("release", "object_gone")]
    assert labelled.writes() == []
    assert not labelled.sync()["changed"]


def test_a_name_that_a_hand_made_group_has_is_a_conflict(site: Site) -> None:
    site.add_user("Anna")
    site.pbx.pbx.seed_group("ad")

    result = site.sync(**LABEL)

    assert codes(result) == [("AD", "name_taken")]
    assert site.members == {"ad": set()}
    assert list(site.names.values()) == ["Anna"]
    site.pbx.pbx.groups.remove(site.group_id("ad"))
    site.sync(**LABEL)
    assert site.members == {"AD": {"Anna"}}


def test_a_label_group_whose_new_name_is_taken_keeps_the_old_one(labelled: Site) -> None:
    labelled.pbx.pbx.seed_group("Taken")
    labelled.add_user("Dora")

    result = labelled.sync(label_group="Taken")

    assert codes(result) == [("Taken", "name_taken")]
    assert labelled.members == {"AD": {"Anna", "Bernd", "Carl", "Dora"}, "Taken": set()}


def test_the_remedy_for_a_taken_name_is_one_that_there_is(site: Site) -> None:
    site.pbx.pbx.seed_group("AD")

    (conflict,) = site.sync(**LABEL)["conflicts"]

    assert "associate_by_name" not in conflict["message"]


def test_a_label_that_the_pbx_would_not_take_is_a_conflict_and_the_users_are_synchronized(site: Site) -> None:
    name = "x" * 128
    site.add_user("Anna")

    result = site.sync(label_group=name)

    assert codes(result) == [(name, "name_invalid")]
    assert (site.members, list(site.names.values())) == ({}, ["Anna"])


def test_no_label_is_made_of_blanks(site: Site) -> None:
    site.add_user("Anna")

    site.sync(label_group="  ")

    assert (site.members, site.pbx.calls.all("extensiongroup/list")) == ({}, [])


@pytest.mark.parametrize("module", ["groups", "units"])
def test_the_label_group_is_not_taken_over_by_the_other_rules(labelled: Site, module: str) -> None:
    if module == "groups":
        labelled.add_group("AD", inside(labelled, "Anna"))
        result = labelled.groups(associate_by_name=True)
    else:
        labelled.add_unit("AD")
        result = labelled.units(sync_to="extension_group", associate_by_name=True)

    assert codes(result) == [("AD", "name_taken")]
    assert labelled.members["AD"] == {"Anna", "Bernd", "Carl"}
    assert not labelled.sync(**LABEL)["changed"]


def test_the_label_group_takes_no_group_of_another_rule_over(site: Site) -> None:
    site.add_group("AD", site.add_user("Anna"))
    site.add_user("Bernd")
    site.sync()
    site.groups()

    result = site.sync(**LABEL)

    assert codes(result) == [("AD", "name_taken")]
    assert site.members == {"AD": {"Anna"}}
    assert not site.groups()["changed"]


def test_the_label_group_counts_against_the_63(site: Site) -> None:
    site.add_user("Anna")
    for number in range(62):
        site.pbx.pbx.seed_group(f"hand {number}")

    result = site.sync(**LABEL)

    assert codes(result) == [("AD", "no_room")]
    assert list(site.names.values()) == ["Anna"]
    site.pbx.pbx.groups.remove(site.group_id("hand 0"))
    site.sync(**LABEL)
    assert site.members["AD"] == {"Anna"}


def test_when_the_guard_stops_removals_the_label_keeps_them(labelled: Site) -> None:
    rule: dict[str, Any] = {"scope": "organizational_units", "organizational_units": ["Outside"]}
    limits: dict[str, Any] = guard("releases", floor=1, percent=10, count=10)
    labelled.add_user("Dora", parent=DirectoryAdmin.dn("Outside", labelled.base_dn, kind="OU"))

    stopped = labelled.sync_failing(**LABEL, **rule, **limits)

    assert stopped["summary"]["stopped"] == 2
    assert labelled.members == {"AD": {"Anna", "Bernd", "Carl", "Dora"}}
    labelled.sync(**LABEL, **rule, **limits, allow_guarded=stopped["guard_id"])
    assert labelled.members == {"AD": {"Carl", "Dora"}}
    assert not labelled.sync(**LABEL, **rule, **limits)["changed"]


def test_when_the_guard_stops_removals_the_label_group_is_left_alone(labelled: Site) -> None:
    rule: dict[str, Any] = {"scope": "organizational_units", "organizational_units": ["Outside"]}

    stopped = labelled.sync_failing(**LABEL, **rule, **guard("releases"))

    assert labelled.writes() == []
    assert stopped["summary"]["updated"] == 0


def test_a_user_that_vanished_unproven_keeps_the_label(labelled: Site) -> None:
    account = labelled.directory.plain_account
    labelled.admin.delete(inside(labelled, "Anna"))

    kept = labelled.sync(**LABEL, directory_username=account.user_principal_name, directory_password=account.password)

    assert codes(kept) == [("Anna", "user_not_found")]
    assert labelled.members == {"AD": {"Anna", "Bernd", "Carl"}}
    labelled.sync(**LABEL)
    assert labelled.members == {"AD": {"Bernd", "Carl"}}


@pytest.mark.parametrize("kind", ["cut_before_work", "cut_after_work"])
def test_lost_answers_about_the_label_group_end_as_if_they_had_not_been_lost(labelled: Site, kind: Any) -> None:
    labelled.add_user("Dora")
    # Made anew under another name, for the PBX does not rename: all three calls are made.
    for endpoint in ("extensiongroup/create", "extensiongroup/update", "extensiongroup/delete"):
        labelled.pbx.fail(endpoint, kind, nth=1)

    labelled.sync(label_group="Directory")

    assert labelled.members == {"Directory": {"Anna", "Bernd", "Carl", "Dora"}}
    assert not labelled.sync(label_group="Directory")["changed"]


def test_a_label_group_made_to_include_all_extensions_gets_its_members_back(labelled: Site) -> None:
    with labelled.pbx.pbx.lock:
        labelled.pbx.pbx.groups.put(ExtensionGroup(labelled.group_id("AD"), "AD", ALL_EXTENSIONS))

    assert labels(labelled.sync(**LABEL)) == [("update", "drift")]
    assert labelled.members == {"AD": {"Anna", "Bernd", "Carl"}}
