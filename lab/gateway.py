# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-on gateway in a process of its own, as its service runs it: a configuration file, secrets as files."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.processes import LabError
from lab.tls import CertificateAuthority

_ROOT = Path(__file__).resolve().parents[1]
_PACKAGE_FOLDER = _ROOT / "roles" / "pbx_ad_sso_gateway" / "files"
_COLLECTIONS = _ROOT / ".venv" / "collections"
_START_SECONDS = 30.0
_STOP_SECONDS = 90.0
_LOG_SHOWN = 10_000

Tables = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class GatewayProcess:
    """A running gateway.

    `url` is what a browser opens, `ca_path` what it trusts, `log_path` where the gateway's events go.
    """

    url: str
    port: int
    ca_path: Path
    log_path: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        """All that it has logged."""
        return self.log_path.read_text(encoding="utf-8")


@contextmanager
def running_gateway(
    folder: Path,
    authority: CertificateAuthority,
    ledger: Mapping[str, str],
    credentials: Mapping[str, str],
    *,
    host: str = "localhost",
    tables: Tables | None = None,
) -> Iterator[GatewayProcess]:
    """Serve sign-ons on a free port until the end of the with block.

    `folder` takes the configuration, the secrets and the log. `ledger` are the configuration's keys that name the
    ledger, `credentials` the secrets by the names of their files, `tables` what the configuration says besides.
    Raises LabError if it does not start, or does not end when it is told to.
    """
    port = _free_port()
    config_path = write_gateway_configuration(
        folder, authority, ledger, credentials, host=host, port=port, tables=tables
    )
    log_path = folder / "gateway.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sign_on_gateway", "--config", str(config_path)],
            env=gateway_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _await_start(process, port, log_path)
        yield GatewayProcess(f"https://{host}:{port}", port, authority.ca_path, log_path, process)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # It tells where each of its threads is, and ends.
            process.send_signal(signal.SIGABRT)
            process.wait()
            end = log_path.read_text(encoding="utf-8")[-_LOG_SHOWN:]
            raise LabError(f"the sign-on gateway did not end: {end}") from None


def write_gateway_configuration(
    folder: Path,
    authority: CertificateAuthority,
    ledger: Mapping[str, str],
    credentials: Mapping[str, str],
    *,
    host: str,
    port: int,
    tables: Tables | None = None,
) -> Path:
    """Write what a gateway reads, and give the path of its configuration."""
    secrets = folder / "credentials"
    secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, secret in credentials.items():
        (secrets / name).write_text(f"{secret}\n", encoding="utf-8")
    issued = authority.issue(f"gateway-{port}", hosts=[host])
    given = dict(tables or {})
    listen = {
        "host": "127.0.0.1",
        "port": port,
        "public_host": host,
        "certificate": str(issued.cert_path),
        "key": str(issued.key_path),
        **given.pop("listen", {}),
    }
    path = folder / "sign-on.toml"
    path.write_text(_toml(ledger, {"listen": listen, **given}), encoding="utf-8")
    return path


def gateway_environment(folder: Path) -> dict[str, str]:
    """The environment of a gateway whose secrets `write_gateway_configuration` has written to a folder."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(_PACKAGE_FOLDER), str(_COLLECTIONS)]),
        "PYTHONFAULTHANDLER": "1",
        "CREDENTIALS_DIRECTORY": str(folder / "credentials"),
    }


def _toml(top: Mapping[str, Any], tables: Tables) -> str:
    # TOML's texts, numbers, booleans and lists are written as JSON's are.
    lines = [f"{key} = {json.dumps(value)}" for key, value in top.items()]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _await_start(process: subprocess.Popen[bytes], port: int, log_path: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    process.kill()
    raise LabError(f"the sign-on gateway did not start: {log_path.read_text(encoding='utf-8')}")
