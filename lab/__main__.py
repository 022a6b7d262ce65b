# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command line: `python -m lab --help`."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .pbx.settings import MODELS
from .population import SMALLEST_SIZE
from .processes import LabError
from .services import Lab, Options

Command = Callable[[Lab, argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when it did what was asked."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(Lab(options.folder), options)
    except (LabError, ValueError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def _start(lab: Lab, options: argparse.Namespace) -> int:
    lab.start(
        Options(
            address=options.address,
            require_strong_auth=not options.allow_plain_binds,
            pbx_model=options.pbx_model,
            pbx_capacity=options.pbx_capacity,
            size=options.size,
            seed=options.seed,
        )
    )
    if options.size is not None and not lab.description().get("population"):
        lab.populate(options.size, options.seed)
    return _status(lab, options)


def _populate(lab: Lab, options: argparse.Namespace) -> int:
    lab.populate(options.size, options.seed)
    return 0


def _stop(lab: Lab, _options: argparse.Namespace) -> int:
    lab.stop()
    return 0


def _wipe(lab: Lab, _options: argparse.Namespace) -> int:
    lab.wipe()
    return 0


def _status(lab: Lab, _options: argparse.Namespace) -> int:
    described = lab.description()
    places = {
        "domain controller": described.get("directory", {}).get("ldaps_url", ""),
        "LDAP proxy": described.get("ldap_proxy", {}).get("ldaps_url", ""),
        "PBX emulator": described.get("pbx", {}).get("url", ""),
    }
    running = {service.name: service.is_running() for service in lab.services}
    for name, is_running in running.items():
        print(f"{name:18} {'running' if is_running else 'stopped':8} {places[name]}".rstrip())
    population = described.get("population")
    contents = f"{population['size']} people, seed {population['seed']}" if population else "none"
    print(f"{'population':18} {contents}")
    print(f"{'details':18} {lab.description_path}")
    return 0 if all(running.values()) else 1


def _environment(lab: Lab, _options: argparse.Namespace) -> int:
    for name, value in lab.environment().items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab",
        description="The outside world on one machine: an Active Directory domain controller (Samba), an LDAP proxy"
        " with Windows' limits in front of it, and a PBX emulator. Needs root, for LDAP's ports.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    start = _add_command(
        commands, "start", _start, "start what is not running; the first time this makes the domain (seconds)"
    )
    start.add_argument("--address", help="loopback address of all services (default: a free one of 127.0.20-219.1)")
    start.add_argument("--size", type=_size, help="also populate the directory, unless it is (default: do not)")
    start.add_argument("--seed", type=int, default=1, help="of that population (default: %(default)s)")
    start.add_argument(
        "--allow-plain-binds", action="store_true", help="accept simple binds without TLS (default: result 8)"
    )
    start.add_argument("--pbx-model", choices=sorted(MODELS), default="P570", help="default: %(default)s")
    start.add_argument("--pbx-capacity", type=int, help="extensions that the PBX can hold (default: the model's)")
    populate = _add_command(
        commands, "populate", _populate, "fill the directory, once; the domain controller stops for that moment"
    )
    populate.add_argument("--size", type=_size, default=SMALLEST_SIZE, help="people (default: %(default)s)")
    populate.add_argument("--seed", type=int, default=1, help="same size and seed, same people (default: %(default)s)")
    _add_command(commands, "stop", _stop, "stop all; the directory stays, the PBX forgets its extensions")
    _add_command(commands, "wipe", _wipe, "stop all and delete the folder")
    _add_command(commands, "status", _status, "say what runs and where; exit status 1 unless all does")
    _add_command(
        commands, "environment", _environment, "print what tells the modules where all is, for a shell to evaluate"
    )
    return parser


def _add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, command: Command, text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.add_argument("--folder", type=Path, default=Path(".lab"), help="the lab's folder (default: %(default)s)")
    parser.set_defaults(command=command)
    return parser


def _size(text: str) -> int:
    size = int(text)
    if size < SMALLEST_SIZE:
        raise argparse.ArgumentTypeError(f"at least {SMALLEST_SIZE}, so that every special person fits")
    return size


if __name__ == "__main__":
    sys.exit(main())
