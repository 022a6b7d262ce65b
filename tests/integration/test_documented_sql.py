# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL of the page about the ledger does what the page says, on a server of its own."""

from __future__ import annotations

from psycopg import sql

from lab import postgresql
from lab.tls import CertificateAuthority
from tests.playbook.documented_blocks import Block, blocks

# What a reader puts in place of the dots where a number is wanted: no process has this one.
_NO_PROCESS = "0"


def test_every_statement_is_one_that_the_server_takes(lab_authority: CertificateAuthority) -> None:
    printed = [block for block in blocks() if block.language == "sql"]
    assert len(printed) >= 4

    with postgresql.running(lab_authority) as server, server.administer() as administrator:
        administrator.execute("CREATE DATABASE existing")
        for statement in (one for block in printed for one in _statements(block)):
            administrator.execute(sql.SQL(statement))

        owners = dict(
            administrator.execute(
                "SELECT datname, pg_catalog.pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'ledgers'"
            ).fetchall()
        )
        assert owners == {"ledgers": "yeastar"}
        (schema,) = administrator.execute(
            "SELECT schema_owner FROM information_schema.schemata WHERE schema_name = 'pbx.example.com_8088'"
        ).fetchall()
        assert schema == ("yeastar",)


def _statements(block: Block) -> list[str]:
    text = block.text.replace("pg_terminate_backend(…)", f"pg_terminate_backend({_NO_PROCESS})")
    return [statement.strip() for statement in text.split(";") if statement.strip()]
