"""Reporting on one component, when somebody asks: cause, proposed repair, verdict, health, capacity, and what happened to it.

Everything is read from where it is kept anyway; nothing is decided or written. What is not known is said to be so.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.errors import Misconfigured
from reconciler.model.cases import Case, Stage
from reconciler.model.diagnosis import Diagnosis
from reconciler.model.findings import Finding
from reconciler.steps.outlook import foreseen
from reconciler.steps.progress import Progress, progress, readable
from reconciler.steps.world import World

DAY_MS = 86_400_000
OLD_MS = 60_000  # measurements older than this say nothing of now
ACTS = 20


@dataclass(frozen=True, slots=True)
class Capacity:
    """The next 24 hours of one metric, as far as they are foretold; decimal text."""

    metric: str
    foretold: tuple[tuple[str, str], ...]
    text: str


@dataclass(frozen=True, slots=True)
class CriticalAct:
    """A landed commit that touched the component, or one that waits for a person."""

    at_ms: int
    what: str
    commit: str
    by: str


@dataclass(frozen=True, slots=True)
class Report:
    """`health` is well, at-risk, in-trouble or unknown."""

    service: str
    made_ms: int
    health: str
    health_why: tuple[str, ...]
    incident: str
    stage: str
    cause: str
    evidence: tuple[str, ...]
    findings: tuple[str, ...]
    repair: str
    edits: tuple[str, ...]
    pull: int
    verdict: str
    missing: tuple[str, ...]
    capacity: tuple[Capacity, ...]
    acts: tuple[CriticalAct, ...]


def _known(world: World, service: str) -> bool:
    """Whether anything is measured of it, or was ever done to it."""
    measured = service in world.telemetry.topology().components
    return measured or any(fact.value.component == service for fact in world.ledger.facts().merges.values())


def healths(world: World) -> tuple[tuple[str, str], ...]:
    """Every measured component and its health, by name."""
    now = world.clock.now()
    cases = [case for case in world.store.cases(open_only=True) if readable(case)]
    opened = {name: f"{case.id} is at {case.stage.value}" for case in cases for name in _about(progress(case))}
    names = world.telemetry.topology().components
    return tuple((name, _health(world, name, opened.get(name, ""), now)[0]) for name in names)


def report(world: World, service: str) -> Report:
    """Raises Misconfigured for a component of which nothing is known."""
    if not _known(world, service):
        raise Misconfigured(
            f"nothing is known of {service!r}", where="service", next_step="the page /services lists what is measured"
        )
    now = world.clock.now()
    case = _newest(world, service)
    found = progress(case) if case else None
    diagnosis = found.diagnosis if found else None
    opened = f"{case.id} is at {case.stage.value}" if case and case.stage is not Stage.DONE else ""
    health, why = _health(world, service, opened, now)
    repair, edits, verdict, missing = _repair(world, found)
    top = diagnosis.top if diagnosis else None
    return Report(
        service=service,
        made_ms=now,
        health=health,
        health_why=why,
        incident=case.id if case else "",
        stage=case.stage.value if case else "",
        cause=diagnosis.summary if diagnosis else "",
        evidence=tuple(e.text for e in top.evidence) if top else (),
        findings=_findings(diagnosis),
        repair=repair,
        edits=edits,
        pull=found.pull if found else 0,
        verdict=verdict,
        missing=missing,
        capacity=_capacity(world.cursor.outlook.findings(now), service),
        acts=_acts(world, service, found, now),
    )


def _newest(world: World, service: str) -> Case | None:
    """The newest case about it; an open one before any that is over."""
    about = [case for case in world.store.cases() if readable(case) and service in _about(progress(case))]
    return max(about, key=lambda case: (case.stage is not Stage.DONE, case.opened_ms, case.id), default=None)


def _about(found: Progress) -> set[str]:
    top = found.diagnosis.top if found.diagnosis else None
    return {*found.incident.components, *([top.component] if top else [])}


def _health(world: World, service: str, opened: str, now: int) -> tuple[str, tuple[str, ...]]:
    firing = world.cursor.sensors.firing if world.cursor.sensors else {}
    sensors = tuple(f"sensor {watch.rpartition('/')[0]} fires" for watch in sorted(firing) if watch.rpartition("/")[2] == service)
    told = foreseen(world.cursor.outlook.findings(now)).values()
    predicted = tuple(one.finding.text for one in told if one.finding.component == service)
    cases = (opened,) if opened else ()
    if sensors or (opened and not predicted):
        return "in-trouble", (*sensors, *cases)
    if predicted:
        return "at-risk", (*predicted, *cases)
    if abs(now - world.telemetry.newest_ms()) > OLD_MS:
        return "unknown", ("telemetry is not current",)
    return "well", ("no sensor fires and no incident is open",)


def _repair(world: World, found: Progress | None) -> tuple[str, tuple[str, ...], str, tuple[str, ...]]:
    pull = world.forge.get(found.pull) if found and found.pull else None
    if pull is None:
        return (found.proposal.title if found and found.proposal else ""), (), "", ()
    verdict = f"{pull.effect} ({pull.reason})" if pull.effect else "not judged yet"
    lacking = tuple(f"{row.name}: {row.missing}" for row in pull.requirements if not row.passes)
    return pull.narrative.title, pull.narrative.edit_in_words, f"{pull.state.value}: {verdict}", lacking


def _findings(diagnosis: Diagnosis | None) -> tuple[str, ...]:
    return tuple(f"{f.detector} {f.version}: {f.text}" for f in diagnosis.findings) if diagnosis else ()


def _capacity(findings: tuple[Finding, ...], service: str) -> tuple[Capacity, ...]:
    """Forecasts and foreseen breaches of the component, by metric."""
    own = [f for f in findings if f.component == service and f.kind in ("forecast", "breach", "risk")]
    return tuple(
        Capacity(f.metric, (("confidence", f.confidence), *f.values), f.text) for f in sorted(own, key=lambda f: f.metric)
    )


def _acts(world: World, service: str, found: Progress | None, now: int) -> tuple[CriticalAct, ...]:
    """The last day's, newest first; what waits for a person before them."""
    done = [
        CriticalAct(
            fact.clock_ms, "revert" if fact.value.reverts else fact.value.playbook or "commit", fact.value.commit, fact.value.by
        )
        for fact in world.ledger.facts().merges.values()
        if fact.value.component == service and fact.clock_ms >= now - DAY_MS
    ]
    done.sort(key=lambda act: (-act.at_ms, act.commit))
    pull = world.forge.get(found.pull) if found and found.pull else None
    waits = pull is not None and pull.state.value == "open" and pull.effect == "review"
    waiting = (
        [CriticalAct(pull.opened_ms, f"pull request {pull.number} waits for a person", pull.head, "")] if pull and waits else []
    )
    return (*waiting, *done[:ACTS])
