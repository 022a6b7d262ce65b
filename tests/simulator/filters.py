# SPDX-License-Identifier: GPL-3.0-or-later
"""A domain controller's matching of LDAP filters (RFC 4515), in the forms that the reader sends."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from tests.simulator.directory import Kind, Shown, SimulatedDirectory

Matcher = Callable[[SimulatedDirectory, Shown], bool]

_ALL_BITS = "1.2.840.113556.1.4.803"
_IN_CHAIN = "1.2.840.113556.1.4.1941"
_ITEM = re.compile(r"([A-Za-z-]+)(?::([\d.]+):)?(>?=)([^()]*)\)")
_ESCAPE = re.compile(rb"\\([0-9A-Fa-f]{2})")


@lru_cache(maxsize=4096)
def compiled(text: str) -> Matcher:
    """The matcher of a filter.

    :raises ValueError: for a form that no reader is known to send.
    """
    matcher, end = _read(text, 0)
    if end != len(text):
        raise ValueError(f"something after the end of {text}")
    return matcher


def _read(text: str, position: int) -> tuple[Matcher, int]:
    if text[position] != "(":
        raise ValueError(f"no filter at character {position} of {text}")
    kind = text[position + 1]
    if kind not in "&|!":
        return _item(text, position + 1)
    parts: list[Matcher] = []
    position += 2
    while text[position] == "(":
        part, position = _read(text, position)
        parts.append(part)
    return _joined(kind, parts), position + 1


def _joined(kind: str, parts: list[Matcher]) -> Matcher:
    if kind == "&":
        return lambda directory, one: all(part(directory, one) for part in parts)
    if kind == "|":
        return lambda directory, one: any(part(directory, one) for part in parts)
    (single,) = parts
    return lambda directory, one: not single(directory, one)


def _item(text: str, position: int) -> tuple[Matcher, int]:
    found = _ITEM.match(text, position)
    if found is None:
        raise ValueError(f"no condition at character {position} of {text}")
    name, rule, value = found[1].lower(), found[2], found[4].strip()
    if found[3] == ">=":
        return _at_least(name, int(value)), found.end()
    return _condition(name, rule, value), found.end()


def _condition(name: str, rule: str | None, value: str) -> Matcher:
    if rule is not None:
        return _by_rule(name, rule, value)
    if value == "*":
        return lambda _directory, one: name in one.by_name
    if name in ("objectguid", "member"):
        return _with(name, _unescaped(value))
    if name == "objectcategory":
        start = f"cn={value.casefold()},"
        return lambda _directory, one: any(_folded(raw).startswith(start) for raw in one.by_name.get(name, ()))
    if "*" in value:
        return _like(name, [_folded(_unescaped(part)) for part in value.split("*")])
    text = _folded(_unescaped(value))
    return lambda _directory, one: any(_folded(raw) == text for raw in one.by_name.get(name, ()))


def _by_rule(name: str, rule: str, value: str) -> Matcher:
    if rule == _IN_CHAIN:
        return _in_chain(_folded(_unescaped(value)))
    if rule == _ALL_BITS:
        return _all_bits(name, int(value))
    raise ValueError(f"an unknown matching rule: {rule}")


def _in_chain(dn: str) -> Matcher:
    def matches(directory: SimulatedDirectory, one: Shown) -> bool:
        group = next((other for other in directory.shown() if other.dn.casefold() == dn), None)
        if group is None or group.kind is not Kind.GROUP:
            return False
        return any(one.guid in directory.things[nested].members for nested in directory.nested(group.guid))

    return matches


def _all_bits(name: str, bits: int) -> Matcher:
    return lambda _directory, one: any(int(raw) & bits == bits for raw in one.by_name.get(name, ()))


def _with(name: str, wanted: bytes) -> Matcher:
    if name == "objectguid":
        return lambda _directory, one: one.by_name[name] == [wanted]
    return lambda _directory, one: any(_folded(raw) == _folded(wanted) for raw in one.members)


def _at_least(name: str, number: int) -> Matcher:
    return lambda _directory, one: any(int(raw) >= number for raw in one.by_name.get(name, ()))


def _like(name: str, parts: list[str]) -> Matcher:
    pattern = re.compile(".*".join(re.escape(part) for part in parts), re.DOTALL)
    return lambda _directory, one: any(pattern.fullmatch(_folded(raw)) for raw in one.by_name.get(name, ()))


def _unescaped(value: str) -> bytes:
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), value.encode())


def _folded(raw: bytes) -> str:
    return raw.decode(errors="replace").casefold()
