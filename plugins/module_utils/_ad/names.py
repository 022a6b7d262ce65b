# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Distinguished names (RFC 4514) as data, and paths of organizational units such as ``Staff/Sales``."""

from __future__ import annotations

import re

# One attribute type and value; values are case folded with runs of blanks as one, as the directory compares them.
Attribute = tuple[str, str]
RelativeName = frozenset[Attribute]

_ATTRIBUTE_TYPE = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=")
_HEX_PAIR = re.compile(r"[0-9A-Fa-f]{2}")
_NAMING_TYPE = re.compile(r"\s*(?:OU|CN|DC|O|L|C)\s*=", re.IGNORECASE)


def parse_dn(dn: str) -> tuple[RelativeName, ...]:
    """Return a DN's relative names, the object's own first, in a form that compares as the directory compares.

    :raises ValueError: if the text is no DN.
    """
    names: list[RelativeName] = []
    attributes: list[Attribute] = []
    position = 0
    while True:
        found = _ATTRIBUTE_TYPE.match(dn, position)
        if not found:
            raise ValueError(f"not a distinguished name: {dn}")
        value, position = _parse_value(dn, found.end())
        attributes.append((found[1].lower(), " ".join(value.split()).casefold()))
        separator = dn[position : position + 1]
        position += 1
        if separator != "+":
            names.append(frozenset(attributes))
            attributes = []
        if not separator:
            return tuple(names)


def is_dn(text: str) -> bool:
    """Tell whether a name is meant as a DN: it begins as one of Active Directory's and is one."""
    if not _NAMING_TYPE.match(text):
        return False
    try:
        parse_dn(text)
    except ValueError:
        return False
    return True


def same_dn(one: str, other: str) -> bool:
    """Tell whether two DNs name the same object, whatever their case, blanks and way of escaping."""
    return parse_dn(one) == parse_dn(other)


def is_within(dn: str, ancestor: str) -> bool:
    """Tell whether an object is the ancestor itself or anywhere below it."""
    names, above = parse_dn(dn), parse_dn(ancestor)
    return len(names) >= len(above) and names[len(names) - len(above) :] == above


def split_path(path: str) -> list[str]:
    r"""Return the names in a path of organizational units, topmost first.

    ``\`` takes away the meaning of the character after it: ``A\/B`` is one name.

    :raises ValueError: for an empty name, or a ``\`` with nothing after it.
    """
    names = [""]
    characters = iter(path)
    for character in characters:
        if character == "/":
            names.append("")
        elif character == "\\":
            escaped = next(characters, None)
            if escaped is None:
                raise ValueError(f"nothing after the last \\ in {path}")
            names[-1] += escaped
        else:
            names[-1] += character
    names = [name.strip() for name in names]
    if not all(names):
        raise ValueError(f"an empty name in {path or 'an empty path'}")
    return names


def domain_dns_name(dn: str) -> str:
    """Return the DNS name that a domain's DN spells with its DC parts."""
    return ".".join(value for name in parse_dn(dn) for kind, value in name if kind == "dc")


def _parse_value(dn: str, position: int) -> tuple[str, int]:
    """Return the value that starts there without its escaping, and where it ends."""
    raw = bytearray()
    significant = 0
    while position < len(dn) and dn[position] not in ",+":
        character = dn[position]
        if character == "\\":
            decoded, position = _parse_escape(dn, position + 1)
            raw += decoded
            significant = len(raw)
            continue
        if character in '"<>;\0':
            raise ValueError(f"{character!r} without a \\ before it in the distinguished name {dn}")
        raw += character.encode()
        position += 1
        if character != " ":
            significant = len(raw)
    return bytes(raw[:significant]).decode("utf-8", errors="replace"), position


def _parse_escape(dn: str, position: int) -> tuple[bytes, int]:
    found = _HEX_PAIR.match(dn, position)
    if found:
        return bytes.fromhex(found[0]), found.end()
    if position >= len(dn):
        raise ValueError(f"nothing after the last \\ in the distinguished name {dn}")
    return dn[position].encode(), position + 1
