# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of the sign-on gateway: their languages, their sentences, and that what goes into them stays text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.passwords import PasswordRule
from hypothesis import given
from hypothesis import strategies as st
from sign_on_gateway import pages as pages_module
from sign_on_gateway.pages import Address, PageError, Pages, Problem, problem_codes, rule_codes

_PACKAGE = Path(pages_module.__file__).parent
_LANGUAGES = sorted(file.stem for file in (_PACKAGE / "languages").glob("*.json"))
_LINKUS = Address("https://linkus.example.com/")
_HOSTILE = """'"><script>alert(1)</script><img src=x onerror=alert(1)>{0.__class__}{{ 7*7 }}{% raw %}&lt;\u202etxt"""


class _Document(HTMLParser):
    """What a page is made of, as a browser takes it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a kind that have these among them."""
        return [has for kind, has in self.elements if kind == tag and attributes.items() <= has.items()]


def _pages(*languages: str, organization: str = "Example Ltd", help_text: str = "Service desk: 100") -> Pages:
    return Pages(languages or ("en",), organization, help_text)


def _sign_on(
    pages: Pages | None = None,
    language: str = "en",
    *,
    addresses: tuple[str, ...] = (_LINKUS.url,),
    username: str = "",
    chosen: int = 0,
    problem: Problem | None = None,
    method: str = "password",
) -> _Document:
    return _Document(
        (pages or _pages(language)).sign_on(
            language,
            csrf="token",
            addresses=[Address(url) for url in addresses],
            username=username,
            chosen=chosen,
            problem=problem,
            method=method,
        )
    )


def _messages(language: str) -> dict[str, str]:
    loaded: dict[str, str] = json.loads((_PACKAGE / "languages" / f"{language}.json").read_text(encoding="utf-8"))
    return loaded


def _placeholders(sentence: str) -> list[str]:
    return sorted(name for _text, name, _format, _conversion in Formatter().parse(sentence) if name is not None)


# Languages.


@pytest.mark.parametrize(
    ("accept_language", "language"),
    [
        ("", "de"),
        ("*", "de"),
        ("en", "en"),
        ("EN-us", "en"),
        ("it, fr;q=0.5", "fr"),
        ("de;q=0.2,fr;q=0.3,es;q=0.1", "fr"),
        ("en;q=0.9, fr", "fr"),
        ("fr;q=0.5,en;q=0.5", "fr"),
        ("de-AT,en;q=0.8", "de"),
        ("de-CH-1996, fr", "de"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("zh-Hans-SG", "zh-Hans"),
        ("pt", "pt-BR"),
        ("pt-PT,en;q=0.5", "pt-BR"),
        ("nl, en-US;q=0.3, fr-CA;q=0.9", "fr"),
        ("en ; q=0.1 ,\tfr; q=0.2", "fr"),
        ("en;Q=0.1,fr;Q=0.2", "fr"),
        ("en;q=0, fr;q=0.1", "fr"),
        ("en;q=0", "de"),
        ("en;q=0.000, fr;q=0.001", "fr"),
        # What is no language range, or has no weight that could be one, is passed over.
        ("en;q=2, fr;q=0.1", "fr"),
        ("en;q=0.1234, fr;q=0.1", "fr"),
        ("en;q=-1, fr;q=0.1", "fr"),
        ("en;q=nan, fr;q=0.1", "fr"),
        ("en;q=١, fr;q=0.1", "fr"),
        ("en_US, fr;q=0.1", "fr"),
        ("e n, fr;q=0.1", "fr"),
        ("-en, en-, fr", "fr"),
        (",,;,fr,", "fr"),
        ("../../etc/passwd, fr", "fr"),
        ("f", "de"),
        ("x" * 9 + ", fr", "fr"),
        ("it," * 1000 + "fr", "de"),
    ],
)
def test_the_language_is_the_best_that_the_browser_asks_for(
    accept_language: str, language: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for tag in ("de", "en", "fr", "zh-Hans", "pt-BR"):
        (tmp_path / f"{tag}.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(pages_module, "_LANGUAGES", tmp_path)

    assert _pages("de", "en", "fr", "zh-Hans", "pt-BR").language(accept_language) == language


_ALL = _pages(*_LANGUAGES)


@given(st.text() | st.lists(st.sampled_from(["de", "fr-CA", "*", "q=0.5", ";", ",", "-", " "])).map("".join))
def test_whatever_is_asked_for_there_is_a_language(accept_language: str) -> None:
    assert _ALL.language(accept_language) in _LANGUAGES


def test_there_are_five_languages() -> None:
    assert _LANGUAGES == ["de", "en", "es", "fr", "zh-Hans"]


@pytest.mark.parametrize("language", _LANGUAGES)
def test_every_message_file_has_all_sentences_with_the_same_placeholders(language: str) -> None:
    english, messages = _messages("en"), _messages(language)

    assert list(messages) == list(english)
    assert all(sentence.strip() for sentence in messages.values())
    assert {key: _placeholders(sentence) for key, sentence in messages.items()} == {
        key: _placeholders(sentence) for key, sentence in english.items()
    }


@pytest.mark.parametrize("language", [tag for tag in _LANGUAGES if tag != "en"])
def test_nothing_is_left_in_english(language: str) -> None:
    english, messages = _messages("en"), _messages(language)

    same = {key for key in english if messages[key] == english[key]}
    assert same <= {"page.direction", "page.error"}


def test_every_sentence_is_used_and_every_used_one_is_there() -> None:
    templates = "".join(file.read_text(encoding="utf-8") for file in sorted((_PACKAGE / "templates").glob("*.html")))
    used = set(re.findall(r'say\("([a-z_.]+)"[,)]', templates))
    used |= {f"sign_on.introduction.{method}" for method in ("password", "signature")}
    used |= {f"problem.{code}.{part}" for code in problem_codes() for part in ("title", "text")}
    used |= {f"rule.{code}" for code in rule_codes()}

    assert used == set(_messages("en"))


def test_every_rule_of_the_pbx_for_passwords_has_a_sentence() -> None:
    assert {rule.value for rule in PasswordRule} == rule_codes() - {"other"}


def test_what_a_language_lacks_is_said_in_english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "en.json").write_text(json.dumps(_messages("en")), encoding="utf-8")
    (tmp_path / "ar.json").write_text(json.dumps({"page.direction": "rtl", "sign_on.submit": "دخول"}), encoding="utf-8")
    monkeypatch.setattr(pages_module, "_LANGUAGES", tmp_path)

    page = _sign_on(language="ar")

    assert page.all("html", lang="ar", dir="rtl")
    assert "دخول" in page.text
    assert "Windows password" in page.text


@pytest.mark.parametrize("tag", ["it", "", ".", "../languages/en", "/etc/passwd", "EN", "en.json", "x\0"])
def test_a_language_without_a_message_file_is_refused_with_those_that_there_are(tag: str) -> None:
    with pytest.raises(PageError) as caught:
        _pages("en", tag)

    assert "page.languages" in str(caught.value)
    assert repr(tag) in str(caught.value)
    assert "de, en, es, fr, zh-Hans" in str(caught.value)


def test_no_language_at_all_is_refused() -> None:
    with pytest.raises(PageError, match=r"page\.languages is empty\. Name at least one of de, en"):
        Pages((), "", "")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'"text"', b'{"sign_on.title": 1}', b'{"sign_on.title": "\xff"}']
)
def test_a_file_that_is_no_message_file_is_refused_by_its_name(
    content: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "en.json").write_text(json.dumps(_messages("en")), encoding="utf-8")
    (tmp_path / "it.json").write_bytes(content)
    monkeypatch.setattr(pages_module, "_LANGUAGES", tmp_path)

    with pytest.raises(PageError, match=re.escape(str(tmp_path / "it.json"))):
        _pages("it")


# What is on the pages.


@pytest.mark.parametrize("language", _LANGUAGES)
@pytest.mark.parametrize("method", ["password", "signature"])
def test_the_form_has_the_names_that_password_managers_know(language: str, method: str) -> None:
    page = _sign_on(language=language, method=method)

    assert page.all("form", method="post", action="/")
    assert page.all("input", name="csrf", type="hidden", value="token")
    assert page.all("input", name="username", id="username", autocomplete="username", inputmode="email", type="text")
    assert page.all("input", name="password", id="password", autocomplete="current-password", type="password")
    assert {label["for"] for label in page.all("label")} == {"username", "password"}
    assert page.all("html", lang=language)


def test_the_text_says_what_will_happen() -> None:
    assert "address or extension number and the same password" in _sign_on(method="password").text
    assert "taken to Linkus and logged in there" in _sign_on(method="signature").text


def test_of_one_address_nothing_is_asked() -> None:
    page = _sign_on()

    assert page.all("input", name="address") == []
    assert "linkus.example.com" not in page.text


def test_of_several_addresses_one_is_chosen_by_its_host() -> None:
    page = _sign_on(addresses=("https://a.example/login", "https://b.example:8088/"), chosen=1)

    radios = page.all("input", name="address", type="radio")
    assert [(radio["value"], "checked" in radio) for radio in radios] == [("0", False), ("1", True)]
    assert "a.example\n" in page.text.replace(" ", "")
    assert "b.example:8088\n" in page.text.replace(" ", "")


def test_addresses_on_one_host_are_told_apart() -> None:
    page = _sign_on(addresses=("https://a.example/web", "https://a.example/sdk/", "HTTPS://b.example"))

    shown = page.text.split()
    assert {"a.example/web", "a.example/sdk", "b.example"} <= set(shown)


@pytest.mark.parametrize("code", sorted(problem_codes()))
@pytest.mark.parametrize("language", _LANGUAGES)
def test_every_problem_is_announced_and_named_in_the_title(language: str, code: str) -> None:
    page = _sign_on(language=language, username="a@example.com", problem=Problem(code))
    messages = _messages(language)

    assert page.all("div", role="alert", id="problem")
    assert messages[f"problem.{code}.title"] in page.text
    assert messages[f"problem.{code}.text"] in page.text
    assert f"{messages['page.error']} {messages['sign_on.title']} – Example Ltd" in page.text


@pytest.mark.parametrize(
    ("code", "username", "invalid", "focus"),
    [
        ("refused", "a@example.com", ["username", "password"], "password"),
        ("empty", "", ["username", "password"], "username"),
        ("malformed_name", "a", ["username"], "username"),
        ("malformed_password", "a@example.com", ["password"], "password"),
        ("password_unfit", "a@example.com", ["password"], "password"),
        ("password_refused", "a@example.com", ["password"], "password"),
        ("busy", "a@example.com", [], "password"),
        ("form_expired", "", [], "username"),
    ],
)
def test_a_problem_is_tied_to_its_fields_and_to_where_one_goes_on(
    code: str, username: str, invalid: list[str], focus: str
) -> None:
    fields = [*_sign_on(username=username, problem=Problem(code)).all("input")]

    assert [field["name"] for field in fields if field.get("aria-invalid") == "true"] == invalid
    assert [field["name"] for field in fields if "autofocus" in field] == [focus]
    described = {str(field["name"]) for field in fields if "problem" in (field.get("aria-describedby") or "").split()}
    assert described == {*invalid, focus}


def test_without_a_problem_nothing_is_announced() -> None:
    page = _sign_on()

    assert page.all("div", role="alert") == []
    assert [field.get("aria-invalid") for field in page.all("input")] == [None, None, None]
    assert [field.get("aria-describedby") for field in page.all("input")] == [None, "username-hint", None]
    assert "Error" not in page.text


def test_each_rule_that_is_not_met_is_told_and_an_unknown_one_in_general_words() -> None:
    page = _sign_on(username="a@b", problem=Problem("password_unfit", ("too_short", "digit_run", "brand_new_rule")))

    assert len(page.all("li")) == 3
    assert "It has at least 10 characters." in page.text
    assert "such as 1111 or 1234" in page.text
    assert "all other password rules" in page.text
    assert "brand_new_rule" not in page.text


def test_a_password_is_never_sent_back() -> None:
    page = _sign_on(username="a@example.com", problem=Problem("refused"))

    assert page.all("input", name="username", value="a@example.com")
    assert "value" not in page.all("input", name="password")[0]


@pytest.mark.parametrize("language", _LANGUAGES)
def test_the_end_names_what_to_log_in_with_and_leads_on(language: str) -> None:
    html = _pages(language).done(
        language, names=["cohn@example.com", "1004"], address="https://linkus.example.com/login"
    )
    page = _Document(html)

    assert page.all("a", href="https://linkus.example.com/login")
    assert "linkus.example.com" in page.text
    assert "cohn@example.com" in page.text
    assert "1004" in page.text


@pytest.mark.parametrize("code", sorted(problem_codes()))
def test_a_message_says_one_thing_and_leads_to_the_form(code: str) -> None:
    page = _Document(_pages().message("en", code=code))

    assert _messages("en")[f"problem.{code}.title"] in page.text
    assert _messages("en")[f"problem.{code}.text"] in page.text
    assert page.all("a", href="/")


def test_without_organization_and_help_neither_has_a_place() -> None:
    page = _sign_on(_pages(organization="", help_text=""))

    assert page.all("footer") == []
    assert [paragraph.get("class") for paragraph in page.all("p")] == [None, "hint"]
    assert "–" not in page.text


def test_hostile_text_stays_text() -> None:
    pages = _pages(organization=_HOSTILE, help_text=_HOSTILE)
    address = f"https://linkus.example.com/{_HOSTILE}"
    documents = [
        _sign_on(pages, username=_HOSTILE, addresses=(address, f"{address}2"), problem=Problem(code="refused")),
        _Document(pages.done("en", names=[_HOSTILE], address=address)),
        _Document(pages.message("en", code="busy")),
    ]

    for page in documents:
        assert [kind for kind, _has in page.elements if kind in {"script", "iframe", "object", "style"}] == []
        assert [image["src"] for image in page.all("img")] == ["/static/mark.svg"]
        assert page.text.count(_HOSTILE) >= 3
    assert documents[0].all("input", name="username", value=_HOSTILE)
    assert documents[1].all("a", href=address)


def test_no_page_needs_a_script_or_a_style_of_its_own() -> None:
    pages = _pages(*_LANGUAGES)
    for language in _LANGUAGES:
        documents = [
            _sign_on(pages, language, addresses=("https://a.example", "https://b.example"), problem=Problem("empty")),
            _Document(pages.done(language, names=["1"], address=_LINKUS.url)),
            _Document(pages.message(language, code="busy")),
        ]
        for kind, has in [element for page in documents for element in page.elements]:
            assert kind not in {"script", "style", "iframe", "object", "embed"}
            assert [name for name in has if name == "style" or name.startswith("on")] == []


def test_what_a_page_loads_is_in_the_package() -> None:
    page = _sign_on()

    loaded = {str(link["href"]) for link in page.all("link")} | {str(image["src"]) for image in page.all("img")}
    assert loaded == {"/static/style.css", "/static/mark.svg"}
    assert all((_PACKAGE / name.lstrip("/")).is_file() for name in loaded)
