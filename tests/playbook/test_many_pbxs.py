# SPDX-License-Identifier: GPL-3.0-or-later
"""Fifty PBXs in one inventory: half belong to one domain, half to the other, and one that is down stops no other.

Each domain has a domain controller of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from lab.directory_admin import administer
from lab.pbx.emulator import Emulator
from lab.pbx.settings import Settings
from lab.postgresql import running as running_postgresql
from lab.samba import DomainController
from lab.tls import CertificateAuthority
from tests.playbook.playbook_site import SITE, PlaybookSite, Played, write_yaml

pytestmark = pytest.mark.timeout(900)

_COUNT = 50
_DOWN = "pbx07"
_PEOPLE = {"north": ("Anna", "Bert", "Carl"), "south": ("Dora", "Emil")}


@contextmanager
def _emulators(authority: CertificateAuthority, count: int) -> Iterator[dict[str, Emulator]]:
    """PBXs on ports of their own, by the names of their hosts; each has a serial number of its own."""
    issued = authority.issue("many-pbxs", hosts=["127.0.0.1"])
    with ExitStack() as running:
        emulators = {}
        for number in range(1, count + 1):
            settings = Settings(serial_number=f"3631A21{number:05}")
            emulator = Emulator(issued.cert_path, issued.key_path, settings=settings, ca_path=authority.ca_path)
            emulators[f"pbx{number:02}"] = running.enter_context(emulator)
        yield emulators


@pytest.fixture(name="domains")
def _domains(site: PlaybookSite, lax_lab_directory: DomainController) -> Iterator[dict[str, dict[str, Any]]]:
    """Each domain, with its people: the variables that tell where it is and who may read it."""
    with administer(lax_lab_directory) as admin, admin.unit_of_its_own() as base_dn:
        sites = {"north": site, "south": replace(site, directory=lax_lab_directory, admin=admin, base_dn=base_dn)}
        for domain, people in _PEOPLE.items():
            for name in people:
                sites[domain].add_user(name, mail=f"{name.lower()}@{domain}.test")
        yield {domain: _variables(one, "directory") for domain, one in sites.items()}


def _variables(site: PlaybookSite, side: str) -> dict[str, Any]:
    """Those of the connection to one side."""
    return {name: value for name, value in site.variables.items() if name.startswith(f"pbx_ad_{side}_")}


def _inventory(
    site: PlaybookSite,
    emulators: Mapping[str, Emulator],
    domains: Mapping[str, dict[str, Any]],
    ledgers: Mapping[str, dict[str, Any]],
) -> Path:
    """Write the inventory: what all have in common, a group for each domain, and of a host its address alone.

    :param ledgers: variables of the domains that do not keep to the default.
    """
    common = _variables(site, "pbx")
    del common["pbx_ad_pbx_url"]
    names = sorted(emulators)
    halves = {"north": names[: len(names) // 2], "south": names[len(names) // 2 :]}
    children = {
        domain: {
            "hosts": {name: {"pbx_ad_pbx_url": emulators[name].url} for name in halves[domain]},
            "vars": {**variables, **ledgers.get(domain, {})},
        }
        for domain, variables in domains.items()
    }
    rule = {"pbx_ad_user_number_start": 1000}
    return write_yaml(site.folder / "many.yml", {"yeastar_pbx": {"vars": {**common, **rule}, "children": children}})


def _run(site: PlaybookSite, playbook: str | Path, inventory: Path, *arguments: str) -> Played:
    return site.run(["ansible-playbook", str(playbook), "-i", str(inventory), *arguments], {})


def _people_of(emulator: Emulator) -> list[str]:
    return sorted(extension["first_name"] for extension in emulator.state.extensions.values())


def test_of_fifty_pbxs_of_two_domains_one_that_is_down_stops_no_other(
    site: PlaybookSite, lab_authority: CertificateAuthority, domains: dict[str, dict[str, Any]]
) -> None:
    with running_postgresql(lab_authority) as server, _emulators(lab_authority, _COUNT) as emulators:
        role = server.create_database("ledgers")
        ledgers = {"pbx_ad_ledger_url": server.url(role, "ledgers"), "pbx_ad_ledger_password": role.password}
        inventory = _inventory(site, emulators, domains, {"south": ledgers})
        emulators[_DOWN].stop()

        played = _run(site, SITE, inventory, "--forks", "10")

        assert played.status == 2
        assert {host for host, numbers in played.recap.items() if numbers["failed"]} == {_DOWN}
        assert len(played.recap) == _COUNT
        assert f"The PBX at {emulators[_DOWN].url} cannot be reached" in played.everything
        for number, (name, emulator) in enumerate(sorted(emulators.items())):
            domain = "north" if number < _COUNT // 2 else "south"
            assert _people_of(emulator) == ([] if name == _DOWN else sorted(_PEOPLE[domain])), name
            assert emulator.state.live_tokens == 0
        files = sorted((site.folder / "home" / ".local" / "state" / "pbxops.yeastar").glob("*.sqlite3"))
        with server.administer("ledgers") as connection:
            schemas = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE '127.0.0.1%'").fetchall()
        # That of the one that is down is there, and empty.
        assert (len(files), len(schemas)) == (_COUNT // 2, _COUNT // 2)


# --- the order in which PBXs are taken


_ROLE = {"name": "Synchronize", "ansible.builtin.include_role": {"name": "pbxops.yeastar.pbx_ad"}}


def _playbook(site: PlaybookSite, **keywords: Any) -> Path:
    """Write a playbook of one's own with the role, and these keywords of a play."""
    play = {
        "hosts": "yeastar_pbx",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tasks": [_ROLE],
        **keywords,
    }
    return write_yaml(site.folder / "own.yml", [play])


def _most_at_once(emulators: Sequence[Emulator]) -> int:
    """How many PBXs were worked on at the same time: each is from where a token is got to where it is revoked."""
    times = {
        endpoint: [[call.time for call in emulator.calls.all() if call.endpoint == endpoint] for emulator in emulators]
        for endpoint in ("get_token", "del_token")
    }
    spans = [
        span
        for begins, ends in zip(times["get_token"], times["del_token"], strict=True)
        for span in zip(begins, ends, strict=True)
    ]
    return max(sum(begin <= at <= end for begin, end in spans) for at, _end in spans)


def test_batches_stop_once_too_many_of_one_have_failed_and_throttle_holds_pbxs_apart(
    site: PlaybookSite, lab_authority: CertificateAuthority, domains: dict[str, dict[str, Any]]
) -> None:
    with _emulators(lab_authority, 6) as emulators:
        inventory = _inventory(site, emulators, domains, {})
        for name in ("pbx01", "pbx02"):
            emulators[name].stop()

        # One of the first batch of one fails, more than none: the others are not tried.
        batches = _playbook(site, serial=[1, 5], max_fail_percentage=0)
        stopped = _run(site, batches, inventory, "--forks", "6")

        assert stopped.status == 2
        assert sorted(stopped.recap) == ["pbx01"]
        assert not any(emulator.calls.all() for emulator in emulators.values())

        # Two of six are less than half; the others are done, one at a time.
        apart = _run(site, _playbook(site, throttle=1, max_fail_percentage=50), inventory, "--forks", "6")

        assert apart.status == 2
        assert {host for host, numbers in apart.recap.items() if numbers["failed"]} == {"pbx01", "pbx02"}
        done = [emulator for name, emulator in emulators.items() if name not in ("pbx01", "pbx02")]
        assert all(_people_of(emulator) for emulator in done)
        assert _most_at_once(done) == 1


# --- job slices of AWX


@contextmanager
def _ledgers_in(place: str, site: PlaybookSite, authority: CertificateAuthority) -> Iterator[dict[str, Any]]:
    """The variables of ledgers that every slice reaches: all in one database, or files in a folder of the one node."""
    if place == "folder":
        yield {"pbx_ad_ledger_path": f"{site.folder}/ledgers/{{{{ inventory_hostname }}}}.sqlite3"}
        return
    with running_postgresql(authority) as server:
        role = server.create_database("ledgers")
        yield {"pbx_ad_ledger_url": server.url(role, "ledgers"), "pbx_ad_ledger_password": role.password}


def _sliced(inventory: Path, number: int, count: int, folder: Path) -> Path:
    """Write the inventory that AWX gives a slice: every so manyth host in the order of names, and all groups.

    As get_script_data does in https://github.com/ansible/awx/blob/24.6.1/awx/main/models/inventory.py
    """
    whole = json.loads(inventory.read_text(encoding="utf-8"))
    groups = whole["yeastar_pbx"]["children"].values()
    taken = set(sorted(chain.from_iterable(group["hosts"] for group in groups))[number - 1 :: count])
    for group in groups:
        group["hosts"] = {name: values for name, values in group["hosts"].items() if name in taken}
    return write_yaml(folder / "hosts.yml", whole)


def _run_slices(site: PlaybookSite, inventory: Path, count: int) -> list[Played]:
    """Play all slices side by side, each at a home of its own, as in containers that are thrown away afterwards."""
    nodes = [replace(site, folder=site.folder / f"slice-{number}-of-{count}") for number in range(1, count + 1)]
    for node in nodes:
        node.folder.mkdir()
    sliced = [_sliced(inventory, number, count, node.folder) for number, node in enumerate(nodes, start=1)]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda node, hosts: _run(node, SITE, hosts), nodes, sliced))


@pytest.mark.parametrize("place", ["database", "folder"])
def test_slices_run_side_by_side_and_another_slice_goes_on_where_one_has_failed(
    site: PlaybookSite, lab_authority: CertificateAuthority, domains: dict[str, dict[str, Any]], place: str
) -> None:
    with _ledgers_in(place, site, lab_authority) as ledgers, _emulators(lab_authority, 6) as emulators:
        inventory = _inventory(site, emulators, domains, dict.fromkeys(_PEOPLE, ledgers))
        emulators["pbx05"].stop()

        first, second = _run_slices(site, inventory, 2)

        assert sorted(first.recap) == ["pbx01", "pbx03", "pbx05"]
        assert sorted(second.recap) == ["pbx02", "pbx04", "pbx06"]
        assert (first.status, second.status) == (2, 0), second.everything
        assert {host for host, numbers in first.recap.items() if numbers["failed"]} == {"pbx05"}
        times = [[call.time for name in one.recap for call in emulators[name].calls.all()] for one in (first, second)]
        assert max(map(min, times)) < min(map(max, times)), "one slice was over before the other began"

        for emulator in emulators.values():
            emulator.calls.clear()
        emulators["pbx05"].start()
        # By three, so that most PBXs come to another slice.
        thirds = _run_slices(site, inventory, 3)

        assert [one.status for one in thirds] == [0, 0, 0], [one.everything for one in thirds]
        assert [sorted(one.recap) for one in thirds] == [["pbx01", "pbx04"], ["pbx02", "pbx05"], ["pbx03", "pbx06"]]
        recaps = {host: numbers for one in thirds for host, numbers in one.recap.items()}
        assert {host for host, numbers in recaps.items() if numbers["changed"]} == {"pbx05"}, "no other ledger is new"
        written = {name for name, emulator in emulators.items() if any(call.write for call in emulator.calls.all())}
        assert written == {"pbx05"}
        people = {name: _PEOPLE["north" if name < "pbx04" else "south"] for name in emulators}
        assert {name: _people_of(emulator) for name, emulator in emulators.items()} == {
            name: sorted(names) for name, names in people.items()
        }
