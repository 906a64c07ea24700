"""The Merkle tree against its definition in RFC 6962, and what its proofs must refuse."""

from examples import many
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.audit.merkle import (
    EMPTY,
    consistency_proof,
    fold,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)
from reconciler.audit.tiles import Tiles

LEAVES = [leaf_hash(n.to_bytes(2, "big")) for n in range(700)]
SIZES = st.integers(1, 70)


def node(level: int, index: int) -> bytes:
    return fold(LEAVES[index << level : (index + 1) << level])


def defined(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 writes it."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(defined(leaves[:k]), defined(leaves[k:]))


@given(SIZES)
def test_the_root_is_the_one_that_the_rfc_defines(size: int) -> None:
    assert root(size, node) == defined(LEAVES[:size])


@settings(max_examples=many(20))
@given(st.integers(0, 700), st.data())
def test_tiles_give_the_root_of_every_smaller_tree(size: int, data: st.DataObject) -> None:
    tiles = Tiles(0, [], lambda _level, _number: None)
    for leaf in LEAVES[:size]:
        tiles.append(leaf)
    smaller = data.draw(st.integers(0, size))
    assert tiles.root(smaller) == defined(LEAVES[:smaller])


@given(SIZES, st.data())
def test_a_leaf_is_proven_at_its_place_and_at_no_other(size: int, data: st.DataObject) -> None:
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    proof, expected = inclusion_proof(index, size, node), defined(LEAVES[:size])
    assert verify_inclusion(LEAVES[index], index, size, proof, expected)
    assert verify_inclusion(LEAVES[other], index, size, proof, expected) == (other == index)
    assert verify_inclusion(LEAVES[index], other, size, proof, expected) == (other == index)
    assert not verify_inclusion(LEAVES[index], index, size, [*proof, EMPTY], expected)
    assert not verify_inclusion(LEAVES[index], size + index, size, proof, expected)


@given(SIZES, st.data())
def test_a_tree_is_proven_to_continue_its_beginning_and_no_other(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    old_root, new_root = defined(LEAVES[:old]), defined(LEAVES[:size])
    proof = consistency_proof(old, size, node)
    assert verify_consistency(old, old_root, size, new_root, proof)
    assert not verify_consistency(old, leaf_hash(b"fork"), size, new_root, proof)
    assert not verify_consistency(old, old_root, size, leaf_hash(b"fork"), proof)
    assert not verify_consistency(old, old_root, size, new_root, [*proof, EMPTY])
    if old < size:
        assert not verify_consistency(size, new_root, old, old_root, proof)


@given(SIZES, st.data())
def test_a_damaged_proof_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, node)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        broken = [*proof[:at], bytes([proof[at][0] ^ 1]) + proof[at][1:], *proof[at + 1 :]]
        assert not verify_inclusion(LEAVES[index], index, size, broken, defined(LEAVES[:size]))
        assert not verify_inclusion(LEAVES[index], index, size, proof[:-1], defined(LEAVES[:size]))
