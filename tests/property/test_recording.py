# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a run has seen comes back from its recording exactly, whatever fields the records have or will have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module import recording as recording_module
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.plain import from_plain, to_plain
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.recording import (
    Recording,
    SnapshotError,
    packed,
    unpacked,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property.record_strategies import values_of
from tests.unit.recording_builders import recording_of
from tests.unit.sync_builders import user

recordings = values_of(Recording)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(recordings)
def test_a_recording_comes_back_as_it_was(recording: Recording) -> None:
    again = unpacked(packed(recording))
    assert again == recording
    # A text is equal to the member of an enumeration that it is the value of, but cannot be written as one.
    assert to_plain(again) == to_plain(recording)


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(recordings, st.data())
def test_a_damaged_recording_is_an_error(recording: Recording, data: st.DataObject) -> None:
    content = packed(recording)
    cut = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(SnapshotError, match="pbx_ad_sync"):
        unpacked(content[:cut])


@dataclass(frozen=True, slots=True)
class _Older:
    name: str
    since: datetime
    gone: int = 0


@dataclass(frozen=True, slots=True)
class _Held:
    one: _Older


@dataclass(frozen=True, slots=True)
class _Newer:
    name: str
    since: datetime
    marks: frozenset[int] = frozenset()
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _NewlyHeld:
    one: _Newer


def test_what_an_older_version_wrote_is_read_without_what_is_gone_and_with_what_is_new() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    plain = to_plain(_Held(_Older("anna", now, 3)))
    plain["columns"] = {"_NewlyHeld": ["one"], "_Newer": plain["columns"]["_Older"]}
    assert from_plain(_NewlyHeld, plain) == _NewlyHeld(_Newer("anna", now))


def test_a_record_that_lacks_what_it_needs_is_an_error() -> None:
    plain = to_plain(_Held(_Older("anna", datetime(2026, 3, 1, tzinfo=UTC))))
    for columns in (["name"], ["name", "since", "gone", "more"]):
        with pytest.raises((ValueError, TypeError, KeyError)):
            from_plain(_Held, {**plain, "columns": {**plain["columns"], "_Older": columns}})


@dataclass(frozen=True, slots=True)
class _Unclear:
    either: datetime | _Older | None


@dataclass(frozen=True, slots=True)
class _Unknown:
    what: bytes


@pytest.mark.parametrize("record", [_Unclear(None), _Unknown(b"")])
def test_a_field_that_would_not_come_back_is_refused(record: object) -> None:
    with pytest.raises(TypeError, match="plain data"):
        to_plain(record)


def test_a_recording_of_another_format_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_module, "_FORMAT", 2)
    content = packed(recording_of(user("anna")))
    monkeypatch.undo()
    with pytest.raises(SnapshotError, match="format 2"):
        unpacked(content)
