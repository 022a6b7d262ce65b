# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of distinguished names however they are spelled."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.module_utils._ad.names import Places, is_within, names_below, parse_dn
from hypothesis import given
from hypothesis import strategies as st

BASE = ("lab", "test")
# The characters that mean something in a DN are as frequent as all others together.
NAMES = st.text(st.one_of(st.sampled_from(',+"\\<>;=#/ \0\naB'), st.characters(exclude_categories=["Cs"])), min_size=1)
FEW_NAMES = st.sampled_from(["Sales", "sales, OU=Staff", "Staff", "Süd", "a+b", "\\", " x "])
KINDS = st.sampled_from(["CN", "ou", "OU"])


@dataclass(frozen=True)
class Spelled:
    """A DN, and the names in it, topmost first."""

    dn: str
    names: tuple[str, ...]


@st.composite
def spelled_names(draw: st.DrawFn, name: str) -> str:
    """One relative name: each character as it is, escaped, or as the hexadecimal of its bytes."""
    parts = []
    for place, character in enumerate(name):
        ways = ["hex"]
        if character not in ',+"\\<>;=#\0' and not (character == " " and place in (0, len(name) - 1)):
            ways.append("plain")
        if character in ',+"\\<>;=# ':
            ways.append("escaped")
        match draw(st.sampled_from(ways)):
            case "hex":
                parts.append("".join(f"\\{byte:02x}" for byte in character.encode()))
            case "escaped":
                parts.append(f"\\{character}")
            case _:
                parts.append(character)
    blank = draw(st.sampled_from(["", " "]))
    return f"{blank}{draw(KINDS)}{blank}={blank}{''.join(parts)}{blank}"


@st.composite
def dns(draw: st.DrawFn, names: st.SearchStrategy[str]) -> Spelled:
    way = tuple(draw(st.lists(names, max_size=5)))
    own = [draw(spelled_names(name)) for name in reversed(way)]
    return Spelled(",".join([*own, *(f"DC={name}" for name in BASE)]), way)


@given(dns(NAMES))
def test_a_name_comes_back_as_it_was_however_it_is_spelled(spelled: Spelled) -> None:
    assert names_below(spelled.dn, "dc=Lab,dc=Test") == spelled.names


@given(st.lists(dns(FEW_NAMES), unique_by=lambda spelled: parse_dn(spelled.dn)), st.lists(dns(FEW_NAMES)))
def test_the_nearest_place_above_is_what_a_look_at_all_of_them_finds(
    known: list[Spelled], asked: list[Spelled]
) -> None:
    places = {str(number): spelled.dn for number, spelled in enumerate(known)}
    quick = Places(places)
    for spelled in [*asked, *known, *asked]:
        assert quick.nearest_above(spelled.dn) == _nearest(places, spelled.dn)


def _nearest(places: dict[str, str], dn: str) -> str:
    own_depth = len(parse_dn(dn))
    above = {key: len(parse_dn(place)) for key, place in places.items() if is_within(dn, place)}
    return max((key for key, depth in above.items() if depth < own_depth), key=above.__getitem__, default="")
