"""What recording one run costs, beside the floor under it.

One run is a submission and a completion with their snapshot: validated, signed, hashed into the tree, indexed, durable.
The floor is the least that could be called a signed, durable record of the same bytes: two SQLite transactions (WAL,
`synchronous=FULL`) into a table without index, one SHA-256 and one Ed25519 signature each. Both alternate, run by run,
on the same disk, so that whatever else the machine does hits both.

usage: python bench/record.py [--runs N] [--folder DIR] [--json] [--out DIR]
"""

from __future__ import annotations

import hashlib
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import results
import series
from comfy_provenance.provenance.canonical import statement_bytes
from comfy_provenance.provenance.model import Kind
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store.ledger import Ledger

SEED = b"benchmark key, never used elsewhere"[:32]
WARM_UP = 50


class Floor:
    """A table, a key and a hash."""

    def __init__(self, path: Path, signer: Signer) -> None:
        self._signer = signer
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=4000"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, sha256 BLOB, signature BLOB, data BLOB)")

    def append(self, data: bytes) -> None:
        digest = hashlib.sha256(data).digest()
        self._connection.execute("BEGIN IMMEDIATE")
        values = (digest, self._signer.sign(digest), data)
        self._connection.execute("INSERT INTO log (sha256, signature, data) VALUES (?, ?, ?)", values)
        self._connection.execute("COMMIT")


def record(ledger: Ledger, run: series.Run) -> None:
    """One run as the pipeline writes it."""
    documents = [(data, "application/json") for data in run.documents.values()]
    submission = ledger.append(Kind.SUBMISSION, lambda _: run.submission, objects=documents)
    body = run.completed(submission.index)
    thumbnails = [(run.thumbnail, "image/webp")] if run.thumbnail else []
    ledger.append(Kind.COMPLETION, lambda _: body, objects=thumbnails)


def timed(action: Callable[..., object], *arguments: object) -> float:
    start = time.perf_counter_ns()
    action(*arguments)
    return (time.perf_counter_ns() - start) / 1e6


def summary(name: str, spent: list[float]) -> dict[str, Any]:
    ordered = sorted(spent)
    figures = {
        "min": ordered[0],
        "p50": statistics.median(ordered),
        "mean": statistics.fmean(ordered),
        "p99": ordered[int(len(ordered) * 0.99)],
    }
    return {"ms": name, **{key: round(value, 3) for key, value in figures.items()}}


def main() -> int:
    parser = results.arguments(__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--folder", type=Path, help="where to write; the system's temporary folder when left out")
    arguments = parser.parse_args()
    signer = Signer.from_seed(SEED)
    floor_ms, ours_ms = [], []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        floor = Floor(Path(folder) / "floor.sqlite3", signer)
        ledger = Ledger.create(Path(folder) / "ledger", signer, lambda _: series.genesis(signer))
        ledger.append(Kind.SESSION, lambda _: series.session())
        for run in series.Author().runs(arguments.runs + WARM_UP):
            first = b"".join((*run.documents.values(), statement_bytes(run.submission)))
            second = statement_bytes(run.completed(1))
            floor_ms.append(timed(floor.append, first) + timed(floor.append, second))
            ours_ms.append(timed(record, ledger, run))
        ledger.close()
    floor_row, ours_row = (
        summary(name, spent[WARM_UP:]) for name, spent in (("floor", floor_ms), ("recorded", ours_ms))
    )
    ratio = {key: round(ours_row[key] / floor_row[key], 2) for key in floor_row if key != "ms"}
    rows = [floor_row, ours_row, {"ms": "ratio", **ratio}]
    goals = [results.Goal("one run recorded, times the floor, median", ratio["p50"], most=2)]
    return results.finish("record", rows, goals, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
