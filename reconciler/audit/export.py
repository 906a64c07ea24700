"""The log as static C2SP files, for witnesses, mirrors and any other client of tlog-tiles.

In Git the growing tile of level 0 is kept as batches; here it is the partial tile and entry bundle that the format asks
for. The files are those of the newest checkpoint: put them behind any web server and the log can be audited from there.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.audit import layout
from reconciler.audit.state import State
from reconciler.audit.tiles import WIDTH


def c2sp_files(state: State) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of every file of the signed log; the checkpoint last, so that a copy is never ahead of its tiles."""
    size = state.signed_size
    for n in range(-(-size // WIDTH)):
        width = min(WIDTH, size - n * WIDTH)
        leaves = [state.leaf(n * WIDTH + at) for at in range(width)]
        yield layout.entries_path(n, width), layout.write_entries(leaves)
    level = 0
    while size >> (8 * level):
        count = size >> (8 * level)
        for n in range(-(-count // WIDTH)):
            width = min(WIDTH, count - n * WIDTH)
            hashes = [state.tiles.node(8 * level, n * WIDTH + at) for at in range(width)]
            yield layout.tile_path(level, n, width), b"".join(hashes)
        level += 1
    if state.checkpoint:
        yield layout.CHECKPOINT, state.checkpoint.note.encode()
