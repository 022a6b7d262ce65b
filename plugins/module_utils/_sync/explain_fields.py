# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What becomes of each managed field of a user, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import DirectoryUser
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.fields import (
    EMAIL,
    MANAGED_FIELDS,
    ManagedField,
    fallback_name,
    same,
    wanted_fields,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension


@dataclass(frozen=True, slots=True)
class FieldExplanation:
    """One managed field of one user.

    :param field: its name in the Open API.
    :param attribute: the directory attribute that it comes from.
    :param directory: what that says, untouched.
    :param wanted: what the extension is to have; None where that is left as it is.
    :param pbx: what the extension has; None without an extension.
    :param written: what was last written; None if nothing was.
    :param drift: whether it was changed on the PBX since.
    :param problem: why the directory's value is not written; "" if it is.
    """

    field: str
    attribute: str
    directory: str
    wanted: str | None
    pbx: str | None
    written: str | None
    drift: bool
    problem: str


def explain_fields(
    user: DirectoryUser, extension: Extension | None, held: Association | None, address_problem: str = ""
) -> tuple[FieldExplanation, ...]:
    """Explain the managed fields of a user, in the order of their table.

    :param extension: the user's; None for none.
    :param held: the user's association; None for none.
    :param address_problem: why the PBX could not take the user's e-mail address; "" if it could.
    """
    wanted = wanted_fields(user)
    problems = {problem.name: problem.why for problem in wanted.problems}
    if address_problem:
        problems.setdefault(EMAIL, address_problem)
    actual: Mapping[str, str] | None = extension.fields if extension is not None else None
    written: Mapping[str, str] = held.written if held is not None else {}
    explained = []
    for field in MANAGED_FIELDS:
        name = field.name
        value = None if name in problems else wanted.values.get(name)
        source = _source(field, user, value)
        present = actual.get(name, "") if actual is not None else None
        explained.append(
            FieldExplanation(
                field=name,
                attribute=source.attribute,
                directory=source.value,
                wanted=value,
                pbx=present,
                written=written.get(name),
                drift=present is not None and name in written and not same(name, written[name], present),
                problem=problems.get(name, ""),
            )
        )
    return tuple(explained)


@dataclass(frozen=True, slots=True)
class _Source:
    attribute: str
    value: str


def _source(field: ManagedField, user: DirectoryUser, wanted: str | None) -> _Source:
    """The attribute that the wanted value comes from, which need not be the field's own for a user without a name."""
    value = user.attributes.get(field.attribute, "")
    if wanted and wanted != field.normalize(value):
        fallback = fallback_name(user)
        return _Source(fallback.attribute, user.attributes.get(fallback.attribute, fallback.value))
    return _Source(field.attribute, value)
