"""What one batch of entries does to the log: the next state and the files that make it, computed and not yet written.

In: a State and signed entries that fit into its unfinished tile. Out: the State behind them, the files to write on the
log's tree (None deletes) and the payload file. Nothing is published here: a lost race throws all of it away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.audit import layout
from reconciler.audit.merkle import leaf_hash
from reconciler.audit.state import State
from reconciler.audit.tiles import WIDTH, widths
from reconciler.model.records import Record

Files = dict[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One record, signed and ready: its statement, its leaf and its envelope."""

    record: Record
    statement: bytes
    leaf: bytes
    envelope: Mapping[str, object]


def appended(state: State, batch: Sequence[Entry], month: str) -> tuple[State, Files, bytes]:
    """The state after `batch`, the log's files that change, and the payload file."""
    payload = layout.write_payloads([entry.statement for entry in batch])
    marks = tuple(layout.key_mark(entry.record.key) for entry in batch)
    pointer = layout.Pointer(len(batch), month, hashlib.sha256(payload).hexdigest(), marks)
    leaves = [entry.leaf for entry in batch]
    new = _grown(state, pointer, leaves)
    if new.size % WIDTH:
        path = layout.edge_path(state.size)
        new.edge_files = (*state.edge_files, path)
        return new, {path: layout.write_edge(pointer, leaves)}, payload
    files = _filled(state, new)
    new.edge = []
    return new, files, payload


def _grown(state: State, pointer: layout.Pointer, leaves: list[bytes]) -> State:
    tiles = state.tiles.copy()
    for leaf in leaves:
        tiles.append(leaf_hash(leaf))
    new = State(state.repo, state.commit, tiles, [*state.edge, *leaves], [*state.starts, state.size], [*state.pointers, pointer])
    new.checkpoint, new.cache, new.marks = state.checkpoint, state.cache, dict(state.marks)
    for at, mark in enumerate(pointer.keys):
        new.marks[mark] = [*new.marks.get(mark, ()), state.size + at]
    return new


def _filled(state: State, new: State) -> Files:
    """The files of a tile that became full: its leaves and hashes in C2SP form instead of the edge."""
    n = state.size // WIDTH
    files: Files = dict.fromkeys(state.edge_files)
    files[layout.entries_path(n)] = layout.write_entries(new.edge)
    files[layout.index_path(n)] = layout.write_index(new.pointers_of(n))
    for level, width in list(enumerate(widths(state.size)))[1:]:
        if width:
            files[layout.tile_path(level, (state.size >> (8 * level)) // WIDTH, width)] = None
    for (level, number), data in new.tiles.fresh.items():
        files[layout.tile_path(level, number)] = data
    for level, width in list(enumerate(widths(new.size)))[1:]:
        if width:
            files[layout.tile_path(level, (new.size >> (8 * level)) // WIDTH, width)] = b"".join(new.tiles.rows[level])
    return files
