# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What cannot be synchronized as asked: each kind with its code, and a sentence with the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.addresses import Refusal
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import FieldProblem
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Conflict


class ConflictCode(StrEnum):
    """The kinds of conflict; the values are stable and may be matched on."""

    CHANGED_SINCE = "changed_since"
    DRIFT_BOTH_CHANGED = "drift_both_changed"
    EMAIL_IN_USE = "email_in_use"
    EMAIL_SHARED = "email_shared"
    EXTENSION_NOT_FOUND = "extension_not_found"
    EXTENSION_TAKEN = "extension_taken"
    FIELD_INVALID = "field_invalid"
    NAME_INVALID = "name_invalid"
    NAME_SHARED = "name_shared"
    NAME_TAKEN = "name_taken"
    NO_CAPACITY = "no_capacity"
    NO_ROOM = "no_room"
    NUMBER_DIFFERS = "number_differs"
    NUMBER_IN_USE = "number_in_use"
    NUMBER_INVALID = "number_invalid"
    NUMBER_MISSING = "number_missing"
    NUMBER_RANGE_EXHAUSTED = "number_range_exhausted"
    NUMBER_SHARED = "number_shared"
    OBJECT_IN_USE = "object_in_use"
    OBJECT_NOT_FOUND = "object_not_found"
    TOO_DEEP = "too_deep"
    USER_NOT_FOUND = "user_not_found"
    WELCOME_WITHOUT_ADDRESS = "welcome_without_address"


def _about(user: DirectoryUser, code: ConflictCode, message: str) -> Conflict:
    return Conflict(code.value, user.guid, user.account_name, message)


def email_in_use(user: DirectoryUser, address: str, extension: Extension, owner: str = "") -> Conflict:
    """The address belongs to an extension that no user of this rule has, or to which a person gave it by hand.

    :param owner: the user whose extension it is; "" for nobody.
    """
    if owner:
        return _about(
            user,
            ConflictCode.EMAIL_IN_USE,
            f"The e-mail address {address} is in use by extension {extension.number} of {owner}, where it was set on "
            "the PBX by hand and is left. Change it there, or change this user's.",
        )
    return _about(
        user,
        ConflictCode.EMAIL_IN_USE,
        f"The e-mail address {address} is in use by extension {extension.number}. Set associate_by_email to take that "
        "extension over, or change one of the two addresses.",
    )


def email_shared(user: DirectoryUser, address: str, rivals: tuple[str, ...]) -> Conflict:
    """Several users want one address."""
    return _about(
        user,
        ConflictCode.EMAIL_SHARED,
        f"The e-mail address {address} is also that of {', '.join(rivals)}, and the PBX takes each address once. "
        "Give each user an address of their own.",
    )


def email_refused(
    user: DirectoryUser,
    address: str,
    refusal: Refusal,
    names: Mapping[str, str],
    extensions: Mapping[int, Extension],
    *,
    owners: Mapping[int, str],
) -> Conflict:
    """Tell a refused claim to an address as the conflict it is.

    :param owners: names of the users whose extensions have an address that is left as a person set it, by their ids.
    """
    if refusal.extension_id is not None:
        owner = owners.get(refusal.extension_id, "")
        return email_in_use(user, address, extensions[refusal.extension_id], owner)
    return email_shared(user, address, tuple(sorted(names[guid] for guid in refusal.rivals)))


def extension_not_found(user: DirectoryUser, number: str) -> Conflict:
    """A user is bound to an extension that does not exist."""
    return _about(
        user,
        ConflictCode.EXTENSION_NOT_FOUND,
        f"There is no extension {number} to bind this user to. Create it on the PBX, or name another in users.",
    )


def extension_taken(user: DirectoryUser, number: str) -> Conflict:
    """A user is bound to an extension that is associated with somebody else."""
    return _about(
        user,
        ConflictCode.EXTENSION_TAKEN,
        f"Extension {number} is associated with another user. Name another extension in users.",
    )


def field_invalid(user: DirectoryUser, problem: FieldProblem) -> Conflict:
    """A directory value is not one that the PBX takes."""
    return _about(
        user,
        ConflictCode.FIELD_INVALID,
        f"{problem.attribute} {problem.value!r} cannot become {problem.name}: {problem.why}. "
        "The value is not written; change it in the directory.",
    )


def no_capacity(user: DirectoryUser, allowed: int) -> Conflict:
    """The licence has no extension left."""
    return _about(
        user,
        ConflictCode.NO_CAPACITY,
        f"The PBX is licensed for {allowed} extensions and all of them are taken. Extend the licence or narrow the "
        "scope.",
    )


def number_differs(user: DirectoryUser, number: str, wanted: str, attribute: str) -> Conflict:
    """An extension has another number than the attribute now says."""
    return _about(
        user,
        ConflictCode.NUMBER_DIFFERS,
        f"{attribute} says {wanted} and the extension is {number}; the PBX documents no change of a number, so it "
        f"keeps {number}. Set {attribute} to {number}, or take the user out of the scope for one run with out_of_scope "
        "delete to have the extension created anew.",
    )


def number_in_use(user: DirectoryUser, number: str) -> Conflict:
    """The number wanted belongs to an extension of nobody or of somebody else."""
    return _about(
        user,
        ConflictCode.NUMBER_IN_USE,
        f"Extension {number} exists already. Use associate_by_email or scope users to take it over, or give this "
        "user another number.",
    )


def number_made_anew(user: DirectoryUser, number: str) -> Conflict:
    """The user's extension was deleted on the PBX by hand, and another made with its number."""
    return _about(
        user,
        ConflictCode.NUMBER_IN_USE,
        f"The user's extension {number} was deleted on the PBX and another one made with its number. Delete that one, "
        "and it is created again as the user's.",
    )


def number_invalid(user: DirectoryUser, value: str, attribute: str) -> Conflict:
    """The attribute holds something that is not an extension number."""
    return _about(
        user,
        ConflictCode.NUMBER_INVALID,
        f"{attribute} {value!r} is not an extension number: the PBX takes 1 to 8 digits and nothing else. "
        "Correct it in the directory.",
    )


def number_missing(user: DirectoryUser, attribute: str) -> Conflict:
    """The attribute that holds numbers is empty."""
    return _about(
        user,
        ConflictCode.NUMBER_MISSING,
        f"{attribute} is empty, so there is no number to create an extension with. Fill it in the directory.",
    )


def number_range_exhausted(user: DirectoryUser, start: int, end: int) -> Conflict:
    """No number is left between number_start and number_end."""
    return _about(
        user,
        ConflictCode.NUMBER_RANGE_EXHAUSTED,
        f"Every number from {start} to {end} is taken or resting. Raise number_end or lower number_start.",
    )


def number_shared(user: DirectoryUser, number: str, attribute: str, rivals: tuple[str, ...]) -> Conflict:
    """Several users claim one number."""
    return _about(
        user,
        ConflictCode.NUMBER_SHARED,
        f"{attribute} {number} is also that of {', '.join(rivals)}. Give each user a number of their own.",
    )


def user_not_found(association: Association, readable: str) -> Conflict:
    """The directory does not show the user, alive or deleted, so nothing proves what became of them."""
    return Conflict(
        ConflictCode.USER_NOT_FOUND.value,
        association.guid,
        association.account_name,
        f"The directory shows neither this user nor a deleted object of theirs; extension {association.number} is "
        f"kept. {readable}",
    )


def welcome_without_address(user: DirectoryUser, number: str) -> Conflict:
    """No welcome e-mail can be sent to an extension without an address."""
    return _about(
        user,
        ConflictCode.WELCOME_WITHOUT_ADDRESS,
        f"Extension {number} has no e-mail address, so no welcome e-mail is sent. Fill mail in the directory.",
    )
