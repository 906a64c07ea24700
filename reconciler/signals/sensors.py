"""Sensors evaluated: documents and telemetry in, signals and the next state out. Pure; time is what `now` says.

A watch is one sensor on one component. It fires once when every sample of the last `forMs` was in trouble, and
resolves once when the newest sample is not. Missing data is a third answer: by default nothing changes, so a blind
source neither raises nor calms an alarm. A source that cannot answer raises Retryable and leaves the state alone.

The state is a small rebuildable value. Losing it fires standing trouble again, which grouping joins or re-validates.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.documents.sensor import Missing, Rule, Sensor, SensorSpec
from reconciler.model.canonical import digest, number
from reconciler.model.signals import Severity, Signal, SignalStatus
from reconciler.model.telemetry import Series
from reconciler.ports.telemetry import Telemetry

MINUTE_MS = 60_000


def _never(_component: str) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class SensorState:
    """Since when each watch ("sensor/component") fires; a watch at rest is absent."""

    firing: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    signals: tuple[Signal, ...]
    state: SensorState


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one watch saw: `trouble` is None when the data does not say."""

    trouble: bool | None
    since_ms: int = 0
    value: str = ""


def evaluate(
    sensors: Sequence[Sensor],
    telemetry: Telemetry,
    state: SensorState,
    now: int,
    rested: Callable[[str], int] = _never,
) -> Evaluation:
    """The signals that are new at `now`, and the state to pass in next time. `rested` is when the newest maintenance of a
    component ends or ended: until then its watches stay as they are, and what was measured before says nothing.
    """
    firing: dict[str, int] = {}
    signals: list[Signal] = []
    for sensor, component in _watches(sensors, telemetry):
        key = f"{sensor.metadata.name}/{component}"
        since, reading = state.firing.get(key), _read(sensor.spec, telemetry, component, now, rested(component))
        if reading.trouble and since is None:
            since = reading.since_ms
            signals.append(_signal(sensor, component, reading, SignalStatus.FIRING, since, now))
        elif reading.trouble is False and since is not None:
            signals.append(_signal(sensor, component, reading, SignalStatus.RESOLVED, since, now))
            since = None
        if since is not None:
            firing[key] = since
    return Evaluation(tuple(signals), SensorState(firing))


def _watches(sensors: Sequence[Sensor], telemetry: Telemetry) -> Iterator[tuple[Sensor, str]]:
    """A named component is watched even while it is silent; without names, whoever has the metric."""
    asked = sorted((one for one in sensors if one.spec.rule is not Rule.NONE), key=lambda one: one.metadata.name)
    if all(sensor.spec.components for sensor in asked):
        everyone = {}
    else:
        everyone = {component: frozenset(telemetry.metrics(component)) for component in telemetry.topology().components}
    for sensor in asked:
        found = (component for component, metrics in everyone.items() if sensor.spec.metric in metrics)
        yield from ((sensor, component) for component in (sensor.spec.components or found))


def _read(spec: SensorSpec, telemetry: Telemetry, component: str, now: int, rested_ms: int) -> _Reading:
    if spec.rule is Rule.THRESHOLD and (calm := _calm(spec, telemetry, component, now, rested_ms)):
        return calm
    back = spec.for_ms + spec.stale_ms + (spec.window_ms if spec.rule is Rule.RATE else 0)
    series = _finite(telemetry.series(component, spec.metric, max(now - back, rested_ms), now))
    points = _rates(series, spec) if spec.rule is Rule.RATE else list(zip(series.times, series.values, strict=True))
    if not points and now - rested_ms <= spec.stale_ms:
        return _Reading(None)  # worked on, or just back: it may not have been measured again yet
    if not points or now - points[-1][0] > spec.stale_ms:
        return _without_data(spec, now)
    newest = points[-1][1]
    if not _in_trouble(spec, newest):
        return _Reading(trouble=False, value=number(newest))
    run = _trailing_trouble(spec, points)
    lasted = run[0] <= now - spec.for_ms
    return _Reading(trouble=True if lasted else None, since_ms=run[0], value=number(newest))


def _calm(spec: SensorSpec, telemetry: Telemetry, component: str, now: int, rested_ms: int) -> _Reading | None:
    """What is at rest now needs no look at what was before: nearly everything, nearly always."""
    newest = _finite(telemetry.series(component, spec.metric, max(now - spec.stale_ms, rested_ms), now)).values[-1:]
    return _Reading(trouble=False, value=number(newest[0])) if newest and not _in_trouble(spec, newest[0]) else None


def _without_data(spec: SensorSpec, now: int) -> _Reading:
    trouble = {Missing.FIRE: True, Missing.OK: False, Missing.UNKNOWN: None}[spec.missing]
    return _Reading(trouble=trouble, since_ms=now - spec.stale_ms, value="nan")


def _trailing_trouble(spec: SensorSpec, points: Sequence[tuple[int, float]]) -> list[int]:
    """The times of the unbroken run of trouble at the end: a sample at rest or a gap ends it."""
    run: list[int] = []
    for time, value in reversed(points):
        if not _in_trouble(spec, value) or (run and run[0] - time > spec.stale_ms):
            break
        run.insert(0, time)
    return run


def _in_trouble(spec: SensorSpec, value: float) -> bool:
    return value > spec.above if spec.above is not None else value < (spec.below if spec.below is not None else -math.inf)


def _rates(series: Series, spec: SensorSpec) -> list[tuple[int, float]]:
    """Movement per minute at every sample that has another at least half a window before it."""
    found, start = [], 0
    moved = list(itertools.accumulate(_steps(series.values, counter=spec.counter), initial=0.0))
    for end, time in enumerate(series.times):
        while series.times[start] < time - spec.window_ms:
            start += 1
        spent = time - series.times[start]
        if spent * 2 >= spec.window_ms:
            found.append((time, (moved[end] - moved[start]) * MINUTE_MS / spent))
    return found


def _steps(values: Sequence[float], *, counter: bool) -> Iterator[float]:
    """From sample to sample; a counter that fell was reset and has grown by what it shows now."""
    for before, after in itertools.pairwise(values):
        yield after if counter and after < before else after - before


def _finite(series: Series) -> Series:
    pairs = [(t, v) for t, v in zip(series.times, series.values, strict=True) if math.isfinite(v)]
    return Series(series.component, series.metric, tuple(t for t, _ in pairs), tuple(v for _, v in pairs), series.unit)


def _signal(sensor: Sensor, component: str, reading: _Reading, status: SignalStatus, since: int, now: int) -> Signal:
    name = sensor.metadata.name
    ended = now if status is SignalStatus.RESOLVED else 0
    claim = {"source": f"sensor/{name}", "component": component, "status": status.value, "started": since, "ended": ended}
    return Signal(
        id=digest(claim),
        source=f"sensor/{name}",
        name=name,
        component=component,
        fingerprint=f"{name}/{component}",
        status=status,
        severity=Severity(sensor.spec.severity),
        started_ms=since,
        received_ms=now,
        labels=(("unit", sensor.spec.unit),) if sensor.spec.unit else (),
        metric=sensor.spec.metric,
        value=reading.value,
    )
