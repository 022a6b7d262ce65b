# SPDX-License-Identifier: GPL-3.0-or-later
"""full_read_every: runs that read only what changed plan as runs that read a real domain controller whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from random import Random
from sqlite3 import connect
from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from lab.ldap_proxy.process import LdapProxy
from tests.integration.modules.site_under_test import Site, actions

UNITS: dict[str, Any] = {"scope": "organizational_units", "organizational_units": ["Staff"]}
USERS: dict[str, Any] = {"scope": "organizational_units", "organizational_units": ["Staff"], "number_start": 2000}
GROUPS: dict[str, Any] = {"scope": "filter", "filter": "(cn=Team*)"}
RULES: dict[str, Any] = {"organizational_units": UNITS, "users": USERS, "groups": GROUPS}
_BY_ATTRIBUTE = {**USERS, "number_from": "attribute", "number_attribute": "ipPhone"}
_PEOPLE = {"Anna": "Sales", "Bernd": "Support", "Carla": "Sales", "Dirk": "Support"}


class Staffed:
    """A site with people in two units, some in a group, that reads the directory whole at every fourth run."""

    def __init__(self, site: Site, **options: Any) -> None:
        self.site = site
        self.options = {"full_read_every": 4, **options}
        self.staff = site.add_unit("Staff")
        self.places = {name: site.add_unit(name, self.staff) for name in ("Sales", "Support")}
        self.people = {name: site.add_user(name, parent=self.places[place]) for name, place in _PEOPLE.items()}
        self.team = site.add_group("Team", self.people["Anna"], self.people["Bernd"])
        site.update(**RULES, **self.options)

    def run(self, **options: Any) -> dict[str, Any]:
        """A run that ends well."""
        return self.site.update(**{**self.options, **options})


@pytest.fixture(name="staffed")
def _staffed(site: Site) -> Staffed:
    return Staffed(site)


def _how(result: dict[str, Any]) -> str:
    return str(result["directory_read"]["how"])


def test_what_changed_is_read_and_nothing_else(staffed: Staffed, ldap_proxy: LdapProxy) -> None:
    through: dict[str, Any] = {"directory_host": ldap_proxy.address, "directory_port": ldap_proxy.ldaps_port}
    assert _how(staffed.run()) == "changes"

    ldap_proxy.control.clear()
    idle = staffed.run(**through)
    shown = [row["entries"] for row in ldap_proxy.control.log() if row["operation"] == "search" and row["scope"] != 0]

    assert (_how(idle), idle["directory_read"]["changed"], idle["changed"]) == ("changes", 0, False)
    # The unit that the rules name is found by its name, and associated units are where they were.
    assert sum(shown) <= 2 * len(staffed.places) + 4

    staffed.site.admin.modify(staffed.people["Anna"], title="Head")
    changed = staffed.run(**through)

    assert (_how(changed), changed["directory_read"]["changed"]) == ("changes", 1)
    assert actions(changed) == [("update", "Anna", "directory_changed")]
    assert staffed.site.extension_of("Anna")["title"] == "Head"


def test_every_so_many_runs_one_is_whole(staffed: Staffed) -> None:
    told = [_how(staffed.run()) for _time in range(6)]
    assert told == ["changes", "changes", "changes", "whole", "changes", "changes"]


def test_the_option_back_at_its_default_forgets_what_is_remembered(staffed: Staffed) -> None:
    assert _how(staffed.run(full_read_every=1)) == "whole"
    again = staffed.run()
    assert _how(again) == "whole"
    assert again["directory_read"]["why"] == "Nothing is remembered that changes could be added to."


def test_check_mode_reads_as_the_run_would_and_writes_nothing(staffed: Staffed) -> None:
    before = staffed.site.ledger_path.read_bytes()
    staffed.site.admin.modify(staffed.people["Anna"], title="Head")
    for _time in range(5):
        shown = staffed.run(check=True)
        assert (_how(shown), len(shown["changes"])) == ("changes", 1)
    assert staffed.site.ledger_path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda one: one.site.admin.rename(one.places["Sales"], "Selling"), "What other objects are in has changed"),
        (lambda one: one.site.admin.modify(one.staff, description="All"), "What other objects are in has changed"),
        (lambda one: one.options.update(users=_BY_ATTRIBUTE), "Other attributes are asked for"),
        (lambda one: _forge(one.site, '"record"', '"broken"'), "Nothing is remembered"),
    ],
    ids=["a unit is renamed", "a unit is written", "other attributes", "the mark is damaged"],
)
def test_doubt_reads_whole(staffed: Staffed, change: Callable[[Staffed], object], words: str) -> None:
    change(staffed)
    result = staffed.run(check=True)
    assert _how(result) == "whole"
    assert words in result["directory_read"]["why"]


def _forge(site: Site, known: str, other: str) -> None:
    with closing(connect(site.ledger_path)) as database:
        database.execute("UPDATE directory SET mark = replace(mark, ?, ?)", (known, other))
        database.commit()


def test_another_domain_controller_is_told_by_its_invocation_id(staffed: Staffed) -> None:
    with closing(connect(staffed.site.ledger_path)) as database:
        ((mark,),) = database.execute("SELECT mark FROM directory").fetchall()
        known = mark.split('"record":')[1]
        invocation_id = next(word for word in known.split('"') if len(word) == 32)
        database.execute("UPDATE directory SET mark = ?", (mark.replace(invocation_id, "0" * 32),))
        database.commit()
    result = staffed.run()
    assert result["directory_read"] == {
        "how": "whole",
        "why": "Another domain controller answers than before, or it was restored from a backup.",
        "changed": 0,
    }


def test_an_account_that_cannot_see_deleted_objects_proves_that_all_is_still_there(site: Site) -> None:
    plain = site.directory.plain_account
    staffed = Staffed(site, directory_username=plain.user_principal_name, directory_password=plain.password)
    assert _how(staffed.run()) == "changes"
    site.admin.delete(staffed.people["Anna"])

    result = staffed.run()

    assert _how(result) == "whole"
    assert "no longer shown" in result["directory_read"]["why"]


def test_an_account_that_cannot_read_the_count_of_changes_reads_whole_and_is_told_why(site: Site) -> None:
    plain = site.directory.plain_account
    account = site.admin.find_user(plain.user_principal_name.partition("@")[0])
    anna = site.add_user("Anna", parent=site.add_unit("Staff"))
    site.admin.deny_reading(anna, "uSNChanged", account)
    as_plain: dict[str, Any] = {"directory_username": plain.user_principal_name, "directory_password": plain.password}

    first = site.update(users=USERS, full_read_every=3, **as_plain)
    again = site.update(full_read_every=3, **as_plain)

    assert any("uSNChanged" in warning for warning in first["warnings"])
    assert _how(again) == "whole"


class Hands:
    """Somebody who works on the directory, drawn from a seed."""

    def __init__(self, staffed: Staffed, seed: int) -> None:
        self.admin = staffed.site.admin
        self.site = staffed.site
        self.random = Random(seed)  # noqa: S311 (nothing is kept secret by it)
        self.users = {name: self.admin.guid_of(dn) for name, dn in staffed.people.items()}
        self.places = [self.admin.guid_of(dn) for dn in (staffed.staff, *staffed.places.values())]
        # Where no rule takes anybody in, and a group that is none of the rule's.
        self.places.append(self.admin.guid_of(self.site.add_unit("Elsewhere")))
        self.groups = [self.admin.guid_of(staffed.team), self.admin.guid_of(self.site.add_group("Other"))]
        self.names = 0

    def act(self) -> str:
        """Do something; tell what."""
        action = self.random.choice(
            (
                self.hire,
                self.hire,
                self.write,
                self.write,
                self.disable,
                self.rename,
                self.rename,
                self.move,
                self.move,
                self.delete,
                self.put_in,
                self.put_in,
                self.take_out,
                self.nest,
                self.add_group,
                self.rename_place,
            )
        )
        action()
        return action.__name__

    def _new_name(self, kind: str) -> str:
        self.names += 1
        return f"{kind}{self.names}"

    def _user(self) -> str:
        return self.admin.dn_of(self.random.choice(sorted(self.users.values())))

    def _place(self) -> str:
        return self.admin.dn_of(self.random.choice(self.places))

    def _group(self) -> str:
        return self.admin.dn_of(self.random.choice(self.groups))

    def hire(self) -> None:
        """Add a user."""
        name = self._new_name("User")
        self.users[name] = self.admin.guid_of(self.site.add_user(name, parent=self._place()))

    def write(self) -> None:
        """Change an attribute."""
        values = {"title": self._new_name("Title"), "mail": f"{self._new_name('mail')}@lab.test", "sn": None}
        name = self.random.choice(sorted(values))
        self.admin.modify(self._user(), **{name: values[name]})

    def disable(self) -> None:
        """Disable an account, or enable it."""
        self.admin.set_enabled(self._user(), self.random.random() < 0.5)

    def rename(self) -> None:
        """Rename a user."""
        self.admin.rename(self._user(), self._new_name("Renamed"))

    def move(self) -> None:
        """Move a user."""
        user, place = self._user(), self._place()
        if user.partition(",")[2] != place:
            self.admin.move(user, place)

    def delete(self) -> None:
        """Delete a user, and perhaps put another one in the place."""
        if len(self.users) < 3:
            return
        name = self.random.choice(sorted(self.users))
        dn = self.admin.dn_of(self.users.pop(name))
        self.admin.delete(dn)
        if self.random.random() < 0.4:
            own, _comma, parent = dn.partition(",")
            again = own.partition("=")[2]
            self.admin.add_user(again, parent=parent, givenName=again)
            self.users[again] = self.admin.guid_of(DirectoryAdmin.dn(again, parent))

    def put_in(self) -> None:
        """Put a user into a group."""
        user, group = self._user(), self._group()
        if user.encode() not in self.admin.read(group, "member").get("member", []):
            self.admin.add_members(group, [user])

    def take_out(self) -> None:
        """Take a member out of a group."""
        group = self._group()
        members = self.admin.read(group, "member").get("member", [])
        if members:
            self.admin.remove_members(group, [self.random.choice(sorted(members)).decode()])

    def nest(self) -> None:
        """Put the one group into the other, or take it out."""
        outer, inner = (self.admin.dn_of(guid) for guid in self.groups[:2])
        is_in = inner.encode() in self.admin.read(outer, "member").get("member", [])
        (self.admin.remove_members if is_in else self.admin.add_members)(outer, [inner])

    def add_group(self) -> None:
        """Add a group."""
        self.groups.append(self.admin.guid_of(self.site.add_group(self._new_name("Team"), self._user())))

    def rename_place(self) -> None:
        """Rename a unit that no rule names."""
        self.admin.rename(self.admin.dn_of(self.random.choice(self.places[1:])), self._new_name("Unit"))


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_done_to_the_directory_both_ways_of_reading_plan_alike(site: Site, seed: int) -> None:
    everybody: dict[str, Any] = {"scope": "all", "number_start": 2000} if seed % 2 else USERS
    staffed = Staffed(site, full_read_every=100)
    hands = Hands(staffed, seed)
    staffed.run(users=everybody)
    told: Counter[str] = Counter()
    for _night in range(12):
        done = [hands.act() for _time in range(hands.random.randint(0, 4))]
        by_changes = staffed.run(check=True)
        whole = site.update(check=True, full_read_every=1)
        told[_how(by_changes)] += 1
        for name in ("plan_id", "plan_changes", "changes", "conflicts", "drift"):
            assert by_changes[name] == whole[name], done
        staffed.run()
    assert told["changes"] >= 4, told
