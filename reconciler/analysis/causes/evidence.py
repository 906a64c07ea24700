"""What the departures of a service's metrics say against it.

1. The metrics of one kind speak once: the mean of the louder half, on a log scale from `LOUD` deviations up, so that three
   percentiles of one latency are one witness.
2. Means over few requests are noise: self time, latency and failures count by n / (n + `FEW`) where requests are counted, or
   where it is known how many there are a second.
3. A slow or failing dependency makes its callers slow and failing: what the callees show is taken off the caller, and so is, off
   its latency and self time, what it waits for the calls that it makes. Where self time is known the total duration counts half.
4. Who calls whom how often is the caller's doing: calls that vanish or multiply speak against those that make them.
5. What callers wait for and no callee shows is a delay on the way to one of them: see `paths`.
6. Calls that fail and whose callee does not say so are lost on the way to it: see `losses`. They are taken off the caller.
7. A busy processor is the cause of what somebody suffers: where neither the service nor who calls it is slower, fails or logs
   otherwise, it works, and nobody is the worse for it.
8. Who the alarm is about cannot suffer from what it does not reach: services outside its call tree count little.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reconciler.analysis.causes.kinds import Kind, per_second
from reconciler.analysis.causes.losses import losses
from reconciler.analysis.causes.paths import LOUD, loudness, ways
from reconciler.analysis.causes.recording import Array, Recording
from reconciler.analysis.causes.windows import Windows

FEW = 40.0
DURATION = 0.5
CALLS = 0.5
OUTSIDE = 0.3
DIRECT, SUPPORT = 1.0, 0.2
WEIGHTS = {
    Kind.SELF: DIRECT, Kind.LATENCY: DIRECT, Kind.ERRORS: DIRECT, Kind.SUCCESS: DIRECT, Kind.CPU: DIRECT, Kind.LOGS: DIRECT,
    Kind.WAY: DIRECT, Kind.LOST: DIRECT,
    Kind.LOG_ERRORS: 1.5,  # rare while all is well: the clearest words a service has
    Kind.MEMORY: SUPPORT, Kind.NETWORK: SUPPORT, Kind.DISK: SUPPORT, Kind.OTHER: SUPPORT, Kind.TRAFFIC: 0.0,
}  # fmt: skip
KINDS = tuple(WEIGHTS)
EITHER_WAY = frozenset({Kind.LOGS, Kind.NETWORK, Kind.DISK, Kind.OTHER, Kind.TRAFFIC})
FAILURES = [KINDS.index(Kind.ERRORS), KINDS.index(Kind.SUCCESS)]
INHERITED = (Kind.LATENCY, Kind.SUCCESS, Kind.ERRORS)
SUFFERING = (Kind.SELF, Kind.LATENCY, Kind.ERRORS, Kind.SUCCESS, Kind.LOG_ERRORS, Kind.LOGS, Kind.WAY, Kind.LOST)
SUFFERED = [KINDS.index(kind) for kind in SUFFERING]
NOTICED = float(np.log(2.0 / LOUD))  # what two deviations say: from there on somebody suffers


def against(recording: Recording, found: Windows, shown: Array) -> tuple[Array, Array]:
    """Per block and service: the sum against it, and per block, service and kind what each kind adds."""
    calls, reach = graph(recording)
    spoken = _spoken(recording, found, shown)
    latency, own = (spoken[:, :, KINDS.index(kind)] for kind in (Kind.LATENCY, Kind.SELF))
    way = ways(recording, found, latency, own)
    spoken[:, :, KINDS.index(Kind.WAY)] = way.to
    failing = _failing(spoken)
    lost = losses(recording, shown, failing, _failures_known(recording, shown))
    spoken[:, :, KINDS.index(Kind.LOST)] = lost.to
    clear = _cleared(spoken, calls, way.waiting)
    clear[:, :, FAILURES] = np.maximum(0.0, clear[:, :, FAILURES] - lost.met[:, :, None])
    weights = np.array([WEIGHTS[k] for k in KINDS])
    parts = clear * weights
    parts[:, :, KINDS.index(Kind.LATENCY)] *= np.where(_self_known(recording, shown), DURATION, 1.0)
    traffic = spoken[:, :, KINDS.index(Kind.TRAFFIC)]
    shared = calls / np.maximum(1.0, calls.sum(axis=0))[None, :]
    parts[:, :, KINDS.index(Kind.TRAFFIC)] = CALLS * (traffic[:, None, :] * shared[None]).max(axis=2, initial=0.0)
    parts[:, :, KINDS.index(Kind.CPU)] *= _noticed(recording, shown, parts[:, :, SUFFERED].sum(axis=2), calls)
    parts *= _within(recording, reach)[None, :, None]
    return parts.sum(axis=2), parts


def _failing(spoken: Array) -> Array:
    """How loudly each service itself says that it fails."""
    said: Array = spoken[:, :, FAILURES].max(axis=2)
    return said


def _failures_known(recording: Recording, shown: Array) -> NDArray[np.bool_]:
    place = {s: i for i, s in enumerate(recording.services)}
    known = np.zeros((len(shown), len(place)), dtype=bool)
    for index, column in enumerate(recording.columns):
        if column.kind in (Kind.ERRORS, Kind.SUCCESS):
            known[:, place[column.service]] |= np.isfinite(shown[:, index])
    return known


def _cleared(spoken: Array, calls: Array, waiting: Array) -> Array:
    """Less what the callees show, and less what is waited for them."""
    clear = spoken.copy()
    for kind in INHERITED:
        said = spoken[:, :, KINDS.index(kind)]
        below = (said[:, None, :] * calls[None]).max(axis=2, initial=0.0)
        clear[:, :, KINDS.index(kind)] = np.maximum(0.0, said - below)
    for kind in (Kind.LATENCY, Kind.SELF):
        own = np.maximum(0.0, spoken[:, :, KINDS.index(kind)] - waiting)
        clear[:, :, KINDS.index(kind)] = np.minimum(clear[:, :, KINDS.index(kind)], own)
    return clear


def _noticed(recording: Recording, shown: Array, suffered: Array, calls: Array) -> Array:
    """How far the service or one of its callers suffers; 1 where nobody measures whether they do."""
    place = {s: i for i, s in enumerate(recording.services)}
    measured = np.zeros(suffered.shape)
    for index, column in enumerate(recording.columns):
        if column.kind in (*SUFFERING, Kind.CALLS, Kind.CALL_ERRORS):
            measured[:, place[column.service]] = np.maximum(measured[:, place[column.service]], np.isfinite(shown[:, index]))
    around = calls + np.eye(len(calls))
    known, worst = ((of[:, :, None] * around[None]).max(axis=1, initial=0.0) for of in (measured, suffered))
    return np.where(known > 0, np.minimum(1.0, worst / NOTICED), 1.0)


def graph(recording: Recording) -> tuple[Array, Array]:
    """Who calls whom, and who reaches whom; those who are not measured are left out."""
    place = {s: i for i, s in enumerate(recording.services)}
    calls = np.zeros((len(place), len(place)))
    for caller, callee in recording.edges:
        if caller in place and callee in place:
            calls[place[caller], place[callee]] = 1.0
    reach = calls.copy()
    while True:
        further = ((reach + reach @ reach) > 0).astype(np.float64)
        if (further == reach).all():
            return calls, reach
        reach = further


def _within(recording: Recording, reach: Array) -> Array:
    services = recording.services
    if recording.symptom not in services:
        return np.ones(len(services))
    of = services.index(recording.symptom)
    if not reach[of].any():  # a probe at the front door, no part of the call tree: it shows the symptom and causes nothing
        return np.where(np.arange(len(services)) == of, 0.0, 1.0)
    within: Array = np.where(reach[of] > 0, 1.0, OUTSIDE)
    within[of] = 1.0
    return within


def _spoken(recording: Recording, found: Windows, shown: Array) -> Array:
    place = {s: i for i, s in enumerate(recording.services)}
    groups: dict[tuple[int, Kind], list[int]] = {}
    for index, column in enumerate(recording.columns):
        if column.kind in WEIGHTS:
            groups.setdefault((place[column.service], column.kind), []).append(index)
    requests = _requests(recording, found)
    spoken = np.zeros((len(shown), len(place), len(KINDS)))
    for (service, kind), columns in groups.items():
        loud = voice(kind, shown[:, columns])
        louder = -np.sort(-loud, axis=1)[:, : (len(columns) + 1) // 2].mean(axis=1)
        said = loudness(louder)
        if kind in (Kind.SELF, Kind.LATENCY, Kind.SUCCESS) and service in requests:
            said = said * requests[service] / (requests[service] + FEW)
        spoken[:, service, KINDS.index(kind)] = said
    return spoken


def voice(kind: Kind, shown: Array) -> Array:
    """The departure in the direction that is bad for this kind; the unknown is silent."""
    return np.nan_to_num(np.abs(shown) if kind in EITHER_WAY else shown)


def _requests(recording: Recording, found: Windows) -> dict[int, Array]:
    """Requests in each block, of the services where they are counted or told by the second: whichever says more."""
    place = {s: i for i, s in enumerate(recording.services)}
    counted: dict[int, Array] = {}
    for index, column in enumerate(recording.columns):
        blocks = _requests_told(recording, found, index) if column.kind is Kind.TRAFFIC else None
        if blocks is not None:
            counted[place[column.service]] = np.maximum(counted.get(place[column.service], 0.0), blocks)
    return counted


def _requests_told(recording: Recording, found: Windows, index: int) -> Array | None:
    """A count that is missing counted nothing; a rate that is missing was not measured, and is taken to be the usual one."""
    values = recording.values[:, index]
    blocks = [values[s : s + found.length] for s in found.starts]
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    if per_second(recording.columns[index].metric):
        usual = float(np.median(known))
        rates = [float(np.mean(b[np.isfinite(b)])) if np.isfinite(b).any() else usual for b in blocks]
        return np.maximum(np.array(rates, dtype=np.float64), 0.0) * recording.step * found.length
    if known.max() > 1 and (known == np.round(known)).all():
        return np.maximum(np.array([np.nansum(b) for b in blocks], dtype=np.float64), 0.0)
    return None


def _self_known(recording: Recording, shown: Array) -> NDArray[np.bool_]:
    place = {s: i for i, s in enumerate(recording.services)}
    known = np.zeros((len(shown), len(place)), dtype=bool)
    for index, column in enumerate(recording.columns):
        if column.kind is Kind.SELF:
            known[:, place[column.service]] |= np.isfinite(shown[:, index])
    return known
