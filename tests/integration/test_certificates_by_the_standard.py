# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that break RFC 5280, which Python refuses from 3.13 on: the message says what is wrong with them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.connection import DirectorySettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import CertificateError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import PbxCertificateError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab.pbx.testing import running_emulator
from lab.tls import CertificateAuthority, certificate_builder
from tests.integration.ad_helpers import open_reader
from tests.integration.pbx_helpers import client_for

PEM = serialization.Encoding.PEM


@pytest.fixture(name="authority")
def _authority(tmp_path: Path) -> CertificateAuthority:
    """One as `openssl req -x509` makes it: nothing says what its key is for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Home-made")])
    certificate = (
        certificate_builder(key, subject=name, issuer=name)
        .not_valid_after(datetime.now(UTC) + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "ca.pem").write_bytes(certificate.public_bytes(PEM))
    private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "ca.key").write_bytes(private)
    return CertificateAuthority(tmp_path)


@pytest.fixture(autouse=True)
def _strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Contexts as Python makes them from 3.13 on, whichever runs this."""
    make = ssl.create_default_context

    def make_strict(*given: Any, **options: Any) -> ssl.SSLContext:
        context = make(*given, **options)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", make_strict)


@contextmanager
def _tls_server(authority: CertificateAuthority) -> Iterator[int]:
    """The port of a server that shakes hands once."""
    issued = authority.issue("server", hosts=["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.cert_path, issued.key_path)

    def serve() -> None:
        with suppress(OSError):
            accepted, _address = listener.accept()
            with accepted, suppress(ssl.SSLError), context.wrap_socket(accepted, server_side=True):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_of_a_domain_controller(authority: CertificateAuthority) -> None:
    with _tls_server(authority) as port:
        settings = DirectorySettings(
            host="127.0.0.1",
            protocol="ldaps",
            port=port,
            base_dn="DC=lab,DC=test",
            username="sync@lab.test",
            password="as good as any",
            ca_path=str(authority.ca_path),
            timeout=20,
        )
        with pytest.raises(CertificateError, match=r"127\.0\.0\.1 does not pass: CA cert .*key usage") as caught:
            open_reader(settings).__enter__()
    assert "RFC 5280" in caught.value.remedy


def test_of_a_pbx(authority: CertificateAuthority) -> None:
    with (
        running_emulator(authority=authority) as emulator,
        client_for(emulator) as client,
        pytest.raises(PbxCertificateError, match=r"did not pass: CA cert .*key usage") as caught,
    ):
        client.capacity()
    assert "RFC 5280" in caught.value.remedy
