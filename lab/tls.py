# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own certificate authority, and the server certificates that it issues.

Certificates satisfy Python's `ssl.VERIFY_X509_STRICT` and OpenSSL 3's strict checks (RFC 5280):
basic constraints, key usage, subject and authority key identifiers are all there.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CA_LIFETIME = timedelta(days=3650)
_SERVER_LIFETIME = timedelta(days=397)
_CLOCK_SKEW = timedelta(hours=1)


@dataclass(frozen=True)
class IssuedCertificate:
    """Where a server certificate and its private key are (both PEM; the key's mode is 0600)."""

    cert_path: Path
    key_path: Path


class CertificateAuthority:
    """A certificate authority kept in one folder: made on first use, read again after that.

    `folder` holds `ca.pem`, `ca.key` and a `NAME.pem` and `NAME.key` for every certificate issued.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca_path = folder / "ca.pem"
        key_path = folder / "ca.key"
        folder.mkdir(parents=True, exist_ok=True)
        if self.ca_path.exists() and key_path.exists():
            self._certificate = x509.load_pem_x509_certificate(self.ca_path.read_bytes())
            self._key = _read_key(key_path)
            return
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _make_ca(self._key)
        _write_key(key_path, self._key)
        self.ca_path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, hosts: Sequence[str]) -> IssuedCertificate:
        """Issue a server certificate, with a new key, that names every one of `hosts`.

        `name` is the files' stem. `hosts` are DNS names and IP addresses; each becomes a subject
        alternative name of its own kind. Files of an earlier certificate of that name are replaced.
        Raises ValueError for no hosts.
        """
        if not hosts:
            raise ValueError("hosts: a server certificate names at least one host")
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign_server(key, hosts)
        issued = IssuedCertificate(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        _write_key(issued.key_path, key)
        issued.cert_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return issued

    def _sign_server(self, key: ec.EllipticCurvePrivateKey, hosts: Sequence[str]) -> x509.Certificate:
        common_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])])
        return (
            certificate_builder(key, subject=common_name, issuer=self._certificate.subject)
            .not_valid_after(_now() + _SERVER_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_name_of(host) for host in hosts]), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False)
            .sign(self._key, hashes.SHA256())
        )


def _make_ca(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    # The random part keeps two labs' authorities apart by name, as real ones are.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Lab certificate authority {os.urandom(4).hex()}")])
    public_key = key.public_key()
    return (
        certificate_builder(key, subject=name, issuer=name)
        .not_valid_after(_now() + _CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key), False)
        .sign(key, hashes.SHA256())
    )


def certificate_builder(
    key: ec.EllipticCurvePrivateKey, *, subject: x509.Name, issuer: x509.Name, begins: datetime | None = None
) -> x509.CertificateBuilder:
    """The beginning of every certificate: whose it is and from when on, an hour ago unless told; the rest is open."""
    public_key = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins or _now() - _CLOCK_SKEW)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _name_of(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _now() -> datetime:
    return datetime.now(UTC)


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path}: not the elliptic-curve key that the lab made")
    return key


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
