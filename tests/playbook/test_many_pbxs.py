# SPDX-License-Identifier: GPL-3.0-or-later
"""Fifty PBXs in one inventory: half belong to one domain, half to the other, and one that is down stops no other.

The two domains are two units of one domain controller, each the base DN of its own half.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.pbx.emulator import Emulator
from lab.pbx.settings import Settings
from lab.postgresql import running as running_postgresql
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


def _domains(site: PlaybookSite) -> dict[str, str]:
    """The base DN of each domain, with its people."""
    domains = {}
    for domain, people in _PEOPLE.items():
        domains[domain] = site.add_unit(domain.capitalize())
        for name in people:
            site.add_user(name, parent=domains[domain], mail=f"{name.lower()}@{domain}.test")
    return domains


def _inventory(
    site: PlaybookSite, emulators: dict[str, Emulator], domains: dict[str, str], ledgers: dict[str, Any]
) -> Path:
    """Write the inventory: what all have in common, a group for each domain, and of a host its address alone.

    :param ledgers: variables of the southern half.
    """
    common = {name: value for name, value in site.variables.items() if not name.startswith("pbx_ad_ledger_")}
    del common["pbx_ad_pbx_url"], common["pbx_ad_directory_base_dn"]
    names = sorted(emulators)
    halves = {"north": names[: len(names) // 2], "south": names[len(names) // 2 :]}
    children = {
        domain: {
            "hosts": {name: {"pbx_ad_pbx_url": emulators[name].url} for name in halves[domain]},
            "vars": {"pbx_ad_directory_base_dn": base_dn, **(ledgers if domain == "south" else {})},
        }
        for domain, base_dn in domains.items()
    }
    rule = {"pbx_ad_user_number_start": 1000}
    return write_yaml(site.folder / "many.yml", {"yeastar_pbx": {"vars": {**common, **rule}, "children": children}})


def _run(site: PlaybookSite, playbook: str | Path, inventory: Path, *arguments: str) -> Played:
    return site.run(["ansible-playbook", str(playbook), "-i", str(inventory), *arguments], {})


def _people_of(emulator: Emulator) -> list[str]:
    return sorted(extension["first_name"] for extension in emulator.state.extensions.values())


def test_of_fifty_pbxs_of_two_domains_one_that_is_down_stops_no_other(
    site: PlaybookSite, lab_authority: CertificateAuthority
) -> None:
    with running_postgresql(lab_authority) as server, _emulators(lab_authority, _COUNT) as emulators:
        role = server.create_database("ledgers")
        ledgers = {"pbx_ad_ledger_url": server.url(role, "ledgers"), "pbx_ad_ledger_password": role.password}
        inventory = _inventory(site, emulators, _domains(site), ledgers)
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
    site: PlaybookSite, lab_authority: CertificateAuthority
) -> None:
    with _emulators(lab_authority, 6) as emulators:
        inventory = _inventory(site, emulators, _domains(site), {})
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
