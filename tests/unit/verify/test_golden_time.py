"""Time-stamps and a cosignature as the first release wrote them: every later one finds the same bounds in them.

Their authority's certificate was valid for a few days in 2026. It has expired long since, and the tokens hold.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from comfy_provenance.provenance.errors import NotFound
from comfy_provenance.provenance.record import schema
from comfy_provenance.provenance.seal import checkpoint, cosign, timestamp
from comfy_provenance.provenance.seal.keys import public_from_pem
from comfy_provenance.provenance.verify.bounds import Bounds
from comfy_provenance.provenance.verify.verifier import Report, verify

GOLDEN = Path(__file__).resolve().parents[2] / "vectors" / "time"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
PUBLIC = public_from_pem((GOLDEN / "public.pem").read_text(encoding="utf-8"))
ROOTS = timestamp.read_roots((GOLDEN / "root.pem").read_bytes())
TOKENS = [path for path in sorted(GOLDEN.glob("*.bin")) if path.read_bytes()[:2] == b"\x30\x82"]


class Folder:
    """The golden files as the verifier reads a log; `changed` replaces the bytes of objects."""

    def __init__(self, changed: dict[str, bytes]) -> None:
        self._changed = changed

    def checkpoint(self) -> bytes:
        return (GOLDEN / "checkpoint").read_bytes()

    def entry(self, index: int) -> bytes:
        try:
            return (GOLDEN / f"{index:08}.dsse.json").read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"entry {index}") from error

    def object(self, digest: str) -> bytes | None:
        path = GOLDEN / f"{digest}.bin"
        return self._changed.get(digest, path.read_bytes() if path.is_file() else None)


def checked(changed: dict[str, bytes] | None = None, roots: timestamp.Roots | None = ROOTS) -> Report:
    return verify(Folder(changed or {}), PUBLIC, schema_check=schema.validate, roots=roots)


def test_the_bounds_of_every_entry_are_those_of_the_first_release() -> None:
    report = checked()
    assert (report.findings, report.ok, report.witnesses) == ((), True, 1)
    assert [each.trust.value for each in report.anchors] == ["trusted", "trusted"]
    bounds = Bounds(report.anchors)
    spans = [bounds.of(entry) for entry in range(report.entries)]
    told = [[each.after and each.after.earliest_ns, each.by and each.by.latest_ns] for each in spans]
    assert told == EXPECTED["spans"]


def test_without_roots_the_same_tokens_are_unchecked() -> None:
    report = checked(roots=None)
    assert [each.code for each in report.findings] == ["anchor-unchecked"]
    assert {each.trust.value for each in report.anchors} == {"unchecked"}


@pytest.mark.parametrize("path", TOKENS, ids=lambda path: path.name[:8])
def test_a_changed_token_is_found(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    report = checked({path.stem: bytes(data)})
    assert not report.ok and len(report.anchors) == 1


def test_the_fingerprint_and_the_witness_key_are_written_as_then() -> None:
    head = checkpoint.open((GOLDEN / "checkpoint").read_bytes(), PUBLIC)
    assert checkpoint.fingerprint(head) == EXPECTED["fingerprint"]
    name, public = cosign.read_vkey(EXPECTED["vkey"])
    assert (cosign.vkey(public, name), name) == (EXPECTED["vkey"], checkpoint.origin_of(public))
