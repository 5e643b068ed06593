"""Proof files (C2SP tlog-proof) and the tree that makes many of them."""

from __future__ import annotations

import hashlib

import pytest
from comfy_provenance.provenance.errors import InputError, IntegrityError
from comfy_provenance.provenance.seal import merkle, tlog_proof

LEAVES = [merkle.leaf_hash(bytes([number])) for number in range(70)]
NOTE = b"example.com/log\n1\nAAAA\n\n\xe2\x80\x94 example.com/log AAAAAAA=\n"


@pytest.mark.parametrize("size", [*range(1, 18), 31, 32, 33, 63, 64, 65, 70])
def test_the_tree_gives_the_root_and_the_proofs_of_the_functions(size):
    tree = merkle.Tree(LEAVES[:size])
    assert (tree.size, tree.root) == (size, merkle.root_of(LEAVES[:size]))
    for index in range(size):
        proof = tree.inclusion_proof(index)
        assert proof == merkle.inclusion_proof(index, size, LEAVES)
        merkle.verify_inclusion(LEAVES[index], index, size, proof, tree.root)


def test_an_empty_tree_has_the_empty_root_and_no_proofs():
    tree = merkle.Tree([])
    assert tree.root == hashlib.sha256(b"").digest()
    with pytest.raises(InputError):
        tree.inclusion_proof(0)


@pytest.mark.parametrize("hashes", [(), LEAVES[:1], LEAVES[:6]])
def test_a_proof_file_reads_back_as_written(hashes):
    data = tlog_proof.write(12, hashes, NOTE)
    assert data.startswith(b"c2sp.org/tlog-proof@v1\nindex 12\n")
    assert tlog_proof.read(data) == tlog_proof.TlogProof(12, tuple(hashes), NOTE)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"c2sp.org/tlog-proof@v2\nindex 1\n\n" + NOTE,
        b"c2sp.org/tlog-proof@v1\nindex 01\n\n" + NOTE,
        b"c2sp.org/tlog-proof@v1\nindex -1\n\n" + NOTE,
        b"c2sp.org/tlog-proof@v1\nextra AAAA\nindex 1\n\n" + NOTE,
        b"c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\n" + NOTE,
        b"c2sp.org/tlog-proof@v1\nindex 1\nnot base64\n\n" + NOTE,
        b"c2sp.org/tlog-proof@v1\r\nindex 1\r\n\r\n" + NOTE,
        b"c2sp.org/tlog-proof@v1\nindex 1\n" + b"A" * 43 + b"=",
        b"c2sp.org/tlog-proof@v1\nindex \xff\n\n" + NOTE,
    ],
)
def test_what_is_no_proof_file_is_refused(data):
    with pytest.raises(IntegrityError):
        tlog_proof.read(data)
