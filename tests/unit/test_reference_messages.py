# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of messages has every code and every kind of error, in the words that an administrator reads."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad import bind_errors, search
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx import errors as pbx_errors
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.dangers import Danger
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.plan import Reason
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.report import explanation

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs" / "reference-messages.md").read_text(encoding="utf-8")
# The roots of others; what is raised are the types derived from them.
_ROOTS = {"YeastarError", "PbxError", "PbxObjectError"}
# Told as a group, for each names its own option and what it takes.
_TOLD_TOGETHER = {"OptionError"}
# Put together from what the PBX or the process says: each has a row, which its class does not lead to.
_PUT_TOGETHER = {
    "PbxRefusedError",
    "PbxCapacityError",
    "PbxTokenLimitError",
    "PbxAuthenticationError",
    "PbxPermissionError",
    "PbxBlockedError",
    "PbxInterfaceError",
    "RunInterruptedError",
    "LedgerLockedError",
    "LogInUnansweredError",
}


def _section(heading: str) -> str:
    found = _PAGE.partition(f"\n## {heading}\n")[2]
    assert found, heading
    return found.partition("\n## ")[0]


def _rows(section: str) -> list[list[str]]:
    """The cells of each row of a section's tables, without the headings."""
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] not in ("code", "reason", "danger", "message", "errcode")]


def _sources() -> Iterator[ast.AST]:
    for path in sorted((_ROOT / "plugins").rglob("*.py")):
        yield ast.parse(path.read_text(encoding="utf-8"))


def _pieces(node: ast.AST) -> list[str]:
    """The literal pieces of a text: all of a plain one, what is between the values of a formatted one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return [part.value for part in node.values if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return []


def _texts() -> list[list[str]]:
    """The pieces of every text of the source, in the order in which they stand in it."""
    found = [[piece for piece in _pieces(node) if piece] for tree in _sources() for node in ast.walk(tree)]
    return [pieces for pieces in found if pieces]


def _is_in(message: str, pieces: list[str]) -> bool:
    """Whether a message, with its dots for values, is in a text of the source: its parts, one after the other."""
    position, text = 0, "\0".join(pieces)
    for part in (part.strip() for part in message.split("…")):
        position = text.find(part, position)
        if position < 0:
            return False
        position += len(part)
    return True


def test_every_conflict_is_in_it_once_with_cause_and_remedy() -> None:
    rows = _rows(_section("Conflicts"))

    assert [row[0] for row in rows] == [f"`{code.value}`" for code in sorted(ConflictCode)]
    assert all(len(row) == 3 and all(row) for row in rows)


def test_every_reason_is_in_it_once_in_the_words_of_the_reports() -> None:
    rows = _rows(_section("Reasons"))

    assert [row[:2] for row in rows] == [[f"`{reason.value}`", explanation(reason)] for reason in _reasons_in_order()]
    assert all(len(row) == 3 and all(row) for row in rows)


def _reasons_in_order() -> list[Reason]:
    told = re.findall(r"^\| `(\w+)` \|", _section("Reasons"), re.MULTILINE)
    assert sorted(told) == sorted(reason.value for reason in Reason)
    return [Reason(one) for one in told]


def test_every_danger_is_in_it_once() -> None:
    rows = _rows(_section("The guard"))

    assert [row[0] for row in rows] == [f"`{danger.value}`" for danger in Danger]
    assert all(len(row) == 3 and all(row) for row in rows)


def test_every_sub_code_result_and_errcode_that_is_known_is_in_it() -> None:
    directory = _section("Errors of the directory")
    for sub_code in bind_errors._SUB_CODES:
        assert re.search(rf"\b{sub_code}\b", directory), sub_code
    for result in search._REMEDIES:
        assert re.search(rf"\b{result}\b", directory), result
    known = {*pbx_errors._REMEDIES, *pbx_errors._RUN_ERRORS, *pbx_errors.UNCLEAR}
    known |= {pbx_errors.MAX_LIMITATION_EXCEEDED, pbx_errors.PARAMETER_ERROR, pbx_errors.DUPLICATE_KEY_VALUE}
    codes = [int(code) for row in _rows(_section("Errors of the PBX")) for code in re.findall(r"^[-\d, ]+$", row[0])
             for code in code.split(",")]  # fmt: skip
    assert sorted(codes) == sorted(known)


def _told_messages() -> list[str]:
    errors = _PAGE.partition("\n## Errors of the directory\n")[2]
    rows = [row[0] for row in _rows(errors) if row[0].startswith("`")]
    return [message for cell in rows for message in re.findall(r"`([^`]+)`", cell)]


def test_every_message_in_it_is_one_of_the_source() -> None:
    texts = _texts()
    unknown = [message for message in _told_messages() if not any(_is_in(message, pieces) for pieces in texts)]

    assert len(_told_messages()) > 80
    assert unknown == []


def test_every_kind_of_error_is_in_it() -> None:
    kinds = _error_kinds()
    raised = _raised(kinds)
    messages = _told_messages()
    missing = [
        kind
        for kind in sorted(kinds - _ROOTS - _TOLD_TOGETHER - _PUT_TOGETHER)
        if not any(_is_in(message, pieces) for message in messages for pieces in raised[kind])
    ]

    assert kinds >= _ROOTS | _TOLD_TOGETHER | _PUT_TOGETHER
    assert missing == []


def _error_kinds() -> set[str]:
    """The names of YeastarError and all that derives from it, however far."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for tree in _sources()
        for node in ast.walk(tree)
        # One with an underscore does not leave its file.
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }
    kinds = {"YeastarError"}
    while more := {name for name, above in bases.items() if above & kinds} - kinds:
        kinds |= more
    return kinds


def _raised(kinds: set[str]) -> dict[str, list[list[str]]]:
    """The pieces of the messages with which each kind of error is made."""
    found: dict[str, list[list[str]]] = defaultdict(list)
    calls = (node for tree in _sources() for node in ast.walk(tree) if isinstance(node, ast.Call))
    for call in calls:
        if isinstance(call.func, ast.Name) and call.func.id in kinds and call.args:
            found[call.func.id].append(_pieces(call.args[0]))
    return found
