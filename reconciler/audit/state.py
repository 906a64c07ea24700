"""State: the log as it lies at one commit, read back and anchored in its signed checkpoint.

In: a Repo and a commit of `refs/homeostat/log`. Out: size, hashes, pointers and leaves, each checked on the way:

1. the checkpoint is signed by the log's key for this origin;
2. the tree's root at the checkpoint's size is the checkpoint's root;
3. a full tile hashes to what the tile above it names; a tile's leaves hash to its row;
4. a statement's digest and signature are the leaf's, and the leaf's key had the record's role at that position.

Leaves behind the checkpoint (a worker died between winning the ref and signing) are `pending`: they are not served.
"""

from __future__ import annotations

import functools
import hashlib
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reconciler.audit import layout
from reconciler.audit.keyring import KeyRing, role_of
from reconciler.audit.leaves import Leaf, digest_of, read_leaf
from reconciler.audit.merkle import leaf_hash
from reconciler.audit.notes import Checkpoint, open_checkpoint, parse_checkpoint
from reconciler.audit.statements import envelope, pae, read_statement
from reconciler.audit.tiles import WIDTH, Tiles, split, widths
from reconciler.errors import Tampered
from reconciler.model.records import LoggedRecord
from reconciler.ports.repo import Repo
from reconciler.ports.signing import Verifier

_CACHED = 48  # batches and tiles of leaves kept in memory


@dataclass(frozen=True, slots=True)
class Trusted:
    """What a reader must know beforehand: the log's name, whose keys count, and how signatures are checked."""

    origin: str
    keys: KeyRing
    verifier: Verifier


@dataclass(slots=True)
class State:
    """The log at `commit`. Built by `load`, never changed afterwards but by its caches."""

    repo: Repo
    commit: str
    tiles: Tiles
    edge: list[bytes]  # the leaves of the unfinished tile
    starts: list[int]  # first leaf of each pointer
    pointers: list[layout.Pointer]
    edge_files: tuple[str, ...] = ()
    checkpoint: Checkpoint | None = None
    marks: dict[str, list[int]] = field(default_factory=dict)  # key mark -> positions
    cache: OrderedDict[object, tuple[bytes, ...] | None] = field(default_factory=OrderedDict)

    @property
    def size(self) -> int:
        return self.tiles.size

    @property
    def signed_size(self) -> int:
        return self.checkpoint.size if self.checkpoint else 0

    def pointers_of(self, n: int) -> list[layout.Pointer]:
        """The pointers of tile `n`."""
        return [p for start, p in zip(self.starts, self.pointers, strict=True) if start // WIDTH == n]

    def at(self, commit: str, checkpoint: Checkpoint | None = None) -> State:
        """The same log, now lying at `commit`; with the checkpoint that was signed there."""
        tiles = self.tiles.moved(functools.partial(_fetch, self.repo, commit))
        return replace(self, commit=commit, tiles=tiles, checkpoint=checkpoint or self.checkpoint)

    def leaf(self, index: int) -> bytes:
        """The bytes of one leaf, checked against the tree."""
        n, at = divmod(index, WIDTH)
        if n == self.size // WIDTH:
            return self.edge[at]
        return (self._cached(("tile", n), lambda: self._full_leaves(n)) or ())[at]

    def _full_leaves(self, n: int) -> tuple[bytes, ...]:
        """Numbered step 3 for the leaves of a full tile."""
        path = layout.entries_path(n)
        leaves = layout.read_entries(_must_read(self.repo, self.commit, path), path)
        if [leaf_hash(leaf) for leaf in leaves] != self.tiles.row(0, n):
            raise Tampered(f"the log's file {path} is not what its tile names", next_step="homeostat audit verify")
        return tuple(leaves)

    def statement(self, index: int) -> bytes | None:
        """The statement of one leaf, unchecked; None when its month is gone."""
        at = bisect_right(self.starts, index) - 1
        pointer, start = self.pointers[at], self.starts[at]
        lines = self.statements(start, pointer)
        return None if lines is None or index - start >= len(lines) else lines[index - start]

    def month(self, index: int) -> str:
        """The month whose payloads hold one leaf's statement."""
        return self.pointers[bisect_right(self.starts, index) - 1].month

    def newest_months(self, count: int) -> frozenset[str]:
        return frozenset(sorted({pointer.month for pointer in self.pointers})[-count:])

    def mark(self, index: int) -> str:
        """The key mark that the pointer gives for one leaf."""
        at = bisect_right(self.starts, index) - 1
        return self.pointers[at].keys[index - self.starts[at]]

    def statements(self, start: int, pointer: layout.Pointer) -> tuple[bytes, ...] | None:
        """The statements of one batch, checked against its digest."""
        return self._cached((start, pointer.payload), lambda: self._statements(start, pointer))

    def _statements(self, start: int, pointer: layout.Pointer) -> tuple[bytes, ...] | None:
        commit = self.repo.ref(layout.PAYLOADS + pointer.month)
        data = self.repo.read(commit, layout.payload_path(start, pointer.payload)) if commit else None
        if data is None:
            return None
        if hashlib.sha256(data).hexdigest() != pointer.payload:
            raise Tampered(f"the payloads of log entry {start} are damaged", next_step="homeostat audit verify")
        return tuple(layout.read_payloads(data))

    def _cached(self, key: object, read: Callable[[], tuple[bytes, ...] | None]) -> tuple[bytes, ...] | None:
        """What was read and checked once; what is missing is looked for again."""
        if self.cache.get(key) is None:
            self.cache[key] = read()
            if len(self.cache) > _CACHED:
                self.cache.popitem(last=False)
        return self.cache[key]

    def logged(self, index: int, trusted: Trusted) -> LoggedRecord:
        """One record, after every check of the module's list; Tampered when its payload is missing."""
        leaf, data = read_leaf(self.leaf(index)), self.statement(index)
        if data is None:
            raise Tampered(f"the payload of log entry {index} is missing", next_step="restore its refs/homeostat/payloads ref")
        return check_entry(index, leaf, data, trusted)


def check_entry(index: int, leaf: Leaf, data: bytes, trusted: Trusted) -> LoggedRecord:
    """Numbered step 4 for one leaf and its statement."""
    signed = pae(data)
    if digest_of(signed) != leaf.digest:
        raise Tampered(f"the payload of log entry {index} is not the one its leaf names", next_step="homeostat audit verify")
    if not trusted.verifier.verify(leaf.public, signed, leaf.signature):
        raise Tampered(f"the signature of log entry {index} is not valid", next_step="homeostat audit verify")
    record = read_statement(data)
    if not trusted.keys.trusts(role_of(record.kind), leaf.public, index):
        role = role_of(record.kind)
        raise Tampered(
            f"log entry {index} ({record.kind.value}) is not signed by a {role} key", next_step="homeostat audit verify"
        )
    return LoggedRecord(index, record, envelope(data, leaf.signature, leaf.public))


def load(repo: Repo, commit: str, trusted: Trusted, before: State | None = None) -> State:
    """The state at `commit` ("" is the empty log). `before` lends its pointers, which only ever grow."""
    known = (
        [p for start, p in zip(before.starts, before.pointers, strict=True) if start // WIDTH < before.size // WIDTH]
        if before
        else []
    )
    full = _read_indexes(repo, commit, known)
    names = sorted(repo.files(commit, layout.EDGE)) if commit else []
    paths = sorted((path if path.startswith(layout.EDGE) else f"{layout.EDGE}/{path}" for path in names), key=layout.edge_start)
    batches = [layout.read_edge(_must_read(repo, commit, path), path) for path in paths]
    edge = [leaf for _, leaves in batches for leaf in leaves]
    pointers = full + [pointer for pointer, _ in batches]
    starts = _starts(pointers)
    if [layout.edge_start(path) for path in paths] != starts[len(full) :] or len(edge) >= WIDTH:
        raise Tampered("the log's edge has gaps", next_step="homeostat audit verify")
    size = sum(pointer.count for pointer in pointers)
    rows = [[leaf_hash(leaf) for leaf in edge], *_rows(repo, commit, size)]
    tiles = Tiles(size, rows, functools.partial(_fetch, repo, commit))
    state = State(repo, commit, tiles, edge, starts, pointers, tuple(paths))
    state.marks = _marks(starts, pointers)
    if before:
        state.cache = before.cache
    state.checkpoint = _checkpoint(repo, commit, tiles, trusted)
    return state


def _starts(pointers: list[layout.Pointer]) -> list[int]:
    starts, at = [], 0
    for pointer in pointers:
        starts.append(at)
        at += pointer.count
    return starts


def _marks(starts: list[int], pointers: list[layout.Pointer]) -> dict[str, list[int]]:
    marks: dict[str, list[int]] = {}
    for start, pointer in zip(starts, pointers, strict=True):
        for at, mark in enumerate(pointer.keys):
            marks.setdefault(mark, []).append(start + at)
    return marks


def _read_indexes(repo: Repo, commit: str, known: list[layout.Pointer]) -> list[layout.Pointer]:
    found = list(known)
    n = sum(pointer.count for pointer in known) // WIDTH
    while commit and (data := repo.read(commit, layout.index_path(n))) is not None:
        found += layout.read_index(data, layout.index_path(n))
        n += 1
    return found


def _rows(repo: Repo, commit: str, size: int) -> list[list[bytes]]:
    """The unfinished tiles above level 0."""
    rows = []
    for level, width in list(enumerate(widths(size)))[1:]:
        path = layout.tile_path(level, (size >> (8 * level)) // WIDTH, width)
        row = split(_must_read(repo, commit, path)) if width else []
        if len(row) != width or any(len(value) != 32 for value in row):
            raise Tampered(f"the log's file {path} is damaged", next_step="homeostat audit verify")
        rows.append(row)
    return rows


def _fetch(repo: Repo, commit: str, level: int, n: int) -> bytes | None:
    return repo.read(commit, layout.tile_path(level, n))


def _must_read(repo: Repo, commit: str, path: str) -> bytes:
    data = repo.read(commit, path)
    if data is None:
        raise Tampered(f"the log's file {path} is missing", next_step="homeostat audit verify")
    return data


def _checkpoint(repo: Repo, commit: str, tiles: Tiles, trusted: Trusted) -> Checkpoint | None:
    """Numbered steps 1 and 2."""
    raw = repo.read(commit, layout.CHECKPOINT) if commit else None
    if raw is None:
        return None
    try:
        note = raw.decode()
    except UnicodeDecodeError as error:
        raise Tampered("the checkpoint is malformed", next_step="homeostat audit verify") from error
    publics = trusted.keys.for_checkpoint(parse_checkpoint(note).size)
    found = open_checkpoint(note, trusted.origin, publics, trusted.verifier)
    if found.size > tiles.size or tiles.root(found.size) != found.root:
        raise Tampered("the log is not the one its checkpoint signs", next_step="homeostat audit verify")
    return found
