"""Writes the golden ledger: what the demo's session gave with this release, as plain files.

usage: python tests/vectors/regenerate_ledger.py

A published vector is never regenerated for the same format: new releases must go on verifying the old one. Run this
only when a new format version gets a folder of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import conftest  # noqa: F401  makes the package importable
from comfy_provenance.provenance.canonical import is_sha256_hex
from comfy_provenance.provenance.seal import dsse
from comfy_provenance.provenance.store.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(__file__).resolve().parent / "ledger"


def digests(value: object) -> Iterator[str]:
    """Every SHA-256 that a document names."""
    if isinstance(value, dict):
        for item in value.values():
            yield from digests(item)
    elif isinstance(value, list):
        for item in value:
            yield from digests(item)
    elif is_sha256_hex(value):
        yield str(value)


def main() -> int:
    with tempfile.TemporaryDirectory() as base:
        subprocess.run(
            [sys.executable, str(ROOT), "demo", "--base-directory", base], check=True, stdout=subprocess.DEVNULL
        )
        ledger = Ledger.open(Path(base) / "user" / "__provenance", read_only=True)
        reader = ledger.reader()
        objects = TARGET / "objects"
        objects.mkdir(parents=True, exist_ok=True)
        for index in range(ledger.index.counts().entries):
            envelope = reader.entry(index)
            (TARGET / f"{index:08}.dsse.json").write_bytes(envelope)
            for digest in digests(json.loads(dsse.read_unverified(envelope).payload)):
                data = ledger.objects.get(digest)
                if data is not None:
                    (objects / f"{digest}.bin").write_bytes(data)
        (TARGET / "checkpoint").write_bytes(reader.checkpoint())
        (TARGET / "public.pem").write_text(ledger.public.pem, encoding="utf-8", newline="\n")
        ledger.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
