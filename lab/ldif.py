# SPDX-License-Identifier: GPL-3.0-or-later
"""LDIF (RFC 2849) text of additions and modifications, for ldbadd and ldbmodify."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence

# RFC 2849's SAFE-STRING, and without a trailing space, which readers may drop.
_SAFE = re.compile(r"(?![ :<])[\x01-\x09\x0b\x0c\x0e-\x7f]*(?<! )\Z")


def addition(dn: str, attributes: Mapping[str, Sequence[str]]) -> str:
    """A record that adds the entry `dn` with `attributes` (name to values)."""
    lines = [_line("dn", dn)]
    lines += [_line(name, value) for name, values in attributes.items() for value in values]
    return "\n".join(lines) + "\n\n"


def value_addition(dn: str, attribute: str, values: Sequence[str]) -> str:
    """A change record that adds `values` to one attribute of `dn`."""
    return _change(dn, "add", attribute, values)


def value_replacement(dn: str, attribute: str, values: Sequence[str]) -> str:
    """A change record that replaces all values of one attribute of `dn`."""
    return _change(dn, "replace", attribute, values)


def password_value(password: str) -> str:
    """The one-line form of Samba's `clearTextPassword`: base64 of UTF-16 little-endian."""
    return "clearTextPassword:: " + base64.b64encode(password.encode("utf-16-le")).decode()


def _change(dn: str, operation: str, attribute: str, values: Sequence[str]) -> str:
    lines = [_line("dn", dn), "changetype: modify", f"{operation}: {attribute}"]
    lines += [_line(attribute, value) for value in values]
    return "\n".join([*lines, "-"]) + "\n\n"


def _line(name: str, value: str) -> str:
    if _SAFE.match(value):
        return f"{name}: {value}"
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"
