# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of the sign-on gateway in a real browser: accessible, usable with keys alone, and right at any size."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any, Self

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sign_on_gateway import pages as pages_module
from sign_on_gateway.pages import Address, Pages, Problem, problem_codes, rule_codes
from werkzeug import Request, Response
from werkzeug.serving import make_server
from werkzeug.utils import redirect

_STATIC = Path(pages_module.__file__).parent / "static"
_LANGUAGES = ("en", "de", "fr", "es", "zh-Hans")
_ADDRESSES = ("https://linkus.example.com/", "https://linkus-berlin.example.com/", "https://pbx.example.com:8088/")
_PHONE = {"width": 360, "height": 740}
_NARROW = {"width": 320, "height": 568}
_DESK = {"width": 1280, "height": 720}
# All rules of axe but the experimental ones; the size of targets is a rule of WCAG 2.2 that axe leaves off by default.
_AXE_OPTIONS = {"rules": {"target-size": {"enabled": True}}}
_WIDTH = "document.documentElement.scrollWidth"
_RIGHTMOST = "all => Math.max(...all.map(one => one.getBoundingClientRect().right))"
_LEFTMOST = "all => Math.min(...all.map(one => one.getBoundingClientRect().left))"
_CUT_OFF = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length"
_FONT_SIZE = "one => parseFloat(getComputedStyle(one).fontSize)"
_HOSTILE = """'"><script>document.title = "taken"</script><img src=x onerror=alert(1)>\u202ethgir ot tfel"""


def _form(pages: Pages, language: str, **values: Any) -> str:
    values = {"csrf": "token", "method": "password", "addresses": _ADDRESSES[:1], **values}
    return pages.sign_on(language, **{**values, "addresses": [Address(url) for url in values["addresses"]]})


# Each kind of page in a state that shows all it can hold.
_KINDS: dict[str, Callable[[Pages, str], str]] = {
    "form": _form,
    "choice": lambda pages, language: _form(pages, language, method="signature", addresses=_ADDRESSES, chosen=1),
    "refused": lambda pages, language: _form(
        pages, language, addresses=_ADDRESSES, username="carl.cohn@example.com", problem=Problem("refused")
    ),
    "unfit": lambda pages, language: _form(
        pages, language, username="cohn@example.com", problem=Problem("password_unfit", tuple(sorted(rule_codes())))
    ),
    "done": lambda pages, language: pages.done(
        language, names=["carl.cohn@example.com", "1004"], address=_ADDRESSES[0]
    ),
    "message": lambda pages, language: pages.message(language, code="switched_off"),
}
# How it is looked at: options of the browser's context.
_VIEWS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "light phone": {"color_scheme": "light", "viewport": _PHONE, "has_touch": True, "is_mobile": True},
    "dark phone": {"color_scheme": "dark", "viewport": _PHONE, "has_touch": True, "is_mobile": True},
    "more contrast": {"forced_colors": "active"},
}
_VIEWS_OF_ALL = ("light", "dark phone")


class _Site:
    """A server of the set page and of the package's own files, with the gateway's policy; it notes what it is asked."""

    def __init__(self) -> None:
        self.html = ""
        self.asked: list[str] = []
        self.sent: list[dict[str, str]] = []
        self._server = make_server("127.0.0.1", 0, Request.application(self._answer), threaded=True)
        self.url = f"http://127.0.0.1:{self._server.port}"
        # The same server is another origin by this name: that of the login address.
        self.linkus = f"http://localhost:{self._server.port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: Request) -> Response:
        self.asked.append(f"{request.method} {request.full_path.rstrip('?')}")
        response = self._response(request)
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'self'; img-src 'self'; "
            f"form-action 'self' {self.linkus}; frame-ancestors 'none'; base-uri 'none'"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def _response(self, request: Request) -> Response:
        if request.path.startswith("/static/"):
            file = _STATIC / request.path.removeprefix("/static/")
            return Response(file.read_bytes(), content_type=mimetypes.guess_type(file.name)[0])
        if request.method == "POST":
            self.sent.append(request.form.to_dict())
            return redirect(f"{self.linkus}/login", code=303)
        return Response(self.html, mimetype="text/html")


Opened = Callable[..., Page]


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[_Site]:
    with _Site() as site:
        yield site


@pytest.fixture(name="site")
def _site(server: _Site) -> _Site:
    """The server, which has not been asked for anything yet."""
    server.asked.clear()
    server.sent.clear()
    return server


@pytest.fixture(name="opened")
def _opened(browser: Browser, site: _Site) -> Iterator[Opened]:
    """Opens HTML as the gateway's page in a context of its own. The browser must say nothing until the end."""
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def opened(html: str, **context_options: Any) -> Page:
        context = browser.new_context(**context_options)
        contexts.append(context)
        context.on("console", lambda message: said.append(message.text))
        context.on("weberror", lambda error: said.append(str(error.error)))
        site.html = html
        page = context.new_page()
        page.goto(site.url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []


@pytest.fixture(name="pages", scope="module")
def _pages() -> Pages:
    return Pages(_LANGUAGES, "Example Ltd", "Service desk: extension 100")


def _starting(*texts: str) -> re.Pattern[str]:
    """A text of several parts, of which the beginnings are given."""
    return re.compile(".*".join(map(re.escape, texts)), re.DOTALL)


def _luminance(colour: str) -> float:
    """The relative luminance, as WCAG defines it, of a colour such as ``rgb(1, 2, 3)``."""
    channels = [int(number) / 255 for number in re.findall(r"\d+", colour)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _violations(page: Page) -> list[tuple[str, str]]:
    found = Axe().run(page, options=_AXE_OPTIONS).response
    assert found["passes"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]


@pytest.mark.parametrize(
    ("view", "language"),
    # The words do not change with the view, nor the colours with the language.
    [(view, language) for view in _VIEWS for language in _LANGUAGES if language == "en" or view in _VIEWS_OF_ALL],
)
def test_axe_finds_nothing(view: str, language: str, pages: Pages, opened: Opened, site: _Site) -> None:
    page = opened("", **_VIEWS[view])
    for kind, make in _KINDS.items():
        site.html = make(pages, language)
        page.reload()

        assert (kind, _violations(page)) == (kind, [])


@pytest.mark.parametrize("kind", _KINDS)
def test_without_script_nothing_is_missing(kind: str, pages: Pages, opened: Opened) -> None:
    html = _KINDS[kind](pages, "en")
    silent, scripted = opened(html, java_script_enabled=False), opened(html)

    assert silent.locator("body").inner_text() == scripted.locator("body").inner_text()
    assert silent.screenshot() == scripted.screenshot()


def test_nothing_is_loaded_but_the_gateway_s_own_files(pages: Pages, opened: Opened, site: _Site) -> None:
    opened(_KINDS["refused"](pages, "en"))

    assert sorted(set(site.asked)) == ["GET /", "GET /static/mark.svg", "GET /static/style.css"]


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_keys_alone_sign_on(java_script_enabled: bool, pages: Pages, opened: Opened, site: _Site) -> None:
    page = opened(_form(pages, "en", addresses=_ADDRESSES), java_script_enabled=java_script_enabled)
    # A key that comes before the page has put the focus goes nowhere.
    expect(page.locator("[autofocus]")).to_be_focused()

    page.keyboard.type("cohn@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type("a password & = % ü")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.linkus}/login")

    assert site.sent == [
        {"csrf": "token", "username": "cohn@example.com", "password": "a password & = % ü", "address": "1"}
    ]


def test_the_button_is_the_last_stop_and_every_stop_is_seen(pages: Pages, opened: Opened) -> None:
    page = opened(_KINDS["refused"](pages, "en"))
    page.locator("body").evaluate("body => { body.tabIndex = -1; body.focus(); }")
    stops = []
    for _stop in range(4):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.name || document.activeElement.type"))
        style = page.evaluate(
            "(({outlineStyle, outlineWidth}) => [outlineStyle, outlineWidth])(getComputedStyle(document.activeElement))"
        )
        assert style == ["solid", "3px"]

    assert stops == ["username", "password", "address", "submit"]


def test_what_is_missing_is_asked_for_before_anything_is_sent(pages: Pages, opened: Opened, site: _Site) -> None:
    page = opened(_form(pages, "en"))

    page.get_by_label("User name").fill("cohn@example.com")
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.name") == "password"
    assert page.get_by_label("Windows password").evaluate("one => one.validity.valueMissing")
    assert site.sent == []


def test_fields_are_announced_with_what_belongs_to_them(pages: Pages, opened: Opened) -> None:
    page = opened(_KINDS["refused"](pages, "en"))
    problem = "You are not signed on The user name or the password is not right"

    expect(page).to_have_title("Error: Sign on to Linkus – Example Ltd")
    expect(page.get_by_role("alert")).to_contain_text("You are not signed on")
    expect(page.get_by_role("textbox", name="User name")).to_have_accessible_description(
        _starting("For example", problem)
    )
    password = page.get_by_label("Windows password")
    expect(password).to_be_focused()
    expect(password).to_have_accessible_description(_starting(problem))
    expect(page.get_by_role("group", name="Go on to").get_by_role("radio")).to_have_count(3)
    expect(page.get_by_role("main")).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)


@pytest.mark.parametrize("language", _LANGUAGES)
def test_320_pixels_are_wide_enough(language: str, pages: Pages, opened: Opened, site: _Site) -> None:
    page = opened("", viewport=_NARROW)
    documents = [make(pages, language) for make in _KINDS.values()]
    documents += [pages.message(language, code=code) for code in sorted(problem_codes())]
    for site.html in documents:
        page.reload()

        assert page.evaluate(_WIDTH) == _NARROW["width"], page.title()
        assert page.locator("body *").evaluate_all(_RIGHTMOST) <= _NARROW["width"], page.title()


@pytest.mark.parametrize("viewport", [_PHONE, _DESK])
def test_text_of_twice_the_size_fits(viewport: dict[str, int], pages: Pages, opened: Opened, site: _Site) -> None:
    page = opened("", viewport=viewport)
    for kind, make in _KINDS.items():
        site.html = make(pages, "de")
        page.reload()
        size = page.locator("h1").evaluate(_FONT_SIZE)

        page.evaluate("document.documentElement.style.fontSize = '200%'")

        assert page.locator("h1").evaluate(_FONT_SIZE) == 2 * size
        assert page.evaluate(_WIDTH) == viewport["width"], kind
        # What is entered may be longer than its field, and is moved along in it.
        assert page.locator("body *:not(input)").evaluate_all(_CUT_OFF) == 0, kind


@pytest.mark.parametrize("viewport", [_NARROW, _DESK])
def test_long_names_break_nothing(viewport: dict[str, int], opened: Opened) -> None:
    pages = Pages(["en"], "Donaudampfschifffahrtsgesellschaft" * 6, f"https://help.example.com/{'x' * 300}")
    hosts = [f"https://{'h' * 60}.{letter * 60}.example.com:8088/" for letter in "ab"]
    for html in (
        _form(pages, "en", addresses=hosts, username="u" * 250, problem=Problem("refused")),
        pages.done("en", names=[f"{'n' * 200}@example.com", "1004"], address=hosts[0]),
    ):
        page = opened(html, viewport=viewport)

        assert page.evaluate(_WIDTH) == viewport["width"]
        assert page.locator("body *").evaluate_all(_RIGHTMOST) <= viewport["width"]
        assert page.locator("body *").evaluate_all(_LEFTMOST) >= 0


def test_hostile_text_is_shown_and_not_obeyed(opened: Opened, site: _Site) -> None:
    pages = Pages(["en"], _HOSTILE, _HOSTILE)
    page = opened(_form(pages, "en", username=_HOSTILE, problem=Problem("malformed_name")))

    expect(page).to_have_title(f"Error: Sign on to Linkus – {_HOSTILE}")
    assert page.locator("header").inner_text() == _HOSTILE
    assert page.locator("footer").inner_text() == _HOSTILE
    assert page.get_by_label("User name").input_value() == _HOSTILE
    assert page.locator("script").count() == 0
    assert page.locator("img").count() == 1
    assert sorted(set(site.asked)) == ["GET /", "GET /static/mark.svg", "GET /static/style.css"]


def test_a_name_from_right_to_left_leaves_its_neighbours_alone(opened: Opened) -> None:
    pages = Pages(["en"], "שלום \u202eעולם (Ltd)", "עזרה: 100")
    page = opened(pages.done("en", names=["משתמש@example.com", "1004"], address=_ADDRESSES[0]))

    link = page.get_by_role("link")
    assert link.inner_text() == "Go on to linkus.example.com"
    assert (
        page.locator("bdi").evaluate_all("all => all.map(one => getComputedStyle(one).unicodeBidi)") == ["isolate"] * 5
    )


@pytest.mark.parametrize("kind", _KINDS)
def test_every_target_is_large_enough_for_a_finger(kind: str, pages: Pages, opened: Opened) -> None:
    page = opened(_KINDS[kind](pages, "en"), viewport=_PHONE)

    boxes = page.locator("a, button, label.choice, input:not([type=hidden], [type=radio])").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(box => [box.width, box.height])"
    )
    assert boxes
    assert all(width >= 44 and height >= 44 for width, height in boxes)


@pytest.mark.parametrize("view", ["light", "dark"])
def test_lines_that_show_a_control_stand_out(view: str, pages: Pages, opened: Opened) -> None:
    """WCAG 1.4.11: borders of fields, and the outline of the focus, have a contrast of 3 to 1 with what is around."""
    page = opened(_KINDS["choice"](pages, "en"), **_VIEWS[view])
    colours = page.evaluate(
        """() => {
          const of = (selector, name) => getComputedStyle(document.querySelector(selector))[name];
          return [of("#password", "borderTopColor"), of("#username", "outlineColor"), of("button", "backgroundColor"),
                  of(".card", "backgroundColor")];
        }"""
    )
    *lines, card = map(_luminance, colours)
    assert page.evaluate("document.activeElement.id") == "username"
    assert all((max(line, card) + 0.05) / (min(line, card) + 0.05) >= 3 for line in lines)


def test_nobody_is_shown_movement_who_wants_none(pages: Pages, opened: Opened) -> None:
    html = _KINDS["form"](pages, "en")
    duration = "one => getComputedStyle(one).transitionDuration"

    assert opened(html, reduced_motion="reduce").get_by_role("button").evaluate(duration) == "0s"
    assert opened(html).get_by_role("button").evaluate(duration) == "0.12s"


def test_a_message_leads_to_the_form(pages: Pages, opened: Opened, site: _Site) -> None:
    page = opened(pages.message("en", code="not_found"))
    page.goto(f"{site.url}/elsewhere")
    site.html = _KINDS["form"](pages, "en")

    page.get_by_role("link", name="To the sign-on page").click()

    expect(page).to_have_url(f"{site.url}/")
    expect(page.get_by_label("User name")).to_be_focused()
