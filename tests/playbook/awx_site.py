# SPDX-License-Identifier: GPL-3.0-or-later
"""The role pbx_ad_schedule between a user of awx.awx and an AWX: plays of it in a folder of their own."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.awx.emulator import Emulator
from tests.playbook.playbook_site import Played, environment_of, write_yaml

REPOSITORY_URL = "https://git.example.com/pbx-sync.git"
DIRECTORY_PASSWORD = "Dir3ctory-pass-7f2c"
NEW_PASSWORD = "Dir3ctory-pass-e0d9"
CLIENT_SECRET = "Cl1ent-secret-9b41"
LEDGER_PASSWORD = "Ledg3r-pass-55aa"
SECRETS = (DIRECTORY_PASSWORD, CLIENT_SECRET, LEDGER_PASSWORD)
DAILY = "DTSTART;TZID=Europe/Berlin:20260101T003000 RRULE:FREQ=DAILY;INTERVAL=1"
WEEKLY = "DTSTART;TZID=Europe/Berlin:20260103T233000 RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,SA"
# The variables of the role that say so.
WEEKLY_TIME: Mapping[str, Any] = {"frequency": "weekly", "time": "23:30", "days": ["saturday", "monday"]}

SETTINGS: Mapping[str, Any] = {
    "pbx_ad_schedule_target": "awx",
    "pbx_ad_schedule_timezone": "Europe/Berlin",
    "pbx_ad_schedule_run_timeout": 3600,
    "pbx_ad_schedule_options": {
        "directory_host": "dc1.example.com",
        "directory_base_dn": "DC=example,DC=com",
        "directory_username": "svc-yeastar@example.com",
        "pbx_url": "https://pbx.example.com:8088",
        "pbx_client_id": "api-client",
    },
    "pbx_ad_schedule_directory_password": DIRECTORY_PASSWORD,
    "pbx_ad_schedule_pbx_client_secret": CLIENT_SECRET,
    "pbx_ad_schedule_awx_prefix": "Example",
    "pbx_ad_schedule_awx_project_scm_url": REPOSITORY_URL,
}


@dataclass(frozen=True)
class AwxSite:
    """An AWX and a folder that takes all that is written."""

    folder: Path
    awx: Emulator

    @property
    def token(self) -> dict[str, str]:
        """The environment of one who signs on with a token."""
        return {"CONTROLLER_OAUTH_TOKEN": self.awx.settings.oauth_token}

    @property
    def account(self) -> dict[str, str]:
        """The environment of one who signs on with a user name and a password."""
        return {
            "CONTROLLER_USERNAME": self.awx.settings.username,
            "CONTROLLER_PASSWORD": self.awx.settings.password,
        }

    def play(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        defaults: Mapping[str, Any] | None = None,
        fails: bool = False,
        **changed: Any,
    ) -> Played:
        """Play the role on localhost to the end.

        :param environment: how to sign on; with a token if it is not given.
        :param defaults: options of all of awx.awx's modules, as the play's `module_defaults`.
        :param changed: variables of the role, without `pbx_ad_schedule_`, that differ from SETTINGS.
        :param fails: whether the play is expected to fail.
        """
        variables = {**SETTINGS, **{f"pbx_ad_schedule_{name}": value for name, value in changed.items()}}
        roles = ["pbxops.yeastar.pbx_ad_schedule"]
        play = {"name": "AWX", "hosts": "localhost", "gather_facts": False, "vars": variables, "roles": roles}
        if defaults:
            play["module_defaults"] = {"group/awx.awx.controller": defaults}
        path = write_yaml(self.folder / "awx.yml", [play])
        finished = subprocess.run(
            ["ansible-playbook", str(path), *arguments],
            cwd=self.folder,
            env={
                **environment_of(self.folder),
                "CONTROLLER_HOST": self.awx.url,
                "SSL_CERT_FILE": str(self.awx.ca_path),
                **(self.token if environment is None else environment),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        played = Played(finished.returncode, finished.stdout, finished.stderr)
        assert (played.status != 0) == fails, played.output + played.errors
        return played
