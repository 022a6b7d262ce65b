# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What all modules of the collection can and cannot do."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - Reads both sides, plans and shows the plan. Nothing is written anywhere, the ledger included.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: full
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: full
    details:
      - This assumes that neither the directory nor the PBX has changed in the meantime.
  action_group:
    description: Use C(group/pbxops.yeastar.ad) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - pbxops.yeastar.ad
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - This module reads and never changes anything, the ledger included.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: N/A
    details:
      - This module never changes anything.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: full
    details:
      - This module never changes anything.
  action_group:
    description: Use C(group/pbxops.yeastar.ad) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - pbxops.yeastar.ad
"""
