# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The option that says whether a run is to be looked at later."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  keep_snapshot:
    description:
      - Whether what the run has read of both sides, and left behind on the PBX, is kept in the ledger, so that M(pbxops.yeastar.pbx_ad_user_info) and
        M(pbxops.yeastar.pbx_ad_info) can tell of it with O(ignore:offline) set to true. It takes the place of the one before.
      - A snapshot holds names, e-mail addresses, telephone numbers and memberships of the users that the run has read, those without an extension too. It
        holds no password and no other secret.
      - Only a run of all rules that are enabled keeps one, for of a run of some it could not be told what the others do.
      - If false, none is kept, and the one before is forgotten.
    type: bool
    default: true
"""
