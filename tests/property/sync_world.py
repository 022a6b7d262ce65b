# SPDX-License-Identifier: GPL-3.0-or-later
"""A PBX and a ledger in memory that carry a plan out step by step, and refuse what a PBX refuses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.apply import formers
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.changes import access_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectorySnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.guard import Totals
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Intent, Resolution
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    ObjectAssociation,
    RetiredNumber,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Access,
    Extension,
    PbxCapacity,
    PbxSnapshot,
    with_access,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    AnyChange,
    Change,
    ExtensionChange,
    Plan,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.recovery import recover
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import UserRule
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.users import plan_users

from tests.unit.sync_builders import NOW, PBX, fields


@dataclass(frozen=True, slots=True)
class Setting:
    """All that a run starts from."""

    rule: UserRule
    directory: DirectorySnapshot
    pbx: PbxSnapshot
    associations: tuple[Association, ...]
    retired: tuple[RetiredNumber, ...]


@dataclass(slots=True)
class World:
    """The state of both stores that a run writes.

    :param shows_names: whether the PBX returns the registration names of its extensions.
    """

    capacity: int
    extensions: dict[int, Extension]
    associations: dict[str, Association]
    retired: dict[str, RetiredNumber]
    shows_names: bool = True
    next_id: int = 1000
    names: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, setting: Setting, *, shows_names: bool = True) -> World:
        return cls(
            capacity=setting.pbx.capacity.extensions,
            extensions={extension.id: extension for extension in setting.pbx.extensions},
            associations={association.guid: association for association in setting.associations},
            retired={retired.number: retired for retired in setting.retired},
            shows_names=shows_names,
        )

    def snapshot(self) -> PbxSnapshot:
        extensions = tuple(self.extensions.values())
        return PbxSnapshot(PBX, PbxCapacity(self.capacity, len(extensions)), extensions)

    def plan(self, setting: Setting) -> Plan:
        return plan_users(
            setting.rule,
            setting.directory,
            self.snapshot(),
            tuple(self.associations.values()),
            tuple(self.retired.values()),
        )

    def totals(self) -> Totals:
        held = self.associations.values()
        addresses = {one.guid: one.written[EMAIL] for one in held if EMAIL in one.written}
        return Totals(len(held), len(held), addresses=addresses)

    # --- what the PBX does, and refuses

    def send(self, change: Change, registration_name: str) -> int | None:
        """Make the call of a change; return the id of the extension concerned."""
        if change.action is Action.CREATE:
            self.next_id += 1
            shown = registration_name if self.shows_names else None
            self.extensions[self.next_id] = Extension(
                self.next_id, change.number, fields(**change.after), registration_name=shown
            )
            self._check()
            return self.next_id
        assert change.object_id is not None
        assert isinstance(change, ExtensionChange)
        extension = self.extensions.get(change.object_id)
        access = access_of(change, registration_name, extension)
        if change.action is Action.DELETE:
            del self.extensions[change.object_id]
        elif change.after or access is not None:
            assert extension is not None
            written = replace(extension, fields={**extension.fields, **change.after})
            self.extensions[extension.id] = self._shown(with_access(written, access or Access()))
        self._check()
        return change.object_id

    def _shown(self, extension: Extension) -> Extension:
        return extension if self.shows_names else replace(extension, registration_name=None)

    def _check(self) -> None:
        extensions = self.extensions.values()
        numbers = [extension.number for extension in extensions]
        assert len(set(numbers)) == len(numbers), f"a number given twice: {sorted(numbers)}"
        addresses = [extension.fields[EMAIL].casefold() for extension in extensions if extension.fields[EMAIL]]
        assert len(set(addresses)) == len(addresses), f"an address given twice: {sorted(addresses)}"
        for extension in extensions:
            assert extension.fields["first_name"] or extension.fields["last_name"] or extension.id < 1000

    # --- what the ledger does, and refuses

    def note(self, change: Change, extension_id: int | None) -> None:
        """Write down that a change is done."""
        assert isinstance(change, ExtensionChange)
        if change.association is None:
            del self.associations[change.guid]
        else:
            assert extension_id is not None
            self.save(replace(change.association, extension_id=extension_id))
        if change.action is Action.DELETE or change.reason is Reason.EXTENSION_GONE:
            self.retired[change.number] = RetiredNumber(change.number, change.guid, NOW)

    def save(self, association: Association | ObjectAssociation) -> None:
        assert isinstance(association, Association)
        self.associations[association.guid] = association
        owned = [held.extension_id for held in self.associations.values()]
        assert len(set(owned)) == len(owned), f"an extension with two associations: {sorted(owned)}"

    # --- a run

    def may_touch(self, change: Change) -> None:
        """Stop a change of an extension that is not this user's."""
        owners = {held.extension_id: held.guid for held in self.associations.values()}
        if change.action in (Action.UPDATE, Action.DELETE, Action.RELEASE, Action.PARK, Action.UNPARK):
            assert owners.get(change.object_id or 0) == change.guid, f"{change.key} touches what is not its own"
        elif change.action is Action.ASSOCIATE:
            assert owners.get(change.object_id or 0) in (None, change.guid), f"{change.key} takes what is taken"
        else:
            held = self.associations.get(change.guid)
            assert held is None or held.extension_id not in self.extensions, f"{change.key} creates a second one"
            assert len(self.extensions) < self.capacity, f"{change.key} exceeds the licence"

    def apply(
        self,
        changes: Sequence[Change],
        stopped: Collection[str] = (),
        refreshed: Iterable[Association | ObjectAssociation] = (),
    ) -> None:
        """Carry out all changes but the stopped ones, as a run does."""
        for association in refreshed:
            self.save(association)
        taken_over = formers(cast(Iterable[AnyChange], changes))
        handed_over = {former.key for former in taken_over.values()}
        done: set[str] = set()
        for change in changes:
            needed = set(change.depends_on) - handed_over
            if change.key in stopped or change.key in handed_over or not done.issuperset(needed):
                continue
            self._do(change, taken_over.get(change.key))
            done.add(change.key)

    def _do(self, change: Change, former: Change | None) -> None:
        """Carry a change out, and the end of the association whose extension it takes over."""
        if former is not None:
            self.note(former, former.object_id)
        self.may_touch(change)
        self.note(change, self.send(change, f"drawn-{change.guid}"))

    def run(self, setting: Setting) -> Plan:
        """Plan and carry out all of it."""
        made = self.plan(setting)
        self.apply(made.changes, refreshed=made.refreshed)
        return made

    def run_cut_off(self, setting: Setting, end: int, unanswered: Mapping[int, bool]) -> None:
        """Run up to a place in the plan, with calls that are not answered; then find out what became of those.

        :param unanswered: by place, whether the PBX did what it was asked.
        """
        made = self.plan(setting)
        for association in made.refreshed:
            self.save(association)
        taken_over = formers(made.changes)
        handed_over = {former.key for former in taken_over.values()}
        done: set[str] = set()
        intents = []
        for place, change in enumerate(made.changes[:end]):
            if change.key in handed_over or not done.issuperset(set(change.depends_on) - handed_over):
                continue
            former = taken_over.get(change.key)
            if place not in unanswered:
                self._do(change, former)
                done.add(change.key)
                continue
            name = f"drawn-{change.guid}" if change.action in (Action.CREATE, Action.PARK) else ""
            if former is not None:
                intents.append(Intent(place + len(made.changes), "cut", former))
            intents.append(Intent(place, "cut", change, name))
            if unanswered[place]:
                self.send(change, name)
        for resolution in recover(intents, tuple(self.associations.values()), self.snapshot(), NOW):
            self.settle(resolution)

    def settle(self, resolution: Resolution) -> None:
        if resolution.drop:
            self.associations.pop(resolution.intent.change.guid)
        if resolution.save is not None:
            self.save(resolution.save)
        if resolution.retired is not None:
            self.retired[resolution.retired.number] = resolution.retired

    def outcome(self) -> tuple[object, ...]:
        """What two worlds that are the same but for ids have in common; when one was parked is no matter."""
        numbers = {extension.id: extension.number for extension in self.extensions.values()}
        return (
            {extension.number: dict(extension.fields) for extension in self.extensions.values()},
            {
                held.guid: (replace(held, extension_id=0), numbers.get(held.extension_id))
                for held in self.associations.values()
            },
            self.retired,
        )
