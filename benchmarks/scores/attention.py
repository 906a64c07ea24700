"""Attention on made-up sites: what a look costs, and how much of what was planted it notices, among much that is no news.

The sites are drawn from fixed seeds and need no recorded data. Cost is CPU time of one thread, with one new sample of every
series a look. Beside it the plain way: median and spread of every series' whole history at every look. Beside the notices: the
same number of series in each look, those that lie furthest from their own mean in standard deviations.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from figures import Figure

from reconciler.analysis.attention import Attention, Look
from reconciler.analysis.attention.histories import KEPT
from scores.resample import told

EVERY, START = 15_000, 1_000_000_000
LOOKS, WARM = 160, 60
SERVICES, METRICS, REPLICAS = 40, 10, 10
SEEDS = range(5)
SOON = 2  # looks within which something has to be noticed; twelve for silence, which takes time to be one


@dataclass(frozen=True, slots=True)
class Event:
    at: int
    rows: frozenset[int]  # any of them will do
    kind: str


def figures(_: Path) -> Iterator[Figure]:
    for series in (50_000, 100_000):
        mine, plain = cost(series)
        note = f"CPU time, median of 30 looks, the longest {1e3 * max(mine):.0f} ms; beside it all medians at every look"
        reach = 100.0 if series == 50_000 else None
        middle = 1e3 * statistics.median(mine)
        yield Figure(f"attention look at {series} series", middle, "ms", reach, 1e3 * statistics.median(plain), note=note)
    runs = [run(seed) for seed in SEEDS]
    for kind in ("own", "service", "silence"):
        mine = [hit for found in runs for name, hit, _ in found.hits if name == kind]
        plain = [hit for found in runs for name, _, hit in found.hits if name == kind]
        yield Figure(f"attention noticed, {kind}", float(np.mean(mine)), "share", None, float(np.mean(plain)), note=told(mine))
    idle = [n for found in runs for n in found.idle]
    crowd = [n for found in runs for n in found.crowd]
    yield Figure("attention notices of a look without news", float(np.mean(idle)), f"of {SERVICES * METRICS * REPLICAS}")
    yield Figure(
        "attention notices while everything moves", float(np.mean(crowd)), f"of {SERVICES * METRICS * REPLICAS}",
        note="the first four looks of a sale that lifts four metrics of every service by 40 %",
    )  # fmt: skip


def cost(series: int) -> tuple[list[float], list[float]]:
    """Seconds of each look, and of the plain way."""
    random = np.random.default_rng(1)
    attention = Attention()
    keys = [(f"s{n // 500}", f"m{n // 50 % 10}{{replica={n % 50}}}") for n in range(series)]
    rows, base = attention.enlist(keys), random.uniform(1, 100, series)
    mine = []
    for look in range(KEPT + 30):
        now, values = START + look * EVERY, base * (1 + 0.05 * random.standard_normal(series))
        begin = time.process_time()
        attention.look(now, rows, np.full(series, now), values)
        mine.append(time.process_time() - begin)
    ring = base[:, None] * (1 + 0.05 * random.standard_normal((series, KEPT)))
    plain = []
    for _ in range(3):
        begin = time.process_time()
        level = np.median(ring, axis=1)
        np.abs(ring[:, -1] - level) / np.median(np.abs(ring - level[:, None]), axis=1)
        plain.append(time.process_time() - begin)
    return mine[-30:], plain


@dataclass(frozen=True, slots=True)
class Run:
    hits: tuple[tuple[str, float, float], ...]  # kind, noticed, noticed by the plain rule
    idle: tuple[int, ...]
    crowd: tuple[int, ...]


def run(seed: int) -> Run:
    """One site of 4,000 series: quiet ones, wild ones, steps, constants; thirty events, and a sale that is none."""
    random = np.random.default_rng(seed)
    keys = [(f"s{s}", f"m{m}{{replica={r}}}") for s in range(SERVICES) for m in range(METRICS) for r in range(REPLICAS)]
    table = _table(random)
    events = _planted(random, table)
    sale = WARM + 20
    metric = np.arange(len(keys)) // REPLICAS % METRICS
    table[sale : sale + 30, metric < 4] *= 1.4
    attention = Attention()
    rows = attention.enlist(keys)
    mine, plain = [], []
    for look in range(LOOKS):
        now, there = START + look * EVERY, np.isfinite(table[look])
        found = attention.look(now, rows[there], np.full(there.sum(), now), table[look][there])
        mine.append(_noticed(found, keys))
        plain.append(_furthest(table[max(look - KEPT, 0) : look], table[look], len(found.notices)))
    hits = tuple((e.kind, _hit(e, mine), _hit(e, plain)) for e in events)
    news = {look for e in events for look in range(e.at, e.at + 20)}
    idle = tuple(len(mine[look]) for look in (*range(WARM, sale), *range(sale + 60, LOOKS)) if look not in news)
    return Run(hits, idle, tuple(len(mine[look]) for look in range(sale, sale + 4)))


def _table(random: np.random.Generator) -> np.ndarray:
    """Looks by series: normal, heavy-tailed, whole numbers, constant, and slowly wandering ones."""
    series = SERVICES * METRICS * REPLICAS
    level = random.uniform(10, 1_000, series)
    noise = random.standard_normal((LOOKS, series))
    kind = np.arange(series) // REPLICAS % 5
    noise[:, kind == 1] = random.standard_t(3, (LOOKS, int((kind == 1).sum())))
    noise[:, kind == 4] = np.cumsum(noise[:, kind == 4], axis=0) * 0.3
    table = level * (1 + 0.04 * noise)
    table[:, kind == 2] = np.round(table[:, kind == 2] / 20) * 20
    table[:, kind == 3] = level[kind == 3]
    return table


def _planted(random: np.random.Generator, table: np.ndarray) -> list[Event]:
    events = []
    for number in range(30):
        kind = ("own", "service", "silence")[number % 3]
        at, row = int(random.integers(WARM, WARM + 45)), int(random.integers(0, table.shape[1]))
        first = row // REPLICAS * REPLICAS
        rows = range(first, first + REPLICAS) if kind == "service" else range(row, row + 1)
        change = np.nan if kind == "silence" else random.choice([0.5, 1.5])
        table[at : at + 15, list(rows)] *= change
        events.append(Event(at, frozenset(rows), kind))
    return events


def _noticed(look: Look, keys: list[tuple[str, str]]) -> set[int]:
    wanted = {(n.component, n.metric) for n in look.notices}
    return {row for row, key in enumerate(keys) if key in wanted}


def _furthest(history: np.ndarray, newest: np.ndarray, count: int) -> set[int]:
    if len(history) < 2 or not count:
        return set()
    with np.errstate(all="ignore"):
        far = np.abs(newest - history.mean(axis=0)) / history.std(axis=0)
    return set(np.argsort(-np.nan_to_num(far, nan=0.0, posinf=0.0), kind="stable")[:count].tolist())


def _hit(event: Event, looks: list[set[int]]) -> float:
    soon = 12 if event.kind == "silence" else SOON
    return float(any(event.rows & looks[look] for look in range(event.at, event.at + soon)))
