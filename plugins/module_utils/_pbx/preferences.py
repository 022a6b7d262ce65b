# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The company name, which is the root organization's name (vendor's pages "Query …" and "Edit Preference Setting")."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    ACCESS_DENIED,
    INTERFACE_NOT_EXISTED,
    PbxError,
    PbxInterfaceError,
    PbxPermissionError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.lost_answers import Answer, write_until_known
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import parse_text
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call

_FIELD = "company_name"
_REMEDY = "Set it by hand at PBX Settings > Preferences > Organization Management."


class Preferences:
    """Reads and writes the company name, where the firmware and the API application's permissions let it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def can_set_company_name(self) -> bool:
        """Tell whether preference/get answers with a company name.

        Older firmware has no such call (errcode 10001), and an application may lack the permission (10005).
        """
        try:
            return self._company_name() is not None
        except (PbxInterfaceError, PbxPermissionError) as error:
            if _is_of_this_call_alone(error):
                return False
            raise

    def set_company_name(self, name: str) -> None:
        """Set the company name.

        :raises PbxRefusedError: if the PBX refuses it, or has no such call for this application.
        :raises AnswerLostError: if it is not known whether it was done.
        """

        def ask(_must_exist: bool) -> Answer | None:
            return {} if self._company_name() == name else None

        call = Call("preference/update", f"set the company name to {name}", body={_FIELD: name})
        try:
            write_until_known(self._session, call, ask)
            return
        except PbxRefusedError as error:
            error.remedy = error.remedy or _REMEDY
            raise
        except (PbxInterfaceError, PbxPermissionError) as error:
            if not _is_of_this_call_alone(error):
                raise
            refusal = error
        # Other calls may be allowed all the same.
        raise PbxRefusedError(refusal.message, _REMEDY, errcode=refusal.errcode, errmsg=refusal.errmsg)

    def _company_name(self) -> str | None:
        data = self._session.read(Call("preference/get", "tell the company name")).get("data")
        name = data.get(_FIELD) if isinstance(data, Mapping) else None
        return None if name is None else parse_text(name, _FIELD)


def _is_of_this_call_alone(error: PbxError) -> bool:
    return error.errcode in (INTERFACE_NOT_EXISTED, ACCESS_DENIED)
