"""The tree against the published vectors, a direct reading of the RFC's definition, and every proof there is."""

from __future__ import annotations

import hashlib

import pytest
from comfy_provenance.provenance.errors import InputError, IntegrityError
from comfy_provenance.provenance.seal import merkle
from comfy_provenance.provenance.seal.merkle import Frontier
from hypothesis import given
from hypothesis import strategies as st

LEAVES = [merkle.leaf_hash(b"leaf %d" % number) for number in range(70)]


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    both = by_definition(leaves[:split]) + by_definition(leaves[split:])
    return hashlib.sha256(b"\x01" + both).digest()


ROOTS = [by_definition(LEAVES[:size]) for size in range(len(LEAVES) + 1)]


def test_frontier_has_the_root_of_the_definition_at_every_size() -> None:
    frontier = Frontier()
    for size, root in enumerate(ROOTS):
        assert (frontier.size, frontier.root) == (size, root)
        assert merkle.root_of(LEAVES[:size]) == root
        assert Frontier.from_bytes(frontier.to_bytes()) == frontier
        if size < len(LEAVES):
            frontier = frontier.append(LEAVES[size])


def test_appending_leaves_the_old_frontier_as_it_was() -> None:
    old = Frontier().append(LEAVES[0])
    old.append(LEAVES[1])
    assert (old.size, old.root) == (1, LEAVES[0])


def test_a_frontier_stays_small() -> None:
    frontier = Frontier()
    for leaf in LEAVES:
        frontier = frontier.append(leaf)
        assert len(frontier.nodes) == frontier.size.bit_count()


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 7, b"\0" * 9, (1).to_bytes(8, "big"), (3).to_bytes(8, "big") + b"x" * 63]
)
def test_a_damaged_frontier_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError, match="frontier"):
        Frontier.from_bytes(data)


def test_every_inclusion_proof_verifies() -> None:
    for size in range(1, 34):
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, LEAVES)
            merkle.verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])


def test_every_consistency_proof_verifies() -> None:
    for second in range(34):
        for first in range(second + 1):
            proof = merkle.consistency_proof(first, second, LEAVES)
            merkle.verify_consistency(first, ROOTS[first], second, ROOTS[second], proof)


def test_proofs_can_be_made_from_a_function() -> None:
    asked: list[int] = []

    def leaf(index: int) -> bytes:
        asked.append(index)
        return LEAVES[index]

    assert merkle.inclusion_proof(2, 7, leaf) == merkle.inclusion_proof(2, 7, LEAVES)
    assert sorted(asked) == [0, 1, 3, 4, 5, 6]
    assert merkle.consistency_proof(3, 7, leaf) == merkle.consistency_proof(3, 7, LEAVES)


SIZES = st.integers(1, len(LEAVES))


def _flipped(value: bytes, bit: int) -> bytes:
    bit %= len(value) * 8
    changed = bytearray(value)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@given(SIZES, st.data())
def test_an_inclusion_proof_with_any_bit_flipped_fails(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, LEAVES)
    values = [LEAVES[index], ROOTS[size], *proof]
    at = data.draw(st.integers(0, len(values) - 1))
    values[at] = _flipped(values[at], data.draw(st.integers(0, 255)))
    with pytest.raises(IntegrityError):
        merkle.verify_inclusion(values[0], index, size, values[2:], values[1])


@given(SIZES, st.data())
def test_an_inclusion_proof_proves_no_other_place_and_no_other_size(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, LEAVES)
    elsewhere = data.draw(st.integers(0, size + 3).filter(lambda place: place != index))
    with pytest.raises(IntegrityError):
        merkle.verify_inclusion(LEAVES[index], elsewhere, size, proof, ROOTS[size])
    other = data.draw(st.integers(0, len(LEAVES)).filter(lambda other: other != size))
    with pytest.raises(IntegrityError):
        merkle.verify_inclusion(LEAVES[index], index, other, proof, ROOTS[other])


@given(SIZES, st.data())
def test_a_consistency_proof_with_any_bit_flipped_fails(second: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, second))
    values = [ROOTS[first], ROOTS[second], *merkle.consistency_proof(first, second, LEAVES)]
    at = data.draw(st.integers(0, len(values) - 1))
    values[at] = _flipped(values[at], data.draw(st.integers(0, 255)))
    with pytest.raises(IntegrityError):
        merkle.verify_consistency(first, values[0], second, values[1], values[2:])


@given(SIZES, st.data())
def test_proofs_that_are_too_long_or_too_short_fail(size: int, data: st.DataObject) -> None:
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    extra = data.draw(st.sampled_from(LEAVES))
    inclusion = merkle.inclusion_proof(index, size, LEAVES)
    consistency = merkle.consistency_proof(first, size, LEAVES)
    for wrong in ((*inclusion, extra), (extra, *inclusion), inclusion[:-1], inclusion[1:]):
        if wrong != inclusion:
            with pytest.raises(IntegrityError):
                merkle.verify_inclusion(LEAVES[index], index, size, wrong, ROOTS[size])
    for wrong in ((*consistency, extra), (extra, *consistency), consistency[:-1], consistency[1:]):
        if wrong != consistency:
            with pytest.raises(IntegrityError):
                merkle.verify_consistency(first, ROOTS[first], size, ROOTS[size], wrong)


def test_a_missing_consistency_proof_fails() -> None:
    for first in (3, 4):
        with pytest.raises(IntegrityError, match="too short"):
            merkle.verify_consistency(first, ROOTS[first], 7, ROOTS[7], ())


def test_a_rewritten_history_has_no_consistency_proof() -> None:
    fork = [*LEAVES[:5], merkle.leaf_hash(b"rewritten"), *LEAVES[6:20]]
    proof = merkle.consistency_proof(10, 20, fork)
    with pytest.raises(IntegrityError):
        merkle.verify_consistency(10, ROOTS[10], 20, merkle.root_of(fork), proof)


def test_an_empty_tree_is_the_beginning_of_any_but_proves_nothing() -> None:
    merkle.verify_consistency(0, merkle.EMPTY_ROOT, 5, ROOTS[5], ())
    merkle.verify_consistency(0, merkle.EMPTY_ROOT, 0, merkle.EMPTY_ROOT, ())
    for first_root, second, second_root, proof in (
        (LEAVES[0], 5, ROOTS[5], ()),
        (merkle.EMPTY_ROOT, 5, ROOTS[5], (LEAVES[0],)),
        (merkle.EMPTY_ROOT, 0, LEAVES[0], ()),
    ):
        with pytest.raises(IntegrityError, match="not consistent"):
            merkle.verify_consistency(0, first_root, second, second_root, proof)


def test_the_same_size_needs_the_same_root_and_no_proof() -> None:
    merkle.verify_consistency(4, ROOTS[4], 4, ROOTS[4], ())
    for root, proof in ((ROOTS[5], ()), (ROOTS[4], (LEAVES[0],))):
        with pytest.raises(IntegrityError, match="not consistent"):
            merkle.verify_consistency(4, ROOTS[4], 4, root, proof)


def test_hashes_of_another_length_prove_nothing() -> None:
    """Without this, an inner node's two halves could be cut elsewhere."""
    left, right = LEAVES[0], LEAVES[1]
    with pytest.raises(IntegrityError, match="32 bytes"):
        merkle.verify_inclusion(left[:16], 0, 2, (left[16:] + right,), ROOTS[2])
    with pytest.raises(IntegrityError, match="32 bytes"):
        merkle.verify_consistency(1, left, 2, ROOTS[2], (right[:31],))


def test_an_inner_node_is_no_leaf() -> None:
    """Second preimage: the two leaf hashes, presented as one entry, must not lead to the same root."""
    assert merkle.leaf_hash(LEAVES[0] + LEAVES[1]) != ROOTS[2]


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_there_is_no_proof_for_a_leaf_outside(index: int, size: int) -> None:
    with pytest.raises(InputError):
        merkle.inclusion_proof(index, size, LEAVES)
    with pytest.raises(IntegrityError):
        merkle.verify_inclusion(LEAVES[0], index, size, (), ROOTS[1])


@pytest.mark.parametrize(("first", "second"), [(3, 2), (-1, 2)])
def test_a_larger_tree_is_not_the_beginning_of_a_smaller(first: int, second: int) -> None:
    with pytest.raises(InputError):
        merkle.consistency_proof(first, second, LEAVES)
    with pytest.raises(IntegrityError):
        merkle.verify_consistency(first, ROOTS[1], second, ROOTS[2], ())
