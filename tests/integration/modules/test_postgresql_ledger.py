# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs whose ledger is in PostgreSQL: any host can go on where another has stopped."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._sync.pbx import NewExtension

from tests.integration.ledger_stores import PostgresqlStore
from tests.integration.modules.site_under_test import Site, actions

PEOPLE = ("Anna", "Bert", "Carl", "Dora")
RULE: dict[str, Any] = {"scope": "all", "number_start": 1000}


@pytest.fixture
def store(postgresql_store: Callable[[], PostgresqlStore]) -> PostgresqlStore:
    return postgresql_store()


@pytest.fixture
def options(site: Site, store: PostgresqlStore) -> dict[str, Any]:
    """The connection options of a site whose ledger is in PostgreSQL and has been connected."""
    made = {
        **site.connection_options,
        "ledger_path": None,
        "ledger_url": store.location.url,
        "ledger_name": store.name,
        "ledger_password": store.role.password,
    }
    connected = site.run("pbx_ad_connection", made, False)
    assert not connected.get("failed"), connected["msg"]
    assert connected["ledger_path"] == store.text
    assert not [name for name in connected["settings"] if name.startswith("ledger_")]
    for name in PEOPLE:
        site.add_user(name)
    return made


def sync(site: Site, options: Mapping[str, Any], *, check: bool = False) -> dict[str, Any]:
    return site.run("pbx_ad_user_sync", {**options, **RULE}, check)


def test_check_mode_shows_what_a_run_does_and_writes_nothing(
    site: Site, options: dict[str, Any], store: PostgresqlStore
) -> None:
    before = store.traces()
    shown = sync(site, options, check=True)
    assert (store.traces(), site.writes()) == (before, [])

    done = sync(site, options)
    assert shown["plan_id"] == done["plan_id"]
    assert shown["changes"] != []
    assert sorted(site.names.values()) == sorted(PEOPLE)
    site.pbx.calls.clear()
    again = sync(site, options)
    assert (again["changed"], again["changes"], site.writes()) == (False, [], [])
    assert not site.ledger_path.parent.exists()


@pytest.mark.parametrize("before_the_call", [True, False], ids=["before the call", "after the call"])
def test_a_run_whose_server_stops_sends_nothing_more_and_the_next_run_completes_it(
    site: Site,
    options: dict[str, Any],
    store: PostgresqlStore,
    before_the_call: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The change in whose midst the server stops was written down before; what became of it the next run finds out."""
    create = PbxClient.create_extension
    begun = 0

    def stop_amid_the_second(client: PbxClient, new: NewExtension) -> int:
        nonlocal begun
        begun += 1
        if begun == 2 and before_the_call:
            store.server.crash()
        made = create(client, new)
        if begun == 2 and not before_the_call:
            store.server.crash()
        return made

    monkeypatch.setattr(PbxClient, "create_extension", stop_amid_the_second)
    try:
        failed = sync(site, {**options, "pbx_concurrency": 1})
    finally:
        store.server.start()

    assert failed["failed"]
    assert f"The connection to the ledger {store.text} (ledger_url, ledger_name) was lost" in failed["msg"]
    assert "Run again" in failed["msg"]
    assert begun == 2
    assert site.writes().count("extension/create") == 2
    assert site.pbx.state.live_tokens == 0

    monkeypatch.undo()
    completed = sync(site, options)
    assert not completed.get("failed"), completed["msg"]
    assert [(one["action"], one["state"]) for one in completed["recovered"]] == [("create", "done")]
    assert [action for action, _name, _reason in actions(completed)] == ["create", "create"]
    assert sorted(site.names.values()) == sorted(PEOPLE)
    site.pbx.calls.clear()
    assert (sync(site, options)["changed"], site.writes()) == (False, [])


def test_a_run_that_lost_its_session_does_not_write_beside_the_next_one(
    site: Site, options: dict[str, Any], store: PostgresqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = PbxClient.create_extension

    def cut_off(client: PbxClient, new: NewExtension) -> int:
        with store.server.administer() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", (store.role.name,)
            )
        return create(client, new)

    monkeypatch.setattr(PbxClient, "create_extension", cut_off)
    failed = sync(site, options)
    assert "was lost: terminating connection due to administrator command" in failed["msg"]
    assert site.writes().count("extension/create") == 1


def test_a_second_run_is_told_who_holds_the_ledger(site: Site, options: dict[str, Any], store: PostgresqlStore) -> None:
    with store.open(command="pbx_ad_group_sync"):
        refused = sync(site, options)
    assert "is in use by pbx_ad_group_sync, process" in refused["msg"]
    assert site.writes() == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ledger_path": "/var/lib/ledger"}, "ledger_path and ledger_url are both given"),
        ({"ledger_url": None}, "ledger_name is given and ledger_url is not"),
        ({"ledger_url": None, "ledger_name": None}, "ledger_password is given and ledger_url is not"),
        ({"ledger_password": "not-the-password"}, "password authentication failed"),
        ({"ledger_name": "x" * 64}, "longer than 63 bytes"),
        ({"ledger_url": "postgresql://pbx:not-the-password@db/ledgers"}, "ledger_url holds a password"),
        ({"ledger_url": "postgresql://db/ledgers?password=not-the-password"}, "ledger_url holds a password"),
    ],
)
def test_what_cannot_be_is_told_without_any_password(
    site: Site, options: dict[str, Any], store: PostgresqlStore, changed: dict[str, Any], message: str
) -> None:
    refused = sync(site, {**options, **changed})

    assert refused["failed"]
    assert message in refused["msg"]
    for secret in ("not-the-password", store.role.password, options["pbx_client_secret"]):
        for spelling in (secret, base64.b64encode(secret.encode()).decode()):
            assert spelling not in str(refused), message


def test_without_a_name_it_is_called_like_the_pbx(site: Site, options: dict[str, Any], store: PostgresqlStore) -> None:
    connected = site.run("pbx_ad_connection", {**options, "ledger_name": None}, False)
    host, _colon, port = site.pbx.url.removeprefix("https://").partition(":")
    assert connected["ledger_path"].endswith(f" schema {host}_{port}")


def test_no_secret_is_in_the_result_or_in_the_database(
    site: Site, options: dict[str, Any], store: PostgresqlStore
) -> None:
    done = sync(site, options)
    kept = store.traces()
    passwords = (store.role.password, options["directory_password"], options["pbx_client_secret"])
    assert "Anna" in str(kept)
    for password in passwords:
        assert password not in f"{done}{kept}"


def test_a_snapshot_in_the_database_is_told_from_another_host(site: Site, options: dict[str, Any]) -> None:
    sync(site, options)
    live = site.run("pbx_ad_user_info", options, False)
    ledger = {name: options[name] for name in ("ledger_url", "ledger_name", "ledger_password")}
    offline = site.run("pbx_ad_user_info", {**ledger, "offline": True}, False)
    assert not offline.get("failed"), offline["msg"]
    assert [user["name"] for user in offline["users"]] == [user["name"] for user in live["users"]]
    assert offline["users"] == live["users"]
