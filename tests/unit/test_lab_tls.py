# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's certificates are valid for strict verification and the named hosts only."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from lab.tls import CertificateAuthority, IssuedCertificate


def _handshake(issued: IssuedCertificate, ca_path: Path, host: str) -> None:
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(issued.cert_path, issued.key_path)
    client_context = ssl.create_default_context(cafile=str(ca_path))
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    server_side, client_side = socket.socketpair()

    def serve() -> None:
        try:
            server_context.wrap_socket(server_side, server_side=True).close()
        except (ssl.SSLError, OSError):
            server_side.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client_side, client_context.wrap_socket(client_side, server_hostname=host):
            pass
    finally:
        thread.join()


@pytest.mark.parametrize("host", ["dc1.lab.test", "127.0.20.1"])
def test_strict_verification_accepts_each_named_host(tmp_path: Path, host: str) -> None:
    authority = CertificateAuthority(tmp_path)
    issued = authority.issue("dc1", hosts=["dc1.lab.test", "127.0.20.1"])
    _handshake(issued, authority.ca_path, host)


@pytest.mark.parametrize("host", ["dc2.lab.test", "127.0.20.2"])
def test_a_host_that_is_not_named_is_refused(tmp_path: Path, host: str) -> None:
    authority = CertificateAuthority(tmp_path)
    issued = authority.issue("dc1", hosts=["dc1.lab.test", "127.0.20.1"])
    with pytest.raises(ssl.SSLCertVerificationError, match="match"):
        _handshake(issued, authority.ca_path, host)


def test_another_authority_is_refused(tmp_path: Path) -> None:
    issued = CertificateAuthority(tmp_path / "one").issue("dc1", hosts=["dc1.lab.test"])
    other = CertificateAuthority(tmp_path / "two")
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        _handshake(issued, other.ca_path, "dc1.lab.test")


def test_an_authority_opened_again_is_the_same_one(tmp_path: Path) -> None:
    CertificateAuthority(tmp_path)
    before = (tmp_path / "ca.pem").read_bytes()
    again = CertificateAuthority(tmp_path)
    issued = again.issue("pbx", hosts=["pbx.lab.test"])
    assert again.ca_path.read_bytes() == before
    _handshake(issued, again.ca_path, "pbx.lab.test")


def test_private_keys_are_the_owners_alone(tmp_path: Path) -> None:
    issued = CertificateAuthority(tmp_path).issue("dc1", hosts=["dc1.lab.test"])
    assert issued.key_path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600
