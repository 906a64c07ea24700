"""How the log lies in Git: names of refs, paths in their trees, and the bytes of each file.

`refs/homeostat/log`, a tree that grows by a bounded number of small objects per batch:

* `checkpoint`: the signed note of the newest signed tree (C2SP).
* `tile/<level>/<N>` and, above level 0, `tile/<level>/<N>.p/<W>`; `tile/entries/<N>`: C2SP tiles, once they are full.
* `edge/<N>/<group>/<start>`: the batches of the unfinished tile N; a batch is its pointer line and its leaves.
* `index/<N>`: the pointer lines of the full tile N, in order.

`refs/homeostat/payloads/<YYYY-MM>`: `<N>/<group>/<sha256>`, the statements of one batch, one a line, named by digest.

A pointer says where a batch's statements lie and abbreviates their keys; it is a help for finding, never a proof.
Partial tiles of level 0 would be rewritten by every batch (4 KB each of bytes that do not compress), so they are left
out here and made by `export` for whoever serves the log to other clients.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.audit.tiles import WIDTH
from reconciler.errors import Permanent, Tampered
from reconciler.model.canonical import decode, encode

LOG_REF = "refs/homeostat/log"
PAYLOADS = "refs/homeostat/payloads/"
CHECKPOINT = "checkpoint"
EDGE = "edge"
_GROUP = 16  # leaves per edge folder: no folder of the edge has more than 16 entries
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the statements of `count` leaves lie; `keys` are short digests of the records' keys."""

    count: int
    month: str
    payload: str
    keys: tuple[str, ...]

    @property
    def line(self) -> bytes:
        return encode(self)


def number(n: int) -> str:
    """A tile number as C2SP writes it: 1234067 is x001/x234/067."""
    parts = [f"{n % 1000:03d}"]
    while n >= 1000:
        n //= 1000
        parts.append(f"x{n % 1000:03d}")
    return "/".join(reversed(parts))


def tile_path(level: int, n: int, width: int = WIDTH) -> str:
    path = f"tile/{level}/{number(n)}"
    return path if width == WIDTH else f"{path}.p/{width}"


def entries_path(n: int, width: int = WIDTH) -> str:
    path = f"tile/entries/{number(n)}"
    return path if width == WIDTH else f"{path}.p/{width}"


def index_path(n: int) -> str:
    return f"index/{number(n)}"


def edge_path(start: int) -> str:
    """The file of the batch whose first leaf is `start`."""
    n, at = divmod(start, WIDTH)
    return f"{EDGE}/{n}/{at // _GROUP:x}/{at:03d}"


def edge_start(path: str) -> int:
    """The inverse of `edge_path`."""
    try:
        _, n, _, at = path.split("/")
        start = int(n) * WIDTH + int(at)
    except ValueError as error:
        raise Tampered(f"the log holds an unknown file {path!r}", next_step="homeostat audit verify") from error
    if edge_path(start) != path:
        raise Tampered(f"the log holds an unknown file {path!r}", next_step="homeostat audit verify")
    return start


def payload_path(start: int, digest: str) -> str:
    n, at = divmod(start, WIDTH)
    return f"{number(n)}/{at // _GROUP:x}/{digest}"


def month_of(wall_ms: int) -> str:
    """The UTC month, from days alone: no calendar of the machine is asked."""
    days = wall_ms // _DAY_MS + 719_468  # since 0000-03-01, so that leap days end a year
    era, day_of_era = divmod(days, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * day_of_year + 2) // 153 + 3
    year = era * 400 + year_of_era + (month > 12)
    return f"{year:04d}-{month - 12 if month > 12 else month:02d}"


def key_mark(key: str) -> str:
    """A record key's short digest, for finding; whoever finds compares the whole key."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def write_edge(pointer: Pointer, leaves: Sequence[bytes]) -> bytes:
    return b"\n".join((pointer.line, *leaves, b""))


def read_edge(data: bytes, path: str) -> tuple[Pointer, list[bytes]]:
    lines = data.split(b"\n")
    pointer = read_pointer(lines[0], path)
    if len(lines) != pointer.count + 2 or lines[-1] != b"":
        raise Tampered(f"the log's file {path} is damaged", next_step="homeostat audit verify")
    return pointer, lines[1:-1]


def read_pointer(line: bytes, path: str) -> Pointer:
    try:
        pointer = decode(Pointer, json.loads(line))
    except (ValueError, RecursionError, Permanent) as error:
        raise Tampered(f"the log's file {path} is damaged", next_step="homeostat audit verify") from error
    if pointer.line != line or not 0 < pointer.count <= WIDTH or len(pointer.keys) != pointer.count:
        raise Tampered(f"the log's file {path} is damaged", next_step="homeostat audit verify")
    return pointer


def write_index(pointers: Sequence[Pointer]) -> bytes:
    return b"".join(pointer.line + b"\n" for pointer in pointers)


def read_index(data: bytes, path: str) -> list[Pointer]:
    pointers = [read_pointer(line, path) for line in data.removesuffix(b"\n").split(b"\n")]
    if not data.endswith(b"\n") or sum(pointer.count for pointer in pointers) != WIDTH:
        raise Tampered(f"the log's file {path} is damaged", next_step="homeostat audit verify")
    return pointers


def write_entries(leaves: Sequence[bytes]) -> bytes:
    """A C2SP entry bundle: each leaf behind its length."""
    return b"".join(struct.pack(">H", len(leaf)) + leaf for leaf in leaves)


def read_entries(data: bytes, path: str) -> list[bytes]:
    leaves, at = [], 0
    while at + 2 <= len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        leaves.append(data[at + 2 : end])
        at = end
    if at != len(data):
        raise Tampered(f"the log's file {path} is damaged", next_step="homeostat audit verify")
    return leaves


def write_payloads(statements: Sequence[bytes]) -> bytes:
    return b"".join(statement + b"\n" for statement in statements)


def read_payloads(data: bytes) -> list[bytes]:
    return data.removesuffix(b"\n").split(b"\n")
