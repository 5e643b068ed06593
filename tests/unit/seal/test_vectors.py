"""The bytes in `tests/vectors/seal` are read and made exactly as they were when they were written."""

from __future__ import annotations

import base64
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from comfy_provenance.provenance.seal import checkpoint, dsse, keys, merkle
from comfy_provenance.provenance.seal.keys import PublicKey, Signer

VECTORS = Path(__file__).resolve().parents[2] / "vectors"


def _part(name: str, part: str) -> list[dict[str, Any]]:
    document = json.loads((VECTORS / "seal" / f"{name}.json").read_text(encoding="utf-8"))
    cases: list[dict[str, Any]] = document[part]
    assert cases
    return cases


@pytest.mark.parametrize("name", ["keys", "dsse", "merkle", "checkpoint"])
def test_golden_vectors_are_made_byte_for_byte(name: str) -> None:
    spec = importlib.util.spec_from_file_location("regenerate_vectors", VECTORS / "regenerate.py")
    assert spec is not None and spec.loader is not None
    regenerate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(regenerate)
    before, after = regenerate.regenerated(name)
    assert after == before


@pytest.mark.parametrize("case", _part("keys", "published"), ids=lambda case: case["public"][:8])
def test_rfc_8032_keys_and_signatures(case: dict[str, str]) -> None:
    signer = Signer.from_seed(bytes.fromhex(case["seed"]))
    message, signature = bytes.fromhex(case["message"]), bytes.fromhex(case["signature"])
    assert signer.public.raw.hex() == case["public"]
    assert signer.sign(message) == signature
    signer.public.verify(signature, message)


def test_golden_keys_are_read() -> None:
    for case in _part("keys", "golden"):
        assert keys.public_from_pem(case["expected"]["pem"]).key_id == case["expected"]["key_id"]


def test_dsse_specification() -> None:
    for case in _part("dsse", "published"):
        assert dsse.pae(case["payload"].encode(), case["payload_type"]) == case["pae"].encode()


def test_golden_envelopes_open() -> None:
    for case in _part("dsse", "golden"):
        public = Signer.from_seed(bytes.fromhex(case["input"]["seed"])).public
        payload = dsse.open(case["expected"]["envelope"].encode(), public)
        assert payload == case["expected"]["payload"].encode()
        assert dsse.parse_strict(payload)["predicate"] == case["input"]["predicate"]


def test_certificate_transparency_reference_tree() -> None:
    for case in _part("merkle", "published"):
        leaves = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in case["leaves"]]
        roots = [bytes.fromhex(root) for root in case["roots"]]
        for size, root in enumerate(roots):
            assert merkle.root_of(leaves[:size]) == root
            for index in range(size):
                merkle.verify_inclusion(leaves[index], index, size, merkle.inclusion_proof(index, size, leaves), root)
            for first in range(size + 1):
                merkle.verify_consistency(
                    first, roots[first], size, root, merkle.consistency_proof(first, size, leaves)
                )


def test_golden_proofs_verify() -> None:
    for case in _part("merkle", "golden"):
        size, index, first = (case["input"][name] for name in ("size", "index", "first"))
        leaves = [merkle.leaf_hash(b"entry %d" % number) for number in range(size)]
        expected = case["expected"]
        root = bytes.fromhex(expected["root"])
        merkle.verify_inclusion(leaves[index], index, size, [bytes.fromhex(h) for h in expected["inclusion"]], root)
        proof = [bytes.fromhex(value) for value in expected["consistency"]]
        merkle.verify_consistency(first, merkle.root_of(leaves[:first]), size, root, proof)
        assert merkle.Frontier.from_bytes(bytes.fromhex(expected["frontier"])).root == root


def test_go_note_examples() -> None:
    for case in _part("checkpoint", "published"):
        key = PublicKey(base64.b64decode(case["vkey"].split("+", 2)[2])[1:])
        assert checkpoint.vkey(key, case["name"]) == case["vkey"]
        signature = base64.b64decode(case["signature"])
        assert signature[:4] == checkpoint.key_hash(case["name"], key)
        key.verify(signature[4:], case["text"].encode())


def test_golden_checkpoints_open() -> None:
    for case in _part("checkpoint", "golden"):
        public = Signer.from_seed(bytes.fromhex(case["input"]["seed"])).public
        opened = checkpoint.open(case["expected"]["note"].encode(), public, case["expected"]["origin"])
        assert (opened.size, opened.root.hex()) == (case["input"]["size"], case["input"]["root"])
