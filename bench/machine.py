# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine and the versions that the figures belong to."""

from __future__ import annotations

import os
import platform
import re
import shutil
import ssl
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path


def describe_machine() -> dict[str, str]:
    """What the header says, by its labels; "unknown" for what this machine does not tell."""
    processor = _found(r"model name\s*: (.*)", _text("/proc/cpuinfo"))
    kibibytes = int(_found(r"MemTotal:\s*(\d+)", _text("/proc/meminfo"), "0"))
    system = _found(r'PRETTY_NAME="(.*)"', _text("/etc/os-release"))
    samba = _found(r"Version (\S+)", _output(["samba", "--version"]))
    ldapsearch = _found(r"ldapsearch ([\d.]+)", _output(["ldapsearch", "-VV"]))
    slapd = _found(r"slapd ([\d.]+)", _output(["/usr/sbin/slapd", "-VV"]))
    return {
        "processor": f"{processor}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before",
        "memory": f"{kibibytes // 1024:,} MiB",
        "system": f"{system}, Linux {platform.release()}",
        "Python": f"{platform.python_version()}, {ssl.OPENSSL_VERSION}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in ("ansible-core", "ldap3", "requests")),
        "directory": f"Samba {samba}, OpenLDAP's slapd {slapd}, LDAPS",
        "ldapsearch": f"OpenLDAP {ldapsearch}, LDAPS, pages of 1,000",
        "PBX": f"the lab's emulator, werkzeug {version('werkzeug')}, HTTPS, a connection for each call",
    }


def _found(pattern: str, text: str, otherwise: str = "unknown") -> str:
    found = re.search(pattern, text)
    return found[1].strip() if found else otherwise


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8") if Path(path).exists() else ""


def _output(command: Sequence[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return finished.stdout + finished.stderr
