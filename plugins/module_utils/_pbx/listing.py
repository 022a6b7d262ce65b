# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""A list of the PBX, read page by page and proved complete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    PARAMETER_ERROR,
    PARAMETER_SYNTAX_ERROR,
    IncompleteListError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import Session
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import parse_integer, parse_rows, parse_total
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.transport import Call

#: How many objects to ask for in one page.
PAGE_SIZE = 500
#: One object of a list, as the Open API gives it.
Row = Mapping[str, Any]


class Listing:
    """Reads lists, with pages as big as the PBX takes them.

    :param page_size: how many objects to ask for in one page, at least 1.
    """

    def __init__(self, session: Session, page_size: int) -> None:
        self._session = session
        self._page_size = page_size

    def rows(
        self, endpoint: str, noun: str, purpose: str, extra: Mapping[str, str] | None = None, key: str = "data"
    ) -> list[Row]:
        """Read a list; see ``pages``."""
        return [row for page in self.pages(endpoint, noun, purpose, extra, key) for row in page]

    def pages(
        self, endpoint: str, noun: str, purpose: str, extra: Mapping[str, str] | None = None, key: str = "data"
    ) -> Iterator[list[Row]]:
        """Read a list page by page, in the order of ids, until it is as long as its total; then it is proved whole.

        A server that gives fewer rows than asked for is taken to cap the page size; the following pages are asked
        for by the size it gives, which is right whether it counts pages by its size or by the one asked for.

        :param endpoint: a call that takes page, page_size, sort_by and order_by, and answers a list and total_number.
        :param noun: what one object of the list is called in a message.
        :param purpose: what it is for, as in "The PBX refused to ...".
        :param extra: what is asked besides, e.g. what to search for.
        :param key: under what the answer has its list.
        :raises IncompleteListError: if a page is empty too early, a row comes twice, or the total changes.
        """
        extra = extra or {}
        first = self._first_page(endpoint, purpose, extra)
        rows = parse_rows(first, key, endpoint)
        total = parse_total(first, endpoint)
        size, page, count = len(rows), 1, len(rows)
        ids = set(rows_by_id(rows, noun))
        yield rows
        while count < total and size:
            page += 1
            answer = self._page(endpoint, purpose, extra, page, size)
            if parse_total(answer, endpoint) != total:
                raise IncompleteListError(f"The PBX's {endpoint} changed its length while it was read.")
            rows = parse_rows(answer, key, endpoint)
            if not rows:
                break
            count += len(rows)
            ids.update(rows_by_id(rows, noun))
            yield rows
            if len(ids) < count:
                # A server that gives the same page again would do so until the total is reached.
                break
        if not count == len(ids) == total:
            raise IncompleteListError(
                f"The PBX's {endpoint} gave {count} rows ({len(ids)} different ones) and says it has {total}.",
                "Run again; if it stays so, restart the PBX.",
            )

    def _first_page(self, endpoint: str, purpose: str, extra: Mapping[str, str]) -> Mapping[str, Any]:
        while True:
            size = self._page_size
            try:
                return self._page(endpoint, purpose, extra, 1, size)
            except PbxRefusedError as error:
                if error.errcode not in (PARAMETER_ERROR, PARAMETER_SYNTAX_ERROR) or size == 1:
                    raise
            # The vendor documents no maximum; a server may refuse a page size that it finds too big.
            self._page_size = size // 2

    def _page(self, endpoint: str, purpose: str, extra: Mapping[str, str], page: int, size: int) -> dict[str, Any]:
        query = {"page": str(page), "page_size": str(size), "sort_by": "id", "order_by": "asc", **extra}
        return self._session.read(Call(endpoint, purpose, query=query))


def rows_by_id(rows: Iterable[Row], noun: str) -> dict[int, Row]:
    """Return rows by their ids; of rows with the same id, the last one.

    :param noun: what one object is called in a message.
    :raises PbxAnswerError: if a row has no usable id.
    """
    return {parse_integer(row.get("id"), f"id of an {noun}"): row for row in rows}
