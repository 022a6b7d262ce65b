# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a sign-on gateway on this host how it is, as its users would: by its public name, its certificate checked.

Its configuration says where it listens and by which name it is known. That name need not lead here, as behind a reverse
proxy, so that the address to connect to is not asked of DNS.
"""

from __future__ import annotations

import argparse
import http.client
import socket
import ssl
import sys
import time
import tomllib
from pathlib import Path

PAUSE = 0.5
ANSWER_SECONDS = 5
SHOWN_BYTES = 500
# Who listens on all addresses is asked on the one that is always there.
LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


class Connection(http.client.HTTPSConnection):
    """HTTPS to an address, with the certificate of another name."""

    def __init__(self, address: str, port: int, public_host: str, context: ssl.SSLContext) -> None:
        super().__init__(public_host, port, timeout=ANSWER_SECONDS, context=context)
        self._address = address
        self._tls = context

    def connect(self) -> None:
        """Connect to the address, and expect the certificate of the public name."""
        plain = socket.create_connection((self._address, self.port), ANSWER_SECONDS)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def ask(address: str, port: int, public_host: str, context: ssl.SSLContext) -> str:
    """Return what is wrong, or nothing if the gateway is well."""
    connection = Connection(address, port, public_host, context)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        text = answer.read(SHOWN_BYTES).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return f"no answer from {address} port {port}: {error}"
    finally:
        connection.close()
    return "" if answer.status == http.client.OK else f"it answers {answer.status}: {text}"


def main() -> None:
    """Ask until it is well or the time is up; end with what was wrong last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("configuration", type=Path, help="the gateway's file of settings")
    parser.add_argument("--ca", help="certificates to trust; by default those that this host trusts")
    parser.add_argument("--wait", type=float, default=30, help="how many seconds it may take")
    given = parser.parse_args()

    listen = tomllib.loads(given.configuration.read_text(encoding="utf-8"))["listen"]
    address = LOOPBACK.get(listen["host"], listen["host"])
    context = ssl.create_default_context(cafile=given.ca)
    end = time.monotonic() + given.wait
    while problem := ask(address, listen["port"], listen["public_host"], context):
        if time.monotonic() >= end:
            sys.exit(f"The gateway is not well: {problem}")
        time.sleep(PAUSE)
    print("ok")


if __name__ == "__main__":
    main()
