# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook on several PBXs that is killed while the run of each is at a call of its own, and what is there then."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, ObjectKind
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

from lab.pbx.emulator import Emulator
from lab.pbx.faults import ANY_ENDPOINT
from lab.pbx.pbx import Pbx
from tests.playbook.playbook_site import PlaybookSite, Played, environment_of

#: Whether the call that a run is killed at does its work.
Side = Literal["before", "after"]
_SECONDS = 120
_ANSIBLE = {"ANSIBLE_PIPELINING": "1"}
# What Python imports first, in the module's process too. That one then marks in a file beside the ledger each statement
# that the ledger is asked to carry out, and dies before the one whose number another file there says.
_DYING = """
import os, pathlib, signal, sqlite3

connect = sqlite3.connect

def dying(place, *arguments, **options):
    folder = pathlib.Path(str(place).removeprefix("file:").partition("?")[0]).parent
    fatal, statements = folder / "fatal", folder / "statements"

    def count(_statement):
        with statements.open("a") as marks:
            marks.write(".")
        if statements.stat().st_size == int(fatal.read_text()):
            os.kill(os.getpid(), signal.SIGKILL)

    connection = connect(place, *arguments, **options)
    if fatal.exists():
        connection.set_trace_callback(count)
    return connection

sqlite3.connect = dying
"""


@dataclass(frozen=True)
class Start:
    """Where each run begins: what a PBX holds, and the ledger that belongs to it (None: there is none yet)."""

    pbx: Pbx
    ledger: Path | None

    @property
    def mails(self) -> list[str]:
        """The numbers of the extensions that welcome e-mails were sent to."""
        return sorted(mail.number for mail in self.pbx.welcome_mails)

    def put_in_place(self, emulator: Emulator, ledger: Path) -> None:
        """Let a PBX and a ledger be as they were then."""
        emulator.put(self.pbx.twin())
        shutil.rmtree(ledger.parent, ignore_errors=True)
        if self.ledger is not None:
            shutil.copytree(self.ledger.parent, ledger.parent)


@dataclass(eq=False)
class Hold:
    """A call of a run, the so-manieth of an endpoint or of all, at which it waits until it is let go."""

    number: int
    side: Side
    endpoint: str = ANY_ENDPOINT
    reached: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    _earlier: int = 0

    def set_on(self, emulator: Emulator) -> None:
        """Let the call of this number wait: the work is done before the waiting, or is never done."""
        work_done = self.side == "after"
        self._earlier = self._count(emulator)
        emulator.fail(self.endpoint, "act", nth=self.number, action=self._wait, work_done=work_done)
        emulator.fail(self.endpoint, "cut_after_work" if work_done else "cut_before_work", nth=self.number)

    def _wait(self) -> None:
        self.reached.set()
        self.let_go.wait(_SECONDS)

    def _count(self, emulator: Emulator) -> int:
        return len(emulator.calls.all(None if self.endpoint == ANY_ENDPOINT else self.endpoint))

    def wait_for_end(self, emulator: Emulator) -> None:
        """Return when the PBX is done with the call and all beside it, and let no fault be set there any more."""
        deadline = time.monotonic() + _SECONDS
        while emulator.under_way or self._count(emulator) < self._earlier + self.number:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        emulator.faults.clear()


@dataclass(frozen=True)
class Fleet:
    """Several PBXs with a ledger each, for which the same directory is meant.

    :param variables: of site.yml, for all of them.
    """

    site: PlaybookSite
    emulators: Sequence[Emulator]
    variables: Mapping[str, Any]

    def ledger(self, number: int) -> Path:
        """Where the ledger of a PBX is."""
        return self.site.folder / f"ledger-{number}" / "ledger.sqlite3"

    def host(self, number: int) -> str:
        """The name of a PBX in the inventory."""
        return f"pbx{number}"

    def begin(self, start: Start, count: int) -> None:
        """Let this many PBXs be as at the start, and write an inventory of them."""
        hosts: dict[str, Mapping[str, Any]] = {}
        for number, emulator in enumerate(self.emulators[:count]):
            start.put_in_place(emulator, self.ledger(number))
            where = {"pbx_ad_pbx_url": emulator.url, "pbx_ad_ledger_path": str(self.ledger(number))}
            hosts[self.host(number)] = where
        self.site.inventory({**self.site.variables, "pbx_ad_pbx_timeout": _SECONDS, **self.variables}, **hosts)

    def kill(self, playbook: str, holds: Sequence[Hold]) -> None:
        """Run a playbook, and send SIGKILL to all of its processes when every host waits at its call."""
        command = [*self._command(playbook), "--forks", str(len(holds))]
        kill_at(self.site, command, dict(zip(holds, self.emulators, strict=False)), _ANSIBLE)

    def play(self, playbook: str) -> dict[str, dict[str, int]]:
        """Run a playbook on all hosts to its good end, and return the recap of each."""
        count = str(len(self.emulators))
        return self.site.play(*self._command(playbook)[1:], "--forks", count, environment=_ANSIBLE).recap

    def die(self, playbook: str, statements: Sequence[int]) -> None:
        """Run a playbook of one module on so many hosts, whose process SIGKILL ends just before that statement."""
        for number, statement in enumerate(statements):
            (self.ledger(number).parent / "fatal").write_text(str(statement), encoding="ascii")
        played = self._play_dying(playbook, fails=True)
        failed = {host: numbers["failed"] for host, numbers in played.recap.items()}
        assert failed == {self.host(number): 1 for number in range(len(statements))}, played.everything
        for number in range(len(statements)):
            (self.ledger(number).parent / "fatal").unlink()

    def count_statements(self, playbook: str) -> int:
        """Run a playbook to its good end, and return how many statements its ledger has carried out."""
        (self.ledger(0).parent / "fatal").write_text("0", encoding="ascii")
        self._play_dying(playbook, fails=False)
        return (self.ledger(0).parent / "statements").stat().st_size

    def _play_dying(self, playbook: str, *, fails: bool) -> Played:
        folder = self.site.folder / "dying"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(_DYING, encoding="utf-8")
        environment = {**_ANSIBLE, "PYTHONPATH": str(folder)}
        arguments = [*self._command(playbook)[1:], "--forks", str(len(self.emulators))]
        return self.site.play(*arguments, environment=environment, fails=fails)

    def _command(self, playbook: str) -> list[str]:
        return ["ansible-playbook", playbook, "-i", str(self.site.folder / "inventory.yml")]

    def found(self, number: int) -> dict[str, Any]:
        """What a PBX holds and its ledger knows, without ids."""
        with open_ledger(self.ledger(number), read_write=False, command="test") as ledger:
            return {**pbx_without_ids(self.emulators[number]), **ledger_without_ids(ledger, self.emulators[number])}


def kill_at(
    site: PlaybookSite, command: Sequence[str], holds: Mapping[Hold, Emulator], environment: Mapping[str, str]
) -> str:
    """Run a command, and send SIGKILL to all of its processes when every hold is reached; return what it printed.

    :param holds: with the PBX that each is a call of.
    """
    for hold, emulator in holds.items():
        hold.set_on(emulator)
    temporary = site.folder / "killed"
    temporary.mkdir(exist_ok=True)
    with subprocess.Popen(
        command,
        cwd=site.folder,
        env={**environment_of(site.folder), **environment, "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            missing = _not_reached(holds, process)
        finally:
            kill_all(process.pid, f"TMPDIR={temporary}")
            for hold in holds:
                hold.let_go.set()
        output = process.communicate()[0]
    assert not missing, f"calls {missing} were not reached:\n{output}"
    assert process.returncode == -signal.SIGKILL
    for hold, emulator in holds.items():
        hold.wait_for_end(emulator)
    return output


def _not_reached(holds: Iterable[Hold], process: subprocess.Popen[str]) -> list[int]:
    """Wait until every call is reached or the playbook ends; return those that were not."""
    deadline = time.monotonic() + _SECONDS
    for hold in holds:
        while not hold.reached.wait(0.05) and process.poll() is None and time.monotonic() < deadline:
            pass
    return [hold.number for hold in holds if not hold.reached.is_set()]


def kill_all(leader: int, marker: str) -> None:
    """Send SIGKILL to a process group and to all who have this in their environment; return when none is left.

    Ansible's workers are in sessions of their own, so that the group is not all.
    """
    _kill(lambda: os.killpg(leader, signal.SIGKILL))
    deadline = time.monotonic() + _SECONDS
    while survivors := _marked(marker):
        assert time.monotonic() < deadline, survivors
        for survivor in survivors:
            _kill(lambda: os.kill(survivor, signal.SIGKILL))  # noqa: B023 (called at once)
        time.sleep(0.01)


def _kill(kill: Callable[[], None]) -> None:
    try:
        kill()
    except ProcessLookupError:
        return


def _marked(marker: str) -> list[int]:
    """The processes with this in their environment; a dead one has none."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if marker.encode() in variables:
            found.append(int(process.name))
    return sorted(found)


def pbx_without_ids(emulator: Emulator) -> dict[str, Any]:
    """All that a PBX holds but tokens, ids, and the registration names that are drawn for new extensions."""
    state = emulator.state
    numbers = {one["id"]: number for number, one in state.extensions.items()}
    paths = _paths(state.organizations)
    return {
        "company": state.company_name,
        "extensions": {
            number: {
                **{name: value for name, value in one.items() if name not in ("id", "reg_name")},
                "organization_ids": sorted(paths[id_] for id_ in one["organization_ids"]),
            }
            for number, one in state.extensions.items()
        },
        "organizations": {paths[id_]: one["order"] for id_, one in state.organizations.items()},
        "groups": {
            name: {
                "members": {numbers[int(id_)]: role for id_, role in one["members"].items()},
                "flags": one["flags"],
                "of": one["member_select"],
            }
            for name, one in state.groups.items()
        },
        "mails": sorted(mail["number"] for mail in state.welcome_mails),
    }


def ledger_without_ids(ledger: Ledger, emulator: Emulator) -> dict[str, Any]:
    """What a ledger knows, in which an id is replaced by what the PBX has under it."""
    state = emulator.state
    names = {
        ObjectKind.ORGANIZATION: _paths(state.organizations),
        ObjectKind.EXTENSION_GROUP: {one["id"]: name for name, one in state.groups.items()},
    }
    numbers = {one["id"]: number for number, one in state.extensions.items()}
    homes = {0: "", **names[ObjectKind.ORGANIZATION]}
    return {
        "unfinished": ledger.unfinished(),
        "associations": [_user_without_ids(one, numbers, homes) for one in ledger.associations()],
        "objects": [
            (
                one.kind,
                one.guid,
                one.rule,
                names[one.kind][one.object_id],
                one.dn,
                one.name,
                one.origin,
                homes[one.parent_id],
                sorted(numbers[id_] for id_ in one.members),
                one.leftover_id,
            )
            for one in ledger.object_associations()
        ],
        "resting": sorted((one.number, one.guid) for one in ledger.retired_numbers()),
        "rules": {kind: (ledger.rule(kind), ledger.names(kind)) for kind in RuleKind},
    }


def _user_without_ids(one: Association, numbers: Mapping[int, str], homes: Mapping[int, str]) -> tuple[Any, ...]:
    """An association, with what the PBX calls the extension beside what the ledger does."""
    extension, home = numbers[one.extension_id], homes[one.organization_id]
    return one.guid, one.number, extension, one.dn, one.account_name, one.origin, one.written, one.welcome, home


def orphans(emulator: Emulator, ledger: Path, by_hand: Collection[str]) -> set[str]:
    """What is on a PBX and neither associated nor made by hand: numbers, names of groups, paths of organizations."""
    with open_ledger(ledger, read_write=False, command="test") as opened:
        extensions = {one.extension_id for one in opened.associations()}
        objects = {(one.kind, one.object_id) for one in opened.object_associations()}
    state = emulator.state
    paths = _paths(state.organizations)
    found = {number for number, one in state.extensions.items() if one["id"] not in extensions}
    found |= {name for name, one in state.groups.items() if (ObjectKind.EXTENSION_GROUP, one["id"]) not in objects}
    found |= {path for id_, path in paths.items() if (ObjectKind.ORGANIZATION, id_) not in objects}
    return found - set(by_hand)


def _paths(organizations: Mapping[int, Mapping[str, Any]]) -> dict[int, str]:
    """The path of each organization below the root, by its id; the root's is a slash."""
    paths: dict[int, str] = {}
    for id_, one in organizations.items():
        names, node = [], one
        while node["parent_id"]:
            names.append(str(node["name"]))
            node = organizations[node["parent_id"]]
        paths[id_] = "/" + "/".join(reversed(names))
    return paths
