"""The telemetry store: ten million samples in, out and summed up on one core, and what one scrape costs the loop.

2,500 series sampled every 5 s for 5.5 hours: a third each counters, decimals of two digits, and floats with every bit in use.
The baseline is the table that earlier releases kept (SQLite, one row a sample, nothing flushed), with a tenth of the samples,
measured in the same run. Everything runs in one thread and waits for nothing, so what is told is its CPU time (what one core
needs, whoever else is on the machine), of reads the least of five. The disk is the one that TMPDIR names.

    .venv/bin/python benchmarks/bench_telemetry.py
"""

from __future__ import annotations

import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from figures import Figure, report

from reconciler.adapters.telemetry import Bounds, BuiltinTelemetry, Sample
from reconciler.adapters.telemetry.samples import SampleStore

NOW = 1_700_000_000_000
SERIES, STEPS, EVERY_MS, BATCH = 2_500, 4_000, 5_000, 400
MINUTE, HOUR = 60_000, 3_600_000
NAMES = [(f"svc-{n // 25}", f"metric_{n % 25}") for n in range(SERIES)]
KINDS = ("counters", "decimals", "floats")
BOUNDS = Bounds(retention_ms=12 * HOUR, max_bytes=1 << 30)


def world() -> np.ndarray:
    """Values by series and step, one kind after the other."""
    chance = np.random.default_rng(5)
    third = SERIES // 3
    counters = np.cumsum(chance.poisson(40, (third, STEPS)), axis=1)
    decimals = np.round(np.abs(chance.normal(40, 9, (third, STEPS))), 2)
    return np.concatenate([counters, decimals, chance.normal(0.2, 0.01, (SERIES - 2 * third, STEPS))])


def batch(values: np.ndarray, start: int, rows: slice = slice(None)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Series, times and values of `BATCH` steps, series by series."""
    part = values[rows, start : start + BATCH]
    which = np.repeat(np.arange(SERIES)[rows], part.shape[1])
    return which, np.tile(NOW + (start + np.arange(part.shape[1])) * EVERY_MS, len(part)), part.ravel()


def times(run: Callable[[], object], repeat: int) -> list[float]:
    """CPU seconds of each of `repeat` runs."""
    found = []
    for _ in range(repeat):
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return found


def least_ms(run: Callable[[], object]) -> float:
    return min(times(run, 5)) * 1e3


class Table:
    """The baseline: what `samples.py` did before there were columns."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = OFF")
        layout = "CREATE TABLE sample (series INTEGER, t INTEGER, v REAL, PRIMARY KEY (series, t)) WITHOUT ROWID"
        self.connection.execute(layout)

    def write(self, which: np.ndarray, taken: np.ndarray, values: np.ndarray) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        rows = zip(which.tolist(), taken.tolist(), values.tolist(), strict=True)
        self.connection.executemany("INSERT OR REPLACE INTO sample (series, t, v) VALUES (?, ?, ?)", rows)
        self.connection.execute("COMMIT")

    def steps(self, step_ms: int) -> int:
        query = "SELECT series, t / ?, min(v), max(v), avg(v), count(*) FROM sample GROUP BY 1, 2"
        return len(self.connection.execute(query, (step_ms,)).fetchall())


def measure(folder: Path) -> list[Figure]:
    values = world()
    table, tenth = Table(folder / "table.db"), slice(0, SERIES // 10)
    (slow,) = times(lambda: [table.write(*batch(values, start, tenth)) for start in range(0, STEPS, BATCH)], 1)
    share = (SERIES // 10) * STEPS
    slow_hour = min(times(lambda: table.steps(HOUR), 3)) * 1e3 * values.size / share
    store = SampleStore(folder / "columns", BOUNDS)
    batches = [batch(values, start) for start in range(0, STEPS, BATCH)]
    (took,) = times(lambda: [store.append(NAMES, *rows) for rows in batches], 1)
    size, old = weight(folder / "columns"), (folder / "table.db").stat().st_size
    span = (NOW, NOW + STEPS * EVERY_MS)
    figures = [
        Figure("telemetry: ingested in batches", values.size / took, "samples/s", 1e6, share / slow, higher_is_better=True),
        Figure("telemetry: bytes a sample, the three kinds mixed", size / values.size, "B", baseline=old / share),
        *_summed(store, span, slow_hour),
        Figure("telemetry: 10 million samples as arrays", least_ms(lambda: store.window(None, *span)), "ms"),
        Figure("telemetry: one series of the last hour", least_ms(lambda: store.range(*NAMES[9], span[1] - HOUR, span[1])), "ms"),
    ]
    store.close()
    (opened,) = times(lambda: SampleStore(folder / "columns", BOUNDS).newest(), 1)
    figures.append(Figure("telemetry: opened and checked, 10 million samples", opened * 1e3, "ms"))
    return [*figures, _memory(folder / "columns"), *_kinds(folder, values), *_scrapes(folder), *_weeks(folder / "weeks")]


def _memory(folder: Path) -> Figure:
    """A process of its own, which reads the last hour of all series in steps of a minute."""
    code = f"""
from pathlib import Path
from reconciler.adapters.telemetry.samples import SampleStore
def weight():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20
before, store = weight(), SampleStore({str(folder)!r})
store.grid(None, store.newest() - {HOUR}, store.newest(), {MINUTE})
print(weight() - before)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    return Figure("telemetry: memory of a reader of 10 million samples, after an hour of all", float(said), "MiB", reach=64)


def _summed(store: SampleStore, span: tuple[int, int], slow: float) -> list[Figure]:
    found = []
    for name, step in (("an hour", HOUR), ("5 minutes", 5 * MINUTE), ("a minute", MINUTE)):
        took = least_ms(lambda step=step: store.grid(None, *span, step))
        found.append(Figure(f"telemetry: 10 million samples in steps of {name}", took, "ms", 100, slow if step == HOUR else None))
    return found


def _kinds(folder: Path, values: np.ndarray) -> list[Figure]:
    """What a sample of each kind takes: blocks of 1,600 steps."""
    found = []
    for n, kind in enumerate(KINDS):
        store = SampleStore(folder / kind, BOUNDS)
        rows = slice(n * (SERIES // 3), (n + 1) * (SERIES // 3))
        for start in range(0, 4 * BATCH, BATCH):
            store.append(NAMES, *batch(values, start, rows))
        store.close()
        samples = values[rows, : 4 * BATCH].size
        found.append(Figure(f"telemetry: bytes a sample, {kind}", weight(folder / kind) / samples, "B"))
    return found


def _scrapes(folder: Path) -> list[Figure]:
    """Pages of 500 series every 5 s for an hour and a bit, as the loop takes them."""
    telemetry = BuiltinTelemetry(folder / "scraped")
    page = [Sample(f"lab_m{n % 20}", (("service", f"svc-{n // 20}"),), n / 7) for n in range(500)]
    took = [times(lambda at=NOW + step * EVERY_MS: telemetry.ingest(page, at), 1)[0] for step in range(800)]
    telemetry.close()
    share = statistics.mean(took) / EVERY_MS * 1e5
    note = f"{share:.2f} % of a core; {max(took) * 1e3:.0f} ms when an hour is sealed"
    return [Figure("telemetry: a scrape of 500 series, median", statistics.median(took) * 1e3, "ms", reach=25, note=note)]


def _weeks(folder: Path) -> list[Figure]:
    """What the default retention costs: 500 series every 15 s for 15 days, the older of them as means."""
    bounds = Bounds(retention_ms=360 * HOUR, raw_ms=48 * HOUR)
    store, values = SampleStore(folder, bounds), world()[:: SERIES // 500, :240]
    which, names = np.repeat(np.arange(len(values)), values.shape[1]), NAMES[: len(values)]
    took = [
        times(lambda at=NOW + hour * HOUR: store.append(names, which, _taken(at, values), values.ravel()), 1)[0]
        for hour in range(360)
    ]
    since = store.newest() - 14 * 24 * HOUR
    read = least_ms(lambda: store.grid(None, since, store.newest(), 5 * MINUTE))
    store.close()
    opened = least_ms(lambda: SampleStore(folder, bounds).newest())
    note = f"500 series every 15 s for 15 days; at most {max(took) * 1e3:.0f} ms when six hours become means"
    return [
        Figure("telemetry: two weeks on disk", weight(folder) / 2**20, "MiB", reach=64, note=note),
        Figure("telemetry: two weeks in steps of 5 minutes", read, "ms"),
        Figure("telemetry: two weeks opened and checked", opened, "ms"),
    ]


def _taken(start: int, values: np.ndarray) -> np.ndarray:
    return np.tile(start + np.arange(values.shape[1]) * 15_000, len(values))


def weight(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        sys.exit(report(measure(Path(place))))
