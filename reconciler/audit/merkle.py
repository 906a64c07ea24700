"""RFC 6962 Merkle trees: hashes, roots and proofs over a `node(level, index)` function.

`node` gives the hash of the complete subtree of 2**level leaves number `index`; where the hashes lie (memory, tiles in
Git) is its business. All sizes and indexes are counts of leaves.

Invariants: leaf and inner hashes have different prefixes, so no leaf can pose as a node; the verifying functions are
pure, take nothing from `node`, and answer False to malformed proofs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

Node = Callable[[int, int], bytes]
EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(row: Sequence[bytes]) -> bytes:
    """The root over a row whose length is a power of two."""
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def root(size: int, node: Node) -> bytes:
    """The tree head of the first `size` leaves."""
    return subtree(0, size, node) if size else EMPTY


def subtree(start: int, end: int, node: Node) -> bytes:
    """The hash of leaves [start, end); `start` is a multiple of the largest power of two below the width."""
    width = end - start
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return node(level, start >> level)
    half = _split(width)
    return node_hash(subtree(start, start + half, node), subtree(start + half, end, node))


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size` leaves, lowest first."""
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        half = _split(end - start)
        if index < start + half:
            path.append(subtree(start + half, end, node))
            end = start + half
        else:
            path.append(subtree(start, start + half, node))
            start += half
    return path[::-1]


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """The proof that the first `old` leaves of the tree of `new` leaves are the tree of `old` leaves."""
    if old in (0, new):
        return []
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while end != old:
        half = _split(end - start)
        if old <= start + half:
            path.append(subtree(start + half, end, node))
            end = start + half
        else:
            path.append(subtree(start, start + half, node))
            start, whole = start + half, False
    return ([] if whole else [subtree(start, end, node)]) + path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """RFC 9162 section 2.1.3.2, from the leaf's hash."""
    if not 0 <= index < size:
        return False
    here, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node_hash(sibling, found)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and found == expected


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """RFC 9162 section 2.1.4.2."""
    if old in (0, new):
        return not proof and (old == 0 or old_root == new_root)
    if not 0 < old < new or not proof:
        return False
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)
