"""The two measures of anomaly scores: NAB's standard score, and the volume under the precision-recall surface (VUS-PR).

NAB (Lavin and Ahmad 2015), standard profile: a window is worth its earliest alarm, scaled by a sigmoid over its length; every
alarm outside costs 0.11, less just after a window; a missed window costs 1. The first 15 % of a file (at most 750 samples) do
not count. One threshold for all files is the best one, as NAB chooses it; 0 is a detector that says nothing, 100 a perfect one.

VUS-PR (Paparrizos et al. 2022): the area under the range-based precision-recall curve at 250 thresholds, averaged over buffers
of 0 to `BUFFER` samples around the windows. The authors take the buffer from the period of each series; here it is the same
for all.
"""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FALSE_ALARM = 0.11
PROBATION, MOST_PROBATION = 0.15, 5_000 * 0.15
BUFFER = 100  # samples
THRESHOLDS = 250


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """One file of NAB: `windows` are the first and last index of each."""

    family: str
    times: NDArray[np.int64]
    values: Array
    windows: tuple[tuple[int, int], ...]

    @property
    def probation(self) -> int:
        return int(min(np.floor(PROBATION * len(self.values)), MOST_PROBATION))


def files(folder: Path) -> list[Recorded]:
    """All files that `windows.json` names."""
    windows = json.loads((folder / "windows.json").read_text(encoding="utf-8"))
    return [_file(folder / "data" / name, name, windows[name]) for name in sorted(windows)]


def _file(path: Path, name: str, windows: list[list[str]]) -> Recorded:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    times = np.array([row[0][:19] for row in rows], dtype="datetime64[ms]").astype(np.int64)
    edges = np.array([[edge[:19] for edge in window] for window in windows], dtype="datetime64[ms]").astype(np.int64)
    found = tuple((int(a), int(b)) for a, b in np.searchsorted(times, edges.reshape(-1, 2)))
    return Recorded(name.split("/", maxsplit=1)[0], times, np.array([float(row[1]) for row in rows]), found)


def _sigmoid(position: Array | float) -> Array:
    """1 far ahead of the right edge of a window, 0 on it, -1 far behind it."""
    return np.asarray(2 / (1 + np.exp(5 * np.minimum(position, 20.0))) - 1)


def worth(file: Recorded) -> tuple[Array, NDArray[np.int64]]:
    """What an alarm at each sample is worth, and the window it is in (-1: in none, -2: in probation)."""
    count = len(file.values)
    found, window = np.full(count, -FALSE_ALARM), np.full(count, -1)
    for number, (start, stop) in enumerate(file.windows):
        width = stop - start + 1
        found[start : stop + 1] = _sigmoid((np.arange(start, stop + 1) - stop - 1) / width) / _sigmoid(-1.0)
        window[start : stop + 1] = number
        past = (np.arange(stop + 1, count) - stop) / (width - 1)
        found[stop + 1 :] = FALSE_ALARM * np.where(past >= 3, -1.0, _sigmoid(past))
    window[: file.probation] = -2
    return found, window


def raw(file: Recorded, alarms: NDArray[np.bool_]) -> float:
    """One file's sum, where a perfect detector has as many as it has windows and a silent one as many below 0."""
    value, window = worth(file)
    inside = [value[alarms & (window == number)].max(initial=-1.0) for number in range(len(file.windows))]
    return float(value[alarms & (window == -1)].sum() + sum(inside))


def _steps(file: Recorded, scores: Array) -> tuple[Array, Array]:
    """At which score which change of the sum comes, going down through the thresholds."""
    value, window = worth(file)
    outside = window == -1
    at, change = [scores[outside]], [value[outside]]
    for number in range(len(file.windows)):
        mine = np.flatnonzero(window == number)
        mine = mine[np.argsort(-scores[mine], kind="stable")]
        at.append(scores[mine])
        change.append(np.diff(np.maximum.accumulate(value[mine]), prepend=-1.0))
    return np.concatenate(at), np.concatenate(change)


def best_threshold(recorded: list[Recorded], scores: list[Array]) -> float:
    """The one threshold for all files at which their sum is highest; infinity when silence is best."""
    steps = [_steps(file, score) for file, score in zip(recorded, scores, strict=True)]
    at, change = (np.concatenate(parts) for parts in zip(*steps, strict=True))
    order = np.argsort(-at, kind="stable")
    at, total = at[order], np.cumsum(change[order])
    last = np.append(at[1:] != at[:-1], True)  # equal scores alarm together
    best = int(np.argmax(total[last]))
    return float(at[last][best]) if total[last][best] > 0 else float("inf")


def normalised(recorded: list[Recorded], sums: list[float]) -> float:
    """0 for silence, 100 for perfection."""
    windows = sum(len(file.windows) for file in recorded)
    return 100 * (sum(sums) + windows) / (2 * windows)


def vus_pr(file: Recorded, scores: Array) -> float:
    """Over the whole file, probation too; a score for every sample."""
    order = np.argsort(-scores, kind="stable")
    thresholds = scores[order][np.linspace(0, len(scores) - 1, THRESHOLDS).astype(int)]
    alarms = np.searchsorted(-scores[order], -thresholds, side="right")
    areas = [_area(file, scores, buffer, order, thresholds, alarms) for buffer in range(BUFFER + 1)]
    return float(np.mean(areas))


def _area(
    file: Recorded, scores: Array, buffer: int, order: NDArray[np.int64], thresholds: Array, alarms: NDArray[np.int64]
) -> float:
    labels = buffered(file, buffer)
    edges = np.flatnonzero(np.diff(labels > 0, prepend=False, append=False)).reshape(-1, 2)
    highest = np.array([scores[start:stop].max() for start, stop in edges])
    existing = (highest >= thresholds[:, None]).mean(axis=1)
    hits = np.cumsum(labels[order])[alarms - 1]
    inside = sum(stop - start + 1 for start, stop in file.windows)
    recall = np.minimum(2 * hits / (inside + labels.sum()), 1) * existing
    precision = hits / alarms
    heights = np.append(1.0, precision)
    return float(np.sum(np.diff(recall, prepend=0.0) * (heights[1:] + heights[:-1]) / 2))


def buffered(file: Recorded, buffer: int) -> Array:
    """1 within the windows, less and less over half a buffer on each side."""
    labels = np.zeros(len(file.values))
    for start, stop in file.windows:
        labels[start : stop + 1] += 1
        after = np.arange(stop + 1, min(stop + buffer // 2 + 1, len(labels)))
        before = np.arange(max(start - buffer // 2, 0), start)
        labels[after] += np.sqrt(1 - (after - stop) / max(buffer, 1))
        labels[before] += np.sqrt(1 - (start - before) / max(buffer, 1))
    return np.minimum(labels, 1.0)
