# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The options that say how to reach the directory, the PBX and the ledger."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  directory_host:
    description:
      - Host name of a domain controller. Its certificate must name it, so an address works only where the certificate names that.
      - If not set, the environment variable E(PBX_AD_DIRECTORY_HOST) is used.
    type: str
  directory_protocol:
    description:
      - V(ldaps) is TLS from the first byte, V(start_tls) is LDAP upgraded to TLS before the password is sent, V(ldap) is LDAP in clear.
      - With V(ldap) the password and all that is read cross the network in clear, which is warned of. Hardened domain controllers refuse it.
      - If not set, the environment variable E(PBX_AD_DIRECTORY_PROTOCOL) is used.
    type: str
    choices: [ldaps, start_tls, ldap]
    default: ldaps
  directory_port:
    description:
      - Port of the domain controller. If not set, it is 636 for V(ldaps) and 389 for the others.
      - If not set, the environment variable E(PBX_AD_DIRECTORY_PORT) is looked at first.
    type: int
  directory_base_dn:
    description:
      - Distinguished name of the object below which users, organizational units and groups are looked for, for example V(DC=example,DC=com).
      - If not set, the environment variable E(PBX_AD_DIRECTORY_BASE_DN) is used.
    type: str
  directory_username:
    description:
      - The account to read the directory with, as a distinguished name or a user principal name. Rights to read are enough.
      - To prove that a user was deleted, it must also be allowed to read the Deleted Objects container; see the README.
      - If not set, the environment variable E(PBX_AD_DIRECTORY_USERNAME) is used.
    type: str
  directory_password:
    description:
      - The account's password. It is never saved.
      - If not set, the environment variable E(PBX_AD_DIRECTORY_PASSWORD) is used.
    type: str
  directory_validate_certs:
    description:
      - Whether the domain controller's certificate and the host name in it are verified.
      - If not set, the environment variable E(PBX_AD_DIRECTORY_VALIDATE_CERTS) is used.
    type: bool
    default: true
  directory_ca_path:
    description:
      - PEM file with the certificates of the authorities to trust for the directory. If not set, the system's are trusted.
      - If not set, the environment variable E(PBX_AD_DIRECTORY_CA_PATH) is looked at first.
    type: path
  directory_timeout:
    description:
      - Seconds to wait for a connection to the directory, and for each answer.
      - If not set, the environment variable E(PBX_AD_DIRECTORY_TIMEOUT) is used.
    type: int
    default: 30
  pbx_url:
    description:
      - Address of the PBX's web portal, for example V(https://pbx.example.com:8088).
      - If not set, the environment variable E(PBX_AD_PBX_URL) is used.
    type: str
  pbx_client_id:
    description:
      - Client ID shown on the PBX at B(Integrations > API).
      - If not set, the environment variable E(PBX_AD_PBX_CLIENT_ID) is used.
    type: str
  pbx_client_secret:
    description:
      - Client Secret shown beside it. It is never saved.
      - If not set, the environment variable E(PBX_AD_PBX_CLIENT_SECRET) is used.
    type: str
  pbx_validate_certs:
    description:
      - Whether the PBX's certificate and the host name in it are verified.
      - If not set, the environment variable E(PBX_AD_PBX_VALIDATE_CERTS) is used.
    type: bool
    default: true
  pbx_ca_path:
    description:
      - PEM file with the certificates to trust for the PBX, its own self-signed one, for example. If not set, the system's are trusted.
      - If not set, the environment variable E(PBX_AD_PBX_CA_PATH) is looked at first.
    type: path
  pbx_timeout:
    description:
      - Seconds to wait for a connection to the PBX, and for each answer.
      - If not set, the environment variable E(PBX_AD_PBX_TIMEOUT) is used.
    type: int
    default: 30
  pbx_concurrency:
    description:
      - How many calls of the PBX's API are under way at once, at most, from 1 to 32. With V(1) each waits for the one before it.
      - A run begins with one, lets through more while the PBX works them off as fast as single ones, and fewer as soon as they wait for each
        other, or one fails. However many there are, they share one access token.
      - If not set, the environment variable E(PBX_AD_PBX_CONCURRENCY) is used.
    type: int
    default: 8
  ledger_path:
    description:
      - File in which the integration, its rules, the associations and the journal are kept. It is made where there is none.
      - A ledger belongs to one PBX and one domain. Losing it means that no extension is known to be whose any more, so back it up.
      - If not set, the environment variable E(PBX_AD_LEDGER_PATH) is looked at, and then
        C($XDG_STATE_HOME/pbxops.yeastar/HOST_PORT.sqlite3) is used, with C(~/.local/state) where E(XDG_STATE_HOME) is not set.
        The return value RV(ignore:ledger_path) tells where it is.
      - Mutually exclusive with O(ledger_url).
    type: path
  ledger_url:
    description:
      - URL of a PostgreSQL database in which the ledger is kept instead of in a file, for example
        V(postgresql://yeastar@db.example.com:5432/ledgers), so that any host can run the play.
      - It may hold all parameters that libpq takes, for example V(?sslrootcert=/etc/pbxops/db-ca.pem), but no password; see O(ledger_password).
      - Unless C(sslmode) in the URL or E(PGSSLMODE) says otherwise, the server's certificate and the host name in it are verified
        (C(verify-full)), but for a server that is reached by a Unix socket or a loopback address.
      - The role needs the right to create a schema in the database, or must own the ledger's schema.
      - If not set, the environment variable E(PBX_AD_LEDGER_URL) is used.
    type: str
  ledger_name:
    description:
      - Name of the schema in the database of O(ledger_url) that holds the ledger and nothing else, at most 63 bytes.
      - If not set, the environment variable E(PBX_AD_LEDGER_NAME) is looked at, and then V(HOST_PORT) of O(pbx_url) is used, so that one database
        can hold the ledgers of many PBXs.
    type: str
  ledger_password:
    description:
      - Password of the role in O(ledger_url). It is never saved.
      - If it is not given, libpq looks for one as it always does, in E(PGPASSWORD), a password file (C(~/.pgpass)) or a service.
      - If not set, the environment variable E(PBX_AD_LEDGER_PASSWORD) is used.
    type: str
requirements:
  - ldap3 >= 2.9.1
  - requests >= 2.28
  - psycopg >= 3.1 with libpq (C(pip install 'psycopg[binary]')), with O(ledger_url) only
notes:
  - The module runs on the host that talks to both sides, usually the controller with C(connection=local), and needs Python 3.11 or newer there.
  - One run at a time may use a ledger; a second one fails at once and says who holds it.
"""

    # What a module cannot do without, said of the options above.
    REQUIRED = r"""
options:
  directory_host:
    required: true
  directory_base_dn:
    required: true
  directory_username:
    required: true
  directory_password:
    required: true
  pbx_url:
    required: true
  pbx_client_id:
    required: true
  pbx_client_secret:
    required: true
"""

    # For a module that asks the PBX alone.
    PBX = r"""
options:
  pbx_url:
    required: true
  pbx_client_id:
    required: true
  pbx_client_secret:
    required: true
"""

    # For modules that can do without the directory and the PBX.
    OFFLINE = r"""
options:
  offline:
    description:
      - Whether the snapshot in the ledger is asked instead of the directory and the PBX. Neither of them is needed then, nor what it takes to log in to them.
      - A snapshot is kept by a run that carries out all rules that are enabled, unless its O(ignore:keep_snapshot) is false. It is both sides as that run has
        read them, and the PBX as the run has left it. See the return value RV(snapshot) for how old it is.
      - Everything is told as of then, and by the rules as they were. A rule that was changed since is warned of.
      - If false, O(directory_host), O(directory_base_dn), O(directory_username), O(directory_password), O(pbx_url), O(pbx_client_id) and O(pbx_client_secret)
        are required. If true, O(ledger_path), or O(ledger_url) with O(ledger_name), or O(pbx_url) is, to name the ledger.
    type: bool
    default: false
"""
