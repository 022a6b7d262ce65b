# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the proxy: `python -m lab.ldap_proxy --help`."""

# mypy: allow-untyped-calls

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor as _reactor
from twisted.internet import ssl, stdio
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.error import ReactorNotRunning
from twisted.internet.protocol import Protocol, ServerFactory

from lab.ldap_proxy.control import ControlProtocol
from lab.ldap_proxy.limits import Limits
from lab.ldap_proxy.protocol import LimitsProxy, UpstreamClient
from lab.ldap_proxy.state import ProxyState

# Twisted puts the reactor's methods in place at run time.
reactor: Any = _reactor


class ProxyFactory(ServerFactory):
    """Makes a proxy for each connection; `options` is what ldaptor's StartTLS uses."""

    def __init__(self, state: ProxyState, connector: Callable[[], Any], options: ssl.CertificateOptions) -> None:
        self._state = state
        self._connector = connector
        self.options = options

    def buildProtocol(self, addr: Any) -> LimitsProxy:  # noqa: ARG002, N802 (twisted's names)
        """The protocol of one new connection."""
        proxy = LimitsProxy(self._state, self._connector)
        proxy.factory = self
        return proxy


class StopWithParent(Protocol):
    """Stops the proxy when the process that started it closes the proxy's standard input, or is gone."""

    def connectionLost(self, reason: Any = None) -> None:  # noqa: ARG002, N802 (twisted's names)
        """Standard input has ended; a signal may have stopped the proxy already."""
        with suppress(ReactorNotRunning):
            reactor.stop()


def main() -> None:
    """Listen, say on standard output where (one JSON line), and serve until told to stop."""
    options = _arguments()
    state = ProxyState(limits=Limits(options.max_page_size, options.max_value_range))
    certificate = ssl.PrivateCertificate.loadPEM(options.key.read_bytes() + options.cert.read_bytes())
    factory = ProxyFactory(state, _connector(options), certificate.options())
    control = ServerFactory.forProtocol(lambda: ControlProtocol(state))
    address = options.listen_address
    ports = {
        "ldap": reactor.listenTCP(options.ldap_port, factory, interface=address),
        "ldaps": reactor.listenSSL(options.ldaps_port, factory, certificate.options(), interface=address),
        "control": reactor.listenTCP(options.control_port, control, interface=address),
    }
    if options.stop_with_stdin:
        stdio.StandardIO(StopWithParent())
    sys.stdout.write(json.dumps({name: port.getHost().port for name, port in ports.items()}) + "\n")
    sys.stdout.flush()
    reactor.run()


def _connector(options: argparse.Namespace) -> Callable[[], Any]:
    address, _unused, port = options.upstream.rpartition(":")
    authority = ssl.Certificate.loadPEM(options.ca.read_bytes())
    tls = ssl.optionsForClientTLS(options.upstream_name or address, trustRoot=authority)
    endpoint: Any = wrapClientTLS(tls, cast(Any, HostnameEndpoint(reactor, address, int(port))))
    return lambda: connectProtocol(endpoint, UpstreamClient())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lab.ldap_proxy",
        description="An LDAP proxy that plays Windows' limits, and faults on demand.",
    )
    parser.add_argument("--listen-address", default="127.0.0.1", help="default: %(default)s")
    for name in ("ldap", "ldaps", "control"):
        parser.add_argument(f"--{name}-port", type=int, default=0, help="default: any free port")
    parser.add_argument("--upstream", required=True, help="the LDAPS server, as ADDRESS:PORT")
    parser.add_argument("--upstream-name", help="the name in its certificate, if not ADDRESS")
    parser.add_argument("--ca", type=Path, required=True, help="the CA of its certificate (PEM)")
    parser.add_argument("--cert", type=Path, required=True, help="the proxy's own certificate")
    parser.add_argument("--key", type=Path, required=True, help="that certificate's private key")
    parser.add_argument("--max-page-size", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--max-value-range", type=int, default=1500, help="default: %(default)s")
    parser.add_argument("--stop-with-stdin", action="store_true", help="stop when standard input ends")
    return parser.parse_args()


if __name__ == "__main__":
    main()
