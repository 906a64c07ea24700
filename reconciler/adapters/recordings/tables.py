"""One file as columns of text or numbers with their line numbers: CSV by the standard library, Parquet by pyarrow."""

from __future__ import annotations

import csv
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from reconciler.errors import Misconfigured, Permanent

if TYPE_CHECKING:
    import pyarrow as pa

MAX_BYTES = 2 << 30
MAX_CELLS = 100_000_000
MAX_CELL = 1_000  # characters
MAX_LINE = 16 << 20  # characters: as many series as may be, with long names
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
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise Permanent(f"{path} is no file", next_step="leave pipes and devices out of the folder")
        if found.st_size > MAX_BYTES:
            raise Permanent(f"{path} is larger than {MAX_BYTES >> 30} GiB", next_step="cut it to the hours around the outage")
        return _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path, tell)
    except OSError as error:
        raise Permanent(f"cannot read {path}: {error.strerror or error}") from error


def _csv(path: Path, tell: Tell) -> Table:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = _rows(path, csv.reader(_lines(path, file), strict=True))
        names = tuple(next(rows, (0, []))[1])
        _named(path, names)
        columns: tuple[list[str], ...] = tuple([] for _ in names)
        for line, row in rows:
            if len(row) != len(names):
                raise _wrong(f"{path}:{line}", f"{len(row)} cells under {len(names)} column names")
            for column, cell in zip(columns, row, strict=True):
                column.append(cell)
            _bounded(path, len(columns[0]), len(names))
            if len(columns[0]) % EVERY == 0:
                tell(f"{path}: {len(columns[0])} rows read")
    return Table(path, names, columns, first=2)


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    while line := file.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise Permanent(f"{path} has a line of more than {MAX_LINE} characters", next_step="record fewer series in one file")
        yield line


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
        schema = parquet.read_schema(path)
        texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
        with parquet.ParquetFile(path, read_dictionary=texts) as file:  # a text that is there a million times is held once
            _bounded(path, file.metadata.num_rows, file.metadata.num_columns)
            _unpacked(path, sum(file.metadata.row_group(at).total_byte_size for at in range(file.num_row_groups)))
            _flat(path, schema)
            found = file.read()
        columns = tuple(_cells(path, column) for column in found.columns)
    except (pa.ArrowException, ValueError, OverflowError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise Misconfigured(reason, where=str(path), next_step="is this a whole Parquet file?") from error
    names = tuple(map(str, found.column_names))
    _named(path, names)
    return Table(path, names, columns, first=0)


def _unpacked(path: Path, size: int) -> None:
    if size > MAX_BYTES:
        raise Permanent(f"{path} unpacks to more than {MAX_BYTES} bytes", next_step="cut it to the hours around the outage")


def _flat(path: Path, schema: pa.Schema) -> None:
    from pyarrow import types

    for field in schema:
        if types.is_nested(field.type):
            raise _wrong(str(path), f"the column {field.name[:80]!r} holds {str(field.type)[:80]}, not single values")


def _cells(path: Path, column: pa.ChunkedArray) -> list[Any]:
    from pyarrow import types

    coded = types.is_dictionary(column.type)
    cells: list[Any] = [] if coded else column.to_pylist()
    for chunk in column.chunks if coded else ():
        words = chunk.dictionary.to_pylist()
        if any(len(word) > MAX_CELL for word in words if isinstance(word, (str, bytes))):
            raise _wrong(str(path), f"a cell of more than {MAX_CELL} characters")
        cells += [None if at is None else words[at] for at in chunk.indices.to_pylist()]
    return cells


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
