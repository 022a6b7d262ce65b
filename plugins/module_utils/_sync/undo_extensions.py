# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""How each change of an extension is undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import assert_never

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import EMAIL, FIELD_NAMES, same
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.images import ExtensionImage
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.journal import Done
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, ObjectKind, Welcome
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.placement import ORGANIZATIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import (
    Action,
    ExtensionChange,
    Placement,
    Reason,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_merge import Step, merged
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.undo_view import Returning, View, about

_EXTENSION, _ORGANIZATION = ObjectKind.EXTENSION, ObjectKind.ORGANIZATION

# What the Open API neither shows nor takes (vendor's pages "Query an Extension" and "Add an Extension").
_LOST = (
    "the passwords: the user and SIP passwords are new random ones, and the voicemail PIN is the PBX's default",
    "the SIP registration name, which is a new one: phones are to be provisioned again",
    "voicemail messages, recordings and the call history",
    "forwarding rules of presence, Linkus clients, security and other settings that the Open API does not show",
)


@dataclass(frozen=True, slots=True)
class ExtensionUndoing:
    """Undoes changes of extensions, the latest first.

    :param send_welcome_email: whether the users of extensions that are made again get a new welcome e-mail.
    """

    view: View
    send_welcome_email: bool

    def undo(self, row: Done, change: ExtensionChange) -> None:
        """Plan what undoes a change."""
        former, latter = self._known(row.former), self._known(row.latter)
        match change.action:
            case Action.CREATE:
                self._delete(row, change, former)
            case Action.DELETE:
                self._create_again(row, change, former)
            case Action.UPDATE if change.reason is Reason.REMEMBERED:
                self._remember(row, change, former, latter)
            case Action.UPDATE | Action.ASSOCIATE | Action.PARK | Action.UNPARK:
                self._write_back(row, change, former, latter)
            case Action.RELEASE:
                self._associate_again(row, change, former)
            case Action.REVOKE:
                self.view.lose(change, "the password of the Linkus clients, which the user sets by signing on again")
            case other:  # pragma: no cover (an action that is added has its inverse here)
                assert_never(other)

    def _remember(
        self, row: Done, change: ExtensionChange, former: Association | None, latter: Association | None
    ) -> None:
        """Put back what the run remembered anew without any write."""
        view, present = self.view, self.view.users[change.guid]
        wanted = merged(former, latter, present) if former is not None and latter is not None else present
        if wanted == present:
            view.unchanged += 1
            return
        update = ExtensionChange(
            action=Action.UPDATE,
            object_id=present.extension_id,
            association=replace(wanted, organization_id=0),
            remembered=wanted,
            **{**about(row, change), "reason": Reason.REMEMBERED},
        )
        view.emit(update, view.making(_ORGANIZATION, [wanted.organization_id]))
        view.hold(wanted)

    def _known(self, association: object) -> Association | None:
        """An association of the journal with the ids that the objects have now."""
        if not isinstance(association, Association):
            return None
        return replace(
            association,
            extension_id=self.view.id(_EXTENSION, association.extension_id),
            organization_id=self.view.id(_ORGANIZATION, association.organization_id),
        )

    # --- what the run had created

    def _delete(self, row: Done, change: ExtensionChange, former: Association | None) -> None:
        view, present = self.view, self.view.users[change.guid]
        extension = view.extensions.get(present.extension_id)
        if extension is None:
            gone = ExtensionChange(
                action=Action.RELEASE,
                object_id=present.extension_id,
                **{**about(row, change), "reason": Reason.EXTENSION_GONE},
            )
            view.emit(gone)
            view.end(_EXTENSION, change.guid, gone.key)
            return
        if extension.number != present.number:
            view.changed_since(change, "The number", ("", present.number, extension.number))
            return
        places = [one.id for one in extension.organizations]
        deletion = ExtensionChange(
            action=Action.DELETE,
            object_id=extension.id,
            before=dict(extension.fields),
            remembered=former,
            **about(row, change),
        )
        view.emit(deletion)
        view.end(_EXTENSION, change.guid, deletion.key)
        view.drop_extension(extension.id)
        view.numbers_freed[extension.number] = deletion.key
        view.emails_freed[extension.fields.get(EMAIL, "").casefold()] = deletion.key
        for place in places:
            view.left[place].append(deletion.key)
        if former is not None:
            view.hold(former)

    # --- what the run had deleted

    def _create_again(self, row: Done, change: ExtensionChange, former: Association | None) -> None:
        view, image = self.view, row.image
        if not isinstance(image, ExtensionImage) or former is None:
            view.lose(change, "the extension: what it was is not written down")
            return
        if self._is_barred(change, image):
            return
        extension = self._as_it_was(change, image)
        places = view.places(extension)
        remembered = replace(former, extension_id=extension.id, welcome=self._welcome(former))
        filled = {name: value for name, value in extension.fields.items() if value}
        creation = ExtensionChange(
            action=Action.CREATE,
            object_id=None,
            after={**filled, **({ORGANIZATIONS: view.paths(places)} if view.root is not None else {})},
            association=replace(remembered, extension_id=0, organization_id=0),
            placement=Placement(view.references(places)) if view.root is not None else None,
            remembered=remembered,
            settings=image.settings,
            **about(row, change),
        )
        needed = view.making(_ORGANIZATION, places | {former.organization_id})
        view.emit(creation, [*needed, *self._freeing(extension)])
        view.made[_EXTENSION, extension.id] = creation.key
        view.ids[_EXTENSION, change.object_id or 0] = extension.id
        view.put_extension(extension)
        view.hold(remembered)
        view.lose(change, *_LOST, *(() if image.groups is not None else ("its extension groups, which were not read",)))
        self._note_groups(image, extension.id, change)

    def note_memberships(self, row: Done, change: ExtensionChange) -> None:
        """Take note of the groups of an extension that was made again already, but may be in none of them yet."""
        extension_id = self.view.id(_EXTENSION, change.object_id or 0)
        if change.action is not Action.DELETE or extension_id not in self.view.extensions:
            return
        if isinstance(row.image, ExtensionImage):
            self._note_groups(row.image, extension_id, change)

    def _is_barred(self, change: ExtensionChange, image: ExtensionImage) -> bool:
        """Tell whether the number, or the licence, leaves no room for the extension."""
        view, capacity = self.view, self.view.standing.pbx.capacity
        if view.by_number(image.number) is not None:
            view.conflict(
                change,
                ConflictCode.NUMBER_IN_USE,
                f"The number {image.number} of the extension that the run deleted is in use again. Delete the "
                "extension that has it, and roll back once more.",
            )
            return True
        used = capacity.extensions_used + len(view.extensions) - len(view.standing.pbx.extensions)
        if used >= capacity.extensions:
            view.conflict(
                change,
                ConflictCode.NO_CAPACITY,
                f"The PBX is licensed for {capacity.extensions} extensions and all of them are taken, so that "
                f"extension {image.number} cannot be made again. Extend the licence, or delete another one.",
            )
            return True
        return False

    def _as_it_was(self, change: ExtensionChange, image: ExtensionImage) -> Extension:
        """The extension as it was, but for an address that is somebody else's and organizations that are gone."""
        view = self.view
        values = {name: image.fields.get(name, "") for name in FIELD_NAMES}
        if self._is_address_taken(change, values[EMAIL]):
            values[EMAIL] = ""
        ids = {view.id(_ORGANIZATION, one.id): one.name for one in image.organizations}
        gone = [name for id_, name in ids.items() if id_ not in view.organizations]
        if gone and view.root is not None:
            view.lose(change, *(f"its place in the organization {name}, which is gone" for name in gone))
        places = ids.keys() & view.organizations.keys()
        root = {view.root.id} if view.root is not None else set()
        return Extension(
            id=-(change.object_id or 0),
            number=image.number,
            fields=values,
            organizations=view.references(places or root),
            settings=image.settings,
        )

    def _welcome(self, former: Association) -> Welcome:
        return Welcome.DUE if self.send_welcome_email else former.welcome

    def _freeing(self, extension: Extension) -> list[str]:
        """The keys of the changes that free what an extension takes."""
        freed = (
            self.view.numbers_freed.get(extension.number),
            self.view.emails_freed.get(extension.fields.get(EMAIL, "").casefold()),
        )
        return [key for key in freed if key is not None]

    def _note_groups(self, image: ExtensionImage, extension_id: int, change: ExtensionChange) -> None:
        for one in image.groups or ():
            self.view.returning.append(
                Returning(
                    former_id=change.object_id or 0,
                    extension_id=extension_id,
                    group_id=one.group_id,
                    group_name=one.name,
                    user_type=one.user_type,
                    remembered=one.remembered,
                    change=change,
                )
            )

    # --- what the run had written

    def _write_back(
        self, row: Done, change: ExtensionChange, former: Association | None, latter: Association | None
    ) -> None:
        view, present = self.view, self.view.users[change.guid]
        # One that the run associated ends here; what its directory object had before was gone. An address that it gave
        # up in passing is a change of its own, and the association begins with that one.
        is_last = change.action is not Action.ASSOCIATE or _is_same(former, latter)
        extension = view.extensions.get(present.extension_id)
        if extension is None:
            view.gone_since(change)
            return
        found = self._found(row, change, extension)
        wanted = present
        if is_last and former is not None and latter is not None:
            wanted = merged(former, latter, present, found.kept)
        if found.after or wanted != present:
            self._emit_write(row, change, extension, found, wanted, is_last=is_last)
        elif is_last:
            view.unchanged += 1
        if not is_last:
            release = ExtensionChange(
                action=Action.RELEASE,
                object_id=extension.id,
                **about(row, change),
            )
            view.emit(release)
            view.end(_EXTENSION, change.guid, release.key)

    def _emit_write(
        self,
        row: Done,
        change: ExtensionChange,
        extension: Extension,
        found: _Found,
        wanted: Association,
        *,
        is_last: bool,
    ) -> None:
        view = self.view
        places = found.places
        present = view.users[change.guid]
        update = ExtensionChange(
            action=_writing(present, wanted),
            object_id=extension.id,
            before=found.before,
            after=found.after,
            association=replace(wanted, organization_id=0),
            placement=Placement(view.references(places)) if places is not None else None,
            parked=present.parked if wanted.parked is None else None,
            remembered=wanted,
            **about(row, change, "" if is_last else "fields"),
        )
        if update.action is Action.UNPARK:
            view.lose(change, "the password of the Linkus clients, which parking replaced by a random one")
        if not found.after and update.action is Action.UPDATE:
            update = replace(update, reason=Reason.REMEMBERED)
        home = {wanted.organization_id}
        fields = {**extension.fields, **{name: found.after[name] for name in FIELD_NAMES if name in found.after}}
        address = view.emails_freed.get(fields.get(EMAIL, "").casefold()) if EMAIL in found.after else None
        needs = [*view.making(_ORGANIZATION, home | (places or set())), *([address] if address else [])]
        view.emit(update, needs)
        if EMAIL in found.after:
            view.emails_freed[extension.fields.get(EMAIL, "").casefold()] = update.key
        written = replace(extension, fields=fields)
        if places is not None:
            for place in {one.id for one in extension.organizations} - places:
                view.left[place].append(update.key)
            root = {view.root.id} if view.root is not None else set()
            written = replace(written, organizations=view.references(places or root))
        view.put_extension(written)
        view.hold(wanted)

    def _found(self, row: Done, change: ExtensionChange, extension: Extension) -> _Found:
        """Compare each field that the run wrote, and the organizations."""
        view = self.view
        before: dict[str, str] = {}
        after: dict[str, str] = {}
        kept: set[str] = set()
        for name in FIELD_NAMES:
            if name not in change.after:
                continue
            if view.is_left_alone(change, name):
                kept.add(name)
                continue
            value, now = view.written(row, name, change.before.get(name, "")), extension.fields.get(name, "")
            match value.step(now, partial(same, name)):
                case Step.CHANGED_SINCE:
                    view.changed_since(change, name, (value.before, value.last, now))
                    kept.add(name)
                case Step.PUT_BACK if name == EMAIL and self._is_address_taken(change, value.found):
                    kept.add(name)
                case Step.PUT_BACK:
                    before[name], after[name] = now, value.found
        view.leave_alone(change, kept)
        places = self._places(row, change, extension, kept)
        if places is not None:
            before[ORGANIZATIONS] = view.paths(view.places(extension))
            after[ORGANIZATIONS] = view.paths(places)
        return _Found(before, after, kept, places)

    def _is_address_taken(self, change: ExtensionChange, address: str) -> bool:
        holder = self.view.by_email(address) if address else None
        if holder is None:
            return False
        self.view.conflict(
            change,
            ConflictCode.EMAIL_IN_USE,
            f"The e-mail address {address}, which extension {change.number} had before the run, is that of extension "
            f"{holder.number} now, and is not put back. Change one of the two.",
        )
        return True

    def _places(self, row: Done, change: ExtensionChange, extension: Extension, kept: set[str]) -> set[int] | None:
        """The organizations that an extension is to be in; None where they stay."""
        view, image = self.view, row.image
        if change.placement is None or not isinstance(image, ExtensionImage) or view.root is None:
            return None
        # The root alone is as good as none.
        root = {view.root.id}
        before = {view.id(_ORGANIZATION, one.id) for one in image.organizations} - root
        given = change.association.organization_id if change.association is not None else 0
        listed = {*(one.id for one in change.placement.others), given} - {0}
        left = {view.id(_ORGANIZATION, one) for one in listed} - root
        now = {one.id for one in extension.organizations} - root
        taken, brought = before - left, left - before
        if (not taken and not brought) or now == before:
            return None
        if brought <= now and not taken & now:
            gone = taken - view.organizations.keys()
            names = {view.id(_ORGANIZATION, one.id): one.name for one in image.organizations}
            if gone:
                view.lose(change, *(f"its place in the organization {names[one]}, which is gone" for one in gone))
            together = [one for one in (image.organizations, extension.organizations) if len(one) > 1]
            in_root = root & {one.id for organizations in together for one in organizations}
            return (now - brought) | (taken - gone) | in_root
        view.changed_since(change, ORGANIZATIONS, (view.paths(before), view.paths(left), view.paths(now)))
        kept.add("organization_id")
        return None

    # --- what the run had released

    def _associate_again(self, row: Done, change: ExtensionChange, former: Association | None) -> None:
        view = self.view
        extension = view.extensions.get(former.extension_id) if former is not None else None
        if former is None or extension is None:
            view.lose(change, "its association: the extension is gone from the PBX")
            return
        if extension.number != former.number:
            view.changed_since(change, "The number", (former.number, former.number, extension.number))
            return
        if view.owner(_EXTENSION, extension.id) is not None:
            view.conflict(
                change,
                ConflictCode.EXTENSION_TAKEN,
                f"Extension {extension.number}, which the run released, is associated with another user since.",
            )
            return
        # One that was parked is usable since; it is parked again.
        usable = replace(former, parked=None)
        associated = ExtensionChange(
            action=Action.ASSOCIATE,
            object_id=extension.id,
            association=replace(usable, organization_id=0),
            remembered=usable,
            **about(row, change, "usable" if former.parked is not None else ""),
        )
        freed = view.freed.get((_EXTENSION, extension.id))
        view.emit(
            replace(associated, reason=Reason.REMEMBERED),
            [*view.making(_ORGANIZATION, [former.organization_id]), *([freed] if freed else [])],
        )
        if former.parked is not None:
            parking = ExtensionChange(
                action=Action.PARK,
                object_id=extension.id,
                association=replace(former, organization_id=0),
                remembered=former,
                **about(row, change),
            )
            view.emit(parking)
        view.hold(former)


def _is_same(former: Association | None, latter: Association | None) -> bool:
    """Whether two associations are about the same extension."""
    return former is not None and latter is not None and former.extension_id == latter.extension_id


def _writing(present: Association, wanted: Association) -> Action:
    """Return how an extension is written that is to be parked, or usable, as it was."""
    if (present.parked is None) == (wanted.parked is None):
        return Action.UPDATE
    return Action.PARK if present.parked is None else Action.UNPARK


@dataclass(frozen=True, slots=True)
class _Found:
    """What is to be written back to an extension.

    :param kept: names of what was changed since.
    :param places: ids of the organizations that it is to be in; None where they stay.
    """

    before: Mapping[str, str]
    after: Mapping[str, str]
    kept: set[str]
    places: set[int] | None
