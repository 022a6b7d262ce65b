# SPDX-License-Identifier: GPL-3.0-or-later
"""A Samba Active Directory domain controller in one folder, on one loopback address.

    with running(Path("/tmp/lab/directory"), authority) as controller:
        print(controller.ldaps_url, controller.sync_account.user_principal_name)

The folder holds everything: databases, configuration, sockets, logs. Nothing outside is touched,
except that a missing Samba is installed where that is possible.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import ldif
from .addresses import CANDIDATES, claimed_address, is_listening
from .files import write_private_json
from .population import Population
from .processes import BackgroundProcess, LabError
from .tls import CertificateAuthority

LDAP_PORT = 389
LDAPS_PORT = 636
REALM = "lab.test"
HOST_NAME = "dc1.lab.test"
BASE_DN = "DC=lab,DC=test"
SERVICE_ACCOUNTS_DN = f"OU=Service Accounts,{BASE_DN}"
DELETED_OBJECTS_DN = f"CN=Deleted Objects,{BASE_DN}"

# Debian 12's Samba; what the lab was made with and is measured against.
PACKAGES = (
    "samba=2:4.17.*",
    "samba-ad-dc=2:4.17.*",
    "samba-ad-provision=2:4.17.*",
    "ldb-tools=2:2.6.*",
)
_PROGRAMS = ("samba", "samba-tool", "ldbadd", "ldbmodify", "ldbsearch")

# ACCOUNTDISABLE is off; NORMAL_ACCOUNT and DONT_EXPIRE_PASSWORD are on (MS-ADTS 2.2.16).
_SERVICE_ACCOUNT_CONTROL = 0x200 | 0x10000
_SUBFOLDERS = ("cache", "lock", "ncalrpc", "private", "run", "state")


# Without these the index's changes are kept in a small hash table and copied for each entry: time grows with the square
# of the number of entries.
_BULK_OPTIONS = ("-o", "batch_mode:1", "-o", "transaction_index_cache_size:200000")


@dataclass(frozen=True)
class Account:
    """An account of the directory; the password is left out of repr."""

    sam_account_name: str
    distinguished_name: str
    user_principal_name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class DomainController:
    """A domain controller: where it is and who may log in.

    `sync_account` is a plain user that may also read deleted objects, `plain_account` may not.
    Simple binds without TLS are refused with result 8 unless `require_strong_auth` is false.
    """

    folder: Path
    address: str
    ca_path: Path
    require_strong_auth: bool
    administrator: Account
    sync_account: Account
    plain_account: Account
    process: BackgroundProcess = field(repr=False, compare=False)
    host_name: str = HOST_NAME
    realm: str = REALM
    base_dn: str = BASE_DN

    @property
    def ldap_url(self) -> str:
        """Where LDAP (StartTLS too) is served."""
        return f"ldap://{self.address}:{LDAP_PORT}"

    @property
    def ldaps_url(self) -> str:
        """Where LDAP over TLS is served."""
        return f"ldaps://{self.address}:{LDAPS_PORT}"

    def is_running(self) -> bool:
        """Whether the server process is alive."""
        return self.process.is_running()

    def stop(self) -> None:
        """Stop the server; the data stays, and `start` serves it again."""
        self.process.stop()


def start(
    folder: Path,
    authority: CertificateAuthority,
    *,
    address: str | None = None,
    require_strong_auth: bool = True,
    population: Population | None = None,
    stop_with_parent: bool = False,
) -> DomainController:
    """Serve the domain of `folder`, provisioning it first if it is not there yet (seconds).

    `address` is a loopback address, None picks a free one (that of the last time if it can). `population` is loaded
    before serving.
    `stop_with_parent` ties the server's life to this process. Every start issues a new certificate
    for host name and address. Raises LabError: Samba missing, no root, address taken, start failed.
    """
    folder = folder.resolve()
    if BackgroundProcess(folder, "samba").is_running():
        raise LabError(f"the domain controller in {folder} is running already; stop it first")
    ensure_installed()
    folder.mkdir(parents=True, exist_ok=True)
    previous = find(folder)
    candidates = [address] if address else [*([previous.address] if previous else []), *CANDIDATES]
    with claimed_address(candidates, (LDAP_PORT, LDAPS_PORT)) as free_address:
        provisioned = _accounts_path(folder).exists()
        if not provisioned:
            _remove_databases(folder)
        _write_configuration(folder, authority, free_address, require_strong_auth)
        if not provisioned:
            _provision(folder, free_address)
        if population is not None:
            _load(folder, population)
        controller = _controller(folder, free_address, authority.ca_path, require_strong_auth)
        write_private_json(folder / "serving.json", _serving(controller))
        _serve(controller, stop_with_parent)
    return controller


def find(folder: Path) -> DomainController | None:
    """The domain controller that was last started in `folder`, running or not; None if never."""
    folder = folder.resolve()
    serving_path = folder / "serving.json"
    if not serving_path.exists() or not _accounts_path(folder).exists():
        return None
    serving = json.loads(serving_path.read_text(encoding="utf-8"))
    return _controller(folder, serving["address"], Path(serving["ca_path"]), serving["require_strong_auth"])


def populate(controller: DomainController, population: Population) -> None:
    """Load `population` into the stopped domain's database, which is far faster than over LDAP.

    Raises LabError while the server runs, or if the entries are there already.
    """
    if controller.is_running():
        raise LabError("stop the domain controller before a population is loaded")
    _load(controller.folder, population)


def wipe(folder: Path) -> None:
    """Stop the domain controller of `folder` and delete the folder.

    A folder that holds no domain controller is left alone.
    """
    if not _configuration_path(folder).exists():
        return
    BackgroundProcess(folder.resolve(), "samba").stop()
    shutil.rmtree(folder)


@contextlib.contextmanager
def running(
    folder: Path,
    authority: CertificateAuthority,
    *,
    address: str | None = None,
    require_strong_auth: bool = True,
    population: Population | None = None,
) -> Iterator[DomainController]:
    """`start` for the length of a with block; stopped at its end, or when this process dies."""
    controller = start(
        folder,
        authority,
        address=address,
        require_strong_auth=require_strong_auth,
        population=population,
        stop_with_parent=True,
    )
    try:
        yield controller
    finally:
        controller.stop()


def ensure_installed() -> None:
    """Install Samba where it is missing and that is possible (root and apt).

    Raises LabError that says what to install otherwise.
    """
    if not _missing_programs():
        return
    install = "apt-get install --no-install-recommends " + " ".join(f"'{p}'" for p in PACKAGES)
    remedy = f"Install them, on Debian 12 as root:\n  apt-get update && {install}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LabError(f"missing programs: {', '.join(_missing_programs())}. {remedy}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update"],
        ["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES],
    ):
        _run(command, what="installing Samba", remedy=remedy, environment=environment)
    if missing := _missing_programs():
        raise LabError(f"still missing after installation: {', '.join(missing)}. {remedy}")


def _missing_programs() -> list[str]:
    return [program for program in _PROGRAMS if shutil.which(program) is None]


def _write_configuration(
    folder: Path, authority: CertificateAuthority, address: str, require_strong_auth: bool
) -> None:
    certificate = authority.issue("dc1", hosts=[HOST_NAME, address])
    for name in _SUBFOLDERS:
        (folder / name).mkdir(exist_ok=True)
    settings = {
        "netbios name": "DC1",
        "workgroup": "LAB",
        "realm": REALM.upper(),
        "server role": "active directory domain controller",
        "server services": "ldap, cldap",
        "interfaces": f"{address}/8",
        "bind interfaces only": "yes",
        "ldap server require strong auth": "yes" if require_strong_auth else "no",
        "tls enabled": "yes",
        "tls keyfile": certificate.key_path.resolve(),
        "tls certfile": certificate.cert_path.resolve(),
        "tls cafile": authority.ca_path.resolve(),
        # Relative to the folder, where every program of Samba is started: in full they may be longer than the 107
        # bytes that unix(7) leaves for a socket's path.
        "private dir": "private",
        "pid directory": "run",
        "lock directory": "lock",
        "state directory": folder / "state",
        "cache directory": folder / "cache",
        "ncalrpc dir": "ncalrpc",
        "binddns dir": "bind-dns",
        "log file": "samba.log",
        # A password that was changed is refused at once, rather than after an hour.
        "old password allowed period": "0",
        # Provisioning sets Windows ACLs on the SYSVOL folder: kept in a file of ours, they need
        # neither a file system with extended attributes nor CAP_SYS_ADMIN.
        "vfs objects": "dfs_samba4 acl_xattr xattr_tdb",
        "xattr_tdb:file": folder / "state" / "xattr.tdb",
    }
    lines = ["[global]", *(f"  {name} = {value}" for name, value in settings.items())]
    _configuration_path(folder).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _remove_databases(folder: Path) -> None:
    """Remove what a provisioning that was cut short has left."""
    for name in (*_SUBFOLDERS, "bind-dns", "etc"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _provision(folder: Path, address: str) -> None:
    # No --adminpass: every user of the machine can read a command line.
    _run(
        [
            "samba-tool",
            "domain",
            "provision",
            f"--configfile={_configuration_path(folder)}",
            f"--targetdir={folder}",
            f"--option=private dir={folder / 'private'}",
            f"--realm={REALM.upper()}",
            "--domain=LAB",
            f"--host-name={HOST_NAME.partition('.')[0]}",
            f"--host-ip={address}",
            "--server-role=dc",
            "--dns-backend=NONE",
        ],
        folder=folder,
        what="provisioning the domain",
        remedy=f"Wipe {folder} and start again.",
    )
    accounts = {
        "administrator": _account("Administrator", f"CN=Users,{BASE_DN}"),
        "sync_account": _account("svc-yeastar", SERVICE_ACCOUNTS_DN),
        "plain_account": _account("svc-plain", SERVICE_ACCOUNTS_DN),
    }
    _set_administrator_password(folder, accounts["administrator"])
    _add_service_accounts(folder, [accounts["sync_account"], accounts["plain_account"]])
    _allow_reading_deleted_objects(folder, accounts["sync_account"])
    # Written last: its presence says that the domain is complete.
    write_private_json(_accounts_path(folder), {name: asdict(account) for name, account in accounts.items()})


def _account(name: str, parent: str) -> Account:
    return Account(
        sam_account_name=name,
        distinguished_name=f"CN={name},{parent}",
        user_principal_name=f"{name}@{REALM}",
        # Random, and with all the character classes that the domain's password policy counts.
        password=f"{secrets.token_urlsafe(18)}-Aa1",
    )


def _set_administrator_password(folder: Path, account: Account) -> None:
    record = "\n".join(
        [
            f"dn: {account.distinguished_name}",
            "changetype: modify",
            "replace: clearTextPassword",
            ldif.password_value(account.password),
            "-",
            "replace: userAccountControl",
            f"userAccountControl: {_SERVICE_ACCOUNT_CONTROL}",
            "-",
        ]
    )
    _edit_database(folder, "ldbmodify", record + "\n\n")


def _add_service_accounts(folder: Path, accounts: Sequence[Account]) -> None:
    records = [ldif.addition(SERVICE_ACCOUNTS_DN, {"objectClass": ["organizationalUnit"]})]
    for account in accounts:
        record = ldif.addition(
            account.distinguished_name,
            {
                "objectClass": ["user"],
                "sAMAccountName": [account.sam_account_name],
                "userPrincipalName": [account.user_principal_name],
                "userAccountControl": [str(_SERVICE_ACCOUNT_CONTROL)],
            },
        )
        records.append(record.rstrip("\n") + f"\n{ldif.password_value(account.password)}\n\n")
    _edit_database(folder, "ldbadd", "".join(records))


def _allow_reading_deleted_objects(folder: Path, account: Account) -> None:
    """What `dsacls "CN=Deleted Objects,…" /G account:LCRP` does on Windows.

    As there, only administrators may list the container's children before.
    """
    sid = _read_value(folder, account.distinguished_name, "objectSid")
    descriptor = _read_value(folder, DELETED_OBJECTS_DN, "nTSecurityDescriptor")
    entry = f"(A;;RPLC;;;{sid})"
    allowed, count = re.subn(r"D:[A-Z]*(\([^)]*\))*", rf"\g<0>{entry}", descriptor, count=1)
    if count != 1:
        raise LabError(f"{DELETED_OBJECTS_DN} has no access list to extend: {descriptor}")
    change = ldif.value_replacement(DELETED_OBJECTS_DN, "nTSecurityDescriptor", [allowed])
    _edit_database(folder, "ldbmodify", change, "--show-deleted")


def _load(folder: Path, population: Population) -> None:
    _edit_database(folder, "ldbadd", population.additions_ldif(), *_BULK_OPTIONS)
    _edit_database(folder, "ldbmodify", population.memberships_ldif(), *_BULK_OPTIONS)
    changes = []
    for user_dn, group_dn in population.primary_groups.items():
        relative_id = _read_value(folder, group_dn, "objectSid").rpartition("-")[2]
        changes.append(ldif.value_replacement(user_dn, "primaryGroupID", [relative_id]))
    _edit_database(folder, "ldbmodify", "".join(changes))


def _serve(controller: DomainController, stop_with_parent: bool) -> None:
    configuration = f"--configfile={_configuration_path(controller.folder)}"
    # Interactive mode ends with its standard input; foreground mode does not look at it.
    # One process for all: nothing can be left over when it is gone.
    mode = "--interactive" if stop_with_parent else "--foreground"
    controller.process.start(
        ["samba", mode, "--model=single", "--no-process-group", "--debug-stdout", configuration],
        hold_standard_input=stop_with_parent,
        folder=controller.folder,
    )
    controller.process.wait_until(
        lambda: all(is_listening(controller.address, port) for port in (LDAP_PORT, LDAPS_PORT))
    )


def _edit_database(folder: Path, program: str, records: str, *options: str) -> None:
    if not records:
        return
    _run(
        [program, *_database(folder), *options],
        folder=folder,
        what=f"{program} on {folder}",
        remedy="Wipe the lab and start again.",
        standard_input=records,
    )


def _read_value(folder: Path, dn: str, attribute: str) -> str:
    """The one value of an attribute that LDIF shows as plain text."""
    output = _run(
        ["ldbsearch", *_database(folder), "--show-deleted", "-b", dn, "-s", "base", attribute],
        folder=folder,
        what=f"reading {attribute} of {dn}",
        remedy="Wipe the lab and start again.",
    )
    unfolded = output.replace("\n ", "")
    found = re.search(rf"^{attribute}: (.*)$", unfolded, re.MULTILINE)
    if not found:
        raise LabError(f"{dn}: no {attribute} in the directory's database")
    return found.group(1)


def _database(folder: Path) -> list[str]:
    database = folder / "private" / "sam.ldb"
    return ["-H", str(database), f"--configfile={_configuration_path(folder)}"]


def _run(
    command: Sequence[str],
    *,
    what: str,
    remedy: str,
    folder: Path | None = None,
    standard_input: str = "",
    environment: dict[str, str] | None = None,
) -> str:
    """Run to the end and give the standard output. Raises LabError with the output's end."""
    completed = subprocess.run(
        command,
        input=standard_input,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env={key: value for key, value in (environment or os.environ).items() if not key.startswith("PYTHON")},
    )
    if completed.returncode != 0:
        end = "\n".join((completed.stdout + completed.stderr).splitlines()[-15:])
        raise LabError(f"{what} failed ({completed.returncode}). {remedy}\n{end}")
    return completed.stdout


def _controller(folder: Path, address: str, ca_path: Path, require_strong_auth: bool) -> DomainController:
    accounts = json.loads(_accounts_path(folder).read_text(encoding="utf-8"))
    return DomainController(
        folder=folder,
        address=address,
        ca_path=ca_path,
        require_strong_auth=require_strong_auth,
        administrator=Account(**accounts["administrator"]),
        sync_account=Account(**accounts["sync_account"]),
        plain_account=Account(**accounts["plain_account"]),
        process=BackgroundProcess(folder, "samba"),
    )


def _serving(controller: DomainController) -> dict[str, object]:
    return {
        "address": controller.address,
        "ca_path": str(controller.ca_path.resolve()),
        "require_strong_auth": controller.require_strong_auth,
    }


def _accounts_path(folder: Path) -> Path:
    return folder / "accounts.json"


def _configuration_path(folder: Path) -> Path:
    return folder / "smb.conf"
