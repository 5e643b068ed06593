"""Writes a small log with time-stamps and a witness as plain files, from authorities that exist for a moment only.

usage: python tests/vectors/regenerate_time.py

A published vector is never regenerated for the same format: new releases must go on verifying the old one. Run this
only when a new format version gets a folder of its own.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import conftest  # noqa: F401  makes the package importable
from comfy_provenance.provenance.seal import checkpoint, cosign, timestamp
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.verify.bounds import Bounds
from comfy_provenance.tests.authorities import UTC, Pki
from comfy_provenance.tests.unit.verify.simulator import SECOND, SimulatedLog

TARGET = Path(__file__).resolve().parent / "time"
WITNESS = Signer.from_seed(b"\x02" * 32)


def main() -> None:
    log = SimulatedLog(seed=1)
    log.genesis()
    log.event("start")
    log.complete("e1", log.submit("e1"))
    with tempfile.TemporaryDirectory() as folder:
        pki = Pki(Path(folder))
        # valid for a few days around the log's own clock: long expired for whoever verifies this later
        now = datetime.datetime.now(UTC)
        since = (datetime.datetime.fromtimestamp(log.now.wall_ns // SECOND, UTC) - now).days
        signer = pki.signer(since=since - 3, until=since + 3)
        for nonce, accuracy in ((0x1F00D, 1), (None, None)):
            at = datetime.datetime.fromtimestamp(log.now.wall_ns // SECOND + 1, UTC)
            digest = hashlib.sha256(log.note).digest()
            token = pki.forge(digest, at=at, signer=signer, nonce=nonce, accuracy_s=accuracy)
            log.anchor(token, log.note, requested=nonce is not None)
            log.complete(f"e{log.tree.size}", log.submit(f"e{log.tree.size}"))
        (TARGET / "root.pem").write_bytes(pki.root.read_bytes())
    name = checkpoint.origin_of(WITNESS.public)
    at_s = log.now.wall_ns // SECOND
    log.witness(cosign.add(log.note, log.public, name, WITNESS, at_s), name, WITNESS.public, at_s)
    log.event("stop")
    for number, envelope in enumerate(log.entries):
        (TARGET / f"{number:08d}.dsse.json").write_bytes(envelope)
    for digest_hex, data in log.objects.items():
        (TARGET / f"{digest_hex}.bin").write_bytes(data)
    (TARGET / "checkpoint").write_bytes(log.note)
    (TARGET / "public.pem").write_text(log.public.pem, encoding="ascii")
    roots = timestamp.read_roots((TARGET / "root.pem").read_bytes())
    bounds = Bounds(log.verify(roots=roots).anchors)
    spans = [bounds.of(entry) for entry in range(log.tree.size)]
    told = [[each.after and each.after.earliest_ns, each.by and each.by.latest_ns] for each in spans]
    head = checkpoint.open(log.note, log.public)
    expected = {"spans": told, "fingerprint": checkpoint.fingerprint(head), "vkey": cosign.vkey(WITNESS.public, name)}
    (TARGET / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    if any(TARGET.iterdir()):
        sys.exit(f"{TARGET} is not empty: a golden vector is not written again")
    main()
