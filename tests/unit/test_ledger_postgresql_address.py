# SPDX-License-Identifier: GPL-3.0-or-later
"""Which URLs and names a ledger in PostgreSQL can have, and what makes the connection safe by itself."""

from __future__ import annotations

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.errors import LedgerError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql_address import (
    connection_parameters,
    passwords_in,
    postgresql_address,
)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://pbx@db.example.com:5432/ledgers", "postgresql://pbx@db.example.com:5432/ledgers"),
        ("postgres://pbx@db/ledgers?sslmode=require", "postgres://pbx@db/ledgers"),
        ("postgresql://pbx@db1:5432,db2:5433/ledgers?target_session_attrs=primary", None),
        (
            "postgresql://pbx%40example@[2001:db8::7]:5432/ledgers",
            "postgresql://pbx%40example@[2001:db8::7]:5432/ledgers",
        ),
        ("postgresql:///ledgers?host=/run/postgresql", "postgresql:///ledgers?host=/run/postgresql"),
        ("postgresql://pbx@/ledgers?host=/run/postgresql", "postgresql://pbx@/ledgers?host=/run/postgresql"),
        ("postgresql://?service=ledgers", "postgresql://"),
    ],
)
def test_a_url_is_shown_without_what_only_libpq_needs(url: str, shown: str | None) -> None:
    place = postgresql_address(url, "pbx.example.com_8088").place

    assert place.text == f"{shown or url.partition('?')[0]} schema pbx.example.com_8088"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://pbx:hid-den@db.example.com/ledgers",
        "postgresql://pbx:hid-den@db.example.com:5432,other/ledgers",
        "postgresql://:hid-den@db.example.com/ledgers",
        "postgresql://pbx:hid-den/x@db.example.com/ledgers",
        "postgresql://pbx:hid-den?x@db.example.com/ledgers",
        "postgresql://pbx:hid-den@x@db.example.com/ledgers",
        "postgresql://pbx@db.example.com/ledgers?password=hid-den",
        "postgresql://pbx@db.example.com/ledgers?sslmode=require&%70assword=hid-den",
        "postgresql://pbx@db.example.com/ledgers?sslpassword=hid-den",
        "mysql://pbx:hid-den@db.example.com/ledgers",
    ],
)
def test_a_password_in_the_url_is_refused_and_never_shown(url: str) -> None:
    with pytest.raises(LedgerError, match=r"ledger_url holds a password.*ledger_password") as caught:
        postgresql_address(url, "ledger")

    assert "hid-den" not in str(caught.value)
    assert any("hid-den" in password for password in passwords_in(url))


def test_a_password_is_hidden_in_each_of_its_spellings() -> None:
    assert passwords_in("postgresql://pbx:a%2Fb+c@db/ledgers") == {"a%2Fb+c", "a/b+c", "a/b c"}
    assert passwords_in("postgresql://pbx@db:5432/ledgers?sslmode=require") == set()
    assert passwords_in("") == set()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "db.example.com",
        "host=db.example.com dbname=ledgers",
        "mysql://db.example.com/ledgers",
        "postgresql://db.example.com:port/ledgers",
        "postgresql://db.example.com/ledgers#x",
        "postgresql://db.example.com/led gers",
    ],
)
def test_what_is_no_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(LedgerError, match=r"ledger_url is not the URL of a PostgreSQL database") as caught:
        postgresql_address(url, "ledger")

    assert caught.value.remedy == "Write it like postgresql://user@host:5432/database."


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("a\0b", "NUL"),
        ("x" * 64, "longer than 63 bytes"),
        ("ü" * 32, "longer than 63 bytes"),
        ("pg_ledger", "PostgreSQL's own"),
        ("information_schema", "PostgreSQL's own"),
    ],
)
def test_an_impossible_name_is_refused(name: str, text: str) -> None:
    with pytest.raises(LedgerError, match=text) as caught:
        postgresql_address("postgresql://db/ledgers", name)

    assert "ledger_name" in str(caught.value)


def test_the_password_is_not_in_its_representation() -> None:
    assert "hid-den" not in repr(postgresql_address("postgresql://db/ledgers", "ledger", "hid-den"))


@pytest.mark.parametrize(
    ("given", "environment"),
    [
        ({"host": "db.example.com"}, {}),
        ({"host": "localhost,db.example.com"}, {}),
        ({"host": "localhost.example.com"}, {}),
        ({"host": "localhost", "hostaddr": "192.0.2.7"}, {}),
        ({"host": "192.0.2.7"}, {}),
        ({}, {"PGHOST": "db.example.com"}),
        ({"host": "localhost"}, {"PGHOSTADDR": "192.0.2.7"}),
        ({"service": "ledgers"}, {}),
        ({}, {"PGSERVICE": "ledgers"}),
    ],
)
def test_a_server_elsewhere_must_prove_who_it_is(given: dict[str, str], environment: dict[str, str]) -> None:
    assert connection_parameters(given, environment)["sslmode"] == "verify-full"


@pytest.mark.parametrize(
    ("given", "environment"),
    [
        ({}, {}),
        ({"host": ""}, {}),
        ({"host": "/run/postgresql"}, {}),
        ({"host": "@abstract"}, {}),
        ({"host": "localhost"}, {}),
        ({"host": "127.0.20.1"}, {}),
        ({"host": "::1"}, {}),
        ({"host": "db.example.com"}, {"PGSSLMODE": "require"}),
    ],
)
def test_a_server_on_this_machine_or_one_that_was_spoken_for_need_not(
    given: dict[str, str], environment: dict[str, str]
) -> None:
    assert "sslmode" not in connection_parameters(given, environment)


def test_what_the_url_says_counts() -> None:
    given = {"host": "db.example.com", "sslmode": "require", "connect_timeout": "3"}

    assert connection_parameters(given, {}).items() >= given.items()
    assert connection_parameters({}, {})["connect_timeout"] == "10"
