# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The PBX as the run knows it, over the Open API (openapi/v1.0)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    ORGANIZATION_DISABLED,
    PbxParameterError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.extension_reader import ExtensionReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.extension_writer import ExtensionWriter
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.listing import PAGE_SIZE, Listing
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import (
    OrganizationShape,
    parse_integer,
    parse_object,
    parse_root_organization,
    parse_text,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call, masked_logs
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import (
    Extension,
    NewExtension,
    OrganizationReference,
    PbxCapacity,
    PbxIdentity,
)


class PbxClient:
    """A PBX with one access token: got at the first call, renewed in time, revoked at the end of the ``with`` block.

    Implements ``Pbx`` of ``_module/ports.py``, which says what each method promises. Use it inside
    ``signals_raise()``, so that signals end the block too.

    :param source: where passwords come from.
    :param monotonic: a clock in seconds that never goes back.
    :param sleep: waits that many seconds.
    :param page_size: how many extensions to ask for in one page.
    :raises PbxParameterError: for a page size under 1, or if the library requests is missing.
    :raises PbxCertificateError: if the certificates of ca_path cannot be read.
    """

    def __init__(
        self,
        settings: PbxSettings,
        *,
        source: random.Random | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        page_size: int = PAGE_SIZE,
    ) -> None:
        if page_size < 1:
            raise PbxParameterError("A page holds at least one extension.")
        self._session = Session(settings, monotonic=monotonic, sleep=sleep)
        shape = OrganizationShape()
        self._reader = ExtensionReader(self._session, Listing(self._session, page_size), shape)
        self._writer = ExtensionWriter(self._session, self._reader, shape, source or random.SystemRandom())
        self._scope = ExitStack()
        #: Sentences for the administrator about what went wrong without harm to the run.
        self.warnings: list[str] = []

    def __enter__(self) -> PbxClient:
        self._scope.enter_context(masked_logs())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Revoke the token. Never raises a ``PbxError``: a token that could not be revoked is told in ``warnings``."""
        try:
            warning = self._session.close()
            if warning:
                self.warnings.append(warning)
        finally:
            self._scope.close()

    @property
    def calls(self) -> int:
        """How many HTTP requests were sent, or tried, so far."""
        return self._session.calls

    def identity(self) -> PbxIdentity:
        """Ask system/information for serial number, model and firmware."""
        endpoint = "system/information"
        data = parse_object(self._session.read(Call(endpoint, "tell its model and firmware")), "data", endpoint)
        return PbxIdentity(
            serial_number=parse_text(data.get("sn")),
            model=parse_text(data.get("model_name")),
            firmware=parse_text(data.get("firmware_version")),
        )

    def capacity(self) -> PbxCapacity:
        """Ask system/capacity for how many extensions are allowed and used."""
        endpoint = "system/capacity"
        data = parse_object(self._session.read(Call(endpoint, "tell its capacity")), "data", endpoint)
        return PbxCapacity(
            extensions=parse_integer(data.get("extension_capacity"), "extension_capacity"),
            extensions_used=parse_integer(data.get("extension_used"), "extension_used"),
        )

    def root_organization(self) -> OrganizationReference | None:
        """Return the root of the organization tree, None while organization management is off (errcode 70120)."""
        call = Call("organization/list", "list its organizations", query={"is_all": "2"})
        try:
            answer = self._session.read(call)
        except PbxRefusedError as error:
            if error.errcode == ORGANIZATION_DISABLED:
                return None
            raise
        return parse_root_organization(answer)

    def extensions(self) -> list[Extension]:
        """Read all extensions with their managed fields."""
        return self._reader.read_all()

    def extension(self, extension_id: int) -> Extension | None:
        """Read one extension; None if there is none with this id."""
        return self._reader.read_one(extension_id)

    def create_extension(self, new: NewExtension) -> int:
        """Create an extension with passwords that nobody knows, and return its id."""
        return self._writer.create(new)

    def update_extension(
        self, extension_id: int, fields: Mapping[str, str], organizations: Sequence[OrganizationReference]
    ) -> None:
        """Set these managed fields and no others; the organizations are sent along as they are."""
        self._writer.update(extension_id, fields, organizations)

    def delete_extension(self, extension_id: int) -> None:
        """Delete an extension; one that is already gone is a success."""
        self._writer.delete(extension_id)

    def send_welcome_emails(self, extension_ids: Sequence[int]) -> None:
        """Ask for the Linkus welcome e-mail of these extensions, once."""
        self._writer.send_welcome_emails(extension_ids)
