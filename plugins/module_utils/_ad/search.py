# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Searches whose answer is proved complete, or that raise.

The library takes a size or time limit, a missing paging control and a half-read range for the end of the data. Here,
every page must say success and carry the paging control (RFC 2696), every range must be followed to its end
(MS-ADTS 3.1.1.3.1.3.3), and nothing is returned before both are so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Optional

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import LIBRARY_FAULTS, lost_connection
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import parse_dn

try:
    import ldap3
    import ldap3.core.exceptions
except ImportError:
    ldap3 = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from ldap3 import Connection

Control = tuple[str, bool, Optional[bytes]]  # noqa: UP045 (pylint knows no | here)
Scope = Literal["BASE", "LEVEL", "SUBTREE"]

PAGED_RESULTS = "1.2.840.113556.1.4.319"
# No referrals and no continuation references, one naming context alone (MS-ADTS 3.1.1.3.4.1.4).
DOMAIN_SCOPE: Control = ("1.2.840.113556.1.4.1339", True, None)
# Tombstones and deleted objects; the second one also recycled objects, and older servers do not know it.
SHOW_DELETED: Control = ("1.2.840.113556.1.4.417", True, None)
SHOW_RECYCLED: Control = ("1.2.840.113556.1.4.2064", False, None)

# Active Directory's MaxPageSize and the most that it gives by default.
PAGE_SIZE = 1000

_SUCCESS = 0
_NO_SUCH_OBJECT = 32
_REFERRAL = 10
_MOST_EMPTY_PAGES = 100
# A domain holds 2^31 objects at most, so no attribute has more values than ten digits count.
_RANGE = re.compile(r"(?P<name>[^;]+);range=(?P<low>[0-9]{1,10})-(?P<high>[0-9]{1,10}|\*)", re.IGNORECASE)
_RUN_AGAIN = "Nothing was changed; run again."
_REMEDIES = {
    3: "The server's time limit was reached: name a smaller directory_base_dn, or run again when it is less busy.",
    4: "The server's size limit was reached: raise its MaxPageSize policy or name a smaller directory_base_dn.",
    11: "An administrative limit of the server was reached: see its LDAP policies (ntdsutil).",
    50: "Give the account of directory_username the right to read there.",
    51: "The server is busy: run again later.",
    52: "The server is unavailable: run again later, or name another domain controller in directory_host.",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One object that was read.

    :param values: raw values by lower-case attribute name; an attribute without values is absent.
    """

    dn: str
    values: dict[str, list[bytes]]

    def first(self, attribute: str) -> bytes | None:
        """Return the one value of a single-valued attribute, None where there is none."""
        values = self.values.get(attribute.lower())
        return values[0] if values else None


@dataclass(frozen=True, slots=True)
class Search:
    """One question to the directory.

    :param base: distinguished name where the search begins, or one of Active Directory's ``<WKGUID=...>`` forms.
    :param scope: the base and all below it, one level below it, or the base alone.
    """

    base: str
    filter: str
    attributes: Sequence[str]
    scope: Scope = "SUBTREE"
    controls: Sequence[Control] = (DOMAIN_SCOPE,)


@dataclass(frozen=True, slots=True)
class _Pages:
    """All entries of a search, and how many there were on each page."""

    entries: list[dict[str, Any]]
    sizes: Sequence[int]

    @property
    def show_their_end(self) -> bool:
        """Whether all pages were of one size but the last, which was shorter."""
        first, *others = self.sizes
        return bool(others) and set(others[:-1]) <= {first} and others[-1] < first


def read_all(connection: Connection, search: Search) -> list[Entry]:
    """Read all that a search finds, with every value.

    :raises IncompleteReadError: if the answer is not proved complete.
    :raises DirectoryUnreachableError: if the connection ends or falls silent.
    """
    pages = _read_pages(connection, search, PAGE_SIZE)
    # A cookie that is lost on the way makes a full page look like the last one, and an entry that is lost makes a page
    # shorter. Where the pages do not speak against both, they are counted again in a size that breaks elsewhere.
    if not pages.show_their_end:
        _count_again(connection, search, pages)
    return [_complete_entry(connection, search, entry) for entry in pages.entries]


def read_one(connection: Connection, search: Search) -> Entry | None:
    """Read the object that the search's base names, with every value; None if there is none or the filter rejects it.

    :raises IncompleteReadError: if the answer is anything but these.
    :raises DirectoryUnreachableError: if the connection ends or falls silent.
    """
    search = replace(search, scope=ldap3.BASE)
    _ask(connection, search)
    if connection.result["result"] == _NO_SUCH_OBJECT:
        return None
    _check_result(connection, search, 1)
    entries = _entries(connection, search, 1)
    return _complete_entry(connection, search, entries[0]) if entries else None


def _read_pages(connection: Connection, search: Search, page_size: int) -> _Pages:
    entries: list[dict[str, Any]] = []
    seen: set[bytes] = set()
    sizes: list[int] = []
    empty_pages = 0
    cookie: bytes | None = None
    while cookie != b"":
        page_number = len(sizes) + 1
        _ask(connection, search, paged_size=page_size, paged_criticality=True, paged_cookie=cookie)
        _check_result(connection, search, page_number)
        cookie = _next_cookie(connection, search, page_number)
        page = _entries(connection, search, page_number)
        names = [entry["raw_dn"] for entry in page]
        if not seen.isdisjoint(names):
            raise _incomplete(search, page_number, "it holds entries of an earlier page")
        seen.update(names)
        empty_pages = 0 if page else empty_pages + 1
        if empty_pages > _MOST_EMPTY_PAGES:
            raise _incomplete(search, page_number, f"it is the {empty_pages}th empty page on end")
        entries += page
        sizes.append(len(page))
    return _Pages(entries, sizes)


def _count_again(connection: Connection, search: Search, pages: _Pages) -> None:
    names_only = replace(search, attributes=(ldap3.NO_ATTRIBUTES,))
    counted = len(_read_pages(connection, names_only, max(1, pages.sizes[0] - 1)).entries)
    if counted != len(pages.entries):
        raise IncompleteReadError(
            f"Reading {search.base} gave {len(pages.entries)} objects, and {counted} when it was counted again: the "
            "answer was cut short, or the directory changed meanwhile.",
            _RUN_AGAIN,
        )


def _ask(connection: Connection, search: Search, **paging: Any) -> None:
    try:
        connection.search(
            search.base,
            search.filter,
            search_scope=search.scope,
            attributes=list(search.attributes),
            controls=list(search.controls),
            **paging,
        )
    except (ldap3.core.exceptions.LDAPException, OSError) as error:
        raise lost_connection(connection, search.base or "the server's own entry", error) from None
    except LIBRARY_FAULTS as error:
        raise IncompleteReadError(
            f"Reading {search.base or 'the own entry'} of {connection.server.host} gave an answer that is not LDAP "
            f"({type(error).__name__} while it was decoded).",
            "Check directory_host and directory_port, and what stands between this computer and the domain controller.",
        ) from None


def _check_result(connection: Connection, search: Search, page: int) -> None:
    result = connection.result
    if result["type"] != "searchResDone":
        raise _incomplete(search, page, f"it ended with a message of the kind {result['type']}")
    code = result["result"]
    if code == _SUCCESS:
        return
    if code == _REFERRAL:
        where = ", ".join(result.get("referrals") or ()) or "elsewhere"
        raise IncompleteReadError(
            f"Reading {search.base} (page {page}) was referred to {where} (result {code}), which is not followed.",
            "Name a domain controller of the domain that holds directory_base_dn in directory_host.",
        )
    raise IncompleteReadError(
        f"Reading {search.base} (page {page}) ended with result {code} ({result['description']}): "
        f"{str(result['message']).strip() or 'no text'}.",
        _REMEDIES.get(code, _RUN_AGAIN),
    )


def _next_cookie(connection: Connection, search: Search, page: int) -> bytes:
    control = (connection.result.get("controls") or {}).get(PAGED_RESULTS)
    if control is None:
        raise _incomplete(search, page, "it came without the paging control, so nothing tells whether it is the last")
    cookie: bytes = control["value"]["cookie"]
    return cookie


def _entries(connection: Connection, search: Search, page: int) -> list[dict[str, Any]]:
    entries = []
    for item in connection.response or ():
        if item["type"] == "searchResRef":
            # With DOMAIN_SCOPE the server sends none; one that does keeps a part of the answer elsewhere.
            raise _incomplete(search, page, f"a part of it is elsewhere: {', '.join(item['uri'])}")
        if item["type"] != "searchResEntry":
            raise _incomplete(search, page, f"it holds a message of the kind {item['type']}")
        entries.append(item)
    return entries


def _incomplete(search: Search, page: int, why: str) -> IncompleteReadError:
    return IncompleteReadError(f"Reading {search.base}, page {page} (result 0, success): {why}.", _RUN_AGAIN)


# Ranges of values


def _complete_entry(connection: Connection, search: Search, entry: dict[str, Any]) -> Entry:
    values: dict[str, list[bytes]] = {}
    ranged: list[str] = []
    _require_dn(search, entry["dn"])
    for description, raw in entry["raw_attributes"].items():
        if ";" in description:
            ranged.append(description)
        elif raw:
            values[description.lower()] = raw
    for description in ranged:
        name = description.partition(";")[0].lower()
        if name in values:
            raise _broken_range(entry["dn"], description, "other values of the attribute came beside it")
        values[name] = _read_range(connection, search, entry["dn"], description, entry["raw_attributes"][description])
    return Entry(entry["dn"], values)


def _require_dn(search: Search, dn: str) -> None:
    """Refuse an object of which nothing tells where it is; the server's own entry alone has no name."""
    if not dn and not search.base:
        return
    try:
        parse_dn(dn)
    except ValueError as error:
        raise IncompleteReadError(
            f"Reading {search.base} gave an object whose name cannot be read: {error}.", _RUN_AGAIN
        ) from None


def _read_range(
    connection: Connection, search: Search, dn: str, description: str, values: Sequence[bytes] | None
) -> list[bytes]:
    """Follow an attribute's ranges from the first one, which is given, to the one that ends with ``*``."""
    gathered: list[bytes] = []
    seen: set[bytes] = set()
    while True:
        found = _RANGE.fullmatch(description)
        part = values or []
        if not found or int(found["low"]) != len(gathered) or not part:
            raise _broken_range(dn, description, f"expected values from {len(gathered)} on")
        gathered += part
        seen.update(part)
        # Looked at with every part: a server that never ends a range would give old values for ever.
        if len(seen) != len(gathered):
            raise _broken_range(dn, description, "a value came twice")
        if found["high"] == "*":
            return gathered
        if int(found["high"]) != len(gathered) - 1:
            raise _broken_range(dn, description, f"it holds {len(part)} values")
        description, values = _next_range(connection, search, dn, found["name"], len(gathered))


def _next_range(
    connection: Connection, search: Search, dn: str, name: str, low: int
) -> tuple[str, Sequence[bytes] | None]:
    asked = f"{name};range={low}-*"
    question = Search(dn, "(objectClass=*)", (asked,), ldap3.BASE, search.controls)
    _ask(connection, question)
    _check_result(connection, question, 1)
    entries = _entries(connection, question, 1)
    answered = {
        description: values
        for entry in entries
        for description, values in entry["raw_attributes"].items()
        if description.lower().startswith(f"{name.lower()};range=")
    }
    if len(entries) != 1 or len(answered) != 1:
        raise _broken_range(dn, asked, "it was not answered")
    return next(iter(answered.items()))


def _broken_range(dn: str, description: str, why: str) -> IncompleteReadError:
    return IncompleteReadError(f"Reading {dn}: {description} is not the next part of the values: {why}.", _RUN_AGAIN)
