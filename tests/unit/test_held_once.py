# SPDX-License-Identifier: GPL-3.0-or-later
"""What both sides and the ledger know alike is held once, and what is handed over is held no longer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.main import run_module
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.plain import in_pieces, to_plain
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import UserQuery
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.read_once import ReadOnce, sharing
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.replay import RecordedDirectory
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.result import Result
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryUser

from tests.unit.recording_builders import BASE_DN, directory_record, recording_of
from tests.unit.sync_builders import synced, user


def _copied(text: str) -> str:
    """The same text, another object."""
    return text.encode().decode()


def test_a_user_shares_with_the_association_what_is_the_same() -> None:
    anna = user("anna", "anna@example.test", last="Müller")
    _extension, held = synced(anna, 7, "1000")
    read = replace(
        anna,
        dn=_copied(anna.dn),
        attributes={**{name: _copied(value) for name, value in anna.attributes.items()}, "title": "Boss"},
    )

    shared = sharing(read, held)

    assert shared == read
    assert shared.dn is held.dn
    assert shared.attributes["mail"] is held.written["email_addr"]
    assert shared.attributes["title"] == "Boss"


def test_a_user_who_has_moved_keeps_what_the_directory_says() -> None:
    anna = user("anna", "anna@example.test")
    _extension, held = synced(anna, 7, "1000")
    moved = replace(anna, dn="CN=anna,OU=Elsewhere", account_name="anna2")

    assert sharing(moved, held) == moved
    assert sharing(moved, None) is moved


def test_users_are_shared_as_they_are_read_and_once_more_for_who_asks_to() -> None:
    query = UserQuery((BASE_DN,))
    anna, bernd = user("anna", "anna@example.test"), user("bernd")
    _extension, held = synced(replace(anna, dn=_copied(anna.dn)), 7, "1000")
    read: list[DirectoryUser] = []

    class Asked(RecordedDirectory):
        """Tells what was held as it was read."""

        def read_users(
            self, query: UserQuery, held: Callable[[DirectoryUser], DirectoryUser] | None = None
        ) -> list[DirectoryUser]:
            read.extend(super().read_users(query, held))
            return list(read)

    once = ReadOnce(Asked(directory_record(anna, bernd), BASE_DN), associations=[held])

    assert once.read_users(query) == [anna, bernd] == read
    assert read[0].dn is held.dn
    assert once.read_users(query, lambda one: replace(one, account_name="x"))[1] == replace(bernd, account_name="x")
    assert once.read_users(query)[0] is read[0]


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1_000, 1_203])
def test_a_recording_in_pieces_is_the_same_text(count: int) -> None:
    recording = recording_of(*(user(f"user{place}") for place in range(count)))

    pieces = list(in_pieces(recording, {"format": 1}))

    assert json.loads("".join(pieces)) == {"format": 1, **json.loads(json.dumps(to_plain(recording)))}
    assert max(len(piece) for piece in pieces) < 500 * 300


class _Module:
    """What `run_module` needs of an AnsibleModule, which copies what it is given before it writes it."""

    check_mode = False

    def __init__(self) -> None:
        self.argument_spec: dict[str, dict[str, Any]] = {}
        self.params = {"ledger_url": None, "pbx_url": None}
        self.no_log_values: set[str] = set()
        self.left = -1
        self.returned: dict[str, Any] = {}

    def exit_json(self, **values: Any) -> None:
        """Copy the lists, and look what is left of them."""
        self.returned = {name: list(value) if name == "changes" else value for name, value in values.items()}
        self.left = len(values["changes"])


def test_what_is_copied_is_let_go() -> None:
    module = _Module()
    changes = [{"name": "anna"}, {"name": "bernd"}]

    run_module(module, "test", lambda *_given: Result({"changed": True, "changes": changes}))  # type: ignore[arg-type]

    assert module.returned == {"changed": True, "changes": [{"name": "anna"}, {"name": "bernd"}]}
    assert module.left == 0
