"""Attention itself: one look at everything, a few notices with their reasons.

Salience is surprise (own, the service's, the system's) plus lateness, weighed by whether it goes the bad way, by criticality,
by how new it is to this series, and by how much of its component was already noticed in this look. All of it is told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reconciler.analysis.attention.hierarchy import Layout, Parts, explain
from reconciler.analysis.attention.histories import ENOUGH, Histories
from reconciler.model.canonical import number

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Key = tuple[str, str]  # component, metric with its labels

FAR: Final = 30.0  # spreads: beyond this, more says no more
LONGEST: Final = 400  # characters of a key
ENDED_MS: Final = 86_400_000
FEW: Final = 1_000  # rows that may be of series that ended, however few live


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is noticed. Each is recorded where a notice is."""

    most: int = 200  # notices of one look: what the expensive looks can afford
    least: float = 3.0  # salience below this is nothing
    tolerance: float = 3.0  # spreads that surprise nobody
    late: float = 3.0  # periods without a sample that surprise nobody
    good_way: float = 0.4  # weight of a deviation to the side that is not bad
    habit: float = 0.02  # how fast a series' own noise becomes familiar, a look: half of it in nine minutes
    series: int = 200_000  # more are not begun


@dataclass(frozen=True, slots=True)
class Notice:
    """One series that stands out. `level` says whose surprise it is: its own, its service's or the system's."""

    component: str
    metric: str
    level: str  # series, service, system
    salience: float
    reasons: tuple[tuple[str, str], ...]  # named numbers as decimal text


@dataclass(frozen=True, slots=True)
class Look:
    """What one look gave, the most salient first."""

    notices: tuple[Notice, ...]
    seen: int  # series that are known well enough to be looked at
    candidates: int  # series that deviated or were late at all


class Attention:
    """One memory of all series. The same looks in the same order give the same notices."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.refused = 0  # series that were not begun: too many, or no names
        self._histories = Histories()
        self._keys: list[Key] = []
        self._rows: dict[Key, int] = {}
        self._groups: dict[Key, int] = {}
        self._metrics: dict[str, int] = {}
        self._components: dict[str, int] = {}
        self._layout = Layout(np.empty(0, np.int64), np.empty(0, np.int64), 0)
        self._component = np.empty(0, np.int64)
        self._bad, self._habit, self._weight = np.empty(0), np.empty(0), np.empty(0)

    def enlist(
        self, keys: Sequence[Key], *, bad: Sequence[float] = (), least: Sequence[float] = (), period_ms: Sequence[float] = ()
    ) -> Ints:
        """The rows of these series, begun where they are new; -1 where they are refused.

        For each: `bad` 1 where higher is bad, -1 where lower is, 0 where either; `least` the smallest difference that means
        anything; `period_ms` between two samples. Default: either, nothing, and learnt.
        """
        new: list[int] = []
        for place, key in enumerate(keys):
            if self.knows(key):
                continue
            if len(self._rows) >= self.settings.series or not key[0] or not key[1] or len(key[0]) + len(key[1]) > LONGEST:
                self.refused += 1
                continue
            self._rows[key] = len(self._rows)
            new.append(place)
        if new:
            self._begin([keys[i] for i in new], _picked(bad, new), _picked(least, new), _picked(period_ms, new))
        return np.array([self.row(key) for key in keys], np.int64)

    def knows(self, key: Key) -> bool:
        """Whether this series was begun."""
        return key in self._rows

    def row(self, key: Key) -> int:
        """Its row, -1 where it was not begun."""
        return self._rows.get(key, -1)

    def outlived(self, now_ms: int) -> bool:
        """Whether most rows are of series that ended a day ago or more: whoever keeps this had better begin anew."""
        times = self._histories.time[: self._histories.rows]
        living = int(np.count_nonzero(times > now_ms - ENDED_MS))
        return living > 0 and len(times) - living > max(living, FEW)

    def weigh(self, criticality: Mapping[str, float]) -> None:
        """How much each component matters from now on, 1 where nothing is said."""
        self._weight = np.array([max(criticality.get(name, 1.0), 0.0) for name in self._components])

    def look(self, now_ms: int, rows: Ints, times: Ints, values: Floats, resting: Collection[str] = ()) -> Look:
        """Takes in the newest samples and looks at everything once. Rows that are -1 or unknown are passed over. What the
        components do that are `resting`, or do not do, surprises nobody, explains nothing and is not learnt.
        """
        rest = self._resting(resting)
        there = (rows >= 0) & (rows < self._histories.rows)
        there[there] = ~rest[rows[there]]
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            self._histories.note(rows[there], times[there], values[there].astype(np.float64), now_ms)
            self._histories.pass_over(rest, now_ms)
            found = self._look(now_ms, ~rest)
            self._histories.learn()
        return found

    def _resting(self, components: Collection[str]) -> NDArray[np.bool_]:
        if not components:
            return np.zeros(self._histories.rows, np.bool_)
        return np.isin(self._component, [self._components[name] for name in components if name in self._components])

    def _look(self, now_ms: int, awake: NDArray[np.bool_]) -> Look:
        histories, settings = self._histories, self.settings
        far, step = (_calm(one, settings.tolerance) for one in histories.deviation())
        late = histories.lateness(now_ms)
        alive = (histories.count[: histories.rows] >= ENOUGH) & (late <= settings.late) & awake
        deviation = np.where(alive, np.where(np.abs(far) >= 0.5 * np.abs(step), far, 0.5 * step), 0.0)
        overdue = np.minimum(np.maximum(late - settings.late, 0.0), FAR)
        known = (histories.count[: histories.rows] > 0) & awake
        moved, silent = explain(deviation, alive, self._layout), explain(overdue, known, self._layout)
        salience = self._salience(moved, silent)
        self._habit += awake * settings.habit * (np.abs(deviation) + overdue - self._habit)
        chosen = self._chosen(salience)
        reasons = {"deviation": far, "rate": step, "late": late, "habit": self._habit}
        notices = tuple(self._notice(int(row), salience, moved, silent, reasons) for row in chosen)
        return Look(notices, int(np.count_nonzero(alive)), int(np.count_nonzero(salience)))

    def _salience(self, moved: Parts, silent: Parts) -> Floats:
        salience = np.zeros(self._histories.rows)
        way = self._bad[moved.rows] * moved.sign
        salience[moved.rows] = moved.surprise * np.where(way < 0.0, self.settings.good_way, 1.0)
        salience[silent.rows] += silent.surprise
        return salience * self._weights() / (1.0 + self._habit / 4.0)

    def _weights(self) -> Floats:
        """Of each row; components that came after `weigh` matter as much as any."""
        more = len(self._components) - len(self._weight)
        return np.concatenate((self._weight, np.ones(more)))[self._component]

    def _chosen(self, salience: Floats) -> Ints:
        """The most salient rows; the second of a component counts two thirds, the third half: one thing is told once."""
        rows = np.flatnonzero(salience >= self.settings.least)
        order = rows[np.lexsort((rows, -salience[rows], self._component[rows]))]
        owner = self._component[order]
        begins = np.append(True, np.diff(owner) > 0)[: len(order)]
        rank = np.arange(len(order)) - np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0)) if len(order) else order
        salience[order] /= 1.0 + 0.5 * rank
        kept = order[salience[order] >= self.settings.least]
        return kept[np.lexsort((kept, -salience[kept]))][: self.settings.most]

    def _notice(self, row: int, salience: Floats, moved: Parts, silent: Parts, seen: Mapping[str, Floats]) -> Notice:
        parts = {name: moved.of(row, name) + silent.of(row, name) for name in ("own", "service", "system")}
        counted = {"series": parts["own"], **{n: moved.told(row, n) + silent.told(row, n) for n in ("service", "system")}}
        level = max(counted, key=lambda name: abs(counted[name]))
        told = {name: float(values[row]) for name, values in seen.items()}
        told |= {"own": parts["own"], "explained by service": parts["service"], "explained by system": parts["system"]}
        told["criticality"] = float(self._weights()[row])
        reasons = tuple((name, number(value)) for name, value in told.items() if value)
        return Notice(*self._keys[row], level, round(float(salience[row]), 6), reasons)

    def _begin(self, keys: Sequence[Key], bad: Floats, least: Floats, period_ms: Floats) -> None:
        self._histories.enlist(least, period_ms)
        self._keys += keys
        group, metric, component = [], [], []
        for name, labelled in keys:
            plain = labelled.partition("{")[0]
            if (name, plain) not in self._groups:
                metric.append(self._metrics.setdefault(plain, len(self._metrics)))
            group.append(self._groups.setdefault((name, plain), len(self._groups)))
            component.append(self._components.setdefault(name, len(self._components)))
        held = self._layout
        self._layout = Layout(_and(held.group, group), _and(held.metric, metric), len(self._metrics))
        self._component = _and(self._component, component)
        self._bad = np.concatenate((self._bad, np.sign(bad)))
        self._habit = np.concatenate((self._habit, np.zeros(len(keys))))


def _calm(values: Floats, tolerance: float) -> Floats:
    """What goes beyond the tolerance, signed; nothing where it is not known."""
    beyond = np.minimum(np.abs(np.nan_to_num(values, nan=0.0)), FAR + tolerance) - tolerance
    return np.where(beyond > 0.0, np.sign(values) * beyond, 0.0)


def _and(held: Ints, more: Sequence[int]) -> Ints:
    return np.concatenate((held, np.array(more, np.int64)))


def _picked(values: Sequence[float], places: Sequence[int]) -> Floats:
    return np.array([float(values[i]) for i in places]) if len(values) else np.zeros(len(places))
