"""SampleStore: series and samples in a folder of their own, as columns, bounded in age, series and bytes.

In: (component, metric, time, value). Out: the same by range, or steps of time. The newest rows are in a journal and in
memory (the head); when there are enough of them, or they span long enough, they are sealed into a block. Old blocks give way
to one of five-minute means. What was written later lies in a file of a higher number, and the last value told for a time counts.

Everything here is rebuildable by scraping on: nothing waits for the disk (a power cut may lose what is newest, a killed
process loses nothing that was acknowledged). The torn end of a journal is cut off, a damaged block is moved aside to
`NAME.damaged`, and both are told in the log. Other processes may read, and write, beside this one: who writes holds
the lock and has first read what others wrote. What a clock that ran ahead has left behind is kept for its time and is not the
newest until then. Only finite values; a series beyond the cap, of all or of its component,
is not begun, so hostile labels cannot grow the folder, and a series whose last block is gone makes room for another.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from reconciler.adapters.telemetry.bounds import Bounds
from reconciler.adapters.telemetry.columns.block import Damaged
from reconciler.adapters.telemetry.columns.folder import Folder
from reconciler.adapters.telemetry.columns.head import END_OF_TIME, MOST_SERIES, key, sorted_once
from reconciler.adapters.telemetry.columns.journal import Pair
from reconciler.adapters.telemetry.columns.reading import Bools, Samples, latest, many, newest_until, one
from reconciler.adapters.telemetry.columns.tally import tally
from reconciler.adapters.telemetry.columns.values import Floats, Ints
from reconciler.errors import Retryable
from reconciler.model.telemetry import Grid

log = logging.getLogger(__name__)

_SEAL_ROWS = 1 << 20  # 20 MB of journal, 16 MB of memory
_BLOCKS = 6  # that the retention is cut into, at least
_SEAL_MS = 3_600_000  # no head spans longer
_ROW_BYTES = 20  # of a sample in the journal

_EARLIER = (
    "telemetry.db",
    "telemetry.db-wal",
    "telemetry.db-shm",
)  # what earlier releases kept beside: the sources fill it again

Row = tuple[str, str, int, float]


class SampleStore:
    """One folder, for one process's threads; other processes have theirs. `latest_ms`: what is later is the future now."""

    def __init__(self, path: Path | str, bounds: Bounds | None = None, latest_ms: Callable[[], int] | None = None) -> None:
        self._path = Path(path)
        self._bounds = bounds or Bounds()
        self._latest_ms = latest_ms or (lambda: END_OF_TIME)
        self._most_rows = min(_SEAL_ROWS, max(1_000, self._bounds.max_bytes // 8 // _ROW_BYTES))
        self._guard = threading.RLock()
        self.refused, self._full = 0, False  # samples of series beyond the cap
        with self._answering():
            if self._path.exists() and not self._path.is_dir():
                self._path.replace(self._path.with_name(self._path.name + ".damaged"))
            for name in _EARLIER:
                if (old := self._path.with_name(name)).is_file():
                    old.unlink()
            self._folder = Folder(self._path)

    def close(self) -> None:
        with self._guard:
            self._folder.close()

    def write(self, rows: Sequence[Row], *, sent: bool = False) -> int:
        """Stores the finite ones of these rows; how many. `sent`: by whoever may, not by a source that was asked."""
        names: dict[Pair, int] = {}
        which = np.array([names.setdefault((c, m), len(names)) for c, m, _, _ in rows], np.int64)
        times = np.array([t for _, _, t, _ in rows], np.int64)
        return self.append(list(names), which, times, np.array([v for _, _, _, v in rows], np.float64), sent=sent)

    def append(self, names: Sequence[Pair], which: Ints, times: Ints, values: Floats, *, sent: bool = False) -> int:
        """The same by columns: sample i is of series names[which[i]]; of one time the last given counts."""
        good = np.isfinite(values) & (times >= 0) & (times <= END_OF_TIME)
        which, times, values = which[good], times[good], values[good]
        with self._guard, self._answering(), self._folder.writing():
            series = self._numbers(names, np.bincount(which, minlength=len(names)) > 0, sent=sent)[which]
            kept = series >= 0
            self._refuse(int(np.count_nonzero(~kept)))
            series, times, values = series[kept], times[kept], values[kept]
            if len(series):
                self._store(series, times, values)
            return len(series)

    def range(self, component: str, metric: str, start_ms: int, end_ms: int) -> Samples:
        """Ascending in time; the newest ones when there are more than `max_points`."""
        with self._looking() as folder:
            number = folder.numbers.get((component, metric), -1)
            times, values = one(folder.blocks, folder.head, number, max(start_ms, 0), min(end_ms, END_OF_TIME))
            return times[-self._bounds.max_points :], values[-self._bounds.max_points :]

    def window(self, components: Collection[str] | None, start_ms: int, end_ms: int) -> dict[Pair, Samples]:
        """Every series with a sample in [start, end], sorted."""
        with self._looking() as folder:
            wanted = _wanted(folder.pairs, components)
            found = many(folder.blocks, folder.head, wanted, max(start_ms, 0), min(end_ms, END_OF_TIME))
            return {folder.pairs[number]: found[number] for number in folder.in_order().tolist() if number in found}

    def grid(self, components: Collection[str] | None, start_ms: int, end_ms: int, step_ms: int) -> Grid:
        """Steps of [start + k * step, + step) over [start, end) of every series with a sample there, sorted."""
        with self._looking() as folder:
            wanted, order = _wanted(folder.pairs, components), folder.in_order()
            made = tally(folder.blocks, folder.head, wanted, start_ms, end_ms, step_ms)
            return made.grid(folder.pairs, order[wanted[order]])

    def metrics(self, component: str) -> tuple[str, ...]:
        with self._looking() as folder:
            return tuple(sorted(metric for owner, metric in folder.pairs if owner == component))

    def alive(self, since_ms: int) -> list[Pair]:
        """Series with a sample since then, and not in the future."""
        with self._looking() as folder:
            if folder.newest > (latest_ms := self._latest_ms()):
                every = np.ones(len(folder.pairs), np.bool_)
                return [folder.pairs[number] for number in sorted(many(folder.blocks, folder.head, every, since_ms, latest_ms))]
            times = latest(folder.blocks, folder.head, len(folder.pairs))
            return [folder.pairs[number] for number in np.flatnonzero(times >= since_ms).tolist()]

    def newest(self) -> int:
        """The time of the newest sample that is not in the future; 0 when there is none."""
        with self._looking() as folder:
            return self._newest(folder)

    def _newest(self, folder: Folder) -> int:
        latest_ms = self._latest_ms()
        return folder.newest if folder.newest <= latest_ms else newest_until(folder.blocks, folder.head, latest_ms)

    def _store(self, series: Ints, times: Ints, values: Floats) -> None:
        folder = self._folder
        if len(series) >= self._most_rows:
            folder.seal_head()
            folder.seal(*sorted_once(key(series, times), values))
        else:
            folder.keep(series, times, values)
            longest = min(_SEAL_MS, self._bounds.retention_ms // _BLOCKS)
            if len(folder.head) < self._most_rows and self._newest(folder) - folder.began_ms < longest:
                return
            folder.seal_head()
        newest = self._newest(folder)
        if self._bounds.raw_ms < self._bounds.retention_ms:
            folder.thin(newest - self._bounds.raw_ms, self._bounds.max_bytes // 2)
        folder.forget(newest - self._bounds.retention_ms, self._bounds.max_bytes)

    def _refuse(self, samples: int) -> None:
        """Told once, until there was room for all of a batch again."""
        if samples and not self._full:
            fields = {"series": len(self._folder.pairs), "most": self._bounds.max_series, "each": self._bounds.max_series_each}
            log.warning("telemetry.full", extra={"fields": {**fields, "refused": samples}})
        self._full = samples > 0
        self.refused += samples

    def _numbers(self, names: Sequence[Pair], used: Bools, *, sent: bool) -> Ints:
        """The number of each name that is used, -1 when it would be one too many, of all or of its component."""
        folder, bounds = self._folder, self._bounds
        most = min(bounds.max_series_sent if sent else bounds.max_series, bounds.max_series, MOST_SERIES)
        found = np.array([folder.numbers.get(name, -1) for name in names], np.int64)
        new = np.flatnonzero(used & (found < 0)).tolist()
        each = Counter(component for component, _ in folder.pairs) if new else Counter[str]()
        for at in new:
            component = names[at][0]
            if len(folder.pairs) < most and each[component] < bounds.max_series_each:
                found[at] = folder.number(names[at])
                each[component] += 1
        return found

    @contextmanager
    def _looking(self) -> Iterator[Folder]:
        with self._guard, self._answering():
            self._folder.look()
            yield self._folder

    @contextmanager
    def _answering(self) -> Iterator[None]:
        step = f"free space, or delete {self._path}: it fills again from the sources"
        try:
            yield
        except Damaged as error:
            self._folder.distrust()
            raise Retryable(f"the telemetry in {self._path} is damaged: {error}", next_step=step) from error
        except OSError as error:
            raise Retryable(f"the telemetry in {self._path} does not answer: {error}", next_step=step) from error


def _wanted(pairs: Sequence[Pair], components: Collection[str] | None) -> Bools:
    if components is None:
        return np.ones(len(pairs), np.bool_)
    chosen = frozenset(components)
    return np.array([component in chosen for component, _ in pairs], np.bool_)
