# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of every command, whatever befalls it. Each of these raises ``BrokenInvariantError``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import is_removal, members_taken_out
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import FIELD_NAMES
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    ObjectKind,
    Origin,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Action, AnyChange
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import State
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

from lab.pbx.extensions import Extension
from lab.pbx.organizations import ROOT_ID
from tests.simulator import domain_controller, pbx_in_process
from tests.simulator.directory import Kind, SimulatedDirectory
from tests.simulator.pbx_in_process import Page
from tests.simulator.picture import Key, Picture, outcome
from tests.simulator.rules import Options, Rules, guarded
from tests.simulator.site import Command
from tests.simulator.troubles import EDITED, Side
from tests.simulator.truth import (
    DELETE,
    RELEASE,
    fates_of_group,
    fates_of_unit,
    fates_of_user,
    is_kept_out,
    takes_user_in,
)

_TOKEN_ENDPOINTS = ("get_token", "refresh_token", "del_token")
_ACCESS = ("reg_name", "user_password", "earlier_user_passwords", "presence_status")
_NOT_DONE = (State.FAILED, State.UNKNOWN, State.STOPPED, State.SKIPPED, State.DEFERRED)


class BrokenInvariantError(AssertionError):
    """Something that must hold does not."""


@dataclass(frozen=True, slots=True)
class Undone:
    """A run that is rolled back.

    :param before: what was before that run.
    :param after: what it has left behind.
    :param written: all that it wrote to extensions on the way there: ids, names of fields and values.
    """

    run_id: str
    before: Picture
    after: Picture
    written: frozenset[tuple[int, str, str]]


@dataclass(frozen=True, slots=True)
class Observed:
    """A command, with what was before and after it.

    :param rules: those that were given, by their kinds.
    :param truths: the directory at each moment of the command: one unless it was changed meanwhile.
    :param shown: what check mode showed just before, where nothing was changed since; None where it did not.
    :param touched: what was changed on the PBX by hand meanwhile.
    :param freed: numbers that rest, each with whose it was and when it was freed.
    :param ended: the kinds all of whose objects the command was asked to delete or release.
    :param allowed: the name of what the guard was told to let through; "" for nothing.
    :param undone: what the command was asked to undo; None for nothing.
    """

    command: Command
    before: Picture
    after: Picture
    rules: Rules
    truths: Sequence[SimulatedDirectory]
    at: datetime
    shown: Command | None = None
    touched: Collection[Key] = ()
    freed: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)
    ended: Collection[RuleKind] = ()
    allowed: str = ""
    undone: Undone | None = None

    @property
    def run_id(self) -> str:
        """The run that the command has begun; "" for none."""
        former, latest = self.before.last_run, self.after.last_run
        return latest.id if latest is not None and (former is None or former.id != latest.id) else ""

    @property
    def is_removal_ordered(self) -> bool:
        """Whether the command was asked to take away what the directory has not let go."""
        return bool(self.ended) or self.undone is not None

    @property
    def given_back(self) -> set[Key]:
        """The groups that an administrator has again after a rollback, made anew where they cannot be renamed."""
        if self.undone is None:
            return set()
        names = {one.name for one in self.undone.before.groups.values()}
        made = self.after.groups.keys() - self.before.groups.keys()
        return {(ObjectKind.EXTENSION_GROUP, id_) for id_ in made if self.after.groups[id_].name in names}

    @property
    def changes(self) -> list[AnyChange]:
        """What the command planned."""
        report = self.command.report
        return [change for stage in report.stages for change in stage.plan.changes] if report is not None else []

    @property
    def begun(self) -> set[tuple[ObjectKind, str]]:
        """What changes are about that were begun and not finished before the command, or are after it."""
        return {
            (intent.change.kind, intent.change.guid) for intent in (*self.before.unfinished, *self.after.unfinished)
        }

    def is_hit_by(self, kinds: Collection[str]) -> bool:
        """Whether any of these faults took place."""
        return any(fault.kind in kinds for fault in self.command.troubles.hit)


def require(condition: object, text: str) -> None:
    """Raise unless a condition holds."""
    if not condition:
        raise BrokenInvariantError(text)


# --- 0


def it_ends_by_no_error_of_its_own(seen: Observed) -> None:
    """Whatever goes wrong outside is told in the collection's own words; a traceback is a mistake inside."""
    require(not seen.command.crash, seen.command.crash)


# --- 1


def what_is_taken_away_the_directory_has_let_go(seen: Observed) -> None:
    """Nothing is deleted or released of which the directory does not truly say that it may be."""
    for guid, held in seen.before.associations.items():
        if _is_as_before(seen, ObjectKind.EXTENSION, guid, held.extension_id):
            continue
        if held.extension_id not in seen.before.extensions or (ObjectKind.EXTENSION, held.extension_id) in seen.touched:
            continue
        is_deleted = held.extension_id not in seen.after.extensions
        fates = _fates_of_extension(seen, held)
        # Another's address may be that of an extension that was about to be deleted, or that was released before.
        due = fates if _is_handed_over(seen, held) else {DELETE if is_deleted else RELEASE}
        require(
            fates & due,
            f"extension {held.number} of {held.account_name} ({guid}) was {'deleted' if is_deleted else 'released'}, "
            f"and the directory allows {sorted(fates) or 'neither'}",
        )
    for (kind, guid), one in seen.before.objects.items():
        if not _is_object_as_before(seen, one) and _object_was_there(seen, one):
            is_deleted = one.object_id not in _objects(seen.after, kind)
            fates = _fates_of_object(seen, one)
            require(
                (DELETE if is_deleted else RELEASE) in fates,
                f"the {kind} {one.name} of {guid} was {'deleted' if is_deleted else 'released'}, and the directory "
                f"allows {sorted(fates) or 'neither'}",
            )


def who_is_taken_out_of_a_group_is_not_in_it(seen: Observed) -> None:
    """No user is taken out of the extension group of a group that the directory truly counts them among."""
    if seen.undone is not None:
        return
    kept = seen.after.associations
    users = {
        one.extension_id: guid
        for guid, one in seen.before.associations.items()
        if guid in kept and kept[guid].extension_id == one.extension_id
    }
    for (kind, guid), held in seen.before.objects.items():
        if kind is not ObjectKind.EXTENSION_GROUP or held.rule is not RuleKind.GROUPS:
            continue
        now = seen.after.objects.get((kind, guid))
        was, is_ = seen.before.groups.get(held.object_id), seen.after.groups.get(now.object_id) if now else None
        if was is None or is_ is None or {(kind, was.id), (kind, is_.id)} & set(seen.touched):
            continue
        for id_ in was.members.keys() - is_.members.keys():
            if id_ in users and id_ in seen.after.extensions:
                require(
                    any(_is_outside(truth, users[id_], guid) for truth in seen.truths),
                    f"extension {seen.before.extensions[id_].number} was taken out of group {held.name}, and its user "
                    "is a member",
                )


def a_read_that_hides_something_takes_nothing_away(seen: Observed) -> None:
    """What a run would take away after an answer that hid something is what it would have taken away without that."""
    hidden = {*domain_controller.HIDING, *pbx_in_process.HIDING}
    if seen.shown is None or seen.command.report is None or not seen.is_hit_by(hidden):
        return
    shown = {key for change in _planned(seen.shown) for key in _taken_away(change)}
    planned = {key for change in seen.changes for key in _taken_away(change)}
    require(planned <= shown, f"it would take away {sorted(planned - shown)}, which a whole answer does not")


def what_a_run_goes_by_is_proved_complete(seen: Observed) -> None:
    """Before anything is written, the latest reading of each list is as long as the PBX says that it is."""
    wire = seen.command.wire
    first_write = next((place for place, one in enumerate(wire.sent) if one.write and one.arguments), len(wire.sent))
    if first_write == len(wire.sent):
        return
    latest: dict[str, list[Page]] = {}
    for page in wire.pages:
        if page.place <= first_write:
            latest[page.of] = [page] if page.number == 1 else [*latest.get(page.of, ()), page]
    for of, pages in latest.items():
        ids, totals = [id_ for page in pages for id_ in page.ids], {page.total for page in pages}
        require(
            totals == {len(ids)} == {len(set(ids))},
            f"{of} gave the ids {ids} and said that there are {sorted(totals)}, and that was gone by",
        )


def _is_as_before(seen: Observed, kind: ObjectKind, guid: str, object_id: int) -> bool:
    now = seen.after.associations.get(guid)
    if (kind, guid) in seen.begun and now is None:
        return seen.command.is_killed or object_id in seen.after.extensions
    return now is not None and now.extension_id == object_id and object_id in seen.after.extensions


def _is_handed_over(seen: Observed, held: Association) -> bool:
    """Whether another account has taken the extension over because it has that account's e-mail address.

    One that a rule binds to somebody else by name is released for that.
    """
    return any(
        one.extension_id == held.extension_id
        and guid != held.guid
        and one.origin is Origin.ADOPTED
        and _has_its_address(seen, guid, held.extension_id)
        for guid, one in seen.after.associations.items()
    )


def _has_its_address(seen: Observed, guid: str, extension_id: int) -> bool:
    address = seen.before.extensions[extension_id].email_addr.casefold()
    users = (truth.alive(guid) for truth in seen.truths)
    return any(user is not None and user.texts.get("mail", "").casefold() == address != "" for user in users)


def _is_object_as_before(seen: Observed, held: ObjectAssociation) -> bool:
    now = seen.after.objects.get((held.kind, held.guid))
    there = held.object_id in _objects(seen.after, held.kind)
    if now is None:
        taken_over = any(
            one.object_id == held.object_id and one.kind is held.kind for one in seen.after.objects.values()
        )
        taken_over |= held.kind is ObjectKind.EXTENSION_GROUP and _is_taken_over_and_made_anew(seen, held.object_id)
        return taken_over or ((held.kind, held.guid) in seen.begun and there)
    # A group that cannot be renamed is made anew.
    return (now.object_id == held.object_id and there) or now.object_id != held.object_id


def _is_taken_over_and_made_anew(seen: Observed, group_id: int) -> bool:
    """Whether a group that was taken over by its name was made anew, as it is where it cannot be renamed.

    Capital letters do not count when it is taken over, and it is to be spelled as the directory does. That it has the
    permissions of before is looked at here; who is in it and who is not, elsewhere.
    """
    former = seen.before.groups.get(group_id)
    heirs = (
        seen.after.groups.get(one.object_id)
        for one in seen.after.objects.values()
        if one.kind is ObjectKind.EXTENSION_GROUP and one.origin is Origin.ADOPTED
    )
    return former is not None and any(
        heir is not None
        and heir.id not in seen.before.groups
        and (heir.name.casefold(), heir.flags) == (former.name.casefold(), former.flags)
        for heir in heirs
    )


def _object_was_there(seen: Observed, held: ObjectAssociation) -> bool:
    return held.object_id in _objects(seen.before, held.kind) and (held.kind, held.object_id) not in seen.touched


def _objects(picture: Picture, kind: ObjectKind) -> Collection[int]:
    return picture.organizations if kind is ObjectKind.ORGANIZATION else picture.groups


def _fates(seen: Observed, kind: RuleKind, of: Callable[[SimulatedDirectory, Options], set[str]]) -> set[str]:
    """What may become of something in a run of a rule, at any moment of the run."""
    if kind in seen.ended or seen.undone is not None:
        return {DELETE, RELEASE}
    options = seen.rules.get(kind)
    return set() if options is None else {fate for truth in seen.truths for fate in of(truth, options)}


def _fates_of_extension(seen: Observed, held: Association) -> set[str]:
    return _fates(seen, RuleKind.USERS, lambda truth, options: fates_of_user(truth, options, held, seen.at))


def _fates_of_object(seen: Observed, held: ObjectAssociation) -> set[str]:
    if held.guid == "label":
        return _fates(
            seen, RuleKind.USERS, lambda _truth, options: set() if options["label_group"] else {DELETE, RELEASE}
        )
    if held.rule is RuleKind.GROUPS:
        return _fates(seen, RuleKind.GROUPS, lambda truth, options: fates_of_group(truth, options, held.guid))
    return _fates(seen, RuleKind.ORGANIZATIONAL_UNITS, lambda truth, options: _fates_under(truth, options, held))


def _fates_under(truth: SimulatedDirectory, options: Options, held: ObjectAssociation) -> set[str]:
    """What may become of the object of a unit, or of an attribute's value."""
    is_group = held.kind is ObjectKind.EXTENSION_GROUP
    if is_group != (options["sync_to"] == "extension_group"):
        return {DELETE, RELEASE}
    if ":" in held.guid or options.get("hierarchy_from"):
        return {DELETE, RELEASE}
    fates = fates_of_unit(truth, options, held.guid)
    # Of units, only those without any below them become extension groups.
    has_below = (
        any(truth.is_below(one.guid, held.guid) for one in truth.of(Kind.UNIT)) if truth.alive(held.guid) else False
    )
    return {DELETE, RELEASE} if is_group and has_below else fates


def _is_outside(truth: SimulatedDirectory, user: str, group: str) -> bool:
    thing, holder = truth.alive(user), truth.alive(group)
    if thing is None or holder is None or thing.hidden:
        return True
    return not truth.is_member(user, group)


def _planned(command: Command) -> list[AnyChange]:
    report = command.report
    return [change for stage in report.stages for change in stage.plan.changes] if report is not None else []


def _taken_away(change: AnyChange) -> list[tuple[str, ...]]:
    """What a change takes away: the object, or members."""
    found = [(str(change.kind), str(change.action), change.guid)] if is_removal(change) else []
    return [*found, *(("member", change.guid, str(id_)) for id_ in members_taken_out(change))]


# --- 2


def what_no_association_names_is_untouched(seen: Observed) -> None:
    """An object of the PBX's administrator stays as it is, down to the last field, whoever made it."""
    concerned = {**seen.before.named, **seen.after.named}
    for intent in (*seen.before.unfinished, *seen.after.unfinished):
        concerned.setdefault((intent.change.kind, intent.change.object_id or 0), intent.change.guid)
    # What is taken over may have to be made anew at once.
    concerned |= {(one.kind, one.object_id or 0): one.guid for one in seen.changes if one.action is Action.ASSOCIATE}
    gone = {id_ for kind, id_ in seen.before.ids - seen.after.ids if kind is ObjectKind.ORGANIZATION}
    access = _parked_or_unparked(seen)
    for id_, extension in seen.before.extensions.items():
        if (ObjectKind.EXTENSION, id_) not in seen.touched:
            is_own = (ObjectKind.EXTENSION, id_) in concerned
            after = seen.after.extensions.get(id_)
            may_change = _ACCESS if after is not None and id_ in access else ()
            before = replace(extension, **{name: getattr(after, name) for name in may_change})
            _require_untouched_extension(before, after, gone, is_own=is_own)
    left = seen.before.extensions.keys() - seen.after.extensions.keys()
    for id_, group in seen.before.groups.items():
        if (ObjectKind.EXTENSION_GROUP, id_) in {*concerned, *seen.touched}:
            continue
        if id_ not in seen.after.groups and _is_taken_over_and_made_anew(seen, id_):
            # A run that was killed afterwards has no report that tells it.
            continue
        members = {one: role for one, role in group.members.items() if one not in left}
        members |= _members_put_back(seen, id_)
        require(
            seen.after.groups.get(id_) == replace(group, members=members),
            f"group {group.name} ({id_}) is nobody's and was {group}, and is {seen.after.groups.get(id_)}",
        )
    for id_, organization in seen.before.organizations.items():
        if (ObjectKind.ORGANIZATION, id_) in {*concerned, *seen.touched}:
            continue
        present = seen.after.organizations.get(id_)
        if id_ == ROOT_ID and present is not None and _may_name_the_company(seen):
            present = replace(present, name=organization.name)
        require(present == organization, f"organization {organization} is nobody's, and is {present}")
    require(seen.after.preference == seen.before.preference, "a preference of the PBX was changed")


def _may_name_the_company(seen: Observed) -> bool:
    by_rule = seen.rules.get(RuleKind.ORGANIZATIONAL_UNITS, {}).get("company_name")
    undone = seen.undone
    return bool(by_rule) or (undone is not None and undone.before.organizations != undone.after.organizations)


def _members_put_back(seen: Observed, group_id: int) -> dict[int, str]:
    """Who has come back, by a rollback, into a group of an administrator that a deletion had taken them out of.

    As what they were in it before, or, where the PBX does not show that, as a plain user.
    """
    if seen.undone is None or group_id not in seen.after.groups:
        return {}
    former = seen.undone.before.groups.get(group_id)
    numbers = (
        {seen.undone.before.extensions[id_].number: role for id_, role in former.members.items()} if former else {}
    )
    before, after = seen.before.groups[group_id].members, seen.after.groups[group_id].members
    return {
        id_: role
        for id_, role in after.items()
        if id_ not in before
        and (number := seen.after.extensions[id_].number) in numbers
        and role in (numbers[number], "user")
    }


def _parked_or_unparked(seen: Observed) -> set[int | None]:
    """The ids of extensions whose use a command was to forbid or to allow again."""
    begun = [intent.change for intent in (*seen.before.unfinished, *seen.after.unfinished)]
    parked = {
        one.extension_id
        for picture in (seen.before, seen.after)
        for one in picture.associations.values()
        if one.parked is not None
    }
    changes = {one.object_id for one in (*begun, *seen.changes) if one.action in (Action.PARK, Action.UNPARK)}
    return parked | changes


def _require_untouched_extension(before: Extension, after: Extension | None, gone: set[int], *, is_own: bool) -> None:
    if after is None:
        require(is_own, f"extension {before.number} ({before.id}) is nobody's, and is gone")
        return
    places = tuple(one for one in before.organization_ids if one not in gone)
    if is_own:
        before = replace(before, **{name: getattr(after, name) for name in FIELD_NAMES})
        places = after.organization_ids
    elif gone.intersection(before.organization_ids) and not places:
        places = after.organization_ids
    require(
        replace(before, organization_ids=places) == after,
        f"extension {before.number} ({before.id}, {'associated' if is_own else 'nobody´s'}) was {before}, and is "
        f"{after}",
    )


def what_was_parked_is_as_it_was(seen: Observed) -> None:
    """An extension that is no longer parked registers by the name that it had, and shows the presence that it had."""
    for guid, held in seen.before.associations.items():
        now, extension = seen.after.associations.get(guid), seen.after.extensions.get(held.extension_id)
        is_over = now is not None and now.parked is None and now.extension_id == held.extension_id
        if (
            held.parked is None
            or not is_over
            or extension is None
            or (ObjectKind.EXTENSION, extension.id) in seen.touched
        ):
            continue
        wanted = (held.parked.registration_name, held.parked.presence)
        found = (extension.reg_name, extension.presence_status)
        require(
            all(one in ("", other) for one, other in zip(wanted, found, strict=True)),
            f"extension {held.number} was {wanted} before it was parked, and is {found}",
        )


def what_was_set_by_hand_is_left_where_that_is_asked_for(seen: Observed) -> None:
    """Under a rule that only reports drift, a field that somebody has changed on the PBX keeps their value."""
    options = seen.rules.get(RuleKind.USERS, {})
    if options.get("drift") != "report" or seen.is_removal_ordered:
        return
    for held, before, after in _kept_extensions(seen):
        for name, written in held.written.items():
            present, is_reported = getattr(before, name), options["drift_fields"].get(name) != "correct"
            if is_reported and present.casefold() != written.casefold():
                require(
                    getattr(after, name) == present,
                    f"{name} of extension {before.number} was written as {written!r}, set to {present!r} by hand, and "
                    f"is {getattr(after, name)!r}",
                )


def where_somebody_put_an_extension_it_stays(seen: Observed) -> None:
    """An organization that is nobody's, in which an administrator has put an extension, keeps it."""
    own = {id_ for kind, id_ in (*seen.before.named, *seen.after.named) if kind is ObjectKind.ORGANIZATION}
    for held, before, after in _kept_extensions(seen):
        given = set(before.organization_ids) - own - {ROOT_ID, held.organization_id}
        left = given & seen.after.organizations.keys() - set(after.organization_ids)
        require(not left, f"extension {before.number} was taken out of the organizations {sorted(left)} of others")


def _kept_extensions(seen: Observed) -> Iterator[tuple[Association, Extension, Extension]]:
    """The associations that go on undisturbed by hands, with their extensions before and after."""
    for guid, held in seen.before.associations.items():
        now, before = seen.after.associations.get(guid), seen.before.extensions.get(held.extension_id)
        after = seen.after.extensions.get(held.extension_id)
        is_same = now is not None and now.extension_id == held.extension_id and held.parked is None
        if not is_same or before is None or after is None or (ObjectKind.EXTENSION, guid) in seen.begun:
            continue
        if (ObjectKind.EXTENSION, before.id) not in seen.touched:
            yield held, before, after


# --- 3


def no_two_associations_share_an_object_or_a_number(seen: Observed) -> None:
    """An extension, a number, an organization and a group belong to one directory object at most."""
    associations = list(seen.after.associations.values())
    _require_different("extension", [str(one.extension_id) for one in associations])
    _require_different("number", [one.number for one in associations])
    _require_different("object", [f"{one.kind} {one.object_id}" for one in seen.after.objects.values()])
    for one in associations:
        extension = seen.after.extensions.get(one.extension_id)
        require(
            extension is None or extension.number == one.number,
            f"the association of {one.account_name} says {one.number}, the PBX {extension.number if extension else ''}",
        )


def a_freed_number_rests(seen: Observed) -> None:
    """A number whose extension was deleted is given to nobody else while it rests."""
    options = seen.rules.get(RuleKind.USERS)
    if options is None or "number_start" not in options:
        return
    rest = timedelta(days=options["number_rest_days"])
    for guid, one in seen.after.associations.items():
        extension, freed = seen.after.extensions.get(one.extension_id), seen.freed.get(one.number)
        is_new = extension is not None and one.extension_id not in seen.before.extensions
        if freed is None or not is_new or (ObjectKind.EXTENSION, one.extension_id) in seen.touched:
            continue
        former, since = freed
        require(
            former == guid or seen.at - since >= rest,
            f"number {one.number} of {former} was freed at {since} and given to {guid} at {seen.at}",
        )


def _require_different(what: str, found: Sequence[str]) -> None:
    twice = sorted({one for one in found if found.count(one) > 1})
    require(not twice, f"two associations share the {what} {', '.join(twice)}")


# --- 4


def check_mode_writes_nothing(seen: Observed) -> None:
    """Check mode changes neither the PBX nor the ledger, and sends no write."""
    if seen.command.check_mode:
        require(not seen.command.wire.writes, f"check mode sent {seen.command.wire.writes}")
        require(_without_hands(seen) == seen.before.pbx, "check mode changed the PBX")


def the_run_does_what_check_mode_showed(seen: Observed) -> None:
    """The plan of a run has the name that check mode gave it, unless an answer was cut short meanwhile."""
    hiding = {*domain_controller.HIDING, *pbx_in_process.HIDING}
    if seen.shown is None or seen.command.report is None or seen.is_hit_by(hiding) or seen.allowed:
        # What is let through of one kind may alter what is planned of the next.
        return
    ways = {str(one.values.get("directory_read", {}).get("how")) for one in (seen.shown, seen.command)}
    if len(ways) > 1 and any(thing.hidden for truth in seen.truths for thing in truth.things.values()):
        # What is hidden since the directory was read whole is seen by a whole read alone.
        return
    shown, planned = seen.shown.values.get("plan_id"), seen.command.values.get("plan_id")
    require(
        seen.shown.error is None and shown == planned,
        f"check mode showed the plan {shown} ({seen.shown.failure}), the run carries out {planned}",
    )


def _without_hands(seen: Observed) -> tuple[object, ...]:
    return seen.before.pbx if seen.touched else seen.after.pbx


# --- 5


def all_that_is_wanted_is_there(seen: Observed) -> None:
    """At rest, who is in scope has an extension or is told why not, and who is in a group is in its extension group."""
    (truth,) = seen.truths
    if seen.command.failure or any(thing.hidden for thing in truth.things.values()):
        return
    told = {conflict["guid"] for conflict in seen.command.values["conflicts"]}
    options = seen.rules.get(RuleKind.USERS)
    for user in truth.of(Kind.USER) if options is not None else ():
        is_out = not takes_user_in(truth, options or {}, user) or is_kept_out(options or {}, user, seen.at)
        require(
            is_out or user.guid in seen.after.associations or user.guid in told,
            f"{user.name} ({user.guid}) is in scope, has no extension, and nothing tells why",
        )
    options = seen.rules.get(RuleKind.GROUPS)
    if options is None or options["drift"] != "correct" or options["drift_fields"]:
        return
    for held in seen.after.objects.values():
        if held.rule is not RuleKind.GROUPS or held.guid in told or truth.alive(held.guid) is None:
            continue
        wanted = {
            one.extension_id
            for guid, one in seen.after.associations.items()
            if one.extension_id in seen.after.extensions and truth.alive(guid) and truth.is_member(guid, held.guid)
        }
        lacking = wanted - seen.after.groups[held.object_id].members.keys()
        require(not lacking, f"the extensions with ids {sorted(lacking)} are not in the group {held.name}")


# --- 6


def what_was_made_is_known(seen: Observed) -> None:
    """What a run has made on the PBX an association names, or an open row of the journal will lead to it."""
    named, intents = seen.after.named, list(seen.after.unfinished)
    for kind, id_ in seen.after.ids - seen.before.ids - set(seen.touched) - named.keys() - seen.given_back:
        if kind is ObjectKind.EXTENSION:
            made = seen.after.extensions[id_]
            require(
                any(intent.registration_name == made.reg_name for intent in intents),
                f"extension {made.number} ({id_}) was made and nothing leads to it",
            )
        else:
            require(
                any(intent.change.kind is kind for intent in intents),
                f"the {kind} with id {id_} was made and nothing leads to it",
            )


# --- 7


def one_failure_stops_nothing_else(seen: Observed) -> None:
    """What fails stops what depends on it and what else concerns the same object; the run ends failed and names it."""
    report = seen.command.report
    if report is None or seen.command.check_mode:
        return
    outcomes = list(report.outcomes)
    failed = [one for one in outcomes if one.state in (State.FAILED, State.UNKNOWN)]
    if failed:
        require(report.failure, "a change failed, and the run did not")
        require(
            any(one.change.name in report.failure for one in failed), f"the failure names nothing: {report.failure}"
        )
    if "ended early" in report.failure:
        harmless = {pbx_in_process.REFUSED, EDITED}
        hit = {fault.kind for fault in seen.command.troubles.hit if fault.side is not Side.DIRECTORY}
        require(hit - harmless, f"the run ended early, and nothing was wrong but single changes: {report.failure}")
        return
    not_done = {one.change.key for one in outcomes if one.state in _NOT_DONE}
    objects = {(one.change.kind, one.change.guid) for one in outcomes if one.state in _NOT_DONE}
    for one in outcomes:
        if one.state is State.SKIPPED:
            others = objects if _is_told_twice(outcomes, one.change) else set()
            require(
                not_done.intersection(one.change.depends_on) or (one.change.kind, one.change.guid) in others,
                f"{one.change.key} was skipped without need: {one.detail}",
            )


def _is_told_twice(outcomes: Sequence[object], change: AnyChange) -> bool:
    about = [one.change for one in outcomes]  # type: ignore[attr-defined]
    return sum(1 for one in about if (one.kind, one.guid) == (change.kind, change.guid)) > 1


# --- 8


def the_guard_stops_what_is_too_much(seen: Observed) -> None:
    """Unasked, a run deletes and releases no more than the limits of its rule allow."""
    if seen.is_removal_ordered or seen.command.check_mode:
        return
    for kind, options in seen.rules.items():
        held = _held_under(seen, kind)
        allowed = {**guarded(options, len(held)), **dict.fromkeys(_let_through(seen, kind), len(held))}
        taken = [(object_kind, one) for object_kind, one in held if _is_taken(seen, object_kind, one)]
        deleted = [one.guid for object_kind, one in taken if _id_of(one) not in _there(seen.after, object_kind)]
        released = len(taken) - len(deleted)
        require(
            len(deleted) <= allowed["deletions"],
            f"{len(deleted)} of {len(held)} {kind} were deleted, {allowed['deletions']} are allowed: {deleted}",
        )
        # Giving users other numbers ends associations too, and has limits of its own.
        require(
            released <= allowed["releases"] or options.get("scope") == "users",
            f"{released} of {len(held)} {kind} were released, {allowed['releases']} are allowed",
        )


def what_is_let_through_is_what_was_told(seen: Observed) -> None:
    """A name that the guard did not give to what a run does lets nothing through; the one that it gave lets it all."""
    if not seen.allowed or seen.shown is None or seen.command.report is None:
        return
    stopped, still, told = _stopped(seen.shown), _stopped(seen.command), seen.shown.values["guard_id"]
    if seen.allowed == told:
        require(not stopped & still, f"{told} is let through, and these are stopped: {sorted(stopped & still)}")
    if not any(_let_through(seen, kind) for kind in RuleKind):
        require(still == stopped, f"{seen.allowed} is not {told}, and other changes are stopped: {stopped ^ still}")


def _stopped(command: Command) -> set[str]:
    report = command.report
    return {one.change.key for one in report.outcomes if one.state is State.STOPPED} if report is not None else set()


# The parts of the guard's name of what it counts, in the order in which they stand in it.
_DANGERS = ("deletions", "releases", "renumberings", "member_removals", "email_changes", "moves")


def _let_through(seen: Observed, kind: RuleKind) -> list[str]:
    """The dangers of a kind that may happen, as large as they are: those whose names were given."""
    # A run that was killed tells nothing; check mode, just before, told the same.
    teller = seen.shown if seen.command.is_killed and seen.shown is not None else seen.command
    told = _parts_of(teller.values.get("guard_id", ""), kind)
    given_ = _parts_of(seen.allowed, kind) if "=" in seen.allowed or len(seen.rules) == 1 else []
    return [
        danger
        for danger, one, other in zip(_DANGERS, told, given_, strict=False)
        if one != "0" and set(one.split("_")) & set(other.split("_"))
    ]


def _parts_of(name: str, kind: RuleKind) -> list[str]:
    """The names of the dangers of one kind."""
    by_kind = dict(part.split("=") for part in name.split("+")) if "=" in name else {kind.value: name}
    return by_kind.get(kind.value, "").split("-")


def _held_under(seen: Observed, kind: RuleKind) -> list[tuple[ObjectKind, Association | ObjectAssociation]]:
    if kind is RuleKind.USERS:
        return [(ObjectKind.EXTENSION, one) for one in seen.before.associations.values()]
    return [(one.kind, one) for one in seen.before.objects.values() if one.rule is kind]


def _is_taken(seen: Observed, kind: ObjectKind, held: Association | ObjectAssociation) -> bool:
    """Whether a run has taken an object away that was there, and did not find it gone or begun before."""
    id_ = _id_of(held)
    if id_ not in _there(seen.before, kind) or (kind, id_) in seen.touched or (kind, held.guid) in seen.begun:
        return False
    if isinstance(held, ObjectAssociation):
        return not _is_object_as_before(seen, held)
    return not _is_as_before(seen, kind, held.guid, id_) and not _is_handed_over(seen, held)


def _id_of(held: Association | ObjectAssociation) -> int:
    return held.object_id if isinstance(held, ObjectAssociation) else held.extension_id


def _there(picture: Picture, kind: ObjectKind) -> Collection[int]:
    return picture.extensions if kind is ObjectKind.EXTENSION else _objects(picture, kind)


# --- rollback


def a_rollback_takes_away_only_what_the_run_has_made(seen: Observed) -> None:
    """What was there before the run that is undone is still there, and what came since."""
    if seen.undone is None:
        return
    made = seen.undone.after.ids - seen.undone.before.ids
    gone = seen.before.ids - seen.after.ids - made - set(seen.touched)
    # A group that cannot be renamed is made anew, under its former name.
    anew = {(one.kind, one.object_id) for one in seen.changes if one.action is Action.UPDATE}
    for kind, id_ in sorted(gone - {key for key in anew if key[0] is ObjectKind.EXTENSION_GROUP}):
        raise BrokenInvariantError(f"the rollback has deleted the {kind} with id {id_}, which the run had not made")


def what_was_changed_since_the_run_stays(seen: Observed) -> None:
    """A rollback leaves each value that is not as the run has left it, or had it on the way there.

    Back on the way there an earlier attempt may have ended.
    """
    if seen.undone is None:
        return
    for id_, left in seen.undone.after.extensions.items():
        before, after = seen.before.extensions.get(id_), seen.after.extensions.get(id_)
        if before is None or after is None or (ObjectKind.EXTENSION, id_) in seen.touched:
            continue
        for name in FIELD_NAMES:
            found = getattr(before, name)
            require(
                found == getattr(left, name)
                or getattr(after, name) == found
                or (id_, name, found) in seen.undone.written,
                f"{name} of extension {before.number} was {found!r}, which the run had not written, and is "
                f"{getattr(after, name)!r} after the rollback",
            )
    for id_, group in seen.undone.after.groups.items():
        name = seen.before.groups[id_].name if id_ in seen.before.groups else group.name
        now = seen.after.groups.get(id_)
        require(
            name == group.name or now is None or now.name == name or (ObjectKind.EXTENSION_GROUP, id_) in seen.touched,
            f"group {name} was renamed after the run, and is {now.name if now else ''} after the rollback",
        )


def all_is_as_before_the_run(undone: Undone, present: Picture, *, with_user_types: bool) -> None:
    """A whole rollback of a run whose changes nobody has touched since puts back all but ids and secrets.

    :param with_user_types: whether the PBX shows those of the members of groups.
    """
    found, wanted = (outcome(one, with_user_types=with_user_types) for one in (present, undone.before))
    for what, things in wanted.items():
        differing = {
            key: (things.get(key), found[what].get(key))
            for key in sorted({*found[what], *things})
            if found[what].get(key) != things.get(key)
        }
        require(not differing, f"{what} were {{key: (before the run, after the rollback)}}: {differing}")


# --- 9


def no_secret_is_told(seen: Observed) -> None:
    """Nothing that a command tells holds a password, a token or the client's secret."""
    for secret in seen.command.wire.secrets:
        require(secret not in seen.command.said, f"a secret is told: {seen.command.said}")


# --- 11


def no_token_is_left(seen: Observed) -> None:
    """One access token lives at most while a command does, and none after it; a dead process may leave its one."""
    allowed = seen.before.tokens + _tokens_that_may_be_left(seen.command)
    require(seen.after.tokens <= allowed, f"{seen.after.tokens - seen.before.tokens} access tokens were left")
    require(
        seen.command.wire.most_tokens <= allowed + 1, f"{seen.command.wire.most_tokens} access tokens lived at once"
    )


def _tokens_that_may_be_left(command: Command) -> int:
    """A token is lost with the answer that brings it, or if it cannot be revoked."""
    prefix = f"{Side.PBX} "
    lost = sum(
        1
        for line in command.troubles.log
        if line.startswith(prefix) and "<--" in line and line.partition(": ")[2].startswith(_TOKEN_ENDPOINTS)
    )
    return int(command.is_killed) + min(lost, 1)


ALL: tuple[Callable[[Observed], None], ...] = (
    it_ends_by_no_error_of_its_own,
    what_is_taken_away_the_directory_has_let_go,
    who_is_taken_out_of_a_group_is_not_in_it,
    a_read_that_hides_something_takes_nothing_away,
    what_a_run_goes_by_is_proved_complete,
    what_no_association_names_is_untouched,
    what_was_parked_is_as_it_was,
    what_was_set_by_hand_is_left_where_that_is_asked_for,
    where_somebody_put_an_extension_it_stays,
    no_two_associations_share_an_object_or_a_number,
    a_freed_number_rests,
    check_mode_writes_nothing,
    the_run_does_what_check_mode_showed,
    what_was_made_is_known,
    one_failure_stops_nothing_else,
    the_guard_stops_what_is_too_much,
    what_is_let_through_is_what_was_told,
    a_rollback_takes_away_only_what_the_run_has_made,
    what_was_changed_since_the_run_stays,
    no_secret_is_told,
    no_token_is_left,
)
