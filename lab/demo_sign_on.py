# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of the demonstration: a user signs on at the gateway, and then to Linkus."""

from __future__ import annotations

import re
from pathlib import Path

import requests

from . import samba
from .directory_admin import administer
from .gateway import running_gateway
from .processes import LabError
from .services import Lab

PASSWORD = "Wer-rastet-rostet-7"
_WRONG = "Wer-rastet-rostet-8"
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_SECONDS = 30


def show_sign_on(lab: Lab, folder: Path, dn: str, login_address: str, ledger_path: Path) -> None:
    """Start the gateway, and let a synchronized user try a wrong password and the right one.

    Raises LabError if what should be refused is not, or the other way round.
    """
    described = lab.description()
    username, email = _with_password(lab, dn)
    credentials = {f"pbx_{name}": described["pbx"][name] for name in ("client_id", "client_secret")}
    ledger = {"ledger_path": str(ledger_path)}
    with running_gateway(folder / "gateway", lab.authority(), ledger, credentials) as gateway:
        print(f"The sign-on gateway is at {gateway.url}. {dn} is {username} there, and {email} in Linkus.\n")
        before = _log_in(login_address, email, gateway.ca_path)
        wrong = _sign_on(gateway.url, username, _WRONG, gateway.ca_path)
        right = _sign_on(gateway.url, username, PASSWORD, gateway.ca_path)
        after = _log_in(login_address, email, gateway.ca_path)
        log = [line for line in gateway.log.splitlines() if "event=signed_on" in line or "event=refused" in line]
    for step, told in (
        ("Linkus with the AD password, before:", before),
        ("the gateway with a wrong password:  ", wrong),
        ("the gateway with the right one:     ", right),
        ("Linkus with the AD password, after: ", after),
    ):
        print(f"{step} {told}")
    print("\nWhat the gateway's log says of it:", *log, sep="\n  ")
    if before != "refused" or wrong != "refused" or login_address not in right or "logged in" not in after:
        raise LabError("the sign-on did not do what it is for")


def _with_password(lab: Lab, dn: str) -> tuple[str, str]:
    """Give a user a password: the name to sign on by, and the e-mail address, which Linkus takes as a name too."""
    controller = samba.find(lab.folder / "directory")
    if controller is None:
        raise LabError("the domain controller is gone")
    with administer(controller) as admin:
        admin.set_password(dn, PASSWORD)
        found = admin.read(dn, "sAMAccountName", "mail")
    return f"{found['sAMAccountName'][0].decode()}@{controller.realm.lower()}", found["mail"][0].decode()


def _sign_on(url: str, username: str, password: str, ca_path: Path) -> str:
    """What a browser does: open the form, send it, and see where it leads."""
    with requests.Session() as browser:
        # Not the environment's authorities, which would come before the session's own.
        browser.trust_env = False
        browser.verify = str(ca_path)
        form = _CSRF.search(browser.get(url, timeout=_SECONDS).text)
        if form is None:
            raise LabError("the gateway shows no form")
        sent = {"username": username, "password": password, "csrf": form[1]}
        answer = browser.post(url, data=sent, headers={"Origin": url}, allow_redirects=False, timeout=_SECONDS)
    return f"sent on to {answer.headers['Location']}" if answer.is_redirect else "refused"


def _log_in(login_address: str, email: str, ca_path: Path) -> str:
    answer = requests.post(
        login_address,
        data={"username": email, "password": PASSWORD},
        headers={"Accept": "application/json"},
        verify=str(ca_path),
        timeout=_SECONDS,
    )
    return f"extension {answer.json()['number']} is logged in" if answer.ok else "refused"
