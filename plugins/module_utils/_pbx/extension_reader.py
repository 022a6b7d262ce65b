# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Extensions as the PBX shows them: every id of the list is answered, or nothing is returned."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.details import DetailReader
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import IncompleteListError
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.listing import Listing, Row, rows_by_id
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import (
    OrganizationShape,
    known,
    parse_extension,
    parse_integer,
    parse_text,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import Extension

_NOUN = "extension"


class ExtensionReader:
    """Reads extensions.

    :param listing: reads the lists.
    :param organization_shape: learns from what is read how this PBX writes organizations.
    """

    def __init__(self, session: Session, listing: Listing, organization_shape: OrganizationShape) -> None:
        self._listing = listing
        self._details = DetailReader(session, "extension", _NOUN)
        self._organization_shape = organization_shape

    def read_all(self, held: Callable[[Extension], Extension]) -> list[Extension]:
        """Read all extensions with their managed fields.

        If the list changed while it was read, all of it is read once more.

        :param held: takes each as it was read, and returns an equal one that is held in its place.
        :raises IncompleteListError: if what came is not proved complete.
        """
        try:
            return self._read_list(held)
        except IncompleteListError:
            return self._read_list(held)

    def read_one(self, extension_id: int) -> Extension | None:
        """Read one extension; None if there is none with this id.

        :raises IncompleteListError: if the PBX shows another extension, or a list that was needed besides is not
            proved complete.
        """
        detail = self._details.find(extension_id, lambda: extension_id in self._rows())
        if detail is None:
            return None
        # Where the number is not part of the detail, it is in the list.
        return self._parse(detail, {} if detail.get("number") else self._rows().get(extension_id, {}))

    def find_by_number(self, number: str, must_exist: bool) -> Extension | None:
        """Find an extension by its exact number.

        :param must_exist: look through the whole list if the search, whose columns are not documented, finds none.
        :raises IncompleteListError: if a list that was looked through is not proved complete.
        """
        purpose = f"look for extension {number}"
        search = self._listing.rows("extension/search", _NOUN, purpose, {"search_value": number})
        found = self._with_number(search, number)
        if found is None and must_exist:
            found = self._with_number(self._rows().values(), number)
        return found

    def _read_list(self, held: Callable[[Extension], Extension]) -> list[Extension]:
        """Keep of each answer no more than is needed once the next one is asked for."""
        rows = self._rows()
        details = self._details.each(list(rows))
        return [held(self._parse(detail, rows.pop(extension_id))) for extension_id, detail in details]

    def _rows(self) -> dict[int, Row]:
        pages = self._listing.pages("extension/list", _NOUN, "list its extensions")
        return {extension_id: known(row) for page in pages for extension_id, row in rows_by_id(page, _NOUN).items()}

    def _parse(self, detail: Row, row: Row) -> Extension:
        extension = parse_extension(detail, row)
        self._organization_shape.learn(detail.get("organization_list"))
        return extension

    def _with_number(self, rows: Iterable[Row], number: str) -> Extension | None:
        """Find the row with exactly this number; a row without any is looked up in detail."""
        for row in rows:
            if parse_text(row.get("number")) in (number, ""):
                detail = self._details.read(parse_integer(row.get("id"), "id of an extension"))
                extension = self._parse(detail, row)
                if extension.number == number:
                    return extension
        return None
