# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the architecture shows the rooms and arrows that the source has."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.fixture(name="drawing", scope="module")
def _drawing() -> ModuleType:
    specification = importlib.util.spec_from_file_location("architecture", _ROOT / "scripts" / "architecture.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    # Where dataclasses look for the module of their annotations.
    sys.modules[module.__name__] = module
    specification.loader.exec_module(module)
    return module


def test_the_picture_is_the_one_that_the_source_gives(drawing: ModuleType) -> None:
    assert drawing.PICTURE.read_text(encoding="utf-8") == drawing.picture(), "make architecture draws it anew"


def test_every_room_and_kind_of_module_is_in_it(drawing: ModuleType) -> None:
    folders = (_ROOT / "plugins" / utils for utils in ("module_utils", "plugin_utils"))
    rooms = {path.name for folder in folders for path in folder.iterdir() if any(path.glob("*.py"))}

    assert rooms >= {"_sync", "_ad", "_pbx"}
    assert rooms <= drawing.BOXES.keys()


def test_what_it_draws_is_what_the_walls_allow(drawing: ModuleType) -> None:
    known = drawing.known_by_rooms()

    # A look at the arrows themselves: without them a picture of nothing would pass too.
    assert {("_module", "_sync"), ("_ad", "_sync"), ("_ad", "directory"), ("_pbx", "pbx")} <= known
    assert not {target for room, target in known if room == "_sync"}
    assert drawing.known_by_gateway() == sorted({"_ad", "_ledger", "_module", "_pbx", "_sync"})


def test_a_new_arrow_is_not_left_out(drawing: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "known_by_rooms", lambda: {("_sync", "_pbx")})

    with pytest.raises(KeyError):
        drawing.picture()


def test_the_page_tells_every_room_and_step(drawing: ModuleType) -> None:
    page = (_ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

    assert "](pictures/architecture.svg)" in page
    for room in (name for name in drawing.BOXES if name.startswith("_")):
        assert f"`{room}`" in page
    for step, _text in drawing._STEPS:
        assert f"**{step.capitalize()}.**" in page
