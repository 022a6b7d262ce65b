# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""Between AnsibleModule and the work: options in, results out, and the one place where errors become failures."""

from __future__ import annotations

import gc
import os
import secrets
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.reader import open_directory
from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.pbxops.yeastar.plugins.module_utils._ledger.postgresql_address import passwords_in
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.guard_options import GUARD, require_dictionaries
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.options import (
    OptionError,
    directory_settings,
    ledger_location,
    pbx_settings,
)
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.ports import Pbx
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.progress import teller
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.result import Result
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.side_by_side import threads
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.texts import require_texts
from ansible_collections.pbxops.yeastar.plugins.module_utils._module.world import World
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.client import PbxClient
from ansible_collections.pbxops.yeastar.plugins.module_utils._pbx.signals import signals_raise

_MADE_BETWEEN_COLLECTIONS = 100_000


class YeastarModule(AnsibleModule):
    """An AnsibleModule of which no failure shows a secret or is a traceback, whatever it is given."""

    def __init__(self, **arguments: Any) -> None:
        try:
            super().__init__(**arguments)
        except TypeError:
            # Ansible's own validation of suboptions breaks on a number in the place of a dictionary.
            try:
                require_dictionaries(self.params.get(GUARD))
            except OptionError as error:
                self.fail_json(msg=str(error))
            raise

    def fail_json(self, msg: str, **values: Any) -> NoReturn:
        """Fail with a message.

        The secrets are named again: Ansible forgets them all where its validation of suboptions breaks, and then shows
        every option that was given.
        """
        spec = getattr(self, "argument_spec", {})
        given = (self.params.get(name) for name, option in spec.items() if option.get("no_log"))
        self.no_log_values.update(str(value) for value in given if value)
        super().fail_json(msg, **values)

    def _log_invocation(self) -> None:
        """Log as Ansible does, but for half of a character, which it cannot; ``run_module`` refuses that by name."""
        with suppress(UnicodeError):
            super()._log_invocation()


def run_module(module: AnsibleModule, name: str, work: Callable[[Mapping[str, Any], bool, str], Result]) -> None:
    """Do a module's work and end the process with its result, or with the failure that an error makes.

    :param name: the module's name, by which a ledger's lock tells who holds it.
    :param work: takes the options, whether check mode is on, and the name.
    """
    # A run makes hundreds of thousands of objects that stay and hold no rings: to look for garbage among them after
    # every 700 takes a quarter of its time.
    gc.set_threshold(_MADE_BETWEEN_COLLECTIONS)
    # Such a URL is refused later; but every result names the parameters that it was asked with.
    for option in ("ledger_url", "pbx_url"):
        module.no_log_values.update(passwords_in(module.params[option] or ""))
    _require_libraries(module)
    try:
        require_texts(module.params, [name for name, spec in module.argument_spec.items() if spec.get("no_log")])
        with signals_raise():
            result = work(module.params, module.check_mode, name)
    except YeastarError as error:
        module.fail_json(msg=str(error))
    for warning in result.warnings:
        module.warn(warning)
    failure = result.failure
    values: dict[str, Any] = {
        name: _HandedOver(value) if isinstance(value, list) else value for name, value in result.values.items()
    }
    del result
    if failure:
        module.fail_json(msg=failure, **values)
    module.exit_json(**values)


class _HandedOver(Sequence[Any]):
    """A list that lets its elements go as they are taken, once.

    Ansible copies what a module returns, and then writes the copy: of 100,000 changes there would be two for a moment.
    """

    def __init__(self, elements: list[Any]) -> None:
        self._left = elements[::-1]

    def __len__(self) -> int:
        return len(self._left)

    def __getitem__(self, place: Any) -> Any:
        return self._left[::-1][place]

    def __iter__(self) -> Iterator[Any]:
        while self._left:
            yield self._left.pop()


def _require_libraries(module: AnsibleModule) -> None:
    for library in ("ldap3", "requests", *(["psycopg"] if module.params["ledger_url"] else [])):
        try:
            import_module(library)
        except ImportError:
            module.fail_json(msg=missing_required_lib(library), exception=traceback.format_exc())


def make_world(options: Mapping[str, Any], check_mode: bool, command: str, warnings: list[str]) -> World:
    """Make the world of the options; what the PBX client has to say at its end is added to the warnings."""
    directory = directory_settings(options)
    pbx = pbx_settings(options)

    @contextmanager
    def open_pbx() -> Iterator[Pbx]:
        client = PbxClient(pbx)
        with client:
            yield client
        warnings.extend(client.warnings)

    return World(
        open_ledger=partial(open_ledger, ledger_location(options), read_write=not check_mode, command=command),
        open_directory=lambda attributes: open_directory(directory, tuple(attributes)),
        open_pbx=open_pbx,
        clock=partial(datetime.now, UTC),
        draw_name=_draw_registration_name,
        progress=teller(os.environ, time.monotonic),
        open_workers=partial(threads, pbx.concurrency),
    )


def _draw_registration_name() -> str:
    """Draw a SIP registration name that no extension has; it is no secret, the password beside it is."""
    return f"ad{secrets.token_hex(8)}"
