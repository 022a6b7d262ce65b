# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong in a measurement."""

from __future__ import annotations


class BenchError(Exception):
    """Something that was to be measured failed; the message says what and why."""
