# SPDX-License-Identifier: GPL-3.0-or-later
"""How property tests run: an example may take its time, for the machine may be busy with something else."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("without_deadline", deadline=None)
settings.load_profile("without_deadline")
