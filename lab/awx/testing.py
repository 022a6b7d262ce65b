# SPDX-License-Identifier: GPL-3.0-or-later
"""A running emulator with a certificate, for a fixture to wrap."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.awx.emulator import Emulator
from lab.awx.settings import Settings
from lab.tls import CertificateAuthority


@contextmanager
def running_awx(
    *, authority: CertificateAuthority | None = None, address: str = "127.0.0.1", **settings: Any
) -> Iterator[Emulator]:
    """An AWX with one organization, `Default`, on a free port; it is stopped at the end.

    `authority` issues the certificate (a throw-away one when not given); `emulator.ca_path` is what to verify against.
    `settings` are the fields of Settings.
    """
    with tempfile.TemporaryDirectory(prefix="awx-emulator-") as folder:
        issuer = authority or CertificateAuthority(Path(folder))
        issued = issuer.issue(f"awx-{address}", hosts=[address])
        emulator = Emulator(
            issued.cert_path,
            issued.key_path,
            settings=Settings(**settings),
            address=address,
            ca_path=issuer.ca_path,
        )
        emulator.seed("organizations", name="Default")
        with emulator:
            yield emulator
