# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten thousand users are explained from a snapshot, each of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.offline import open_snapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import SavedSnapshot
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.recording import packed
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.user_info import UserInfoRequest, explain_users

from tests.unit.recording_builders import BASE_DN, recording_of
from tests.unit.sync_builders import NOW, association, extension_of, user

_USERS = 10_000
_FIRST = 10_000
# Every tenth is a newcomer, and the last name of every seventh of the others has changed.
_NEW, _CHANGED = 10, 7


def test_ten_thousand_users_are_explained_each(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    users = [user(f"user{place}", f"user{place}@example.test", last=f"Name {place}") for place in range(_USERS)]
    others = [place for place in range(_USERS) if place % _NEW]
    changed = [place for place in others if place % _CHANGED == 0]
    former = {place: {"last_name": "Former"} for place in changed}
    held = {
        place: extension_of(users[place], place + 1, str(_FIRST + place), **former.get(place, {})) for place in others
    }
    associations = [association(users[place], extension) for place, extension in held.items()]
    recording = recording_of(*users, extensions=list(held.values()), associations=associations, number_start=_FIRST)
    with open_ledger(path, read_write=True, command="test") as ledger:
        ledger.save_integration(recording.integration, NOW)
        ledger.save_snapshot(SavedSnapshot("run", NOW, packed(recording)))

    with open_snapshot(path, "test") as kept:
        told = explain_users(kept.world, UserInfoRequest("test", BASE_DN, limit=2 * _USERS, offline=True))

    assert (told["count"], told["truncated"], told["not_found"]) == (_USERS, False, [])
    explained = {one["name"]: one for one in told["users"]}
    assert explained.keys() == {person.account_name for person in users}
    assert all(one["in_scope"] and one["extension"]["number"] and one["fields"] for one in explained.values())
    upcoming = Counter(tuple(step["action"] for step in one["next"]) for one in explained.values())
    assert upcoming == {
        ("create",): _USERS - len(others),
        ("update",): len(changed),
        (): len(others) - len(changed),
    }
    assert len({one["extension"]["number"] for one in explained.values()}) == _USERS
    assert all(name in one["summary_explanation"] for name, one in explained.items())
