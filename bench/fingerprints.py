"""Model files hashed as the pack hashes them, beside SHA-256 alone and beside reading alone; and a second start.

usage: python bench/fingerprints.py [--megabytes N] [--folder DIR] [--json] [--out DIR]
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import results

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import conftest  # noqa: F401  makes the package importable
from comfy_provenance.provenance.pipeline.fingerprint import CHUNK, Fingerprinted, Fingerprints, ModelFile

MEBIBYTE = 1 << 20


def speed(size: int, action: Callable[[], object], passes: int = 3) -> float:
    """MiB per second, the best of some passes: the first may wait for the disk."""
    spent = []
    for _ in range(passes):
        start = time.perf_counter()
        action()
        spent.append(time.perf_counter() - start)
    return round(size / MEBIBYTE / min(spent), 1)


def read(path: Path) -> None:
    buffer = bytearray(CHUNK)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def main() -> int:
    parser = results.arguments(__doc__)
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--folder", type=Path, help="where the file is made; the system's temporary folder if left out")
    options = parser.parse_args()
    size, block = options.megabytes * MEBIBYTE, os.urandom(CHUNK)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "model.safetensors"
        with path.open("wb") as file:
            for _ in range(size // CHUNK):
                file.write(block)
        stat = path.stat()
        found: list[Fingerprinted] = []
        hashing = Fingerprints(found.append, lambda: 0)
        version = ModelFile("checkpoints", path.name, stat.st_size, stat.st_mtime_ns, path)
        ours = speed(stat.st_size, lambda: hashing.handle(version))
        reading = speed(stat.st_size, lambda: read(path))
    sha256 = speed(size, lambda: [hashlib.sha256(block) for _ in range(size // CHUNK)])
    rows = [
        {"what": "fingerprinted", "MiB/s": ours},
        {"what": "SHA-256 alone", "MiB/s": sha256},
        {"what": "read alone", "MiB/s": reading},
    ]
    limit = min(sha256, reading)
    goals = [results.Goal("fingerprints, of the slower of disk and SHA-256", round(ours / limit, 2), least=0.8)]
    return results.finish("fingerprints", rows, goals, options)


if __name__ == "__main__":
    raise SystemExit(main())
