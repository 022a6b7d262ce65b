# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Names of organizations and extension groups: which the PBX takes, and how those are told apart that are alike."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

# Vendor's page "Import and Export Parameters - Organization"; no other limit is documented for extension groups.
NAME_LIMIT = 127
_MARK_DIGITS = 8
_ALL_DIGITS = 36


def name_problem(name: str) -> str:
    """Return why the PBX would not take a name, "" if it would."""
    if not name.strip():
        return "it is empty"
    if len(name) > NAME_LIMIT:
        return f"it has {len(name)} characters and the PBX takes {NAME_LIMIT}"
    if _forbidden(name):
        return "it contains control characters"
    return ""


def proposed_name(name: str) -> str:
    """Return a name that is like a refused one and that the PBX would take."""
    kept = " ".join("".join(" " if _forbidden(character) else character for character in name).split())
    return kept[:NAME_LIMIT].rstrip() or "Unnamed"


def with_suffix(name: str, suffix: str) -> str:
    """Return a name with a suffix in brackets, short enough for the PBX."""
    tail = f" ({suffix})"
    return f"{name[: NAME_LIMIT - len(tail)].rstrip()}{tail}" if len(tail) < NAME_LIMIT else name[:NAME_LIMIT]


def passing_name(name: str, guid: str) -> str:
    """Return a name that an object bears for the moment in which another one takes its own."""
    return with_suffix(name, _mark(guid))


def told_apart(paths: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return a name for each object, no two alike, that depends on nothing but these objects and their places.

    An object whose own name nobody else has is called by it. Those of one name get the name of what they are in
    behind it, or as many names from there upwards as it takes: ``Sales (Berlin)``, ``Sales (Leipzig)``.

    :param paths: by objectGUID, the names from the top down to the object, its own last.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for guid in sorted(paths):
        alike[_seen(paths[guid][-1])].append(guid)
    names = {guids[0]: paths[guids[0]][-1] for guids in alike.values() if len(guids) == 1}
    for guids in alike.values():
        if len(guids) > 1:
            names.update(_with_places({guid: paths[guid] for guid in guids}))
    for digits in (_MARK_DIGITS, _ALL_DIGITS):
        counts = Counter(_seen(name) for name in names.values())
        for guid, name in names.items():
            if counts[_seen(name)] > 1:
                names[guid] = with_suffix(paths[guid][-1], _mark(guid, digits))
    return names


def _seen(name: str) -> str:
    """Return what a name is to those who read it: case and the spelling of one character (NFC or NFD) make none other.

    The PBX compares bytes and would take both; Active Directory keeps both, in two places of its tree.
    """
    return unicodedata.normalize("NFC", name).casefold()


def _mark(guid: str, digits: int = _MARK_DIGITS) -> str:
    """Digits that stand for an objectGUID: its own, or for what stands for one those of a hash."""
    is_value = ":" in guid
    return (hashlib.sha256(guid.encode()).hexdigest() if is_value else guid)[:digits]


def _with_places(paths: Mapping[str, Sequence[str]]) -> dict[str, str]:
    names: dict[str, str] = {}
    for levels in range(1, max(len(path) for path in paths.values())):
        names = {guid: _with_place(path, levels) for guid, path in paths.items()}
        if len({_seen(name) for name in names.values()}) == len(names):
            break
    return names or {guid: path[-1] for guid, path in paths.items()}


def _with_place(path: Sequence[str], levels: int) -> str:
    place = path[-1 - levels : -1] if levels < len(path) else path[:-1]
    return with_suffix(path[-1], "/".join(place)) if place else path[-1]


def _forbidden(text: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in text)
