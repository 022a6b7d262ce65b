# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: `python -m lab.demo`. Shows the main job on a real domain controller and the PBX emulator."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from . import samba
from .demo_sign_on import show_sign_on
from .directory_admin import NORMAL_ACCOUNT, administer
from .pbx.control import ControlClient
from .population import generate
from .processes import LabError
from .services import Lab, Options

PEOPLE = 200
SEED = 1
# Three of the population's organizational units, as an administrator would name them.
SCOPE = ("Berlin", "Konzern, Holding", "東京支社")
ELSEWHERE = "OU=Leer"
# Groups whose members are people, and three that are members of each other.
GROUPS = "(|(cn=Abteilung*)(cn=Kreis*))"
LABEL = "From Active Directory"

_REPOSITORY = Path(__file__).resolve().parents[1]
# Kept when all else is gone, to be looked at.
_PAGES = _REPOSITORY / "build" / "demo"
_RUN_PAGE, _STATUS_PAGE = _PAGES / "run.html", _PAGES / "status.html"
# A plan as a terminal shows it, colours too.
_PLAN = _PAGES / "plan.txt"
_WIDTH = 100
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def main() -> int:
    """Run the demonstration in a folder of its own and leave nothing behind but two pages to look at."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pbx-demo-") as folder:
        lab = Lab(Path(folder) / "lab")
        try:
            _show(lab, Path(folder))
        except LabError as error:
            print(f"demo: {error}", file=sys.stderr)
            return 1
        finally:
            _title("Stopping the lab")
            lab.stop()
    print(f"Done in {time.monotonic() - begun:.0f} seconds. Two pages are left to be looked at with a browser:\n")
    print(f"the last run:                      {_RUN_PAGE}")
    print(f"how the integration stands:        {_STATUS_PAGE}")
    return 0


def _show(lab: Lab, folder: Path) -> None:
    _title("Starting a Samba Active Directory domain controller and the PBX emulator")
    lab.start(Options(pbx_model="P570", size=PEOPLE, seed=SEED))
    described = lab.description()
    print(f"{described['directory']['ldaps_url']} holds {PEOPLE} people; {described['pbx']['url']} is a Yeastar P570.")
    _PAGES.mkdir(parents=True, exist_ok=True)
    play = _Play(lab, folder)

    with ControlClient(described["pbx"]["control_url"]) as pbx:
        _title("1. Check mode: what would be done? Nothing is written, on the PBX or in the ledger")
        play.run("site", "--check", "--diff")
        _count(pbx)

        _title("2. For real")
        play.run("site")
        _count(pbx)

        _title("   The tree and the groups, on the PBX")
        _show_objects(pbx)

        _title("3. Again: changed=0, and no write reaches the PBX")
        pbx.clear_calls()
        play.run("site")
        _count(pbx)

        _title(
            "4. The directory changes: a user marries and joins a group, one is disabled, one moves; a unit is renamed"
        )
        _change_directory(lab)

        _title("5. What the next run, which a schedule would start, does about each of them; first in check mode")
        pbx.clear_calls()
        play.run("sync_now", "--check", "--diff", keep=_PLAN)
        play.run("sync_now", "-e", f"pbx_ad_report_path={_RUN_PAGE}")
        _count(pbx)
        _show_objects(pbx)

        _title("6. A page to look at: how the integration stands")
        play.run("report", "-e", f"pbx_ad_report_path={_STATUS_PAGE}")

        _title("7. A user signs on to Linkus with the Active Directory account")
        login_address = f"{described['pbx']['url']}/login"
        play.run("sign_on", "-e", json.dumps({"pbx_ad_sso_login_addresses": [login_address]}))
        show_sign_on(lab, folder, _people(lab)[3], login_address, play.ledger_path)


class _Play:
    """Runs the collection's playbooks against the lab, with the settings in the environment, secrets too."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.ledger_path = folder / "ledger.sqlite3"
        self._inventory = folder / "inventory.yml"
        self._inventory.write_text(
            json.dumps({"yeastar_pbx": {"hosts": {"headquarters": {}}, "vars": _variables()}}, ensure_ascii=False),
            encoding="utf-8",
        )
        self._environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(_REPOSITORY / ".venv" / "collections"),
            "ANSIBLE_HOME": str(folder / "ansible"),
            **lab.environment(),
            "PBX_AD_LEDGER_PATH": str(self.ledger_path),
        }

    def run(self, playbook: str, *options: str, keep: Path | None = None) -> None:
        """Run a playbook with its output on this terminal.

        :param keep: a file to leave the output in, with the colours of a terminal.
        """
        command = ["ansible-playbook", "-i", self._inventory.name, f"pbxops.yeastar.{playbook}", *options]
        print(f"$ {' '.join(command)}\n", flush=True)
        colours = {} if keep is None else {"ANSIBLE_FORCE_COLOR": "1"}
        finished = subprocess.run(
            command,
            cwd=self._inventory.parent,
            env=self._environment | colours,
            stdout=None if keep is None else subprocess.PIPE,
            text=True,
            check=False,
        )
        if keep is not None:
            keep.write_text(finished.stdout, encoding="utf-8")
            print(finished.stdout if sys.stdout.isatty() else _COLOUR.sub("", finished.stdout), flush=True)
        if finished.returncode != 0:
            raise LabError(f"the playbook ended with exit status {finished.returncode}")


def _variables() -> dict[str, Any]:
    return {
        "pbx_ad_kinds": ["organizational_units", "users", "groups"],
        "pbx_ad_ou_scope": "organizational_units",
        "pbx_ad_ou_organizational_units": list(SCOPE),
        "pbx_ad_group_scope": "filter",
        "pbx_ad_group_filter": GROUPS,
        "pbx_ad_user_label_group": LABEL,
        "pbx_ad_user_scope": "organizational_units",
        "pbx_ad_user_organizational_units": list(SCOPE),
        "pbx_ad_user_number_start": 1000,
        "pbx_ad_user_number_end": 5999,
        "pbx_ad_user_delete_when": ["deleted", "disabled"],
        "pbx_ad_user_out_of_scope": "release",
    }


def _change_directory(lab: Lab) -> None:
    controller = _controller(lab)
    groups = f"OU=Gruppen & Verteiler,{controller.base_dn}"
    married, disabled, moved = _people(lab)[:3]
    with administer(controller) as admin:
        admin.modify(married, sn="Neuhaus")
        admin.add_members(admin.dn("Kreis 1", groups), [admin.rename(married, "Neuhaus, formerly otherwise")])
        admin.set_enabled(disabled, enabled=False)
        admin.move(moved, f"{ELSEWHERE},{controller.base_dn}")
        admin.rename(f"OU=Filiale 1,OU=Berlin,{controller.base_dn}", "Filiale Mitte")
    for dn, change in (
        (married, "has married and is called Neuhaus now, and is in Kreis 1, which Kreis 2 and 3 contain"),
        (disabled, "is disabled"),
        (moved, f"has moved to {ELSEWHERE}, out of scope"),
        (f"OU=Filiale 1,OU=Berlin,{controller.base_dn}", "is called Filiale Mitte now"),
    ):
        print(f"{dn} {change}")


def _controller(lab: Lab) -> samba.DomainController:
    controller = samba.find(lab.folder / "directory")
    if controller is None:
        raise LabError("the domain controller is gone")
    return controller


def _people(lab: Lab) -> list[str]:
    """Those in Berlin whose accounts are in good standing and who have nothing special about them."""
    base_dn = _controller(lab).base_dn
    population = generate(PEOPLE, SEED, base_dn=base_dn)
    special = {dn for dns in population.specials.values() for dn in dns}
    return [
        entry.dn
        for entry in population.people
        if entry.dn.endswith(f",OU=Berlin,{base_dn}")
        and entry.dn not in special
        and entry.attributes["userAccountControl"] == str(NORMAL_ACCOUNT)
    ]


def _show_objects(pbx: ControlClient) -> None:
    """Print the organization tree and the extension groups with how many extensions are in each."""
    state = pbx.state()
    counts = Counter(place for extension in state["extensions"].values() for place in extension["organization_ids"])
    organizations = list(state["organizations"].values())

    def show(parent_id: int, depth: int) -> None:
        for one in organizations:
            if one["parent_id"] == parent_id:
                print(f"{'    ' * depth}{one['name']} ({counts[one['id']]})")
                show(one["id"], depth + 1)

    show(0, 0)
    groups = (group for group in state["groups"].values() if group["member_select"] == "sel_specific")
    print("Groups: " + ", ".join(f"{group['name']} ({len(group['members'])})" for group in groups))


def _count(pbx: ControlClient) -> None:
    extensions = len(pbx.state()["extensions"])
    writes = sum(1 for call in pbx.calls() if call["write"])
    print(f"The PBX holds {extensions} extensions; it has seen {writes} writes since the last count was cleared.")


def _title(text: str) -> None:
    print(f"\n{'=' * _WIDTH}\n{text}\n{'=' * _WIDTH}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
