# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""The options of a rule that is saved, whatever it synchronizes."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  settings:
    description:
      - Where the rule comes from. V(given) is what the other options say. V(saved) is what was saved before, and no other option of the rule may be given then.
    type: str
    choices: [given, saved]
    default: given
  enabled:
    description:
      - Whether runs carry the rule out. V(false) pauses it. Its settings stay and cannot be changed, and what it has associated stays associated.
      - With V(false), either give the same settings as are saved, or none at all. Settings that differ are refused.
      - With V(true) a paused rule is resumed, with the settings that are given and the associations of before.
    type: bool
    default: true
  drift:
    description:
      - What becomes of a value that was changed on the PBX by hand since it was last written.
      - V(correct) puts back what the directory says.
      - V(report) leaves it as long as the directory says what it said, and tells it. If the directory changes too, to something else, the value on the PBX
        is left and it is a conflict. For members of a group only what the directory has changed is done; who was put in or taken out by hand stays so.
      - An object that was deleted on the PBX by hand is created again in any case.
    type: str
    choices: [correct, report]
    default: correct
  sync:
    description:
      - When saving the rule is followed by a synchronization.
      - V(always) synchronizes each time. V(on_first_save) does until the rule has once been carried out with success, and from then on only saves;
        M(pbxops.yeastar.pbx_ad_sync) carries it out.
    type: str
    choices: [always, on_first_save]
    default: always
"""
