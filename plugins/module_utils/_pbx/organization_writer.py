# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Organizations created, changed and deleted, so that a lost answer makes no second one.

Which extensions an organization holds is not written here: that is a property of the extension.
"""

from __future__ import annotations

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    DUPLICATE_KEY_VALUE,
    PARAMETER_ERROR,
    PbxCapacityError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.lost_answers import (
    Answer,
    created_id,
    delete_until_known,
    write_until_known,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.organization_reader import OrganizationReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call

_CAPACITY_REMEDY = (
    "The PBX has no room for another organization, or not so many layers below each other; delete some on the PBX, or "
    "narrow the scope."
)
_DUPLICATE_REMEDY = "The PBX has one of this name at the same place already; rename one of the two."
_NAME_REMEDY = "The PBX does not take this name; give it another one."
_UPDATE_REMEDY = "The root organization cannot be changed this way, and none can be put below itself."
_DELETE_REMEDY = "The root organization cannot be deleted; move or delete the organizations below any other one first."


class OrganizationWriter:
    """Writes organizations.

    :param reader: shows what became of a write whose answer was lost.
    """

    def __init__(self, session: Session, reader: OrganizationReader) -> None:
        self._session = session
        self._reader = reader

    def create(self, name: str, parent_id: int) -> int:
        """Create an organization below another one and return its id.

        After a lost answer, one of this name below that parent is taken for the one that was to be created, unless
        the run has been shown it before.

        :raises PbxCapacityError: if the PBX has no room for it.
        :raises PbxRefusedError: if the PBX refuses it.
        :raises AnswerLostError: if it is not known whether it was created.
        """
        before = self._reader.shown_ids

        def find() -> int | None:
            found = self._reader.find_child(name, parent_id, before)
            return None if found is None else found.id

        def ask(_must_exist: bool) -> Answer | None:
            found = find()
            return None if found is None else {"id": found}

        what = f"the organization {name} below the one with id {parent_id}"
        call = Call("organization/create", f"create {what}", body={"name": name, "parent_id": parent_id})
        try:
            answer = write_until_known(self._session, call, ask)
        except PbxRefusedError as error:
            error.remedy = _remedy(error)
            raise
        organization_id = created_id(answer, find, what)
        self._reader.note(organization_id)
        return organization_id

    def update(self, organization_id: int, name: str, parent_id: int) -> None:
        """Rename an organization and put it below a parent, in one call.

        :raises PbxCapacityError: if what is below it would be too deep there.
        :raises PbxRefusedError: if the PBX refuses it.
        :raises AnswerLostError: if it is not known whether it was done.
        """

        def ask(_must_exist: bool) -> Answer | None:
            present = self._reader.read_one(organization_id)
            is_done = present is not None and (present.name, present.parent_id) == (name, parent_id)
            return {} if is_done else None

        call = Call(
            "organization/update",
            f"rename the organization with id {organization_id} to {name} and put it below the one with id {parent_id}",
            body={"id": organization_id, "name": name, "parent_id": parent_id},
        )
        try:
            write_until_known(self._session, call, ask)
        except PbxRefusedError as error:
            error.remedy = _remedy(error, _UPDATE_REMEDY)
            raise

    def delete(self, organization_id: int) -> None:
        """Delete an organization; one that is already gone is a success.

        :raises PbxRefusedError: if the PBX refuses it, for example because there are organizations below it.
        :raises AnswerLostError: if it is not known whether it was done.
        """
        call = Call(
            "organization/delete",
            f"delete the organization with id {organization_id}",
            query={"id": str(organization_id)},
        )
        try:
            delete_until_known(self._session, call, lambda: self._reader.read_one(organization_id) is None)
        except PbxRefusedError as error:
            error.remedy = _remedy(error, _DELETE_REMEDY)
            raise
        self._reader.forget(organization_id)


def _remedy(error: PbxRefusedError, wrong_place: str = "") -> str:
    """What to do about a refusal; ``wrong_place`` is for one that names no field."""
    if isinstance(error, PbxCapacityError):
        return _CAPACITY_REMEDY
    if error.errcode == DUPLICATE_KEY_VALUE:
        return _DUPLICATE_REMEDY
    if error.errcode != PARAMETER_ERROR:
        return error.remedy
    return _NAME_REMEDY if "name" in error.invalid_fields else wrong_place
