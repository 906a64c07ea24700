"""Installation (homeostat.yaml at the repository root): what is converged where, what is watched, and how boldly.

In: one document of the protected branch. Out: a frozen model that converge (units, targets), signals (sources, grouping)
and verify (defaults) read. Judging documents (Trust, Limits, ...) live in their own files.

Invariants, checked here because no later stage could check them without the whole document:
names are unique, every unit names a target that exists, dependencies exist and have no cycle, unit paths are normalised
folders and none lies inside another (a file belongs to at most one unit, so one touched path names one unit).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from reconciler.documents.base import NAME, Document, Spec
from reconciler.documents.installation_applier import Applier, HomeostatApplier, applied_by
from reconciler.documents.installation_apply import Apply
from reconciler.documents.installation_parts import Grouping, Target, VerificationDefaults
from reconciler.documents.installation_render import FOLDER, Adjust, ManifestsRender, Render
from reconciler.documents.installation_sources import Source

MAX_UNITS = 50_000
_UNTOUCHED, _GENTLY = Adjust(), Apply()


class Unit(Spec):
    """A set of desired objects with one target, one folder and one place in the order."""

    name: str = Field(pattern=NAME, description="Unique among the units: lower-case letters, digits and dashes, at most 63.")
    path: str = Field(
        pattern=FOLDER,
        max_length=500,
        description="The folder that holds the unit's manifests, from the repository root, without `./`, `..` or a slash at the "
        "end. No unit's folder may lie inside another's, so that a file belongs to at most one unit.",
    )
    target: str = Field(pattern=NAME, description="The name of the target that the objects are applied to.")
    render: Render = Field(
        default=ManifestsRender(), description="How the folder's files become objects. Default: plain manifests."
    )
    adjust: Adjust = Field(
        default_factory=lambda: _UNTOUCHED, description="What is done to the objects after rendering. Default nothing."
    )
    applier: Applier = Field(
        default=HomeostatApplier(),
        description="Who puts the objects on the cluster. Flux or Argo CD: Homeostat reads what they say, judges, proposes, "
        "verifies and reverts, and never writes an object of the unit. Default Homeostat.",
    )
    apply: Apply = Field(default=Apply(), description="How the objects are put on a cluster. Default: in our own name, gently.")
    depends_on: tuple[str, ...] = Field(
        default=(),
        max_length=100,
        description="Units that are applied before this one. When one of them fails this unit waits; units that do not depend "
        "on it go on. Default none.",
    )
    prune_budget: int = Field(
        default=3,
        ge=0,
        le=10_000,
        description="Objects that one apply may delete. More are refused as `prune-budget` and everything is kept: a typo that "
        "drops a folder must not drop a fleet. Default 3.",
    )
    allow_empty: bool = Field(
        default=False,
        description="Whether the unit may render to no object at all. Off, an empty result is refused as `empty-result` and "
        "nothing is deleted: an empty set has meant `everything` in too many incidents. Default false.",
    )
    drift: Literal["correct", "propose", "ignore", "observe"] = Field(
        default="correct",
        description="What happens when a live object differs from Git. `correct` puts it back and says so, `propose` signals it "
        "for a pull request, `observe` only signals it, `ignore` neither signals nor touches it. Default correct.",
    )
    failure_domain: str = Field(
        default="",
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$",
        description="Units with the same domain fail together (a zone, a cluster). The machine changes one domain at a time. "
        "Default empty: the unit is a domain of its own.",
    )
    criticality: Literal["low", "medium", "high"] = Field(
        default="medium",
        description="How much an outage of this unit hurts. `high` counts as critical. Default medium.",
    )


class InstallationSpec(Spec):
    """Everything that is not a judging rule."""

    repository: str = Field(pattern=NAME, description="The name that records and verdicts use for this repository.")
    branch: str = Field(
        default="main",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$",
        description="The protected branch: only its fast-forward revisions are applied. Default main.",
    )
    targets: tuple[Target, ...] = Field(min_length=1, max_length=100, description="Where objects become real; at least one.")
    units: tuple[Unit, ...] = Field(max_length=MAX_UNITS, description="What is applied, in the order that dependsOn gives.")
    sources: tuple[Source, ...] = Field(
        default=(), max_length=100, description="Where measurements come from. Default none: blind."
    )
    grouping: Grouping = Field(default_factory=Grouping, description="How many signals become one incident, and how soon.")
    verification: VerificationDefaults = Field(
        default_factory=VerificationDefaults, description="When repairs are looked at after apply, where a playbook does not say."
    )

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        _unique("targets", (t.name for t in self.targets))
        _unique("sources", (s.name for s in self.sources))
        if sum(source.kind == "otlp" for source in self.sources) > 1:
            raise ValueError("sources: one source of kind otlp takes whatever is sent; keep one")
        _unique("units", (u.name for u in self.units))
        _references(self.units, {t.name: t.kind for t in self.targets})
        _left(self.units, {t.name: t.kind for t in self.targets})
        _apart(self.units)
        if cycle := find_cycle(self.units):
            raise ValueError(f"units: dependsOn runs in a circle: {' -> '.join(cycle)}; remove one of these")
        return self


class Installation(Document):
    """The document `homeostat.yaml`."""

    kind: Literal["Installation"] = Field(description="Always `Installation`.")
    spec: InstallationSpec = Field(description="Units, targets, sources and defaults.")


def _unique(part: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            raise ValueError(f"{part}[{index}].name: {name!r} is already taken; names are unique among {part}")
        seen.add(name)


def _references(units: Sequence[Unit], targets: Mapping[str, str]) -> None:
    names = {u.name for u in units}
    for index, unit in enumerate(units):
        if unit.target not in targets:
            raise ValueError(f"units[{index}].target: no target is named {unit.target!r}; there are {', '.join(sorted(targets))}")
        if missing := [d for d in unit.depends_on if d not in names]:
            raise ValueError(f"units[{index}].dependsOn: no unit is named {missing[0]!r}")
        if targets[unit.target] != "kubernetes" and unit.adjust != _UNTOUCHED:
            raise ValueError(f"units[{index}].adjust: only objects for a target of kind kubernetes are adjusted; remove it")
        if targets[unit.target] != "kubernetes" and unit.apply != _GENTLY:
            raise ValueError(f"units[{index}].apply: only a target of kind kubernetes has other writers; remove it")


def _left(units: Sequence[Unit], targets: Mapping[str, str]) -> None:
    """What is only read is told nothing about applying, and read for one unit."""
    taken: dict[tuple[str, str, str], str] = {}
    for index, unit in enumerate(units):
        if (by := applied_by(unit.applier)) is None:
            continue
        if targets[unit.target] != "kubernetes":
            raise ValueError(f"units[{index}].applier: {unit.applier.kind} applies to a target of kind kubernetes only")
        if unit.apply != _GENTLY:
            raise ValueError(f"units[{index}].apply: {by} applies this unit, not Homeostat; remove it")
        place = (unit.target, by.kind, str(by))
        if place in taken:
            raise ValueError(f"units[{index}].applier: {by} applies unit {taken[place]} already; make them one unit")
        taken[place] = unit.name


def _apart(units: Sequence[Unit]) -> None:
    """Compared without regard to case: on many file systems `Apps` and `apps` are one folder."""
    owners = {u.path.casefold(): u for u in units}
    for index, unit in enumerate(units):
        path = unit.path.casefold()
        if owners[path] is not unit:
            raise ValueError(f"units[{index}].path: {unit.path!r} is also the path of unit {owners[path].name!r}")
        for above in parents(path):
            if above in owners:
                raise ValueError(f"units[{index}].path: {unit.path!r} lies inside the path of unit {owners[above].name!r}")


def parents(path: str) -> Iterable[str]:
    """Every folder above a path, nearest first, without the root."""
    while "/" in path:
        path = path.rsplit("/", 1)[0]
        yield path


def find_cycle(units: Sequence[Unit]) -> tuple[str, ...]:
    """The names along one circle of dependsOn, first name repeated at the end; empty when there is none.

    Walks without recursion: a hostile chain of thousands of units must not end the process.
    """
    depends = {u.name: u.depends_on for u in units}
    done: set[str] = set()
    for start in depends:
        path: dict[str, None] = {}
        stack: list[tuple[str, bool]] = [] if start in done else [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                path.pop(name)
                done.add(name)
            elif name in path:
                walked = list(path)
                return (*walked[walked.index(name) :], name)
            elif name not in done:
                path[name] = None
                stack.append((name, True))
                stack.extend((d, False) for d in reversed(depends[name]))
    return ()
