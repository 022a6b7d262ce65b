# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration says by name what is wrong with it, and no secret of it is ever shown."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql_address import PostgresqlAddress
from sign_on_gateway.__main__ import main
from sign_on_gateway.certificate import ServerCertificate, check_certificate, read_certificate, tls_context
from sign_on_gateway.settings import Configuration, Login, SettingsError, read_configuration

from lab.tls import CertificateAuthority

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOST = "signon.example.com"
_LEDGER = 'ledger_path = "/l.sqlite3"'

Write = Callable[..., Configuration]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "pbx_client_id").write_text("ID\n")
    (tmp_path / "credentials" / "pbx_client_secret").write_text("S3cret of the PBX\n")
    issued = CertificateAuthority(tmp_path / "tls").issue("gateway", hosts=[HOST])
    issued.cert_path.rename(tmp_path / "tls.pem")
    issued.key_path.rename(tmp_path / "tls.key")
    return tmp_path


@pytest.fixture
def read(folder: Path) -> Write:
    """A function that reads a configuration: its ledger, what stands in [listen] and what follows."""

    def read(
        ledger: str = 'ledger_path = "/l.sqlite3"', listen: str = "", rest: str = "", **fixed: str
    ) -> Configuration:
        values = {
            "public_host": HOST,
            "certificate": str(folder / "tls.pem"),
            "key": str(folder / "tls.key"),
            **fixed,
        }
        lines = [f'{key} = "{value}"' for key, value in values.items() if value]
        path = folder / "sign-on.toml"
        path.write_text("\n".join([ledger, "[listen]", *lines, listen, rest]))
        return read_configuration(path, {"CREDENTIALS_DIRECTORY": str(folder / "credentials")})

    return read


def test_what_is_not_said_has_a_default(read: Write) -> None:
    configuration = read()
    assert configuration.ledger == Path("/l.sqlite3")
    assert configuration.listen.port == 8443
    assert configuration.page.languages == ("en",)
    assert configuration.limits.answer_floor == 1
    assert configuration.pbx.wait == 15
    assert configuration.pbx_login == Login("ID", "S3cret of the PBX")
    assert configuration.sdk_login is None


def test_what_is_said_is_taken(read: Write, folder: Path) -> None:
    (folder / "credentials" / "ledger_password").write_text("S3cret of the ledger")
    rest = """
        trusted_proxies = ["192.0.2.1", "2001:db8::/64"]
        [page]
        organization = "Example Ltd"
        help = "Extension 100"
        languages = ["de", "en"]
        [directory]
        ca_path = "/ca.pem"
        timeout = 7
        [pbx]
        ca_path = "/pbx.pem"
        timeout = 2.5
        wait = 20
        passwords_in_base64 = true
        [limits]
        answer_floor = 0.5
        threads = 4
        concurrent = 100
    """
    configuration = read('ledger_url = "postgresql://pbx@db/ledgers"\nledger_name = "main"', rest=rest)
    assert configuration.ledger == PostgresqlAddress("postgresql://pbx@db/ledgers", "main", "S3cret of the ledger")
    assert configuration.listen.trusted_proxies == ("192.0.2.1", "2001:db8::/64")
    assert configuration.page.organization == "Example Ltd"
    assert configuration.directory.timeout == 7
    assert configuration.pbx.passwords_in_base64 is True
    assert configuration.limits.concurrent == 100
    assert "S3cret" not in repr(configuration)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"ledger": ""}, "ledger_path"),
        ({"ledger": 'ledger_path = "/a"\nledger_url = "postgresql://h/d"'}, "ledger_url"),
        ({"ledger": 'ledger_path = "relative"'}, "ledger_path"),
        ({"ledger": "ledger_path = 1"}, "ledger_path"),
        ({"ledger": 'ledger_path = "/a"\nledger_pth = "/b"'}, "ledger_pth"),
        ({"listen": "port = 0"}, "listen.port"),
        ({"listen": "port = 70000"}, "listen.port"),
        ({"listen": "port = true"}, "listen.port"),
        ({"listen": "port = 8443.5"}, "listen.port"),
        ({"listen": "prt = 1"}, "listen.prt"),
        ({"listen": 'trusted_proxies = ["proxy.example.com"]'}, "listen.trusted_proxies"),
        ({"listen": 'trusted_proxies = "192.0.2.1"'}, "listen.trusted_proxies"),
        ({"public_host": ""}, "listen.public_host"),
        ({"public_host": "https://signon.example.com"}, "listen.public_host"),
        ({"public_host": "signon.example.com:8443"}, "listen.public_host"),
        ({"certificate": ""}, "listen.certificate"),
        ({"certificate": "tls.pem"}, "listen.certificate"),
        ({"key": ""}, "listen.key"),
        ({"rest": "[page]\nlanguages = [1]"}, "page.languages"),
        ({"rest": "[page]\nhelp = 1"}, "page.help"),
        ({"rest": "[directory]\ntimeout = 0"}, "directory.timeout"),
        ({"rest": "[pbx]\nwait = nan"}, "pbx.wait"),
        ({"rest": '[pbx]\npasswords_in_base64 = "yes"'}, "pbx.passwords_in_base64"),
        ({"rest": "[limits]\nthreads = 1.5"}, "limits.threads"),
        ({"rest": "[limits]\nanswer_floor = -1"}, "limits.answer_floor"),
        ({"rest": "[limts]\nthreads = 1"}, "limts"),
        ({"ledger": 'limits = 1\nledger_path = "/a"'}, "limits"),
        ({"rest": "= 1"}, "sign-on.toml"),
    ],
)
def test_a_mistake_is_named_by_its_key_with_a_remedy(read: Write, options: dict[str, str], key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(**options)
    assert key in caught.value.message
    assert caught.value.remedy


def test_an_impossible_ledger_in_postgresql_is_refused(read: Write) -> None:
    with pytest.raises(LedgerError, match="ledger_url"):
        read('ledger_url = "postgresql://pbx:S3cret@db/ledgers"\nledger_name = "main"')


def test_credentials_come_in_pairs_and_at_least_one(read: Write, folder: Path) -> None:
    secrets = folder / "credentials"
    (secrets / "pbx_client_secret").unlink()
    with pytest.raises(SettingsError, match="pbx_client_secret is missing"):
        read()
    (secrets / "pbx_client_id").unlink()
    with pytest.raises(SettingsError, match="no credential for the PBX"):
        read()
    (secrets / "sdk_access_key").write_text("S3cret")
    with pytest.raises(SettingsError, match="sdk_access_id is missing"):
        read()
    (secrets / "sdk_access_id").write_text("ID")
    assert read().sdk_login == Login("ID", "S3cret")


@pytest.mark.parametrize("content", [b"S3cret\nS3cret", b"S3cret\x00", b"\xff\xfeS3cret", b"S3cret" * 1000])
def test_a_credential_that_is_none_is_named_and_not_shown(read: Write, folder: Path, content: bytes) -> None:
    (folder / "credentials" / "pbx_client_secret").write_bytes(content)
    with pytest.raises(SettingsError, match="pbx_client_secret") as caught:
        read()
    assert "S3cret" not in str(caught.value)


def test_the_key_may_be_a_credential(read: Write, folder: Path) -> None:
    (folder / "tls.key").rename(folder / "credentials" / "tls.key")
    configuration = read(key="")
    assert configuration.listen.key == folder / "credentials" / "tls.key"
    assert tls_context(configuration.listen)


def test_the_certificate_may_be_a_credential_too(read: Write, folder: Path) -> None:
    for name in ("tls.pem", "tls.key"):
        (folder / name).rename(folder / "credentials" / name)
    configuration = read(certificate="", key="")
    assert configuration.listen.certificate == folder / "credentials" / "tls.pem"
    assert tls_context(configuration.listen)


def test_a_configuration_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_configuration(tmp_path / "none.toml", {})


# --- the certificate ----------------------------------------------------------------------------------------------


def test_certificate_and_key_belong_together(read: Write, folder: Path) -> None:
    listen = read().listen
    certificate = read_certificate(listen)
    assert certificate.names == (HOST,)
    other = CertificateAuthority(folder / "other").issue("other", hosts=[HOST])
    (folder / "tls.key").write_bytes(other.key_path.read_bytes())
    with pytest.raises(SettingsError, match=r"listen\.key cannot be used"):
        tls_context(listen)


def test_a_key_with_a_passphrase_is_refused_rather_than_asked_for(read: Write, folder: Path) -> None:
    listen = read().listen
    command = ["openssl", "pkey", "-aes256", "-passout", "pass:x", "-in", str(folder / "tls.key"), "-out"]
    subprocess.run([*command, str(folder / "locked.key")], check=True, capture_output=True)
    (folder / "locked.key").replace(folder / "tls.key")
    with pytest.raises(SettingsError, match="passphrase"):
        tls_context(listen)


def test_files_that_are_none_are_told(read: Write, folder: Path) -> None:
    listen = read().listen
    (folder / "tls.pem").write_text("nonsense")
    with pytest.raises(SettingsError, match=r"listen\.certificate"):
        tls_context(listen)
    with pytest.raises(SettingsError, match=r"listen\.certificate"):
        read_certificate(listen)
    (folder / "tls.pem").unlink()
    with pytest.raises(SettingsError, match="No such file"):
        tls_context(listen)


def certificate(days: float, *names: str) -> ServerCertificate:
    return ServerCertificate(names or (HOST,), NOW - timedelta(days=1), NOW + timedelta(days=days))


def test_a_certificate_that_ends_soon_is_warned_of() -> None:
    assert check_certificate(certificate(31), HOST, NOW) == []
    (warning,) = check_certificate(certificate(29.5), HOST, NOW)
    assert "in 29 days" in warning


def test_a_certificate_that_browsers_refuse_is_refused() -> None:
    with pytest.raises(SettingsError, match="is valid from"):
        check_certificate(certificate(-0.1), HOST, NOW)
    with pytest.raises(SettingsError, match="is valid from"):
        check_certificate(certificate(31), HOST, NOW - timedelta(days=2))
    with pytest.raises(SettingsError, match="does not name"):
        check_certificate(certificate(31, "other.example.com"), HOST, NOW)
    with pytest.raises(SettingsError, match="does not name"):
        check_certificate(certificate(31, "*.com", "*.signon.example.com"), HOST, NOW)
    assert check_certificate(certificate(31, "*.example.com"), HOST, NOW) == []


# --- the check ----------------------------------------------------------------------------------------------------


def test_the_check_tells_by_its_exit_status(
    read: Write, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder / "credentials"))
    read()
    arguments = ["--check", "--config", str(folder / "sign-on.toml")]
    assert main(arguments) == 0
    read(rest='[page]\nlanguages = ["xx"]')
    assert main(arguments) == 1
    assert capsys.readouterr().err.startswith("error: page.languages")
    read(public_host="other.example.com")
    assert main(arguments) == 1
    assert "listen.public_host" in capsys.readouterr().err
