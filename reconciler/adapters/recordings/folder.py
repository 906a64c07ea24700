"""A folder of recorded telemetry: `calls`, `changes`, and every other CSV or Parquet file as samples.

* samples, wide: a time column, and a column for each metric, named as `naming` reads it. A column `phase` says `normal` where
  all was well.
* samples, long: time, component, metric, value.
* `calls`: caller, callee, and a count where somebody counted. `changes`: time, component, what, and a commit where there is one.
* `traces`: time, trace, caller, callee, duration_ms, failed, and an operation where it has a name.

Files are read in the order of their names, so the same folder gives the same recording. What is too large is refused, never cut:
which samples are the oldest is known only once all are read, and a recording without its begin has another normal.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.adapters.recordings import cells, tables
from reconciler.adapters.recordings.naming import Key, keys_of
from reconciler.adapters.recordings.tables import Table, Tell, read_table
from reconciler.analysis.traces import ID, operation_of, sampled
from reconciler.errors import Misconfigured, Permanent
from reconciler.model.telemetry import TracedCall
from reconciler.ports.detector import Change

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = dict[Key, tuple[NDArray[np.int64], NDArray[np.float64]]]

TIME = ("time", "ts", "timestamp", "t", "date", "datetime", "time_ms")
COMPONENT = ("component", "service", "node", "pod", "instance")
METRIC, VALUE, PHASE = ("metric", "name", "sensor"), ("value",), ("phase",)
SUFFIXES = (".csv", ".parquet")
CALLER, CALLEE = ("caller", "from", "source"), ("callee", "to", "target")
TRACED = (TIME, ("trace", "trace_id"), CALLER, CALLEE, ("duration_ms", "ms"), ("failed", "error"), ("operation", "name"))
YES = ("1", "true", "yes", "error", "failed")
LONGEST_MS = 1e12
MAX_SERIES, MAX_NAME = 200_000, 500
MAX_BYTES = 4 << 30  # of all files


@dataclass(slots=True)
class Recorded:
    """`normal_ms` is what a column `phase` called normal: [start, end)."""

    samples: Samples = field(default_factory=dict)
    calls: tuple[tuple[str, str], ...] = ()
    changes: tuple[Change, ...] = ()
    normal_ms: tuple[int, int] | None = None
    counts: dict[tuple[str, str], float] = field(default_factory=dict)
    traces: tuple[TracedCall, ...] = ()


def read_folder(folder: Path, is_metric: Callable[[str], bool], tell: Tell) -> Recorded:
    """Everything in the folder itself; folders in it are not looked into."""
    import numpy as np

    if not folder.is_dir():
        raise Permanent(f"{folder} is no folder", next_step="name the folder that holds the CSV or Parquet files")
    files = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES}
    _sized(folder, files.values())
    calls, counts = _calls(read_table(files.pop("calls"), tell)) if "calls" in files else ((), {})
    changes = _changes(read_table(files.pop("changes"), tell)) if "changes" in files else ()
    traces = _traces(read_table(files.pop("traces"), tell)) if "traces" in files else ()
    if not files:
        raise Permanent(f"{folder} has no samples", next_step="put in CSV or Parquet files; the guide shows the layouts")
    known = frozenset(name for call in calls for name in call)
    pile = _Pile()
    for stem, path in files.items():
        tell(f"reading {path}")
        table = read_table(path, tell)
        pile.count(table, folder)
        _samples(table, pile, lambda names, s=stem: keys_of(names, s, known, is_metric))  # type: ignore[misc]
    found = {key: (np.array(at, dtype=np.int64), np.array(what)) for key, (at, what) in pile.series.items()}
    normal = (min(pile.normal), max(pile.normal) + 1) if pile.normal else None
    return Recorded(found, calls, changes, normal, counts, traces)


def _sized(folder: Path, files: Iterable[Path]) -> None:
    if sum(path.stat().st_size for path in files if path.is_file()) > MAX_BYTES:
        told = f"the files of {folder} are together larger than {MAX_BYTES >> 30} GiB"
        raise Permanent(told, next_step="cut them to the hours around the outage")


class _Pile:
    """Samples as they are read, in compact arrays."""

    def __init__(self) -> None:
        self.series: dict[Key, tuple[array[int], array[float]]] = {}
        self.normal: list[int] = []
        self._cells = 0

    def count(self, table: Table, folder: Path) -> None:
        self._cells += len(table.columns) * len(table.columns[0])
        if self._cells > tables.MAX_CELLS:
            told = f"the files of {folder} have together more than {tables.MAX_CELLS} cells"
            raise Permanent(told, next_step="cut them to the hours around the outage")

    def of(self, key: Key, where: str) -> tuple[array[int], array[float]]:
        if key not in self.series:
            if len(self.series) >= MAX_SERIES:
                raise Permanent(f"{where}: more than {MAX_SERIES} series", next_step="record fewer")
            if max(map(len, key)) > MAX_NAME:
                raise Misconfigured(f"a name of more than {MAX_NAME} characters", where=where)
            self.series[key] = (array("q"), array("d"))
        return self.series[key]


def _samples(table: Table, pile: _Pile, named: Callable[[list[str]], list[Key]]) -> None:
    at = table.place(*TIME)
    if at is None:
        shown = ", ".join(name[:40] for name in table.names[:6])
        raise Misconfigured(f"no column says when ({shown} ...)", where=table.where(-1), next_step=f"name one of them {TIME[0]}")
    times = [_time(cell, table, row) for row, cell in enumerate(table.columns[at])]
    places = [table.place(*wanted) for wanted in (COMPONENT, METRIC, VALUE)]
    if None not in places:
        _long(table, times, [table.columns[place] for place in places if place is not None], pile)
        return
    phase = table.place(*PHASE)
    if phase is not None:
        pile.normal += [time for time, cell in zip(times, table.columns[phase], strict=True) if str(cell) == "normal"]
    wide = [place for place in range(len(table.names)) if place not in (at, phase)]
    for place, key in zip(wide, named([table.names[place] for place in wide]), strict=True):
        own, values = pile.of(key, table.where(-1))
        for row, cell in enumerate(table.columns[place]):
            value = _value(cell, table, row)
            if not math.isnan(value):
                own.append(times[row])
                values.append(value)


def _long(table: Table, times: list[int], columns: list[list[Any]], pile: _Pile) -> None:
    for row, (component, metric, cell) in enumerate(zip(*columns, strict=True)):
        own, values = pile.of((str(component), str(metric)), table.where(row))
        value = _value(cell, table, row)
        if not math.isnan(value):
            own.append(times[row])
            values.append(value)


def _time(cell: Any, table: Table, row: int) -> int:
    if isinstance(cell, str):
        return cells.time_ms(cell, table.where(row))
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return cells.epoch_ms(cell, table.where(row))
    return cells.time_ms(cell.isoformat() if hasattr(cell, "isoformat") else str(cell), table.where(row))


def _value(cell: Any, table: Table, row: int) -> float:
    if isinstance(cell, str):
        return cells.number(cell, table.where(row))
    if cell is None:
        return math.nan
    if isinstance(cell, (int, float)):
        return float(cell) if math.isfinite(cell) else math.nan
    raise Misconfigured(f"a value of type {type(cell).__name__}", where=table.where(row), next_step="make it a number")


def _calls(table: Table) -> tuple[tuple[tuple[str, str], ...], dict[tuple[str, str], float]]:
    """Who calls whom, and how often where it says so."""
    calls: dict[tuple[str, str], None] = {}
    counts: dict[tuple[str, str], float] = {}
    for row, (a, b, count) in enumerate(_texts(table, CALLER, CALLEE, ("count", "calls"))):
        if a and b:
            calls[a, b] = None
            if (number := cells.number(count, table.where(row))) >= 0:
                counts[a, b] = counts.get((a, b), 0.0) + number
    return tuple(calls), counts


def _traces(table: Table) -> tuple[TracedCall, ...]:
    """A call that has no trace id, or took no time that can be, is left out."""
    found = []
    for row, (at, trace, caller, callee, took, failed, operation) in enumerate(_texts(table, *TRACED)):
        took_ms = cells.number(took, table.where(row))
        if ID.fullmatch(trace.lower()) and 0 <= took_ms < LONGEST_MS:
            words = operation_of(operation), trace.lower(), _time(at, table, row), took_ms
            found.append(TracedCall(caller, callee, *words, failed=failed.lower() in YES))
    return tuple(sampled(found))


def _changes(table: Table) -> tuple[Change, ...]:
    rows = list(_texts(table, TIME, COMPONENT, ("what", "kind", "type"), ("commit", "revision", "version")))
    found = [Change(who, _time(at, table, row), what, commit) for row, (at, who, what, commit) in enumerate(rows)]
    return tuple(sorted(found, key=lambda change: change.at_ms))


def _texts(table: Table, *wanted: tuple[str, ...]) -> Iterator[list[str]]:
    """Rows of the columns that have one of each tuple's names; the last of three and more may be missing."""
    places = [table.place(*names) for names in wanted]
    for names, place in zip(wanted, places, strict=True):
        if place is None and (len(wanted) < 3 or names is not wanted[-1]):
            raise Misconfigured(f"no column {names[0]!r}", where=table.where(-1), next_step=f"name the columns {_list(wanted)}")
    for row in range(len(table.columns[0])):
        yield ["" if place is None else str(table.columns[place][row]).strip() for place in places]


def _list(wanted: tuple[tuple[str, ...], ...]) -> str:
    return ", ".join(names[0] for names in wanted)
