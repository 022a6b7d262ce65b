# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way: playbooks synchronize and switch sign-on on, users sign on at the gateway and log in to Linkus."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from lab.gateway import GatewayProcess, running_gateway
from lab.tls import CertificateAuthority
from tests.integration.gateway_site import Browser
from tests.playbook.playbook_site import SITE, PlaybookSite

pytestmark = pytest.mark.timeout(900)

FIRST, SECOND = "Erstes-Kennwort-1", "Zweites-Kennwort-2"
SYNC_NOW, SIGN_ON = "pbxops.yeastar.sync_now", "pbxops.yeastar.sign_on"


def _inventory(site: PlaybookSite, **variables: Any) -> str:
    return str(
        site.inventory(
            {
                **site.variables,
                "pbx_ad_user_delete_when": ["deleted"],
                "pbx_ad_user_guard": {"releases": {"floor": 5}},
                "pbx_ad_sso_login_addresses": [f"{site.pbx.url}/login"],
                **variables,
            }
        )
    )


@contextmanager
def _gateway(site: PlaybookSite, authority: CertificateAuthority) -> Iterator[GatewayProcess]:
    settings = site.pbx.settings
    with running_gateway(
        site.folder / "gateway",
        authority,
        {"ledger_path": str(site.ledger_path)},
        {"pbx_client_id": settings.client_id, "pbx_client_secret": settings.client_secret},
        tables={"limits": {"answer_floor": 0.1}},
    ) as gateway:
        yield gateway


class Anna:
    """A user: what she can do with a password."""

    def __init__(self, site: PlaybookSite, gateway: GatewayProcess) -> None:
        self.site = site
        self.gateway = gateway
        self.dn = f"CN=Anna,{site.base_dn}"
        account = site.admin.read(self.dn, "sAMAccountName")["sAMAccountName"][0].decode()
        self.name = f"{account}@lab.test"

    def signs_on(self, password: str) -> str:
        """Sign on at the gateway: where that leads, or what the page says."""
        with Browser(self.gateway) as browser:
            answer = browser.client.get("/")
            if answer.status_code != httpx.codes.OK:
                return _heading(answer.text)
            answer = browser.sign_on(self.name, password)
            return answer.headers.get("Location", "") or _heading(answer.text)

    def logs_in(self, password: str) -> bool:
        """Log in to Linkus with the e-mail address."""
        answer = httpx.post(
            f"{self.site.pbx.url}/login",
            data={"username": "anna@lab.test", "password": password},
            headers={"Accept": "application/json"},
            verify=ssl.create_default_context(cafile=str(self.site.pbx.ca_path)),
            trust_env=False,
        )
        return answer.status_code == httpx.codes.OK


def _heading(page: str) -> str:
    found = re.search(r"<title>([^<]*)</title>", page)
    return found[1].strip() if found else page


def test_a_user_signs_on_for_as_long_as_the_directory_and_the_administrator_let_them(
    site: PlaybookSite, lab_authority: CertificateAuthority
) -> None:
    site.admin.add_user("Anna", parent=site.base_dn, password=FIRST, mail="anna@lab.test", givenName="Anna")
    linkus = f"{site.pbx.url}/login"
    inventory = _inventory(site)
    site.play(SITE, "-i", inventory)

    with _gateway(site, lab_authority) as gateway:
        anna = Anna(site, gateway)
        assert not anna.logs_in(FIRST)
        assert anna.signs_on(FIRST) == linkus
        assert anna.logs_in(FIRST)
        assert site.play(SITE, "-i", inventory).recap["headquarters"]["changed"] == 0
        assert anna.logs_in(FIRST)

        site.admin.set_password(anna.dn, SECOND)
        assert anna.signs_on(FIRST) != linkus
        assert not anna.logs_in(SECOND)
        assert anna.signs_on(SECOND) == linkus
        assert (anna.logs_in(FIRST), anna.logs_in(SECOND)) == (False, True)

        site.admin.set_enabled(anna.dn, False)
        assert anna.signs_on(SECOND) != linkus
        assert anna.logs_in(SECOND)
        shown = site.play(SYNC_NOW, "-i", inventory, "--check", "--diff")
        assert "the account is disabled" in shown.output
        assert "is replaced by a random one" in shown.output
        assert anna.logs_in(SECOND)
        site.play(SYNC_NOW, "-i", inventory)
        assert not anna.logs_in(SECOND)

        site.admin.set_enabled(anna.dn, True)
        assert anna.signs_on(SECOND) == linkus
        site.play(SIGN_ON, "-i", _inventory(site, pbx_ad_sso_enabled=False))
        assert anna.signs_on(SECOND) != linkus
        assert not anna.logs_in(SECOND)

        site.play(SIGN_ON, "-i", _inventory(site))
        assert anna.signs_on(SECOND) == linkus
        site.play("pbxops.yeastar.disable", "-i", inventory)
        assert anna.signs_on(SECOND) != linkus
        assert not anna.logs_in(SECOND)

        site.play("pbxops.yeastar.enable", "-i", inventory)
        assert anna.signs_on(SECOND) == linkus
        elsewhere = _inventory(site, pbx_ad_user_scope="filter", pbx_ad_user_filter="(cn=nobody)")
        site.play(SITE, "-i", elsewhere)
        assert anna.signs_on(SECOND) != linkus
        assert not anna.logs_in(SECOND)
        assert len(site.pbx.state.extensions) == 1
        log = gateway.log

    assert FIRST not in log
    assert SECOND not in log
    assert site.pbx.state.live_tokens == 0
