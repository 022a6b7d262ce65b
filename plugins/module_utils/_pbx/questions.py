# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The questions about the Open API that its documentation leaves open, and how reading alone answers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.asking import Answered, AskingClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.examination import Examination
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.masking import keys_of, shape_of
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import parse_optional_integer
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension, ExtensionGroup, Organization

#: Every question by its name, in the order of a report.
QUESTIONS: dict[str, str] = {
    "numbers": "Are ids numbers or texts of digits?",
    "extension_list_keys": "What does extension/list tell of an extension?",
    "extension_keys": "What does extension/get tell of an extension?",
    "number_returned": "Does extension/get return the number?",
    "registration_name_returned": "Does extension/get return the registration name (reg_name)?",
    "user_password_returned": "Does extension/get return the user password?",
    "groups_returned": "Does extension/get return the groups of an extension?",
    "organization_list_shape": "What is an element of an extension's organization_list?",
    "member_shape": "What is a member of an extension group?",
    "group_name_in_query": "Does extensiongroup/query return names?",
    "group_of_all_members": "Does a group of all extensions list its members?",
    "nested_parent_id": "Is the parent_id of an organization below the root a number or a text of digits?",
    "organization_query_parameter": "Does organization/query take ids or id?",
    "page_size_default": "How many objects does a page have if no page_size is given?",
    "page_size_largest": "How many objects does a page have at most?",
    "query_ids": "How many ids does extension/query take?",
    "query_unknown_id": "What does extension/query answer if one of its ids is unknown?",
    "search_columns": "In which fields does extension/search look?",
    "unknown_id": "What does extension/get answer to an unknown id?",
    "unknown_id_deleted": "What does extension/delete answer to an unknown id?",
    "company_name": "Can the company name be read (preference/get)?",
    "no_calls": "What does call/query answer while there are no calls?",
    "token_renewal": "Does refresh_token work, and does the former access token live on?",
    "missing_fields": "What does extension/create answer if fields are missing?",
    "duplicate_number": "What does extension/create answer to a number that is taken?",
    "create_returns_id": "Does creating return the id?",
    "passwords": "Are passwords sent as they are, or in Base64?",
    "update_without_organization_list": "Does extension/update do without organization_list?",
    "number_update": "Can extension/update change the number?",
    "duplicate_organization": "Can two organizations of one name be below the same parent?",
    "extensions_of_deleted_organization": "Where are the extensions of an organization that was deleted?",
    "parent_includes_children": "Does organization/list count the extensions of an organization for its parent too?",
    "group_rename": "Can extensiongroup/update change the name?",
    "group_without_members": "Can an extension group have no members?",
    "group_flags_not_sent": "What becomes of a group's permissions that an update does not send?",
    "signature": "What does sign/create answer?",
}

_FAR = 1_000_000
_HUGE_PAGE = 10_000
_MOST_IDS = 200
_TELLING_SEARCHES = ("number", "caller_id_name", "email_addr", "mobile_number")


def ask_by_reading(
    client: AskingClient,
    examination: Examination,
    extensions: Sequence[Extension],
    groups: Sequence[ExtensionGroup],
    organizations: Sequence[Organization],
) -> None:
    """Ask all that reading can answer; nothing on the PBX is changed.

    :param extensions: what the PBX holds, as the client of a run has read it.
    """
    ids = [extension.id for extension in extensions]
    placed = next((extension.id for extension in extensions if extension.organizations), None)
    ask_about_extension(client, examination, placed or next(iter(ids), None))
    examination.answer("page_size_default", partial(_default_page, client))
    examination.answer("page_size_largest", partial(_largest_page, client))
    if ids:
        examination.answer("query_ids", partial(_query_ids, client, ids[:_MOST_IDS]))
        examination.answer("query_unknown_id", partial(_query_unknown, client, ids))
        examination.answer("search_columns", partial(_search_columns, client))
    examination.answer("unknown_id", lambda: client.ask("extension/get", {"id": unknown_id(ids)}).told)
    ask_about_groups(client, examination, groups)
    ask_about_organizations(client, examination, organizations)
    examination.answer("company_name", partial(_company_name, client))
    examination.answer("no_calls", partial(_no_calls, client))
    examination.answer("token_renewal", partial(_token_renewal, client))


def unknown_id(ids: Sequence[int]) -> int:
    """Return an id that no object has, nor will have soon."""
    return max(ids, default=0) + _FAR


def ask_about_extension(client: AskingClient, examination: Examination, extension_id: int | None) -> None:
    """Ask how an extension is shown."""
    if extension_id is None or examination.ended:
        return

    def ask() -> str:
        rows = client.ask("extension/list", {"page": 1, "page_size": 1, "sort_by": "id", "order_by": "asc"}).rows()
        detail = client.ask("extension/get", {"id": extension_id}).object()
        answers = {
            "numbers": _kind(detail.get("id")),
            "extension_list_keys": keys_of(rows[0]) if rows else "",
            "extension_keys": keys_of(detail),
            "number_returned": _yes("number" in detail),
            "registration_name_returned": _yes("reg_name" in detail),
            "user_password_returned": _yes("user_password" in detail),
            "groups_returned": next((f"yes, as {key}" for key in detail if "group" in key), "no"),
        }
        listed = detail.get("organization_list")
        if isinstance(listed, list) and listed:
            answers["organization_list_shape"] = shape_of(listed[0])
        examination.answers.update(answers)
        return answers["numbers"]

    examination.answer("numbers", ask)


def ask_about_groups(client: AskingClient, examination: Examination, groups: Sequence[ExtensionGroup]) -> None:
    """Ask how extension groups and their members are shown."""
    if not groups:
        return
    examination.answer(
        "group_name_in_query",
        lambda: _yes(any("name" in row for row in client.ask("extensiongroup/query", {"ids": groups[0].id}).rows())),
    )
    everybody = next((group for group in groups if group.includes_all), None)
    if everybody is not None:
        examination.answer("group_of_all_members", lambda: _yes(bool(_members(client, everybody.id))))
    filled = next((group for group in groups if group.members), None)
    if filled is not None:
        examination.answer("member_shape", lambda: shape_of(next(iter(_members(client, filled.id)), None)))


def _members(client: AskingClient, group_id: int) -> list[Any]:
    members = client.ask("extensiongroup/get", {"id": group_id}).object().get("members")
    return members if isinstance(members, list) else []


def ask_about_organizations(
    client: AskingClient, examination: Examination, organizations: Sequence[Organization]
) -> None:
    """Ask how organizations are shown."""
    if not organizations:
        return
    examination.answer("organization_query_parameter", partial(_query_parameter, client, organizations[0].id))
    if len(organizations) > 1:
        examination.answer("nested_parent_id", partial(_nested_parent_id, client))


def _query_parameter(client: AskingClient, organization_id: int) -> str:
    taken = [name for name in ("ids", "id") if client.ask("organization/query", {name: organization_id}).rows()]
    return " and ".join(taken) or "neither"


def _nested_parent_id(client: AskingClient) -> str:
    for top in client.ask("organization/list", {"is_all": 2}).rows("organization_list"):
        for child in top.get("children") or ():
            return _kind(child.get("parent_id")) if isinstance(child, Mapping) else shape_of(child)
    return "no organization is shown below another one"


def _default_page(client: AskingClient) -> str:
    answered = client.ask("extension/list", {"page": 1})
    return _size(answered) if answered.succeeded else answered.told


def _largest_page(client: AskingClient) -> str:
    """Ask for a huge page, and while that is refused for half of it."""
    size, refused = _HUGE_PAGE, ""
    while size:
        answered = client.ask("extension/list", {"page": 1, "page_size": size})
        if answered.succeeded:
            return f"{size} accepted, {refused}" if refused else _size(answered)
        refused = f"{size} refused with {answered.told}"
        size //= 2
    return refused


def _size(answered: Answered) -> str:
    rows, total = len(answered.rows()), parse_optional_integer(answered.answer.get("total_number"))
    return str(rows) if total is not None and rows < total else f"at least {rows}, which is all there are"


def _query_ids(client: AskingClient, ids: Sequence[int]) -> str:
    size, refused = len(ids), ""
    while size:
        answered = client.ask("extension/query", {"ids": ",".join(str(one) for one in ids[:size])})
        if answered.succeeded:
            count = len(answered.rows())
            if count < size:
                return f"{count} answered of {size}"
            return f"{size} accepted, {refused}" if refused else f"at least {size}"
        refused = f"{size} refused with {answered.told}"
        size //= 2
    return refused


def _query_unknown(client: AskingClient, ids: Sequence[int]) -> str:
    answered = client.ask("extension/query", {"ids": f"{ids[0]},{unknown_id(ids)}"})
    return "leaves it out" if answered.succeeded else f"refuses all with {answered.told}"


def _search_columns(client: AskingClient) -> str:
    rows = client.ask("extension/list", {"page": 1, "page_size": 50}).rows()
    found: list[str] = []
    without: list[str] = []
    for column in _TELLING_SEARCHES:
        row = next((row for row in rows if row.get(column)), None)
        if row is None:
            continue
        answered = client.ask("extension/search", {"page": 1, "page_size": 500, "search_value": row[column]})
        same = any(str(one.get("id")) == str(row.get("id")) for one in answered.rows())
        (found if same else without).append(column)
    return f"{', '.join(found) or 'none'}; not {', '.join(without)}" if without else ", ".join(found)


def _company_name(client: AskingClient) -> str:
    answered = client.ask("preference/get")
    return _yes("company_name" in answered.object()) if answered.succeeded else answered.told


def _no_calls(client: AskingClient) -> str:
    answered = client.ask("call/query", {"type": "inbound"})
    if not answered.succeeded:
        return answered.told
    return "there are calls" if answered.rows() else "an empty list"


def _token_renewal(client: AskingClient) -> str:
    renewal = client.rehearse_renewal()
    if not renewal.accepted:
        return "refused"
    return f"works; the former token {'lives on' if renewal.former_survives else 'is dead'}"


def _kind(value: object) -> str:
    return {"integer": "numbers", "digits": "texts"}.get(shape_of(value), shape_of(value))


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
