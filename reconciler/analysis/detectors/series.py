"""A window's samples as detectors want them: in order, each time once, numbers only, none from the future, few enough to look at.

Nothing is invented: what is no finite number, or too large to square, is left out, and a series without any number stays as
an empty one. Where there are more series than an expensive look can afford, `loudest` takes those that moved most.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reconciler.ports.detector import Window

Key = tuple[str, str]
Times = NDArray[np.int64]
Values = NDArray[np.float64]
Samples = Mapping[Key, tuple[Times, Values]]

LARGEST = 1e100
EARLY_MS = 300_000  # an alarm may be this late: what comes after may be trouble
LATE_MS = 3_600_000
RECENT = 0.2  # of the window, where nobody complains
LEAST = 4  # samples before, for a first look
EVERYDAY = 0.05  # of the level
CLOCKWORK, NEARLY_ALL = 0.01, 0.9  # of its pace, and of its steps


class Tidy(dict[Key, tuple[Times, Values]]):
    """Samples that have been put in order, so that no detector needs to do it again."""


def tidy(window: Window) -> Window:
    """The same window with its samples in order, sorted by name; one that is tidy already comes back as it is."""
    if isinstance(window.samples, Tidy):
        return window
    kept = Tidy({key: _ordered(*window.samples[key], window.now_ms) for key in sorted(window.samples)})
    return dataclasses.replace(window, samples=kept)


def _ordered(times: Any, values: Any, now_ms: int) -> tuple[Times, Values]:
    at, what = np.asarray(times).reshape(-1), np.asarray(values, dtype=np.float64).reshape(-1)
    count = min(len(at), len(what))
    at, what = at[:count].astype(np.int64), what[:count]
    with np.errstate(invalid="ignore"):
        known = np.isfinite(what) & (np.abs(what) < LARGEST) & (at <= now_ms)
    if not known.all():
        at, what = at[known], what[known]
    if len(at) > 1 and not (np.diff(at) > 0).all():
        order = np.argsort(at, kind="stable")
        at, what = at[order], what[order]
        last = np.append(at[1:] != at[:-1], True)
        at, what = at[last], what[last]
    return at, what


def counts_time(times: Times, values: Values) -> bool:
    """Whether a series only says how long something has been: an age, an uptime. It grows by the clock, and starts anew."""
    if len(times) < LEAST:
        return False
    pace = np.diff(values) / np.diff(times)
    usual = float(np.median(pace))
    return usual > 0 and float(np.mean(np.abs(pace - usual) <= CLOCKWORK * usual)) >= NEARLY_ALL


def since_ms(window: Window) -> int:
    """From when on the window may show trouble."""
    if window.alarm_ms is not None:
        return window.alarm_ms - EARLY_MS
    first = min((int(t[0]) for t, _ in window.samples.values() if len(t)), default=window.now_ms)
    return window.now_ms - int(RECENT * (window.now_ms - first))


def until_ms(window: Window) -> int:
    """Until when it may: what was recorded long after an alarm is another day."""
    return window.now_ms if window.alarm_ms is None else min(window.now_ms, window.alarm_ms + LATE_MS)


def normal_ms(window: Window) -> tuple[int, int]:
    """[start, end) of what is compared with: as was said, or everything before trouble may have begun."""
    return window.normal_ms or (-(1 << 62), since_ms(window))


def loudest(window: Window, most: int, among: Iterable[Key] | None = None) -> list[Key]:
    """The series that moved most since trouble may have begun, loudest first; without what nothing can be said of."""
    start, end = normal_ms(window)
    since, until = since_ms(window), until_ms(window) + 1
    groups: dict[tuple[int, int], list[tuple[Key, Values, Values]]] = {}
    for key in window.samples if among is None else among:
        times, values = window.samples[key]
        low, high, first, last = np.searchsorted(times, (start, end, since, until)).tolist()
        if high - low >= LEAST and last > first:
            groups.setdefault((high - low, last - first), []).append((key, values[low:high], values[first:last]))
    scored: list[tuple[float, Key]] = []
    for members in groups.values():
        moved = _moved(np.stack([m[1] for m in members]), np.stack([m[2] for m in members]))
        scored += [(-float(size), key) for size, (key, _, _) in zip(moved, members, strict=True)]
    return [key for _, key in sorted(scored)[:most]]


def _moved(before: Values, after: Values) -> Values:
    """How far the later samples of each row went, nine in ten of them nearer, in deviations of the earlier."""
    centre = np.median(before, axis=1, keepdims=True)
    apart = np.abs(before - centre)
    usual = np.maximum(np.quantile(apart, 0.9, axis=1), EVERYDAY * np.abs(centre[:, 0]))
    far = np.quantile(np.abs(after - centre), 0.9, axis=1)
    found: Values = np.divide(far, usual, out=np.where(far > 0, np.inf, 0.0), where=usual > 0)
    return found


def table(window: Window, keys: Iterable[Key], step_ms: int | None = None) -> tuple[Times, Values]:
    """(times, samples x series): one row a time where series share their times, else the mean of each step; gaps are NaN."""
    chosen = [window.samples[key] for key in keys]
    if step_ms is None:
        step_ms = 0 if _shared(chosen) else usual_step_ms(chosen)
    at = [times if step_ms == 0 else times - times % step_ms for times, _ in chosen]
    rows = np.unique(np.concatenate(at)) if at else np.zeros(0, np.int64)
    found = np.full((len(rows), len(chosen)), np.nan)
    for column, (own, (_, values)) in enumerate(zip(at, chosen, strict=True)):
        place = np.searchsorted(rows, own)
        count = np.bincount(place, minlength=len(rows))
        total = np.bincount(place, weights=values, minlength=len(rows))
        found[:, column] = np.divide(total, count, out=np.full(len(rows), np.nan), where=count > 0)
    return rows, found


def _shared(chosen: list[tuple[Times, Values]]) -> bool:
    lengths = [len(times) for times, _ in chosen if len(times)]
    if not lengths:
        return True
    return len(np.unique(np.concatenate([times for times, _ in chosen]))) <= 1.2 * max(lengths)


def usual_step_ms(chosen: Iterable[tuple[Times, Values]]) -> int:
    """The usual time between samples; a minute where no series has two."""
    steps = [float(np.median(np.diff(times))) for times, _ in chosen if len(times) > 1]
    return max(1, int(np.median(steps))) if steps else 60_000
