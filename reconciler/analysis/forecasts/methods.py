"""The stable of cheap forecasts: for one origin, what each method says of each lead.

Written once for both resolutions: `hour` is the number of steps an hour (12 for the raw series, 1 for hourly means). Leads count
from 0, the step right after the origin, so that lead `l` falls at the slot `l` of the days that end at the origin.

Where a method takes a middle, `low_median` weighs every value by 1 / its size: of all constants it has the smallest mean
absolute percentage error on them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reconciler.analysis.forecasts.history import Array

Leads = NDArray[np.intp]
DAYS, WEEKS = 7, 4
FARTHEST = 5.0  # how many times the level may move before a profile no longer follows it
NEAR = {1: (-1, 0, 1), 12: (-2, -1, 0, 1, 2)}  # slots around a slot that count as the same time of day


def low_median(values: Array, floor: float) -> Array:
    """The weighted median along the first axis."""
    order = np.argsort(values, axis=0)
    ordered = np.take_along_axis(values, order, 0)
    weight = np.cumsum(1 / np.maximum(np.abs(ordered), floor), axis=0)
    at = (weight >= weight[-1] / 2).argmax(axis=0)
    middle: Array = np.take_along_axis(ordered, at[None], 0)[0]
    return middle


def days_of(x: Array, hour: int) -> Array:
    """The last days as rows, newest last."""
    day = 24 * hour
    n = min(DAYS, len(x) // day)
    return x[len(x) - n * day :].reshape(n, day)


def floor_of(x: Array) -> float:
    """What counts as nothing on this series' scale."""
    return max(1e-12, 0.01 * float(np.mean(np.abs(x))))


def clipped(level: Any, before: Any, floor: float) -> float:
    """How the level moved, as a factor within reason."""
    return float(np.clip(level / max(before, floor), 1 / FARTHEST, FARTHEST)) if level > 0 and before > 0 else 1.0


def stable(x: Array, hour: int, leads: Leads) -> dict[str, Array]:
    """Every method's forecast of every lead; needs two days."""
    days = days_of(x, hour)
    floor = floor_of(days)
    return _levels(x, days, hour, leads, floor) | _profiles(x, days, hour, leads, floor) | _weekly(x, hour, leads, floor)


def _levels(x: Array, days: Array, hour: int, leads: Leads, floor: float) -> dict[str, Array]:
    """What is the same for every lead, and the seasonal naive pair."""
    day = 24 * hour
    flat = {
        "last": x[-1],
        "hour": np.median(x[-hour:]),
        "low 3 h": low_median(x[-3 * hour :], floor),
        "6 h": np.median(x[-6 * hour :]),
        "day": np.median(x[-day:]),
        "low day": low_median(x[-day:], floor),
        "mean day": x[-day:].mean(),
        "low week": low_median(days.ravel(), floor),
    }
    drift = (x[-hour:].mean() - x[-day : -day + hour].mean()) / day
    moving = {"drift": flat["hour"] + np.clip(drift * (leads + 1), -abs(flat["hour"]), abs(flat["hour"]))}
    yesterday = {"yesterday": days[-1][leads], "the day before": days[-2][leads]}
    return {name: np.full(len(leads), level) for name, level in flat.items()} | moving | yesterday


def _near(days: Array, hour: int, leads: Leads) -> Array:
    """The rows of the same time of day and just around it."""
    size = days.shape[1]
    return np.concatenate([days[:, (leads + shift) % size] for shift in NEAR[hour]])


def _profiles(x: Array, days: Array, hour: int, leads: Leads, floor: float) -> dict[str, Array]:
    """What the same time of day was like, raised or lowered with the level."""
    at = days[:, leads]
    ordered = np.sort(at, axis=0)
    low = low_median(_near(days, hour, leads), floor)
    found = {
        "mean profile": at.mean(axis=0),
        "profile": np.median(at, axis=0),
        "profile of 3": np.median(at[-3:], axis=0),
        "low profile": low,
        "low profile of 3": low_median(_near(days[-3:], hour, leads), floor),
        "quiet profile": ordered[min(1, len(at) - 1)],
        "busy profile": ordered[max(len(at) - 2, 0)],
    }
    just = np.median(days[:, -3 * hour :], axis=0)
    ahead = (leads + 1) / hour
    day, three, one = (clipped(np.median(x[-n:]), np.median(w), floor) for n, w in _pairs(days, just, hour))
    found["levelled profile"] = low * day
    found["followed profile"] = low * one ** (0.8**ahead)
    found["profile followed for long"] = low * three ** (0.95**ahead)
    if hour > 1:
        found |= _minutes(days[-1].reshape(24, hour), leads % hour, floor)
    return found


def _pairs(days: Array, just: Array, hour: int) -> list[tuple[int, Array]]:
    """How many steps back the level is taken from, and what the profile says of them."""
    return [(24 * hour, days), (3 * hour, just), (hour, just[-hour:])]


def _minutes(by_hour: Array, minute: Leads, floor: float) -> dict[str, Array]:
    """What the same minute of the last hours was like: jobs run by the hour."""
    return {
        "minute": np.median(by_hour, axis=0)[minute],
        "low minute": low_median(by_hour, floor)[minute],
        "minute of 6": np.median(by_hour[-6:], axis=0)[minute],
        "minute of 3": np.median(by_hour[-3:], axis=0)[minute],
    }


def _weekly(x: Array, hour: int, leads: Leads, floor: float) -> dict[str, Array]:
    """The same time a week ago and the weeks before; before there was a week, the day as it usually is."""
    day, week = 24 * hour, 7 * 24 * hour
    weeks = min(WEEKS, len(x) // week)
    if not weeks:
        usual = np.median(days_of(x, hour)[:, leads], axis=0)
        return {"week ago": usual, "weeks": usual, "levelled week": usual}
    rows = np.stack([x[len(x) - week * (n + 1) :][leads] for n in range(weeks)])
    before = x[len(x) - week - day : len(x) - week] if len(x) >= week + day else x[:day]
    factor = clipped(np.median(x[-day:]), np.median(before), floor)
    return {"week ago": rows[0], "weeks": np.median(rows, axis=0), "levelled week": rows[0] * factor}
