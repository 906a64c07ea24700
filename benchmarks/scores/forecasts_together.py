"""Forecasts of what several loads ask for together, on groups drawn from the recorded virtual machines.

Their means and their maxima are two lots, each in the two halves of the settings. Every half is shuffled five times and cut into
groups of three to eight (seeded); all have the same origins, so that a group has a sum. The sum is compared as it is told
(`ours`: whole and parts meet half-way), bottom-up (the sum of the parts' forecasts: the baseline), top-down (its own forecast,
the parts scaled to it) and by weighted least squares with the variances of past misses. Means over groups of the mean over
origins; intervals resample groups, which share series between the five draws: take them for a little too narrow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from figures import Figure

from reconciler.analysis.forecasts.breach import breach
from reconciler.analysis.forecasts.choice import bucket
from reconciler.analysis.forecasts.forecast import Band, Choices, Forecast, Pool, choices, forecast
from reconciler.analysis.forecasts.history import DAY, HOUR, Array, History, hours
from reconciler.analysis.forecasts.pool import SHARES
from reconciler.analysis.forecasts.table import size_of
from reconciler.analysis.forecasts.together import reconciled
from scores.resample import told

if TYPE_CHECKING:
    from scores.forecasts import Asked

LOTS = ("azurevm_avg", "azurevm_max")
DRAWS, SMALLEST, LARGEST, SEED = 5, 3, 8, 11
PER_HOUR = {"hourly": 1, "steps": HOUR}
NAMES = {"hourly": "hourly", "steps": "raw"}
SUSTAINED = 3


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """One origin of one group."""

    group: tuple[str, ...]
    half: int
    parts: Sequence[Asked]
    past: Array
    own: Forecast  # of the sum, before it meets its parts
    kept: Choices
    whole: Forecast
    agreed: Sequence[Forecast]

    def came(self, kind: str) -> Array:
        """The parts as rows."""
        return np.array([hours(a.truth) if kind == "hourly" else a.truth for a in self.parts])

    def said(self, method: str, kind: str) -> tuple[Array, Array]:
        """The points of the whole and of its parts."""
        own = getattr(self.own, kind).point
        parts = np.array([getattr(a.found, kind).point for a in self.parts])
        if method == "ours":
            return getattr(self.whole, kind).point, np.array([getattr(one, kind).point for one in self.agreed])
        if method == "bottom-up":
            return parts.sum(axis=0), parts
        if method == "top-down":
            return own, own * parts / np.maximum(parts.sum(axis=0), 1e-12)
        return self._least_squares(own, parts, kind)

    def _least_squares(self, own: Array, parts: Array, kind: str) -> tuple[Array, Array]:
        missed = [_missed(self.kept, self.past, kind), *(_missed(a.kept, a.past, kind) for a in self.parts)]
        variance = np.array(missed)[:, bucket(np.arange(len(own)), PER_HOUR[kind])] + 1e-12
        moved = variance / variance.sum(axis=0) * (own - parts.sum(axis=0))
        return own - moved[0], parts + moved[1:]


def _missed(kept: Choices, past: Array, kind: str) -> list[float]:
    """The mean square of past misses, by how far ahead."""
    hour = PER_HOUR[kind]
    size = size_of(hours(past) if hour == 1 else past, hour)
    return [float(np.mean((residuals * size) ** 2)) for residuals in getattr(kept, kind).residuals]


def _groups(names: Sequence[str], half: Mapping[str, int]) -> Iterator[tuple[int, tuple[str, ...]]]:
    rng = np.random.default_rng(SEED)
    for lot in LOTS:
        for side in (0, 1):
            for _ in range(DRAWS):
                left = [str(name) for name in rng.permutation([n for n in names if n.startswith(lot) and half[n] == side])]
                while len(left) >= SMALLEST:
                    size = int(rng.integers(SMALLEST, LARGEST + 1))
                    group, left = left[:size], left[size:]
                    if len(group) >= SMALLEST:
                        yield side, tuple(group)


def _sums(asked: Sequence[Asked], pool: Pool | None, half: Mapping[str, int]) -> Iterator[Sum]:
    by_name: dict[str, list[Asked]] = {}
    for a in asked:
        by_name.setdefault(a.series, []).append(a)
    for side, group in _groups(sorted(by_name), half):
        for parts in zip(*(by_name[name] for name in group), strict=True):
            past = np.sum([a.past for a in parts], axis=0)
            history = History(past, 0.0)
            kept = choices(history)
            own = forecast(history, pool, kept)
            assert isinstance(own, Forecast), f"{group}: {own}"
            whole, agreed = reconciled(own, [a.found for a in parts])
            yield Sum(group, side, parts, past, own, kept, whole, agreed)


def _by_group(sums: Sequence[Sum], of: Callable[[Sum], float], half: int | None = None) -> list[float]:
    found: dict[tuple[str, ...], list[float]] = {}
    for one in sums:
        if half in (None, one.half):
            found.setdefault(one.group, []).append(of(one))
    return [float(np.mean(values)) for values in found.values()]


def _whole_off(one: Sum, method: str, kind: str, ahead: int) -> float:
    leads = ahead * PER_HOUR[kind]
    truth = one.came(kind).sum(axis=0)[:leads]
    return 100 * float(np.mean(np.abs(one.said(method, kind)[0][:leads] - truth) / truth))


def _parts_off(one: Sum, method: str, kind: str, ahead: int) -> float:
    """What all parts miss of what all of them were."""
    leads = ahead * PER_HOUR[kind]
    truth = one.came(kind)[:, :leads]
    return 100 * float(np.abs(one.said(method, kind)[1][:, :leads] - truth).sum() / truth.sum())


def _points(sums: Sequence[Sum], kind: str, ahead: int) -> Iterator[Figure]:
    methods = ("ours", "bottom-up", "top-down", "least squares")
    for label, off in (("", _whole_off), (", parts", _parts_off)):
        rows = {m: _by_group(sums, lambda one, m=m, off=off: off(one, m, kind, ahead)) for m in methods}
        sides = [np.mean(_by_group(sums, lambda one, off=off: off(one, "ours", kind, ahead), half)) for half in (0, 1)]
        gain = [a - b for a, b in zip(rows["ours"], rows["bottom-up"], strict=True)]
        note = (
            f"half A {sides[0]:.1f}, half B {sides[1]:.1f}; {', '.join(f'{m} {np.mean(rows[m]):.1f}' for m in methods[1:])}; "
            f"paired difference to bottom-up {np.mean(gain):.2f} ({told(gain)})"
        )
        name = f"forecast together {NAMES[kind]} MAPE {ahead} h{label}"
        yield Figure(name, float(np.mean(rows["ours"])), "%", None, float(np.mean(rows["bottom-up"])), note=note)


def _band_loss(band: Array, truth: Array) -> float:
    """The mean quantile loss, in hundredths of the mean."""
    off, shares = truth[:, None] - band, np.array(SHARES)
    return 100 * float(np.mean(np.maximum(shares * off, (shares - 1) * off)) / truth.mean())


def _added(one: Sum, kind: str) -> Array:
    """The parts' quantiles added up: a band that takes all of them for high at once."""
    found: Array = np.sum([getattr(a.found, kind).quantiles for a in one.parts], axis=0)
    return found


def _bands(sums: Sequence[Sum], kind: str) -> Iterator[Figure]:
    truths = {id(one): one.came(kind).sum(axis=0) for one in sums}
    ours = _by_group(sums, lambda one: _band_loss(getattr(one.whole, kind).quantiles, truths[id(one)]))
    own = _by_group(sums, lambda one: _band_loss(getattr(one.own, kind).quantiles, truths[id(one)]))
    added = _by_group(sums, lambda one: _band_loss(_added(one, kind), truths[id(one)]))
    gain = [a - b for a, b in zip(ours, added, strict=True)]
    to_own = [a - b for a, b in zip(ours, own, strict=True)]
    note = (
        f"quantile loss over the mean; baseline the parts' quantiles added up, paired {told(gain)}; before whole and parts "
        f"meet {np.mean(own):.2f}, paired {told(to_own)}"
    )
    yield Figure(f"forecast together {NAMES[kind]} band loss", float(np.mean(ours)), "%", None, float(np.mean(added)), note=note)

    def inside(one: Sum) -> float:
        low, high = getattr(one.whole, kind).between(0.8)
        return float(np.mean((truths[id(one)] >= low) & (truths[id(one)] <= high)))

    covered = _by_group(sums, inside)
    note = f"covered {np.mean(covered):.1%} over a day; {told(covered)}"
    yield Figure(
        f"forecast together {NAMES[kind]} 80% band off by", abs(float(np.mean(covered)) - 0.8) * 100, "points", note=note
    )


def _stays_above(values: Array, limit: float) -> bool:
    run = np.convolve(values > limit, np.ones(SUSTAINED), "valid")
    return bool((run >= SUSTAINED).any())


def _breach(sums: Sequence[Sum]) -> Figure:
    """The limit is the 98th percentile of the sum's past week."""
    scores: dict[str, list[float]] = {"ours": [], "added": [], "days": []}
    came = []
    for one in sums:
        limit = float(np.quantile(one.past[-7 * DAY :], 0.98))
        happened = _stays_above(one.came("steps").sum(axis=0), limit)
        added = dataclasses.replace(one.own, steps=Band(one.own.steps.point, _added(one, "steps")))
        said = {"ours": one.whole, "added": added}
        for name, found in said.items():
            scores[name].append((getattr(breach(found, limit, sustained=SUSTAINED), "probability", 0.5) - happened) ** 2)
        scores["days"].append((float(np.mean([_stays_above(day, limit) for day in one.own.templates])) - happened) ** 2)
        came.append(happened)
    place = {id(one): at for at, one in enumerate(sums)}
    rows = {name: _by_group(sums, lambda one, v=values: v[place[id(one)]]) for name, values in scores.items()}
    gain = [a - b for a, b in zip(rows["ours"], rows["added"], strict=True)]
    note = (
        f"three steps in a row above the past week's 98th percentile, {np.mean(came):.0%} of the days; baseline the parts' "
        f"quantiles added up, paired {told(gain)}; the share of past days {np.mean(rows['days']):.3f}"
    )
    return Figure(
        "forecast together breach Brier", float(np.mean(rows["ours"])), "", None, float(np.mean(rows["added"])), note=note
    )


def figures(asked: Sequence[Asked], pool: Pool | None, half: Mapping[str, int]) -> Iterator[Figure]:
    """No reach was ever set for these."""
    sums = list(_sums(asked, pool, half))
    for kind in ("hourly", "steps"):
        for ahead in (1, 6, 24):
            yield from _points(sums, kind, ahead)
        yield from _bands(sums, kind)
    yield _breach(sums)
