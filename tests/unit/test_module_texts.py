# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that no option can mean anything by are refused by the option's name; all others pass as they are."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import OptionError
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.texts import require_texts


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pbx_url": "a\0b"}, "pbx_url holds the control character U[+]0000"),
        ({"groups": ["Staff", "Sal\nes"]}, "groups holds the control character U[+]000A"),
        ({"users": [{"user": "anna\x85"}]}, "users.user holds the control character U[+]0085"),
        ({"filter": "(cn=\x01)"}, "filter holds the control character U[+]0001"),
        ({"users": {"\x02": 1}}, "users holds the control character"),
        ({"label_group": "\ud800"}, "label_group holds half of a character"),
        ({"expect_changes": ["\udfff"]}, "expect_changes holds half of a character"),
        ({"search": "x" * 4097}, "search has 4097 characters"),
        ({"secret": "a\0"}, "secret holds the control character U[+]0000"),
    ],
)
def test_a_text_that_is_none_is_told_by_the_name_of_its_option(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=f"^{words}") as raised:
        require_texts(options, ["secret"])

    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    "options",
    [
        {"filter": "(&\n\t(cn=a)\r\n)", "users": {"filter": "(|\n(cn=a))"}},
        {"secret": "tab\there\n", "number": 10**40, "nothing": None, "expect_changes": ["line\twith\x01"]},
        {"groups": ["\u202eevil", "p\u0430ypal", "zero\u200dwidth", "e\u0301", "👩\u200d💻", "", " "]},
        {"filter": "(cn=" + "x" * 900_000 + ")"},
    ],
)
def test_other_texts_pass(options: dict[str, Any]) -> None:
    require_texts(options, ["secret"])
