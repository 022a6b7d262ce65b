# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that no option asks for, by the type of the option, and what must hold whatever became of one."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

_MODULES = "ansible_collections.pbxops.yeastar.plugins.modules"

TEXTS = (
    *("", " ", "\t \n", "x" * 100_000, "a\0b", "a\x01b", "line\nbreak", "\x7f", "\x85"),
    *(
        "*)(objectClass=*",
        "(objectClass=*)(|",
        "\\2a",
        "((((",
        ")",
        "(&)",
        "x,DC=evil",
        "CN=a+CN=b",
        "CN=x\\",
        "CN=,",
        "DC=",
    ),
    *("\u202eevil", "p\u0430ypal", "zero\u200dwidth", "e\u0301", "\ufeff", "👩\u200d💻", "\ud800", "x\udfff"),
    *("{{ 7 * 7 }}", "$(id)", "'; DROP TABLE run; --", "%s%n", "..", "../../etc/passwd", "-", "nan", "1e999"),
)
URLS = (
    *("https://user:hunter2@pbx.example.com", "file:///etc/passwd", "ftp://pbx", "https://", "https://[::1", "//pbx"),
    *("https://[::1]:1", "https://pbx.example.com:0", "https://pbx.example.com:99999", "https://pbx.example.com:x"),
    *("https://pbx.example.com/path?x=1#y", "https://a b", "https://" + "a." * 300 + "com", "javascript:alert(1)"),
    *("postgresql://user:hunter2@host/db", "postgresql://", "postgresql://host/db?password=hunter2"),
)
NUMBERS: tuple[Any, ...] = (
    0,
    -1,
    10**9,
    10**18,
    -(10**18),
    10**40,
    "x",
    "",
    " ",
    "1e3",
    1.5,
    True,
    [],
    [1],
    {},
    {"a": 1},
)
FLOATS: tuple[Any, ...] = (*NUMBERS, "nan", "inf", "-inf", "NaN", 1e308, -0.0)
BOOLEANS: tuple[Any, ...] = ("", "perhaps", 2, -1, 10**40, [], {}, "\0")
OTHER_TYPES: tuple[Any, ...] = (0, -1, 10**40, True, [], ["a"], [[]], {}, {"a": {"b": []}})
LISTS: tuple[Any, ...] = (
    *("", " ", [""], [" "], [None], [[]], [["a"]], [{}], [1], ["a", "a"], ["a\0b"], ["\ud800"], ["x" * 100_000]),
    *(["*)(objectClass=*"], ["CN=x\\"], ["x,DC=evil"], ["\u202e"], ["a,b"], {}, {"a": 1}, 5, True, "a" * 100_000),
)
#: How a run ends that took the value: the directory of these tests is out of reach, or something else is before it.
OUT_OF_REACH = ("directory_host", "_ca_path", "The PBX ", "holds no integration")
#: Where Ansible's own validation names no option.
_OF_ANSIBLE = ("value of ", "dictionary requested", "unable to evaluate string")
DICTIONARIES: tuple[Any, ...] = (
    "",
    "x",
    5,
    1.5,
    True,
    [],
    [1],
    {"": ""},
    {"no_such": 1},
    {"a\0": 1},
    {"\ud800": 1},
    "a=b",
    "{",
    "{}",
)


def spec_of(module: str) -> dict[str, dict[str, Any]]:
    """The argument specification that a module gives to Ansible."""

    class SeenError(Exception):
        """The specification has been seen."""

    loaded = importlib.import_module(f"{_MODULES}.{module}")
    with mock.patch.object(loaded, "YeastarModule", side_effect=SeenError) as made, suppress(SeenError):
        loaded.main()
    found: dict[str, dict[str, Any]] = made.call_args.kwargs["argument_spec"]
    return found


def modules() -> list[str]:
    """All modules of the collection."""
    folder = Path(str(importlib.import_module(f"{_MODULES}.pbx_ad_sync").__file__)).parent
    return sorted(path.stem for path in folder.glob("pbx_ad_*.py"))


def bad_values(name: str, spec: Mapping[str, Any], folder: Path) -> Iterator[Any]:
    """Values that an option of this specification does not expect, and some that only look so."""
    match spec.get("type", "str"):
        case "int":
            yield from NUMBERS
        case "float":
            yield from FLOATS
        case "bool":
            yield from BOOLEANS
        case "list":
            yield from LISTS
            if spec.get("elements") == "dict":
                yield from (
                    [{**_filled(spec), key: text}] for key in spec["options"] for text in (*TEXTS, *OTHER_TYPES)
                )
        case "dict":
            yield from DICTIONARIES
            for key, inner in (spec.get("options") or {}).items():
                yield from ({key: value} for value in bad_values(key, inner, folder))
        case "path":
            yield from (
                *TEXTS,
                *OTHER_TYPES,
                str(folder),
                "/proc/none/x",
                "/dev/null/x",
                "/dev/full",
                "x/" * 3000,
                "~nobody9/x",
            )
        case _:
            yield from (*TEXTS, *OTHER_TYPES, *(URLS if name.endswith("_url") else ()))


def _filled(spec: Mapping[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(spec["options"], "1")


def is_out_of_reach(result: Mapping[str, Any]) -> bool:
    """Whether a run got as far as asking somebody else."""
    return any(words in result["msg"] for words in OUT_OF_REACH)


def require_clear(result: Mapping[str, Any], option: str, secrets: tuple[str, ...]) -> None:
    """A result is a success, or a failure in a sentence that names the option or what could not be reached.

    :param option: "" where its name cannot be looked for, a secret of one letter being masked in all texts.
    """
    told = json.dumps(result)
    for word in ("Traceback", "module_stderr", "MODULE FAILURE", 'File \\"/'):
        assert word not in told, result
    for secret in secrets:
        assert secret not in told
    if not result.get("failed"):
        return
    message = result["msg"]
    assert "exception" not in result, message
    # Ansible's own refusals show the value; ours never one that is too long to be read.
    assert len(message) < 5000 or message.startswith(_OF_ANSIBLE), message[:300]
    assert "Error:" not in message, message
    assert option in message or is_out_of_reach(result) or message.startswith(_OF_ANSIBLE), message
