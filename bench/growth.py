# SPDX-License-Identifier: GPL-3.0-or-later
"""How time and memory grow with the number of users, from a hundred to a hundred thousand.

What runs is the module itself, as a process of its own, over TLS on both sides, with a ledger in a file. The PBX is the
lab's emulator. The directory is `bench.directory_server`, for a domain controller takes long to be filled with so many
people. Before a run with nothing to do, the emulator and the ledger are given what a first run would have left.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Origin

from lab.pbx.control import ControlClient
from lab.processes import BackgroundProcess
from lab.tls import CertificateAuthority

from .errors import BenchError
from .people import DOMAIN_DN, FIRST_NUMBER, Person
from .runs import USERS, Run, measured_run, median_run, run_module

SIZES = (100, 1_000, 10_000, 100_000)
_ADDRESS = "127.0.0.1"
_CLIENT_ID = "bench"
_SEEDED_AT_ONCE = 10_000
_READY_SECONDS = 120
_ROOT_ORGANIZATION = 1
_FEW = 1_000
_REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Growth:
    """What two runs take at one size.

    :param first: a first run in check mode: all that it does but writing.
    :param no_change: a run that finds everything as the one before has left it.
    """

    size: int
    first: Run
    no_change: Run


@dataclass(frozen=True)
class _Site:
    """Both sides of one size."""

    size: int
    folder: Path
    pbx: ControlClient
    options: dict[str, Any]


def measure_growth(folder: Path, size: int) -> Growth:
    """Measure one size; the folder must not be there yet.

    :raises BenchError: if a run fails, or does something else than it has to do.
    :raises lab.processes.LabError: if a server does not start.
    """
    folder.mkdir()
    with _serving(folder, size) as site:
        run_module(site, "pbx_ad_connection", _connection(site))
        first = _median(site, {**site.options, "_ansible_check_mode": True}, changes=size)
        _leave_synchronized(site)
        # Saves the rule.
        run_module(site, USERS, site.options)
        return Growth(size, first, _median(site, site.options, changes=0))


def _median(site: _Site, options: Mapping[str, Any], *, changes: int) -> Run:
    """The run of median length; one of many users, which little disturbs, is alone."""
    runs = []
    for _round in range(1 if site.size > _FEW else 3):
        run, _result = measured_run(site, USERS, options)
        if run.changes != changes or run.calls.writes:
            raise BenchError(
                f"a run of {site.size} users had {changes} changes to plan, and {run.changes} were planned"
            )
        runs.append(run)
    return median_run(runs)


@contextmanager
def _serving(folder: Path, size: int) -> Iterator[_Site]:
    authority = CertificateAuthority(folder / "tls")
    issued = authority.issue("server", hosts=[_ADDRESS])
    certificate = ("--address", _ADDRESS, "--cert", issued.cert_path, "--key", issued.key_path)
    directory, emulator = BackgroundProcess(folder, "directory"), BackgroundProcess(folder, "pbx")
    secret = secrets.token_hex(16)
    try:
        directory.start([sys.executable, "-m", "bench.directory_server", *certificate, "--size", str(size)], **_here())
        emulator.start(
            [
                *(sys.executable, "-m", "lab.pbx", *certificate, "--port", "0", "--model", "Software"),
                *("--client-id", _CLIENT_ID, "--extension-capacity", str(2 * size)),
            ],
            variables={"PBX_EMULATOR_CLIENT_SECRET": secret},
            folder=_REPOSITORY,
        )
        port, pbx = _announced(directory)["port"], _announced(emulator)
        with ControlClient(pbx["control_url"]) as control:
            yield _Site(
                size=size,
                folder=folder,
                pbx=control,
                options={
                    "directory_host": _ADDRESS,
                    "directory_port": port,
                    "directory_base_dn": DOMAIN_DN,
                    "directory_username": "bench@bench.test",
                    "directory_password": "as good as any",
                    "directory_ca_path": str(authority.ca_path),
                    "directory_timeout": 120,
                    "pbx_url": pbx["url"],
                    "pbx_client_id": _CLIENT_ID,
                    "pbx_client_secret": secret,
                    "pbx_ca_path": str(authority.ca_path),
                    "ledger_path": str(folder / "ledger.sqlite3"),
                    "scope": "all",
                    "number_start": FIRST_NUMBER,
                },
            )
    finally:
        emulator.stop()
        directory.stop()


def _here() -> dict[str, Any]:
    collections = str(_REPOSITORY / ".venv" / "collections")
    return {"folder": _REPOSITORY, "variables": {"PYTHONPATH": collections}}


def _announced(process: BackgroundProcess) -> dict[str, Any]:
    """What a server says once it serves."""
    process.wait_until(lambda: process.log_path.read_bytes().endswith(b"}\n"), seconds=_READY_SECONDS)
    announced: dict[str, Any] = json.loads(process.log_path.read_text(encoding="utf-8").splitlines()[-1])
    return announced


def _connection(site: _Site) -> dict[str, Any]:
    return {name: value for name, value in site.options.items() if name not in ("scope", "number_start")}


def _leave_synchronized(site: _Site) -> None:
    """Give the PBX the extensions of all people, and the ledger their associations."""
    people = [Person(place) for place in range(site.size)]
    ids = [
        extension_id
        for start in range(0, site.size, _SEEDED_AT_ONCE)
        for extension_id in _seeded(site.pbx, people[start : start + _SEEDED_AT_ONCE])
    ]
    associations = [_association(person, extension_id) for person, extension_id in zip(people, ids, strict=True)]
    with open_ledger(Path(site.options["ledger_path"]), read_write=True, command="bench") as ledger:
        ledger.save_associations(associations)


def _seeded(pbx: ControlClient, people: Sequence[Person]) -> list[int]:
    return pbx.seed_each_extension(
        [{"number": person.number, "reg_name": f"bench{person.place}", **person.fields} for person in people]
    )


def _association(person: Person, extension_id: int) -> Association:
    return Association(
        guid=str(person.guid),
        extension_id=extension_id,
        number=person.number,
        dn=person.dn,
        account_name=person.account_name,
        origin=Origin.CREATED,
        written=person.fields,
        organization_id=_ROOT_ORGANIZATION,
        user_principal_name=person.attributes["userPrincipalName"],
    )
