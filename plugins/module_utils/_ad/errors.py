# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What can go wrong between the collection and the directory, each with its remedy."""

from __future__ import annotations

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError


class DirectoryError(YeastarError):
    """The directory could not be used; the root of this room's errors."""


class DirectoryUnreachableError(DirectoryError):
    """No connection, or one that ended or fell silent."""


class CertificateError(DirectoryError):
    """The server's certificate is not trusted, does not name the host, or TLS could not be set up."""


class DirectoryBindError(DirectoryError):
    """The server refused the log-in.

    :param code: Active Directory's sub-code such as ``52e``, else the LDAP result code in decimal.
    """

    def __init__(self, message: str, remedy: str = "", code: str = "") -> None:
        super().__init__(message, remedy)
        self.code = code


class IncompleteReadError(DirectoryError):
    """An answer that is not proved complete; nothing may be concluded from it."""


class DirectoryNameError(DirectoryError):
    """A named object does not exist, or the name fits several."""


class FilterError(DirectoryError):
    """A text that is not an LDAP filter (RFC 4515)."""
