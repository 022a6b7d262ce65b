# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The run: read, settle, plan, guard, apply, report. Check mode shares every step up to apply.

A run has a part for each kind that it synchronizes. Each side is read once, and each part is planned from what the
parts before it leave behind, so that all is planned before anything is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.apply import (
    Applied,
    apply,
    send_welcome_emails,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.in_use import InUse
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.incremental import (
    DirectoryReading,
    attributes_to_remember,
    read_by_changes,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.memory import Memory, kind_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.one_change import Hands
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import (
    Ledger,
    Pbx,
    PbxCommands,
    SavedRule,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read import read_for_images, read_pbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read_once import ReadOnce
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.recorder import (
    MirroredPbx,
    keep_snapshot,
    remembers_groups,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.rehearsal import rehearse
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.report import (
    Began,
    Expected,
    Report,
    StageReport,
    failures,
    planned,
    require_expected,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.side_by_side import OneAfterTheOther, Workers
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.task import Sides, Started, Task
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import World, require_domain, require_pbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.firmware import check_firmware
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EXPLAINED_ATTRIBUTES
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import GuardLimits, judge
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Intent, Resolution
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.recovery import recover
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind, UnitRule, UserRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.standing import Standing


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of what a run synchronizes.

    :param rule: as the run saves it.
    """

    task: Task
    rule: SavedRule
    limits: GuardLimits

    @property
    def kind(self) -> RuleKind:
        """What the part synchronizes."""
        return kind_of(self.task.rule)

    @property
    def spares_use(self) -> bool:
        """Whether what would take an extension away that is in use waits for a later run."""
        return isinstance(self.task.rule, UserRule) and not self.task.rule.delete_in_use


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked to do.

    :param parts: in the order in which they need each other, see ``in_run_order``.
    :param unit_rule: the rule of organizational units that extensions are placed by; None for none.
    :param rules_changed: whether what the run saves differs from what is saved.
    :param keeps_snapshot: whether what the run sees and leaves behind is kept, to be looked at later.
    :param leaves_places: whether the rule of users leaves an extension that a person took out of its organization.
    :param full_read_every: of so many runs one reads the directory whole, and the others what changed since.
    """

    command: str
    parts: tuple[Part, ...]
    unit_rule: UnitRule | None
    check_mode: bool
    rules_changed: bool = False
    keeps_snapshot: bool = False
    expected: Expected = field(default_factory=Expected)
    warnings: tuple[str, ...] = ()
    leaves_places: bool = False
    full_read_every: int = 1


@dataclass(frozen=True, slots=True)
class _Prepared:
    """All that is settled before the first write: what was read, what is to be done, what the guard stops.

    :param directory: remembers what it has answered, and is closed.
    :param reading: how it was read.
    :param pbx: as it is before the first write.
    """

    directory: ReadOnce
    reading: DirectoryReading
    pbx: PbxSnapshot
    recovered: tuple[Resolution, ...]
    stages: tuple[StageReport, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Running:
    """A run that has begun."""

    world: World
    ledger: Ledger
    request: Request
    began: Began


def synchronize(world: World, ledger: Ledger, request: Request) -> Report:
    """Carry a request out, or show what that would do.

    :raises YeastarError: if a side could not be read completely, or the plan is not the expected one; then nothing was
        changed.
    """
    running = _Running(world, ledger, request, Began(request.command, request.check_mode, world.clock()))
    with ExitStack() as stack:
        workers = stack.enter_context(world.open_workers())
        try:
            pbx = stack.enter_context(world.open_pbx())
            prepared = _prepare(running, pbx, workers)
            require_expected(request.expected, prepared.stages)
        except YeastarError as error:
            _record_failure(running, error)
            raise
        if request.check_mode:
            return _report(running, prepared, _imagined(prepared))
        return _carry_out(running, pbx, workers, prepared)


def foretell(world: World, ledger: Ledger, request: Request, outlook: Outlook) -> Report:
    """Return what check mode reports of a request that has been looked ahead of."""
    running = _Running(world, ledger, request, Began(request.command, request.check_mode, world.clock()))
    prepared = _prepared(outlook)
    return _report(running, prepared, _imagined(prepared))


@dataclass(frozen=True, slots=True)
class Outlook:
    """Both sides as a run sees them, and what it would do.

    :param directory: still open, so that more can be asked.
    :param reading: how it is read.
    :param memory: with what unfinished changes have become already settled.
    :param started: the synchronizations, their scopes read, by their kinds.
    :param pbx: as it is before the first write.
    """

    directory: ReadOnce
    reading: DirectoryReading
    identity: DirectoryIdentity
    memory: Memory
    started: Mapping[RuleKind, Started]
    pbx: PbxSnapshot
    recovered: tuple[Resolution, ...]
    stages: tuple[StageReport, ...]
    warnings: tuple[str, ...]

    @property
    def end(self) -> Standing:
        """Where the run stands once all is done that is not stopped."""
        standing = Standing(self.pbx, self.memory.associations, self.memory.objects)
        for stage in self.stages:
            standing = rehearse(stage.stage, standing)
        return standing


@contextmanager
def look_ahead(
    world: World,
    ledger: Ledger,
    request: Request,
    pbx: Pbx,
    workers: Workers,
    *,
    attributes: Collection[str] = (),
    with_groups: bool = False,
) -> Iterator[Outlook]:
    """Read both sides, side by side, and plan, for the length of a ``with`` block in which the directory stays open.

    The PBX is read once the directory has shown that it is the right one and can be read.

    :param workers: brought before the PBX was opened.
    :param attributes: what to read of users besides what the request needs.
    :param with_groups: whether to read the PBX's extension groups even if the request does not need them.
    :raises YeastarError: if a side could not be read completely.
    """
    memory = Memory.of(ledger, request.unit_rule, leaves_places=request.leaves_places)
    tasks = [part.task for part in request.parts]
    known = (*attributes, *attributes_to_remember(request.full_read_every))
    needed = dict.fromkeys([*(name for task in tasks for name in task.attributes(memory)), *known])
    with world.open_directory(needed) as opened, ExitStack() as stack:
        identity = opened.identify()
        require_domain(ledger, identity)
        needs_groups = with_groups or any(task.needs_groups(memory) for task in tasks)
        reading = _begin_reading(workers, ledger, pbx, memory, needs_groups=needs_groups)
        begun = stack.enter_context(
            read_by_changes(
                opened,
                identity,
                ledger,
                needed,
                full_read_every=request.full_read_every,
                check_mode=request.check_mode,
            )
        )
        directory = ReadOnce(begun.directory, identity, memory.associations)
        started = [task.start(Sides(directory, identity, pbx, memory)) for task in tasks]
        settled = _settled(world, ledger, reading, memory)
        memory = Memory.of(ledger, request.unit_rule, leaves_places=request.leaves_places)
        in_use = InUse(pbx)
        stages = _plan(request.parts, started, memory, settled.pbx, in_use)
        yield Outlook(
            directory=directory,
            reading=begun,
            identity=identity,
            memory=memory,
            started={part.kind: one for part, one in zip(request.parts, started, strict=True)},
            pbx=settled.pbx,
            recovered=settled.recovered,
            stages=stages,
            warnings=in_use.warnings,
        )


def _prepare(running: _Running, pbx: Pbx, workers: Workers) -> _Prepared:
    request, ledger = running.request, running.ledger
    # What a person may ask of a snapshot is more than what the run itself needs.
    attributes = EXPLAINED_ATTRIBUTES if request.keeps_snapshot else ()
    with_groups = request.keeps_snapshot and remembers_groups(ledger)
    with look_ahead(
        running.world, ledger, request, pbx, workers, attributes=attributes, with_groups=with_groups
    ) as outlook:
        return _prepared(outlook)


def _prepared(outlook: Outlook) -> _Prepared:
    return _Prepared(
        outlook.directory, outlook.reading, outlook.pbx, outlook.recovered, outlook.stages, outlook.warnings
    )


@dataclass(frozen=True, slots=True)
class Settled:
    """The PBX as it was read, and what became by it of changes that an earlier run had begun and not finished."""

    pbx: PbxSnapshot
    recovered: tuple[Resolution, ...]


def settle(world: World, ledger: Ledger, pbx: Pbx, memory: Memory, *, needs_groups: bool) -> Settled:
    """Read the PBX, and write down what became of unfinished changes.

    :param needs_groups: whether extension groups are to be read.
    :raises IntegrationError: if it is another PBX.
    :raises FirmwareError: if its firmware has no Open API.
    :raises PbxError: if it could not be read completely.
    """
    reading = _begin_reading(OneAfterTheOther(), ledger, pbx, memory, needs_groups=needs_groups)
    return _settled(world, ledger, reading, memory)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The PBX while it is read.

    :param future: what will have been read.
    :param unfinished: changes that an earlier run had begun and not finished.
    """

    workers: Workers
    future: Future[PbxSnapshot]
    unfinished: Sequence[Intent]

    def snapshot(self) -> PbxSnapshot:
        """Wait until the PBX is read, and return it as it is."""
        self.workers.first_over([self.future])
        return self.future.result()


def _begin_reading(workers: Workers, ledger: Ledger, pbx: Pbx, memory: Memory, *, needs_groups: bool) -> _Reading:
    """Begin to read the PBX; whoever reads it does not touch the ledger."""
    integration, location, unfinished = ledger.integration(), ledger.location, ledger.unfinished()
    with_groups = needs_groups or any(intent.change.kind is ObjectKind.EXTENSION_GROUP for intent in unfinished)

    def read() -> PbxSnapshot:
        identity = pbx.identity()
        check_firmware(identity)
        require_pbx(integration, location, identity)
        return read_pbx(pbx, identity, memory, with_groups=with_groups)

    return _Reading(workers, workers.begin(read), unfinished)


def _settled(world: World, ledger: Ledger, reading: _Reading, memory: Memory) -> Settled:
    snapshot = reading.snapshot()
    known: list[Association | ObjectAssociation] = [*memory.associations, *memory.objects]
    recovered = tuple(recover(reading.unfinished, known, snapshot, world.clock()))
    ledger.resolve(recovered, world.clock())
    return Settled(snapshot, recovered)


def _plan(
    parts: Sequence[Part], started: Sequence[Started], memory: Memory, pbx: PbxSnapshot, in_use: InUse
) -> tuple[StageReport, ...]:
    standing = Standing(pbx, memory.associations, memory.objects)
    stages: list[StageReport] = []
    for place, (part, begun) in enumerate(zip(parts, started, strict=True)):
        seen = replace(memory, associations=standing.associations, objects=standing.objects)
        plan = begun.plan(seen, standing.pbx)
        verdict = judge(plan, part.limits, memory.totals(part.kind))
        if part.spares_use:
            verdict = in_use.spare(verdict)
        stages.append(StageReport(part.kind, plan, verdict, part.limits, names=begun.names))
        if place < len(parts) - 1:
            standing = rehearse(stages[-1].stage, standing)
    return tuple(stages)


def _carry_out(running: _Running, pbx: Pbx, workers: Workers, prepared: _Prepared) -> Report:
    world, ledger, began = running.world, running.ledger, running.began
    kinds = [part.kind for part in running.request.parts]
    run_id = ledger.begin_run(began.command, kinds, began.plan_id(prepared.stages), began.at)
    mirrored = MirroredPbx(pbx, prepared.pbx) if running.request.keeps_snapshot else None
    hands = hands_of(world, ledger, run_id, mirrored or pbx, workers)
    try:
        _save_rules(running, prepared)
        stages = [stage.stage for stage in prepared.stages]
        snapshot = read_for_images(pbx, prepared.pbx, [change for stage in stages for change in stage.going_on])
        applied = apply(stages, snapshot, hands)
        problems = _welcome(running.request, applied, hands)
    except YeastarError as error:
        ledger.finish_run(run_id, "failed", {}, str(error), world.clock())
        raise
    report = _report(running, prepared, applied, run_id=run_id, problems=problems)
    _finish(running, report)
    why_not = prepared.reading.remember(ledger, prepared.directory)
    if mirrored is not None:
        keep_snapshot(ledger, prepared.directory, mirrored.snapshot(), run_id, began.at)
    return replace(report, warnings=(*report.warnings, why_not)) if why_not else report


def hands_of(world: World, ledger: Ledger, run_id: str, pbx: PbxCommands, workers: Workers) -> Hands:
    """Return what carrying out the plan of a run needs."""
    return Hands(pbx, ledger, run_id, world.clock, world.draw_name, world.progress, workers, world.monotonic)


def _save_rules(running: _Running, prepared: _Prepared) -> None:
    for part, stage in zip(running.request.parts, prepared.stages, strict=True):
        running.ledger.save_rule(part.kind, part.rule, running.world.clock())
        if stage.names != running.ledger.names(part.kind):
            running.ledger.save_names(part.kind, stage.names)


def _finish(running: _Running, report: Report) -> None:
    ledger, clock = running.ledger, running.world.clock
    state = "failed" if report.failure else "succeeded"
    ledger.finish_run(report.run_id, state, report.summary, report.failure, clock())
    if report.failure:
        return
    for part in running.request.parts:
        if not part.rule.synchronized:
            ledger.save_rule(part.kind, replace(part.rule, synchronized=True), clock())


def _imagined(prepared: _Prepared) -> Applied:
    return Applied(tuple(planned(stage.verdict) for stage in prepared.stages))


def _report(
    running: _Running, prepared: _Prepared, applied: Applied, *, run_id: str = "", problems: Sequence[str] = ()
) -> Report:
    request = running.request
    stages = tuple(
        replace(stage, outcomes=outcomes) for stage, outcomes in zip(prepared.stages, applied.outcomes, strict=True)
    )
    return Report(
        began=running.began,
        ended_at=running.world.clock(),
        stages=stages,
        changed=request.rules_changed or any(stage.changes_anything for stage in stages),
        run_id=run_id,
        ledger=running.ledger.location,
        recovered=prepared.recovered,
        warnings=(*request.warnings, *prepared.warnings),
        directory_read=prepared.reading.told,
        failure=" ".join([*failures(stages, applied.ended_by), *problems]),
    )


def _welcome(request: Request, applied: Applied, hands: Hands) -> list[str]:
    wanted = any(isinstance(part.task.rule, UserRule) and part.task.rule.send_welcome_email for part in request.parts)
    if not wanted or applied.ended_by is not None:
        return []
    return send_welcome_emails(hands.ledger.associations(), hands)


def _record_failure(running: _Running, error: YeastarError) -> None:
    ledger, request, clock = running.ledger, running.request, running.world.clock
    run_id = ledger.begin_run(request.command, [part.kind for part in request.parts], "", clock())
    ledger.finish_run(run_id, "failed", {}, str(error), clock())
