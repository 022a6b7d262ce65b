# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""How to reach one PBX: the parameters, checked before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import PbxParameterError

#: How many calls are under way at once, and how many can be asked for. A PBX is a small computer that has calls to
#: carry; what it takes at once is found out on the way.
DEFAULT_CONCURRENCY = 8
MOST_CONCURRENCY = 32


@dataclass(frozen=True)
class PbxSettings:
    """How to reach one PBX.

    :param url: the web portal's address, e.g. ``https://pbx.example.com:8088``; no path, no query.
    :param client_id: Client ID of Integrations > API.
    :param client_secret: its Client Secret.
    :param validate_certs: whether the TLS certificate is verified.
    :param ca_path: a PEM file with the certificates to trust instead of the system's.
    :param timeout: seconds to wait for a connection, and for each part of an answer.
    :param concurrency: how many calls are under way at once, at most.
    :raises PbxParameterError: for a url or timeout that cannot be used.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    validate_certs: bool = True
    ca_path: str | None = None
    timeout: float = 30.0
    concurrency: int = DEFAULT_CONCURRENCY

    def __post_init__(self) -> None:
        _split_url(self.url)
        if not self.timeout > 0:
            raise PbxParameterError("The time-out for the PBX must be more than 0 seconds.")
        if not 1 <= self.concurrency <= MOST_CONCURRENCY:
            raise PbxParameterError(
                f"pbx_concurrency is {self.concurrency}, and at least 1 and at most {MOST_CONCURRENCY} calls are under "
                "way at once.",
                "Use 1 for one call after the other.",
            )

    @property
    def base_url(self) -> str:
        """The address without a trailing slash."""
        parts = _split_url(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_plain(self) -> bool:
        """Whether the secret and all data cross the network in clear."""
        return _split_url(self.url).scheme == "http"


def _split_url(url: str) -> SplitResult:
    """Split pbx_url.

    :raises PbxParameterError: unless it is scheme, host and perhaps port.
    """
    parts, fault = None, ""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").encode("idna")
        if parts.scheme not in ("http", "https"):
            fault = "it must begin with https:// (or http://)"
        elif not host or parts.port == 0:
            fault = "it names no host, or port 0"
        elif parts.username is not None or parts.password is not None:
            fault = "it must hold no user name or password"
        elif parts.path not in ("", "/") or parts.query or parts.fragment:
            fault = "it must have no path or query, only host and port"
    except ValueError:
        fault = "its host or port is malformed"
    if fault or parts is None:
        raise PbxParameterError(f"pbx_url cannot be used: {fault}.", "Example: https://pbx.example.com:8088")
    return parts
