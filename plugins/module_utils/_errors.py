# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The root of the collection's own errors."""

from __future__ import annotations


class YeastarError(Exception):
    """An error the collection foresaw, told in words for the administrator.

    Each room derives its own types from this one and raises them near the cause. They are turned into a failed
    result in one place, ``_module/main.py``.

    :param message: what went wrong, naming the parameter or the object; never holds a secret.
    :param remedy: what the administrator can do about it, a whole sentence; empty where nothing helps.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()
