# SPDX-License-Identifier: GPL-3.0-or-later
"""A site: both ends, the clock and the ledger's file; and the commands that are run on it."""

from __future__ import annotations

import copyreg
import json
import pickle
import shutil
import threading
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import search, terms
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.reader import DirectoryReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger import sqlite
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.life import LifeReport, LifeRequest, change_life
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.life_command import life_result
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.offline import open_snapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Directory, Pbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.report import Report
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.result import Result
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.results import update_result
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.rollback import (
    RollbackRequest,
    RolledBack,
    roll_back,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.rollback_command import rollback_result
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.update import Update, Updated, update
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.user_info import UserInfoRequest, explain_users
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import World
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx import details, transport
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import FIELD_NAMES

from lab.pbx.pbx import Pbx as EmulatedPbx
from tests.simulator.clock import SimulatedClock
from tests.simulator.directory import DOMAIN_DN, SimulatedDirectory
from tests.simulator.domain_controller import ServerManners, SimulatedConnection
from tests.simulator.ledger_in_danger import in_danger
from tests.simulator.pbx_in_process import URL, InProcessSession, Wire
from tests.simulator.side_by_side import DrawnTurns, drawn_turns
from tests.simulator.troubles import KilledError, Troubles

# A lock is nothing to copy: the copy of what it guards has its own.
copyreg.pickle(type(threading.RLock()), lambda _lock: (threading.RLock, ()))

BASE_DN = DOMAIN_DN
# Never used, and dear: one for all clients.
_tls_context = lru_cache(maxsize=1)(transport.make_tls_context)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is asked for at once, made so small that a small site fills more than one of each."""

    directory_page: int = 1000
    filter_terms: int = 100
    pbx_page: int = 500
    query_ids: int = 100


@dataclass(slots=True)
class Command:
    """What a command came to.

    :param said: all that it told, in one text.
    :param crash: what it ended by that is no error of the collection's; "" for nothing.
    """

    name: str
    check_mode: bool
    troubles: Troubles
    wire: Wire
    report: Report | None = None
    updated: Updated | None = None
    life: LifeReport | None = None
    rolled_back: RolledBack | None = None
    values: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    error: YeastarError | None = None
    is_killed: bool = False
    crash: str = ""
    said: str = ""

    def tell(self, result: Result) -> None:
        """Keep what a module would return."""
        self.values = dict(result.values)
        self.warnings.extend(result.warnings)

    @property
    def changed(self) -> bool:
        """Whether it says that it changed anything."""
        return bool(self.values.get("changed"))

    @property
    def written(self) -> frozenset[tuple[int, str, str]]:
        """All that it wrote to extensions that were there: ids, names of managed fields and values."""
        return frozenset(
            (int(sent.arguments["id"]), name, sent.arguments[name])
            for sent in self.wire.sent
            if sent.done and sent.endpoint == "extension/update"
            for name in FIELD_NAMES
            if name in sent.arguments
        )

    @property
    def failure(self) -> str:
        """Why it failed; "" if it did not."""
        return str(self.error) if self.error is not None else (self.report.failure if self.report is not None else "")


@dataclass(slots=True)
class Site:
    """Both ends, the clock and the ledger.

    :param draws: how many registration names were drawn so far, in this life.
    :param concurrency: how many calls may be under way at once.
    """

    directory: SimulatedDirectory
    pbx: EmulatedPbx
    clock: SimulatedClock
    ledger_path: Path
    manners: ServerManners = field(default_factory=ServerManners)
    sizes: Sizes = field(default_factory=Sizes)
    draws: int = 0
    concurrency: int = 1

    def copy(self, ledger_path: Path) -> Site:
        """A site like this one that goes its own way.

        :param ledger_path: where its ledger is to be.
        """
        self.directory.touch()
        if self.ledger_path.exists():
            shutil.copyfile(self.ledger_path, ledger_path)
        return replace(pickle.loads(pickle.dumps(self)), ledger_path=ledger_path)  # noqa: S301 (our own)

    # --- commands

    def update(self, request: Update, troubles: Troubles | None = None) -> Command:
        """Save rules and carry them out."""
        command = Command(request.command, request.check_mode, troubles or Troubles(), Wire())

        def work() -> None:
            command.updated = update(self._world(command), request)
            command.report = command.updated.report
            command.tell(update_result(command.updated))

        self._run(command, work)
        return command

    def change_life(self, request: LifeRequest, troubles: Troubles | None = None) -> Command:
        """Connect, disable or disconnect."""
        command = Command(request.command, request.check_mode, troubles or Troubles(), Wire())

        def work() -> None:
            command.life = change_life(self._world(command), request)
            command.report = command.life.report
            command.tell(life_result(command.life))

        self._run(command, work)
        return command

    def roll_back(self, request: RollbackRequest, troubles: Troubles | None = None) -> Command:
        """Undo a run."""
        command = Command(request.command, request.check_mode, troubles or Troubles(), Wire())

        def work() -> None:
            command.rolled_back = roll_back(self._world(command), request)
            command.report = command.rolled_back.report
            command.tell(rollback_result(command.rolled_back))

        self._run(command, work)
        return command

    def explain(self, request: UserInfoRequest) -> Command:
        """Search for users and explain them: by both sides, or by the snapshot that the latest run has kept."""
        command = Command(request.command, True, Troubles(), Wire())

        def work() -> None:
            if not request.offline:
                command.values = explain_users(self._world(command), request)
                return
            with open_snapshot(self.ledger_path, request.command) as kept:
                command.values = explain_users(kept.world, request)
                command.warnings.extend(kept.warnings)

        self._run(command, work)
        return command

    def _run(self, command: Command, work: Callable[[], None]) -> None:
        with ExitStack() as stack:
            stack.enter_context(in_danger(command.troubles))
            stack.enter_context(sized(self.sizes))
            try:
                work()
            except YeastarError as error:
                command.error = error
            except KilledError:
                command.is_killed = True
            except Exception:
                command.crash = traceback.format_exc()
        told: Sequence[object] = (command.values, command.warnings, command.failure, command.crash)
        command.said = json.dumps(told, default=repr, ensure_ascii=False)

    def _world(self, command: Command) -> World:
        random = Random(self.clock.now())
        workers = DrawnTurns(self.concurrency, Random(self.clock.now()), command.troubles)

        @contextmanager
        def open_directory(attributes: Collection[str]) -> Iterator[Directory]:
            connection = SimulatedConnection(self.directory, self.clock, self.manners, command.troubles, random)
            yield DirectoryReader(connection, BASE_DN, tuple(attributes))  # type: ignore[arg-type]

        @contextmanager
        def open_pbx() -> Iterator[Pbx]:
            with self._client(command, random, workers) as client:
                yield client
            command.warnings.extend(client.warnings)

        return World(
            open_ledger=partial(
                sqlite.open_ledger, self.ledger_path, read_write=not command.check_mode, command=command.name
            ),
            open_directory=open_directory,
            open_pbx=open_pbx,
            clock=self.clock.time,
            draw_name=self._draw_name,
            open_workers=partial(drawn_turns, workers),
            monotonic=self.clock.now,
        )

    def _client(self, command: Command, random: Random, workers: DrawnTurns) -> PbxClient:
        settings = self.pbx.settings
        with mock.patch.object(transport, "make_tls_context", _tls_context):
            client = PbxClient(
                PbxSettings(URL, settings.client_id, settings.client_secret, validate_certs=False),
                source=random,
                monotonic=self.clock.now,
                sleep=self.clock.advance,
                page_size=self.sizes.pbx_page,
            )
        command.wire.secrets.add(settings.client_secret)
        # The one place where the simulator reaches into the client: the HTTP library's session becomes the PBX's own.
        wired = client._session._transport
        wired.close()
        wired._session = InProcessSession(  # type: ignore[assignment]
            self.pbx, command.troubles, command.wire, workers.pause
        )
        return client

    def _draw_name(self) -> str:
        self.draws += 1
        return f"ad{self.draws:016x}"


@contextmanager
def sized(sizes: Sizes) -> Iterator[None]:
    """Within this block, this much is asked for at once."""
    with ExitStack() as stack:
        for module, name, value in (
            (search, "PAGE_SIZE", sizes.directory_page),
            (terms, "_TERMS_A_FILTER", sizes.filter_terms),
            (details, "_QUERY_IDS", sizes.query_ids),
        ):
            stack.enter_context(mock.patch.object(module, name, value))
        yield
