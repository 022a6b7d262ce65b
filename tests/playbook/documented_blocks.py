# SPDX-License-Identifier: GPL-3.0-or-later
"""The code blocks of README and of every page, fenced or indented, wherever they stand in a list, and what they are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt

REPOSITORY = Path(__file__).parents[2]
# Where an indented block's first word is one of these, it is something to be typed.
COMMANDS = {
    "ansible", "ansible-galaxy", "ansible-playbook", "ansible-runner", "ansible-vault", "dsacls", "git", "make",
    "pg_dump", "pip", "psql", "printf", "python", "sqlite3", "sudo", "systemctl", "ANSIBLE_SHOW_CUSTOM_STATS=1",
}  # fmt: skip
_PAGES = ("*.md", "docs/**/*.md", "playbooks/*.md", "roles/*/README.md", "lab/**/README.md")
_TELLING = 60
_PROMPT = re.compile(r"^[$#] ")
_VARIABLE = re.compile(r"pbx_ad_\w+")


class Kind(StrEnum):
    """What a block is, and with it how it is looked at."""

    PLAYS = "plays"
    TASKS = "tasks"
    INVENTORY = "inventory"
    VARIABLES = "variables"
    OPTIONS = "options"
    SHELL = "shell"
    PYTHON = "python"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a page.

    :param line: of the page, where it begins.
    :param language: as its fence names it; "" for an indented one.
    """

    page: str
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        """Where it is, as one would look for it."""
        return f"{self.page}:{self.line}"

    @property
    def beginning(self) -> str:
        """Its first line, as much of it as tells blocks apart."""
        return self.text.strip().partition("\n")[0][:_TELLING].strip()

    @property
    def kind(self) -> Kind:
        """What it is, by its language and, of YAML, by its shape."""
        if self.language in ("console", "shell", "bash", "bat"):
            return Kind.SHELL
        if self.language == "python":
            return Kind.PYTHON
        if self.language == "yaml" or (not self.language and self.beginning.startswith("- name:")):
            return _kind_of_yaml(yaml.safe_load(self.text))
        if not self.language and _PROMPT.sub("", self.beginning).partition(" ")[0] in COMMANDS:
            return Kind.SHELL
        return Kind.OTHER


def _kind_of_yaml(loaded: Any) -> Kind:
    if isinstance(loaded, list) and all(isinstance(one, dict) for one in loaded):
        if any("hosts" in one for one in loaded):
            return Kind.PLAYS
        return Kind.TASKS if all("name" in one for one in loaded) else Kind.OTHER
    if isinstance(loaded, dict) and all(_VARIABLE.fullmatch(name) for name in loaded):
        return Kind.VARIABLES
    if isinstance(loaded, dict) and all(re.fullmatch(r"(directory|pbx|ledger)_\w+", name) for name in loaded):
        return Kind.OPTIONS
    if isinstance(loaded, dict) and all(
        isinstance(one, dict) and one.keys() & {"hosts", "children"} for one in loaded.values()
    ):
        return Kind.INVENTORY
    return Kind.OTHER


def pages() -> list[Path]:
    """All pages that people read."""
    return sorted(path for pattern in _PAGES for path in REPOSITORY.glob(pattern))


def blocks() -> list[Block]:
    """All blocks of all pages, in their order."""
    return [block for page in pages() for block in _blocks_of(page)]


def _blocks_of(page: Path) -> Iterator[Block]:
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block") and token.map is not None:
            name = page.relative_to(REPOSITORY).as_posix()
            yield Block(name, token.map[0] + 1, token.info.strip(), token.content)


def commands(block: Block) -> list[list[str]]:
    """The commands of a shell block as words: prompts, comments, assignments and what was printed are left out.

    Words joined by ``&&`` or ``|`` are commands of their own, and so is what stands in ``eval "$(…)"``.
    """
    return [words for line in _typed_lines(block) for words in _commands_of(line)]


def _typed_lines(block: Block) -> list[str]:
    lines = block.text.replace("\\\n", " ").splitlines()
    prompted = [_PROMPT.sub("", line) for line in lines if _PROMPT.match(line)]
    return prompted or [line for line in lines if line.strip()]


def _commands_of(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "#", ""
    words: list[str] = []
    for word in [*lexer, "&&"]:
        if word not in ("&&", "|", ";"):
            words.append(word)
            continue
        yield from _unwrapped(words)
        words = []


def _unwrapped(words: Sequence[str]) -> Iterator[list[str]]:
    inner = re.fullmatch(r"\$\((.*)\)", words[1]) if len(words) == 2 and words[0] == "eval" else None
    if inner is not None:
        yield from _commands_of(inner[1])
        return
    called = list(words)
    while called and re.fullmatch(r"[A-Z_]+=.*", called[0]):
        called.pop(0)
    if called:
        yield called
