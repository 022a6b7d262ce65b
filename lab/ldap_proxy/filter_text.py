# SPDX-License-Identifier: GPL-3.0-or-later
"""An LDAP filter as text (RFC 4515), for the log and for faults that strike by filter.

ldaptor's own `asText` fails on filters that came over the wire, whose parts are bytes.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

from ldaptor.protocols import pureldap

_SETS = {pureldap.LDAPFilter_and: "&", pureldap.LDAPFilter_or: "|"}
_COMPARISONS = {
    pureldap.LDAPFilter_equalityMatch: "=",
    pureldap.LDAPFilter_greaterOrEqual: ">=",
    pureldap.LDAPFilter_lessOrEqual: "<=",
    pureldap.LDAPFilter_approxMatch: "~=",
}


def filter_text(part: Any) -> str:
    """The text of a decoded filter; values that are not UTF-8 have their bytes escaped."""
    kind = type(part)
    if kind in _SETS:
        return f"({_SETS[kind]}{''.join(filter_text(inner) for inner in part)})"
    if kind is pureldap.LDAPFilter_not:
        return f"(!{filter_text(part.value)})"
    if kind in _COMPARISONS:
        name, value = _name(part.attributeDesc), _value(part.assertionValue)
        return f"({name}{_COMPARISONS[kind]}{value})"
    if kind is pureldap.LDAPFilter_present:
        return f"({_name(part)}=*)"
    if kind is pureldap.LDAPFilter_substrings:
        return f"({_name(part.type)}={_substrings(part.substrings)})"
    if kind is pureldap.LDAPFilter_extensibleMatch:
        name = _name(part.type) if part.type else ""
        rule = f":{_name(part.matchingRule)}" if part.matchingRule else ""
        return f"({name}{':dn' if part.dnAttributes else ''}{rule}:={_value(part.matchValue)})"
    raise ValueError(f"a filter of a kind that is not known: {part!r}")


def _substrings(parts: list[Any]) -> str:
    text = ""
    for part in parts:
        if not text and not isinstance(part, pureldap.LDAPFilter_substrings_initial):
            text = "*"
        text += _value(part)
        if not isinstance(part, pureldap.LDAPFilter_substrings_final):
            text += "*"
    return text


def _name(part: Any) -> str:
    # A substring filter's name is plain bytes, all others are objects.
    raw: bytes = part if isinstance(part, bytes) else part.value
    return raw.decode("ascii", "backslashreplace")


def _value(part: Any) -> str:
    try:
        text: str = part.value.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(f"\\{byte:02x}" for byte in part.value)
    return "".join(f"\\{ord(char):02x}" if char in "*()\\\0" else char for char in text)
