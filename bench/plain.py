# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody would write without the collection, beside a playbook with it: both as ansible-playbook runs them.

Theirs is community.general.ldap_search and a loop of ansible.builtin.uri, which creates who is not on the PBX yet. It
is written for speed, not for care: it proves nothing, remembers nothing, changes nobody and removes nobody. Both run in
an environment with community.general and python-ldap, which is made below build/ when it is needed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.directory_admin import administer
from lab.files import write_private_json

from .errors import BenchError
from .people import Person
from .site import FIRST_NUMBER, Site
from .targets import Target

NAME = "plain"
SIZES = (100, 1_000)

_REPOSITORY = Path(__file__).resolve().parents[1]
_ENVIRONMENT = _REPOSITORY / "build" / "plain"
_REQUIREMENTS = Path(__file__).with_name("plain-requirements.txt")
_COLLECTIONS = _ENVIRONMENT / "collections"
# As in scripts/setup.
_ALL_COLLECTIONS = "ansible==12.3.0"
_COMMUNITY_GENERAL = "ansible_collections/community/general/"
_CONSTRAINTS = _REPOSITORY / "requirements" / "dev.txt"
_PLAIN = """\
- name: Synchronize without the collection
  hosts: localhost
  gather_facts: false
  module_defaults:
    ansible.builtin.uri: &pbx
      http_agent: OpenAPI
      ca_path: "{{ pbx_ca_path }}"
      body_format: json
      return_content: true
  vars:
    api: "{{ pbx_url }}/openapi/v1.0"
  tasks:
    - name: Read the people
      community.general.ldap_search:
        server_uri: ldaps://{{ directory_host }}:{{ directory_port }}
        ca_path: "{{ directory_ca_path }}"
        bind_dn: "{{ directory_username }}"
        bind_pw: "{{ directory_password }}"
        dn: "{{ directory_base_dn }}"
        scope: children
        filter: (&(objectCategory=person)(objectClass=user))
        attrs: [givenName, sn, mail, telephoneNumber, title]
        page_size: 1000
      register: people
    - name: Log in to the PBX
      ansible.builtin.uri:
        url: "{{ api }}/get_token"
        method: POST
        body: {username: "{{ pbx_client_id }}", password: "{{ pbx_client_secret }}"}
      register: login
    - name: List the extensions
      ansible.builtin.uri:
        url: "{{ api }}/extension/list?page=1&page_size=10000&access_token={{ login.json.access_token }}"
      register: extensions
    - name: Create who has none
      ansible.builtin.uri:
        url: "{{ api }}/extension/create?access_token={{ login.json.access_token }}"
        method: POST
        body:
          type: SIP
          number: "{{ (number_start + index) | string }}"
          first_name: "{{ item.givenName }}"
          last_name: "{{ item.sn }}"
          email_addr: "{{ item.mail }}"
          mobile_number: "{{ item.telephoneNumber }}"
          title: "{{ item.title }}"
          user_password: "{{ lookup('ansible.builtin.password', '/dev/null') }}-Aa1"
          reg_name: "{{ item.mail | hash('md5') }}"
          reg_password: "{{ lookup('ansible.builtin.password', '/dev/null') }}-Aa1"
          concurrent_registrations: 1
          presence_status: available
          organization_list: [{value: "1"}]
      register: created
      failed_when: created.json.errcode != 0
      loop: "{{ people.results | rejectattr('mail', 'in', known) }}"
      loop_control:
        index_var: index
        label: "{{ item.mail }}"
      vars:
        known: "{{ extensions.json.data | default([], true) | map(attribute='email_addr') }}"
    - name: Log out
      ansible.builtin.uri:
        url: "{{ api }}/del_token?access_token={{ login.json.access_token }}"
"""
_WITH_COLLECTION = """\
- name: Synchronize with the collection
  hosts: localhost
  gather_facts: false
  module_defaults:
    group/pbxops.yeastar.ad: "{{ both_sides }}"
  tasks:
    - name: Connect
      pbxops.yeastar.pbx_ad_connection:
    - name: Synchronize the users
      pbxops.yeastar.pbx_ad_user_sync:
        scope: all
        number_start: "{{ number_start }}"
"""


@dataclass(frozen=True)
class Plain:
    """Whole runs of ansible-playbook, in seconds: the first, and one that finds everybody on the PBX."""

    users: int
    plain_first: float
    plain_again: float
    collection_first: float
    collection_again: float

    @property
    def targets(self) -> list[Target]:
        """The rows of the table."""
        pairs = (
            ("a playbook's first run", self.collection_first, self.plain_first),
            ("a playbook's run without a change", self.collection_again, self.plain_again),
        )
        return [
            Target(
                name=NAME,
                figure=figure,
                users=self.users,
                measured=ours,
                unit="s",
                limit=None,
                beside=theirs,
                beside_what="ldap_search and a loop of uri",
                ratio=ours / theirs,
            )
            for figure, ours, theirs in pairs
        ]


def make_environment() -> Path:
    """Make the environment unless it is there; the folder of its programs.

    :raises BenchError: if it cannot be made.
    """
    stamp = _ENVIRONMENT / ".set-up"
    pins = _REQUIREMENTS.read_bytes() + _CONSTRAINTS.read_bytes() + _ALL_COLLECTIONS.encode()
    fingerprint = hashlib.sha256(pins).hexdigest()
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != fingerprint:
        _run([sys.executable, "-m", "venv", "--clear", _ENVIRONMENT])
        _pip("install", "-r", _REQUIREMENTS, "-c", _CONSTRAINTS)
        _take_community_general()
        stamp.write_text(fingerprint, encoding="utf-8")
    return _ENVIRONMENT / "bin"


def _take_community_general() -> None:
    """Take one collection out of the package that has them all, and is large."""
    with tempfile.TemporaryDirectory(dir=_ENVIRONMENT) as folder:
        _pip("download", "--no-deps", "--dest", folder, _ALL_COLLECTIONS)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as package:
            names = [name for name in package.namelist() if name.startswith(_COMMUNITY_GENERAL)]
            package.extractall(_COLLECTIONS, names)


def _pip(command: str, *arguments: str | Path) -> None:
    options = ("--quiet", "--no-input", "--disable-pip-version-check")
    _run([_ENVIRONMENT / "bin" / "python", "-m", "pip", command, *options, *arguments])


def measure_plain(site: Site, programs: Path, users: int) -> Plain:
    """Put so many people into a unit of their own, and let each playbook synchronize that unit twice.

    :param programs: from `make_environment`.
    :raises BenchError: if a playbook fails, or leaves another number of extensions.
    """
    folder = site.folder / f"plain-{users}"
    folder.mkdir()
    connection = {
        **site.connection_options,
        "directory_base_dn": _add_people(site, users),
        "ledger_path": str(folder / "ledger.sqlite3"),
    }
    variables = folder / "variables.json"
    write_private_json(variables, {**connection, "both_sides": connection, "number_start": FIRST_NUMBER})
    taken = []
    for name, text in (("plain", _PLAIN), ("collection", _WITH_COLLECTION)):
        site.pbx.reset()
        playbook = folder / f"{name}.yml"
        playbook.write_text(text, encoding="utf-8")
        taken += [_play(folder, programs, playbook, variables), _play(folder, programs, playbook, variables)]
        made = len(site.pbx.state()["extensions"])
        if made != users:
            raise BenchError(f"{name}.yml left {made} extensions for {users} people")
    return Plain(users, *taken)


def _add_people(site: Site, users: int) -> str:
    """Make a unit with people who can all have an extension; its DN."""
    name = f"Plain {users}"
    with administer(site.directory) as admin:
        admin.add_ou(name)
        parent = f"OU={name},{site.directory.base_dn}"
        for person in map(Person, range(users)):
            shown = ("givenName", "sn", "telephoneNumber", "title", "displayName")
            attributes: dict[str, Any] = {attribute: person.attributes[attribute] for attribute in shown}
            attributes["mail"] = f"plain.{users}.{person.place}@lab.test"
            admin.add_user(person.common_name, parent=parent, **attributes)
    return parent


def _play(folder: Path, programs: Path, playbook: Path, variables: Path) -> float:
    begun = time.monotonic()
    _run(
        [programs / "ansible-playbook", "-i", "localhost,", "-c", "local", "-e", f"@{variables}", playbook],
        {
            "PATH": f"{programs}:/usr/bin:/bin",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": f"{_COLLECTIONS}:{_REPOSITORY / '.venv' / 'collections'}",
            "ANSIBLE_PYTHON_INTERPRETER": str(programs / "python"),
        },
    )
    return time.monotonic() - begun


def _run(command: list[Any], environment: Mapping[str, str] | None = None) -> None:
    words = [os.fspath(word) for word in command]
    finished = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)  # noqa: S603
    if finished.returncode != 0:
        said = (finished.stderr.strip() or finished.stdout.strip())[-2_000:]
        raise BenchError(f"{Path(words[0]).name} ended with {finished.returncode}: {said}")
