# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The PBX as the run knows it, over the Open API (openapi/v1.0)."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.errors import (
    DATA_NOT_FOUND,
    ORGANIZATION_DISABLED,
    PARAMETER_ERROR,
    PARAMETER_SYNTAX_ERROR,
    AnswerLostError,
    IncompleteListError,
    PbxError,
    PbxParameterError,
    PbxRefusedError,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.passwords import make_password
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.session import (
    ATTEMPTS,
    Call,
    PbxSettings,
    Session,
    masked_logs,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.shapes import (
    OrganizationShape,
    parse_extension,
    parse_integer,
    parse_object,
    parse_optional_integer,
    parse_root_organization,
    parse_rows,
    parse_text,
    parse_total,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.model import (
    Extension,
    NewExtension,
    OrganizationReference,
    PbxCapacity,
    PbxIdentity,
)

PAGE_SIZE = 500
# The vendor documents no maximum of ids for extension/query; both bounds keep the URL under 2,000 characters.
_QUERY_IDS = 100
_QUERY_CHARACTERS = 1500
_PASSWORD_FIELDS = frozenset({"user_password", "reg_password"})

_Row = Mapping[str, Any]
_Answer = dict[str, Any]


class PbxClient:
    """A PBX with one access token: got at the first call, renewed in time, revoked at the end of the ``with`` block.

    Implements the interface ``Pbx``. Use it inside ``signals_raise()``, so that signals end the block too.

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
        self._source = source or random.SystemRandom()
        self._page_size = page_size
        self._organization_shape = OrganizationShape()
        self._passwords_in_base64 = False
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

    # --- the system -----------------------------------------------------------------------------------------------

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

    # --- reading extensions ---------------------------------------------------------------------------------------

    def extensions(self) -> list[Extension]:
        """Read all extensions with their managed fields.

        If the list changed while it was read, all of it is read once more.

        :raises IncompleteListError: if what came is not proved complete.
        """
        try:
            return self._read_extensions()
        except IncompleteListError:
            return self._read_extensions()

    def extension(self, extension_id: int) -> Extension | None:
        """Read one extension; None if there is none with this id.

        PBXs may answer an unknown id with 40002 as well as 60001; as 40002 may mean something else too, the whole
        list decides then.
        """
        try:
            return self._get_extension(extension_id)
        except PbxRefusedError as error:
            if error.errcode == DATA_NOT_FOUND:
                return None
            if error.errcode != PARAMETER_ERROR or extension_id in _by_id(self._list_rows()):
                raise
            return None

    def _read_extensions(self) -> list[Extension]:
        rows = _by_id(self._list_rows())
        details = self._details(list(rows))
        return [self._parse(details[extension_id], row) for extension_id, row in rows.items()]

    def _get_extension(self, extension_id: int) -> Extension:
        detail = self._get_detail(extension_id)
        # Where the number is not part of the detail, it is in the list.
        row = {} if detail.get("number") else _by_id(self._list_rows()).get(extension_id, {})
        return self._parse(detail, row)

    def _get_detail(self, extension_id: int) -> _Row:
        endpoint = "extension/get"
        call = Call(endpoint, f"show the extension with id {extension_id}", query={"id": str(extension_id)})
        detail = parse_object(self._session.read(call), "data", endpoint)
        answered = parse_optional_integer(detail.get("id"))
        if answered not in (None, extension_id):
            raise IncompleteListError(f"Asked for the extension with id {extension_id}, the PBX showed {answered}.")
        return {**detail, "id": extension_id}

    def _parse(self, detail: _Row, row: _Row) -> Extension:
        extension = parse_extension(detail, row)
        self._organization_shape.learn(detail.get("organization_list"))
        return extension

    def _list_rows(self) -> list[_Row]:
        return self._pages("extension/list", "list its extensions", {})

    def _pages(self, endpoint: str, purpose: str, extra: Mapping[str, str]) -> list[_Row]:
        """Read a list page by page, in the order of ids, until it is as long as its total.

        A server that gives fewer rows than asked for is taken to cap the page size; the following pages are asked
        for by the size it gives, which is right whether it counts pages by its size or by the one asked for.

        :raises IncompleteListError: if a page is empty too early, a row comes twice, or the total changes.
        """
        first = self._first_page(endpoint, purpose, extra)
        rows = parse_rows(first, "data", endpoint)
        total = parse_total(first, endpoint)
        size, page = len(rows), 1
        while len(rows) < total and size:
            page += 1
            answer = self._page(endpoint, purpose, extra, page, size)
            if parse_total(answer, endpoint) != total:
                raise IncompleteListError(f"The PBX's {endpoint} changed its length while it was read.")
            following = parse_rows(answer, "data", endpoint)
            if not following:
                break
            rows.extend(following)
        if len(rows) != total or len(_by_id(rows)) != total:
            raise IncompleteListError(
                f"The PBX's {endpoint} gave {len(rows)} rows ({len(_by_id(rows))} different ones) and says it has "
                f"{total}.",
                "Run again; if it stays so, restart the PBX.",
            )
        return rows

    def _first_page(self, endpoint: str, purpose: str, extra: Mapping[str, str]) -> Mapping[str, Any]:
        while True:
            try:
                return self._page(endpoint, purpose, extra, 1, self._page_size)
            except PbxRefusedError as error:
                if error.errcode not in (PARAMETER_ERROR, PARAMETER_SYNTAX_ERROR) or self._page_size == 1:
                    raise
            # The vendor documents no maximum; a server may refuse a page size that it finds too big.
            self._page_size //= 2

    def _page(self, endpoint: str, purpose: str, extra: Mapping[str, str], page: int, size: int) -> dict[str, Any]:
        query = {"page": str(page), "page_size": str(size), "sort_by": "id", "order_by": "asc", **extra}
        return self._session.read(Call(endpoint, purpose, query=query))

    def _details(self, extension_ids: Sequence[int]) -> dict[int, _Row]:
        """Read the details of these extensions, every one of them.

        A batch that is refused is halved: the PBX may limit the ids in one call, or refuse an unknown id. Ids that
        are missing from an answer are asked for one by one, and if they exist, batches are no longer than what
        was answered.

        :raises IncompleteListError: if one of them is gone meanwhile.
        """
        details: dict[int, _Row] = {}
        pending = list(extension_ids)
        size = _QUERY_IDS
        while pending:
            batch = _fitting(pending[:size])
            try:
                answered = self._query(batch) if size > 1 else {}
            except PbxRefusedError:
                size = max(1, len(batch) // 2)
                continue
            missing = [extension_id for extension_id in batch if extension_id not in answered]
            details.update(answered)
            details.update((extension_id, self._existing_detail(extension_id)) for extension_id in missing)
            if missing:
                size = max(1, len(answered))
            pending = pending[len(batch) :]
        return details

    def _query(self, extension_ids: Sequence[int]) -> dict[int, _Row]:
        endpoint = "extension/query"
        ids = ",".join(str(extension_id) for extension_id in extension_ids)
        answer = self._session.read(Call(endpoint, "show its extensions", query={"ids": ids}))
        answered = {parse_optional_integer(row.get("id")): row for row in parse_rows(answer, "data", endpoint)}
        return {extension_id: answered[extension_id] for extension_id in extension_ids if extension_id in answered}

    def _existing_detail(self, extension_id: int) -> _Row:
        try:
            return self._get_detail(extension_id)
        except PbxRefusedError as error:
            if error.errcode not in (DATA_NOT_FOUND, PARAMETER_ERROR):
                raise
        raise IncompleteListError(
            f"The extension with id {extension_id} was in the PBX's list and is gone: the list changed while it was "
            "read.",
            "Run again when nobody is changing extensions.",
        )

    # --- writing extensions ---------------------------------------------------------------------------------------

    def create_extension(self, new: NewExtension) -> int:
        """Create an extension with passwords that nobody knows, and return its id.

        :raises PbxCapacityError: if the licence allows no more.
        :raises PbxRefusedError: if the PBX refuses it, or the number is another extension's.
        :raises AnswerLostError: if it is not known whether it was created.
        """
        names = (new.fields.get("first_name", ""), new.fields.get("last_name", ""))
        user_password = make_password(self._source, new.number, *names)
        reg_password = make_password(self._source, new.number, *names)
        try:
            answer = self._create(new, user_password, reg_password)
        except PbxRefusedError as error:
            refusal = error
        else:
            return self._created_id(new, answer)
        refused = set(refusal.invalid_fields)
        if self._passwords_in_base64 or not refused or not refused <= _PASSWORD_FIELDS:
            raise refusal
        # Whether passwords travel in Base64 is not documented: PBXs that want it so refuse them as they are.
        self._passwords_in_base64 = True
        try:
            answer = self._create(new, user_password, reg_password)
        except PbxRefusedError:
            self._passwords_in_base64 = False
        else:
            return self._created_id(new, answer)
        raise refusal

    def update_extension(
        self, extension_id: int, fields: Mapping[str, str], organizations: Sequence[OrganizationReference]
    ) -> None:
        """Set these managed fields and no others; the organizations are sent along as they are.

        :raises PbxRefusedError: if the PBX refuses it.
        :raises AnswerLostError: if it is not known whether it was done.
        """
        body: dict[str, Any] = {"id": extension_id, **fields}
        if organizations:
            body["organization_list"] = self._organization_shape.write(organizations)

        def ask(_must_exist: bool) -> _Answer | None:
            present = self.extension(extension_id)
            is_done = present is not None and all(present.fields.get(name) == fields[name] for name in fields)
            return {} if is_done else None

        self._write(Call("extension/update", f"change the extension with id {extension_id}", body=body), ask)

    def delete_extension(self, extension_id: int) -> None:
        """Delete an extension; one that is already gone is a success.

        :raises PbxRefusedError: if the PBX refuses it.
        :raises AnswerLostError: if it is not known whether it was done.
        """

        def ask(_must_exist: bool) -> _Answer | None:
            return {} if self.extension(extension_id) is None else None

        call = Call("extension/delete", f"delete the extension with id {extension_id}", query={"id": str(extension_id)})
        try:
            self._write(call, ask)
        except PbxRefusedError as error:
            if error.errcode == DATA_NOT_FOUND:
                return
            # An unknown id may be refused as a wrong parameter too.
            if error.errcode != PARAMETER_ERROR or self.extension(extension_id) is not None:
                raise

    def send_welcome_emails(self, extension_ids: Sequence[int]) -> None:
        """Ask for the Linkus welcome e-mail of these extensions, once.

        :raises PbxRefusedError: if the PBX refuses it.
        :raises AnswerLostError: if it is not known whether they were sent; nothing is sent again.
        """
        if not extension_ids:
            return
        call = Call(
            "extension/send_welcome_email",
            f"send the welcome e-mail of {len(extension_ids)} extension(s)",
            body={"id_list": list(extension_ids)},
        )
        try:
            self._session.write(call)
        except PbxError as error:
            if not error.outcome_unknown:
                raise
            lost = error
        else:
            return
        raise AnswerLostError(
            f"It is not known whether the PBX managed to {call.purpose}: {lost.message}",
            "They are not asked for again.",
        )

    def _create(self, new: NewExtension, user_password: str, reg_password: str) -> dict[str, Any]:
        encode = _in_base64 if self._passwords_in_base64 else str
        secrets = (user_password, reg_password, encode(user_password), encode(reg_password))
        body: dict[str, Any] = {
            "type": "SIP",
            "number": new.number,
            **{name: value for name, value in new.fields.items() if value},
            "user_password": encode(user_password),
            "reg_name": new.registration_name,
            "reg_password": encode(reg_password),
            "concurrent_registrations": 1,
            "presence_status": "available",
        }
        if new.organizations:
            body["organization_list"] = self._organization_shape.write(new.organizations)
        call = Call("extension/create", f"create extension {new.number}", body=body, secrets=secrets)
        return self._write(call, lambda must_exist: self._find_created(new, must_exist))

    def _created_id(self, new: NewExtension, answer: Mapping[str, Any]) -> int:
        """Read the id of the created extension; where create does not return it, look the number up."""
        created = parse_optional_integer(answer.get("id"))
        if created is not None:
            return created
        try:
            found = self._find_by_number(new.number, must_exist=True)
        except PbxError:
            found = None
        if found is None:
            raise AnswerLostError(
                f"The PBX says that it created extension {new.number}, but does not show it.",
                "Look for it on the PBX; the next run looks again.",
            )
        return found.id

    def _find_created(self, new: NewExtension, must_exist: bool) -> _Answer | None:
        """Find the extension with the number of a creation whose answer was lost; None if there is none.

        :raises PbxRefusedError: if the number is somebody else's.
        """
        found = self._find_by_number(new.number, must_exist)
        if found is None:
            return None
        if _is_ours(found, new):
            return {"id": found.id}
        raise PbxRefusedError(
            f"Extension {new.number} exists on the PBX and is not the one that was to be created.",
            "Give the user another number, or delete that extension on the PBX.",
        )

    def _find_by_number(self, number: str, must_exist: bool) -> Extension | None:
        """Find an extension by its exact number.

        :param must_exist: look through the whole list if the search, whose columns are not documented, finds none.
        """
        search = self._pages("extension/search", f"look for extension {number}", {"search_value": number})
        found = self._with_number(search, number)
        if found is None and must_exist:
            found = self._with_number(self._list_rows(), number)
        return found

    def _with_number(self, rows: Iterable[_Row], number: str) -> Extension | None:
        """Find the row with exactly this number; a row without any is looked up in detail."""
        for row in rows:
            if parse_text(row.get("number")) in (number, ""):
                detail = self._get_detail(parse_integer(row.get("id"), "id of an extension"))
                extension = self._parse(detail, row)
                if extension.number == number:
                    return extension
        return None

    def _write(self, call: Call, ask: Callable[[bool], _Answer | None]) -> dict[str, Any]:
        """Send a write; after a lost answer ask whether it was done, and only if not, send it again.

        Once an answer was lost, an earlier copy of the call may still be at work. So a refusal of a later copy (the
        number exists by now, say) is looked into before it is believed, and whatever else ends the attempts leaves
        the outcome unknown.

        :param ask: takes whether the object is believed to exist, returns the answer as it would have been, or None
            if the PBX shows that it was not done.
        """
        lost = False
        for attempt in range(ATTEMPTS):
            self._session.pause(attempt)
            failure: PbxError
            try:
                return self._session.write(call)
            except PbxError as error:
                failure = error
            if not lost and not failure.outcome_unknown:
                raise failure
            lost = True
            refused = isinstance(failure, PbxRefusedError)
            outcome = self._ask(call, ask, must_exist=refused)
            if outcome is not None:
                return outcome
            if refused:
                raise failure
            if not failure.outcome_unknown:
                break
        raise _answer_lost(call)

    def _ask(self, call: Call, ask: Callable[[bool], _Answer | None], *, must_exist: bool) -> _Answer | None:
        """Ask what became of a write. If that fails too, the outcome of the write is unknown."""
        try:
            return ask(must_exist)
        except PbxError as error:
            # Our own finding, not the PBX's refusal to be asked: the number is somebody else's.
            if isinstance(error, PbxRefusedError) and error.errcode is None:
                raise
        raise _answer_lost(call)


def _answer_lost(call: Call) -> AnswerLostError:
    return AnswerLostError(
        f"It is not known whether the PBX managed to {call.purpose}: the answer was lost, and asking settled nothing.",
        "The next run looks at what became of it before it does anything.",
    )


def _is_ours(found: Extension, new: NewExtension) -> bool:
    """Whether this is the extension that was to be created: by registration name, else by its filled fields."""
    if found.registration_name is not None:
        return found.registration_name == new.registration_name
    filled = {name: value for name, value in new.fields.items() if value}
    return bool(filled) and all(found.fields.get(name) == value for name, value in filled.items())


def _by_id(rows: Iterable[_Row]) -> dict[int, _Row]:
    return {parse_integer(row.get("id"), "id of an extension"): row for row in rows}


def _fitting(extension_ids: Sequence[int]) -> list[int]:
    """The leading ids, at least one, that fit into the length of a URL."""
    length = 0
    for count, extension_id in enumerate(extension_ids):
        length += len(str(extension_id)) + 1
        if length > _QUERY_CHARACTERS and count:
            return list(extension_ids[:count])
    return list(extension_ids)


def _in_base64(text: str) -> str:
    return base64.b64encode(text.encode("ascii")).decode("ascii")
