# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the sign-on gateway share: a ledger that joins a directory and a PBX, and a browser of sorts."""

from __future__ import annotations

import re
import secrets
import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html import unescape
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.location import LedgerLocation
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql_address import PostgresqlAddress
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sign_on import SignOnLedger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.store import StoredLedger
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Domain
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import (
    Association,
    Credential,
    Origin,
    Parked,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import SignOnSettings

from lab.directory_admin import DirectoryAdmin
from lab.gateway import GatewayProcess, running_gateway
from lab.pbx.emulator import Emulator
from lab.pbx.testing import running_emulator
from lab.samba import LDAPS_PORT, DomainController
from lab.tls import CertificateAuthority

PASSWORD = "Correct-Horse-77"
LOGIN_ADDRESS = "https://pbx.example.test:8088/login"
OTHER_ADDRESS = "https://linkus.example.test/"
ORIGIN = "https://linkus.example.test"
SDK_ID, SDK_KEY = "LABACCESSID00000000000000000001", "LABACCESSKEY0000000000000000001"
LATER = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)

_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_numbers = count(1)


@dataclass(frozen=True)
class Person:
    """Somebody in the directory with an extension."""

    guid: str
    dn: str
    upn: str
    account_name: str
    number: str
    extension_id: int
    email: str

    @property
    def other_name(self) -> str:
        """The name that is made of sAMAccountName."""
        return f"{self.account_name}@lab.test"


@dataclass
class Site:
    """A directory, a PBX and the ledger that joins them.

    `host` and `port` are where the gateway finds the directory, `unit` is the DN of the organizational unit of its
    people, `address` is the ledger's if it is not a file.
    """

    folder: Path
    authority: CertificateAuthority
    directory: DomainController
    admin: DirectoryAdmin
    emulator: Emulator
    host: str
    unit: str
    port: int = LDAPS_PORT
    settings: SignOnSettings = field(
        default_factory=lambda: SignOnSettings(enabled=True, login_addresses=(LOGIN_ADDRESS, OTHER_ADDRESS))
    )
    status: str = "connected"
    firmware: str = "37.20.0.50"
    address: PostgresqlAddress | None = None

    @property
    def ledger_path(self) -> Path:
        """Where the ledger is that is a file."""
        return self.folder / "ledger.sqlite3"

    @property
    def location(self) -> LedgerLocation:
        """Where the ledger is."""
        return self.address or self.ledger_path

    def ledger(self) -> AbstractContextManager[StoredLedger]:
        """The ledger, as a run writes it."""
        return open_ledger(self.location, read_write=True, command="test")

    def save(self, *, status: str | None = None, **changes: Any) -> None:
        """Save integration and settings, with changes of the latter."""
        self.settings = replace(self.settings, **changes)
        self.status = status or self.status
        with self.ledger() as ledger:
            ledger.save_integration(self._integration(), LATER)
            ledger.save_sign_on(self.settings, LATER)

    def _integration(self) -> Integration:
        guid = self.admin.guid_of(self.directory.base_dn)
        return Integration(
            domain=Domain(guid, self.directory.base_dn, "lab.test"),
            pbx=PbxIdentity(self.emulator.settings.serial_number, "P570", self.firmware),
            settings={
                "directory_host": self.host,
                "directory_protocol": "ldaps",
                "directory_port": self.port,
                "directory_base_dn": self.directory.base_dn,
                "directory_ca_path": str(self.directory.ca_path),
                "directory_validate_certs": True,
                "directory_timeout": 30,
                "pbx_url": self.emulator.url,
                "pbx_ca_path": str(self.emulator.ca_path),
                "pbx_validate_certs": True,
            },
            status=self.status,
        )

    def person(
        self, name: str = "", *, password: str = PASSWORD, synchronized: bool = True, **attributes: Any
    ) -> Person:
        """Add somebody to the directory, and unless told otherwise an extension and the association."""
        person = self._add(name, password, synchronized, attributes)
        if synchronized:
            self.associate(person)
        return person

    def people(self, size: int) -> list[Person]:
        """Add so many people to the directory, with extensions and associations."""
        people = [self._add("", PASSWORD, True, {}) for _one in range(size)]
        self.associate(*people)
        return people

    def _add(self, name: str, password: str, synchronized: bool, attributes: dict[str, Any]) -> Person:
        serial = next(_numbers)
        name = name or f"Person {serial}"
        account_name, number = f"gw{serial}", str(2000 + serial)
        upn, email = f"person.{serial}@example.org", f"person.{serial}@example.test"
        guid = self.admin.add_user(
            name,
            parent=self.unit,
            sam_account_name=account_name,
            password=password,
            userPrincipalName=upn,
            mail=email,
            **attributes,
        )
        extension_id = 0
        if synchronized:
            extension_id = self.emulator.pbx.seed_extension(
                number, first_name="Anna", last_name="Adler", email_addr=email
            )
        return Person(guid, self.admin.dn_of(guid), upn, account_name, number, extension_id, email)

    def associate(self, *people: Person, parked: bool = False) -> None:
        """Save the associations of people."""
        with self.ledger() as ledger:
            ledger.save_associations([_association(person, parked) for person in people])

    def forget(self, person: Person) -> None:
        """End the association of somebody, as a run does that releases the extension."""
        with self.ledger() as ledger:
            kept = [one for one in ledger.associations() if one.guid != person.guid]
            integration, settings = self._integration(), self.settings
            ledger.forget_integration()
            ledger.save_integration(integration, LATER)
            ledger.save_sign_on(settings, LATER)
            ledger.save_associations(kept)

    def credentials(self) -> list[Credential]:
        """The credentials that are written down."""
        with open_ledger(self.location, read_write=False, command="test") as ledger:
            return list(ledger.sign_on().credentials)

    def log_in_to_linkus(self, name: str, password: str) -> bool:
        """Whether Linkus lets somebody in."""
        answer = httpx.post(
            f"{self.emulator.url}/login",
            data={"username": name, "password": password},
            headers={"Accept": "application/json"},
            verify=ssl.create_default_context(cafile=str(self.emulator.ca_path)),
            trust_env=False,
        )
        return answer.status_code == httpx.codes.OK

    def linkus_password(self, person: Person) -> str:
        """The user password that the extension of somebody has now."""
        extension = self.emulator.pbx.extensions.get(person.extension_id)
        assert extension
        return extension.user_password

    @contextmanager
    def gateway(self, **tables: dict[str, Any]) -> Iterator[GatewayProcess]:
        """A running gateway; `tables` are those of its configuration."""
        tables.setdefault("limits", {"answer_floor": 0.1})
        credentials = {
            "pbx_client_id": self.emulator.settings.client_id,
            "pbx_client_secret": self.emulator.settings.client_secret,
            "sdk_access_id": SDK_ID,
            "sdk_access_key": SDK_KEY,
        }
        ledger = {"ledger_path": str(self.ledger_path)}
        if self.address:
            ledger = {"ledger_url": self.address.url, "ledger_name": self.address.name}
            credentials["ledger_password"] = self.address.password or ""
        with running_gateway(
            self.folder / f"gateway-{next(_numbers)}",
            self.authority,
            ledger,
            credentials,
            tables=tables,
        ) as gateway:
            yield gateway

    def sign_on_ledger(self) -> SignOnLedger:
        """The ledger, as the gateway uses it."""
        return SignOnLedger(self.location)


def _association(person: Person, parked: bool = False) -> Association:
    return Association(
        guid=person.guid,
        extension_id=person.extension_id,
        number=person.number,
        dn=person.dn,
        account_name=person.account_name,
        user_principal_name=person.upn,
        origin=Origin.CREATED,
        written={"first_name": "Anna", "last_name": "Adler", "email_addr": person.email},
        parked=Parked(LATER, "reg", "available") if parked else None,
    )


@contextmanager
def running_site(
    folder: Path, authority: CertificateAuthority, directory: DomainController, admin: DirectoryAdmin
) -> Iterator[Site]:
    """A site with a PBX and people of its own. The PBX gives out one access token at a time; in the end none lives."""
    pbx = running_emulator(
        authority=authority,
        token_limit=1,
        client_secret=secrets.token_hex(16),
        linkus_sdk_id=SDK_ID,
        linkus_sdk_secret=SDK_KEY,
    )
    with pbx as emulator, admin.unit_of_its_own() as unit:
        site = Site(folder, authority, directory, admin, emulator, directory.address, unit)
        site.save()
        try:
            yield site
        finally:
            assert emulator.state.live_tokens == 0


class Browser:
    """A client that keeps cookies, follows no redirects and trusts the lab's authority alone."""

    def __init__(self, gateway: GatewayProcess, **headers: str) -> None:
        self.gateway = gateway
        context = ssl.create_default_context(cafile=str(gateway.ca_path))
        self.client = httpx.Client(base_url=gateway.url, verify=context, headers=headers, timeout=60, trust_env=False)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_error: object) -> None:
        self.client.close()

    def token(self) -> str:
        """Open the form, and give its token."""
        return token_in(self.client.get("/"))

    def sign_on(self, name: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
        """Open the form, fill it in and send it."""
        return self.send({"csrf": self.token(), "username": name, "password": password, **fields})

    def send(self, fields: dict[str, str], **headers: str) -> httpx.Response:
        """Send a form as it is."""
        sent = {"Origin": self.gateway.url, "Sec-Fetch-Site": "same-origin", **headers}
        return self.client.post("/", data=fields, headers={name: value for name, value in sent.items() if value})


def token_in(response: httpx.Response) -> str:
    """The form's token in a page."""
    found = _CSRF.search(response.text)
    assert found, response.text
    return unescape(found[1])


def problem_in(response: httpx.Response) -> str:
    """The title of the problem that a page tells of; "" for none."""
    found = re.search(r'id="problem".*?<h2>([^<]*)</h2>', response.text, re.DOTALL)
    return unescape(found[1]) if found else ""
