# SPDX-License-Identifier: GPL-3.0-or-later
"""A domain controller that answers searches in memory, behind what the reader uses of an LDAP connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any

from ldap3.core.exceptions import LDAPSessionTerminatedByServerError, LDAPSocketReceiveError, LDAPSocketSendError

from tests.simulator.clock import SimulatedClock
from tests.simulator.directory import DELETED_OBJECTS, DOMAIN_DN, Shown, SimulatedDirectory
from tests.simulator.filters import compiled
from tests.simulator.troubles import KILLED_AFTER, Fault, Side, Troubles

PAGED = "1.2.840.113556.1.4.319"
SHOW_DELETED = "1.2.840.113556.1.4.417"
SUCCESS, SIZE_LIMIT_EXCEEDED, REFERRAL, NO_SUCH_OBJECT = 0, 4, 10, 32
_SERVICE = f"CN=NTDS Settings,CN=DC,CN=Servers,CN=Configuration,{DOMAIN_DN}"
_WELL_KNOWN_DELETED = "<WKGUID=18E2EA80684F11D2B9AA00C04F79F805,"
_FEW_TIMES = 5
_CUTS = (LDAPSocketSendError, LDAPSocketReceiveError, LDAPSessionTerminatedByServerError, ConnectionResetError)

# What may go wrong with the answer to a search. Those that say success may hide objects or members.
CUT_BEFORE, CUT_AFTER = "cut_before", "cut_after"
RESULT_CODE, SIZE_LIMIT, REFERRED, REFERENCE = "result_code", "size_limit", "referred", "reference"
NO_CONTROL, EMPTY_PAGE, REPEATED_PAGE = "no_paging_control", "empty_page", "repeated_page"
LOST_COOKIE, TRUNCATED, FEWER_MEMBERS, BROKEN_RANGE = "lost_cookie", "truncated", "fewer_members", "broken_range"
# All pages of an answer together end too early, and every time alike; objects asked for by objectGUID are shown.
LIMITED = "limited"
HIDING = frozenset({LOST_COOKIE, TRUNCATED, FEWER_MEMBERS, BROKEN_RANGE, LIMITED})
FAULT_KINDS = (
    CUT_BEFORE,
    CUT_AFTER,
    RESULT_CODE,
    RESULT_CODE,
    SIZE_LIMIT,
    SIZE_LIMIT,
    REFERRED,
    REFERENCE,
    NO_CONTROL,
    EMPTY_PAGE,
    REPEATED_PAGE,
    LOST_COOKIE,
    LOST_COOKIE,
    TRUNCATED,
    TRUNCATED,
    FEWER_MEMBERS,
    FEWER_MEMBERS,
    BROKEN_RANGE,
    LIMITED,
    LIMITED,
)


@dataclass(frozen=True, slots=True)
class ServerManners:
    """How a domain controller answers.

    :param page_limit: entries a page at most, whatever is asked for.
    :param range_limit: values of an attribute at once.
    :param extra_empty_pages: whether pages without an entry come in between, as they may.
    """

    page_limit: int = 1000
    range_limit: int = 1500
    extra_empty_pages: bool = False


@dataclass(slots=True)
class _Page:
    """One page of an answer, as faults may bend it."""

    entries: list[dict[str, Any]]
    cookie: bytes
    code: int = SUCCESS
    has_control: bool = True
    references: list[str] = field(default_factory=list)


class SimulatedConnection:
    """One connection, as ``ldap3.Connection``: ``search`` leaves ``result`` and ``response``.

    :param random: in which order entries come.
    """

    def __init__(
        self,
        directory: SimulatedDirectory,
        clock: SimulatedClock,
        manners: ServerManners,
        troubles: Troubles,
        random: Random,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._manners = manners
        self._troubles = troubles
        self._random = random
        # What is left of each paged search, by its cookie.
        self._left: dict[bytes, list[dict[str, Any]]] = {}
        self._last_page: list[dict[str, Any]] = []
        self.server = SimpleNamespace(host="dc.sim.test")
        self.result: dict[str, Any] = {}
        self.response: list[dict[str, Any]] = []

    def search(
        self,
        base: str,
        text: str,
        *,
        search_scope: str,
        attributes: Sequence[str],
        controls: Sequence[tuple[str, bool, bytes | None]],
        paged_size: int | None = None,
        paged_criticality: bool = False,
        paged_cookie: bytes | None = None,
    ) -> bool:
        """Answer a search, or a further page of one; see ldap3's documentation."""
        fault = self._troubles.step(Side.DIRECTORY, f"search {base!r} {search_scope} {text} page {paged_size}")
        if fault is not None and fault.kind == CUT_BEFORE:
            raise fault.random().choice(_CUTS)("the connection ended")
        if paged_cookie:
            page = self._page(self._left.pop(paged_cookie), paged_size)
        else:
            deleted_too = any(control[0] == SHOW_DELETED for control in controls)
            entries = self._find(base, text, search_scope, attributes, deleted_too=deleted_too)
            if fault is not None and fault.kind == LIMITED and "objectGUID=" not in text:
                entries = entries and entries[: fault.random().randint(0, 5)]
            page = _Page([], b"", NO_SUCH_OBJECT) if entries is None else self._page(entries, paged_size)
        if not paged_cookie:
            self._last_page = []
        if fault is not None and not _is_lie_without_end(fault, text):
            self._bend(page, fault)
        self._last_page = page.entries
        self._answer(page, paged=paged_size is not None)
        return page.code == SUCCESS

    # --- what is found

    def _find(
        self, base: str, text: str, scope: str, attributes: Sequence[str], *, deleted_too: bool
    ) -> list[dict[str, Any]] | None:
        """Return the entries in some order; None if the base is not there."""
        if not base:
            return [self._root_entry()]
        if base == _SERVICE:
            return [_entry(_SERVICE, {"invocationId": [self._directory.invocation_id.bytes_le]})]
        sees_deleted = deleted_too and self._directory.tombstones_readable
        if base.startswith(_WELL_KNOWN_DELETED):
            container = f"{DELETED_OBJECTS},{DOMAIN_DN}"
            return [_entry(container, {"objectGUID": [bytes(range(16))]})] if sees_deleted else None
        at = next((one for one in self._directory.shown() if one.dn.casefold() == base.casefold()), None)
        if at is None or at.hidden or at.deleted:
            return None
        matches = compiled(text)
        found = [
            one
            for one in self._directory.shown()
            if not one.hidden
            and (not one.deleted or (sees_deleted and at.guid == self._directory.domain))
            and _is_in_reach(one, at, scope)
            and matches(self._directory, one)
        ]
        self._random.shuffle(found)
        return [self._shown(one, attributes) for one in found]

    def _root_entry(self) -> dict[str, Any]:
        time = self._clock.time().strftime("%Y%m%d%H%M%S.0Z")
        self._directory.shown()
        texts = {
            "defaultNamingContext": DOMAIN_DN,
            "dnsHostName": "dc.sim.test",
            "currentTime": time,
            "dsServiceName": _SERVICE,
            "highestCommittedUSN": str(self._directory.usn),
        }
        values = {name: [value.encode()] for name, value in texts.items()}
        return _entry("", {**values, "tokenGroups": [self._directory.account_groups]})

    def _shown(self, one: Shown, attributes: Sequence[str]) -> dict[str, Any]:
        values: dict[str, list[bytes]] = {}
        for name in attributes:
            if name.lower().partition(";")[0] == "member":
                values.update(self._members(one, name))
            elif name in one.texts:
                values[name] = one.texts[name]
        return _entry(one.dn, values)

    def _members(self, one: Shown, asked: str) -> dict[str, list[bytes]]:
        """The members from where the range that is asked for begins, as many as the server gives at once."""
        limit, low = self._manners.range_limit, 0
        if ";range=" in asked:
            low = int(asked.partition("=")[2].partition("-")[0])
        elif len(one.members) <= limit:
            return {"member": list(one.members)} if one.members else {}
        part = list(one.members[low : low + limit])
        is_last = low + limit >= len(one.members)
        return {f"member;range={low}-{'*' if is_last else low + len(part) - 1}": part}

    # --- pages

    def _page(self, entries: list[dict[str, Any]], size: int | None) -> _Page:
        if size is None:
            limit = self._manners.page_limit
            return _Page(entries[:limit], b"", SUCCESS if len(entries) <= limit else SIZE_LIMIT_EXCEEDED)
        size = min(size, self._manners.page_limit)
        if self._manners.extra_empty_pages and self._random.random() < 0.2:
            return _Page([], self._cookie(entries)) if entries else _Page([], b"")
        rest = entries[size:]
        return _Page(entries[:size], self._cookie(rest) if rest else b"")

    def _cookie(self, rest: list[dict[str, Any]]) -> bytes:
        cookie = f"cookie {len(self._left)} {self._random.getrandbits(64)}".encode()
        self._left[cookie] = rest
        return cookie

    def _answer(self, page: _Page, *, paged: bool) -> None:
        controls = {PAGED: {"value": {"size": 0, "cookie": page.cookie}}} if paged and page.has_control else {}
        self.response = [
            *page.entries,
            *({"type": "searchResRef", "uri": [uri]} for uri in page.references),
        ]
        self.result = {
            "type": "searchResDone",
            "result": page.code,
            "description": f"result{page.code}",
            "message": "",
            "referrals": ["ldap://elsewhere.sim.test"] if page.code == REFERRAL else None,
            "controls": controls,
        }

    # --- faults

    def _bend(self, page: _Page, fault: Fault) -> None:
        random = fault.random()
        if fault.kind == KILLED_AFTER:
            self._troubles.die()
        if fault.kind == CUT_AFTER:
            raise random.choice(_CUTS)("the connection ended")
        if fault.kind in (RESULT_CODE, SIZE_LIMIT, REFERRED, REFERENCE, NO_CONTROL):
            self._bend_openly(page, fault.kind, random)
        else:
            self._bend_in_silence(page, fault.kind, random)

    def _bend_openly(self, page: _Page, kind: str, random: Random) -> None:
        """Give an answer that says that it is none, or lacks what says that it is one."""
        if kind == RESULT_CODE:
            page.code = random.randint(1, 80)
            page.entries = page.entries[: random.randint(0, len(page.entries))]
            page.has_control = random.random() < 0.5
        elif kind == SIZE_LIMIT:
            limit = random.randint(0, 4)
            if len(page.entries) > limit:
                page.code, page.entries, page.cookie = SIZE_LIMIT_EXCEEDED, page.entries[:limit], b""
        elif kind == REFERRED:
            page.code, page.entries = REFERRAL, []
        elif kind == REFERENCE:
            page.references.append("ldap://elsewhere.sim.test/DC=elsewhere")
        elif kind == NO_CONTROL:
            page.has_control = False

    def _bend_in_silence(self, page: _Page, kind: str, random: Random) -> None:
        """Give an answer that looks like a good one."""
        if kind == EMPTY_PAGE and page.entries:
            page.cookie = self._cookie([*page.entries, *self._left.pop(page.cookie, [])])
            page.entries = []
        elif kind == REPEATED_PAGE and self._last_page:
            page.entries = [*self._last_page]
        elif kind == LOST_COOKIE:
            page.cookie = b""
        elif kind == TRUNCATED and page.entries:
            if random.random() < 0.5:
                page.entries = page.entries[: random.randrange(len(page.entries))]
            else:
                page.entries = [one for one in page.entries if random.random() < 0.7]
        elif kind == FEWER_MEMBERS:
            page.entries = [_bent_members(one, random, keep_form=True) for one in page.entries]
        elif kind == BROKEN_RANGE:
            page.entries = [_bent_members(one, random, keep_form=False) for one in page.entries]


def _is_lie_without_end(fault: Fault, text: str) -> bool:
    """Whether objects would be hidden from every question, those by objectGUID too: such a directory is believed."""
    return fault.kind == TRUNCATED and fault.times > _FEW_TIMES and "objectGUID=" in text


def _entry(dn: str, values: dict[str, list[bytes]]) -> dict[str, Any]:
    return {"type": "searchResEntry", "dn": dn, "raw_dn": dn.encode(), "raw_attributes": values}


def _is_in_reach(one: Shown, base: Shown, scope: str) -> bool:
    if scope == "BASE":
        return one.guid == base.guid
    if scope == "LEVEL":
        return bool(one.above) and one.above[0] == base.guid
    return one.guid == base.guid or base.guid in one.above or one.deleted


def _bent_members(entry: dict[str, Any], random: Random, *, keep_form: bool) -> dict[str, Any]:
    """An entry some of whose members are missing; its range, where it has one, may be a wrong one too."""
    values = dict(entry["raw_attributes"])
    name = next((one for one in values if one.startswith("member")), None)
    if name is None:
        return entry
    members = values.pop(name)
    kept = [one for one in members if random.random() < 0.6]
    if keep_form or ";range=" not in name:
        if kept:
            values[name] = kept
        return {**entry, "raw_attributes": values}
    low = int(name.partition("=")[2].partition("-")[0])
    forms = {
        f"member;range={low}-*": members[: len(members) // 2] or members,
        f"member;range={low + 1}-{low + len(members)}": members,
        f"member;range={low}-{low + len(members) + 3}": members,
        "member;range=none": members,
    }
    chosen = random.choice(sorted(forms))
    values[chosen] = forms[chosen]
    return {**entry, "raw_attributes": values}
