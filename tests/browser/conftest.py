# SPDX-License-Identifier: GPL-3.0-or-later
"""A real browser, Debian's Chromium, for the tests of pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    """A headless browser, started once for a module of tests."""
    with sync_playwright() as playwright:
        # Its own sandbox does not start as root, and the pages are the tests' own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=False)
        yield browser
        browser.close()
