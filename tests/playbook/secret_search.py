# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for secrets, in every spelling that they may come in, wherever a run leaves or shows something."""

from __future__ import annotations

import base64
import html
import json
import os
import sqlite3
import threading
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

from lab.pbx.calls import Call
from lab.pbx.emulator import Emulator

_SAMPLE_SECONDS = 0.02
_PASSWORDS = ("user_password", "reg_password")
_TOKENS = ("access_token", "refresh_token")
# The one place in a call's body in which the Open API wants a secret.
_WANTED_IN_BODY = {
    "get_token": ("password",),
    "refresh_token": ("refresh_token",),
    "extension/create": _PASSWORDS,
}

_SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: repr(text)[1:-1],
    quote,
    lambda text: quote(text, safe=""),
    quote_plus,
    html.escape,
)


@dataclass(frozen=True, order=True)
class Finding:
    """A secret that was found, and where."""

    place: str
    secret: str
    spelling: bytes


def spellings(secret: str) -> set[bytes]:
    """A secret as it is, as JSON, Python, URLs, pages and Base64 have it, twice over and as a part of something longer.

    Ansible writes the arguments of a module as JSON in a string of Python's.
    """
    once = {spell(secret) for spell in _SPELLINGS}
    twice = {spell(text) for text in once for spell in _SPELLINGS}
    encodings = base64.b64encode, base64.urlsafe_b64encode
    raw = secret.encode()
    inner = {_inner(encode(bytes(shift) + raw), shift) for shift in range(3) for encode in encodings}
    return {text.encode() for text in twice} | inner


def _inner(encoded: bytes, shift: int) -> bytes:
    """What of a Base64 text depends on nothing but the secret, when so many bytes come before it."""
    start = (0, 2, 3)[shift]
    # The last four characters may depend on what follows.
    return encoded[start : len(encoded) - 4]


class SecretSearch:
    """Looks for these secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = frozenset(secrets)
        self._spellings = [(secret, spelling) for secret in self.secrets for spelling in spellings(secret)]

    def in_bytes(self, place: str, content: bytes) -> list[Finding]:
        """What is found in this."""
        return [Finding(place, secret, spelling) for secret, spelling in self._spellings if spelling in content]

    def in_text(self, place: str, text: str) -> list[Finding]:
        """What is found in this."""
        return self.in_bytes(place, text.encode())

    def in_folder(self, folder: Path, besides: Collection[Path] = ()) -> list[Finding]:
        """What is found in the files below a folder, and in their names."""
        found = []
        for path in sorted(folder.rglob("*")):
            found += self.in_text(f"name of {path}", str(path.relative_to(folder)))
            if path.is_file() and path not in besides:
                found += self.in_bytes(str(path), path.read_bytes())
        return found

    def in_calls(self, calls: Iterable[Call]) -> list[Finding]:
        """What is found in calls beside where the Open API wants it: the token in the query, passwords in bodies."""
        return [finding for call in calls for finding in self.in_text(f"call {call.index}", _beside_wanted(call))]


def _beside_wanted(call: Call) -> str:
    query = [(name, value) for name, value in parse_qsl(call.raw_query) if name != "access_token"]
    body = json.loads(call.raw_body or b"{}")
    for name in _WANTED_IN_BODY.get(call.endpoint, ()):
        body.pop(name, None)
    return json.dumps([call.method, call.path, urlencode(query), body, dict(call.raw_headers)], ensure_ascii=False)


def text_of(row: Iterable[Any]) -> str:
    """A row of a database as text; what is compressed in it as it was before."""
    return " ".join(_plain(value) for value in row)


def _plain(value: Any) -> str:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return zlib.decompress(value).decode(errors="replace")
    except zlib.error:
        return value.decode(errors="replace")


def rows_of_sqlite(path: Path) -> list[str]:
    """Every row of every table in a file, as text; none if there is no file."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [text_of(row) for table in tables for row in connection.execute(f"SELECT * FROM {table}")]  # noqa: S608


def secrets_of(emulator: Emulator) -> set[str]:
    """The PBX's client secret, every token that it has given out, and every password that an extension was to have."""
    secrets = {emulator.settings.client_secret, *emulator.pbx.tokens.given}
    for call in emulator.calls.all():
        seen = dict(parse_qsl(call.raw_query)) | json.loads(call.raw_body or b"{}")
        secrets |= {seen[name] for name in (*_PASSWORDS, *_TOKENS) if name in seen}
    return secrets


@dataclass
class Processes:
    """The command lines and the environments that any process was seen with."""

    commands: set[bytes] = field(default_factory=set)
    environments: set[bytes] = field(default_factory=set)

    def look(self) -> None:
        """See what processes there are now."""
        # In the plainest way, for this is done many times a second beside what is watched.
        for number in filter(str.isdigit, os.listdir("/proc")):
            self.commands.add(_read(f"/proc/{number}/cmdline"))
            self.environments.add(_read(f"/proc/{number}/environ"))


def _read(path: str) -> bytes:
    """What is in a file of /proc; nothing once the process is gone."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


@contextmanager
def watched_processes() -> Iterator[Processes]:
    """Look at all processes, all the time until the end of the with block."""
    processes = Processes()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            processes.look()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield processes
    finally:
        ended.set()
        watcher.join()
