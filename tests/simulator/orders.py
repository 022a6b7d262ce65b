# SPDX-License-Identifier: GPL-3.0-or-later
"""What the administrator of a site orders besides what is done each night: undo it, let it through, explain it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import RunRecord
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.rollback import RollbackRequest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.user_info import UserInfoRequest
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import State

from tests.simulator.directory import Kind, SimulatedDirectory
from tests.simulator.invariants import Observed, Undone, all_is_as_before_the_run, require
from tests.simulator.ledger_in_danger import looked_at
from tests.simulator.picture import Picture
from tests.simulator.site import BASE_DN, Command
from tests.simulator.troubles import Troubles

if TYPE_CHECKING:
    from tests.simulator.life import Life

_HOUR = 3600.0
_LATEST_RUNS = 3
_MOST_ROLLBACKS = 3
# What the PBX has no room for any more, since others have taken it.
_FULL = frozenset({"no_room", "no_capacity"})


# --- undo


def undo(life: Life) -> None:
    """Roll one of the latest runs back, perhaps disturbed, and again until nothing is left of it; then run."""
    random = life.random
    changed = [one for one in life.runs if _memory(one.before) != _memory(one.after)]
    if not changed:
        return
    place = random.choice((1, 1, 1, random.randint(1, min(_LATEST_RUNS, len(changed)))))
    undone = changed[-place]
    life.say(f"--- of the runs that changed anything, number {place} from the end is rolled back: {undone.run_id}")
    if random.random() < 0.3:
        _work_on_the_pbx(life)
    rollbacks = _roll_back(life, undone)
    if rollbacks is not None and _is_as_it_left(undone, rollbacks[0].before) and _is_whole(rollbacks):
        _require_as_before(life, undone)
        life.tally.counts["rollbacks to the same"] += 1
        begun = [one for one in rollbacks if one.run_id]
        if len(begun) == 1 and random.random() < 0.5:
            _redo(life, begun[0], undone)
    life.runs.clear()
    life.come_to_rest()


def _work_on_the_pbx(life: Life) -> None:
    for _time in range(life.random.randint(1, 3)):
        life.say(f"since then, PBX: {life.pbx_administrator.act()}")


def _redo(life: Life, rollback: Observed, undone: Undone) -> None:
    """A rollback is rolled back: then the night is done again as it was."""
    life.say("--- the rollback is rolled back")
    again = _roll_back(life, Undone(rollback.run_id, rollback.before, rollback.after, rollback.command.written))
    if again is not None and _is_whole(again):
        _require_as_before(life, replace(undone, before=undone.after, after=undone.before))
        life.tally.counts["rollbacks rolled back"] += 1


def _require_as_before(life: Life, undone: Undone) -> None:
    shows_user_types = life.site.pbx.variants.member_info == "reference"
    all_is_as_before_the_run(undone, life.picture, with_user_types=shows_user_types)


def _roll_back(life: Life, undone: Undone) -> list[Observed] | None:
    """Roll a run back until that changes nothing more; None if it is refused.

    :return: what changed anything, and at the end what had nothing left to do.
    """
    random = life.random
    request = RollbackRequest(
        "pbx_ad_rollback",
        undone.run_id,
        pause=random.random() < 0.5,
        send_welcome_email=random.random() < 0.3,
        check_mode=False,
        delete_in_use=random.random() < 0.5,
    )

    def order(troubles: Troubles, *, shown: Command | None = None, check_mode: bool = False) -> Observed:
        asked = replace(request, check_mode=check_mode)
        return life.observe(lambda own: life.site.roll_back(asked, own), troubles, shown=shown, undone=undone)

    shown = order(Troubles(), check_mode=True).command
    if shown.error is not None:
        life.say(f"the rollback is refused: {shown.failure}")
        return None
    life.tally.counts["rollbacks"] += 1
    seen = []
    if random.random() < 0.5:
        seen.append(order(life.draw_troubles(shown, is_killed=random.random() < 0.6), shown=shown))
        life.site.clock.advance(random.choice((0.0, _HOUR)))
        shown = order(Troubles(), check_mode=True).command
    seen.append(order(Troubles(), shown=shown))
    for _time in range(_MOST_ROLLBACKS):
        if not seen[-1].command.changed:
            return seen
        seen.append(order(Troubles()))
    require(seen[-1].command.failure, f"a rollback is never done: {seen[-1].command.values['plan_changes']}")
    return None


def _is_as_it_left(undone: Undone, present: Picture) -> bool:
    """Whether nothing was touched since the run, by hand or by a later one, and it did not end what another began."""
    return not undone.before.unfinished and _memory(undone.after) == _memory(present)


def _memory(picture: Picture) -> tuple[object, ...]:
    return picture.pbx[:-1], picture.associations, picture.objects


def _is_whole(rollbacks: Sequence[Observed]) -> bool:
    """Whether all was put back; what nobody has touched since has no conflict but for lack of room."""
    last = rollbacks[-1].command
    codes = {conflict["code"] for conflict in last.values["conflicts"]}
    require(codes <= _FULL, f"nothing was touched since the run, and its rollback tells {last.values['conflicts']}")
    return not codes and not last.failure and not last.values["not_restored"]


# --- let through


def let_through(life: Life, seen: Observed) -> None:
    """What the guard stopped is let through by its name, and by no other; then run."""
    assert seen.command.report is not None
    stopped = {one.change.key for one in seen.command.report.outcomes if one.state is State.STOPPED}
    name = str(seen.command.values["guard_id"])
    if not stopped:
        return
    life.say(f"--- the guard has stopped {len(stopped)} changes: {name}")
    wrong = life.run(life.request(allowed=_another(life.random, name)), shown=seen.command)
    require(wrong.after.pbx == wrong.before.pbx, "what was not let through was done")
    life.tally.counts["guard: other names"] += 1
    if life.random.random() < 0.3:
        part = life.random.choice(name.split("+"))
        life.run(life.request(allowed=part), shown=seen.command)
        life.tally.counts["guard: parts of names"] += 1
        life.come_to_rest()
        return
    is_killed = life.random.random() < 0.3
    troubles = life.draw_troubles(seen.command, is_killed=True) if is_killed else Troubles()
    let = life.run(life.request(allowed=name), troubles=troubles, shown=seen.command)
    if not is_killed and let.command.report is None:
        # Without those whom the guard lets go nobody may have the attribute any more, which is refused for safety.
        is_safety = "hierarchy_from" in let.command.failure and let.after.pbx == let.before.pbx
        require(is_safety, f"what was let through is refused: {let.command.failure}")
        return
    if not is_killed:
        life.tally.counts["guard: let through"] += 1
    life.come_to_rest()


def _another(random: Random, name: str) -> str:
    """The name of another plan: each digit that is not 0 is another one."""
    shift = random.randint(1, 8)
    head, equals, digits = name.rpartition("=")
    if "+" in name:
        return "+".join(_another(random, part) for part in name.split("+"))
    moved = "".join(f"{(int(one, 16) + shift) % 16:x}" if one in "123456789abcdef" else one for one in digits)
    return f"{head}{equals}{moved}"


# --- explain


def ask_offline(life: Life) -> None:
    """Nothing was changed since the latest run: what its snapshot tells of a user is what both sides tell."""
    # Who is in a call is not in the snapshot; and a run keeps none that does not carry out all saved rules.
    if life.pbx_administrator.call or not _has_snapshot(life, life.picture.last_run):
        return
    # What was hidden since the directory was read whole is in the snapshot of a run that read only what changed.
    if life.may_remember_hidden:
        return
    question = _draw_question(life.random, life.site.directory)
    on_line, offline = life.site.explain(question), life.site.explain(replace(question, offline=True))
    for command in (on_line, offline):
        require(not command.crash, command.crash)
    require(on_line.error is None, f"{question} is refused: {on_line.failure}")
    if offline.error is not None:
        is_unknown = question.organizational_units or question.groups
        require(is_unknown, f"{question} is refused offline: {offline.failure}")
        return
    told, kept = ({user["guid"]: user for user in one.values["users"]} for one in (on_line, offline))
    # Who is in a group only through one that is hidden is known to the directory alone.
    is_through_hidden = question.groups and any(group.hidden for group in life.site.directory.of(Kind.GROUP))
    for guid, user in told.items():
        if (user["in_scope"] or user["extension"]) and not is_through_hidden:
            require(guid in kept, f"{user['name']} is not in the snapshot")
    for guid, user in kept.items():
        require(guid in told, f"{user['name']} is in the snapshot, and both sides do not find them")
        differing = {key: (told[guid][key], value) for key, value in user.items() if told[guid][key] != value}
        require(not differing, f"of {user['name']} both sides and the snapshot tell {differing}")
    for key in ("status", "rule", "plan_id"):
        require(on_line.values[key] == offline.values[key], f"the snapshot tells another {key}")
    life.tally.counts["questions offline"] += 1


def _has_snapshot(life: Life, run: RunRecord | None) -> bool:
    with looked_at(life.site.ledger_path) as ledger:
        snapshot = ledger.snapshot()
    return snapshot is not None and run is not None and snapshot.run_id == run.id


def _draw_question(random: Random, directory: SimulatedDirectory) -> UserInfoRequest:
    question = partial(UserInfoRequest, "pbx_ad_user_info", BASE_DN)
    users, units, groups = (
        [one for one in directory.of(kind) if not one.hidden] for kind in (Kind.USER, Kind.UNIT, Kind.GROUP)
    )
    questions: list[Callable[[], UserInfoRequest]] = [question]
    if users:
        user = random.choice(users)
        questions.append(partial(question, names=(user.texts["sAMAccountName"], directory.dn(user.guid), "nobody")))
    if units:
        questions.append(partial(question, organizational_units=(directory.dn(random.choice(units).guid),)))
    if groups:
        questions.append(partial(question, groups=(directory.dn(random.choice(groups).guid),)))
    return random.choice(questions)()
