"""How far each metric departs from normal in each block, in robust deviations, comparable between metrics.

1. A count is read against what drives it: error lines per line, lines per request, requests per request of the callers. Noise is
   then what Poisson counts have, and never less than what the normal period shows. What moves the lines of all services at once
   (a doubled sampling rate) belongs to none and is divided out.
2. A success rate is read as the share of failures, any other metric on a scale that is logarithmic from a tenth of its level up:
   a doubling counts the same for a fast and a slow service. The spread is robust and never below `FLOOR`.
3. A departure must last: the middle sample of the block counts, the lower one of two, and one alone says nothing.
4. Few normal samples say little: the departure shrinks with them. A metric that its peers have all day and this service hardly
   ever counts in proportion.
5. Where the normal period is another day, a level that was off all along is drift: the quietest block apart is taken off.
"""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from reconciler.analysis.causes.kinds import Kind
from reconciler.analysis.causes.recording import Array, Recording
from reconciler.analysis.causes.windows import Indices, Mask, Windows

SIGMA = 1.4826  # MAD times this estimates a standard deviation
QUARTILES = 1.35  # as does the distance of the quartiles over this
FLOOR = 0.1  # changes under a tenth of the level are everyday
CAP = 40.0  # nothing is gained by telling 40 deviations from 400
SHRINK = 2.0
PEERS = 8  # services with the same metric before "all at once" can be told
TRIM = 0.8  # of the samples, where most are zero: the largest are no normal rate
LEAST_BLOCKS = 5  # of the normal period, before their spread is believed
COUNTS = (Kind.TRAFFIC, Kind.LOGS, Kind.LOG_ERRORS)


def departures(recording: Recording, found: Windows) -> tuple[Array, Array]:
    """Blocks x columns, around the alarm and of the normal period; NaN where a metric is not known."""
    table = recording.values
    counts = np.array([c.kind in COUNTS for c in recording.columns], dtype=bool)
    every = replace(found, starts=np.concatenate([found.starts, found.quiet]))
    shown = np.full((len(every.starts), table.shape[1]), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column of gaps has no median: NaN is the answer
        shown[:, ~counts] = _levels(recording, every, ~counts)
        shown[:, counts] = _counts(recording, every, counts)
        known = np.isfinite(table[found.reference]).sum(axis=0)
        shown *= known / (known + SHRINK) * _coverage(recording, found.reference)
        near, quiet = shown[: len(found.starts)], shown[len(found.starts) :]
        return _without_drift(near, found) if found.far else near, quiet


def _levels(recording: Recording, found: Windows, chosen: Mask) -> Array:
    scaled = _scaled(recording, found.reference, chosen)
    normal = scaled[found.reference]
    centre = np.nanmedian(normal, axis=0)
    low, high = np.nanquantile(normal, [0.25, 0.75], axis=0)
    mad = SIGMA * np.nanmedian(np.abs(normal - centre), axis=0)
    spread = np.fmax(np.fmax(mad, (high - low) / QUARTILES), FLOOR)
    return _lasting(np.clip((scaled - centre) / spread, -CAP, CAP), found.starts, found.length)


def _scaled(recording: Recording, reference: Mask, chosen: Mask) -> Array:
    table = recording.values[:, chosen]
    success = np.array([c.kind is Kind.SUCCESS for c in recording.columns], dtype=bool)[chosen]
    level, largest = np.abs(np.nanmedian(table[reference], axis=0)), np.nanmax(np.abs(table), axis=0, initial=0.0)
    unit = np.where(level > 0, level, np.where(largest > 0, largest, 1.0))
    ratio = np.clip(table / unit, -1e12, 1e12)
    scaled: Array = np.sign(ratio) * np.log1p(9.0 * np.abs(ratio))
    whole = np.where(largest[success] > 1.5, 100.0, 1.0)  # per cent or share
    scaled[:, success] = np.log1p(np.clip(1.0 - table[:, success] / whole, 0.0, 1.0) / 0.01)
    return scaled


def _lasting(deviations: Array, starts: Indices, length: int) -> Array:
    shown = np.full((len(starts), deviations.shape[1]), np.nan)
    every = np.arange(deviations.shape[1])
    for row, start in enumerate(starts):
        block = deviations[start : start + length]
        known = np.isfinite(block)
        number = known.sum(axis=0)
        middle = np.clip(number // 2, 0, len(block) - 1)
        high = -np.sort(np.where(known, -block, np.inf), axis=0)[middle, every]
        low = np.sort(np.where(known, block, np.inf), axis=0)[middle, every]
        shown[row] = np.where(high > 0, high, np.where(low < 0, low, 0.0))
        shown[row, number < 2] = np.nan
    return shown


def _counts(recording: Recording, found: Windows, chosen: Mask) -> Array:
    columns = np.flatnonzero(chosen)
    count = np.maximum(recording.values[:, columns], 0.0)
    expected = np.full(count.shape, np.nan)
    for place, column in enumerate(columns):
        expected[:, place] = _expected(recording, int(column), found.reference)
    _take_off_common(recording, columns, count, expected)
    normal = _poisson(count, expected, found.references, found.length)
    shown = _poisson(count, expected, found.starts, found.length)
    if len(normal) < LEAST_BLOCKS:
        return shown
    centre = np.nanmedian(normal, axis=0)
    spread = np.fmax(SIGMA * np.nanmedian(np.abs(normal - centre), axis=0), 1.0)
    return (shown - np.nan_to_num(centre)) / spread


def _expected(recording: Recording, column: int, reference: Mask) -> Array:
    count, driver = np.maximum(recording.values[:, column], 0.0), _driver(recording, column)
    known = reference & np.isfinite(count) & np.isfinite(driver) & (driver > 0)
    if not known.any():
        return np.full(len(count), np.nan)
    rates = count[known] / driver[known]
    rate = float(np.median(rates))
    if rate == 0.0:
        usual = rates <= np.quantile(rates, TRIM)
        rate = float(count[known][usual].sum() / driver[known][usual].sum())
    return driver * rate


def _driver(recording: Recording, column: int) -> Array:
    """What a count is counted per; ones where there is nothing."""
    own, values = recording.columns[column], recording.values
    kinds = {Kind.LOG_ERRORS: (Kind.LOGS, Kind.TRAFFIC), Kind.LOGS: (Kind.TRAFFIC,)}.get(own.kind, ())
    for kind in kinds:
        of = [i for i, c in enumerate(recording.columns) if c.service == own.service and c.kind is kind]
        sizes = [float(np.nan_to_num(np.nanmedian(values[:, i]))) for i in of]
        if of and max(sizes) > 0:
            return values[:, of[int(np.argmax(sizes))]]
    callers = {a for a, b in recording.edges if b == own.service} if own.kind is Kind.TRAFFIC else set()
    of = [i for i, c in enumerate(recording.columns) if c.service in callers and c.metric == own.metric]
    if of:
        return np.where(np.isfinite(values[:, of]).any(axis=1), np.nansum(values[:, of], axis=1), np.nan)
    return np.ones(len(values))


def _take_off_common(recording: Recording, columns: Indices, count: Array, expected: Array) -> None:
    metrics: dict[str, list[int]] = {}
    for place, column in enumerate(columns):
        if recording.columns[column].kind is Kind.LOGS:
            metrics.setdefault(recording.columns[column].metric, []).append(place)
    for same in metrics.values():
        if len(same) >= PEERS:
            ratio = np.where(expected[:, same] > 0, count[:, same] / expected[:, same], np.nan)
            factor = np.nanmedian(ratio, axis=1)
            expected[:, same] *= np.where(factor > 0, factor, 1.0)[:, None]


def _poisson(count: Array, expected: Array, starts: Indices, length: int) -> Array:
    """Sums over each block, on the scale where a Poisson count has a deviation of one at any level."""
    known = np.isfinite(count) & np.isfinite(expected)
    shown = np.full((len(starts), count.shape[1]), np.nan)
    for row, start in enumerate(starts):
        block = slice(start, start + length)
        there = known[block]
        counted = np.where(there, count[block], 0.0).sum(axis=0)
        awaited = np.where(there, expected[block], 0.0).sum(axis=0)
        shown[row] = 2.0 * (np.sqrt(counted + 0.375) - np.sqrt(awaited + 0.375))
        shown[row, ~there.any(axis=0)] = np.nan
    clipped: Array = np.clip(shown, -CAP, CAP)
    return clipped


def _coverage(recording: Recording, reference: Mask) -> Array:
    """How often a metric was known, against the same metric of the other services; 1 at most."""
    share = np.isfinite(recording.values[reference]).mean(axis=0)
    metrics: dict[str, list[int]] = {}
    for index, column in enumerate(recording.columns):
        metrics.setdefault(column.metric, []).append(index)
    cover = np.ones(len(share))
    for same in metrics.values():
        usual = float(np.median(share[same]))
        if usual > 0:
            cover[same] = np.minimum(1.0, share[same] / usual)
    return cover


def _without_drift(shown: Array, found: Windows) -> Array:
    cleared = shown.copy()
    for row, start in enumerate(found.starts):
        apart = np.abs(found.starts - start) >= found.length
        if not apart.any():
            continue
        others = shown[apart]
        quietest = np.where(np.isfinite(others), np.abs(others), np.inf).argmin(axis=0)
        base = np.nan_to_num(others[quietest, np.arange(others.shape[1])])
        left = shown[row] - base
        cleared[row] = np.where(
            np.sign(left) == np.sign(shown[row]), np.sign(left) * np.fmin(np.abs(left), np.abs(shown[row])), 0.0
        )
        cleared[row, ~np.isfinite(shown[row])] = np.nan
    return cleared
