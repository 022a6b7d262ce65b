# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as a process: `python -m lab.pbx --cert … --key … --control-port …`.

Once it serves it prints one line of JSON: url, control_url. It ends at SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.pbx.control_server import make_control_server
from lab.pbx.emulator import Emulator
from lab.pbx.settings import MODELS, Settings
from lab.pbx.variants import Variants

SECRET_VARIABLE = "PBX_EMULATOR_CLIENT_SECRET"
LINKUS_SDK_SECRET_VARIABLE = "PBX_EMULATOR_LINKUS_SDK_SECRET"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal comes; the exit status."""
    options = _parser().parse_args(arguments)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopped.set())
    emulator = _emulator(options)
    try:
        control = make_control_server(emulator, options.control_port)
        emulator.start()
    except OSError as error:
        print(f"the PBX emulator cannot listen: {error}", file=sys.stderr)
        return 1
    serving = threading.Thread(target=control.serve_forever, args=(0.05,), daemon=True)
    serving.start()
    ready = {"url": emulator.url, "control_url": f"http://127.0.0.1:{control.port}"}
    print(json.dumps(ready), flush=True)
    stopped.wait()
    emulator.stop()
    control.shutdown()
    serving.join()
    control.server_close()
    return 0


def _emulator(options: argparse.Namespace) -> Emulator:
    defaults = Settings()
    settings = Settings(
        model=options.model,
        client_id=options.client_id or defaults.client_id,
        client_secret=options.client_secret or os.environ.get(SECRET_VARIABLE) or defaults.client_secret,
        linkus_sdk_id=options.linkus_sdk_id,
        linkus_sdk_secret=os.environ.get(LINKUS_SDK_SECRET_VARIABLE, "") if options.linkus_sdk_id else "",
        serial_number=options.serial_number,
        firmware_version=options.firmware_version,
        extension_capacity=options.extension_capacity,
        company_name=options.company_name,
        organization_management=options.organization_management,
        allowed_addresses=tuple(options.allow_address) if options.allow_address else None,
    )
    emulator = Emulator(
        options.cert,
        options.key,
        settings=settings,
        variants=Variants().changed(**dict(options.variant)),
        address=options.address,
        port=options.port,
        host=options.host,
    )
    emulator.pbx.seed_extensions(options.extensions)
    return emulator


def _parser() -> argparse.ArgumentParser:
    defaults = Settings()
    parser = argparse.ArgumentParser(prog="python -m lab.pbx", description="A PBX emulator.")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8088, help="HTTPS port (0: a free one)")
    parser.add_argument("--host", default="", help="the name in the URL, as the certificate has it")
    parser.add_argument("--cert", type=Path, required=True, help="certificate (PEM)")
    parser.add_argument("--key", type=Path, required=True, help="its private key (PEM)")
    parser.add_argument("--control-port", type=int, default=0, help="on 127.0.0.1 (0: a free one)")
    parser.add_argument("--model", choices=sorted(MODELS), default=defaults.model)
    parser.add_argument("--client-id", default="")
    parser.add_argument("--client-secret", default="", help=f"better given as the environment's {SECRET_VARIABLE}")
    parser.add_argument(
        "--linkus-sdk-id",
        default="",
        help=f"AccessID of the Linkus SDK (its AccessKey: {LINKUS_SDK_SECRET_VARIABLE}); default: switched off",
    )
    parser.add_argument("--serial-number", default=defaults.serial_number)
    parser.add_argument("--firmware-version", default="", help="default: one of the model's")
    parser.add_argument("--extensions", type=int, default=0, help="how many to begin with")
    parser.add_argument("--extension-capacity", type=int, help="default: the model's")
    parser.add_argument("--company-name", default=defaults.company_name)
    parser.add_argument(
        "--organization-management",
        action=argparse.BooleanOptionalAction,
        default=defaults.organization_management,
    )
    parser.add_argument("--allow-address", action="append", help="put on the API's allow-list")
    parser.add_argument(
        "--variant", action="append", type=_variant, default=[], metavar="NAME=JSON", help="see README.md"
    )
    return parser


def _variant(text: str) -> tuple[str, Any]:
    name, _equals, value = text.partition("=")
    try:
        changes = {name: json.loads(value)}
        Variants().changed(**changes)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name, changes[name]


if __name__ == "__main__":
    sys.exit(main())
