# SPDX-License-Identifier: GPL-3.0-or-later
"""What an AWX has besides its objects: an account, and the places from which projects come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """An AWX as its administrator set it up.

    :param repositories: by URL, the playbooks of each repository that can be reached.
    :param folders: by name, the playbooks of each folder below the root for manual projects.
    :param page_size: objects on a page if the request does not say.
    """

    username: str = "admin"
    password: str = field(default="Awx-Adm1n-Pa55word", repr=False)
    oauth_token: str = field(default="0awxLabT0kenF0rTests0123456789", repr=False)
    product: str = "AWX"
    version: str = "24.6.1"
    repositories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    page_size: int = 25
