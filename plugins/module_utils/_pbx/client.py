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

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import PbxAnswerError, PbxParameterError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.extension_reader import ExtensionReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.extension_writer import ExtensionWriter
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.group_reader import GroupReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.group_shapes import MemberShape
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.group_writer import GroupWriter
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.listing import PAGE_SIZE, Listing
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.live_use import LiveUseReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.organization_reader import OrganizationReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.organization_writer import OrganizationWriter
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.preferences import Preferences
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.settings import PbxSettings
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import (
    OrganizationShape,
    parse_integer,
    parse_object,
    parse_text,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call, hushed_library
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import (
    Access,
    Extension,
    ExtensionGroup,
    GroupPattern,
    LiveUse,
    NewExtension,
    Organization,
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
    :param page_size: how many objects of a list to ask for in one page.
    :param session: the calls of this client, if they are not to be a session's of its own.
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
        session: Session | None = None,
    ) -> None:
        if page_size < 1:
            raise PbxParameterError("A page holds at least one extension.")
        self._session = session or Session(settings, monotonic=monotonic, sleep=sleep)
        listing = Listing(self._session, page_size)
        #: Sentences for the administrator about what went wrong without harm to the run.
        self.warnings: list[str] = []
        organization_shape, member_shape = OrganizationShape(), MemberShape()
        self._extension_reader = ExtensionReader(self._session, listing, organization_shape)
        self._extension_writer = ExtensionWriter(
            self._session,
            self._extension_reader,
            organization_shape,
            source or random.SystemRandom(),
            warn=self.warnings.append,
        )
        self._organization_reader = OrganizationReader(self._session)
        self._organization_writer = OrganizationWriter(self._session, self._organization_reader)
        self._group_reader = GroupReader(self._session, listing, member_shape)
        self._group_writer = GroupWriter(self._session, self._group_reader, member_shape)
        self._preferences = Preferences(self._session)
        self._live_use_reader = LiveUseReader(self._session, Listing(self._session, page_size))
        self._scope = ExitStack()

    def __enter__(self) -> PbxClient:
        self._scope.enter_context(hushed_library())
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
        serial_number = parse_text(data.get("sn"), "serial number").strip()
        if not serial_number:
            # A ledger is one PBX's by this: without it, any other would pass for the same.
            raise PbxAnswerError(f"The PBX's answer to {endpoint} has no serial number (sn).")
        return PbxIdentity(
            serial_number=serial_number,
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

    def live_use(self) -> LiveUse:
        """Ask which extensions are in a call (call/query) and which are agents of a queue (queue/list)."""
        return self._live_use_reader.read()

    # --- organizations --------------------------------------------------------------------------------------------

    def organizations(self) -> list[Organization] | None:
        """Read the organization tree, the root first; None while organization management is off (errcode 70120)."""
        return self._organization_reader.read_all()

    def organization(self, organization_id: int) -> Organization | None:
        """Read one organization; None if there is none with this id."""
        return self._organization_reader.read_one(organization_id)

    def can_set_company_name(self) -> bool:
        """Tell whether this PBX lets the company name be set."""
        return self._preferences.can_set_company_name()

    def set_company_name(self, name: str) -> None:
        """Set the company name, which is the root organization's name."""
        self._preferences.set_company_name(name)

    def create_organization(self, name: str, parent_id: int) -> int:
        """Create an organization and return its id."""
        return self._organization_writer.create(name, parent_id)

    def update_organization(self, organization_id: int, name: str, parent_id: int) -> None:
        """Rename an organization and put it below a parent, in one call."""
        self._organization_writer.update(organization_id, name, parent_id)

    def delete_organization(self, organization_id: int) -> None:
        """Delete an organization; one that is already gone is a success."""
        self._organization_writer.delete(organization_id)

    # --- extension groups -----------------------------------------------------------------------------------------

    def groups(self) -> list[ExtensionGroup]:
        """Read all extension groups with their members."""
        return self._group_reader.read_all()

    def group(self, group_id: int) -> ExtensionGroup | None:
        """Read one extension group; None if there is none with this id."""
        return self._group_reader.read_one(group_id)

    def create_group(self, name: str, members: Sequence[int], like: int | GroupPattern | None = None) -> int:
        """Create an extension group of these extensions, with the rights in another one or given, and return its id."""
        return self._group_writer.create(name, members, like)

    def update_group(self, group_id: int, members: Sequence[int], user_types: Mapping[int, str] | None = None) -> None:
        """Give an extension group these members and no others."""
        self._group_writer.update(group_id, members, user_types)

    def rename_group(self, group_id: int, name: str, members: Sequence[int]) -> bool:
        """Try to rename an extension group and give it these members; tell whether it has the name now."""
        return self._group_writer.rename(group_id, name, members)

    def delete_group(self, group_id: int) -> None:
        """Delete an extension group; one that is already gone is a success."""
        self._group_writer.delete(group_id)

    # --- extensions -----------------------------------------------------------------------------------------------

    def extensions(self, held: Callable[[Extension], Extension] | None = None) -> list[Extension]:
        """Read all extensions with their managed fields.

        :param held: takes each as it was read, and returns an equal one that is held in its place.
        """
        return self._extension_reader.read_all(held or _as_read)

    def extension(self, extension_id: int) -> Extension | None:
        """Read one extension; None if there is none with this id."""
        return self._extension_reader.read_one(extension_id)

    def create_extension(self, new: NewExtension) -> int:
        """Create an extension with passwords that nobody knows, and return its id."""
        return self._extension_writer.create(new)

    def update_extension(
        self,
        extension_id: int,
        fields: Mapping[str, str],
        organizations: Sequence[OrganizationReference],
        access: Access | None = None,
    ) -> None:
        """Set these managed fields and this access, and put the extension into exactly these organizations."""
        self._extension_writer.update(extension_id, fields, organizations, access)

    def delete_extension(self, extension_id: int) -> None:
        """Delete an extension; one that is already gone is a success."""
        self._extension_writer.delete(extension_id)

    def send_welcome_emails(self, extension_ids: Sequence[int]) -> None:
        """Ask for the Linkus welcome e-mail of these extensions, once."""
        self._extension_writer.send_welcome_emails(extension_ids)


def _as_read(extension: Extension) -> Extension:
    return extension
