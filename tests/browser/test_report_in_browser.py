# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a result in a real browser: silent, searchable, accessible, readable on a phone and without script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.page import FEW_CHANGES, report_page
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.unit.report_samples import FAILED, HOSTILE, INFO, PLAN, RUN, UNREACHABLE, change, huge

_PAGES: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "run": (RUN, INFO),
    "plan": (PLAN, None),
    "failed": (FAILED, None),
    "status": (INFO, None),
    "unreachable": (UNREACHABLE, None),
}
_RIGHTMOST = "all => Math.max(...all.map(one => one.getBoundingClientRect().right))"
_PHONE = {"width": 360, "height": 740}
# All rules of axe but the experimental ones; the size of targets is a rule of WCAG 2.2 that axe leaves off by default.
_AXE_OPTIONS = {"rules": {"target-size": {"enabled": True}}}
# Measured: 1,500 and 100. What is allowed is for slow machines, and far below what a needless pass over all costs.
_MILLISECONDS_TO_OPEN = 15_000
_MILLISECONDS_TO_SEARCH = 2_000

Opened = Callable[..., Page]


@pytest.fixture(name="opened")
def _opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    """Opens a page in a context of its own. The browser must say nothing and ask for nothing else until the end."""
    contexts: list[BrowserContext] = []
    said: list[str] = []
    requested: list[str] = []

    def opened(result: Any, info: Any = None, **context_options: Any) -> Page:
        context = browser.new_context(**context_options)
        contexts.append(context)
        context.on("request", lambda request: requested.append(request.url))
        context.on("console", lambda message: said.append(message.text))
        context.on("weberror", lambda error: said.append(str(error.error)))
        file = tmp_path / f"{len(contexts)}.html"
        file.write_text(report_page(result, info=info), encoding="utf-8")
        page = context.new_page()
        page.goto(file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []
    assert requested == [(tmp_path / f"{number}.html").as_uri() for number in range(1, len(contexts) + 1)]


def _shown(page: Page) -> list[str]:
    """The names of the changes that are to be seen."""
    # Not by inner text: what is scrolled out of sight is not rendered, and has none.
    return page.locator("#change-list > li:not([hidden]) b").all_text_contents()


@pytest.mark.parametrize("name", _PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(name: str, scheme: str, opened: Opened) -> None:
    page = opened(*_PAGES[name], color_scheme=scheme)
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")

    found = Axe().run(page, options=_AXE_OPTIONS)

    assert [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"]] == []
    assert any(one["id"] == "color-contrast" for one in found.response["passes"])


@pytest.mark.parametrize("name", _PAGES)
def test_a_phone_scrolls_in_one_direction_only(name: str, opened: Opened) -> None:
    result, info = _PAGES[name]
    page = opened({**result, "msg": "x" * 300}, info, viewport=_PHONE)

    assert page.evaluate("document.documentElement.scrollWidth") == _PHONE["width"]


def test_long_and_hostile_values_break_neither_page_nor_phone(opened: Opened) -> None:
    values = {"last_name": HOSTILE * 5, "title": "W" * 300}
    changes = [
        change(1, name="N" * 127, before=values, after=values, explanation="e" * 200, dn="D" * 300),
        change(2, name=HOSTILE, members_added=[HOSTILE, "M" * 200]),
    ]

    conflicts = [{"code": "c", "name": "n" * 200, "message": HOSTILE}]

    page = opened({"changes": changes, "conflicts": conflicts}, viewport=_PHONE)

    assert page.evaluate("document.documentElement.scrollWidth") == _PHONE["width"]
    # What a change holds beyond its edge is cut off, so the page is no wider for it.
    assert page.locator("#change-list *").evaluate_all(_RIGHTMOST) <= _PHONE["width"]
    assert _shown(page) == ["N" * 127, HOSTILE]
    assert page.locator("img").count() == 0


def test_search_and_filters_show_the_changes_that_fit_all_of_them(opened: Opened) -> None:
    page = opened(RUN)
    count = page.get_by_role("status")
    search = page.get_by_role("searchbox", name="Search")
    expect(count).to_have_text("7 of 7 changes shown")

    search.fill("CARL.COHN@")
    assert _shown(page) == ["cohn"]
    expect(count).to_have_text("1 of 7 changes shown")
    search.fill("adler-berg drift")
    assert _shown(page) == ["adler"]
    search.fill("")

    page.get_by_label("Kind").select_option("organization")
    assert _shown(page) == ["Support"]
    page.get_by_label("Kind").select_option("")
    page.get_by_label("Action").select_option("update")
    assert _shown(page) == ["adler", "PBX Support"]
    page.get_by_label("Kind").select_option("extension")
    search.fill("pbx")
    assert _shown(page) == ["adler"], "its line names the PBX id"
    search.fill("nobody")
    expect(count).to_have_text("0 of 7 changes shown")
    assert _shown(page) == []

    search.press("Enter")
    page.get_by_role("button", name="Reset").click()
    expect(count).to_have_text("7 of 7 changes shown")
    assert len(_shown(page)) == 7


def test_the_filter_by_state_tells_failed_from_stopped(opened: Opened) -> None:
    page = opened(FAILED)

    page.get_by_label("State").select_option("stopped")

    assert _shown(page) == ["brandt"]


def test_all_of_it_works_with_the_keyboard(opened: Opened) -> None:
    page = opened({"changes": [change(number) for number in range(FEW_CHANGES + 1)]})

    page.get_by_role("searchbox").focus()
    page.keyboard.type("user7")
    assert _shown(page) == ["user7"]
    for _stop in range(6):  # the filters, the buttons, and the change that is left
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_text("CN=User 7,")).to_be_visible()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_one_button_opens_and_closes_what_is_shown(opened: Opened) -> None:
    page = opened({"changes": [change(number) for number in range(FEW_CHANGES + 1)]})
    toggle = page.get_by_role("button", name="Open or close")
    page.get_by_role("searchbox").fill("user1")
    matching = len(_shown(page))

    toggle.click()
    assert page.locator("#change-list details[open]").count() == matching
    toggle.click()
    assert page.locator("#change-list details[open]").count() == 0


def test_without_script_all_of_it_is_there(opened: Opened) -> None:
    page = opened(RUN, INFO, java_script_enabled=False)

    assert len(_shown(page)) == 7
    expect(page.get_by_text("carl.cohn@example.com")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_hidden()
    expect(page.get_by_role("region", name="Table of runs")).to_be_visible()


def test_closed_changes_are_printed_open(opened: Opened) -> None:
    page = opened({"changes": [change(number) for number in range(FEW_CHANGES + 1)]})
    detail = page.get_by_text("CN=User 3,")
    height = "one => one.checkVisibility({ contentVisibilityAuto: false }) ? one.getBoundingClientRect().height : 0"
    assert detail.evaluate(height) == 0

    page.emulate_media(media="print")

    assert detail.evaluate(height) > 0
    expect(page.locator("form")).to_be_hidden()


# What the browser itself needs, its layout included: looking up by role would read thousands of changes once more.
_SEARCH = """(text) => {
  const form = document.getElementById("filters");
  const started = performance.now();
  form.elements.search.value = text;
  form.dispatchEvent(new Event("input", { bubbles: true }));
  document.body.getBoundingClientRect();
  return performance.now() - started;
}"""


def test_ten_thousand_changes_open_and_are_searched_quickly(opened: Opened) -> None:
    page = opened(huge())
    assert page.evaluate("performance.now()") < _MILLISECONDS_TO_OPEN
    count = page.locator("output")
    expect(count).to_have_text("10,000 of 10,000 changes shown")

    assert page.evaluate(_SEARCH, "user7777") < _MILLISECONDS_TO_SEARCH
    expect(count).to_have_text("1 of 10,000 changes shown")
    assert page.evaluate(_SEARCH, "") < _MILLISECONDS_TO_SEARCH
    expect(count).to_have_text("10,000 of 10,000 changes shown")
