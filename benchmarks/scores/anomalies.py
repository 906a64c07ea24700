"""Anomalies on the Numenta Anomaly Benchmark: NAB's standard score and VUS-PR, causal detectors only.

NAB judges alarms, so it sees `peak`, by one threshold for all files; VUS-PR judges samples, so it sees `severity`; both are
outputs of one pass. "held out" takes the threshold of each family of data sets from the other families. Beside it in the same
run: NAB's windowed Gaussian (1,000 samples), an isolation forest on windows learnt from the past, and uniform noise.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import nab
import numpy as np
from figures import Figure
from nab import Array, Recorded
from numpy.lib.stride_tricks import sliding_window_view

from reconciler.analysis.anomalies import Anomalies, anomalies
from scores.recorded import recorded
from scores.resample import interval

SEED = 20_260_101
DRAWS = 2_000
WINDOW = 24  # samples of the isolation forest
REFITS = 4
BUDGET = 0.2  # alarms per day and series

Scores = list[Array]


def figures(data: Path) -> Iterator[Figure]:
    with recorded(data, "timeseries") as folder:
        if folder is None or not (folder / "nab").is_dir():
            return
        files = nab.files(folder / "nab")
    found = [anomalies(file.times, file.values) for file in files]
    others = {"windowed Gaussian": _gaussian, "isolation forest": _forest, "chance": _chance}
    rivals = {name: [score(file) for file in files] for name, score in others.items()}
    yield from _nab(files, [np.nan_to_num(one.peak) for one in found], rivals)
    yield from _vus(files, [np.nan_to_num(one.severity) for one in found], rivals)
    yield from _budget(files, found)


def _sums(files: list[Recorded], scores: Scores, threshold: float) -> list[float]:
    return [nab.raw(file, score >= threshold) for file, score in zip(files, scores, strict=True)]


def _best(files: list[Recorded], scores: Scores) -> list[float]:
    return _sums(files, scores, nab.best_threshold(files, scores))


def _held_out(files: list[Recorded], scores: Scores) -> list[float]:
    """Each family at the threshold that is best for the others."""
    families = [file.family for file in files]
    thresholds = {}
    for family in set(families):
        rest = [i for i, f in enumerate(families) if f != family]
        thresholds[family] = nab.best_threshold([files[i] for i in rest], [scores[i] for i in rest])
    pairs = zip(files, scores, strict=True)
    return [nab.raw(file, score >= thresholds[file.family]) for file, score in pairs]


def _nab(files: list[Recorded], peaks: Scores, rivals: dict[str, Scores]) -> Iterator[Figure]:
    windows = sum(len(file.windows) for file in files)
    best, held = _best(files, peaks), _held_out(files, peaks)
    note = f"standard profile, {len(files)} files, {windows} windows; one threshold for all, the best one"
    for name, scores in rivals.items():
        other = _best(files, scores)
        yield _score(
            f"anomaly NAB, beside {name}", nab.normalised(files, best), 60,
            nab.normalised(files, other), f"{note}; {_drawn(files, best)}; difference {_drawn(files, best, other)}",
        )  # fmt: skip
    gaussian = nab.normalised(files, _held_out(files, rivals["windowed Gaussian"]))
    held_note = f"each family at the threshold of the others; {_drawn(files, held)}; the baseline is the windowed Gaussian's"
    yield _score("anomaly NAB, threshold held out", nab.normalised(files, held), 60, gaussian, held_note)


def _vus(files: list[Recorded], severity: Scores, rivals: dict[str, Scores]) -> Iterator[Figure]:
    with_windows = [i for i, file in enumerate(files) if file.windows]
    mine = np.array([nab.vus_pr(files[i], severity[i]) for i in with_windows])
    for name, scores in rivals.items():
        other = np.array([nab.vus_pr(files[i], scores[i]) for i in with_windows])
        (low, high), (less, more) = interval(mine.tolist()), interval((mine - other).tolist())
        told = (
            f"mean of {len(mine)} files with windows, 95 % interval {low:.3f} to {high:.3f}; difference {less:.3f} to {more:.3f}"
        )
        yield _score(f"anomaly VUS-PR, beside {name}", float(mine.mean()), 0.4, float(other.mean()), told)


def _budget(files: list[Recorded], found: list[Anomalies]) -> Iterator[Figure]:
    """What an operator gets who asks for `BUDGET`, after probation and outside the windows."""
    raised, days = 0, 0.0
    alarms = [one.alarms(BUDGET) for one in found]
    for file, alarm in zip(files, alarms, strict=True):
        raised += int(alarm[nab.worth(file)[1] == -1].sum())
        days += (file.times[-1] - file.times[file.probation]) / 86_400_000
    sums = [nab.raw(file, alarm) for file, alarm in zip(files, alarms, strict=True)]
    note = f"asked for {BUDGET} a day and series; NAB at this setting, no threshold chosen: {nab.normalised(files, sums):.1f}"
    yield Figure("anomaly alarms outside windows", raised / days, "a day", note=note)


def _score(name: str, value: float, reach: float, baseline: float, note: str) -> Figure:
    return Figure(name, value, "", reach=reach, baseline=baseline, higher_is_better=True, note=note)


def _drawn(files: list[Recorded], sums: list[float], other: list[float] | None = None) -> str:
    """The interval of a normalised score, or of a difference, with the files drawn again."""
    gain = np.array(sums) - np.array(other or [-float(len(file.windows)) for file in files])
    windows = np.array([len(file.windows) for file in files])
    draws = np.random.default_rng(SEED).integers(0, len(files), size=(DRAWS, len(files)))
    low, high = np.quantile(100 * gain[draws].sum(axis=1) / (2 * windows[draws].sum(axis=1)), [0.025, 0.975])
    return f"95 % interval {low:.1f} to {high:.1f}"


def _gaussian(file: Recorded) -> Array:
    """NAB's: the tail probability of a normal distribution over the last 1,000 values before each."""
    from scipy.special import erfc

    values = file.values - file.values.mean()  # for the sums' sake: what is scored is the same
    stop = np.arange(1, len(values))
    start = np.maximum(0, stop - 1_000)
    first, second = (np.concatenate([[0.0], np.cumsum(values**power)]) for power in (1, 2))
    centre = (first[stop] - first[start]) / (stop - start)
    variance = (second[stop] - second[start]) / (stop - start) - centre**2
    spread = np.maximum(np.sqrt(np.maximum(variance, 0.0)), 1e-6)
    found = np.zeros(len(values))
    found[1:] = 1 - erfc(np.abs(values[1:] - centre) / spread / np.sqrt(2)) / 2
    return found


def _forest(file: Recorded) -> Array:
    """Isolation forest on the last `WINDOW` values, fitted anew at every quarter of what is scored to all before."""
    from sklearn.ensemble import IsolationForest

    found = np.zeros(len(file.values))
    windows = sliding_window_view(file.values, WINDOW)  # row i ends with sample i + WINDOW - 1
    edges = np.linspace(file.probation, len(file.values), REFITS + 1).astype(int)
    for start, stop in itertools.pairwise(edges):
        model = IsolationForest(n_estimators=100, random_state=0).fit(windows[: start - WINDOW + 1])
        found[start:stop] = -model.score_samples(windows[start - WINDOW + 1 : stop - WINDOW + 1])
    return found


def _chance(file: Recorded) -> Array:
    return np.random.default_rng([SEED, len(file.values), int(file.times[0] % 2**31)]).random(len(file.values))
