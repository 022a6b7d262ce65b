# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's own certificate: whether it can be used, for whom and how long, and the TLS that it is used with."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509

from sign_on_gateway.settings import Listen, SettingsError

# RFC 9325 4.2: with TLS 1.2 nothing but forward secrecy and authenticated encryption.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
_WARN_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """What the certificate says.

    :param names: the hosts that it is for, lower case; ``*.`` stands for one label.
    """

    names: tuple[str, ...]
    begins: datetime
    ends: datetime

    def is_valid_at(self, time: datetime) -> bool:
        """Whether it has begun and not ended."""
        return self.begins <= time < self.ends

    def is_for(self, host: str) -> bool:
        """Whether a browser takes it for this host (RFC 6125)."""
        host = host.strip("[]")
        return host in self.names or f"*.{host.partition('.')[2]}" in self.names


def tls_context(listen: Listen) -> ssl.SSLContext:
    """Make the TLS that browsers get: version 1.2 or newer.

    :raises SettingsError: if certificate and key cannot be read or do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        # A key with a passphrase is refused, rather than asked for on a terminal that no service has.
        context.load_cert_chain(listen.certificate, listen.key, password=_no_passphrase)
    except ssl.SSLError as error:
        raise SettingsError(
            f"listen.certificate and listen.key cannot be used: {error.reason or 'they are no PEM'}.",
            "Give a certificate and the private key that belongs to it, both as PEM, the key without a passphrase.",
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the key has a passphrase"
        raise SettingsError(
            f"listen.certificate or listen.key cannot be read: {reason}.",
            "See to the paths and to who may read them.",
        ) from None
    return context


def read_certificate(listen: Listen) -> ServerCertificate:
    """Read the certificate.

    :raises SettingsError: if it cannot be read.
    """
    try:
        certificate = x509.load_pem_x509_certificate(listen.certificate.read_bytes())
        return ServerCertificate(_names(certificate), certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    except (OSError, ValueError):
        raise SettingsError("listen.certificate cannot be read.", "Name a PEM file that begins with it.") from None


def check_certificate(certificate: ServerCertificate, public_host: str, now: datetime) -> list[str]:
    """Return warnings about a certificate that can be used.

    :raises SettingsError: if browsers would refuse it.
    """
    if not certificate.is_valid_at(now):
        raise SettingsError(
            f"listen.certificate is valid from {_day(certificate.begins)} to {_day(certificate.ends)} alone.",
            "Renew it, and check the clock.",
        )
    if not certificate.is_for(public_host):
        raise SettingsError(
            f"listen.certificate does not name listen.public_host {public_host}.",
            f"It names {', '.join(certificate.names) or 'nobody'}; get one for the name that users open.",
        )
    left = certificate.ends - now
    return [f"listen.certificate ends on {_day(certificate.ends)}, in {left.days} days."] if left < _WARN_BEFORE else []


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    hosts = extension.value.get_values_for_type(x509.DNSName)
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    return (*(host.lower() for host in hosts), *(_address_text(address) for address in addresses))


def _address_text(address: object) -> str:
    return str(ipaddress.ip_address(str(address)))


def _day(time: datetime) -> str:
    return time.astimezone(UTC).date().isoformat()


def _no_passphrase() -> str:
    raise ValueError
