# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run asks of the PBX: a call a page of its lists and a hundred of its extensions, and one a change."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import pytest

from lab.pbx.emulator import Emulator
from lab.pbx.testing import running_emulator
from lab.tls import CertificateAuthority
from tests.integration.modules.site_under_test import Site

_LIST_PAGE, _QUERY_IDS, _OTHER_CALLS = 500, 100, 10
_PEOPLE = ("Anna", "Bernd", "Carl", "Dora", "Emil", "Frieda", "Gustav", "Hanna", "Ida", "Jakob", "Karla", "Ludwig")
_RULES: dict[str, dict[str, Any]] = {
    "users": {"number_start": 2000},
    "units": {"sync_to": "organization", "scope": "all"},
    "groups": {"scope": "filter", "filter": "(cn=Team*)"},
}


@pytest.fixture(name="pbx")
def _pbx(lab_authority: CertificateAuthority) -> Iterator[Emulator]:
    """One that is licensed for as many."""
    with running_emulator(authority=lab_authority, extension_capacity=2000) as emulator:
        yield emulator


@pytest.fixture(name="filled")
def _filled(site: Site) -> Site:
    """A dozen people in two units and two groups, all synchronized, and a PBX with hundreds of other extensions."""
    for number in range(730):
        site.pbx.pbx.seed_extension(str(3000 + number), first_name=f"Other {number}")
    units = [site.add_unit(name) for name in ("Sales", "Support")]
    people = [site.add_user(name, parent=units[place % 2]) for place, name in enumerate(_PEOPLE)]
    site.add_group("Team A", *people[:5])
    site.add_group("Team B", *people[5:])
    return site


def _first_run(site: Site) -> None:
    site.units(**_RULES["units"])
    site.sync(**_RULES["users"])
    site.groups(**_RULES["groups"])


def _calls(pbx: Emulator) -> tuple[int, int]:
    """How many calls there were, and how many of them were writes."""
    return len(pbx.calls.all()), len(pbx.calls.writes())


def test_a_run_with_nothing_to_do_asks_for_pages_and_hundreds_and_little_more(filled: Site) -> None:
    _first_run(filled)
    extensions = len(filled.pbx.state.extensions)
    filled.pbx.calls.clear()
    assert filled.update()["changed"] is False
    calls, writes = _calls(filled.pbx)
    assert extensions > _LIST_PAGE
    assert writes == 0
    assert calls <= ceil(extensions / _LIST_PAGE) + ceil(extensions / _QUERY_IDS) + _OTHER_CALLS


@pytest.mark.parametrize("kind", ["users", "units", "groups"])
def test_each_change_of_a_first_run_is_one_call(filled: Site, kind: str) -> None:
    if kind != "users":
        filled.sync(**_RULES["users"])
    run = {"users": filled.sync, "units": filled.units, "groups": filled.groups}[kind]
    filled.pbx.calls.clear()
    result = run(**_RULES[kind])
    assert len(filled.pbx.calls.writes()) == len(result["changes"]) > 0


def test_each_change_of_a_later_run_is_one_call(filled: Site) -> None:
    _first_run(filled)
    anna, bernd = (f"CN={name},OU={unit},{filled.base_dn}" for name, unit in (("Anna", "Sales"), ("Bernd", "Support")))
    filled.admin.modify(anna, sn="Adler", title="Head of Sales", telephoneNumber="+49 30 1")
    filled.admin.move(bernd, f"OU=Sales,{filled.base_dn}")
    filled.admin.delete(f"CN=Carl,OU=Sales,{filled.base_dn}")
    filled.add_user("Maria", parent=f"OU=Sales,{filled.base_dn}", mail="maria@lab.test")
    filled.admin.rename(f"OU=Support,{filled.base_dn}", "Service")
    filled.pbx.calls.clear()
    result = filled.update()
    assert len(filled.pbx.calls.writes()) == len(result["changes"]) > 4
