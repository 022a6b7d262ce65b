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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, Literal, Optional, TypeVar

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import LIBRARY_FAULTS, lost_connection
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import IncompleteReadError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import require_dn
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.receiving import handed_over

try:
    import ldap3
    import ldap3.core.exceptions
except ImportError:
    ldap3 = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from ldap3 import Connection

Control = tuple[str, bool, Optional[bytes]]  # noqa: UP045 (pylint knows no | here)
Scope = Literal["BASE", "LEVEL", "SUBTREE"]
_Object = TypeVar("_Object")

PAGED_RESULTS = "1.2.840.113556.1.4.319"
# No referrals and no continuation references, one naming context alone (MS-ADTS 3.1.1.3.4.1.4).
DOMAIN_SCOPE: Control = ("1.2.840.113556.1.4.1339", True, None)
# Tombstones and deleted objects; the second one also recycled objects, and older servers do not know it.
SHOW_DELETED: Control = ("1.2.840.113556.1.4.417", True, None)
SHOW_RECYCLED: Control = ("1.2.840.113556.1.4.2064", False, None)

# The most that Active Directory gives by default (MaxPageSize). Measured with 20,000 entries on OpenLDAP, smaller pages
# cost the reader more of the processor, a tenth more at 250 and a fifth at 100, for a request is made slowly; larger
# ones gain nothing. On Samba the size makes no difference that could be told from chance.
PAGE_SIZE = 1000

_SUCCESS = 0
_SIZE_LIMIT_EXCEEDED = 4
_NO_SUCH_OBJECT = 32
_REFERRAL = 10
_MOST_EMPTY_PAGES = 100
# What Active Directory gives without pages, by the default of its MaxPageSize.
_MOST_AT_ONCE = 1000
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
class _UnfinishedEntry:
    """An entry and the first ranges of those of its attributes that have more values than the server gives at once."""

    entry: Entry
    ranges: Mapping[str, Sequence[bytes] | None]


class _Page(Generic[_Object]):
    """What was made of a page's entries, each as it came.

    :ivar names: hashes of the distinguished names of all of them.
    :ivar unfinished: of these nothing is made yet.
    :ivar error: why one of them could not be read.
    """

    def __init__(self, search: Search, make: Callable[[Entry], _Object]) -> None:
        self._search = search
        self._make = make
        self.names: list[int] = []
        self.made: list[_Object] = []
        self.unfinished: list[_UnfinishedEntry] = []
        self.error: Exception | None = None

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self.names)

    def take(self, found: Mapping[str, Any]) -> None:
        """Make of an entry what is wanted of it; an error is kept, for the answer is to be read to its end."""
        self.names.append(hash(found["raw_dn"]))
        try:
            entry, ranges = _entry(self._search, found)
            if ranges:
                self.unfinished.append(_UnfinishedEntry(entry, ranges))
            else:
                self.made.append(self._make(entry))
        except Exception as error:
            # Whatever it is: it is raised once the answer was read.
            self.error = self.error or error


def read_all(connection: Connection, search: Search) -> list[Entry]:
    """Read all that a search finds, with every value.

    :raises IncompleteReadError: if the answer is not proved complete.
    :raises DirectoryUnreachableError: if the connection ends or falls silent.
    """
    return read_objects(connection, search, lambda entry: entry)


def read_objects(connection: Connection, search: Search, make: Callable[[Entry], _Object]) -> list[_Object]:
    """Read all that a search finds, with every value, and make of each entry what is wanted of it.

    What was made is given away once the answer is proved complete. The entries themselves are let go as they come, but
    for those whose ranges are still to be followed.

    :raises IncompleteReadError: if the answer is not proved complete.
    :raises DirectoryUnreachableError: if the connection ends or falls silent.
    """
    made: list[_Object] = []
    unfinished: list[_UnfinishedEntry] = []
    sizes: list[int] = []
    for page in _pages(connection, search, PAGE_SIZE, make):
        made += page.made
        unfinished += page.unfinished
        sizes.append(page.size)
    # A cookie that is lost on the way makes a full page look like the last one, and an entry that is lost makes a page
    # shorter. Where the pages do not speak against both, the entries are counted again.
    if not _show_their_end(sizes):
        _count_again(connection, search, sizes)
    made += [make(_finished(connection, search, one)) for one in unfinished]
    return made


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
    found = _found(connection, search, 1)
    if not found:
        return None
    entry, ranges = _entry(search, found[0])
    return _finished(connection, search, _UnfinishedEntry(entry, ranges))


def _pages(
    connection: Connection, search: Search, page_size: int, make: Callable[[Entry], _Object]
) -> Iterator[_Page[_Object]]:
    """Read page after page, each only once the one before it was dealt with."""
    # Hashes take less room than names; two names of one hash would be an error, not a loss.
    seen: set[int] = set()
    page_number = empty_pages = 0
    cookie: bytes | None = None
    while cookie != b"":
        page_number += 1
        page = _Page(search, make)
        with handed_over(connection, page.take):
            _ask(connection, search, paged_size=page_size, paged_criticality=True, paged_cookie=cookie)
        _check_result(connection, search, page_number)
        cookie = _next_cookie(connection, search, page_number)
        for found in _found(connection, search, page_number):
            page.take(found)
        if page.error is not None:
            raise page.error
        if not seen.isdisjoint(page.names):
            raise _incomplete(search, page_number, "it holds entries of an earlier page")
        seen.update(page.names)
        empty_pages = 0 if page.names else empty_pages + 1
        if empty_pages > _MOST_EMPTY_PAGES:
            raise _incomplete(search, page_number, f"it is the {empty_pages}th empty page on end")
        yield page


def _show_their_end(sizes: Sequence[int]) -> bool:
    """Tell whether all pages were of one size but the last, which was shorter."""
    first, *others = sizes
    return bool(others) and set(others[:-1]) <= {first} and others[-1] < first


def _count_again(connection: Connection, search: Search, sizes: Sequence[int]) -> None:
    names_only = replace(search, attributes=(ldap3.NO_ATTRIBUTES,))
    read = sum(sizes)
    counted = _count_at_once(connection, names_only) if read <= _MOST_AT_ONCE else None
    if counted is None:
        # In a size that breaks elsewhere.
        pages = _pages(connection, names_only, max(1, sizes[0] - 1), lambda _entry: None)
        counted = sum(page.size for page in pages)
    if counted != read:
        raise IncompleteReadError(
            f"Reading {search.base} gave {read} objects, and {counted} when it was counted again: the "
            "answer was cut short, or the directory changed meanwhile.",
            _RUN_AGAIN,
        )


def _count_at_once(connection: Connection, search: Search) -> int | None:
    """Count what a search finds without pages, None if the server has more than it gives so.

    There is no cookie to lose, and a server has less to do: Samba keeps no list of what is to come.
    """
    _ask(connection, search)
    if connection.result["result"] == _SIZE_LIMIT_EXCEEDED:
        return None
    _check_result(connection, search, 1)
    return len(_found(connection, search, 1))


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


def _found(connection: Connection, search: Search, page: int) -> list[dict[str, Any]]:
    """Return the entries as they came, if nothing came beside them."""
    found: list[dict[str, Any]] = connection.response or []
    for item in found:
        if item["type"] == "searchResRef":
            # With DOMAIN_SCOPE the server sends none; one that does keeps a part of the answer elsewhere.
            raise _incomplete(search, page, f"a part of it is elsewhere: {', '.join(item['uri'])}")
        if item["type"] != "searchResEntry":
            raise _incomplete(search, page, f"it holds a message of the kind {item['type']}")
    return found


def _incomplete(search: Search, page: int, why: str) -> IncompleteReadError:
    return IncompleteReadError(f"Reading {search.base}, page {page} (result 0, success): {why}.", _RUN_AGAIN)


# Ranges of values


def _entry(search: Search, found: Mapping[str, Any]) -> tuple[Entry, dict[str, list[bytes] | None]]:
    """Return an entry, and beside it those of its attributes that came as a range, by their descriptions."""
    dn: str = found["dn"]
    _require_dn(search, dn)
    attributes: dict[str, list[bytes]] = found["raw_attributes"]
    if _are_plain_names(tuple(attributes)) and all(attributes.values()):
        return Entry(dn, attributes), {}
    values: dict[str, list[bytes]] = {}
    ranges: dict[str, list[bytes] | None] = {}
    for description, raw in attributes.items():
        if ";" in description:
            ranges[description] = raw
        elif raw:
            values[description.lower()] = raw
    return Entry(dn, values), ranges


# The entries of one search have the same attributes, but for a few combinations.
@lru_cache(maxsize=256)
def _are_plain_names(descriptions: tuple[str, ...]) -> bool:
    """Tell whether attributes came by their names in lower case, without options such as ranges."""
    return all(description == description.lower() and ";" not in description for description in descriptions)


def _finished(connection: Connection, search: Search, unfinished: _UnfinishedEntry) -> Entry:
    """Return an entry with all values of its ranges."""
    entry = unfinished.entry
    values = dict(entry.values)
    for description, first in unfinished.ranges.items():
        name = description.partition(";")[0].lower()
        if name in values:
            raise _broken_range(entry.dn, description, "other values of the attribute came beside it")
        values[name] = _read_range(connection, search, entry.dn, description, first)
    return Entry(entry.dn, values)


def _require_dn(search: Search, dn: str) -> None:
    """Refuse an object of which nothing tells where it is; the server's own entry alone has no name."""
    if not dn and not search.base:
        return
    try:
        require_dn(dn)
    except ValueError as error:
        raise IncompleteReadError(
            f"Reading {search.base} gave an object whose name cannot be read: {error}.", _RUN_AGAIN
        ) from None


def _read_range(
    connection: Connection, search: Search, dn: str, description: str, values: Sequence[bytes] | None
) -> list[bytes]:
    """Follow an attribute's ranges from the first one, which is given, to the one that ends with ``*``.

    Ranges count by place (MS-ADTS 3.1.1.3.1.3.3). Where a value goes that was read already, all after it move up, and
    the next range would leave one out. So each begins with the last one of those before, which must be in its place.
    """
    gathered: list[bytes] = []
    seen: set[bytes] = set()
    while True:
        found = _RANGE.fullmatch(description)
        part, last = list(values or ()), gathered[-1:]
        low = len(gathered) - len(last)
        if not found or int(found["low"]) != low or not part:
            raise _broken_range(dn, description, f"expected values from {low} on")
        if last and part[0] != last[0]:
            raise _broken_range(dn, description, "values changed while they were read")
        more = part[len(last) :]
        gathered += more
        seen.update(more)
        # Looked at with every part: a server that never ends a range would give old values for ever.
        if len(seen) != len(gathered):
            raise _broken_range(dn, description, "a value came twice")
        if found["high"] == "*":
            return gathered
        if int(found["high"]) != len(gathered) - 1 or not more:
            raise _broken_range(dn, description, f"it holds {len(part)} values")
        description, values = _next_range(connection, search, dn, found["name"], len(gathered) - 1)


def _next_range(
    connection: Connection, search: Search, dn: str, name: str, low: int
) -> tuple[str, Sequence[bytes] | None]:
    asked = f"{name};range={low}-*"
    question = Search(dn, "(objectClass=*)", (asked,), ldap3.BASE, search.controls)
    _ask(connection, question)
    _check_result(connection, question, 1)
    entries = _found(connection, question, 1)
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
