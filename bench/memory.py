# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory a whole run takes, as a process of its own, from 1,000 users to 100,000.

Everything is the collection's own but the two wires: the PBX's answers are played back as the texts that a PBX sends,
and the directory's users are made one by one of a file, as the reader makes them of an answer. So no server has to hold
100,000 users for it, and what is measured is the collection's share. `python -m bench.memory [--sizes 1000,10000]`
prints the figures by themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sqlite import open_ledger as open_ledger_file
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.commands import UPDATE_MODULE_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.kinds import KINDS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import YeastarModule, run_module
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import ledger_location
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    Directory,
    GroupQuery,
    Integration,
    Pbx,
    SavedRule,
    UnitQuery,
    UserQuery,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.result import Result
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.results import update_result
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.update import Update, update
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import World
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import (
    DirectoryGroup,
    DirectoryIdentity,
    DirectoryUnit,
    DirectoryUser,
    ObjectLookup,
    UserLookup,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import USER_ATTRIBUTES
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension, ExtensionGroup, Organization
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

from .errors import BenchError
from .planning import DOMAIN, FIRST_NUMBER, NOW, PBX, Kind
from .planning import Site as PlannedSite

SIZES = (1_000, 10_000, 100_000)

_REPOSITORY = Path(__file__).resolve().parents[1]
_PAGE, _BATCH = 500, 100
_COMMAND = "pbx_ad_sync"


class Which(StrEnum):
    """Which run is measured: the first one in check mode, with everything to do; or one with nothing to do."""

    FIRST = "first"
    NO_CHANGE = "no_change"


@dataclass(frozen=True)
class Memory:
    """What one run took.

    :param kinds: what it synchronized.
    :param peak_bytes: the largest resident set of its process.
    :param seconds: of the process, from start to end.
    """

    users: int
    kinds: tuple[str, ...]
    which: Which
    changes: int
    peak_bytes: int
    seconds: float


def measure_memory(sizes: Sequence[int] = SIZES) -> Iterator[Memory]:
    """Run the users' rule alone and then all rules, for the first time and with nothing to do, at each size.

    :raises BenchError: if a run fails, or does something else.
    """
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="pbx-bench-") as name:
            folder = Path(name)
            _prepare(folder, size)
            for kinds in ((Kind.USERS,), tuple(Kind)):
                for which in Which:
                    yield _measure(folder / which, size, kinds, which)


def _measure(folder: Path, size: int, kinds: Sequence[Kind], which: Which) -> Memory:
    finished = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "bench.launch", sys.executable, "-m", "bench.memory", "--play", str(folder)],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": _arguments(folder, kinds, which)}),
        capture_output=True,
        text=True,
        cwd=_REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(_REPOSITORY / ".venv" / "collections")},
        check=False,
    )
    if finished.returncode != 0 or not finished.stdout.strip():
        raise BenchError(f"the run did not run: {finished.stderr.strip()}")
    result = json.loads(finished.stdout.splitlines()[-1])
    if result.get("failed") or bool(result["changes"]) != (which is Which.FIRST):
        raise BenchError(f"the run did something else: {result.get('msg') or result['summary']}")
    taken = json.loads(finished.stderr.splitlines()[-1])
    return Memory(
        users=size,
        kinds=tuple(kind.value for kind in kinds),
        which=which,
        changes=len(result["changes"]),
        peak_bytes=taken["peak_bytes"],
        seconds=taken["seconds"],
    )


def _arguments(folder: Path, kinds: Sequence[Kind], which: Which) -> dict[str, Any]:
    return {
        "directory_host": "dc1.lab.test",
        "directory_base_dn": DOMAIN.dn,
        "directory_username": "sync@lab.test",
        "directory_password": "unused",
        "pbx_url": "https://pbx.lab.test",
        "pbx_client_id": "unused",
        "pbx_client_secret": "unused",
        "ledger_path": str(folder / "ledger.sqlite3"),
        "kinds": [_RULES[kind].value for kind in kinds],
        "_ansible_check_mode": which is Which.FIRST,
        "_ansible_remote_tmp": str(folder),
    }


_RULES = {Kind.USERS: RuleKind.USERS, Kind.UNITS: RuleKind.ORGANIZATIONAL_UNITS, Kind.GROUPS: RuleKind.GROUPS}


# --- the recordings that are played back


def _prepare(folder: Path, size: int) -> None:
    """Write down both sides and the ledger as they are before the first run and after it."""
    site = PlannedSite.new(size)
    _write(folder / Which.FIRST, site)
    for kind in Kind:
        site = site.after(site.plan(kind))
    _write(folder / Which.NO_CHANGE, site)


def _write(folder: Path, site: PlannedSite) -> None:
    folder.mkdir()
    pbx = site.standing.pbx
    with (folder / "users.jsonl").open("w", encoding="utf-8") as users:
        for user in site.users:
            users.write(json.dumps([user.guid, user.dn, user.account_name, user.primary_group_id, user.attributes]))
            users.write("\n")
    _save(folder / "groups.json", [asdict(group) for group in site.groups])
    _save(folder / "units.json", [asdict(unit) for unit in site.units])
    answers = {
        "system/information": {"data": {"sn": PBX.serial_number, "model_name": PBX.model, "firmware_version": "37.20"}},
        "system/capacity": {
            "data": {"extension_capacity": pbx.capacity.extensions, "extension_used": len(pbx.extensions)}
        },
        "organization/list": {"organization_list": [_tree(pbx.organizations or ())]},
    }
    _save(folder / "answers.json", answers)
    _write_list(folder, "extension", sorted(pbx.extensions, key=lambda one: one.id), _row, _detail)
    _write_list(folder, "extensiongroup", sorted(pbx.groups or (), key=lambda one: one.id), _group_row, _group_detail)
    _write_ledger(folder / "ledger.sqlite3", site)


def _save(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _write_list(
    folder: Path,
    family: str,
    objects: Sequence[Any],
    row: Callable[[Any], dict[str, Any]],
    detail: Callable[[Any], dict[str, Any]],
) -> None:
    """Write the pages of a list, and the answers to queries for the ids of each batch."""
    (folder / family).mkdir()
    for begin in range(0, max(1, len(objects)), _PAGE):
        page = {"total_number": len(objects), "data": [row(one) for one in objects[begin : begin + _PAGE]]}
        _save(folder / family / f"list-{begin // _PAGE + 1}.json", page)
    for begin in range(0, len(objects), _BATCH):
        batch = objects[begin : begin + _BATCH]
        _save(folder / family / f"query-{batch[0].id}.json", {"data": [detail(one) for one in batch]})


def _row(extension: Extension) -> dict[str, Any]:
    names = (extension.fields["first_name"], extension.fields["last_name"])
    return {
        "id": extension.id,
        "number": extension.number,
        "caller_id_name": " ".join(names),
        "role_name": "",
        "email_addr": extension.fields["email_addr"],
        "mobile_number": extension.fields["mobile_number"],
        "online_status": {"sip_phone": {"ext_dev_type": "sip", "status_list": []}},
    }


def _detail(extension: Extension) -> dict[str, Any]:
    return {
        "id": extension.id,
        "type": "SIP",
        **extension.fields,
        "organization_list": [{"text": one.name, "value": str(one.id)} for one in extension.organizations],
        "role_id": 0,
        "email_language": "en",
        "user_lang": "en",
        "vm_lang": "en",
        "number": extension.number,
        "caller_id": extension.number,
        "reg_name": f"ad{extension.id:016x}",
        "concurrent_registrations": 1,
        "presence_status": "available",
        "presence_list": ["available", "away", "business_trip", "do_not_disturb", "lunch_break", "off_work"],
        "presence_mobile_prefix": "",
        "agent_id": "",
        "enb_vm": 1,
        "enb_vm_pin": 1,
    }


def _group_row(group: ExtensionGroup) -> dict[str, Any]:
    return {"id": group.id, "name": group.name, "member_select": "sel_specific", "members_total": len(group.members)}


def _group_detail(group: ExtensionGroup) -> dict[str, Any]:
    members = [{"value": str(one), "type": "extension", "user_type": "user"} for one in group.members]
    return {"id": group.id, "name": group.name, "member_select": "sel_specific", "members": members}


def _tree(organizations: Sequence[Organization]) -> dict[str, Any]:
    root, *others = organizations
    children = [{"id": one.id, "name": one.name, "parent_id": str(one.parent_id)} for one in others]
    return {"id": root.id, "name": root.name, "parent_id": 0, "children": children}


def _write_ledger(path: Path, site: PlannedSite) -> None:
    with open_ledger_file(path, read_write=True, command="bench") as ledger:
        ledger.save_integration(Integration(DOMAIN, PBX, {"directory_base_dn": DOMAIN.dn}, "connected"), NOW)
        for kind in RuleKind:
            numbers = {"number_start": FIRST_NUMBER} if kind is RuleKind.USERS else {}
            rule = SavedRule({**KINDS[kind].defaults, **numbers}, synchronized=bool(site.standing.associations))
            ledger.save_rule(kind, rule, NOW)
        ledger.save_associations([*site.standing.associations, *site.standing.objects])


# --- the run itself, in the process that is measured


class _Session:
    """Answers each call that reads by the text that was written down for it."""

    calls = 0

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, call: Call) -> dict[str, Any]:
        """Answer a call."""
        query, (family, _slash, what) = call.query or {}, call.endpoint.partition("/")
        if what == "list" and "page" in query:
            return self._parsed(self._folder / family / f"list-{query['page']}.json")
        if what == "query":
            return self._parsed(self._folder / family / f"query-{query['ids'].partition(',')[0]}.json")
        answer: dict[str, Any] = self._parsed(self._folder / "answers.json")[call.endpoint]
        return answer

    def close(self) -> str:
        """Revoke nothing."""
        return ""

    @staticmethod
    def _parsed(path: Path) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(path.read_bytes())
        return content


class _Directory:
    """Answers what the rules ask; what they do not ask is not here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def identify(self) -> DirectoryIdentity:
        """See ``Directory``."""
        return DirectoryIdentity(DOMAIN, "dc1.lab.test", NOW, deleted_objects_readable=True)

    def read_users(self, query: UserQuery) -> list[DirectoryUser]:
        """See ``Directory``."""
        if query.only is not None:
            raise BenchError("nobody has left the scope")
        with (self._folder / "users.jsonl").open(encoding="utf-8") as lines:
            return [_user(json.loads(line)) for line in lines]

    def read_groups(self) -> list[DirectoryGroup]:
        """See ``Directory``."""
        return [DirectoryGroup(**{**one, "members": tuple(one["members"])}) for one in self._listed("groups")]

    def find_groups(self, query: GroupQuery) -> frozenset[str]:  # noqa: ARG002 (of the interface)
        """See ``Directory``."""
        return frozenset(one["guid"] for one in self._listed("groups"))

    def read_units(self, query: UnitQuery) -> list[DirectoryUnit]:  # noqa: ARG002 (of the interface)
        """See ``Directory``."""
        return [DirectoryUnit(**{**one, "path": tuple(one["path"])}) for one in self._listed("units")]

    def look_up_users(self, guids: Collection[str]) -> UserLookup:
        """See ``Directory``."""
        if guids:
            raise BenchError("nobody is to be looked for")
        return UserLookup({}, frozenset())

    def look_up_objects(self, guids: Collection[str]) -> ObjectLookup:
        """See ``Directory``."""
        units = {one.guid: one for one in self.read_units(UnitQuery(()))}
        return ObjectLookup({guid: cast("Any", units[guid]) for guid in guids}, frozenset())

    def _listed(self, name: str) -> Iterable[dict[str, Any]]:
        listed: list[dict[str, Any]] = json.loads((self._folder / f"{name}.json").read_bytes())
        return listed


def _user(values: Sequence[Any]) -> DirectoryUser:
    guid, dn, account_name, primary_group_id, attributes = values
    # The reader's names of attributes are those that it was asked for, not those in the answer.
    known = {name: attributes[name] for name in USER_ATTRIBUTES if name in attributes}
    return DirectoryUser(guid, dn, account_name, known, primary_group_id=primary_group_id)


def _play(folder: Path) -> None:
    """Be the module, with the two wires played back."""
    module = YeastarModule(argument_spec=UPDATE_MODULE_OPTIONS, supports_check_mode=True)
    # What it was started with is its own argument, which the module has no business with.
    run_module(module, _COMMAND, lambda options, check_mode, command: _work(folder, options, check_mode, command))


def _work(folder: Path, options: Mapping[str, Any], check_mode: bool, command: str) -> Result:
    @contextmanager
    def directory(_attributes: Collection[str]) -> Iterator[Directory]:
        yield cast("Directory", _Directory(folder))

    @contextmanager
    def pbx() -> Iterator[Pbx]:
        settings = PbxSettings(options["pbx_url"], "unused", "unused")
        with PbxClient(settings, session=cast("Session", _Session(folder))) as client:
            yield client

    world = World(
        open_ledger=lambda: open_ledger(ledger_location(options), read_write=not check_mode, command=command),
        open_directory=directory,
        open_pbx=pbx,
        clock=lambda: datetime.now(UTC),
        draw_name=lambda: "unused",
    )
    request = Update(
        command=command,
        base_dn=options["directory_base_dn"],
        given=[],
        kinds=[RuleKind(kind) for kind in options["kinds"]],
        check_mode=check_mode,
        keep_snapshot=options["keep_snapshot"],
    )
    return update_result(update(world, request))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description="Measure the memory of whole runs.")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), metavar="N,N", help="default: %(default)s")
    parser.add_argument("--play", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.play is not None:
        sys.argv = sys.argv[:1]
        _play(options.play)
        return 0
    for one in measure_memory([int(size) for size in options.sizes.split(",")]):
        kinds = "+".join(one.kinds)
        megabytes = one.peak_bytes / 1e6
        print(
            f"{one.users:>8,} {kinds:<19} {one.which:<9} {one.changes:>8,} changes {megabytes:>6.0f} MB"
            f" {one.seconds:>7.2f} s",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
