# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: not for use outside of it.
"""What is known of an integration, as pbx_ad_info returns it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.fields import Fields
from ansible_collections.pbxops.yeastar.plugins.plugin_utils._report.run import (
    Conflict,
    Sides,
    read_conflicts,
    read_sides,
    read_summary,
)

RULE_KINDS = ("organizational_units", "users", "groups")

# The keys of the capacity begin with these.
_LIMITED = (("extensions", "extension"), ("organizations", "organization"), ("extension_groups", "extension_group"))


@dataclass(frozen=True, slots=True)
class Rule:
    """The saved rule of one kind of synchronization."""

    kind: str
    enabled: bool
    synchronized: bool
    saved_at: str
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many objects of a kind the PBX has and can have."""

    kind: str
    used: int
    limit: int

    @property
    def left(self) -> int:
        """How many more it takes."""
        return max(self.limit - self.used, 0)


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that the ledger remembers.

    :param state: running, succeeded or failed.
    """

    id: str
    command: str
    kinds: tuple[str, ...]
    state: str
    started_at: str
    ended_at: str
    duration: float | None
    summary: Mapping[str, int]
    error: str

    @property
    def created(self) -> int:
        """How many objects it created."""
        return self.summary.get("created", 0)

    @property
    def updated(self) -> int:
        """How many objects it updated."""
        return self.summary.get("updated", 0)

    @property
    def removed(self) -> int:
        """How many objects it deleted or released."""
        return self.summary.get("deleted", 0) + self.summary.get("released", 0)


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization of the PBX with those below it."""

    name: str
    extensions: int
    synchronized: bool
    children: tuple[Organization, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """A field that somebody changed on the PBX by hand."""

    kind: str
    number: str
    name: str
    field: str
    written: str
    actual: str


@dataclass(frozen=True, slots=True)
class Status:
    """An integration as it stands.

    :param status: connected, disabled or not_connected.
    :param runs: newest first.
    :param associations: number of associated objects by kind.
    :param organizations: the roots of the PBX's tree.
    :param drift: None if nobody asked for it.
    """

    status: str
    sides: Sides
    settings: Mapping[str, str]
    rules: tuple[Rule, ...]
    schedule: Mapping[str, str]
    capacity: tuple[Capacity, ...]
    runs: tuple[PastRun, ...]
    associations: Mapping[str, int]
    organizations: tuple[Organization, ...]
    drift: tuple[Drift, ...] | None
    conflicts: tuple[Conflict, ...]


def is_status(result: Fields) -> bool:
    """Return whether a result is that of pbx_ad_info; those of other modules have none of these keys."""
    return result.has("rules", "runs", "associations")


def read_status(result: Fields) -> Status:
    """Return what pbx_ad_info has returned.

    :raises ReportError: if its values have other shapes.
    """
    return Status(
        status=result.text("status"),
        sides=read_sides(result),
        settings=result.inner("settings").all_texts(),
        rules=tuple(_read_rules(result.inner("rules"))),
        schedule={name: text for name, text in result.inner("schedule").all_texts().items() if text},
        capacity=tuple(_read_capacity(result.inner("capacity"))),
        runs=tuple(_read_past_run(run) for run in result.each("runs")),
        associations=Counter(association.text("kind") for association in result.each("associations")),
        organizations=_read_tree(result.each("organizations")),
        drift=tuple(_read_drift(drift) for drift in result.each("drift")) if result.has("drift") else None,
        conflicts=read_conflicts(result),
    )


def _read_rules(rules: Fields) -> Iterator[Rule]:
    for kind in RULE_KINDS:
        rule = rules.inner(kind)
        if rule.data:
            settings = rule.inner("settings").all_texts()
            yield Rule(kind, rule.flag("enabled"), rule.flag("synchronized"), rule.text("saved_at"), settings)


def _read_capacity(capacity: Fields) -> Iterator[Capacity]:
    for name, kind in _LIMITED:
        if capacity.has(name):
            yield Capacity(kind, capacity.count(f"{name}_used"), capacity.count(name))


def _read_past_run(run: Fields) -> PastRun:
    return PastRun(
        id=run.text("id"),
        command=run.text("command"),
        kinds=run.texts("kinds"),
        state=run.text("state"),
        started_at=run.text("started_at"),
        ended_at=run.text("ended_at"),
        duration=run.number("duration"),
        summary=read_summary(run.inner("summary")),
        error=run.text("error"),
    )


def _read_drift(drift: Fields) -> Drift:
    return Drift(
        kind=drift.text("kind"),
        number=drift.text("number"),
        name=drift.text("name"),
        field=drift.text("field"),
        written=drift.text("written"),
        actual=drift.text("actual"),
    )


def _read_tree(organizations: Sequence[Fields]) -> tuple[Organization, ...]:
    """Join organizations to a tree; one whose parent is not among them is a root."""
    known = {organization.text("id") for organization in organizations} - {""}
    children: dict[str | None, list[Fields]] = {}
    for organization in organizations:
        parent = organization.text("parent_id")
        children.setdefault(parent if parent in known else None, []).append(organization)

    def below(parent: str | None) -> tuple[Organization, ...]:
        return tuple(
            Organization(
                name=organization.text("name"),
                extensions=organization.count("extensions"),
                synchronized=organization.flag("synchronized"),
                children=below(organization.text("id")),
            )
            for organization in children.get(parent, ())
        )

    return below(None)
