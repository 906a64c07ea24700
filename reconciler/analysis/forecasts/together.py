"""What several components ask for together: the sum as a series of its own, made to agree with the forecasts of its parts.

The sum is forecast like any other series, and its band is its own: how far parts go up together the sum alone knows. Its middle
meets theirs half-way (`reconciled`): the gap between the sum's forecast and the sum of the parts' is halved, and of their half
each part takes as much as its own band is wide, squared, so that who is sure moves little. That is the reconciliation of least
squares (MinT with variances alone) with a whole that is as unsure as its parts together. Afterwards the parts add up to the
whole, and none of them is negative that was not, unless the whole is.

Fail closed: a sum without one of its parts is too small, so that it is unknown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reconciler.analysis.forecasts.forecast import Band, Forecast
from reconciler.analysis.forecasts.history import HOUR, LEAST, Array, History, Unknown
from reconciler.analysis.forecasts.pool import SHARES

LATE = HOUR  # steps that one part may have been measured before another
MIDDLE = len(SHARES) // 2
PER = frozenset({"", "s", "min", "h"})
AMOUNTS = frozenset(
    {
        "B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "bytes", "bit", "kbit", "Mbit", "Gbit", "bits",
        "cores", "millicores", "W", "kW", "req", "requests", "queries", "operations", "ops", "tokens", "messages", "events",
        "rows", "connections", "sessions", "jobs", "threads", "replicas", "errors",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """The sum, and its parts as far as all of them are known."""

    whole: History
    parts: Mapping[str, History]


def adds_up(unit: str) -> bool:
    """Amounts and rates of amounts. Shares, latencies, temperatures and scores do not add up, nor does what has no unit."""
    amount, _, per = unit.partition("/")
    return per in PER and (amount in AMOUNTS or (amount == "1" and per != ""))


def together(parts: Mapping[str, History | Unknown]) -> Together | Unknown:
    """Up to where the first of them ends, from where the last one begins."""
    known = {name: part for name, part in parts.items() if isinstance(part, History)}
    for name, part in parts.items():
        if isinstance(part, Unknown):
            return Unknown(f"of {name}: {part.reason}")
    if len(known) < 2:
        return Unknown(f"{len(known)} parts: a sum has two at least")
    first, last = (pick(known, key=lambda name: known[name].end_s) for pick in (min, max))
    end = known[first].end_s
    if known[last].end_s - end > LATE * known[last].step_s:
        return Unknown(f"{first} was last measured {(known[last].end_s - end) / 3600:.1f} h before {last}")
    cut = {name: _until(part, end) for name, part in known.items()}
    common = min(len(part.values) for part in cut.values())
    if common < LEAST:
        return Unknown(f"{common} steps are known of all parts: a forecast needs {LEAST}")
    values = np.sum([part.values[-common:] for part in cut.values()], axis=0)
    filled = max(part.filled for part in cut.values())
    return Together(History(values, end, known[first].step_s, filled), cut)


def _until(part: History, end_s: float) -> History:
    over = round((part.end_s - end_s) / part.step_s)
    return dataclasses.replace(part, values=part.values[: len(part.values) - over], end_s=end_s) if over > 0 else part


def reconciled(whole: Forecast, parts: Sequence[Forecast]) -> tuple[Forecast, tuple[Forecast, ...]]:
    """Points and middles of the parts add up to those of the whole; bands keep their width and move with their middles."""
    steps = _met([one.steps for one in (whole, *parts)])
    hourly = _met([one.hourly for one in (whole, *parts)])
    met = [dataclasses.replace(one, steps=s, hourly=h) for one, s, h in zip((whole, *parts), steps, hourly, strict=True)]
    return met[0], tuple(met[1:])


def _met(bands: Sequence[Band]) -> list[Band]:
    unsure = np.array([(band.quantiles[:, -2] - band.quantiles[:, 1]) ** 2 for band in bands[1:]])
    points = meeting(np.array([band.point for band in bands]), unsure)
    middles = meeting(np.array([band.quantiles[:, MIDDLE] for band in bands]), unsure)
    return [
        Band(point, band.quantiles + (middle - band.quantiles[:, MIDDLE])[:, None])
        for band, point, middle in zip(bands, points, middles, strict=True)
    ]


def meeting(said: Array, unsure: Array) -> Array:
    """`said` has the whole in the first row, its parts below it, a column a lead; so has the answer, in which they agree.

    A part that would become negative stays at nothing, and the others take the rest.
    """
    parts = said[1:]
    whole = (said[0] + parts.sum(axis=0)) / 2
    least = np.minimum(parts, 0.0)
    bounded = whole >= least.sum(axis=0)
    free = np.ones(parts.shape, np.bool_)
    for _ in range(len(parts)):
        moved = parts + _shares(unsure, free) * (whole - parts.sum(axis=0))
        under = bounded & free & (moved < least)
        parts = np.where(under, least, moved)
        if not under.any():
            break
        free &= ~under
    return np.concatenate([parts.sum(axis=0)[None], parts])


def _shares(unsure: Array, free: NDArray[np.bool_]) -> Array:
    """Of what is left to be moved; in equal parts where nobody is unsure."""
    weight = np.where(free, unsure, 0.0)
    total = weight.sum(axis=0)
    equal = free / np.maximum(free.sum(axis=0), 1)
    found: Array = np.where(total > 0, weight / np.where(total > 0, total, 1.0), equal)
    return found
