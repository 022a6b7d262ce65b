# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Extension groups created, changed and deleted, so that a lost answer makes no second one and nobody loses a right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    DUPLICATE_KEY_VALUE,
    PARAMETER_ERROR,
    PbxCapacityError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.group_reader import GroupReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.group_shapes import (
    SPECIFIC,
    USER,
    GroupDetails,
    MemberShape,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.lost_answers import (
    Answer,
    created_id,
    delete_until_known,
    write_until_known,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import GroupPattern

_CAPACITY_REMEDY = "The PBX has no room for another extension group; delete some on the PBX, or narrow the scope."
_DUPLICATE_REMEDY = "The PBX has an extension group of this name already; rename one of the two."
_NAME_REMEDY = "The PBX does not take this name; give it another one."
_EMPTY_REMEDY = (
    "This PBX takes no extension group without members; give it a member that has an extension, or take it out of the "
    "scope."
)
_SHAPE_REMEDY = (
    "How this PBX writes members is not known while no extension group has any; put one extension into any group on "
    "the PBX and run again."
)


class GroupWriter:
    """Writes extension groups.

    A PBX may take what an update leaves out for what is to be reset. So whatever was read of a group is sent along:
    its permissions, and its members as they were shown.

    :param reader: shows what became of a write whose answer was lost, and knows what a group held.
    :param member_shape: how this PBX writes members that were not seen.
    """

    def __init__(self, session: Session, reader: GroupReader, member_shape: MemberShape) -> None:
        self._session = session
        self._reader = reader
        self._member_shape = member_shape

    def create(self, name: str, members: Sequence[int], like: int | GroupPattern | None) -> int:
        """Create an extension group of these extensions and return its id.

        After a lost answer, one of this name with these members is taken for the one that was to be created, unless
        the run has been shown it before.

        :param like: the permissions and the members' user types that the new one gets; or the id of a group whose
            permissions, and whose members as they are there, it gets.
        :raises PbxCapacityError: if the PBX has no room for it.
        :raises PbxRefusedError: if the PBX refuses it.
        :raises AnswerLostError: if it is not known whether it was created.
        """
        pattern = self._pattern(like)
        before = self._reader.shown_ids

        def find() -> int | None:
            found = self._reader.find(name, members, before)
            return None if found is None else found.id

        def ask(_must_exist: bool) -> Answer | None:
            found = find()
            return None if found is None else {"id": found}

        what = f"the extension group {name}"
        call = Call("extensiongroup/create", f"create {what}", body={"name": name})
        user_types = like.user_types if isinstance(like, GroupPattern) else {}
        answer, written = self._write(call, members, pattern, ask, user_types)
        group_id = created_id(answer, find, what)
        self._reader.note(group_id, written)
        return group_id

    def _pattern(self, like: int | GroupPattern | None) -> GroupDetails:
        if isinstance(like, GroupPattern):
            return GroupDetails(flags=like.settings)
        return GroupDetails() if like is None else self._reader.details(like)

    def update(self, group_id: int, members: Sequence[int], user_types: Mapping[int, str] | None = None) -> None:
        """Give an extension group these members and no others.

        :param user_types: of members that come in, by their ids, where they are not to be users.
        :raises PbxRefusedError: if the PBX refuses it.
        :raises AnswerLostError: if it is not known whether it was done.
        """
        self._update(group_id, members, None, user_types)

    def rename(self, group_id: int, name: str, members: Sequence[int]) -> bool:
        """Try to rename an extension group and give it these members; tell whether it has the name now.

        Vendor's page "Edit an Extension Group" has no name, so a PBX may refuse it, and then nothing was written, or
        take no notice of it.

        :raises PbxRefusedError: if the PBX refuses anything else than to rename groups, or another group has the name.
        :raises AnswerLostError: if it is not known whether it was done.
        """
        try:
            self._update(group_id, members, name)
        except PbxRefusedError as error:
            if error.errcode == PARAMETER_ERROR and "name" in error.invalid_fields:
                return False
            raise
        shown = self._reader.read_one(group_id)
        return shown is not None and shown.name == name

    def delete(self, group_id: int) -> None:
        """Delete an extension group; one that is already gone is a success.

        :raises PbxRefusedError: if the PBX refuses it.
        :raises AnswerLostError: if it is not known whether it was done.
        """
        call = Call(
            "extensiongroup/delete", f"delete the extension group with id {group_id}", query={"id": str(group_id)}
        )
        delete_until_known(self._session, call, lambda: self._reader.read_one(group_id) is None)
        self._reader.forget(group_id)

    def _update(
        self, group_id: int, members: Sequence[int], name: str | None, user_types: Mapping[int, str] | None = None
    ) -> None:
        def ask(_must_exist: bool) -> Answer | None:
            return {} if self._reader.is_as_wanted(group_id, members, name) else None

        call = Call("extensiongroup/update", f"change the extension group with id {group_id}", body={"id": group_id})
        if name is not None:
            purpose = f"rename the extension group with id {group_id} to {name}"
            call = replace(call, purpose=purpose, body={"id": group_id, "name": name})
        _answer, written = self._write(call, members, self._reader.details(group_id), ask, user_types or {})
        self._reader.note(group_id, written)

    def _write(
        self,
        call: Call,
        members: Sequence[int],
        present: GroupDetails,
        ask: Callable[[bool], Answer | None],
        user_types: Mapping[int, str],
    ) -> tuple[Answer, GroupDetails]:
        """Send a call for a group with its members and permissions; return the answer and what the group holds now.

        :param user_types: of members that were not seen in it.

        Where the shape of members is a guess and they are refused, they are sent once more as the other guess.
        """

        def send() -> tuple[Answer, GroupDetails]:
            wanted = self._with_members(members, present, user_types)
            selected = {"member_select": SPECIFIC, "members": list(wanted.members.values())}
            whole = replace(call, body={**(call.body or {}), **selected, **wanted.flags})
            return write_until_known(self._session, whole, ask), wanted

        try:
            return send()
        except PbxRefusedError as error:
            refusal = error
        if members and self._member_shape.is_guessed and "members" in refusal.invalid_fields:
            self._member_shape.guess_other()
            try:
                return send()
            except PbxRefusedError as error:
                if "members" in error.invalid_fields:
                    self._member_shape.guess_other()
                else:
                    refusal = error
        refusal.remedy = _remedy(refusal, members, is_guessed=self._member_shape.is_guessed)
        raise refusal

    def _with_members(
        self, members: Sequence[int], present: GroupDetails, user_types: Mapping[int, str]
    ) -> GroupDetails:
        """What a group holds once it has these members: those that were seen in it as they were seen."""
        elements = {
            extension_id: present.members[extension_id]
            if extension_id in present.members
            else self._member_shape.write(extension_id, user_types.get(extension_id, USER))
            for extension_id in sorted(set(members))
        }
        return GroupDetails(elements, present.flags)


def _remedy(error: PbxRefusedError, members: Sequence[int], *, is_guessed: bool) -> str:
    """What to do about a refusal."""
    if isinstance(error, PbxCapacityError):
        return _CAPACITY_REMEDY
    if error.errcode == DUPLICATE_KEY_VALUE:
        return _DUPLICATE_REMEDY
    if error.errcode != PARAMETER_ERROR:
        return error.remedy
    if "name" in error.invalid_fields:
        return _NAME_REMEDY
    if not members:
        return _EMPTY_REMEDY
    return _SHAPE_REMEDY if is_guessed and "members" in error.invalid_fields else error.remedy
