"""Folder: the files of one store as this process knows them, and how they come and go.

`NUMBER.journal` is the head's; sealing writes `NUMBER.block` in full under another name, renames it and removes the journal, so
after a crash at any point one of the two is whole. `NUMBER.means` stands in the same way for old blocks up to that number
(`thinning`). A higher number was written later. Blocks never change. Any process
may look; only who holds the lock changes something, after it has looked. One look is one call while nothing new was
sealed: the journal's size says what to read on, its removal that the folder is to be listed again.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from reconciler.adapters.telemetry.columns.block import Block, Damaged, seal
from reconciler.adapters.telemetry.columns.head import END_OF_TIME, TIME_BITS, Head, key
from reconciler.adapters.telemetry.columns.journal import Frame, Journal, Pair
from reconciler.adapters.telemetry.columns.reading import Known, latest
from reconciler.adapters.telemetry.columns.thinning import thinned
from reconciler.adapters.telemetry.columns.values import Floats, Ints

log = logging.getLogger(__name__)

_PATIENCE_S = 5.0  # for another process that is writing
_TURNS = 5  # listings in a row that another process makes stale
_AT_ONCE = 6  # old blocks that become one: few files, and no long stop for any
_BLOCK, _MEANS = ".block", ".means"


class Folder:
    """`pairs` are the series that the files name, by their number here; `blocks` ascend."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: dict[tuple[int, int], Block] = {}  # by number and inode
        self._litter: set[str] = set()
        self._damaged: dict[str, int] = {}  # inodes by name
        self._journal: Journal | None = None
        self._declared: Ints = np.empty(0, np.int64)  # the series of the journal in its order, by their numbers here
        self._order: Ints = np.empty(0, np.int64)
        self.newest = 0
        self._last = 0  # the highest number in use
        self._forget()
        self._lock = self._open_lock()

    def close(self) -> None:
        self.distrust()
        os.close(self._lock)

    def number(self, pair: Pair) -> int:
        """Of a series; begun when it is new."""
        found = self.numbers.setdefault(pair, len(self.pairs))
        if found == len(self.pairs):
            self.pairs.append(pair)
        return found

    def in_order(self) -> Ints:
        """The numbers of all series in the order of their names."""
        if len(self._order) != len(self.pairs):
            self._order = np.array(sorted(range(len(self.pairs)), key=self.pairs.__getitem__), np.int64)
        return self._order

    def look(self) -> None:
        """What others wrote since the last look."""
        behind = -1 if self._journal is None or self._journal.gone else self._journal.behind
        if behind > 0:
            self._read_on()
        elif behind < 0:
            self._list()

    def distrust(self) -> None:
        """Forgets everything: the next look opens and checks each file again."""
        for block in self._opened.values():
            block.close()
        self._opened.clear()
        self._forget()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the lock; what others wrote is known, and what a crash left is cleared away. TimeoutError when it is not free."""
        if os.fstat(self._lock).st_nlink == 0:  # somebody deleted the folder
            os.close(self._lock)
            self._lock = self._open_lock()
        self._wait()
        try:
            self.look()
            self._clear()
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def keep(self, series: Ints, times: Ints, values: Floats) -> None:
        """Into the journal, then into the head."""
        if self._journal is None:
            self._journal = Journal(self.path / f"{self._last + 1:08}.journal", self._last + 1, create=True)
            self._last += 1
        local = np.full(len(self.pairs), -1, np.int64)
        local[self._declared] = np.arange(len(self._declared))
        new = np.flatnonzero((np.bincount(series, minlength=len(local)) > 0) & (local < 0))
        local[new] = np.arange(len(new)) + len(self._declared)
        self._journal.append(Frame([self.pairs[number] for number in new], local[series].astype(np.uint32), times, values))
        self._declared = np.append(self._declared, new)
        self._take([(series, times, values)])

    def seal_head(self) -> None:
        """The head becomes a block; a journal whose first frame failed goes."""
        if self._journal is not None:
            if len(self.head):
                self._seal(self._journal.number, self.head.keys, self.head.values)
            self._journal.path.unlink()
            self._list()

    def seal(self, keys: Ints, values: Floats) -> None:
        """A block of these alone, sorted and one value for each key; the head was sealed before."""
        self._seal(self._last + 1, keys, values)
        self._list()

    def thin(self, before_ms: int, most_bytes: int) -> None:
        """Of the blocks that end before, or are the first of too many bytes, only means stay; of series silent since, nothing."""
        raw = [known.block for known in self.blocks if known.block.path.suffix == _BLOCK]
        size, old = sum(block.size for block in raw), 0
        while old < len(raw) and (raw[old].end_ms < before_ms or size > most_bytes):
            size -= raw[old].size
            old += 1
        if old < _AT_ONCE:
            return
        last = raw[old - 1].number
        alive = latest(self.blocks, self.head, len(self.pairs)) >= before_ms
        keys, values = thinned([known for known in self.blocks if known.block in raw[:old]], alive)
        if len(keys):
            self._seal(last, keys, values, _MEANS)
        for block in raw[:old]:
            block.path.unlink(missing_ok=True)
        self._list()

    def forget(self, before_ms: int, most_bytes: int) -> None:
        """Drops the blocks that end before, and the ones written first while all are too large."""
        doomed = [known for known in self.blocks if known.block.end_ms < before_ms]
        kept = [known for known in self.blocks if known not in doomed]
        size = sum(known.block.size for known in kept)
        while kept and size > most_bytes:
            size -= kept[0].block.size
            doomed.append(kept.pop(0))
        for known in doomed:
            known.block.path.unlink(missing_ok=True)
        if doomed:
            self._list()

    def _open_lock(self) -> int:
        self.path.mkdir(mode=0o700, exist_ok=True)
        return os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)

    def _wait(self) -> None:
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise TimeoutError(f"another process has been writing for {_PATIENCE_S:g} s") from None
                time.sleep(0.01)
            else:
                return

    def _seal(self, number: int, keys: Ints, values: Floats, kind: str = _BLOCK) -> None:
        starts = np.flatnonzero(np.diff(keys >> TIME_BITS, prepend=-1))
        names = [self.pairs[series] for series in (keys[starts] >> TIME_BITS).tolist()]
        unfinished = self.path / f"{number:08}.unfinished"
        seal(unfinished, names, starts, keys & END_OF_TIME, values)
        unfinished.replace(self.path / f"{number:08}{kind}")

    def _list(self) -> None:
        """Files that another process removes between two calls make the listing stale, a few times at most."""
        for turn in range(_TURNS):
            try:
                self._adopt()
            except FileNotFoundError:
                if turn == _TURNS - 1:
                    raise
            else:
                return

    def _adopt(self) -> None:
        self.path.mkdir(mode=0o700, exist_ok=True)
        entries = {entry.name: entry.inode() for entry in os.scandir(self.path)}
        thinned_to = max((int(name[:8]) for name in entries if name.endswith(_MEANS)), default=0)
        spent = {name for name in entries if name.endswith(_BLOCK) and int(name[:8]) <= thinned_to}
        sealed_as = (name for name in entries if name.endswith((_BLOCK, _MEANS)) and name not in spent)
        blocks = {(int(name[:8]), entries[name]): name for name in sealed_as}
        journals = sorted(int(name[:8]) for name in entries if name.endswith(".journal"))
        if self._opened.keys() - blocks.keys():
            self._forget()
        for gone in self._opened.keys() - blocks.keys():
            self._opened.pop(gone).close()
        for which in sorted(blocks.keys()):
            self._join(which, blocks[which])
        sealed = max((known.block.number for known in self.blocks), default=0)
        self._last = max([0, *journals, *(number for number, _ in blocks)])
        self._litter = {f"{number:08}.journal" for number in journals if number <= sealed}
        self._litter |= spent | {name for name in entries if name.endswith(".unfinished")}
        if self._journal is None or self._journal.gone:
            self._leave_journal()
            if journals and journals[-1] > sealed:
                self._journal = Journal(self.path / f"{journals[-1]:08}.journal", journals[-1])
                self._read_on()

    def _join(self, which: tuple[int, int], name: str) -> None:
        if any(known.block is self._opened.get(which) for known in self.blocks) or self._damaged.get(name) == which[1]:
            return
        try:
            block = self._opened.get(which) or Block(self.path / name, which[0])
        except Damaged as error:
            self._damaged[name] = which[1]
            log.warning("telemetry.damaged", extra={"fields": {"file": str(self.path / name), "why": str(error)}})
            return
        self._opened[which] = block
        self.blocks.append(Known(block, np.array([self.number(pair) for pair in block.names()], np.int64)))
        self.newest = max(self.newest, block.end_ms)

    def _read_on(self) -> None:
        found = []
        for frame in self._journal.read_on() if self._journal else ():
            new = np.array([self.number(pair) for pair in frame.names], np.int64)
            self._declared = np.append(self._declared, new)
            found.append((self._declared[frame.series], frame.times, frame.values))
        if found:
            self._take(found)

    def _take(self, told: Sequence[tuple[Ints, Ints, Floats]]) -> None:
        """What is in the journal comes into the head."""
        if not len(self.head):
            self.began_ms = int(told[0][1].max())
        series, times, values = (np.concatenate(column) for column in zip(*told, strict=True))
        self.head.add(key(series, times), values)
        self.newest = max(self.newest, int(times.max()))

    def _forget(self) -> None:
        self.pairs: list[Pair] = []
        self._order = np.empty(0, np.int64)
        self.numbers: dict[Pair, int] = {}
        self.blocks: list[Known] = []
        self.newest = 0
        self._leave_journal()

    def _leave_journal(self) -> None:
        if self._journal is not None:
            self._journal.close()
        self._journal, self.head = None, Head()
        self.began_ms = END_OF_TIME  # the newest time in the journal's first frame
        self._declared = np.empty(0, np.int64)

    def _clear(self) -> None:
        """Only under the lock."""
        if self._journal is not None and (torn := self._journal.cut()):
            log.warning("telemetry.torn", extra={"fields": {"file": str(self._journal.path), "bytes": torn}})
        for name in self._litter:
            (self.path / name).unlink(missing_ok=True)
        if self._damaged:
            for old in self.path.glob("*.damaged"):
                old.unlink()
            for name in self._damaged:
                with contextlib.suppress(FileNotFoundError):  # another process was first
                    (self.path / name).replace(self.path / f"{name}.damaged")
        self._litter, self._damaged = set(), {}
