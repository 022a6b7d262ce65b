# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Which TLS certificates of a PBX are trusted, and why one did not pass."""

from __future__ import annotations

import ssl
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import PbxCertificateError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings

# X509_V_ERR_* of OpenSSL's x509_vfy.h.
_CERTIFICATE_FAULTS = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed and not among the trusted certificates",
    19: "it was issued by an authority that is not trusted",
    20: "it was issued by an authority that is not trusted",
    21: "it was issued by an authority that is not trusted",
    62: "it was issued for another host name",
    64: "it was issued for another IP address",
}
_OTHER_HOST = (62, 64)
_OUT_OF_DATE = (9, 10)
# What VERIFY_X509_STRICT finds, which is on from Python 3.13 on: X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA and what follows
# it (OpenSSL, x509_vfy.h).
_NOT_BY_STANDARD = range(80, 95)


def make_tls_context(settings: PbxSettings) -> ssl.SSLContext:
    """Make the trust store once: with Connection: close, the library would read it again for every call.

    :raises PbxCertificateError: if ca_path cannot be read.
    """
    if not settings.validate_certs:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if settings.ca_path is None:
        return ssl.create_default_context()
    fault = ""
    try:
        context = ssl.create_default_context(cafile=str(Path(settings.ca_path).expanduser()))
    except ssl.SSLError:
        fault = "it holds no PEM certificate"
    except OSError as error:
        fault = error.strerror or "it cannot be read"
    if fault:
        raise PbxCertificateError(
            f"pbx_ca_path {settings.ca_path} cannot be used: {fault}.", "Name a readable file of PEM certificates."
        )
    # The PBX's own, self-signed certificate may be the trusted one, as it is on most PBXs.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def certificate_error(error: ssl.SSLCertVerificationError, base_url: str) -> PbxCertificateError:
    """Say what is wrong with the certificate of the PBX at this address, and what to do about it."""
    fault = _CERTIFICATE_FAULTS.get(error.verify_code, error.verify_message)
    if error.verify_code in _OTHER_HOST:
        remedy = "Name the PBX in pbx_url as its certificate does."
    elif error.verify_code in _OUT_OF_DATE:
        remedy = "Renew the PBX's certificate, and check the clocks."
    elif error.verify_code in _NOT_BY_STANDARD:
        remedy = "Issue it, or its authority's own certificate, anew by RFC 5280, as Python demands from 3.13 on."
    else:
        remedy = "Give the certificate to trust as pbx_ca_path (a PEM file)."
    return PbxCertificateError(
        f"The TLS certificate of {base_url} did not pass: {fault}.",
        f"{remedy} pbx_validate_certs: false does without the check, and with it without the proof of whom the "
        "secret is sent to.",
    )
