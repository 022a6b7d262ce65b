# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service: ``python -m sign_on_gateway --config FILE [--check]``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.pbxops.yeastar.plugins.module_utils._errors import YeastarError

from sign_on_gateway import log
from sign_on_gateway.certificate import check_certificate, read_certificate, tls_context
from sign_on_gateway.pages import Pages
from sign_on_gateway.settings import Configuration, read_configuration


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve, or check the configuration alone; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        configuration = read_configuration(options.config, os.environ)
        warnings = check(configuration)
        if options.check:
            for warning in warnings:
                print(f"warning: {warning}")
            return 0
        log.set_up()
        for warning in warnings:
            log.warn("configuration", text=warning)
        # Here and not above, so that the check of a configuration needs no more than it looks at.
        from sign_on_gateway.server import serve  # noqa: PLC0415

        serve(configuration)
    except YeastarError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def check(configuration: Configuration) -> list[str]:
    """Look at what the configuration names, and return warnings.

    :raises YeastarError: if it cannot be used.
    """
    tls_context(configuration.listen)
    Pages(configuration.page.languages, configuration.page.organization, configuration.page.help)
    certificate = read_certificate(configuration.listen)
    return check_certificate(certificate, configuration.listen.public_host, datetime.now(UTC))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sign_on_gateway", description="Serve the sign-on gateway.")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the configuration, a TOML file")
    parser.add_argument("--check", action="store_true", help="check the configuration and end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
