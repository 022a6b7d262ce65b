# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a proxy in a process of its own (twisted's reactor runs only once in each)."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.ldap_proxy.control import ProxyControl
from lab.tls import CertificateAuthority


@dataclass(frozen=True)
class LdapProxy:
    """A running proxy: where it listens, the CA that vouches for it, and its control channel."""

    address: str
    ldap_port: int
    ldaps_port: int
    ca_path: Path
    control: ProxyControl


@contextmanager
def running_proxy(
    authority: CertificateAuthority,
    *,
    listen_address: str,
    upstream: str,
    upstream_name: str = "",
    hosts: tuple[str, ...],
) -> Iterator[LdapProxy]:
    """Run a proxy on free ports of `listen_address` in front of the LDAPS server `upstream` (ADDRESS:PORT).

    `hosts` are the names and addresses in the proxy's own certificate. `upstream_name` is the name that the
    upstream's certificate holds, where that is not its address. Raises RuntimeError if the proxy does not start.
    """
    issued = authority.issue(f"ldap-proxy-{uuid.uuid4().hex[:8]}", hosts=hosts)
    command = [sys.executable, "-m", "lab.ldap_proxy", "--stop-with-stdin"]
    command += ["--listen-address", listen_address, "--upstream", upstream]
    command += ["--upstream-name", upstream_name] if upstream_name else []
    command += ["--ca", str(authority.ca_path)]
    command += ["--cert", str(issued.cert_path), "--key", str(issued.key_path)]
    with subprocess.Popen(
        command,
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise RuntimeError(f"the LDAP proxy did not start: {' '.join(command)}")
            ports = json.loads(line)
            with ProxyControl(listen_address, ports["control"]) as control:
                yield LdapProxy(listen_address, ports["ldap"], ports["ldaps"], authority.ca_path, control)
        finally:
            process.terminate()
