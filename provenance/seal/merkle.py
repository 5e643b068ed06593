"""The RFC 6962 / RFC 9162 Merkle tree: roots, inclusion proofs, consistency proofs.

Hashes are 32 raw bytes. Proofs list hashes from the leaves up, as the RFCs do. Making a proof reads the leaf
hashes it covers, O(n); checking one takes O(log n). `leaf_hash(data)` and `node_hash` are domain-separated, so that
a node can never be passed off as an entry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..errors import InputError, IntegrityError

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

LeafHashes = Callable[[int], bytes] | Sequence[bytes]


def leaf_hash(data: bytes) -> bytes:
    """Hash of one entry: SHA-256(0x00 || data), RFC 9162 section 2.1.1."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01 || left || right), RFC 9162 section 2.1.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that is needed to append to a tree and to know its root: one hash per perfect subtree, largest first.

    A value: `append` returns the next frontier and leaves this one as it was, so a failed transaction loses nothing.
    """

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> Frontier:
        """The frontier after one more leaf hash. At most log2(size) hashes; one on average."""
        keep, full = len(self.nodes), self.size
        while full & 1:
            keep -= 1
            leaf = node_hash(self.nodes[keep], leaf)
            full >>= 1
        return Frontier(self.size + 1, (*self.nodes[:keep], leaf))

    @property
    def root(self) -> bytes:
        """Root of the tree, RFC 9162 section 2.1.1; the hash of nothing for an empty one."""
        if not self.nodes:
            return EMPTY_ROOT
        root = self.nodes[-1]
        for node in self.nodes[-2::-1]:
            root = node_hash(node, root)
        return root

    def to_bytes(self) -> bytes:
        """The size as 8 bytes, big-endian, then the nodes."""
        return self.size.to_bytes(8, "big") + b"".join(self.nodes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """Read what `to_bytes` wrote. Raises IntegrityError when the length does not fit the size.

        Not checked: that the nodes are those of any real tree.
        """
        size = int.from_bytes(data[:8], "big")
        if len(data) != 8 + HASH_SIZE * size.bit_count():
            raise IntegrityError("stored tree frontier has the wrong length")
        return cls(size, tuple(data[at : at + HASH_SIZE] for at in range(8, len(data), HASH_SIZE)))


class Tree:
    """All nodes of perfect subtrees over a fixed list of leaf hashes: many proofs for the price of one.

    Takes 64 bytes per leaf; a proof takes O(log n) steps.
    """

    def __init__(self, leaf_hashes: Iterable[bytes]) -> None:
        self._levels = [bytearray(b"".join(leaf_hashes))]
        while len(below := self._levels[-1]) >= 2 * HASH_SIZE:
            pairs = range(0, len(below) - HASH_SIZE, 2 * HASH_SIZE)
            nodes = (hashlib.sha256(b"\x01" + below[at : at + 2 * HASH_SIZE]).digest() for at in pairs)
            self._levels.append(bytearray(b"".join(nodes)))

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0]) // HASH_SIZE

    @property
    def root(self) -> bytes:
        """Root of the tree, RFC 9162 section 2.1.1."""
        return self._root(0, self.size) if self.size else EMPTY_ROOT

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """The same as the function `inclusion_proof` over all leaves. Raises InputError unless 0 <= index < size."""
        if not 0 <= index < self.size:
            raise InputError(f"no leaf {index} in a tree of {self.size}")
        low, high, proof = 0, self.size, list[bytes]()
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                proof.append(self._root(middle, high))
                high = middle
            else:
                proof.append(self._root(low, middle))
                low = middle
        return tuple(reversed(proof))

    def _root(self, low: int, high: int) -> bytes:
        """Root over leaves low to high - 1; low is a multiple of the smallest power of two not below the width."""
        width = high - low
        if width & (width - 1) == 0:
            at = (low // width) * HASH_SIZE
            return bytes(self._levels[width.bit_length() - 1][at : at + HASH_SIZE])
        middle = low + _split(width)
        return node_hash(self._root(low, middle), self._root(middle, high))


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """Root of the tree over these leaf hashes."""
    frontier = Frontier()
    for leaf in leaf_hashes:
        frontier = frontier.append(leaf)
    return frontier.root


def inclusion_proof(index: int, size: int, leaf_hashes: LeafHashes) -> tuple[bytes, ...]:
    """Prove that leaf `index` is in the tree of the first `size` leaves, RFC 9162 section 2.1.3.1.

    Raises InputError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise InputError(f"no leaf {index} in a tree of {size}")
    low, high, proof = 0, size, list[bytes]()
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            proof.append(_range_root(leaf_hashes, middle, high))
            high = middle
        else:
            proof.append(_range_root(leaf_hashes, low, middle))
            low = middle
    return tuple(reversed(proof))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check an inclusion proof, RFC 9162 section 2.1.3.2. Raises IntegrityError."""
    if not 0 <= index < size:
        raise IntegrityError(f"no leaf {index} in a tree of {size}")
    _check_sizes((leaf, root, *proof))
    position, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise IntegrityError("inclusion proof is too long")
        if position & 1 or position == last:
            computed = node_hash(sibling, computed)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise IntegrityError("inclusion proof is too short")
    if computed != root:
        raise IntegrityError("inclusion proof does not lead to the root")


def consistency_proof(first: int, second: int, leaf_hashes: LeafHashes) -> tuple[bytes, ...]:
    """Prove that the tree of `first` leaves is the beginning of the tree of `second`, RFC 9162 section 2.1.4.1.

    Empty for equal sizes and for an empty first tree. Raises InputError unless 0 <= first <= second.
    """
    if not 0 <= first <= second:
        raise InputError(f"a tree of {first} is not the beginning of a tree of {second}")
    if first == 0:
        return ()
    low, high, proof = 0, second, list[bytes]()
    while high != first:
        middle = low + _split(high - low)
        if first <= middle:
            proof.append(_range_root(leaf_hashes, middle, high))
            high = middle
        else:
            proof.append(_range_root(leaf_hashes, low, middle))
            low = middle
    if low:  # else the remaining subtree is the whole first tree, whose root the verifier has
        proof.append(_range_root(leaf_hashes, low, high))
    return tuple(reversed(proof))


def verify_consistency(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> None:
    """Check a consistency proof, RFC 9162 section 2.1.4.2. Raises IntegrityError.

    For an empty first tree nothing can be proved about the second; its root must be the empty root.
    """
    if not 0 <= first <= second:
        raise IntegrityError(f"a tree of {first} is not the beginning of a tree of {second}")
    _check_sizes((first_root, second_root, *proof))
    if first in (0, second):
        expected = EMPTY_ROOT if first == 0 else second_root
        if proof or first_root != expected or (second == 0 and second_root != EMPTY_ROOT):
            raise IntegrityError("trees are not consistent")
        return
    path = (first_root, *proof) if first.bit_count() == 1 else tuple(proof)
    if not path:
        raise IntegrityError("consistency proof is too short")
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise IntegrityError("consistency proof is too long")
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise IntegrityError("consistency proof is too short")
    if old != first_root or new != second_root:
        raise IntegrityError("trees are not consistent")


def _split(width: int) -> int:
    """The largest power of two smaller than `width`, for width > 1."""
    return 1 << ((width - 1).bit_length() - 1)


def _range_root(leaf_hashes: LeafHashes, low: int, high: int) -> bytes:
    at = leaf_hashes if callable(leaf_hashes) else leaf_hashes.__getitem__
    return root_of(at(index) for index in range(low, high))


def _check_sizes(hashes: Iterable[bytes]) -> None:
    if any(len(value) != HASH_SIZE for value in hashes):
        raise IntegrityError("a tree hash must be 32 bytes")
