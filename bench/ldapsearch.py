# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenLDAP's ldapsearch, asking what the collection's reader asks."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import BenchError

PAGE_SIZE = 1000


@dataclass(frozen=True)
class Question:
    """What the reader asks the directory."""

    filter: str
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class Ldapsearch:
    """How to call it.

    :param folder: for the password and for what comes.
    :param user: a name to bind with.
    """

    folder: Path
    url: str
    base_dn: str
    user: str
    password: str
    ca_path: Path
    question: Question

    def timed(self) -> tuple[float, int]:
        """Ask once: the seconds that it took, and the number of entries that came.

        :raises BenchError: if it fails.
        """
        output_path = self.folder / "ldapsearch.ldif"
        password_path = self._password_file()
        begun = time.monotonic()
        with output_path.open("wb") as output:
            finished = subprocess.run(  # noqa: S603
                self._command(password_path),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "LDAPTLS_CACERT": str(self.ca_path), "LDAPTLS_REQCERT": "demand"},
                check=False,
            )
        seconds = time.monotonic() - begun
        if finished.returncode != 0:
            raise BenchError(f"ldapsearch ended with {finished.returncode}: {finished.stderr.strip()}")
        with output_path.open("rb") as lines:
            return seconds, sum(1 for line in lines if line.startswith(b"dn:"))

    def _command(self, password_path: Path) -> Sequence[str]:
        return [
            *("ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no"),
            *("-E", f"pr={PAGE_SIZE}/noprompt", "-E", "!domainScope"),
            *("-H", self.url, "-b", self.base_dn, "-D", self.user, "-y", str(password_path)),
            *(self.question.filter, *self.question.attributes),
        ]

    def _password_file(self) -> Path:
        """A file of the owner's alone: a password on a command line is everybody's to see."""
        path = self.folder / "ldapsearch.password"
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(self.password)
        return path
