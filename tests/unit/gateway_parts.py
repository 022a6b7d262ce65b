# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts for sign-ons in memory: a ledger, a directory and a PBX that do and refuse as they are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.errors import DirectoryBindError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.sign_on import ProvedAccount
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.sign_on import SignOnState
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Integration
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.directory import Domain
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.memory import Association, Credential, Origin
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import PbxIdentity
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.sign_on_settings import SignOnSettings
from sign_on_gateway.sign_on import SignOns

NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
GUID = "11111111-0000-4000-8000-000000000000"
OTHER_GUID = "22222222-0000-4000-8000-000000000000"
PASSWORD = "Correct-Horse-77"
ANNA = Association(
    guid=GUID,
    extension_id=41,
    number="1000",
    dn="CN=Anna,DC=example,DC=com",
    account_name="anna",
    user_principal_name="anna@example.com",
    origin=Origin.CREATED,
    written={"first_name": "Anna", "last_name": "Adler", "email_addr": "anna@example.test"},
)
SETTINGS = SignOnSettings(enabled=True, login_addresses=("https://pbx.example.test:8088/login",))
INTEGRATION = Integration(
    domain=Domain("33333333-0000-4000-8000-000000000000", "DC=example,DC=com", "example.com"),
    pbx=PbxIdentity("SN1", "P570", "37.20.0.50"),
    settings={"pbx_url": "https://pbx.example.test:8088"},
    status="connected",
)


@dataclass
class LedgerInMemory:
    """A ledger; `after_note` is called when a credential was written down.

    `fault` is raised by every call, `faults` by calls of these names.
    """

    settings: SignOnSettings | None = SETTINGS
    integration: Integration | None = INTEGRATION
    names: dict[str, str] = field(default_factory=lambda: {"anna@example.com": GUID, "anna@ad": GUID})
    associations: dict[str, Association] = field(default_factory=lambda: {GUID: ANNA})
    credentials: dict[int, Credential] = field(default_factory=dict)
    after_note: Callable[[], object] = lambda: None
    fault: Exception | None = None
    faults: dict[str, Exception] = field(default_factory=dict)

    async def state(self) -> SignOnState:
        self._fail("state")
        return SignOnState(self.integration, self.settings)

    async def find(self, name: str) -> str | None:
        self._fail("find")
        return self.names.get(name.lower())

    async def association(self, guid: str) -> Association | None:
        self._fail("association")
        return self.associations.get(guid)

    async def note_credential(self, credential: Credential) -> Credential | None:
        self._fail("note_credential")
        earlier = self.credentials.get(credential.extension_id)
        self.credentials[credential.extension_id] = credential
        self.after_note()
        return earlier

    async def forget_credential(self, credential: Credential) -> None:
        self._fail("forget_credential")
        if self.credentials.get(credential.extension_id) == credential:
            del self.credentials[credential.extension_id]

    def switch_off(self) -> None:
        """Switch the sign-on off."""
        self.settings = replace(SETTINGS, enabled=False)

    def _fail(self, call: str) -> None:
        fault = self.fault or self.faults.get(call)
        if fault:
            raise fault


@dataclass
class DirectoryInMemory:
    """A directory with one account.

    `fault` is raised by every call, a refused log-in by log-ins alone; `log_ins` counts those that were tried.
    """

    account: ProvedAccount = field(default_factory=lambda: ProvedAccount(GUID, False, None))
    fault: Exception | None = None
    log_ins: int = 0
    knocks: int = 0

    async def prove(self, _integration: Integration, _name: str, _password: str) -> ProvedAccount:
        self.log_ins += 1
        if self.fault:
            raise self.fault
        return self.account

    async def knock(self, _integration: Integration) -> None:
        self.knocks += 1
        if self.fault and not isinstance(self.fault, DirectoryBindError):
            raise self.fault


@dataclass
class PbxInMemory:
    """A PBX's passwords by extension; `faults` are raised by the next calls, None by one that works."""

    passwords: dict[int, str] = field(default_factory=dict)
    faults: list[Exception | None] = field(default_factory=list)
    signatures: int = 0

    async def set_password(self, _integration: Integration, extension_id: int, password: str) -> None:
        self._fail()
        self.passwords[extension_id] = password

    async def draw_password(self, _integration: Integration, association: Association) -> None:
        self._fail()
        self.passwords[association.extension_id] = "(random)"

    async def signature(self, _integration: Integration, username: str, seconds: int) -> str:
        self._fail()
        self.signatures += 1
        return f"signature of {username} for {seconds}"

    def _fail(self) -> None:
        for fault in self.faults[:1]:
            del self.faults[0]
            if fault is not None:
                raise fault


@dataclass
class Parts:
    """All that a sign-on needs, and a time that tests move."""

    ledger: LedgerInMemory = field(default_factory=LedgerInMemory)
    directory: DirectoryInMemory = field(default_factory=DirectoryInMemory)
    pbx: PbxInMemory = field(default_factory=PbxInMemory)
    seconds: float = 1000.0

    def __post_init__(self) -> None:
        self.sign_ons = SignOns(
            cast(Any, self.ledger),
            cast(Any, self.directory),
            cast(Any, self.pbx),
            clock=lambda: NOW + timedelta(seconds=self.seconds - 1000),
            monotonic=lambda: self.seconds,
        )
