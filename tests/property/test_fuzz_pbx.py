# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a PBX answers with: a PbxError, or a snapshot of plain values in which nothing that was listed is missing.

The answers are the emulator's own, altered before the client reads them.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    PbxAnswerError,
    PbxError,
    error_from_answer,
    login_error_from_answer,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import parse_optional_integer
from hypothesis import given
from hypothesis import strategies as st

from lab.pbx.api import ApiRequest
from lab.pbx.api import answer as emulated
from lab.pbx.clock import AdjustableClock
from lab.pbx.pbx import Pbx
from lab.pbx.settings import Settings
from lab.pbx.variants import Variants
from tests.property.fuzzing import fuzzed, json_values, numbers, scalars

_URL = "http://pbx.example.com"
_SETTINGS = Settings()

Alter = Callable[[str, dict[str, Any]], "Sent"]


@dataclass
class Sent:
    """An answer as it goes out."""

    content: bytes
    status: int = 200
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


def _plain(_endpoint: str, payload: dict[str, Any]) -> Sent:
    return Sent(json.dumps(payload).encode())


class EmulatedHttp:
    """What the client takes for its HTTP library: the emulator without a socket. Keeps the answers that it sent."""

    def __init__(self, pbx: Pbx, alter: Alter) -> None:
        self._pbx = pbx
        self._alter = alter
        self.sent: list[tuple[str, Sent]] = []

    def request(self, method: str, url: str, data: bytes | None = None, **_options: Any) -> requests.Response:
        """Answer a call."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        asked = ApiRequest(method, parts.path, query, data or b"", "application/json", "127.0.0.1")
        payload: dict[str, Any] = json.loads(json.dumps(emulated(self._pbx, asked).payload))
        sent = self._alter(asked.endpoint, payload)
        self.sent.append((asked.endpoint, sent))
        response = requests.Response()
        response.status_code, response._content = sent.status, sent.content
        response.headers.update(sent.headers)
        return response

    def close(self) -> None:
        """Do nothing."""


def _filled_pbx() -> Pbx:
    pbx = Pbx(_SETTINGS, Variants(), AdjustableClock())
    pbx.seed_extensions(5)
    first, second = pbx.seed_organization("Sales"), pbx.seed_organization("Support")
    pbx.seed_organization("Europe", first)
    pbx.seed_extension("2001", first_name="Zoë", organization_ids=[second])
    pbx.seed_group("Everybody", dict.fromkeys((1, 2, 3), "user"))
    pbx.seed_group("Nobody")
    pbx.start_call("1000")
    pbx.add_queue("6400", ["1001"], ["1002"])
    return pbx


def _client(http: EmulatedHttp) -> PbxClient:
    settings = PbxSettings(_URL, _SETTINGS.client_id, _SETTINGS.client_secret)
    client = PbxClient(settings, monotonic=lambda: 0.0, sleep=lambda _seconds: None, page_size=2)
    client._session._transport._session = http  # type: ignore[assignment]
    return client


READS: dict[str, tuple[str, Callable[[PbxClient], object]]] = {
    "identity": ("system/information", lambda client: client.identity()),
    "capacity": ("system/capacity", lambda client: client.capacity()),
    "extensions": ("extension/", lambda client: client.extensions()),
    "extension": ("extension/get", lambda client: client.extension(1)),
    "organizations": ("organization/", lambda client: client.organizations()),
    "organization": ("organization/get", lambda client: client.organization(2)),
    "groups": ("extensiongroup/", lambda client: client.groups()),
    "group": ("extensiongroup/get", lambda client: client.group(1)),
    "live use": ("", lambda client: client.live_use()),
    "company name": ("preference/get", lambda client: client.can_set_company_name()),
    "token": ("get_token", lambda client: client.identity()),
}
LISTS = {
    "extensions": ("extension/list", "data"),
    "groups": ("extensiongroup/list", "data"),
    "organizations": ("organization/list", "organization_list"),
}


def _read(what: str, alter: Alter) -> tuple[object, EmulatedHttp]:
    http = EmulatedHttp(_filled_pbx(), alter)
    with _client(http) as client:
        return READS[what][1](client), http


def _values(found: object) -> Iterator[object]:
    """All plain values in a result."""
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        yield from (value for field in dataclasses.fields(found) for value in _values(getattr(found, field.name)))
    elif isinstance(found, Mapping):
        yield from (value for pair in found.items() for one in pair for value in _values(one))
    elif isinstance(found, list | tuple | set | frozenset):
        yield from (value for one in found for value in _values(one))
    else:
        yield found


def _require_plain(found: object) -> None:
    """What was read can be written into a ledger and into an answer."""
    for value in _values(found):
        assert value is None or isinstance(value, str | int), value
        if isinstance(value, str):
            value.encode()
        else:
            assert value is None or abs(value) < 2**63


def _ids(found: object) -> set[int]:
    assert isinstance(found, list)
    return {one.id for one in found}


def _listed_ids(http: EmulatedHttp, what: str) -> set[int]:
    """Every id in the lists that the last reading of them was answered with."""
    endpoint, key = LISTS[what]
    ids: set[int] = set()
    for asked, sent in http.sent:
        if asked == endpoint:
            rows = json.loads(sent.content)[key]
            pending = [rows] if isinstance(rows, dict) else list(rows)
            while pending:
                row = pending.pop()
                id_ = parse_optional_integer(row.get("id"))
                ids |= set() if id_ is None else {id_}
                below = row.get("children") or []
                pending += [below] if isinstance(below, dict) else below
    return ids


@pytest.mark.parametrize("what", READS)
def test_unaltered_answers_are_read(what: str) -> None:
    found, http = _read(what, _plain)

    _require_plain(found)
    if what in LISTS:
        assert _ids(found) == _listed_ids(http, what) != set()


# --- JSON of other shapes ---


@dataclass(frozen=True)
class Change:
    """One change of one value somewhere in an answer.

    :param key: of what name the value is; "" for any.
    :param place: which value, as a share of all such in the answer.
    :param only: which answer of those that the change could be in, from 0; -1 for all.
    """

    kind: str
    key: str
    place: float
    value: Any
    only: int


_KEYS = (
    *("", "", "id", "name", "number", "parent_id", "value", "members", "first_name"),
    *("total_number", "data", "children"),
)
changes = st.builds(
    Change,
    kind=st.sampled_from(
        ["replace", "replace", "drop", "double", "wrap", "text", "number", "nest", "same id", "add key"]
    ),
    key=st.sampled_from(_KEYS),
    place=st.floats(0, 0.999),
    value=json_values | scalars | numbers,
    only=st.integers(-1, 6),
)

Place = tuple[Any, Any]


def _places(value: Any) -> list[Place]:
    """Every container in a value with the key or index of each thing in it."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *_places(value[key]))]


def _changed(payload: dict[str, Any], change: Change) -> dict[str, Any]:  # noqa: C901
    payload = copy.deepcopy(payload)
    places = [place for place in _places(payload) if place[1] not in ("errcode", "errmsg")]
    named = [place for place in places if place[1] == change.key] or places
    if not named:
        return payload
    holder, key = named[int(change.place * len(named))]
    match change.kind:
        case "replace":
            holder[key] = change.value
        case "drop":
            del holder[key]
        case "double" if isinstance(holder, list):
            holder.append(holder[key])
        case "wrap":
            holder[key] = [holder[key]]
        case "text":
            holder[key] = str(holder[key])
        case "number" if isinstance(holder[key], str) and holder[key].isdigit():
            holder[key] = int(holder[key])
        case "nest":
            for _level in range(200):
                holder[key] = [holder[key]]
        case "same id":
            ids = [place for place in places if place[1] in ("id", "value", "parent_id")]
            for one, name in ids[:2]:
                one[name] = change.value if isinstance(change.value, int) else 1
        case "add key" if isinstance(holder, dict):
            holder["\ud800new"] = change.value
    return payload


def _altering(change: Change, where: str) -> Alter:
    seen = 0

    def alter(endpoint: str, payload: dict[str, Any]) -> Sent:
        nonlocal seen
        fits = endpoint.startswith(where) and endpoint not in {"get_token", "del_token"} - {where}
        if fits:
            seen += 1
        if not fits or change.only not in (-1, seen - 1):
            return _plain(endpoint, payload)
        return Sent(json.dumps(_changed(payload, change)).encode())

    return alter


@fuzzed
@given(what=st.sampled_from(sorted(READS)), change=changes)
def test_answers_of_other_shapes_are_read_or_refused(what: str, change: Change) -> None:
    try:
        found, http = _read(what, _altering(change, READS[what][0]))
    except PbxError as error:
        error.message.encode()
        return
    _require_plain(found)
    if what in LISTS and len([1 for endpoint, _sent in http.sent if endpoint == LISTS[what][0]]) <= _PAGES[what]:
        assert _ids(found) >= _listed_ids(http, what)


_WRONG: tuple[Any, ...] = (*(None, True, float("nan"), 10**30, "\ud800", ["marker"]),)


@pytest.mark.parametrize("what", READS)
def test_every_key_of_an_answer_with_every_wrong_value_is_read_or_refused(what: str) -> None:
    sent = [one for one in _read(what, _plain)[1].sent if one[0].startswith(READS[what][0] or ("call/", "queue/"))]
    keys = {key for endpoint, answer in sent for key in _keys(endpoint, json.loads(answer.content))}
    for endpoint, key in sorted(keys):
        for value in _WRONG:
            try:
                found, _http = _read(what, _replacing(endpoint, key, value))
            except PbxError as error:
                error.message.encode()
                continue
            _require_plain(found)
            assert not any(isinstance(one, str) and "marker" in one for one in _values(found)), (endpoint, key, value)


def _keys(endpoint: str, payload: dict[str, Any]) -> set[tuple[str, str]]:
    return {(endpoint, key) for _holder, key in _places(payload) if isinstance(key, str)}


def _replacing(where: str, name: str, value: Any) -> Alter:
    """Put a value in the first place of this name in every answer to a call."""

    def alter(endpoint: str, payload: dict[str, Any]) -> Sent:
        places = [(holder, key) for holder, key in _places(payload) if key == name] if endpoint == where else []
        for holder, key in places[:1]:
            holder[key] = value
        return _plain(endpoint, payload)

    return alter


# Read once, without one of the pages being asked for again.
_PAGES = {"extensions": 3, "groups": 1, "organizations": 1}


@fuzzed
@given(parents=st.lists(st.integers(-1, 8) | st.sampled_from(["1", "2", None, "x", True]), min_size=1, max_size=6))
def test_organizations_in_a_circle_or_without_a_root_are_refused(parents: list[Any]) -> None:
    """A flat list in which each organization names any other as its parent."""
    rows = [{"id": number, "name": f"Unit {number}", "parent_id": parent} for number, parent in enumerate(parents, 1)]

    def alter(endpoint: str, payload: dict[str, Any]) -> Sent:
        changed = {**payload, "organization_list": rows} if endpoint == "organization/list" else payload
        return _plain(endpoint, changed)

    try:
        found, _http = _read("organizations", alter)
    except PbxError:
        return
    assert _ids(found) == set(range(1, len(parents) + 1))
    known: set[int] = set()
    for organization in found:  # type: ignore[attr-defined]
        assert organization.parent_id in known or not known
        known.add(organization.id)


_OF_REFUSALS = ("errcode", "errmsg", "submsg", "invalid_param_list", "duplicate_field_list")


@fuzzed
@given(answer=st.dictionaries(st.sampled_from(_OF_REFUSALS), json_values), errcode=numbers)
def test_refusals_of_all_shapes_become_our_own_errors(answer: dict[str, Any], errcode: int) -> None:
    for error in (
        error_from_answer(answer, errcode, "try", ("hunter2",)),
        login_error_from_answer(answer, errcode, ("hunter2",)),
    ):
        assert isinstance(error, PbxError)
        assert "\n" not in error.message


# --- bytes and HTTP ---

_DEEP = b'{"errcode":0,"errmsg":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
_NEARLY_TOO_DEEP = b'{"errcode":40002,"errmsg":' + b"[" * 900 + b"]" * 900 + b"}"
bodies = st.sampled_from(
    [
        *(b"", b"null", b"[]", b"0", b'""', b"{}", b"{", b'{"errcode":0}', b'{"errcode":"0"}', b'{"errcode":0.0}'),
        *(b'{"errcode":true}', b'{"errcode":1e400}', b'{"errcode":' + b"9" * 5000 + b"}", b'{"errcode":NaN}'),
        *(b'\xef\xbb\xbf{"errcode":0,"data":[]}', '{"errcode":0}'.encode("utf-16"), b'{"errcode":0,"data":"\xff\xfe"}'),
        *(_DEEP, _NEARLY_TOO_DEEP, b'{"errcode":40002,"errmsg":"\\ud800"}', b'{"errcode":0,"data":{"sn":"\\udfff"}}'),
        *(b" " * 10_000_000, b'{"errcode":0,"data":"' + b"x" * 10_000_000 + b'"}', b'{"errcode":60001}\0'),
        b'{"errcode":0,"data":[' + b"{}," * 1_000_000 + b"{}]}",
    ]
) | st.binary(max_size=60)
headers = st.dictionaries(
    st.just("Location"),
    st.sampled_from(
        ["http://[::1", "//", "https://u:p@other:99999/x?access_token=t", "\x7f", "http://[x]/", "/web", ""]
    ),
)


@fuzzed
@given(
    what=st.sampled_from(sorted(READS)),
    content=bodies,
    status=st.sampled_from([200, 204, 302, 307, 400, 404, 500, 503, 999]),
    header=headers,
    only=st.integers(-1, 3),
)
def test_bodies_of_all_kinds_are_refused(
    what: str, content: bytes, status: int, header: dict[str, str], only: int
) -> None:
    seen = 0

    def alter(endpoint: str, payload: dict[str, Any]) -> Sent:
        nonlocal seen
        seen += 1
        return Sent(content, status, header) if only in (-1, seen - 1) else _plain(endpoint, payload)

    try:
        found, _http = _read(what, alter)
    except PbxError as error:
        told = str(error)
    else:
        _require_plain(found)
        return
    assert "access_token=t" not in told
    assert "u:p" not in told


def test_half_a_character_is_replaced_and_what_is_around_it_kept() -> None:
    def alter(endpoint: str, payload: dict[str, Any]) -> Sent:
        content = _plain(endpoint, payload).content
        return Sent(content.replace(b'"Zo\\u00eb"', b'"Zo\\ud800 \\ud83d\\ude80"'))

    found, _http = _read("extensions", alter)

    assert "Zo? \N{ROCKET}" in {one.fields["first_name"] for one in found}  # type: ignore[attr-defined]


def test_a_page_that_comes_again_and_again_is_noticed_at_once() -> None:
    """The total says that there is no end to it."""

    def alter(endpoint: str, payload: dict[str, Any]) -> Sent:
        if endpoint != "extension/list":
            return _plain(endpoint, payload)
        first = [{**row, "id": number} for number, row in enumerate(payload["data"] * 2, 1)][:2]
        return _plain(endpoint, {**payload, "data": first, "total_number": 10**17})

    with pytest.raises(PbxError, match="2 different ones"):
        _read("extensions", alter)


@pytest.mark.parametrize("serial", [None, "", " ", ["x"], True, 1.5])
def test_a_pbx_without_a_serial_number_is_refused(serial: Any) -> None:
    def alter(endpoint: str, payload: dict[str, Any]) -> Sent:
        changed = (
            {**payload, "data": {**payload["data"], "sn": serial}} if endpoint == "system/information" else payload
        )
        return _plain(endpoint, changed)

    with pytest.raises(PbxAnswerError, match="serial number"):
        _read("identity", alter)
