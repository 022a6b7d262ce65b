# SPDX-License-Identifier: GPL-3.0-or-later
"""What the vendor's documentation leaves open, each point a switch (the table is in README.md)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from lab.pbx import errors


@dataclass(frozen=True)
class Variants:
    """One way for a PBX to answer the open questions; the defaults are the likeliest way."""

    # Shapes of nested objects
    member_info: Literal["reference", "reference_without_user_type", "ext_id"] = "reference"
    organization_info: Literal["value", "id"] = "value"
    nested_shapes_accepted: Literal["any", "own"] = "any"
    organization_info_needs_name: bool = False
    nested_organization_numbers_as_strings: bool = False
    integers_as_strings: bool = False

    # Extensions
    create_returns_id: bool = True
    number_update: Literal["ignored", "refused", "accepted"] = "ignored"
    update_requires_organization_list: bool = False
    number_digits_max: int = 8
    user_range_enforced: bool = False
    concurrent_registrations_max: int = 5
    title_length_max: int | None = None
    name_missing: Literal["refused", "number"] = "refused"
    name_forbidden_characters: str = ""
    cloud_password_rules: bool = False
    user_password_length_min: int = 10
    reg_password_length_min: int = 8
    password_history: int = 0
    passwords_in_base64: bool = False
    list_adds: tuple[str, ...] = ()
    list_leaves_out: tuple[str, ...] = ()
    detail_leaves_out: tuple[str, ...] = ()
    detail_returns_user_password: bool = False
    detail_lists_groups: bool = False
    search_columns: tuple[str, ...] = ("number", "caller_id_name")

    # Paging and batches
    page_size_default: int = 10_000
    page_size_cap: int = 10_000
    page_size_beyond_cap: Literal["capped", "refused"] = "capped"
    query_ids_max: int | None = None
    query_ids_beyond_max: Literal["refused", "truncated"] = "refused"
    query_unknown_ids: Literal["left_out", "refused"] = "left_out"

    # Extension groups
    group_rename: Literal["ignored", "refused", "accepted"] = "ignored"
    group_update_resets_flags: bool = False
    group_query_returns_name: bool = True
    group_of_all_lists_members: bool = False
    group_without_members: Literal["accepted", "refused"] = "accepted"
    group_count_max: int | None = 63
    group_name_length_max: int = 127
    group_name_forbidden_characters: str = ""

    # Organizations
    organization_sibling_names_unique: bool = True
    organization_name_forbidden_characters: str = ""
    organization_with_children_deleted: Literal["refused", "with_children"] = "refused"
    members_of_deleted_organization: Literal["to_root", "to_parent", "removed"] = "to_root"
    parent_counts_include_children: bool = False
    organization_limits_count_root: bool = False
    preference_api: bool = True

    # Telephony
    no_calls: Literal["empty", "refused"] = "empty"

    # Transport, errors, tokens
    missing_user_agent: Literal["cut", "denied"] = "cut"
    missing_token_errcode: int = errors.TOKEN_EXPIRED
    unknown_refresh_token_errcode: int = errors.TOKEN_EXPIRED
    unknown_id_errcode: int = errors.DATA_NOT_FOUND
    unknown_id_on_delete_errcode: int = errors.DATA_NOT_FOUND
    error_http_status: int = 200
    invalid_value_echoed: bool = False
    failed_logins_allowed: int = 5
    blocked_seconds: int | None = None
    old_token_survives_refresh: bool = False

    # Linkus
    first_log_in_changes_password: bool = False
    updated_password_is_initial: bool = False
    sign_unknown_user_errcode: int = errors.DATA_NOT_FOUND
    sign_expire_time: Literal["seconds", "point_in_time"] = "seconds"

    def changed(self, **changes: Any) -> Variants:
        """A copy with `changes` (names and values as JSON has them; lists become tuples).

        Raises ValueError for a name that is no switch, or a value that is none of the switch's.
        """
        hints = get_type_hints(type(self))
        checked: dict[str, Any] = {}
        for name, value in changes.items():
            if name not in hints:
                raise ValueError(f"{name}: no such variant")
            checked[name] = _checked(name, hints[name], value)
        return dataclasses.replace(self, **checked)


def _checked(name: str, hint: Any, value: Any) -> Any:
    if get_origin(hint) is tuple:
        suitable = isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)
    elif get_origin(hint) is Literal:
        suitable = value in get_args(hint)
    else:
        kinds = get_args(hint) or (hint,)
        suitable = type(value) in kinds
    if not suitable:
        raise ValueError(f"{name}: {value!r} is not one of its values ({hint})")
    return tuple(value) if isinstance(value, list) else value
