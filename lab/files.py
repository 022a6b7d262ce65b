# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold passwords."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path


def write_private_json(path: Path, content: Mapping[str, object]) -> None:
    """Write JSON that only the owner can read (mode 0600), all of it or nothing."""
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    temporary.replace(path)
