"""Remembering: what an incident looked like, and what was like it before.

In: a diagnosis. Out: the same with its portrait and what was seen. How often the same was found before and what helped is counted
in the log; which incidents look alike is asked of the memory, an index of the portraits in the log that is brought up to date
first; what people wrote about it comes from their runbooks. None of these decides anything, and none that fails stops a repair.
"""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Iterator, Sequence

from reconciler.analysis.likeness import VERSION, vector
from reconciler.analysis.likeness import number as size
from reconciler.analysis.portraits import Departure, departure, neighbours, portrait
from reconciler.analysis.shifts import cut
from reconciler.audit.recurrence import outcome, recurrence, repairs
from reconciler.audit.view import Facts
from reconciler.diagnosis.sight import plain_topology
from reconciler.errors import HomeostatError, Permanent, Retryable
from reconciler.model.canonical import decode, number, plain
from reconciler.model.diagnosis import Cause, Diagnosis
from reconciler.model.memory import Alike, Passage, Portrait, Seen
from reconciler.model.records import LoggedRecord, RecordKind
from reconciler.model.signals import Incident
from reconciler.model.telemetry import Topology
from reconciler.ports.memory import Memo, Memory, Near
from reconciler.steps.runbooks import cited
from reconciler.steps.world import World

log = logging.getLogger(__name__)

MOST_ALIKE = 5
LEAST_ALIKE = 0.5  # of two incidents that share less, one says nothing about the other
COMPONENTS, METRICS = 8, 40  # whose levels are compared, and how many of each
_COUNTERS = ("_total", "}")
_TEMPLATE = re.compile(r"log_template_rate\{template=([0-9]{1,6})\}")


def remembered(world: World, incident: Incident, found: Diagnosis) -> Diagnosis:
    """The diagnosis with its portrait and its past."""
    world.meters.well("memory", did=True)
    looked = pictured(world, incident, found)
    cause = found.causes[0] if found.causes else None
    ledger = world.ledger.facts()
    kind, component = (cause.kind.value, cause.component) if cause else ("", "")
    again = recurrence(ledger, kind, component, incident.id, found.made_ms)
    alike = tuple(_alike(ledger, near) for near in _nearest(world, looked, incident.id))
    seen = Seen(again.times, again.week, again.tried, alike, _passages(world, found.revision, looked))
    return dataclasses.replace(found, portrait=looked, seen=seen)


def pictured(world: World, incident: Incident, found: Diagnosis) -> Portrait:
    """What the incident looks like now. Without measurements it is words only."""
    cause = found.causes[0].component if found.causes else ""
    said = [*(f"{signal.name} {signal.metric}" for signal in incident.signals), *_words(found.causes)]
    topology, departures, templates = Topology((), ()), list[Departure](), list[str]()
    try:
        topology = plain_topology(world.telemetry.topology(), incident.components)
        around = neighbours(cause, incident.components, topology, COMPONENTS)
        measured = [c for c in around if c in topology.components]
        departures = list(_departures(world, measured, found))
        templates = list(_templates(world, measured, found))
    except Retryable as error:
        _told(world, error)
    return portrait(cause, incident.components, topology, departures, said, templates)


def _words(causes: Sequence[Cause]) -> Iterator[str]:
    for cause in causes[:1]:
        yield f"{cause.kind.value} {cause.trouble}"
        yield from (evidence.metric for evidence in cause.evidence)


def _departures(world: World, components: Sequence[str], found: Diagnosis) -> Iterator[Departure]:
    (start, end), after = found.window_before, found.window_after
    for component in components:
        names = (n for n in world.telemetry.metrics(component) if not n.endswith(_COUNTERS))
        for metric in [*names][:METRICS]:
            series = world.telemetry.series(component, metric, start, after[1])
            moved = departure(component, metric, cut(series, start, end), cut(series, after[0], after[1] + 1))
            if moved:
                yield moved


def _templates(world: World, components: Sequence[str], found: Diagnosis) -> Iterator[str]:
    """What logs said in the trouble and not, or clearly less, before."""
    (start, end), after = found.window_before, found.window_after
    for component in components:
        for metric in world.telemetry.metrics(component):
            which = _TEMPLATE.fullmatch(metric)
            series = world.telemetry.series(component, metric, start, after[1]) if which else None
            if which is None or series is None:
                continue
            before, since = cut(series, start, end), cut(series, after[0], after[1] + 1)
            moved = departure(component, metric, before, since)
            if (since and not before) or (moved and size(moved.size) > 0):
                yield world.log_template(component, int(which[1]))


def recollect(world: World, memory: Memory) -> None:
    """Brings the memory up to date with the log: at the cost of what is new, or of all where it is lost or was made otherwise."""
    version, _, position = memory.mark().partition(" ")
    size = world.log.size
    start = int(position) if version == VERSION and position.isdecimal() and int(position) <= size else 0
    if start == 0:
        memory.clear()
    if start < size:
        memos = (_memo(logged) for logged in world.log.records(start, kinds=(RecordKind.DIAGNOSIS,)))
        newest = {memo.key: memo for memo in memos if memo is not None}
        memory.put([*newest.values()], f"{VERSION} {size}")


def _memo(logged: LoggedRecord) -> Memo | None:
    """None for a diagnosis of a release that drew no portraits, or of one that this release cannot read."""
    try:
        found = decode(Diagnosis, plain(logged.record.payload.get("diagnosis")))
    except Permanent:
        return None
    if found.portrait is None or not found.causes:
        return None
    top = found.causes[0]
    payload = {"cause": top.kind.value, "component": top.component, "diagnosed_ms": logged.record.stamp.clock_ms}
    return Memo(logged.record.incident, vector(found.portrait), payload)


def _nearest(world: World, looked: Portrait, own: str) -> list[Near]:
    if world.memory is None:
        return []
    try:
        recollect(world, world.memory)
        near = world.memory.nearest(vector(looked), MOST_ALIKE + 1)
    except Retryable as error:
        _told(world, error)
        return []
    return [one for one in near if one.memo.key != own and one.likeness >= LEAST_ALIKE][:MOST_ALIKE]


def _alike(ledger: Facts, near: Near) -> Alike:
    told = near.memo.payload
    landed = [*repairs(ledger, [near.memo.key])]
    return Alike(
        incident=near.memo.key,
        likeness=number(round(near.likeness, 2)),
        cause=str(told.get("cause", "")),
        component=str(told.get("component", "")),
        diagnosed_ms=int(told.get("diagnosed_ms", 0)),
        playbook=landed[-1].value.playbook if landed else "",
        outcome=outcome(ledger, landed[-1].value.commit) if landed else "",
    )


def _passages(world: World, revision: str, looked: Portrait) -> tuple[Passage, ...]:
    try:
        return cited(world.runbooks.at(world.repo, revision), looked.words)
    except HomeostatError as error:
        _told(world, error)
        return ()


def _told(world: World, error: HomeostatError) -> None:
    """Less is known of the past, and the diagnosis stands."""
    world.meters.fault("memory", str(error))
    log.warning("memory.failed", extra={"fields": {"why": str(error)}})
