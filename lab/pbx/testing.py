# SPDX-License-Identifier: GPL-3.0-or-later
"""A running emulator with a certificate, for a fixture to wrap."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.pbx.emulator import Emulator
from lab.pbx.settings import Settings
from lab.pbx.variants import Variants
from lab.tls import CertificateAuthority


@contextmanager
def running_emulator(
    *,
    authority: CertificateAuthority | None = None,
    variants: Variants | None = None,
    extensions: int = 0,
    address: str = "127.0.0.1",
    host: str = "",
    **settings: Any,
) -> Iterator[Emulator]:
    """An emulator on a free port, stopped at the end; `emulator.ca_path` is what to verify against.

    `authority` issues the certificate (a throw-away one when not given), for `host` (what the URL
    names; the address when not given). `extensions` is how many are seeded, from number 1000 on.
    `settings` are the fields of Settings.
    """
    with tempfile.TemporaryDirectory(prefix="pbx-emulator-") as folder:
        issuer = authority or CertificateAuthority(Path(folder))
        issued = issuer.issue(f"pbx-{address}", hosts=[host or address, address])
        emulator = Emulator(
            issued.cert_path,
            issued.key_path,
            settings=Settings(**settings),
            variants=variants,
            address=address,
            host=host,
            ca_path=issuer.ca_path,
        )
        emulator.pbx.seed_extensions(extensions)
        with emulator:
            yield emulator
