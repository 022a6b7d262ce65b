# SPDX-License-Identifier: GPL-3.0-or-later
"""Loopback addresses: every lab has one of its own, so that labs run side by side.

All of 127.0.0.0/8 answers on Linux' loopback interface: no alias has to be added.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence

from .processes import LabError

CANDIDATES = tuple(f"127.0.{third}.1" for third in range(20, 220))
_CLAIM_PORT = 388  # next to LDAP's 389 and not assigned to anything: holding it claims the address


@contextlib.contextmanager
def claimed_address(candidates: Sequence[str], ports: Sequence[int]) -> Iterator[str]:
    """Give the first of these loopback addresses whose TCP `ports` are free; keep others off it meanwhile.

    The claim is a listening socket that goes with this process, so a crash leaves nothing behind. Raises LabError
    when none is free.
    """
    for address in candidates:
        claim = _bind(address, _CLAIM_PORT)
        if claim is None:
            continue
        with claim:
            if all(is_free(address, port) for port in ports):
                yield address
                return
    where = candidates[0] if len(candidates) == 1 else f"{candidates[0]} to {candidates[-1]}"
    raise LabError(
        f"no free address: ports {', '.join(map(str, ports))} of {where} are taken, or it is not a loopback address."
        " Stop what listens there, or name another address of 127.0.0.0/8 with --address."
    )


def is_free(address: str, port: int) -> bool:
    """Whether nothing is bound to that TCP port of that address. Raises LabError without root."""
    bound = _bind(address, port)
    if bound is None:
        return False
    bound.close()
    return True


def is_listening(address: str, port: int) -> bool:
    """Whether a server accepts connections there."""
    try:
        socket.create_connection((address, port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _bind(address: str, port: int) -> socket.socket | None:
    """A listening socket there, or None where that is taken or not an address of this machine."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # As servers do: a connection of an earlier lab that is still closing is no obstacle.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
        bound.listen(1)
    except PermissionError:
        bound.close()
        raise LabError(f"{address}:{port} cannot be opened: ports under 1024 need root. Run the lab as root.") from None
    except OSError:
        bound.close()
        return None
    return bound
