"""The tree's hashes as C2SP tiles: 256 hashes each, full ones kept in Git, growing ones in memory.

`Tiles` is the `node` function of `merkle`: it appends leaf hashes, hands out the tiles that became full, and answers
for any complete subtree. Full tiles come through `fetch` and are checked against the hash that the level above holds,
so that what is read is anchored in the root without reading the whole log.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from reconciler.audit.merkle import fold, root
from reconciler.errors import Tampered

WIDTH = 256  # hashes in a full tile
HEIGHT = 8  # tree levels that one tile level spans
_HASH = 32
_CACHED = 64  # full tiles kept in memory: half a megabyte

Fetch = Callable[[int, int], bytes | None]


class Tiles:
    """Hashes of a growing tree. `rows[level]` is the unfinished tile of that level."""

    def __init__(self, size: int, rows: list[list[bytes]], fetch: Fetch) -> None:
        self.size = size
        self.rows = rows
        self._fetch = fetch
        self._full: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()
        self.fresh: dict[tuple[int, int], bytes] = {}  # became full since this copy was made

    def copy(self) -> Tiles:
        """To try an append on: what loses the ref is thrown away."""
        return self.moved(self._fetch)

    def moved(self, fetch: Fetch) -> Tiles:
        """The same hashes, full tiles now coming from `fetch`."""
        made = Tiles(self.size, [list(row) for row in self.rows], fetch)
        made._full = OrderedDict(self._full)
        return made

    def append(self, leaf: bytes) -> None:
        self.size += 1
        self._push(0, leaf)

    def _push(self, level: int, value: bytes) -> None:
        if level == len(self.rows):
            self.rows.append([])
        row = self.rows[level]
        row.append(value)
        if len(row) == WIDTH:
            number = (self.size >> (HEIGHT * (level + 1))) - 1
            self.fresh[level, number] = b"".join(row)
            self.rows[level] = []
            self._push(level + 1, fold(row))

    def root(self, size: int | None = None) -> bytes:
        return root(self.size if size is None else size, self.node)

    def node(self, level: int, index: int) -> bytes:
        """The hash of the complete subtree of 2**level leaves number `index`."""
        tile_level, inner = divmod(level, HEIGHT)
        start = index << inner
        row = self.row(tile_level, start // WIDTH)
        at = start % WIDTH
        part = row[at : at + (1 << inner)]
        if len(part) != 1 << inner:
            raise Tampered(f"the log's tile {tile_level}/{start // WIDTH} is too short", next_step="homeostat audit verify")
        return fold(part)

    def row(self, level: int, number: int) -> list[bytes]:
        """The hashes of one tile, full or growing."""
        full = self.size >> (HEIGHT * (level + 1))
        if number >= full:
            return self.rows[level] if level < len(self.rows) and number == full else []
        if (level, number) not in self._full:
            self._full[level, number] = self._checked(level, number)
            if len(self._full) > _CACHED:
                self._full.popitem(last=False)
        return self._full[level, number]

    def _checked(self, level: int, number: int) -> list[bytes]:
        data = self.fresh.get((level, number)) or self._fetch(level, number)
        if data is None or len(data) != WIDTH * _HASH:
            raise Tampered(f"the log's tile {level}/{number} is missing or damaged", next_step="homeostat audit verify")
        row = split(data)
        if fold(row) != self.node((level + 1) * HEIGHT, number):
            raise Tampered(f"the log's tile {level}/{number} is not the one its parent names", next_step="homeostat audit verify")
        return row


def split(data: bytes) -> list[bytes]:
    """A tile's hashes."""
    return [data[i : i + _HASH] for i in range(0, len(data), _HASH)]


def widths(size: int) -> list[int]:
    """How many hashes the unfinished tile of each level holds at `size` leaves."""
    found = []
    while size:
        found.append(size % WIDTH)
        size //= WIDTH
    return found
