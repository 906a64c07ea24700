"""Remembering: what an incident looked like, and what was like it before.

In: a diagnosis. Out: the same with its portrait and what was seen. How often the same was found before and what helped is counted
in the log; which incidents look alike is asked of the memory, an index of the portraits in the log that is brought up to date
first; what people wrote about it comes from their runbooks. All of it is told, and none of it that fails stops a repair; what
policy may ask of the past is counted anew when it judges.
"""

from __future__ import annotations

import dataclasses
import logging

from reconciler.analysis.likeness import VERSION, vector
from reconciler.audit.recurrence import outcome, recurrence, repairs
from reconciler.audit.view import Facts
from reconciler.errors import HomeostatError, Permanent, Retryable
from reconciler.model.canonical import decode, number, plain
from reconciler.model.diagnosis import Diagnosis
from reconciler.model.memory import Alike, Passage, Portrait, Seen
from reconciler.model.records import LoggedRecord, RecordKind
from reconciler.model.signals import Incident
from reconciler.ports.memory import Memo, Memory, Near
from reconciler.steps.portraying import pictured
from reconciler.steps.runbooks import cited
from reconciler.steps.world import World

log = logging.getLogger(__name__)

MOST_ALIKE = 5
LEAST_ALIKE = 0.8  # below it most are not of the same kind on recorded incidents (docs/analysis/memory.md)


def remembered(world: World, incident: Incident, found: Diagnosis) -> Diagnosis:
    """The diagnosis with its portrait and its past."""
    world.meters.well("memory", did=True)
    looked = _looked(world, incident, found)
    cause = found.causes[0] if found.causes else None
    ledger = world.ledger.facts()
    kind, component = (cause.kind.value, cause.component) if cause else ("", "")
    again = recurrence(ledger, kind, component, incident.id, found.made_ms)
    alike = tuple(_alike(ledger, near) for near in _nearest(world, looked, incident.id))
    seen = Seen(again.times, again.week, again.tried, alike, _passages(world, found.revision, looked))
    return dataclasses.replace(found, portrait=looked, seen=seen)


def _looked(world: World, incident: Incident, found: Diagnosis) -> Portrait:
    try:
        return pictured(incident, found, world.telemetry, world.log_template)
    except Retryable as error:
        _told(world, error)
        return pictured(incident, found, None, world.log_template)


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
