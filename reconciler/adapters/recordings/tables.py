"""One file as columns of text or numbers with their line numbers: CSV by the standard library, Parquet by pyarrow."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.errors import Misconfigured, Permanent

MAX_BYTES = 2 << 30
MAX_CELLS = 100_000_000
MAX_CELL = 1_000  # characters
EVERY = 200_000  # rows between two words about progress
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` by their place in `names`; a cell is text (CSV) or what the file's types say (Parquet)."""

    path: Path
    names: tuple[str, ...]
    columns: tuple[list[Any], ...]
    first: int  # the line of the first row, 0 where lines mean nothing

    def where(self, row: int) -> str:
        return f"{self.path}:{row + self.first}" if self.first else f"{self.path} row {row + 1}"

    def place(self, *wanted: str) -> int | None:
        """The first column that has one of these names, whatever its case."""
        lowered = [name.strip().lower() for name in self.names]
        return next((lowered.index(name) for name in wanted if name in lowered), None)


def read_table(path: Path, tell: Tell) -> Table:
    """CSV or Parquet by the name's end."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Permanent(f"{path} is larger than {MAX_BYTES >> 30} GiB", next_step="cut it to the hours around the outage")
        return _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path, tell)
    except OSError as error:
        raise Permanent(f"cannot read {path}: {error.strerror or error}") from error


def _csv(path: Path, tell: Tell) -> Table:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = _rows(path, csv.reader(file, strict=True))
        names = tuple(next(rows, (0, []))[1])
        _named(path, names)
        columns: tuple[list[str], ...] = tuple([] for _ in names)
        for line, row in rows:
            if len(row) != len(names):
                raise _wrong(f"{path}:{line}", f"{len(row)} cells under {len(names)} column names")
            for column, cell in zip(columns, row, strict=True):
                column.append(cell)
            if len(columns[0]) % EVERY == 0:
                _bounded(path, len(columns[0]), len(names))
                tell(f"{path}: {len(columns[0])} rows read")
    return Table(path, names, columns, first=2)


def _rows(path: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Rows with their line numbers; empty lines are refused, since every row must keep its line."""
    csv.field_size_limit(MAX_CELL)
    try:
        for count, row in enumerate(reader, start=1):
            if not row or reader.line_num != count:
                raise _wrong(f"{path}:{count}", "an empty line, or a cell that goes over several lines")
            yield reader.line_num, row
    except csv.Error as error:
        raise _wrong(f"{path}:{reader.line_num}", str(error)) from error
    except UnicodeDecodeError as error:
        raise _wrong(f"{path}:{reader.line_num + 1}", "this is no UTF-8 text") from error


def _parquet(path: Path) -> Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            _bounded(path, file.metadata.num_rows, file.metadata.num_columns)
            found = file.read()
    except pa.ArrowException as error:
        reason = str(error).partition("\n")[0][:200]
        raise Misconfigured(reason, where=str(path), next_step="is this a whole Parquet file?") from error
    names = tuple(map(str, found.column_names))
    _named(path, names)
    return Table(path, names, tuple(column.to_pylist() for column in found.columns), first=0)


def _named(path: Path, names: tuple[str, ...]) -> None:
    if not names:
        raise _wrong(f"{path}:1", "there are no column names")
    twice = (
        next((name for place, name in enumerate(names) if name in names[:place]), None) if len(set(names)) < len(names) else None
    )
    if twice is not None:
        raise _wrong(f"{path}:1", f"the column {twice[:80]!r} is there twice")


def _bounded(path: Path, rows: int, columns: int) -> None:
    if rows * columns > MAX_CELLS:
        raise Permanent(f"{path} has more than {MAX_CELLS} cells", next_step="cut it to the hours around the outage")


def _wrong(where: str, what: str) -> Misconfigured:
    return Misconfigured(what, where=where, next_step="the guide's page on diagnosis shows the layouts that are read")
