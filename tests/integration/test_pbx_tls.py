# SPDX-License-Identifier: GPL-3.0-or-later
"""The PBX's certificate is verified, and what answers must speak the Open API."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    PbxAnswerError,
    PbxCertificateError,
    PbxError,
    PbxUnreachableError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab.pbx.emulator import Emulator
from lab.pbx.testing import running_emulator
from lab.tls import CertificateAuthority, certificate_builder
from tests.integration.pbx_helpers import Hands, QuietHandler, client_for, count, serving


@pytest.fixture
def emulator(lab_authority: CertificateAuthority) -> Iterator[Emulator]:
    """A PBX whose certificate names 127.0.0.1; after the test, no token lives."""
    with running_emulator(authority=lab_authority) as running:
        yield running
        assert running.state.live_tokens == 0


def _refusal(emulator: Emulator, **options: object) -> PbxError:
    """The error of a first call, after which the PBX has seen no call at all."""
    with client_for(emulator, **options) as client, pytest.raises(PbxError) as caught:  # type: ignore[arg-type]
        client.capacity()
    assert len(emulator.calls) == 0
    assert client.calls == 1
    assert "pbx_validate_certs" in caught.value.remedy
    return caught.value


@pytest.fixture
def self_signed(tmp_path: Path) -> Callable[[timedelta, timedelta], tuple[Path, Path]]:
    """Makes a self-signed server certificate for 127.0.0.1, as PBXs have one, and its key."""

    def make(begins: timedelta, ends: timedelta) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pbx")])
        now = datetime.now(UTC)
        certificate = (
            certificate_builder(key, subject=name, issuer=name, begins=now + begins)
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(_LOOPBACK)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        cert_path, key_path = tmp_path / "own.pem", tmp_path / "own.key"
        cert_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return cert_path, key_path

    return make


_LOOPBACK = ipaddress.ip_address("127.0.0.1")
_DAY = timedelta(days=1)


def test_authority_that_is_not_trusted_is_refused(emulator: Emulator, tmp_path: Path) -> None:
    error = _refusal(emulator, ca_path=str(CertificateAuthority(tmp_path).ca_path))
    assert error.__class__ is PbxCertificateError
    assert "authority that is not trusted" in error.message
    assert "pbx_ca_path" in error.remedy
    assert error.ends_run


def test_system_store_is_what_counts_by_default(emulator: Emulator) -> None:
    error = _refusal(emulator, ca_path=None)
    assert "not trusted" in error.message


def test_environment_neither_adds_nor_takes_trust(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(emulator.ca_path))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(emulator.ca_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert "not trusted" in _refusal(emulator, ca_path=None).message
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "missing.pem")
    with client_for(emulator) as client:
        assert client.capacity().extensions_used == 0


def test_trusted_certificates_are_read_from_the_system_store(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # OpenSSL's own variable for the place of the system's store.
    monkeypatch.setenv("SSL_CERT_FILE", str(emulator.ca_path))
    with client_for(emulator, ca_path=None) as client:
        assert client.capacity().extensions_used == 0


def test_certificate_of_another_address_is_refused(emulator: Emulator) -> None:
    error = _refusal(emulator, url=f"https://localhost:{emulator.port}")
    assert "another host name" in error.message
    assert "pbx_url" in error.remedy


def test_certificate_of_another_ip_address_is_refused(lab_authority: CertificateAuthority) -> None:
    issued = lab_authority.issue("pbx-elsewhere", hosts=["pbx.example.test", "192.0.2.1"])
    with Emulator(issued.cert_path, issued.key_path, ca_path=lab_authority.ca_path) as emulator:
        assert "another IP address" in _refusal(emulator).message


@pytest.mark.parametrize(
    ("begins", "ends", "fault"), [(-2 * _DAY, -_DAY, "expired"), (_DAY, 2 * _DAY, "not valid yet")]
)
def test_certificate_out_of_its_time_is_refused(
    self_signed: Callable[[timedelta, timedelta], tuple[Path, Path]], begins: timedelta, ends: timedelta, fault: str
) -> None:
    cert_path, key_path = self_signed(begins, ends)
    with Emulator(cert_path, key_path, ca_path=cert_path) as emulator:
        error = _refusal(emulator)
        assert fault in error.message
        assert "clocks" in error.remedy


def test_self_signed_certificate_is_trusted_when_it_is_named(
    self_signed: Callable[[timedelta, timedelta], tuple[Path, Path]], lab_authority: CertificateAuthority
) -> None:
    cert_path, key_path = self_signed(-_DAY, _DAY)
    with Emulator(cert_path, key_path, ca_path=cert_path) as emulator:
        with client_for(emulator) as client:
            assert client.capacity().extensions_used == 0
        emulator.calls.clear()
        assert "self-signed" in _refusal(emulator, ca_path=str(lab_authority.ca_path)).message


def test_unverified_connection_works_without_a_warning(emulator: Emulator, capfd: pytest.CaptureFixture[str]) -> None:
    # Warnings are errors in these tests.
    with client_for(emulator, validate_certs=False, ca_path=None, url=f"https://localhost:{emulator.port}") as client:
        assert client.capacity().extensions_used == 0
    assert client.warnings == []
    assert capfd.readouterr() == ("", "")


def test_certificate_that_changes_during_the_run_ends_it(
    lab_authority: CertificateAuthority, self_signed: Callable[[timedelta, timedelta], tuple[Path, Path]]
) -> None:
    with running_emulator(authority=lab_authority) as emulator:
        with client_for(emulator) as client:
            client.capacity()
            emulator.stop()
            with (
                Emulator(*self_signed(-_DAY, _DAY), port=emulator.port) as impostor,
                pytest.raises(PbxCertificateError),
            ):
                client.capacity()
            assert len(impostor.calls) == 0
            emulator.start()
        assert emulator.state.live_tokens == 0


# --- what is no PBX ---------------------------------------------------------------------------------------------------


def _plain_server(status: int, content: bytes, location: str = "") -> AbstractContextManager[str]:
    """An HTTP server that answers everything alike; its URL."""

    class Handler(QuietHandler):
        def respond(self) -> None:
            self.body()
            self.answer(status, content, **({"Location": location} if location else {}))

    return serving(Handler)


def _client(url: str, hands: Hands | None = None) -> PbxClient:
    hands = hands or Hands()
    settings = PbxSettings(url, "CLIENT", "Secret1", timeout=5.0)
    return PbxClient(settings, monotonic=hands.monotonic, sleep=hands.sleep)


def test_redirect_is_not_followed_and_told() -> None:
    with (
        _plain_server(302, b"", "https://pbx.example.com:8088/login?access_token=Hidden1") as url,
        _client(url) as client,
        pytest.raises(PbxAnswerError, match=r"redirects to https://pbx.example.com:8088 \(HTTP 302\)") as caught,
    ):
        client.capacity()
    assert "Hidden1" not in str(caught.value)
    assert client.calls == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>"), (200, b""), (200, b"[1]"), (200, b'{"status":"Success"}'), (404, b"<html>"), (503, b"busy")],
)
def test_other_servers_are_told_from_a_pbx(status: int, body: bytes) -> None:
    with _plain_server(status, body) as url, _client(url) as client, pytest.raises(PbxError) as caught:
        client.capacity()
    assert f"HTTP {status}, {len(body)} bytes without an errcode" in str(caught.value)
    assert caught.value.ends_run
    assert client.calls == 1


@pytest.mark.parametrize("body", [b'{"errcode":0,"errmsg":"SUCCESS"}', b'{"errcode":"0","access_token":""}'])
def test_success_without_a_token_is_an_error(body: bytes) -> None:
    with (
        _plain_server(200, body) as url,
        _client(url) as client,
        pytest.raises(PbxAnswerError, match="no access token"),
    ):
        client.capacity()


def test_port_without_tls_is_told() -> None:
    with (
        _plain_server(200, b"") as url,
        _client(url.replace("http:", "https:")) as client,
        pytest.raises(PbxUnreachableError, match="TLS failed"),
    ):
        client.capacity()


def test_plain_http_to_a_tls_port_is_told(emulator: Emulator) -> None:
    with _client(emulator.url.replace("https:", "http:")) as client, pytest.raises(PbxError):
        client.capacity()
    assert count(emulator, "get_token") == 0


def test_name_that_does_not_exist_is_told() -> None:
    hands = Hands()
    with (
        _client("https://pbx.invalid", hands) as client,
        pytest.raises(PbxUnreachableError, match=r"pbx.invalid cannot be reached: .*pbx_url"),
    ):
        client.capacity()
    assert hands.pauses == [0.5, 1.0, 2.0]
