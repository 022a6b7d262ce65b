# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Names of the result's keys, times and numbers in words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.fields import as_moment

_WORDS = {
    "associate": "associated",
    "create": "created",
    "delete": "deleted",
    "email_addr": "e-mail address",
    "on_calendar": "OnCalendar",
    "park": "parked",
    "release": "released",
    "revoke": "sign-on credentials revoked",
    "revoked": "sign-on credentials revoked",
    "rrule": "RRULE",
    "unpark": "unparked",
    "update": "updated",
    "waiting": "waiting parked",
}
_MINUTE = 60

# A full stop ends a sentence if a blank and a capital letter follow; the blank after "Dr." or "1." does too, seldom.
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def words(name: str) -> str:
    """Return a key of a result as a person would say it: ``first_name`` as first name, ``create`` as created."""
    return _WORDS.get(name, name.replace("_", " "))


def headline(summary: Mapping[str, int]) -> str:
    """Return the counts of a run that are not 0 in one line; "" if all are."""
    told = [f"{number} {words(name)}" for name, number in summary.items() if number and name != "excluded"]
    return f"{', '.join(told)}." if told else ""


def moment(text: str) -> str:
    """Return an ISO 8601 time as a person reads it, to the second; another text as it is."""
    when = as_moment(text)
    return text if when is None else f"{when:%Y-%m-%d %H:%M:%S} UTC"


def duration(seconds: float | None) -> str:
    """Return a length of time; "" for None."""
    if seconds is None:
        return ""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{minutes} min {rest} s"


def sentences(message: str) -> tuple[str, str]:
    """Return a conflict's message in two: what is in the way, and its last sentence, which is the remedy."""
    parts = _SENTENCE_END.split(message.strip())
    return " ".join(parts[:-1]), parts[-1]
