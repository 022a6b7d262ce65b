# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook that SIGKILL ends at any call: run again, it ends where it would have ended.

Each call of a run is one at which it is killed, once before the PBX has done the call's work and once after that. Many
PBXs, all alike, are synchronized by one playbook, the run of each waits at a call of its own, and SIGKILL ends all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from lab.directory_admin import DirectoryAdmin
from lab.pbx.organizations import ROOT_ID
from lab.pbx.pbx import Pbx
from lab.pbx.testing import running_emulator
from lab.samba import DomainController
from lab.tls import CertificateAuthority
from tests.playbook.killed_site import Fleet, Hold, Side, Start, orphans
from tests.playbook.playbook_site import SITE, PlaybookSite

SYNC_NOW = "pbxops.yeastar.sync_now"
# So many PBXs at once, and so many times that, are enough for every call.
_PBXS = 12
_SHARES = 4
_RULES: dict[str, Any] = {
    "pbx_ad_kinds": ["organizational_units", "users", "groups"],
    "pbx_ad_ou_scope": "organizational_units",
    "pbx_ad_ou_organizational_units": ["Staff"],
    "pbx_ad_ou_out_of_scope": "delete",
    "pbx_ad_ou_company_name": "Lab Ltd",
    "pbx_ad_user_scope": "organizational_units",
    "pbx_ad_user_organizational_units": ["Staff"],
    "pbx_ad_user_number_start": 2000,
    "pbx_ad_user_delete_when": ["deleted", "disabled"],
    "pbx_ad_user_associate_by_email": True,
    "pbx_ad_user_send_welcome_email": True,
    "pbx_ad_user_label_group": "From AD",
    "pbx_ad_group_scope": "filter",
    "pbx_ad_group_filter": "(cn=Team*)",
    "pbx_ad_group_out_of_scope": "delete",
}
# Gustav's extension is released in the run.
_BY_HAND = {"1900", "2006", "/", "/Board", "Switchboard", "Default_All_Extensions"}
# What a run of the changes below writes; some dozens, of every endpoint that a synchronization uses.
_LEAST_WRITES = {
    "extension/create": 5,
    "extension/update": 7,
    "extension/delete": 2,
    "extension/send_welcome_email": 1,
    "organization/create": 3,
    "organization/update": 2,
    "organization/delete": 2,
    "extensiongroup/create": 3,
    "extensiongroup/update": 2,
    "extensiongroup/delete": 2,
    "preference/update": 1,
}


@dataclass(frozen=True)
class _Killing:
    """How a run was killed, in words, and whether its last e-mails may be lost by that."""

    how: str
    may_lose_mails: bool


@dataclass(frozen=True)
class Undisturbed:
    """A run that nothing disturbs: where it begins, what it calls and where it ends."""

    fleet: Fleet
    start: Start
    calls: tuple[str, ...]
    end: dict[str, Any]

    def killings(self, holds: Iterable[Hold]) -> list[_Killing]:
        """What it is to be killed at these calls."""
        return [self._killing(hold.number, hold.side) for hold in holds]

    def _killing(self, number: int, side: Side) -> _Killing:
        call = self.calls[number - 1]
        how = f"killed {side} the work of call {number}, {call}"
        return _Killing(how, call == "extension/send_welcome_email" and side == "before")


@pytest.fixture(name="fleet", scope="module")
def _fleet(
    lab_directory: DomainController,
    directory_admin: DirectoryAdmin,
    lab_authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fleet]:
    with ExitStack() as stack:
        base_dn = stack.enter_context(directory_admin.unit_of_its_own())
        emulators = [stack.enter_context(running_emulator(authority=lab_authority)) for _one in range(_PBXS)]
        folder = tmp_path_factory.mktemp("killed")
        site = PlaybookSite(folder, lab_directory, directory_admin, emulators[0], base_dn)
        yield Fleet(site, emulators, _RULES)


def _begin_by_hand(pbx: Pbx) -> None:
    """What the PBX's administrator has made: an organization, extensions and a group."""
    board = pbx.seed_organization("Board")
    own = pbx.seed_extension("1900", first_name="Reception", organization_ids=[board])
    pbx.seed_extension("1901", first_name="K.", last_name="Kurz", email_addr="kurt@lab.test")
    pbx.seed_group("Switchboard", {own: "manager"})


def _populate(site: PlaybookSite) -> dict[str, str]:
    """The directory of the first synchronization: DNs by name."""
    staff = site.add_unit("Staff")
    units = {name: site.add_unit(name, staff) for name in ("Sales", "Support", "Field", "Stores", "Depot")}
    people = {
        "Sales": ("Anna", "Bernd", "Carl", "Dora", "Emil"),
        "Support": ("Frieda", "Gustav", "Hanna"),
        "Field": ("Ida",),
        "Stores": ("Jakob",),
    }
    dns = {
        name: site.add_user(name, parent=units[unit], mail=f"{name.lower()}@lab.test", sn=f"{name}sen")
        for unit, names in people.items()
        for name in names
    }
    for team, members in {"Team A": ("Anna", "Bernd"), "Team B": ("Carl",), "Team C": ("Dora", "Ida")}.items():
        site.admin.add_group(team, parent=site.base_dn, members=[dns[name] for name in members])
    return {**units, **dns, "Staff": staff}


def _change(site: PlaybookSite, dns: dict[str, str]) -> None:
    """What happens in the directory then: all that the PBX is to follow in one run."""
    admin = site.admin
    europe = site.add_unit("Europe", dns["Staff"])
    for unit in ("North", "South"):
        dns[unit] = site.add_unit(unit, europe)
    for name, unit in {"Karla": "North", "Ludwig": "North", "Maria": "South", "Nora": "South", "Otto": "Sales"}.items():
        dns[name] = site.add_user(name, parent=dns[unit], mail=f"{name.lower()}@lab.test", sn=f"{name}sen")
    site.add_user("Kurt", parent=dns["Sales"], mail="kurt@lab.test")
    admin.modify(dns["Anna"], sn="Adler", title="Head of Sales")
    admin.modify(dns["Bernd"], telephoneNumber="+49 170 1234567")
    admin.modify(dns["Frieda"], mail="frieda.fuchs@lab.test")
    dns["Carl"] = admin.move(dns["Carl"], dns["Support"])
    dns["Ida"] = admin.move(dns["Ida"], dns["South"])
    admin.move(dns["Gustav"], site.base_dn)
    admin.set_enabled(dns["Emil"], False)
    admin.delete(dns["Hanna"])
    admin.delete(dns["Field"])
    admin.delete(dns["Depot"])
    admin.rename(dns["Stores"], "Warehouse")
    admin.move(dns["Support"], europe)
    admin.add_group("Team D", parent=site.base_dn, members=[dns["Karla"], dns["Anna"]])
    admin.add_group("Team E", parent=site.base_dn, members=[dns["Nora"]])
    admin.add_members(f"CN=Team A,{site.base_dn}", [dns["Maria"]])
    admin.delete(f"CN=Team B,{site.base_dn}")
    admin.rename(f"CN=Team C,{site.base_dn}", "Team Central")


@pytest.fixture(name="undisturbed", scope="module")
def _undisturbed(fleet: Fleet) -> Undisturbed:
    site, emulator = fleet.site, fleet.emulators[0]
    _begin_by_hand(emulator.pbx)
    dns = _populate(site)
    fleet.begin(Start(emulator.pbx.twin(), None), 1)
    fleet.play(SITE)
    emulator.pbx.organizations.rename(ROOT_ID, "Someone Else's Ltd")
    emulator.pbx.change_by_hand("2003", first_name="Dorothea")
    start = Start(emulator.pbx.twin(), site.folder / "start" / "ledger.sqlite3")
    fleet.ledger(0).parent.rename(site.folder / "start")
    _change(site, dns)
    fleet.begin(start, 1)
    fleet.play(SYNC_NOW)
    writes = Counter(call.endpoint for call in emulator.calls.writes())
    assert {one: writes[one] for one, least in _LEAST_WRITES.items() if writes[one] < least} == {}
    assert orphans(emulator, fleet.ledger(0), _BY_HAND) == set()
    calls = tuple(call.endpoint for call in emulator.calls.all())
    return Undisturbed(fleet, start, calls, fleet.found(0))


class _Killed:
    """Runs that are killed at each call, on one side of its work. A class a side, for a worker takes a whole class."""

    side: Side

    @pytest.mark.parametrize("share", range(_SHARES))
    def test_a_run_killed_at_any_call_ends_the_next_time_where_it_would_have(
        self, undisturbed: Undisturbed, share: int
    ) -> None:
        assert len(undisturbed.calls) <= _PBXS * _SHARES
        holds = [Hold(number, self.side) for number in range(1 + share, 1 + len(undisturbed.calls), _SHARES)]
        undisturbed.fleet.begin(undisturbed.start, len(holds))

        undisturbed.fleet.kill(SYNC_NOW, holds)

        _require_the_same_end(SYNC_NOW, undisturbed, undisturbed.killings(holds))


class TestBefore(_Killed):
    """The PBX has not done the work of the call."""

    side = "before"


class TestAfter(_Killed):
    """The PBX has done the work of the call, and its answer was not read."""

    side = "after"


def _require_the_same_end(playbook: str, undisturbed: Undisturbed, killed: Sequence[_Killing]) -> None:
    """Play twice: the first time brings all where an undisturbed run ends, the second changes nothing.

    :param killed: how the run of each PBX was.
    """
    fleet = undisturbed.fleet
    live = [emulator.state.live_tokens for emulator in fleet.emulators]
    again = fleet.play(playbook)
    ends = [fleet.found(number) for number in range(len(killed))]
    for emulator in fleet.emulators:
        emulator.calls.clear()
    third = fleet.play(playbook)
    for number, (killing, end) in enumerate(zip(killed, ends, strict=True)):
        emulator, how = fleet.emulators[number], killing.how
        # They are marked as sent before the PBX is asked to, for none is to be sent twice.
        lost = killing.may_lose_mails and end["mails"] == undisturbed.start.mails
        assert end == {**undisturbed.end, **({"mails": end["mails"]} if lost else {})}, how
        assert orphans(emulator, fleet.ledger(number), _BY_HAND) == set(), how
        assert live[number] <= 1, how
        assert emulator.state.live_tokens == live[number], how
        assert again[fleet.host(number)]["failed"] == third[fleet.host(number)]["changed"] == 0, how
        assert emulator.calls.writes() == [], how
        assert fleet.found(number) == end, how


def test_a_first_run_killed_at_any_call_of_connecting_ends_the_next_time_where_it_would_have(
    undisturbed: Undisturbed,
) -> None:
    fleet = undisturbed.fleet
    pbx = Pbx(fleet.emulators[0].settings, fleet.emulators[0].variants, fleet.emulators[0].clock)
    _begin_by_hand(pbx)
    start = Start(pbx, None)
    fleet.begin(start, 1)
    fleet.play(SITE)
    calls = tuple(call.endpoint for call in fleet.emulators[0].calls.all())
    first = Undisturbed(fleet, start, calls, fleet.found(0))
    sides: tuple[Side, ...] = ("before", "after")
    holds = [Hold(number, side) for number in range(1, calls.index("del_token") + 2) for side in sides]
    fleet.begin(start, len(holds))

    fleet.kill(SITE, holds)

    _require_the_same_end(SITE, first, first.killings(holds))


def test_a_run_killed_between_any_statements_of_the_ledger_ends_the_next_time_where_it_would_have(
    undisturbed: Undisturbed,
) -> None:
    fleet = undisturbed.fleet
    fleet.begin(undisturbed.start, 1)
    count = fleet.count_statements(SYNC_NOW)
    # The others are tried without Ansible.
    statements = [1 + number * count // _PBXS for number in range(_PBXS)]
    fleet.begin(undisturbed.start, len(statements))

    fleet.die(SYNC_NOW, statements)

    killed = [_Killing(f"killed before statement {number} of {count}", may_lose_mails=True) for number in statements]
    _require_the_same_end(SYNC_NOW, undisturbed, killed)
