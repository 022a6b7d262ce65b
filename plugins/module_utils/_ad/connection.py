# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The connection to a domain controller: reached, secured and logged in to, or an error that says what to do.

The library's own defaults verify no certificate, wait for ever and send the password to any host that a referral names;
none of them is left as it is.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.bind_errors import bind_error
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import (
    CertificateError,
    DirectoryBindError,
    DirectoryError,
    DirectoryUnreachableError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.receiving import decode_as_they_come

try:
    import ldap3
    import ldap3.core.exceptions
except ImportError:
    # The modules tell the administrator what to install before anything here is called.
    ldap3 = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from ldap3 import Connection, Server

LDAP = "ldap"
LDAPS = "ldaps"
START_TLS = "start_tls"

#: What the library raises, beside its own exceptions, on bytes that are no LDAP answer: it decodes without looking.
LIBRARY_FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

_SUCCESS = 0
_GLOBAL_CATALOG_PORTS = (3268, 3269)
# X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH (OpenSSL, x509_vfy.h)
_HOST_MISMATCH = (62, 64)
# What VERIFY_X509_STRICT finds, which is on from Python 3.13 on: X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA and what follows
# it (OpenSSL, x509_vfy.h).
_NOT_BY_STANDARD = range(80, 95)


@dataclass(frozen=True, slots=True)
class DirectorySettings:
    """How to reach the directory and as whom.

    :param protocol: ``ldaps``, ``start_tls`` or ``ldap`` (in clear).
    :param username: a distinguished name or a user principal name.
    :param validate_certs: whether the certificate and the host name in it are verified.
    :param ca_path: PEM file with the authorities to trust; None for the system's.
    :param timeout: seconds to wait for a connection and for each answer.
    """

    host: str
    protocol: str
    port: int
    base_dn: str
    username: str
    password: str = field(repr=False)
    validate_certs: bool = True
    ca_path: str | None = None
    timeout: int = 30


@contextmanager
def connect(settings: DirectorySettings) -> Iterator[Connection]:
    """Open a connection, secure it as the protocol says, and log in; it is closed at the end of the with block.

    :raises DirectoryUnreachableError: if there is no such host or it does not answer.
    :raises CertificateError: if TLS cannot be set up, or the certificate is not trusted or does not name the host.
    :raises DirectoryBindError: if the log-in is refused, or would be one without a password.
    """
    _check_account(settings)
    with reach(settings) as connection:
        log_in(connection, settings)
        yield connection


@contextmanager
def reach(settings: DirectorySettings) -> Iterator[Connection]:
    """Open a connection and secure it as the protocol says, as nobody; it is closed at the end of the with block.

    :raises DirectoryUnreachableError: if there is no such host or it does not answer.
    :raises CertificateError: if TLS cannot be set up, or the certificate is not trusted or does not name the host.
    """
    _check_place(settings)
    tls_failures: list[Exception] = []
    try:
        connection = _make_connection(settings, tls_failures)
    except ldap3.core.exceptions.LDAPException as error:
        raise _unreachable(settings, error) from None
    try:
        _open(connection, settings, tls_failures)
        if settings.protocol == START_TLS:
            _start_tls(connection, settings, tls_failures)
        yield connection
    finally:
        _close(connection)


def log_in(connection: Connection, settings: DirectorySettings) -> None:
    """Log in on a connection of ``reach``, as the account of the same settings.

    :raises DirectoryUnreachableError: if no answer comes; the server may have seen the password all the same.
    :raises DirectoryBindError: if the log-in is refused, or would be one without a password.
    """
    _check_account(settings)
    _bind(connection, settings)


def log_in_as_nobody(connection: Connection, settings: DirectorySettings) -> None:
    """Log in anonymously on a connection of ``reach``, by settings without a name and a password.

    :raises DirectoryUnreachableError: if no answer comes.
    :raises DirectoryBindError: if the log-in is refused.
    """
    if settings.username or settings.password:
        raise DirectoryBindError("An anonymous log-in has no name and no password.")
    _bind(connection, settings)


def _check_account(settings: DirectorySettings) -> None:
    if not settings.username.strip():
        raise DirectoryBindError("directory_username is empty.", "Name the account to read the directory with.")
    if not settings.password:
        # The server would take this for an unauthenticated log-in and report success (RFC 4513 5.1.2).
        raise DirectoryBindError("directory_password is empty.", "Give the password of directory_username.")


def _check_place(settings: DirectorySettings) -> None:
    if settings.port in _GLOBAL_CATALOG_PORTS:
        raise DirectoryError(
            f"directory_port {settings.port} is the global catalog, which lacks accountExpires and members of groups.",
            "Use the domain controller's own port, 636 for ldaps or 389 for start_tls.",
        )
    if "/" in settings.host or settings.host.count(":") == 1:
        # The library would let such a host change the protocol or the port.
        raise DirectoryUnreachableError(
            f"directory_host {settings.host} is not a host name.",
            "Give the name alone; directory_protocol and directory_port say the rest.",
        )


def _make_connection(settings: DirectorySettings, tls_failures: list[Exception]) -> Connection:
    server = ldap3.Server(
        settings.host,
        port=settings.port,
        use_ssl=settings.protocol == LDAPS,
        tls=None if settings.protocol == LDAP else _tls(settings, tls_failures),
        get_info=ldap3.NONE,
        connect_timeout=settings.timeout,
        allowed_referral_hosts=[],
    )
    connection = ldap3.Connection(
        server,
        user=settings.username or None,
        # As bytes it is sent as it is; text would be normalized first, and Active Directory compares it as typed.
        password=settings.password.encode() or None,  # type: ignore[arg-type]
        authentication=ldap3.SIMPLE if settings.username else ldap3.ANONYMOUS,
        auto_bind=ldap3.AUTO_BIND_NONE,
        client_strategy=ldap3.SYNC,
        auto_referrals=False,
        auto_range=False,
        check_names=False,
        return_empty_attributes=False,
        read_only=True,
        raise_exceptions=False,
        receive_timeout=settings.timeout,
    )
    decode_as_they_come(connection)
    return connection


def _tls(settings: DirectorySettings, failures: list[Exception]) -> Any:
    """Return the library's TLS object with a handshake of our own.

    The library's verifies host names with a function that Python has dropped, and turns errors into text; ours lets
    OpenSSL verify the name and keeps the error in ``failures``.
    """
    context = _tls_context(settings)

    def wrap_socket(connection: Connection, do_handshake: bool = False) -> None:
        try:
            connection.socket = context.wrap_socket(
                connection.socket, server_hostname=settings.host, do_handshake_on_connect=do_handshake
            )
        except Exception as error:
            failures.append(error)
            raise

    tls = ldap3.Tls()
    tls.wrap_socket = wrap_socket  # type: ignore[method-assign]
    return tls


def _tls_context(settings: DirectorySettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_path)
    except (OSError, ValueError) as error:
        raise CertificateError(
            f"directory_ca_path {settings.ca_path} cannot be used: {error}.",
            "Name a PEM file with the certificates to trust.",
        ) from None
    if not settings.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _open(connection: Connection, settings: DirectorySettings, tls_failures: list[Exception]) -> None:
    try:
        socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        raise DirectoryUnreachableError(
            f"directory_host {settings.host} has no address.", "Check the name and this computer's name resolution."
        ) from None
    try:
        connection.open(read_server_info=False)
    except ldap3.core.exceptions.LDAPException as error:
        if tls_failures:
            raise _tls_error(settings, tls_failures[-1]) from None
        raise _unreachable(settings, error) from None


def _start_tls(connection: Connection, settings: DirectorySettings, tls_failures: list[Exception]) -> None:
    try:
        connection.start_tls(read_server_info=False)
    except ldap3.core.exceptions.LDAPException as error:
        if tls_failures:
            raise _tls_error(settings, tls_failures[-1]) from None
        result = connection.result or {}
        if result.get("result", _SUCCESS) == _SUCCESS:
            raise _unreachable(settings, error) from None
        raise CertificateError(
            f"{settings.host} refused StartTLS with result {result['result']} ({result['description']}).",
            "Install a server certificate on the domain controller; StartTLS and LDAPS both need one.",
        ) from None
    except LIBRARY_FAULTS:
        raise _no_ldap(settings) from None


def _bind(connection: Connection, settings: DirectorySettings) -> None:
    try:
        connection.bind(read_server_info=False)
    except ldap3.core.exceptions.LDAPException as error:
        raise _unreachable(settings, error) from None
    except LIBRARY_FAULTS:
        # Not the fault's own text: it may hold what was to be sent, the password.
        raise _no_ldap(settings) from None
    result = connection.result
    if result["result"] != _SUCCESS:
        raise bind_error(result["result"], result["description"], result["message"])


def _no_ldap(settings: DirectorySettings) -> DirectoryError:
    return DirectoryError(
        f"What answers at directory_host {settings.host}, port {settings.port}, does not speak LDAP.",
        "Check directory_host, directory_port and directory_protocol.",
    )


def _close(connection: Connection) -> None:
    with suppress(ldap3.core.exceptions.LDAPException, OSError):
        if connection.bound:
            connection.unbind()
    if connection.socket:
        connection.socket.close()


def _tls_error(settings: DirectorySettings, error: Exception) -> DirectoryError:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _HOST_MISMATCH:
            return CertificateError(
                f"The certificate of directory_host {settings.host} does not name it: {error.verify_message}.",
                "Set directory_host to a name that the certificate holds.",
            )
        if error.verify_code in _NOT_BY_STANDARD:
            return CertificateError(
                f"The certificate of directory_host {settings.host} does not pass: {error.verify_message}.",
                "Issue it, or its authority's own certificate, anew by RFC 5280, as Python demands from 3.13 on.",
            )
        return CertificateError(
            f"The certificate of directory_host {settings.host} is not trusted: {error.verify_message}.",
            "Give the certificate of the authority that issued it as directory_ca_path.",
        )
    if isinstance(error, ssl.SSLError):
        return CertificateError(
            f"No TLS with directory_host {settings.host}, port {settings.port}: {error.reason or error}.",
            "Check directory_protocol and directory_port: ldaps is usually on port 636, start_tls on 389.",
        )
    return _unreachable(settings, error)


def _unreachable(settings: DirectorySettings, error: Exception) -> DirectoryUnreachableError:
    return DirectoryUnreachableError(
        f"No answer from directory_host {settings.host}, port {settings.port} ({error}).",
        f"Check the host, directory_port and firewalls; directory_timeout is {settings.timeout} seconds.",
    )


def lost_connection(connection: Connection, what: str, error: Exception) -> DirectoryUnreachableError:
    """Explain a connection that ended or fell silent while something was read.

    :param what: what was being read, as a noun.
    """
    server: Server = connection.server
    return DirectoryUnreachableError(
        f"The connection to {server.host} was lost while {what} was read ({error}).",
        "Nothing was changed; run again, with a larger directory_timeout if the server is slow.",
    )
