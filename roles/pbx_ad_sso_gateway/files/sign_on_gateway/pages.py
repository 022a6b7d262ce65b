# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of the sign-on gateway, each one document of HTML without script or inline style.

Every sentence of a page stands in a message file. To add a language, copy ``languages/en.json`` to a file that is named
after the language's tag (``it.json``, ``pt-BR.json``), translate the sentences, leave what stands in braces as it is,
and name the tag in ``page.languages`` of the configuration. What the new file lacks is shown in English.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

_TEMPLATES = Path(__file__).parent / "templates"
_LANGUAGES = Path(__file__).parent / "languages"
# The language whose message file is complete.
_COMPLETE = "en"
# The fields that a problem is about. Of any other problem no field is wrong.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "refused": ("username", "password"),
    "empty": ("username", "password"),
    "malformed_name": ("username",),
    "malformed_password": ("password",),
    "password_unfit": ("password",),
    "password_refused": ("password",),
}
# A language range and its weight (RFC 9110 12.4.2, 12.5.4). The range "*" asks for nothing, so it is not read.
_RANGE = re.compile(
    r"\s*(?P<range>[a-z]{1,8}(-[a-z0-9]{1,8})*)\s*(;\s*q=(?P<weight>0(\.\d{0,3})?|1(\.0{0,3})?)\s*)?",
    re.IGNORECASE | re.ASCII,
)
# Browsers send far less; a header that is longer is read no further.
_READ_OF_HEADER = 1000
_SCHEME = re.compile(r"^[a-z]+://", re.IGNORECASE)


class PageError(YeastarError):
    """The pages cannot be made as the configuration asks."""


@dataclass(frozen=True, slots=True)
class Address:
    """A login address that a user may be sent to.

    :param url: where it is; it is shown by its host name.
    """

    url: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a try was no sign-on.

    :param code: one of `problem_codes`.
    :param details: codes of the rules that the password does not meet; one without a sentence is told in general words.
    """

    code: str
    details: Sequence[str] = ()


class Pages:
    """All pages, in the configured languages.

    :param languages: tags of message files, the first for a browser that asks for none of them.
    :param organization: shown at the head of each page; may be empty.
    :param help_text: shown at the foot of each page: where to find help; may be empty.
    :raises PageError: if no language is given, or a message file is missing or is none.
    """

    def __init__(self, languages: Sequence[str], organization: str, help_text: str) -> None:
        if not languages:
            raise PageError("page.languages is empty.", f"Name at least one of {_offered()}.")
        english = _read(_COMPLETE)
        self._messages = {tag: {**english, **_read(tag)} for tag in languages}
        self._default = languages[0]
        self._organization = organization
        self._help_text = help_text

    def language(self, accept_language: str) -> str:
        """Return the configured language that a browser's user likes best, looked up as RFC 4647 3.4 says.

        :param accept_language: the header Accept-Language as it came; what cannot be read in it is passed over.
        """
        return next(filter(None, map(self._look_up, _ranges(accept_language))), self._default)

    def sign_on(
        self,
        language: str,
        *,
        csrf: str,
        addresses: Sequence[Address],
        username: str = "",
        chosen: int = 0,
        problem: Problem | None = None,
        method: str,
    ) -> str:
        """Return the page with the form: fields ``username``, ``password``, ``address`` and ``csrf``, sent to ``/``.

        :param csrf: the form's token.
        :param addresses: what there is to choose from, sent back as an index; of a single one nothing is asked or sent.
        :param username: what was entered before, whatever it is.
        :param chosen: the index of the address that is marked.
        :param problem: why the try before was no sign-on.
        :param method: ``password`` or ``signature``: the page says what will happen.
        """
        fields = _FIELDS.get(problem.code, ()) if problem else ()
        return self._render(
            "sign_on.html",
            language,
            csrf=csrf,
            addresses=_names(addresses),
            username=username,
            chosen=chosen,
            problem=problem,
            method=method,
            fields=fields,
            focus="username" if not username or fields == ("username",) else "password",
        )

    def done(self, language: str, *, names: Sequence[str], address: str) -> str:
        """Return the page that confirms a sign-on and leads on.

        :param names: what Linkus takes as this user's name: the e-mail address, the extension's number.
        :param address: the chosen login address.
        """
        return self._render("done.html", language, names=names, address=address, host=_host(address))

    def message(self, language: str, *, code: str) -> str:
        """Return a page that says one thing, with a way to the form.

        :param code: one of `problem_codes`.
        """
        return self._render("message.html", language, code=code)

    def _look_up(self, language_range: str) -> str | None:
        """The language of a range, or of what its end taken off leaves: de-AT takes de, and zh-CN takes zh-Hans."""
        while language_range:
            for tag in self._messages:
                if f"{tag}-".lower().startswith(f"{language_range}-"):
                    return tag
            language_range = language_range.rpartition("-")[0]
        return None

    def _render(self, template: str, language: str, **values: Any) -> str:
        messages = self._messages[language]
        return (
            _environment()
            .get_template(template)
            .render(
                values,
                language=language,
                messages=messages,
                say=partial(_say, messages),
                organization=self._organization,
                help_text=self._help_text,
            )
        )


def problem_codes() -> frozenset[str]:
    """Return the codes that there are sentences for."""
    return _codes("problem")


def rule_codes() -> frozenset[str]:
    """Return the codes of password rules that there are sentences for."""
    return _codes("rule")


def _codes(kind: str) -> frozenset[str]:
    return frozenset(code for key in _read(_COMPLETE) for first, code, *_rest in [key.split(".")] if first == kind)


def _say(messages: Mapping[str, str], key: str, **values: str) -> Markup:
    """A sentence with its values, each of which keeps its own direction of writing."""
    isolated = {name: Markup("<bdi>{}</bdi>").format(value) for name, value in values.items()}
    return escape(messages[key]).format(**isolated)


def _ranges(accept_language: str) -> Iterator[str]:
    """The language ranges of a header in lower case, the most wanted first; unwanted and unreadable ones left out."""
    found = [match for part in accept_language[:_READ_OF_HEADER].split(",") if (match := _RANGE.fullmatch(part))]
    weighed = [(float(match["weight"] or 1), match["range"].lower()) for match in found]
    for weight, language_range in sorted(weighed, key=lambda one: one[0], reverse=True):
        if weight:
            yield language_range


def _names(addresses: Sequence[Address]) -> list[str]:
    """What the addresses are called: their host names, or if two share one, all but the scheme."""
    hosts = [_host(address.url) for address in addresses]
    if len(set(hosts)) == len(hosts):
        return hosts
    return [_SCHEME.sub("", address.url).rstrip("/") for address in addresses]


def _host(url: str) -> str:
    return urlsplit(url).netloc


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _offered() -> str:
    return ", ".join(sorted(file.stem for file in _LANGUAGES.glob("*.json")))


def _read(tag: str) -> dict[str, str]:
    """The sentences of a message file."""
    file = _LANGUAGES / f"{tag}.json"
    if file.parent != _LANGUAGES or not file.is_file():
        raise PageError(f"page.languages: there is no message file for {tag!r}.", f"There are {_offered()}.")
    try:
        messages = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PageError(f"The message file {file} is not JSON in UTF-8: {error}.") from error
    if not isinstance(messages, dict) or not all(isinstance(sentence, str) for sentence in messages.values()):
        raise PageError(f"The message file {file} does not hold an object whose values are strings.")
    return messages
