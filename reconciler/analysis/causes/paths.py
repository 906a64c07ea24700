"""Delays on the way to a service, which it does not see itself: its callers wait, and what it measures stays as it was.

1. What a caller measures of the calls that it makes (`Kind.CALLS`) is compared with its normal blocks.
2. What the latency of a callee shows explains its callers' waiting and is taken off.
3. A delay on the way to a service reaches the share of a caller's calls that go there. A quantile moves only when that share is
   about what lies beyond it: where the 95th percentile rose and the 90th did not, one call in ten to one in twenty is slow. Where
   the calls to each callee are measured apart, all of them go there, and only what sets them apart counts: a caller that is slow
   itself (by its self time), or whose calls to all others are as slow, waits for nobody.
4. For each service one delay, the same for all callers, is tried. The evidence is how loud the callers are, times the share of
   what all callers show that the delay accounts for. A caller that should wait and does not speaks against it as much as one
   that waits and should not; where many wait for different reasons no single delay says much.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

import numpy as np

from reconciler.analysis.causes.departures import FLOOR, QUARTILES, SIGMA
from reconciler.analysis.causes.kinds import Kind
from reconciler.analysis.causes.recording import Array, Recording
from reconciler.analysis.causes.windows import Indices, Windows

LOUD = 1.5
LOUDEST = 8.0  # a fit says no more beyond it
UNSURE = 0.35  # how far, as a logarithm, a share of calls may be off
LEAST = 8  # normal samples
_QUANTILE = re.compile(r"(?:p|0\.)(\d{2,4})(?!\d)")


@dataclass(frozen=True, slots=True)
class Way:
    """Per block and service: the evidence for a delay on the way to it, and how loud the calls that it makes became."""

    to: Array
    waiting: Array


@dataclass(frozen=True, slots=True)
class _Calls:
    """A measure of calls made, by caller and quantile: `own` is the caller, `share` the part of its calls that go to each one,
    `moved` how far a delay on the way there shows.
    """

    own: Indices
    share: Array  # entries x services
    moved: Array  # entries x services
    seen: Array  # blocks x entries, NaN where not known
    usual: Array
    unit: Array
    centre: Array
    spread: Array

    def deviations(self, values: Array) -> Array:
        found: Array = np.nan_to_num((_scale(values, self.unit) - self.centre) / self.spread)
        return found


def ways(recording: Recording, found: Windows, latency: Array, own: Array) -> Way:
    """`latency` and `own` are how loud each service's latency and self time are, per block and service."""
    services = recording.services
    to, waiting = np.zeros(latency.shape), np.zeros(latency.shape)
    share = shares(recording)
    families: dict[str, list[int]] = {}
    for index, column in enumerate(recording.columns):
        if column.kind is Kind.CALLS and share[services.index(column.service)].any():
            name = column.metric.partition("{")[0] if column.callee else column.metric
            families.setdefault(_QUANTILE.sub("", name.lower()), []).append(index)
    for columns in families.values():
        calls = _calls(recording, found, np.array(columns), share)
        deviations = calls.deviations(calls.seen)
        loud = loudness(deviations)
        visible = (latency[:, None, :] * calls.moved[None]).max(axis=2)
        left = np.clip(1.0 - visible / np.maximum(loud, 1e-9), 0.0, 1.0)
        apart = _apart(recording, columns, loud, left, own)
        for entry, caller in enumerate(calls.own):
            waited = loud[:, entry] * np.maximum(apart[:, entry], 1.0 - left[:, entry])
            waiting[:, caller] = np.maximum(waiting[:, caller], waited)
        to = np.maximum(to, _evidence(calls, deviations, left * apart))
    return Way(to, waiting)


def _apart(recording: Recording, columns: list[int], loud: Array, left: Array, own: Array) -> Array:
    """3. How far what is heard of the calls to one callee is neither the caller's own nor the same for its other calls."""
    apart = np.ones(loud.shape)
    chosen = [recording.columns[index] for index in columns]
    for entry, column in enumerate(chosen):
        if column.callee:
            same = own[:, recording.services.index(column.service)]
            others = [i for i, c in enumerate(chosen) if c.service == column.service and c.callee not in ("", column.callee)]
            if others:
                same = np.maximum(same, (loud[:, others] * left[:, others]).max(axis=1))
            apart[:, entry] = np.clip(1.0 - same / np.maximum(loud[:, entry], 1e-9), 0.0, 1.0)
    return apart


def shares(recording: Recording) -> Array:
    """Of each caller's calls, the part that goes to each service; alike where nobody counted them."""
    place = {s: i for i, s in enumerate(recording.services)}
    counted = np.zeros((len(place), len(place)))
    for caller, callee in recording.edges:
        if caller in place and callee in place:
            count = recording.calls.get((caller, callee), 1.0)
            counted[place[caller], place[callee]] = count if np.isfinite(count) and count > 0 else 0.0
    largest = counted.max(axis=1, keepdims=True, initial=0.0)
    counted /= np.where(largest > 0, largest, 1.0)
    total = counted.sum(axis=1, keepdims=True)
    found: Array = np.divide(counted, total, out=np.zeros_like(counted), where=total > 0)
    return found


def loudness(deviations: Array) -> Array:
    """Nothing up to `LOUD`, then the logarithm."""
    spoken: Array = np.log(np.maximum(deviations, LOUD) / LOUD)
    return spoken


def _calls(recording: Recording, found: Windows, columns: Indices, share: Array) -> _Calls:
    table = np.maximum(recording.values[:, columns], 0.0)
    own = np.array([recording.services.index(recording.columns[i].service) for i in columns], dtype=np.intp)
    parts = share[own]
    for entry, index in enumerate(columns):
        if callee := recording.columns[index].callee:
            parts[entry] = np.array(recording.services) == callee
    beyond = np.array([_beyond(recording.columns[i].metric) for i in columns])
    with warnings.catch_warnings(), np.errstate(divide="ignore", over="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # a column of gaps has no median: NaN is the answer
        moved = 1.0 / (1.0 + np.exp(-(np.log(parts) - np.log(beyond)[:, None]) / UNSURE))
        level, largest = np.nanmedian(table[found.reference], axis=0), np.nanmax(table, axis=0)
        unit = np.where(level > 0, level, np.where(largest > 0, largest, 1.0))
        normal = _scale(_middles(table, found.references, found.length), unit)
        centre = np.nanmedian(normal, axis=0)
        low, high = np.nanquantile(normal, [0.25, 0.75], axis=0)
        mad = SIGMA * np.nanmedian(np.abs(normal - centre), axis=0)
        spread = np.fmax(np.fmax(mad, (high - low) / QUARTILES), FLOOR)
        seen = _middles(table, found.starts, found.length)
    few = np.isfinite(table[found.reference]).sum(axis=0) < LEAST
    seen[:, few | ~np.isfinite(centre)] = np.nan
    return _Calls(own, parts, moved, seen, np.expm1(centre) / 9.0 * unit, unit, centre, spread)


def _beyond(metric: str) -> float:
    """The share of calls that is slower than this quantile; half where the name tells none."""
    told = _QUANTILE.search(metric.lower())
    return 1.0 - float(f"0.{told[1]}") if told else 0.5


def _scale(values: Array, unit: Array) -> Array:
    scaled: Array = np.log1p(9.0 * np.minimum(values / unit, 1e12))
    return scaled


def _middles(table: Array, starts: Indices, length: int) -> Array:
    shown = np.full((len(starts), table.shape[1]), np.nan)
    for row, start in enumerate(starts):
        block = table[start : start + length]
        shown[row] = np.where(np.isfinite(block).sum(axis=0) >= 2, np.nanmedian(block, axis=0), np.nan)
    return shown


def _evidence(calls: _Calls, deviations: Array, left: Array) -> Array:
    heard = np.clip(np.where(deviations > LOUD, deviations, 0.0) * left, 0.0, LOUDEST)
    longer = np.nan_to_num(np.maximum(calls.seen - calls.usual, 0.0)) * left
    known = np.isfinite(calls.seen)
    energy = np.maximum((heard**2).sum(axis=1), 1e-9)
    to = np.zeros((len(deviations), calls.share.shape[1]))
    for service in np.flatnonzero((calls.moved > 0.5).any(axis=0)):
        entries = np.flatnonzero(calls.share[:, service] > 0)
        strong = entries[calls.moved[entries, service] > 0.5]
        explained = np.zeros(len(deviations))
        for delay in (np.median(longer[:, strong], axis=1), longer[:, strong].mean(axis=1), longer[:, strong].max(axis=1)):
            expected = _expected(calls, entries, delay) * calls.moved[entries, service] * known[:, entries]
            gained = (2.0 * heard[:, entries] * expected - expected**2).sum(axis=1) / energy
            explained = np.maximum(explained, gained)
        loudest = loudness((heard[:, entries] * calls.moved[None, entries, service]).max(axis=1))
        to[:, service] = loudest * explained
    return to


def _expected(calls: _Calls, entries: Indices, delay: Array) -> Array:
    """How far a delay of all calls would move the usual values, in deviations."""
    slower = _scale(np.nan_to_num(calls.usual[entries]) + delay[:, None], calls.unit[entries])
    found: Array = np.clip(np.nan_to_num((slower - calls.centre[entries]) / calls.spread[entries]), 0.0, LOUDEST)
    return found
