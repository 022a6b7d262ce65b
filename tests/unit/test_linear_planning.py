# SPDX-License-Identifier: GPL-3.0-or-later
"""Four times as many users take four times as much work, and not sixteen times: calls are counted, not seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.listing import Listing
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call

from bench.planning import Kind, Occasion, Site

_FEW, _MANY = 200, 800
# Four times, and a bit for what grows with a logarithm.
_RATIO = 4.5


def _calls(work: Callable[[], object]) -> int:
    """How many functions are called, those of the interpreter too."""
    count = 0

    def profile(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def _site(size: int, occasion: Occasion) -> Site:
    """A site with as many units and groups as any, so that users alone make the difference."""
    site = Site.new(size, units=10, groups=10)
    if occasion is Occasion.FIRST:
        return site
    for kind in Kind:
        site = site.after(site.plan(kind))
    return site.some_changed() if occasion is Occasion.SOME_CHANGED else site


def _planned(site: Site, kind: Kind) -> Callable[[], object]:
    """Planning one kind; before the first run, what comes before it is done by then."""
    for before in Kind:
        if before is kind:
            break
        if not site.standing.associations or before is not Kind.USERS:
            site = site.after(site.plan(before))
    return lambda: site.plan(kind)


@pytest.mark.parametrize("occasion", Occasion)
@pytest.mark.parametrize("kind", Kind)
def test_planning_is_linear_in_the_users(kind: Kind, occasion: Occasion) -> None:
    few, many = (_calls(_planned(_site(size, occasion), kind)) for size in (_FEW, _MANY))

    assert many / few < _RATIO


@pytest.mark.parametrize("kind", Kind)
def test_looking_at_what_a_plan_leaves_behind_is_linear_in_the_users(kind: Kind) -> None:
    def after(size: int) -> Callable[[], object]:
        site = Site.new(size, units=10, groups=10)
        for before in Kind:
            plan = site.plan(before)
            if before is kind:
                return lambda: site.after(plan)
            site = site.after(plan)
        raise AssertionError(kind)

    few, many = (_calls(after(size)) for size in (_FEW, _MANY))

    assert many / few < _RATIO


class _Pages:
    """Answers a list of so many rows, ten on each page."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def read(self, call: Call) -> dict[str, Any]:
        """Answer a page."""
        first = (int(call.query["page"]) - 1) * 10
        return {"total_number": self._rows, "data": [{"id": first + place} for place in range(1, 11)]}


def test_reading_a_list_of_many_pages_is_linear_in_its_rows() -> None:
    def read(rows: int) -> Callable[[], object]:
        listing = Listing(_Pages(rows), page_size=10)  # type: ignore[arg-type]
        return lambda: listing.rows("extension/list", "extension", "list its extensions")

    few, many = (_calls(read(size)) for size in (_FEW, _MANY))

    assert many / few < _RATIO
