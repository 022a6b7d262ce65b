# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw docs/pictures/architecture.svg: the rooms of the collection, and the arrows that their imports are.

`make architecture` writes it. What stands where is written down here; who knows whom is read from the source.
"""

from __future__ import annotations

import ast
import html
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "pictures" / "architecture.svg"

_OWN = "ansible_collections.pbxops.yeastar.plugins."
_GATEWAY = ROOT / "roles" / "pbx_ad_sso_gateway" / "files" / "sign_on_gateway"
_WIDTH, _HEIGHT = 1080, 700
# Everybody knows the root of the errors; arrows to it would say nothing.
_KNOWN_TO_ALL = "_errors"
# By which library a room reaches what is outside.
_WORLD = {"ldap3": "directory", "requests": "pbx", "sqlite3": "store", "psycopg": "store"}
_STEPS = (
    ("read", "both sides, proved complete"),
    ("plan", "pure: data in, plan out"),
    ("guard", "stops too much of a danger"),
    ("apply", "written down, sent, asked"),
    ("report", "what was done, and why"),
)


@dataclass(frozen=True, slots=True)
class Box:
    """A room, a kind of plugin or a part of the world, and where it stands."""

    x: int
    y: int
    width: int
    height: int
    title: str
    lines: tuple[str, ...]
    style: str = "room"


_MODULE = ("joins the rooms:", "read, apply, results", "", "ports.py says what", "a run asks of the world")
_SYNC = ("decides, and is pure: scope, numbers, places, order, plan, guard", "no socket, no clock, no Ansible")
BOXES = {
    "people": Box(30, 130, 190, 62, "roles, playbooks", ("what people run",), "door"),
    "modules": Box(30, 240, 190, 84, "modules", ("name their options,", "hand them to a run"), "door"),
    "_module": Box(290, 130, 190, 310, "_module", _MODULE),
    "_ad": Box(550, 130, 200, 80, "_ad", ("speaks LDAP; an answer", "is proved complete")),
    "_ledger": Box(550, 245, 200, 80, "_ledger", ("remembers: associations,", "rules, runs, the journal")),
    "_pbx": Box(550, 360, 200, 80, "_pbx", ("speaks the Open API:", "one token, no lost write")),
    "_sync": Box(290, 500, 460, 80, "_sync", _SYNC, "pure"),
    "directory": Box(850, 130, 200, 80, "Active Directory", ("is only read",), "world"),
    "store": Box(850, 245, 200, 80, "the ledger", ("a file of SQLite, or a", "schema in PostgreSQL"), "world"),
    "pbx": Box(850, 360, 200, 80, "Yeastar P-Series", ("its documented Open API",), "world"),
    "filter": Box(30, 615, 190, 62, "filter", ("report, metrics, rrule",), "door"),
    "_report": Box(290, 615, 460, 62, "_report", ("makes a page and metrics of a result; pure likewise",), "pure"),
}  # fmt: skip
GATEWAY = Box(850, 500, 200, 177, "sign_on_gateway", ("a web service, at which", "users sign on; it knows"), "door")

# The corners of each arrow, from the one who knows to the one who is known.
_WAYS: dict[tuple[str, str], tuple[tuple[int, int], ...]] = {
    ("people", "modules"): ((125, 192), (125, 240)),
    ("modules", "_module"): ((220, 282), (290, 282)),
    ("modules", "_sync"): ((125, 324), (125, 540), (290, 540)),
    ("_module", "_ad"): ((480, 160), (550, 160)),
    ("_module", "_ledger"): ((480, 275), (550, 275)),
    ("_module", "_pbx"): ((480, 390), (550, 390)),
    ("_module", "_sync"): ((385, 440), (385, 500)),
    ("_ad", "_sync"): ((550, 190), (515, 190), (515, 500)),
    ("_ledger", "_sync"): ((550, 305), (515, 305), (515, 500)),
    ("_pbx", "_sync"): ((550, 420), (515, 420), (515, 500)),
    ("_ad", "_module"): ((550, 145), (480, 145)),
    ("_ledger", "_module"): ((550, 260), (480, 260)),
    ("_pbx", "_module"): ((550, 375), (480, 375)),
    ("_ad", "directory"): ((750, 170), (850, 170)),
    ("_ledger", "store"): ((750, 285), (850, 285)),
    ("_pbx", "pbx"): ((750, 400), (850, 400)),
    ("filter", "_module"): ((220, 630), (255, 630), (255, 410), (290, 410)),
    ("filter", "_sync"): ((125, 615), (125, 562), (290, 562)),
    ("filter", "_report"): ((220, 646), (290, 646)),
}

_STYLE = """
text { font: 13px "DejaVu Sans", Verdana, sans-serif; fill: #1f2933 }
.title { font-weight: bold; font-size: 15px }
.small { font-size: 12px; fill: #3e4c59 }
rect, .step { stroke: #52606d; stroke-width: 1.2 }
.paper { fill: #ffffff; stroke: none }
.room { fill: #e3f0ff } .pure { fill: #e3f9e5 } .door { fill: #fff3c4 } .world { fill: #f0f0f4; stroke-dasharray: 5 4 }
.step { fill: #f5f7fa }
.arrow { fill: none; stroke: #52606d; stroke-width: 1.6; marker-end: url(#head) }
.ports { stroke-dasharray: 3 3 }
"""


def known_by_rooms() -> set[tuple[str, str]]:
    """Who knows whom among the rooms and plugins, and which room reaches which part of the world."""
    found = set()
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        room = _room_of_parts(path.relative_to(ROOT / "plugins").parts)
        for name in _imports(path):
            known = _known(name)
            if known and known not in (room, _KNOWN_TO_ALL) and room in BOXES:
                found.add((room, known))
    return found


def known_by_gateway() -> list[str]:
    """The rooms that the sign-on gateway is built of."""
    known = {_known(name) for path in sorted(_GATEWAY.rglob("*.py")) for name in _imports(path)}
    return sorted(room for room in known if room.startswith("_") and room != _KNOWN_TO_ALL)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _known(name: str) -> str:
    """The room or the part of the world that an import leads to; "" for anything else."""
    if name.startswith(_OWN):
        return _room_of_parts(tuple(name.removeprefix(_OWN).split(".")))
    return _WORLD.get(name.partition(".")[0], "")


def _room_of_parts(parts: tuple[str, ...]) -> str:
    return parts[1].removesuffix(".py") if parts[0].endswith("_utils") else parts[0]


def picture() -> str:
    """Return the picture as SVG.

    :raises KeyError: the source has an arrow that the picture has no way for: add it to ``_WAYS``.
    """
    arrows = [*sorted(known_by_rooms()), ("people", "modules")]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'aria-label="The rooms of the collection and which of them knows which">',
        f"<style>{_STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        'orient="auto-start-reverse"><path d="M0 0 L10 5 L0 10 z" fill="#52606d"/></marker></defs>',
        f'<rect class="paper" width="{_WIDTH}" height="{_HEIGHT}"/>',
        *(_step(index, *step) for index, step in enumerate(_STEPS)),
        *(_arrow(*arrow) for arrow in arrows),
        *(_box(box) for box in BOXES.values()),
        _box(GATEWAY, known_by_gateway()),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _step(index: int, title: str, text: str) -> str:
    x, width, tip = 30 + index * 206, 200, 16
    points = f"{x},20 {x + width - tip},20 {x + width},53 {x + width - tip},86 {x},86 {x + tip if index else x},53"
    middle = x + width // 2 + (tip // 2 if index else 0)
    return (
        f'<polygon class="step" points="{points}"/><text class="title" x="{middle}" y="47" text-anchor="middle">{title}'
        f'</text><text class="small" x="{middle}" y="68" text-anchor="middle" style="font-size:11px">{text}</text>'
    )


def _arrow(source: str, target: str) -> str:
    points = " ".join(f"{x},{y}" for x, y in _WAYS[source, target])
    # The rooms that speak with the world know nothing of a run but what it asks of them.
    ports = " ports" if target == "_module" and source.startswith("_") else ""
    return f'<polyline class="arrow{ports}" points="{points}"><title>{source} knows {target}</title></polyline>'


def _box(box: Box, more: Iterable[str] = ()) -> str:
    lines = [*box.lines, *more]
    drawn = "".join(
        f'<text class="small" x="{box.x + 14}" y="{box.y + 46 + 18 * index}">{html.escape(line)}</text>'
        for index, line in enumerate(lines)
    )
    return (
        f'<rect class="{box.style}" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="6"/>'
        f'<text class="title" x="{box.x + 14}" y="{box.y + 25}">{html.escape(box.title)}</text>{drawn}'
    )


if __name__ == "__main__":
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(picture(), encoding="utf-8")
