"""One series' forecast for the next day: raw steps and hourly means, each with a point and a band.

The point is the middle between two that know different things: the mixture of methods that this series' own past chose, and
boosting that learnt from every series' past (`Pool`, made in the background). The band is the booster's. Without a pool the
mixture answers, with a band from its own misses. A series too young to validate on (three days) has its level and its
changes only, and says so in `method`. Days of their own kind that a calendar tells are laid over it (`calendar`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reconciler.analysis.forecasts.calendar import course, ordinary
from reconciler.analysis.forecasts.choice import ALONE, ORIGINS, Choice, bucket, chosen, mixed
from reconciler.analysis.forecasts.history import DAY, HOUR, Array, History, Unknown, hours
from reconciler.analysis.forecasts.methods import FARTHEST, Leads, floor_of, low_median, stable
from reconciler.analysis.forecasts.pool import SHARES, Learnt, learn
from reconciler.analysis.forecasts.table import described, size_of
from reconciler.model.occasions import Occasion


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """`quantiles` has a row a lead and a column for each of `SHARES`; the point is the low median, not the middle one."""

    point: Array
    quantiles: Array

    def between(self, share: float) -> tuple[Array, Array]:
        """The middle band that holds this share of what comes."""
        tails = (1 - share) / 2
        low, high = (np.array([np.interp(at, SHARES, row) for row in self.quantiles]) for at in (tails, 1 - tails))
        return low, high


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Leads start one step after `made_s`. `templates` are past days, aligned with the leads: how values move together."""

    steps: Band
    hourly: Band
    made_s: float
    step_s: float
    method: str
    templates: Array


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """What was learnt of many series' pasts, for both resolutions."""

    steps: Learnt
    hourly: Learnt


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """What a series' own past says of the methods; made in the background and kept between refreshes."""

    steps: Choice | None
    hourly: Choice | None


def learnt(pasts: Sequence[Array], threads: int = 1) -> Pool | None:
    """None when no series has the past for it: four days."""
    steps, hourly = learn(pasts, HOUR, threads), learn(pasts, 1, threads)
    return Pool(steps, hourly) if steps and hourly else None


def choices(history: History, alone: bool = False) -> Choices:
    """Rolling-origin validation on this series alone; where it is all there is, at more origins."""
    origins = ALONE if alone else ORIGINS
    return Choices(chosen(history.values, HOUR, origins), chosen(history.values, 1, origins))


def forecast(
    history: History | Unknown, pool: Pool | None = None, kept: Choices | None = None, occasions: Sequence[Occasion] = ()
) -> Forecast | Unknown:
    """The next day; `kept` spares the validation, which is most of the time."""
    if isinstance(history, Unknown):
        return history
    usual = ordinary(history, occasions)
    found = _seasonal(usual, pool, kept)
    return _laid_over(found, course(history, usual, occasions)) if occasions else found


def _seasonal(history: History, pool: Pool | None, kept: Choices | None) -> Forecast:
    values = history.values
    if len(values) < 2 * DAY:
        return _made(history, _young(values, HOUR), _young(values, 1), "level")
    found = kept or choices(history, alone=pool is None)
    if found.steps is None or found.hourly is None:
        return _made(history, _young(values, HOUR), _young(values, 1), "level")
    mixture = ", ".join(dict.fromkeys(found.hourly.best))
    if pool is None:
        return _made(history, _mixture(values, found.steps, HOUR), _mixture(values, found.hourly, 1), f"mixture of {mixture}")
    if np.ptp(values) == 0:  # what never moved is not made to move by what others do
        return _made(history, _constant(values, HOUR), _constant(values, 1), "constant")
    steps, hourly = _blended(values, pool.steps, found.steps, HOUR), _blended(values, pool.hourly, found.hourly, 1)
    return _made(history, steps, hourly, f"boosting and mixture of {mixture}")


def _laid_over(found: Forecast, steps: Array) -> Forecast:
    """Where the course of a day is known, the forecast's middle follows it, and the rest of the band with the middle."""
    known, middle = ~np.isnan(steps), len(SHARES) // 2
    if not known.any():
        return found
    hourly = hours(np.where(known, steps, found.steps.quantiles[:, middle]))
    method = f"{found.method}, and a calendar"
    return dataclasses.replace(
        found,
        steps=_scaled(found.steps, np.where(known, steps, np.nan)),
        hourly=_scaled(found.hourly, np.where(hours(known.astype(float)) > 0, hourly, np.nan)),
        method=method,
    )


def _scaled(band: Band, to: Array) -> Band:
    """What is not above nothing cannot be scaled, and stays."""
    middle = band.quantiles[:, len(SHARES) // 2]
    fit = ~np.isnan(to) & (to >= 0) & (middle > floor_of(middle))
    factor = np.where(fit, np.clip(np.where(fit, to, 1) / np.where(fit, middle, 1), 1 / FARTHEST, FARTHEST), 1.0)
    return Band(band.point * factor, band.quantiles * factor[:, None])


def _made(history: History, steps: Band, hourly: Band, method: str) -> Forecast:
    return Forecast(steps, hourly, history.end_s, history.step_s, method, templates(history.values))


def _at(values: Array, hour: int) -> Array:
    return values if hour == HOUR else hours(values)


def _blended(values: Array, by: Learnt, choice: Choice, hour: int) -> Band:
    leads = np.arange(24 * hour)
    table = described(values, _at(values, hour), hour, leads)
    point, quantiles = by.ask(table, leads)
    return Band((point + mixed(table.methods, choice, leads, hour)) / 2, quantiles)


def _mixture(values: Array, choice: Choice, hour: int) -> Band:
    x, leads = _at(values, hour), np.arange(24 * hour)
    point = mixed(stable(x, hour, leads), choice, leads, hour)
    around = np.array([np.quantile(r, beyond(choice.origins)) for r in choice.residuals]) * size_of(x, hour)
    return Band(point, point[:, None] + around[bucket(leads, hour)])


def beyond(origins: int) -> Array:
    """Which quantiles of so many misses hold `SHARES` of the next one: of n alike, the next is beyond all in one case of n + 1.
    The leads of one origin miss together and count as one.
    """
    level: Array = np.clip(0.5 + (np.array(SHARES) - 0.5) * (origins + 1) / origins, 0, 1)
    return level


def _constant(values: Array, hour: int) -> Band:
    point = np.full(24 * hour, values[-1])
    return Band(point, np.tile(point[:, None], (1, len(SHARES))))


def _young(values: Array, hour: int) -> Band:
    """The level of the last hour, and how far such a series came in as many steps; farther, twice its range."""
    x, leads = _at(values, hour), np.arange(24 * hour)
    level = low_median(x[-3 * hour :], floor_of(x))
    rows = [_changes(x, int(lead) + 1) for lead in leads]
    point = np.full(len(leads), float(level))
    return Band(point, float(level) + np.array(rows))


def _changes(x: Array, ahead: int) -> Array:
    """Quantiles of the change over `ahead` steps; too few pairs: the whole range, either way."""
    if len(x) - ahead >= 20:
        found: Array = np.quantile(x[ahead:] - x[:-ahead], SHARES)
        return found
    wide: Array = float(np.ptp(x)) * (2 * np.array(SHARES) - 1) * 2
    return wide


def templates(values: Array, most: int = 40, every: int = DAY // 2) -> Array:
    """Past stretches of a day, one every twelve hours; none when there is less than a day."""
    ends: Leads = np.arange(len(values), DAY - 1, -every)[:most]
    return np.array([values[end - DAY : end] for end in ends]).reshape(-1, DAY)
