"""What may be odd about a sample, each view a figure that is larger the odder: values so far in, nothing later.

- `novelty`: distance to the nearest value seen before. Where anything was seen it is small, also between two modes.
- `level`: how far the mean of the last samples stands from what it was, in deviations.
- `season`: distance to the values at the same time of day on earlier days.
- `discord`: distance of the last stretch to the nearest earlier stretch (the causal left matrix profile, not normalised).

The last two speak only where they foretell: `Seen.trust` is the share by which they came closer than the recent mean did.
Inputs are finite and in order of time (`samples` sees to that).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float64]
Times = NDArray[np.int64]

DAY_MS = 86_400_000
STRETCH = 48  # samples of a discord: four hours at 5 minutes
SHORT, LONG = 36, 1_000  # samples of the mean, and of what it is compared with
RECENT = 288  # samples of the mean that season and discord have to beat
DAYS = 14  # of the profile
LEAST_DAYS = 2
LEAST_KNOWN = 200  # errors to have seen before a view is trusted
FARTHEST_BACK = 20_000  # stretches to compare with: bounds the cost of a long series
BLOCK = 512
FINEST = 1e-6  # of the largest value so far: the least spread of a flat series


@dataclass(frozen=True, slots=True)
class Seen:
    """A figure a sample (NaN: no answer there) and how far it is to be trusted, 0..1."""

    figures: Array
    trust: Array


def mean_of_last(values: Array, count: int) -> Array:
    """Of each sample and those before it; fewer at the start."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    stop = np.arange(1, len(values) + 1)
    start = np.maximum(0, stop - count)
    found: Array = (sums[stop] - sums[start]) / (stop - start)
    return found


def novelty(values: Array) -> Seen:
    """Distance to the nearest earlier value."""
    seen: list[float] = []
    found = np.zeros(len(values))
    for index, value in enumerate(values.tolist()):
        at = bisect_left(seen, value)
        if seen:
            found[index] = min(abs(value - near) for near in seen[max(0, at - 1) : at + 1])
        insort(seen, value)
    return Seen(found, np.ones(len(values)))


def level(values: Array) -> Seen:
    """Deviations between the short mean and its own past, which ends before the short mean begins."""
    mean = mean_of_last(values - values[0], SHORT)
    past = np.maximum(np.arange(len(values)) - SHORT, 0)
    centre = mean_of_last(mean, LONG)[past]
    spread = np.sqrt(np.maximum(mean_of_last(mean**2, LONG)[past] - centre**2, 0.0))
    least = FINEST * np.maximum.accumulate(np.abs(values))
    scale = np.maximum(spread, least)
    figures = np.divide(np.abs(mean - centre), scale, out=np.zeros_like(mean), where=scale > 0)
    return Seen(figures, np.ones(len(values)))


def season(times: Times, values: Array) -> Seen:
    """Distance of the mean of three to the median of earlier days at this time of day."""
    smooth = mean_of_last(values, 3)
    figures = np.abs(smooth - _profile(times, smooth))
    return Seen(figures, _trust(figures, _missed(values)))


def _profile(times: Times, values: Array) -> Array:
    """The median over earlier days at the same time; NaN where fewer than `LEAST_DAYS` are known."""
    tolerance = 2 * float(np.median(np.diff(times[:LEAST_KNOWN])))
    days = min(DAYS, int((times[-1] - times[0]) // DAY_MS))
    earlier = np.full((max(days, 1), len(values)), np.nan)
    for day in range(1, days + 1):
        wanted = times - day * DAY_MS
        at = np.searchsorted(times, wanted, side="right") - 1
        near = (at >= 0) & (wanted - times[at] <= tolerance)
        earlier[day - 1, near] = values[at[near]]
    known = np.isfinite(earlier).sum(axis=0) >= LEAST_DAYS
    found = np.full(len(values), np.nan)
    found[known] = np.nanmedian(earlier[:, known], axis=0)
    return found


def discord(values: Array) -> Seen:
    """Euclidean distance of the last `STRETCH` samples to the nearest stretch that ended before they began."""
    figures = np.full(len(values), np.nan)
    if len(values) <= 2 * STRETCH:
        return Seen(figures, np.zeros(len(values)))
    stretches = sliding_window_view(values - values[:STRETCH].mean(), STRETCH)
    size = (stretches**2).sum(axis=1)
    for start in range(STRETCH, len(stretches), BLOCK):
        stop = min(len(stretches), start + BLOCK)
        nearest = _nearest(stretches, size, start, stop)
        figures[start + STRETCH - 1 : stop + STRETCH - 1] = np.sqrt(nearest)
    return Seen(figures, _trust(figures, np.sqrt(STRETCH) * _missed(values)))


def _nearest(stretches: Array, size: Array, start: int, stop: int) -> Array:
    """Squared distance of stretches [start, stop) to the nearest one that shares no sample with them."""
    first, last = max(0, start - FARTHEST_BACK), stop - STRETCH
    mine, others = stretches[start:stop], stretches[first:last]
    squares = size[start:stop, None] + size[None, first:last] - 2 * (mine @ others.T)
    overlap = np.arange(first, last)[None] > np.arange(start, stop)[:, None] - STRETCH
    squares[overlap] = np.inf
    nearest = squares.min(axis=1)
    nearest[nearest < 1e-12 * size[start:stop]] = 0.0  # what is left of equal numbers is rounding
    found: Array = nearest
    return found


def _missed(values: Array) -> Array:
    """By how much the mean of the recent samples misses the next."""
    mean = np.concatenate([values[:1], mean_of_last(values, RECENT)[:-1]])
    found: Array = np.abs(values - mean)
    return found


def _trust(errors: Array, plain: Array) -> Array:
    """The share of the plain errors that this view saves, over all that is known before each sample."""
    known = np.isfinite(errors)
    count, mine, theirs = (_before(np.where(known, x, 0.0)) for x in (known.astype(float), errors, plain))
    ratio = np.divide(np.minimum(mine, theirs), theirs, out=np.ones_like(mine), where=theirs > 0)
    found: Array = np.where(count >= LEAST_KNOWN, 1 - ratio, 0.0)
    return found


def _before(values: Array) -> Array:
    """The sum of all earlier samples."""
    found: Array = np.concatenate([[0.0], np.cumsum(values)[:-1]])
    return found
