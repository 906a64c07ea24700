"""Forecasts of 123 recorded loads: what they miss by, beside the naive ones, and whether the bands hold.

One pool learns from every series' past before its own first origin; at each origin the series' own past before it is added. The
error of a forecast is the mean of |truth - forecast| / |truth| over its leads (a truth of zero has none). Two medians are
printed: over all forecasts, where the naive baselines come out as published, and over series of each one's mean.
Settings were chosen on half A of the series (seeded); both halves are in the notes. Intervals resample series. Sums of several
are in `forecasts_together`.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from figures import Figure

from reconciler.analysis.forecasts.breach import breach
from reconciler.analysis.forecasts.forecast import Choices, Forecast, Pool, choices, forecast, learnt
from reconciler.analysis.forecasts.history import DAY, HOUR, MOST_DAYS, STEP_S, Array, History, hours
from scores import forecasts_together
from scores.recorded import recorded
from scores.resample import DRAWS, SEED, told

REACH = {("hourly", 1): 5.5, ("hourly", 24): 8.0, ("raw", 1): 11.0, ("raw", 6): 14.0, ("raw", 24): 15.0}
PER_HOUR = {"hourly": 1, "raw": HOUR}
NOTHING = 1e-9
SUSTAINED = 3


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    series: str
    past: Array
    truth: Array
    found: Forecast
    kept: Choices
    chosen: float  # seconds of a core that the choice took
    refreshed: float  # and the forecast with it

    def said(self, method: str, kind: str) -> Array:
        if method == "ours":
            return (self.found.hourly if kind == "hourly" else self.found.steps).point
        plain = {"naive": self._level(kind), "yesterday": self.past[-DAY:], "profile": self._profile()}[method]
        return hours(plain) if kind == "hourly" else plain

    def came(self, kind: str) -> Array:
        return hours(self.truth) if kind == "hourly" else self.truth

    def _level(self, kind: str) -> Array:
        return np.full(DAY, self.past[-HOUR:].mean() if kind == "hourly" else self.past[-1])

    def _profile(self) -> Array:
        days = min(7, len(self.past) // DAY)
        return np.median(self.past[-days * DAY :].reshape(days, DAY), axis=0)


def _series(folder: Path) -> tuple[dict[str, Array], list[tuple[str, int]]]:
    import pandas as pd

    table = pd.read_parquet(folder / "series_5min.parquet").sort_values(["series", "ts"])
    series = {str(name): g["value"].to_numpy(dtype=float) for name, g in table.groupby("series", observed=True)}
    origins = pd.read_csv(folder / "origins.csv")
    return series, sorted(zip(origins["series"].astype(str), origins["n_known"].astype(int), strict=True))


def _asked(series: dict[str, Array], origins: Sequence[tuple[str, int]]) -> tuple[list[Asked], Pool | None, float]:
    first: dict[str, int] = {}
    for name, known in origins:
        first[name] = min(known, first.get(name, known))
    start = time.perf_counter()
    pool = learnt([series[name][:known] for name, known in sorted(first.items())])
    spent, found = time.perf_counter() - start, []
    for name, known in origins:
        past = series[name][max(0, known - MOST_DAYS * DAY) : known]
        history = History(past, known * STEP_S)
        begun = time.process_time()
        kept = choices(history)
        chosen = time.process_time()
        said = forecast(history, pool, kept)
        assert isinstance(said, Forecast), f"{name}: {said}"
        spans = chosen - begun, time.process_time() - chosen
        found.append(Asked(name, past, series[name][known : known + DAY], said, kept, *spans))
    return found, pool, spent


def _error(a: Asked, method: str, kind: str, ahead: int) -> float:
    leads = ahead * PER_HOUR[kind]
    truth, said = a.came(kind)[:leads], a.said(method, kind)[:leads]
    counted = np.abs(truth) > NOTHING
    return 100 * float(np.mean(np.abs(truth - said)[counted] / np.abs(truth[counted]))) if counted.any() else np.nan


def _by_series(asked: Sequence[Asked], values: Sequence[float]) -> dict[str, list[float]]:
    rows: dict[str, list[float]] = {}
    for a, value in zip(asked, values, strict=True):
        rows.setdefault(a.series, []).append(value)
    return {name: r for name, r in rows.items() if not np.isnan(r).all()}


def _over_forecasts(rows: Sequence[Sequence[float]]) -> float:
    return float(np.nanmedian(np.concatenate(rows)))


def _over_series(rows: Sequence[Sequence[float]]) -> float:
    return float(np.median([np.nanmean(r) for r in rows]))


def _interval(rows: Sequence[Sequence[float]], of: Callable[[Sequence[Sequence[float]]], float]) -> str:
    draws = np.random.default_rng(SEED).integers(0, len(rows), size=(DRAWS // 4, len(rows)))
    low, high = np.quantile([of([rows[i] for i in d]) for d in draws], [0.025, 0.975])
    return f"95 % interval {low:.3g} to {high:.3g}, {len(rows)} series"


def _halves(names: Sequence[str]) -> dict[str, int]:
    return dict(zip(sorted(names), np.random.default_rng(7).permutation(len(names)) % 2, strict=True))


def _mape(asked: Sequence[Asked], kind: str, ahead: int) -> Iterator[Figure]:
    rows = {m: _by_series(asked, [_error(a, m, kind, ahead) for a in asked]) for m in ("ours", "naive", "yesterday", "profile")}
    half = _halves(sorted({a.series for a in asked}))
    for label, of in (("", _over_forecasts), (", by series", _over_series)):
        scores = {m: of(list(r.values())) for m, r in rows.items()}
        simple = min((m for m in scores if m != "ours"), key=scores.__getitem__)
        parts = [of([r for name, r in rows["ours"].items() if half[name] == h]) for h in (0, 1)]
        gain = [float(np.nanmean(r) - np.nanmean(rows[simple][name])) for name, r in rows["ours"].items()]
        note = (
            f"{_interval(list(rows['ours'].values()), of)}; half A {parts[0]:.2f}, half B {parts[1]:.2f}; "
            f"{', '.join(f'{m} {scores[m]:.1f}' for m in scores if m != 'ours')}; median paired difference to {simple} "
            f"{np.median(gain):.2f} ({_interval([[g] for g in gain], _over_forecasts)})"
        )
        yield Figure(
            f"forecast {kind} MAPE {ahead} h{label}", scores["ours"], "%", REACH.get((kind, ahead)), scores[simple], note=note
        )


def _fit(asked: Sequence[Asked], kind: str) -> Iterator[Figure]:
    """MASE: misses over those of yesterday's values on the past week. R2: over each series' forecasts of a day together."""
    scaled: dict[str, list[float]] = {"ours": [], "profile": []}
    explained: dict[str, list[float]] = {"ours": [], "profile": []}
    for name in sorted({a.series for a in asked}):
        own = [a for a in asked if a.series == name]
        truth = np.concatenate([a.came(kind) for a in own])
        pasts = [hours(a.past) if kind == "hourly" else a.past for a in own]
        day = 24 * PER_HOUR[kind]
        usual = np.mean(
            [np.abs(p[-6 * day :] - p[-7 * day : -day][-len(p[-6 * day :]) :]).mean() for p in pasts if len(p) >= 7 * day]
            or [np.nan]
        )
        around = float(((truth - truth.mean()) ** 2).sum())
        for method in ("ours", "profile"):
            missed = truth - np.concatenate([a.said(method, kind) for a in own])
            scaled[method].append(float(np.abs(missed).mean() / usual) if usual > 0 else np.nan)
            explained[method].append(1 - float((missed**2).sum()) / around if around > 0 else np.nan)
    for name, found, more in (("MASE", scaled, False), ("R2", explained, True)):
        known = [[v] for v in found["ours"] if not np.isnan(v)]
        value, simple = (float(np.nanmedian(found[m])) for m in ("ours", "profile"))
        note = f"median over series, baseline the daily profile; {_interval(known, _over_forecasts)}"
        yield Figure(f"forecast {kind} {name} 24 h", value, "", None, simple, higher_is_better=more, note=note)


def _alone(asked: Sequence[Asked]) -> list[Asked]:
    """What an installation without a pool would have said."""
    found = [(a, forecast(History(a.past, 0.0))) for a in asked]
    return [replace(a, found=one) for a, one in found if isinstance(one, Forecast)]


def _covered(asked: Sequence[Asked], kind: str, share: float, how: str = "") -> Figure:
    inside = []
    for a in asked:
        low, high = (a.found.hourly if kind == "hourly" else a.found.steps).between(share)
        truth = a.came(kind)
        inside.append(float(np.mean((truth >= low) & (truth <= high))))
    rows = list(_by_series(asked, inside).values())
    got = float(np.mean([np.mean(r) for r in rows]))
    by_lead = ", ".join(f"{ahead} h {_first_leads(asked, kind, share, ahead):.1%}" for ahead in (1, 6))
    note = f"covered {got:.1%} over a day; {by_lead}; {told([float(np.mean(r)) for r in rows])}"
    return Figure(f"forecast {kind} {share:.0%} band off by{how}", abs(got - share) * 100, "points", 3.0, note=note)


def _first_leads(asked: Sequence[Asked], kind: str, share: float, ahead: int) -> float:
    leads, inside = ahead * PER_HOUR[kind], []
    for a in asked:
        low, high = (a.found.hourly if kind == "hourly" else a.found.steps).between(share)
        truth = a.came(kind)[:leads]
        inside.append(np.mean((truth >= low[:leads]) & (truth <= high[:leads])))
    return float(np.mean(inside))


def _longest_above(values: Array, limit: float) -> int:
    longest = run = 0
    for over in values > limit:
        run = run + 1 if over else 0
        longest = max(longest, run)
    return longest


def _breach(asked: Sequence[Asked]) -> Figure:
    """The limit is the past week's 98th percentile; the simple rule is the share of past days that passed it."""
    ours, simple = [], []
    for a in asked:
        limit = float(np.quantile(a.past[-7 * DAY :], 0.98))
        said = breach(a.found, limit, sustained=SUSTAINED)
        came = _longest_above(a.truth, limit) >= SUSTAINED
        before = np.mean([_longest_above(d, limit) >= SUSTAINED for d in a.found.templates])
        ours.append((getattr(said, "probability", 0.5) - came) ** 2)
        simple.append((float(before) - came) ** 2)
    gain = [
        float(np.mean(o) - np.mean(s))
        for o, s in zip(_by_series(asked, ours).values(), _by_series(asked, simple).values(), strict=True)
    ]
    note = f"three steps in a row above the past week's 98th percentile; baseline the share of past days; paired {told(gain)}"
    return Figure("forecast breach Brier", float(np.mean(ours)), "", None, float(np.mean(simple)), note=note)


def figures(data: Path) -> Iterator[Figure]:
    with recorded(data, "timeseries") as folder:
        if folder is None or not (folder / "forecast").is_dir():
            return
        series, origins = _series(folder / "forecast")
        asked, pool, spent = _asked(series, origins)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # forecasts of nothing but zeros have no percentage error
        for kind, ahead in (("hourly", 1), ("hourly", 6), ("hourly", 24), ("raw", 1), ("raw", 6), ("raw", 24)):
            yield from _mape(asked, kind, ahead)
    alone = _alone(asked)
    for kind in ("hourly", "raw"):
        yield from _fit(asked, kind)
        yield from (_covered(asked, kind, share) for share in (0.8, 0.95))
        yield from (_covered(alone, kind, share, ", without a pool") for share in (0.8, 0.95))
    yield _breach(asked)
    yield from forecasts_together.figures(asked, pool, _halves(sorted(series)))
    yield from _refresh(asked, spent)


def _refresh(asked: Sequence[Asked], learning: float) -> Iterator[Figure]:
    """Processor time of both resolutions, with the pool, one series after the other; two cores need half of it."""
    chosen, refreshed = (float(np.mean([getattr(a, name) for a in asked])) for name in ("chosen", "refreshed"))
    note = f"the choice of methods kept, as it is for a day; the slowest {max(a.refreshed for a in asked):.2f} s"
    yield Figure("forecast refresh of a series", refreshed, "s", 0.2, note=note)
    note = f"{500 * refreshed:.0f} s where all choices were kept; learning the pool took {learning:.0f} s"
    yield Figure("forecast refresh of 1,000 series on two cores, all chosen anew", 500 * (chosen + refreshed), "s", 60, note=note)
