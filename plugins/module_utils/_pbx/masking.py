# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What may be shown of a PBX in public: of its answers the shapes, of texts what names nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}")
_ERRMSG = re.compile(r"[A-Z][A-Z_ ]*")
_WORD = re.compile(r"[A-Za-z_]{1,40}")
_SHORTEST = 3
# Their values are words of the Open API itself. Anything else that an answer holds may be somebody's.
_PUBLIC_KEYS = frozenset(
    {
        "errmsg",
        "type",
        "ext_dev_type",
        "external_source",
        "member_select",
        "user_type",
        "presence_status",
        "status",
        "model_name",
        "firmware_version",
        "hardware_version",
        "role_name",
        "email_language",
        "user_lang",
        "transport",
        "validation_type",
        "field",
        "system_date_format",
        "system_time_format",
    }
)
_MASK = "***"
_KINDS: dict[type, str] = {bool: "boolean", int: "integer", float: "number", type(None): "null"}


def shape_of(value: object) -> str:
    """Return the shape of a JSON value, without any of its texts and numbers.

    Of an array it is the first element's: ``{"data": [{"id": integer, "number": digits}], "errcode": integer}``.
    """
    if isinstance(value, list):
        return f"[{shape_of(value[0])}]" if value else "[]"
    if isinstance(value, Mapping):
        inner = (f'"{key if _KEY.fullmatch(str(key)) else _MASK}": {shape_of(one)}' for key, one in value.items())
        return f"{{{', '.join(inner)}}}"
    return _kind_of_text(value) if isinstance(value, str) else _KINDS.get(type(value), "unknown")


def _kind_of_text(value: str) -> str:
    if not value:
        return '""'
    return "digits" if value.isascii() and value.isdigit() else "text"


def keys_of(value: object) -> str:
    """Return the keys of a JSON object, in the order of the alphabet."""
    if not isinstance(value, Mapping):
        return shape_of(value)
    return ", ".join(sorted(key for key in value if _KEY.fullmatch(str(key))))


def invalid_fields(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Return which fields an answer complains of, each with what it says is wrong, and never with their values."""
    told = []
    for key, detail in (("invalid_param_list", "validation_type"), ("duplicate_field_list", "external_source")):
        listed = answer.get(key)
        for one in listed if isinstance(listed, list) else []:
            if isinstance(one, Mapping):
                reason = one.get(detail)
                told.append(_word(one.get("field")) + (f" ({_word(reason)})" if reason else ""))
    return tuple(told)


def _word(value: object) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else _MASK


class Mask:
    """Replaces in texts whatever a PBX has shown, and what it was asked with.

    :param secret: texts that are never to be shown.
    :param public: texts that may be shown although the PBX holds them.
    """

    def __init__(self, *secret: str, public: frozenset[str] = frozenset()) -> None:
        self._private = {text for text in secret if text}
        self._public = public

    def learn(self, answer: Mapping[str, Any]) -> None:
        """Take down every text of an answer."""
        self._private.update(text for text in _texts(answer) if len(text) >= _SHORTEST and text not in self._public)

    def text(self, text: str) -> str:
        """Return a text with asterisks in the place of what is private."""
        for private in sorted((one for one in self._private if one in text), key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(private)}(?!\w)", _MASK, text)
        return text

    def errmsg(self, answer: Mapping[str, Any]) -> str:
        """Return an answer's errmsg if it is capitals, as all documented ones are, else only how long it is."""
        errmsg = answer.get("errmsg")
        if not isinstance(errmsg, str):
            return ""
        return self.text(errmsg) if _ERRMSG.fullmatch(errmsg) else f"({len(errmsg)} characters)"


def _texts(value: object, key: str = "") -> Iterator[str]:
    if isinstance(value, str):
        if key not in _PUBLIC_KEYS:
            yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, key)
