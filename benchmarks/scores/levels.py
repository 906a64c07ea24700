"""Change points on the Turing Change Point Dataset: F1 and covering over all annotators, nothing set for any series.

Both measures as van den Burg and Williams define them (2020): the trivial change at 0 belongs to every annotator and every
answer; precision counts against all annotators together, recall is the mean over annotators, one answer answers one
annotation, within 5 samples; covering weighs each annotated piece by the best Jaccard overlap with an answered one.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from figures import Figure
from numpy.typing import NDArray

from reconciler.analysis.levels import Watch, changes
from reconciler.analysis.levels.pelt import divide
from scores.recorded import recorded
from scores.resample import told

MARGIN = 5
REACH = (0.74, 0.68)
Values = NDArray[np.float64]
Annotations = Mapping[str, Sequence[int]]


def true_positives(wanted: set[int], given: set[int]) -> int:
    left, found = set(given), 0
    for at in sorted(wanted):
        near = sorted((abs(at - x), x) for x in left if abs(at - x) <= MARGIN)
        if near:
            found += 1
            left.remove(near[0][1])
    return found


def f1(annotations: Annotations, given: Sequence[int]) -> float:
    wanted = [{0, *found} for found in annotations.values()]
    answered = {0, *given}
    precision = true_positives(set().union(*wanted), answered) / len(answered)
    recall = float(np.mean([true_positives(w, answered) / len(w) for w in wanted]))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _pieces(given: Sequence[int], n: int) -> list[tuple[int, int]]:
    return list(itertools.pairwise([0, *sorted({x for x in given if 0 < x < n}), n]))


def _overlap(a: tuple[int, int], b: tuple[int, int]) -> float:
    both = max(0, min(a[1], b[1]) - max(a[0], b[0]))
    return both / (a[1] - a[0] + b[1] - b[0] - both)


def covering(annotations: Annotations, given: Sequence[int], n: int) -> float:
    mine = _pieces(given, n)
    each = [sum((p[1] - p[0]) * max(_overlap(p, m) for m in mine) for p in _pieces(a, n)) / n for a in annotations.values()]
    return float(np.mean(each))


def nothing(_: Values) -> list[int]:
    return []


def offline(rows: Values) -> list[int]:
    return [c.index for c in changes(rows).changes]


def online(rows: Values) -> list[int]:
    """The first column only: a watch goes with one series."""
    watch = Watch()
    return [a.index for v in rows[:, 0] if (a := watch.sample(float(v)))]


def simple(rows: Values) -> list[int]:
    """PELT as it comes: a level in normal noise of the spread of the series, penalty 3 log n."""
    n = len(rows)
    spread = np.where(rows.std(axis=0) > 0, rows.std(axis=0), 1.0)
    scaled = (rows - rows.mean(axis=0)) / spread
    sums = np.vstack((np.zeros(rows.shape[1]), np.cumsum(scaled, axis=0)))
    squares = np.concatenate(([0.0], np.cumsum((scaled**2).sum(axis=1))))

    def cost(starts: NDArray[np.intp], end: int) -> Values:
        within = squares[end] - squares[starts]
        found: Values = within - ((sums[end] - sums[starts]) ** 2).sum(axis=1) / (end - starts)
        return found

    return divide(cost, n, 3 * rows.shape[1] * float(np.log(n)), least=1, slack=0.0)


def series(folder: Path) -> Iterator[tuple[Annotations, Values]]:
    annotations = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    for name in sorted(annotations):
        columns = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["series"]
        raw = [[np.nan if v is None else v for v in c["raw"]] for c in columns]
        yield annotations[name], np.array(raw, dtype=float).T


def figures(data: Path) -> Iterator[Figure]:
    with recorded(data, "timeseries") as folder:
        if folder is None or not (folder / "tcpd").is_dir():
            return
        cases = list(series(folder / "tcpd"))
    methods = {"nothing": nothing, "simple": simple, "online": online, "offline": offline}
    given = {name: [method(rows) for _, rows in cases] for name, method in methods.items()}
    scores = {
        "F1": {m: [f1(a, g) for (a, _), g in zip(cases, answers, strict=True)] for m, answers in given.items()},
        "covering": {
            m: [covering(a, g, len(r)) for (a, r), g in zip(cases, answers, strict=True)] for m, answers in given.items()
        },
    }
    for (measure, found), reach in zip(scores.items(), REACH, strict=True):
        yield _figure(measure, "offline", found, reach)
        yield _figure(measure, "online", found, None)


def _figure(measure: str, method: str, found: Mapping[str, Sequence[float]], reach: float | None) -> Figure:
    mine, none, plain = found[method], found["nothing"], found["simple"]
    note = (
        f"{told(mine)}; baseline: no change anywhere, better by {told(np.subtract(mine, none).tolist())}; "
        f"PELT as it comes {np.mean(plain):.3f}, better by {told(np.subtract(mine, plain).tolist())}; "
        f"any one series left out {_spread(mine)}"
    )
    mean, base = float(np.mean(mine)), float(np.mean(none))
    return Figure(f"change points {measure}, {method}", mean, "", reach, base, higher_is_better=True, note=note)


def _spread(values: Sequence[float]) -> str:
    """The least and the greatest mean with one case left out: whether a single series carries the score."""
    without = [(sum(values) - v) / (len(values) - 1) for v in values]
    return f"{min(without):.3f} to {max(without):.3f}"
