# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of the modules, as the filters get them."""

from __future__ import annotations

from typing import Any

HOSTILE = """</td></script><script>alert("1")</script><img src=x onerror='alert(2)'>{{ 1 + 1 }}"""


def change(place: int = 1000, /, **given: Any) -> dict[str, Any]:
    """A change of an extension, an update unless something else is given."""
    return {
        "kind": "extension",
        "action": "update",
        "state": "done",
        "detail": "",
        "name": f"user{place}",
        "guid": f"{place:08d}-0000-4000-8000-000000000000",
        "dn": f"CN=User {place},OU=Staff,DC=example,DC=com",
        "number": str(place),
        "object_id": place,
        "reason": "directory_changed",
        "explanation": "it changed in the directory",
        "before": {"last_name": "Adler", "title": "Clerk"},
        "after": {"last_name": "Adler-Berg", "title": ""},
        "drift": [],
        "members_added": [],
        "members_removed": [],
        **given,
    }


CHANGES = [
    change(
        1,
        kind="organization",
        action="create",
        name="Support",
        number="",
        explanation="the unit is in scope and has no counterpart on the PBX yet",
        before={},
        after={"name": "Support", "parent": "Example Ltd/Staff"},
    ),
    change(
        1004,
        action="create",
        name="cohn",
        explanation="the user is in scope and has no extension yet",
        before={},
        after={"first_name": "Carl", "last_name": "Cohn", "email_addr": "carl.cohn@example.com"},
    ),
    change(1002, name="adler", drift=["title"]),
    change(1009, action="associate", name="egli", explanation="the extension has the user's e-mail address"),
    change(
        1011,
        action="release",
        name="fuchs",
        explanation="it exists in the directory but the scope no longer takes it in",
        before={},
        after={},
    ),
    change(
        1017,
        action="delete",
        name="brandt",
        explanation="the account is disabled",
        before={"first_name": "Bernd", "last_name": "Brandt"},
        after={},
    ),
    change(
        7,
        kind="extension_group",
        name="PBX Support",
        number="",
        before={},
        after={},
        members_added=["1004 cohn", "1002 adler"],
        members_removed=["1017 brandt"],
    ),
]

CONFLICTS = [
    {
        "code": "email_in_use",
        "name": "hofer",
        "guid": "h",
        "message": "Extension 1100 has the address hofer@example.com. Set associate_by_email, or change one.",
    },
    {"code": "number_missing", "name": "imhof", "guid": "i", "message": "The attribute ipPhone is empty. Fill it in."},
]

DRIFT = [
    {
        "kind": "extension",
        "number": "1002",
        "name": "adler",
        "guid": "a",
        "field": "mobile_number",
        "written": "+49 30 1",
        "wanted": "+49 30 2",
        "actual": "+49 30 9",
        "action": "reported",
    },
    {
        "kind": "extension_group",
        "number": "",
        "name": "PBX Support",
        "guid": "s",
        "field": "members",
        "written": "",
        "wanted": "",
        "actual": "1100 Hand",
        "action": "corrected",
    },
]

SUMMARY = {
    "created": 2,
    "associated": 1,
    "updated": 2,
    "released": 1,
    "deleted": 1,
    "unchanged": 1234,
    "excluded": 3,
    "conflicts": 2,
    "failed": 0,
    "stopped": 0,
    "skipped": 0,
}
_NONE = dict.fromkeys(SUMMARY, 0)


def outcome(state: str = "succeeded", *, check_mode: bool = False) -> dict[str, Any]:
    """How a run ended."""
    return {
        "state": state,
        "headline": "2 created, 1 taken over, 2 updated, 1 released, 1 deleted, 2 conflicts.",
        "check_mode": check_mode,
        "started_at": "2026-11-25T02:00:00+00:00",
        "ended_at": "2026-11-25T02:01:15.500000+00:00",
        "duration": 75.5,
    }


RUN: dict[str, Any] = {
    "changed": True,
    "failed": False,
    "status": "connected",
    "kinds": ["organizational_units", "users", "groups"],
    "summary": SUMMARY,
    "summaries": {
        "organizational_units": {**_NONE, "created": 1, "unchanged": 14},
        "users": {**SUMMARY, "created": 1, "updated": 1, "unchanged": 1200},
        "groups": {**_NONE, "updated": 1, "unchanged": 20},
    },
    "changes": CHANGES,
    "conflicts": CONFLICTS,
    "recovered": [
        {"kind": "extension", "action": "create", "name": "jost", "number": "1020", "state": "done", "detail": ""}
    ],
    "run_id": "42",
    "plan_id": "325f79650555ce51",
    "guard_id": "4f53cda18c2baa0c",
    "ledger_path": "/var/lib/pbxops/pbx.example.com.sqlite3",
    "outcome": outcome(),
}

PLAN: dict[str, Any] = {
    **RUN,
    "run_id": "",
    "changes": [{**one, "state": "planned"} for one in CHANGES],
    "recovered": [],
    "outcome": outcome("planned", check_mode=True),
}

FAILED: dict[str, Any] = {
    **RUN,
    "failed": True,
    "msg": "2 change(s) failed. update 1002 adler: The PBX refused it (10003, title). The guard stopped 1 deletions.",
    "summary": {**SUMMARY, "failed": 2, "stopped": 1, "skipped": 1},
    "changes": [
        change(1002, name="adler", state="failed", detail="The PBX refused it (10003, title)."),
        change(1003, name="beck", state="unknown", detail="The answer was lost."),
        change(1017, name="brandt", action="delete", state="stopped", before={"first_name": "Bernd"}, after={}),
        change(7, name="PBX Support", kind="extension_group", state="skipped", detail="1002 adler was not done."),
    ],
    "outcome": outcome("failed"),
}

# What a module returns that could read neither side, besides what Ansible adds.
UNREACHABLE = {"changed": False, "failed": True, "msg": "dc1.example.com cannot be reached. Check directory_host."}


def past_run(number: int, **given: Any) -> dict[str, Any]:
    """A run that the ledger remembers; the higher the number, the newer it is."""
    return {
        "id": str(number),
        "command": "pbx_ad_sync",
        "kinds": ["organizational_units", "users", "groups"],
        "plan_id": "325f79650555ce51",
        "state": "succeeded",
        "started_at": f"2026-11-{number:02d}T02:00:00+00:00",
        "ended_at": f"2026-11-{number:02d}T02:00:12+00:00",
        "duration": 12.0 + number % 7,
        "summary": {**_NONE, "created": number % 5 * 3, "updated": number % 7, "deleted": number % 11 // 6},
        "error": "",
        **given,
    }


INFO: dict[str, Any] = {
    "changed": False,
    "status": "connected",
    "domain": {"guid": "d", "dn": "DC=example,DC=com", "dns_name": "example.com"},
    "pbx": {"serial_number": "3631A2345678", "model": "P570", "firmware": "37.20.0.24"},
    "settings": {"directory_host": "dc1.example.com", "directory_base_dn": "DC=example,DC=com"},
    "rules": {
        "users": {
            "enabled": True,
            "synchronized": True,
            "saved_at": "2026-11-01T10:00:00+00:00",
            "settings": {"scope": "organizational_units", "organizational_units": ["Staff"], "number_start": 1000},
        },
        "groups": {"enabled": False, "synchronized": True, "saved_at": "2026-11-02T10:00:00+00:00", "settings": {}},
    },
    "schedule": {
        "frequency": "weekly",
        "time": "02:00",
        "days": ["monday", "thursday"],
        "timezone": "Europe/Zurich",
        "on_calendar": "Mon,Thu 02:00 Europe/Zurich",
        "cron": "0 2 * * 1,4",
        "rrule": "",
    },
    "capacity": {
        "extensions": 500,
        "extensions_used": 488,
        "extensions_left": 12,
        "extension_groups": 63,
        "extension_groups_used": 21,
        "organizations": 500,
        "organizations_used": 40,
    },
    "runs": [
        *(past_run(number) for number in range(24, 12, -1)),
        past_run(12, state="failed", error="dc1.example.com cannot be reached."),
        *(past_run(number) for number in range(11, 0, -1)),
    ],
    "associations": [
        *({"kind": "extension", "guid": str(number), "number": str(number)} for number in range(1000, 1480)),
        {"kind": "organization", "guid": "o", "name": "Staff"},
    ],
    "organizations": [
        {"id": 1, "name": "Example Ltd", "parent_id": 0, "extensions": 2, "synchronized": False},
        {"id": 2, "name": "Staff", "parent_id": 1, "extensions": 10, "synchronized": True},
        {"id": 3, "name": "Sales", "parent_id": 2, "extensions": 300, "synchronized": True},
        {"id": 4, "name": "Support", "parent_id": 2, "extensions": 168, "synchronized": True},
        {"id": 5, "name": "Guests", "parent_id": 1, "extensions": 8, "synchronized": False},
    ],
    "drift": [
        {
            "kind": "extension",
            "number": "1002",
            "name": "adler",
            "field": "title",
            "written": "Clerk",
            "actual": "Boss",
        }
    ],
    "conflicts": CONFLICTS[:1],
}


def huge(size: int = 10_000) -> dict[str, Any]:
    """A run with as many changes."""
    actions = ("create", "update", "delete")
    return {**RUN, "changes": [change(number, action=actions[number % 3]) for number in range(1000, 1000 + size)]}
