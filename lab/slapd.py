# SPDX-License-Identifier: GPL-3.0-or-later
"""An OpenLDAP server in one folder, on one loopback address: a directory that costs a reader next to nothing to wait
for, unlike a domain controller.

    with running(folder, authority, size=20_000) as server:
        print(server.ldaps_url, server.base_dn)

Its people have Active Directory's attributes under their own names, so that the collection's searches find them.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .addresses import CANDIDATES, claimed_address, is_listening
from .ldif import addition
from .processes import BackgroundProcess, LabError
from .tls import CertificateAuthority

LDAP_PORT, LDAPS_PORT = 389, 636
HOST_NAME = "slapd.lab.test"
BASE_DN = "DC=slapd,DC=lab,DC=test"
PACKAGE = "slapd=2.5.*"  # Debian 12's; what the lab was made with

_PROGRAMS = Path("/usr/sbin")
_SCHEMAS = Path("/etc/ldap/schema")
_MODULES = Path("/usr/lib/ldap")
_UNITS = 20
_LARGEST_DATABASE = 2 << 30
# What Active Directory's objects have and OpenLDAP's own schemas do not, with its own numbers (MS-ADA1, MS-ADA3). A
# category is the name of a class here, where Active Directory has a DN of which the name may be given alone.
_OWN_SCHEMA = """
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.159 NAME 'accountExpires' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.98 NAME 'primaryGroupID' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.782 NAME 'objectCategory' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.868 NAME 'isCriticalSystemObject' EQUALITY booleanMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.721 NAME 'ipPhone' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP top AUXILIARY
  MUST ( objectGUID $ sAMAccountName $ userAccountControl $ primaryGroupID $ objectCategory )
  MAY ( accountExpires $ isCriticalSystemObject $ ipPhone ) )
"""


@dataclass(frozen=True)
class Slapd:
    """A server: where it is, and the name that may read all of it; the password is left out of repr."""

    folder: Path
    address: str
    ca_path: Path
    username: str
    process: BackgroundProcess = field(repr=False, compare=False)
    password: str = field(repr=False)
    base_dn: str = BASE_DN

    @property
    def ldap_url(self) -> str:
        """Where it answers in clear."""
        return f"ldap://{self.address}:{LDAP_PORT}"

    @property
    def ldaps_url(self) -> str:
        """Where it answers over TLS."""
        return f"ldaps://{self.address}:{LDAPS_PORT}"

    def start(self) -> None:
        """Serve. Raises LabError if that fails."""
        self.process.start(
            [
                *("setpriv", "--pdeathsig=TERM", str(_program("slapd"))),
                *("-f", str(self.folder / "slapd.conf"), "-h", f"{self.ldaps_url} {self.ldap_url}", "-d", "0"),
            ],
            folder=self.folder,
        )
        self.process.wait_until(lambda: is_listening(self.address, LDAPS_PORT))

    def stop(self) -> None:
        """Stop the server; the data stays, and `start` serves it again."""
        self.process.stop()


@contextlib.contextmanager
def running(folder: Path, authority: CertificateAuthority, *, size: int) -> Iterator[Slapd]:
    """Make a directory of so many people in a folder and serve it for the length of a with block.

    It ends with this process at the latest. Raises LabError: programs missing, loading or start failed.
    """
    folder.mkdir()
    # The generator is always finished.
    # pylint: disable-next=contextmanager-generator-missing-cleanup
    with claimed_address(CANDIDATES, (LDAP_PORT, LDAPS_PORT)) as address:
        server = Slapd(
            folder=folder.resolve(),
            address=address,
            ca_path=authority.ca_path.resolve(),
            username=f"CN=reader,{BASE_DN}",
            password=secrets.token_urlsafe(18),
            process=BackgroundProcess(folder.resolve(), "slapd"),
        )
        _configure(server, authority)
        _load(server, size)
        server.start()
    try:
        yield server
    finally:
        server.stop()


def _configure(server: Slapd, authority: CertificateAuthority) -> None:
    issued = authority.issue("slapd", hosts=[HOST_NAME, server.address])
    for source, name in ((issued.cert_path, "server.pem"), (issued.key_path, "server.key")):
        shutil.copy(source, server.folder / name)
    (server.folder / "data").mkdir()
    own_schema = server.folder / "own.schema"
    own_schema.write_text(_OWN_SCHEMA, encoding="utf-8")
    schemas = [*(_SCHEMAS / f"{name}.schema" for name in ("core", "cosine", "inetorgperson")), own_schema]
    lines = [
        *(f"include {schema}" for schema in schemas),
        f"modulepath {_MODULES}",
        "moduleload back_mdb",
        f"TLSCACertificateFile {server.ca_path}",
        f"TLSCertificateFile {server.folder / 'server.pem'}",
        f"TLSCertificateKeyFile {server.folder / 'server.key'}",
        "sizelimit unlimited",
        "database mdb",
        f"suffix {server.base_dn}",
        f"rootdn {server.username}",
        f"rootpw {server.password}",
        f"directory {server.folder / 'data'}",
        f"maxsize {_LARGEST_DATABASE}",
        "dbnosync",
        "index objectClass,objectCategory,objectGUID eq",
    ]
    configuration = server.folder / "slapd.conf"
    configuration.touch(mode=0o600)
    configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _load(server: Slapd, size: int) -> None:
    path = server.folder / "people.ldif"
    with path.open("w", encoding="utf-8") as ldif:
        ldif.writelines(_records(size))
    command = [str(_program("slapadd")), "-q", "-f", str(server.folder / "slapd.conf"), "-l", str(path)]
    finished = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        end = "\n".join((finished.stdout + finished.stderr).splitlines()[-15:])
        raise LabError(f"slapadd failed ({finished.returncode}):\n{end}")


def _records(size: int) -> Iterator[str]:
    yield addition(BASE_DN, {"objectClass": ["top", "domain"], "dc": ["slapd"]})
    for number in range(_UNITS):
        yield addition(f"OU=Department {number},{BASE_DN}", {"objectClass": ["top", "organizationalUnit"]})
    for number in range(size):
        yield _person(number)


def _person(number: int) -> str:
    """A person with all that the collection asks for, but a few without a telephone."""
    name = f"Person {number:06d}"
    texts = {
        "sn": f"{number:06d}",
        "givenName": "Zoë" if number % 10 == 0 else "Person",
        "cn": name,
        "displayName": name,
        "sAMAccountName": f"person{number}",
        "mail": f"person{number}@lab.test",
        "title": "Sachbearbeiterin für Anfragen",
        "userAccountControl": "512",
        "accountExpires": "9223372036854775807",
        "primaryGroupID": "513",
        "objectCategory": "person",
    }
    if number % 20:
        texts["telephoneNumber"] = f"+49 30 {number:06d}"
    record = addition(
        f"CN={name},OU=Department {number % _UNITS},{BASE_DN}",
        {"objectClass": ["inetOrgPerson", "user"], **{key: [value] for key, value in texts.items()}},
    )
    guid = uuid.UUID(int=number + 1).bytes_le
    return f"{record.rstrip()}\nobjectGUID:: {base64.b64encode(guid).decode()}\n\n"


def _program(name: str) -> Path:
    path = _PROGRAMS / name
    if not path.exists():
        raise LabError(
            "OpenLDAP's server is missing. Install it, on Debian 12 as root:\n"
            f"  apt-get update && apt-get install --no-install-recommends '{PACKAGE}'"
        )
    return path
