"""Emergent patterns on simulated episodes: seen soon, named right, and silent where there is none.

An episode with a pattern is recalled when its first alarm comes after the cause and within five minutes of the labelled onset.
Any alarm in a negative episode is false. Weak patterns are not scored. Thresholds were chosen on the episodes with even
numbers; those with odd numbers are told apart.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from figures import Figure

from reconciler.analysis.patterns import Pattern, Reading, Watch
from scores.recorded import recorded
from scores.resample import told

SERVICES = ("fe", "api", "db")
NEGATIVE = frozenset({"none", "diurnal_fast", "deploy_step", "spike_recovers"})
SOON = 300.0
Columns = Mapping[str, np.ndarray]
Alarm = tuple[float, str] | None


@dataclass(frozen=True, slots=True)
class Episode:
    number: int
    label: str
    onset: float
    cause: float
    columns: Columns

    @property
    def negative(self) -> bool:
        return self.label in NEGATIVE


def episodes(folder: Path) -> Iterator[Episode]:
    import pandas as pd

    telemetry = dict(iter(pd.read_parquet(folder / "telemetry_15s.parquet").groupby("episode")))
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if not row["label"].startswith("weak_"):
                frame = telemetry[int(row["episode"])].sort_values("t")
                columns = {name: frame[name].to_numpy(dtype=float) for name in frame.columns}
                onset, cause = (float(row[k] or "nan") for k in ("onset_s", "cause_start_s"))
                yield Episode(int(row["episode"]), row["label"], onset, cause, columns)


def patterns(columns: Columns) -> Iterator[Pattern]:
    watch = Watch(SERVICES)
    for i, time in enumerate(columns["t"]):
        readings = {s: Reading(*(float(columns[f"{k}_{s}"][i]) for k in ("att", "good", "err", "repl"))) for s in SERVICES}
        if found := watch.see(float(time), readings):
            yield found


def watched(columns: Columns) -> Alarm:
    found = next(patterns(columns), None)
    return (found.told, found.kind.value) if found else None


def simple(columns: Columns) -> Alarm:
    """Errors above half of the attempts at the entry for a minute, or six changes of replicas in five minutes."""
    bad = columns["err_fe"] > 0.5 * columns["att_fe"]
    for i, time in enumerate(columns["t"]):
        if i >= 4 and bad[i - 3 : i + 1].all():
            return float(time), "retry_storm"
        if i >= 20 and any(np.count_nonzero(np.diff(columns[f"repl_{s}"][i - 20 : i + 1])) >= 6 for s in SERVICES):
            return float(time), "oscillation"
    return None


def recalled(episode: Episode, alarm: Alarm) -> bool:
    return alarm is not None and episode.cause <= alarm[0] and abs(alarm[0] - episode.onset) <= SOON


def figures(data: Path) -> Iterator[Figure]:
    with recorded(data, "sim") as folder:
        if folder is None or not (folder / "emergence").is_dir():
            return
        cases = list(episodes(folder / "emergence"))
    mine, plain = _alarms(cases, watched), _alarms(cases, simple)
    pairs = list(zip(cases, mine, plain, strict=True))
    positive = [p for p in pairs if not p[0].negative]
    negative = [p for p in pairs if p[0].negative]
    hits = [float(recalled(e, a)) for e, a, _ in positive]
    yield _figure("patterns recall within 5 min", hits, [float(recalled(e, b)) for e, _, b in positive], positive, 0.95)
    false = [float(a is not None) for _, a, _ in negative]
    yield _figure(
        "patterns false alarms, share of negatives", false, [float(b is not None) for *_, b in negative], negative, 0.05
    )
    named = [float(a is not None and a[1] == e.label) for e, a, _ in positive]
    yield _figure(
        "patterns kind named right", named, [float(b is not None and b[1] == e.label) for e, _, b in positive], positive, None
    )
    late = [a[0] - e.onset for e, a, _ in positive if a is not None and recalled(e, a)]
    yield Figure(
        "patterns alarm after onset, median", float(np.median(late)) if late else math.nan, "s", note="negative: before it"
    )


def _alarms(cases: Sequence[Episode], method: Callable[[Columns], Alarm]) -> list[Alarm]:
    return [method(e.columns) for e in cases]


def _figure(
    name: str, mine: Sequence[float], plain: Sequence[float], cases: Sequence[tuple[Episode, Alarm, Alarm]], reach: float | None
) -> Figure:
    kinds = sorted({e.label for e, *_ in cases})
    each = ", ".join(f"{k} {np.mean([m for m, (e, *_) in zip(mine, cases, strict=True) if e.label == k]):.2f}" for k in kinds)
    halves = [[m for m, (e, *_) in zip(mine, cases, strict=True) if e.number % 2 == odd] for odd in (0, 1)]
    note = (
        f"{told(mine)}; {each}; even numbers (chosen on) {np.mean(halves[0]):.3f}, odd numbers {np.mean(halves[1]):.3f}; "
        f"baseline: errors for a minute or six scalings in five minutes, difference {told(np.subtract(mine, plain).tolist())}"
    )
    higher = "false" not in name
    return Figure(name, float(np.mean(mine)), "", reach, float(np.mean(plain)), higher_is_better=higher, note=note)
