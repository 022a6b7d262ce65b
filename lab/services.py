# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's three services in one folder, and `lab.json`, which tells everything else how to reach them."""

from __future__ import annotations

import json
import secrets
import shutil
import string
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import samba
from .files import write_private_json
from .population import Population, generate
from .processes import BackgroundProcess, LabError
from .samba import LDAPS_PORT, DomainController
from .tls import CertificateAuthority

# Fixed, for the address is the lab's own.
PROXY_LDAP_PORT = 1389
PROXY_LDAPS_PORT = 1636
PROXY_CONTROL_PORT = 1388
PBX_PORT = 8088

_REPOSITORY = Path(__file__).resolve().parents[1]
_CREDENTIAL_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Options:
    """What a lab is started with; None leaves the choice to the lab (or to how it was started last).

    `size` and `seed` are of the population that is loaded before the directory is served, unless there is one.
    """

    address: str | None = None
    require_strong_auth: bool = True
    pbx_model: str = "P570"
    pbx_capacity: int | None = None
    size: int | None = None
    seed: int = 1


@dataclass(frozen=True)
class Service:
    """One of the lab's services. `start` raises LabError; `stop` does nothing when it is not running."""

    name: str
    start: Callable[[Options], None]
    stop: Callable[[], None]
    is_running: Callable[[], bool]


class Lab:
    """The services that belong to one folder. Nothing outside of the folder is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.description_path = self.folder / "lab.json"
        self._directory_folder = self.folder / "directory"
        self._proxy = BackgroundProcess(self.folder, "ldap-proxy")
        self._pbx = BackgroundProcess(self.folder, "pbx")
        directory = BackgroundProcess(self._directory_folder, "samba")
        # In the order of their needs: the proxy and the PBX live on the domain controller's address.
        self.services = (
            Service("domain controller", self._start_directory, directory.stop, directory.is_running),
            Service("LDAP proxy", self._start_proxy, self._proxy.stop, self._proxy.is_running),
            Service("PBX emulator", self._start_pbx, self._pbx.stop, self._pbx.is_running),
        )

    def start(self, options: Options) -> None:
        """Start what is not running. When one service fails, those started before are stopped again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        started: list[Service] = []
        try:
            for service in self.services:
                if not service.is_running():
                    service.start(options)
                    started.append(service)
        except (LabError, KeyboardInterrupt):
            for service in reversed(started):
                service.stop()
            raise

    def populate(self, size: int, seed: int) -> None:
        """Load a population; the domain controller is stopped meanwhile if it runs.

        Raises LabError if there is one already, ValueError for a size that is too small.
        """
        loaded = self.description().get("population")
        if loaded:
            raise LabError(
                f"{self.folder} is populated already (size {loaded['size']}, seed {loaded['seed']});"
                " wipe the lab to begin anew"
            )
        controller = self._controller()
        population = generate(size, seed, base_dn=controller.base_dn)
        was_running = controller.is_running()
        controller.stop()
        try:
            samba.populate(controller, population)
        finally:
            if was_running:
                self._serve_directory(controller.address, controller.require_strong_auth)
        self._describe(population={"size": size, "seed": seed})

    def stop(self) -> None:
        """Stop all services; directory and settings stay."""
        for service in reversed(self.services):
            service.stop()

    def wipe(self) -> None:
        """Stop all services and delete the folder. Raises LabError for a folder that holds no lab."""
        if not self.folder.exists():
            return
        if not self.description_path.exists() and not self._directory_folder.exists():
            raise LabError(f"{self.folder} holds no lab: it is left as it is")
        self.stop()
        shutil.rmtree(self.folder)

    def description(self) -> dict[str, Any]:
        """What `lab.json` holds; empty before the first start."""
        if not self.description_path.exists():
            return {}
        described: dict[str, Any] = json.loads(self.description_path.read_text(encoding="utf-8"))
        return described

    def environment(self) -> dict[str, str]:
        """What tells the collection's modules where all is, as environment variables, secrets too.

        :raises LabError: the lab was never started.
        """
        described = self.description()
        if not described:
            raise LabError(f"there is no lab in {self.folder}: start it first")
        directory, pbx = described["directory"], described["pbx"]
        return {
            "PBX_AD_DIRECTORY_HOST": described["address"],
            "PBX_AD_DIRECTORY_BASE_DN": directory["base_dn"],
            "PBX_AD_DIRECTORY_USERNAME": directory["sync_account"]["user_principal_name"],
            "PBX_AD_DIRECTORY_PASSWORD": directory["sync_account"]["password"],
            "PBX_AD_DIRECTORY_CA_PATH": described["ca_path"],
            "PBX_AD_PBX_URL": pbx["url"],
            "PBX_AD_PBX_CLIENT_ID": pbx["client_id"],
            "PBX_AD_PBX_CLIENT_SECRET": pbx["client_secret"],
            "PBX_AD_PBX_CA_PATH": described["ca_path"],
            "PBX_AD_LEDGER_PATH": str(self.folder.resolve() / "ledger.sqlite3"),
        }

    def _describe(self, **parts: object) -> None:
        write_private_json(self.description_path, {**self.description(), **parts})

    def authority(self) -> CertificateAuthority:
        return CertificateAuthority(self.folder / "tls")

    def _controller(self) -> DomainController:
        controller = samba.find(self._directory_folder)
        if controller is None:
            raise LabError(f"there is no lab in {self.folder}: start it first")
        return controller

    def _start_directory(self, options: Options) -> None:
        if options.size is None or self.description().get("population"):
            self._serve_directory(options.address, options.require_strong_auth)
            return
        population = generate(options.size, options.seed)
        self._serve_directory(options.address, options.require_strong_auth, population)
        self._describe(population={"size": options.size, "seed": options.seed})

    def _serve_directory(
        self, address: str | None, require_strong_auth: bool, population: Population | None = None
    ) -> None:
        controller = samba.start(
            self._directory_folder,
            self.authority(),
            address=address,
            require_strong_auth=require_strong_auth,
            population=population,
        )
        self._describe(
            address=controller.address,
            ca_path=str(controller.ca_path),
            directory={
                "host_name": controller.host_name,
                "realm": controller.realm,
                "base_dn": controller.base_dn,
                "ldap_url": controller.ldap_url,
                "ldaps_url": controller.ldaps_url,
                "require_strong_auth": controller.require_strong_auth,
                "administrator": _described_account(controller.administrator),
                "sync_account": _described_account(controller.sync_account),
                "plain_account": _described_account(controller.plain_account),
            },
        )

    def _start_proxy(self, _options: Options) -> None:
        controller = self._controller()
        address = controller.address
        issued = self.authority().issue("ldap-proxy", hosts=[controller.host_name, address])
        self._proxy.start(
            [
                *(sys.executable, "-m", "lab.ldap_proxy"),
                *("--listen-address", address),
                *("--ldap-port", str(PROXY_LDAP_PORT), "--ldaps-port", str(PROXY_LDAPS_PORT)),
                *("--control-port", str(PROXY_CONTROL_PORT)),
                *("--upstream", f"{address}:{LDAPS_PORT}", "--upstream-name", controller.host_name),
                *("--ca", controller.ca_path, "--cert", issued.cert_path, "--key", issued.key_path),
            ],
            folder=_REPOSITORY,
        )
        self._proxy.wait_until(lambda: bool(_announced(self._proxy)))
        ports = _announced(self._proxy)
        self._describe(
            ldap_proxy={
                "ldap_url": f"ldap://{address}:{ports['ldap']}",
                "ldaps_url": f"ldaps://{address}:{ports['ldaps']}",
                "control_port": ports["control"],
            }
        )

    def _start_pbx(self, options: Options) -> None:
        address = self._controller().address
        issued = self.authority().issue("pbx", hosts=["pbx.lab.test", address])
        known = self.description().get("pbx", {})
        client_id = known.get("client_id") or _credential()
        client_secret = known.get("client_secret") or _credential()
        linkus_sdk_id = known.get("linkus_sdk_id") or _credential()
        linkus_sdk_secret = known.get("linkus_sdk_secret") or _credential()
        capacity = ["--extension-capacity", str(options.pbx_capacity)] if options.pbx_capacity else []
        self._pbx.start(
            [
                *(sys.executable, "-m", "lab.pbx"),
                *("--address", address, "--port", str(PBX_PORT)),
                *("--cert", issued.cert_path, "--key", issued.key_path),
                *("--model", options.pbx_model, "--client-id", client_id, *capacity),
                *("--linkus-sdk-id", linkus_sdk_id),
            ],
            folder=_REPOSITORY,
            variables={
                "PBX_EMULATOR_CLIENT_SECRET": client_secret,
                "PBX_EMULATOR_LINKUS_SDK_SECRET": linkus_sdk_secret,
            },
        )
        self._pbx.wait_until(lambda: bool(_announced(self._pbx)))
        self._describe(
            pbx={
                **_announced(self._pbx),
                "model": options.pbx_model,
                "client_id": client_id,
                "client_secret": client_secret,
                "linkus_sdk_id": linkus_sdk_id,
                "linkus_sdk_secret": linkus_sdk_secret,
            }
        )


def _described_account(account: samba.Account) -> dict[str, str]:
    return {
        "distinguished_name": account.distinguished_name,
        "user_principal_name": account.user_principal_name,
        "password": account.password,
    }


def _announced(process: BackgroundProcess) -> dict[str, Any]:
    """The line of JSON with which a service says that it serves, and where; empty before."""
    for line in process.log_path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("{") and line.endswith("}"):
            announced: dict[str, Any] = json.loads(line)
            return announced
    return {}


def _credential() -> str:
    return "".join(secrets.choice(_CREDENTIAL_LETTERS) for _unused in range(32))
