# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that goes through the vendor's guide names options and modules that exist."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._module.commands import (
    UPDATE_MODULE_OPTIONS,
    rule_module_options,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.info_commands import (
    INFO_OPTIONS,
    USER_INFO_OPTIONS,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.life_command import LIFE_MODULE_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.schedule_command import SCHEDULE_MODULE_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.sign_on_command import SIGN_ON_MODULE_OPTIONS
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.conflicts import ConflictCode
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.rules import RuleKind

_ROOT = Path(__file__).parents[2]
_TABLE = [
    line.split("|")[1:-1]
    for line in (_ROOT / "docs" / "guide.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ")
]
_SECTIONS = (
    "Requirements",
    "Integrate",
    "Synchronize users",
    "Synchronize specific users",
    "Result",
    "Synchronize organizational units",
    "Synchronize groups",
    "Log in with AD accounts",
    "Schedule",
    "Manually perform",
    "Pause",
    "Disable",
    "Disconnect",
)


def test_every_section_of_the_guide_has_rows() -> None:
    named = [found[1] for section, *_rest in _TABLE if (found := re.search(r"\*\*(.+?)\*\*", section))]
    assert named == list(_SECTIONS)


def test_every_word_of_code_is_a_module_an_option_a_choice_or_a_return_value() -> None:
    specifications = [LIFE_MODULE_OPTIONS, SCHEDULE_MODULE_OPTIONS, SIGN_ON_MODULE_OPTIONS, UPDATE_MODULE_OPTIONS]
    specifications += [INFO_OPTIONS, USER_INFO_OPTIONS]
    specifications += [rule_module_options(kind) for kind in RuleKind]
    options = {name for options in specifications for name in options}
    choices = {
        str(choice) for options in specifications for option in options.values() for choice in option.get("choices", ())
    }
    modules = {path.stem for path in (_ROOT / "plugins" / "modules").glob("*.py")}
    known = {*options, *choices, *modules, *(code.value for code in ConflictCode), "status", "false", "extension"}
    words = {
        word for row in _TABLE for cell in row[2:] for code in re.findall(r"`([^`]+)`", cell) for word in _words(code)
    }
    assert words - known == set()


def _words(code: str) -> list[str]:
    return re.findall(r"[a-z_]+", code)
