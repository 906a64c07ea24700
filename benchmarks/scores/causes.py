"""Root cause on recorded incidents: PetShop, Online Boutique and Train Ticket, each beside chance and a simple shift rule.

AC@k is the share of cases whose true cause is among the first k; an answer "unknown" counts as a miss. The simple rule ranks
services by the largest robust z of any of their metrics. Windows without a fault are cut from the normal periods as if an alarm
had come; in Nezha earlier faults of the same day lie there, so windows near a known injection are left out, others cannot be.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from figures import Figure
from pyarrow import parquet

from reconciler.analysis.causes import Column, Finding, Recording, find, fit

from .causes_metrics import metric_figures
from .recorded import recorded
from .resample import interval, told

REACH = {"petshop": (0.70, 0.90), "nezhaob": (0.70, None), "nezhatt": (0.50, None)}
LATE = 300.0
PROBE = "_front"
WINDOWS = 40  # without a fault, per data set
BEFORE, AFTER = 420.0, 180.0  # seconds around such a window without a known injection


@dataclass(frozen=True, slots=True)
class Case:
    recording: Recording
    truth: str
    system: str
    injected: float | None
    done: str = ""  # what was done to it, or what the complaint was about

    @property
    def services(self) -> list[str]:
        return [s for s in self.recording.services if s != PROBE]


def cases(folder: Path) -> Iterator[Case]:
    """In the order of their names."""
    labels = json.loads((folder / "labels.json").read_text())
    for place in sorted((folder / "cases").iterdir()):
        facts = json.loads((place / "case.json").read_text())
        label = labels[place.name]
        system = place.name.split("-")[0]
        at, names, values, phase = _table(place / "metrics.parquet")
        if "normal_ref" in facts:
            yield _apart(folder, facts, label, system, (at, names, values))
            continue
        normal = at[phase == "normal"]
        injected = datetime.strptime(label["source"][-19:], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
        columns = [Column.of(*n.split("|", 1)) for n in names]
        edges = [(e[0], e[1], e[2]) for e in facts["call_edges"]]
        period = (float(normal[0]), float(normal[-1]) + 1)
        yield Case(
            Recording.of(at, values, columns, edges, facts["detect_ts"], period, PROBE),
            label["service"],
            system,
            injected,
            label.get("type", ""),
        )


def _apart(folder: Path, facts: dict[str, Any], label: dict[str, Any], system: str, own: tuple[Any, Any, Any]) -> Case:
    """The normal period is a file of its own, shared by several cases."""
    at, names, values = own
    before, known, normal, _ = _table(folder / facts["normal_ref"])
    every = list(dict.fromkeys([*names, *known]))
    place = {n: i for i, n in enumerate(every)}
    table = np.full((len(before) + len(at), len(every)), np.nan)
    table[: len(before), [place[n] for n in known]] = normal
    table[len(before) :, [place[n] for n in names]] = values
    columns = [Column.of(*n.split("|", 1)) for n in every]
    edges = [(e[0], e[1]) for e in json.loads((folder / facts["edges_ref"]).read_text())]
    period = (float(before[0]), float(before[-1]) + 1)
    target = facts["target"]
    times = np.concatenate([before, at])
    recording = Recording.of(times, table, columns, edges, target["timestamp"], period, target["node"])
    return Case(recording, label["node"], system, None, target["metric"])


def _table(path: Path) -> tuple[Any, list[str], Any, Any]:
    found = parquet.read_table(path)
    names = [n for n in found.column_names if n not in ("phase", "ts")]
    values = np.column_stack([np.asarray(found.column(n).to_numpy(), dtype=float) for n in names])
    phase = np.array(found.column("phase").to_pylist()) if "phase" in found.column_names else None
    return np.asarray(found.column("ts").to_numpy(), dtype=float), names, values, phase


def rank(case: Case, finding: Finding) -> int:
    """0 is first; a cause that is not named, or an answer "unknown", ranks nowhere."""
    names = [c.service for c in finding.causes]
    return names.index(case.truth) if finding.known and case.truth in names else 10_000


def simple(case: Case) -> int:
    """The rank that the largest robust z of any metric gives."""
    r = case.recording
    normal = (r.times >= r.normal[0]) & (r.times < r.normal[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        level = np.nanmedian(r.values[normal], axis=0)
        spread = 1.4826 * np.nanmedian(np.abs(r.values[normal] - level), axis=0)
        after = np.nanmedian(r.values[~normal], axis=0)
    z = np.nan_to_num(np.abs(after - level) / np.maximum(spread, 0.05 * np.abs(level) + 1e-9))
    most = {s: max(z[i] for i, c in enumerate(r.columns) if c.service == s) for s in case.services}
    return sorted(most, key=lambda s: -most[s]).index(case.truth) if case.truth in most else 10_000


def figures(data: Path) -> Iterator[Figure]:
    with recorded(data, "rca") as folder:
        if folder is None:
            return
        known = list(cases(folder))
        found = [find(c.recording) for c in known]
        for system in REACH:
            yield from _accuracy(system, [(c, f) for c, f in zip(known, found, strict=True) if c.system == system])
        for system in REACH:
            asked = [(c.recording, f, c.truth, c.done) for c, f in zip(known, found, strict=True) if c.system == system]
            yield from metric_figures(system, asked)
        for system in REACH:
            yield from _quiet(system, [c for c in known if c.system == system], known)
        yield from _confidence(known, found)
        yield from _learned(known)
    yield _speed("", given=True)
    yield _speed(", calls learned", given=False)


def _accuracy(system: str, pairs: Sequence[tuple[Case, Finding]]) -> Iterator[Figure]:
    if not pairs:
        return
    ranks, rules = [rank(c, f) for c, f in pairs], [simple(c) for c, _ in pairs]
    listed = [
        [x.service for x in f.causes].index(c.truth) if c.truth in {x.service for x in f.causes} else 10_000 for c, f in pairs
    ]
    many = [len(c.services) for c, _ in pairs]
    first, third = REACH[system]
    for k, reach in ((1, first), (3, third)):
        hits, base = [float(r < k) for r in ranks], [float(r < k) for r in rules]
        low, high = interval([h - b for h, b in zip(hits, base, strict=True)])
        chance = float(np.mean([min(1.0, k / n) for n in many]))
        though = _mean([float(r < k) for r in listed])
        beside = (
            f"{though:.3f} if unknown counts by its list; chance {chance:.3f}; over the simple rule {low:+.2f} to {high:+.2f}"
        )
        note = f"{told(hits)}; {beside}"
        yield Figure(f"causes {system} AC@{k}", _mean(hits), "share", reach, _mean(base), higher_is_better=True, note=note)
    five, rule5 = ([_mean([float(r < k) for k in range(1, 6)]) for r in rs] for rs in (ranks, rules))
    yield Figure(f"causes {system} Avg@5", _mean(five), "share", baseline=_mean(rule5), higher_is_better=True, note=told(five))
    hits = [float(r < 1) for r in ranks]
    for name, by in (("early", -LATE), ("late", LATE)):
        moved = [replace(c.recording, alarm=c.recording.alarm + by) for c, _ in pairs]
        late = [float(rank(c, find(r)) < 1) for (c, _), r in zip(pairs, moved, strict=True)]
        lost = [h - m for h, m in zip(hits, late, strict=True)]
        yield Figure(f"causes {system} AC@1 lost, alarm 5 min {name}", _mean(lost), "share", 0.05, note=told(lost))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _quiet(system: str, own: Sequence[Case], every: Sequence[Case]) -> Iterator[Figure]:
    windows = list(quiet(own, [c.injected for c in every if c.injected and c.system == system]))
    if windows:
        unknown = [float(not find(w).known) for w in windows]
        yield Figure(
            f"causes {system} no fault, unknown", _mean(unknown), "share", 0.95, 0.0, higher_is_better=True, note=told(unknown)
        )


def quiet(own: Sequence[Case], injected: Sequence[float]) -> Iterator[Recording]:
    """Windows of the normal periods, as if an alarm had come; each ends as an incident's recording does."""
    found: dict[float, Recording] = {}
    for case in own:
        r = case.recording
        within = r.times[(r.times >= r.normal[0]) & (r.times < r.normal[1])]
        for alarm in within[max(20, len(within) // 3) : -8]:
            near = any(alarm - BEFORE <= moment <= alarm + AFTER for moment in injected)
            if near or alarm in found:
                continue
            kept = (r.times <= alarm + 3 * r.step) & (r.times < r.normal[1])
            found[alarm] = replace(
                r, times=r.times[kept], values=r.values[kept], alarm=float(alarm), normal=(r.normal[0], float(alarm) - 2 * r.step)
            )
    chosen = sorted(found)
    for index in np.unique(np.linspace(0, len(chosen) - 1, min(WINDOWS, len(chosen))).astype(int)):
        yield found[chosen[index]]


def _confidence(known: Sequence[Case], found: Sequence[Finding]) -> Iterator[Figure]:
    """Of the first cause of every answer; each data set is scored by a curve, and a base rate, of the other two."""
    right = [bool(f.causes) and f.causes[0].service == c.truth for c, f in zip(known, found, strict=True)]
    gained: list[float] = []
    for system in REACH:
        others = [i for i, c in enumerate(known) if c.system != system]
        curve = fit([_told(found[i]) for i in others], [right[i] for i in others])
        base = _mean([float(right[i]) for i in others])
        for case, finding, hit in zip(known, found, right, strict=True):
            if case.system == system:
                gained.append((base - hit) ** 2 - (curve.of(*_told(finding)) - hit) ** 2)
    low, high = interval(gained)
    note = f"under the base rate of the other data sets; {told(gained)}"
    yield Figure("causes confidence, Brier gained", _mean(gained), "score", note=note, higher_is_better=True)
    bound = f"of {low:.3g} to {high:.3g}"
    yield Figure("causes confidence, Brier gained, lower bound", low, "score", 0.0, note=bound, higher_is_better=True)


def _told(finding: Finding) -> tuple[float, float, float]:
    scores = [*(c.score for c in finding.causes[:2]), 0.0, 0.0]
    return scores[0], scores[1], finding.usual


def _learned(known: Sequence[Case]) -> Iterator[Figure]:
    """Of the pairs learned without the calls, those that are calls; PetShop alone is measured all the time."""
    periods = {c.recording.normal: c for c in known if c.system == "petshop"}
    right = [
        float((a, b) in c.recording.edges or (b, a) in c.recording.edges)
        for c in periods.values()
        for a, b, _ in find(replace(c.recording, edges=())).learned
    ]
    if right:
        known_pairs = sum(len(c.services) * (len(c.services) - 1) / 2 for c in periods.values())
        calls = sum(len({frozenset(e) for e in c.recording.edges}) for c in periods.values())
        note = f"either way round; {told(right)}"
        yield Figure(
            "causes petshop pairs learned that call",
            _mean(right),
            "share",
            None,
            calls / known_pairs,
            higher_is_better=True,
            note=note,
        )


def _speed(label: str, *, given: bool) -> Figure:
    """50 services, 500 metrics, 2 hours every 15 s, a random call tree."""
    rng = np.random.default_rng(7)
    kinds = [
        "latency_p99",
        "self_time",
        "error_count",
        "cpu_usage",
        "memory_usage",
        "network_bytes",
        "disk_io",
        "log_count",
        "requests",
        "success_rate",
    ]
    columns = [Column.of(f"s{s}", k) for s in range(50) for k in kinds]
    times = np.arange(480) * 15.0
    values = rng.gamma(9.0, 1.0, size=(480, 500))
    edges = [(f"s{rng.integers(s)}", f"s{s}") for s in range(1, 50)]
    recording = Recording.of(times, values, columns, edges if given else [], 6900.0, (0.0, 6600.0), "s0")
    took: list[float] = []
    for _ in range(3):
        start = time.perf_counter()
        find(recording)
        took.append(time.perf_counter() - start)
    return Figure(f"causes 50 services, 500 metrics, 2 h{label}", min(took), "s", 2.0, note="the best of 3")
