# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Distinguished names (RFC 4514) as data, and paths of organizational units such as ``Staff/Sales``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

# One attribute type and value; values are case folded with runs of blanks as one, as the directory compares them.
Attribute = tuple[str, str]
RelativeName = frozenset[Attribute]

_ATTRIBUTE_TYPE = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=[ ]*")
# A DN without escapes, or several attributes in one relative name; nearly all are such.
_PLAIN_NAME = r'[A-Za-z][A-Za-z0-9-]*=[^,+\\"<>;\0\ud800-\udfff]*'
_PLAIN_DN = re.compile(f"{_PLAIN_NAME}(?:,{_PLAIN_NAME})*")
_HEX_PAIR = re.compile(r"[0-9A-Fa-f]{2}")
_OWN_NAME = re.compile(r"(?:[^\\,]+|\\.)*", re.DOTALL)
_NAMING_TYPE = re.compile(r"\s*(?:OU|CN|DC|O|L|C)\s*=", re.IGNORECASE)


# Much the same names come again and again: bases, units, and what is above many objects.
@lru_cache(maxsize=1024)
def parse_dn(dn: str) -> tuple[RelativeName, ...]:
    """Return a DN's relative names, the object's own first, in a form that compares as the directory compares.

    :raises ValueError: if the text is no DN.
    """
    return _folded(_spelled_names(dn))


def require_dn(dn: str) -> None:
    """Refuse what ``parse_dn`` refuses, in a fraction of its time for nearly all DNs.

    :raises ValueError: if the text is no DN.
    """
    if not _PLAIN_DN.fullmatch(dn):
        parse_dn(dn)


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
    return _ends_with(parse_dn(dn), parse_dn(ancestor))


def own_name(dn: str) -> str:
    """Return the name that a DN gives its object, unescaped and spelled as there.

    Several attributes in one relative name, which Active Directory does not have (MS-ADTS 3.1.1.3.1.2.3), are joined
    with ``+``.

    :raises ValueError: if the text is no DN.
    """
    return _joined(_spelled_names(dn)[0])


def names_below(dn: str, base: str) -> tuple[str, ...]:
    """Return the names on the way from a base down to an object, its own last, as ``own_name`` gives each.

    Empty for the base itself.

    :raises ValueError: if the object is neither the base nor below it, or one of both is no DN.
    """
    names, above = _spelled_names(dn), parse_dn(base)
    if not _ends_with(_folded(names), above):
        raise ValueError(f"{dn} is not below {base}")
    return tuple(_joined(name) for name in reversed(names[: len(names) - len(above)]))


def parent_dn(dn: str) -> str:
    """Return the DN of what stands above a DN's object, as it is spelled there; "" if nothing does."""
    found = _OWN_NAME.match(dn)
    return dn[found.end() + 1 :] if found else ""


class Places:
    """Objects by their places in the tree: tells which of them is the nearest above any other object.

    What was found is kept by the text of the parent's DN, so that many objects in one place cost hardly more than one.

    :param dns: the distinguished name of each object by its key, such as its objectGUID.
    :raises ValueError: if one of these is no DN.
    """

    def __init__(self, dns: Mapping[str, str]) -> None:
        self._by_names = {parse_dn(dn): key for key, dn in dns.items()}
        # By text, the nearest of the objects at a DN or above it. Spelled exactly, a DN means the object spelled so:
        # folding can make one name of two that a directory keeps apart (Samba does with Straße and Strasse).
        self._nearest = {dn: key for key, dn in dns.items()}

    def nearest_above(self, dn: str) -> str:
        """Return the key of the nearest of the objects strictly above a DN; "" if none is.

        :raises ValueError: if what stands above is no DN; the object's own name is not looked at.
        """
        passed: list[str] = []
        above = parent_dn(dn)
        while above and above not in self._nearest:
            key = self._by_names.get(parse_dn(above))
            if key is None:
                passed.append(above)
                above = parent_dn(above)
            else:
                self._nearest[above] = key
        nearest = self._nearest.get(above, "")
        self._nearest.update(dict.fromkeys(passed, nearest))
        return nearest


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


def _spelled_names(dn: str) -> list[list[Attribute]]:
    """Return a DN's relative names, the object's own first: types in lower case, values unescaped and as spelled."""
    names: list[list[Attribute]] = [[]]
    position = 0
    while True:
        found = _ATTRIBUTE_TYPE.match(dn, position)
        if not found:
            raise ValueError(f"not a distinguished name: {dn}")
        value, position = _parse_value(dn, found.end())
        names[-1].append((found[1].lower(), value))
        separator = dn[position : position + 1]
        position += 1
        if not separator:
            return names
        if separator == ",":
            names.append([])


def _folded(names: Sequence[Sequence[Attribute]]) -> tuple[RelativeName, ...]:
    return tuple(frozenset((kind, " ".join(value.split()).casefold()) for kind, value in name) for name in names)


def _ends_with(names: tuple[RelativeName, ...], above: tuple[RelativeName, ...]) -> bool:
    return len(names) >= len(above) and names[len(names) - len(above) :] == above


def _joined(name: Sequence[Attribute]) -> str:
    return "+".join(value for _kind, value in name)


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
