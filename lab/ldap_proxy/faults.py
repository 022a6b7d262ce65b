# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults that the proxy can be told to play, and the rules by which one strikes.

A fault is a rule: which operation it strikes (`on`, `nth`, `page`, `base`, `filter`) and what happens then (`kind` and
its own settings). The functions below the class make the usual ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

KINDS = (
    "result",
    "empty_page",
    "lose_control",
    "lose_cookie",
    "repeat_cookie",
    "reference",
    "cut",
    "delay",
    "range",
)


@dataclass(frozen=True)
class Fault:
    """One rule.

    Where it strikes:

    * `on`: "search", "bind" or "start_tls".
    * `nth`: only the nth such operation since the faults were set, counted from 1; None strikes each. A paged search
      is one search, whatever the number of its pages.
    * `page`: only this page of the search, counted from 1; None strikes every page.
    * `base`, `filter`: only where the search base or filter holds this text, in any case.

    What happens, by `kind`:

    * "result": result `code` with `message` and the referrals `uris`, after the first `entries` entries of the page
      (None: all). Its paging control has an empty cookie (`cookie` "empty", which looks like the end of the data),
      the real one ("keep") or is absent ("none").
    * "empty_page": a page without entries but with a cookie comes first.
    * "lose_control": the page comes without a paging control. "lose_cookie": the page's cookie is empty, as if it were
      the last. "repeat_cookie": the page's cookie leads to the same page again.
    * "reference": the page holds a continuation reference with `uris`.
    * "cut": the connection ends `when` "before", "middle" or "after" the answer.
    * "delay": the answer takes `seconds` longer.
    * "range": `mode` "stops", "repeats", "gap", "moved" or "endless": see limits.limit_values.
    """

    kind: str
    on: str = "search"
    nth: int | None = None
    page: int | None = None
    base: str = ""
    filter: str = ""
    code: int = 0
    message: str = ""
    uris: tuple[str, ...] = ()
    entries: int | None = None
    cookie: str = "empty"
    when: str = "before"
    seconds: float = 0.0
    mode: str = "stops"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: {self.kind!r} is none of {', '.join(KINDS)}")

    def strikes(self, on: str, number: int, page: int = 1, base: str = "", search_filter: str = "") -> bool:
        """Tell whether this rule applies to the operation described."""
        return (
            self.on == on
            and self.nth in (None, number)
            and self.page in (None, page)
            and self.base.lower() in base.lower()
            and self.filter.lower() in search_filter.lower()
        )


def to_json(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """The faults as plain values."""
    return [asdict(fault) for fault in faults]


def from_json(rows: Iterable[dict[str, Any]]) -> list[Fault]:
    """The faults back from plain values; an unknown key raises ValueError."""
    known = {field.name for field in fields(Fault)}
    faults = []
    for row in rows:
        if unknown := set(row) - known:
            raise ValueError(f"unknown settings of a fault: {', '.join(sorted(unknown))}")
        faults.append(Fault(**{**row, "uris": tuple(row.get("uris", ()))}))
    return faults


def bind_failure(sub_code: str, *, nth: int | None = None) -> Fault:
    """A refused bind: invalidCredentials with Active Directory's sub-code, such as "52e" (wrong password)."""
    message = f"80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data {sub_code}, v4563"
    return Fault("result", on="bind", nth=nth, code=49, message=message)


def result(
    code: int,
    *,
    page: int | None = 1,
    nth: int | None = None,
    entries: int | None = None,
    cookie: str = "empty",
    message: str = "",
) -> Fault:
    """A page that ends with this result code, after `entries` of its entries (None: all of them)."""
    return Fault("result", page=page, nth=nth, code=code, entries=entries, cookie=cookie, message=message)


def referral(*uris: str, page: int | None = 1, nth: int | None = None) -> Fault:
    """A referral in place of the page: result 10 and no entries."""
    return Fault("result", page=page, nth=nth, code=10, uris=uris, entries=0)
