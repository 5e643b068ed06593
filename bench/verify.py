"""How fast a ledger is verified: every signature, place, link, schema, snapshot and thumbnail, on one core;
and going on from an earlier check, where entries are only compared with what was verified then.

usage: python bench/verify.py [--runs N] [--repeat N] [--json] [--out DIR]
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import results
import series
from comfy_provenance.provenance.model import Kind
from comfy_provenance.provenance.seal.checkpoint import Checkpoint
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.provenance.verify import verifier
from record import SEED, record


def timed(name: str, check: Callable[[], verifier.Report]) -> dict[str, Any]:
    wall, core = time.perf_counter(), time.process_time()
    report = check()
    wall, core = time.perf_counter() - wall, time.process_time() - core
    if not report.ok:
        raise SystemExit(f"the ledger does not verify: {report.findings[:3]}")
    row = {"check": name, "entries": report.entries, "wall s": round(wall, 2), "core s": round(core, 2)}
    return {**row, "entries/s": round(report.entries / wall), "per core": round(report.entries / core)}


def main() -> int:
    parser = results.arguments(__doc__)
    parser.add_argument("--runs", type=int, default=2500)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    signer = Signer.from_seed(SEED)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.create(Path(folder) / "ledger", signer, lambda _: series.genesis(signer))
        ledger.append(Kind.SESSION, lambda _: series.session())
        for run in series.Author(thumbnails=6000).runs(arguments.runs):
            record(ledger, run)
        for attempt in range(arguments.repeat):
            rows.append(timed(str(attempt + 1), lambda: verifier.verify(ledger.reader(), signer.public)))
        heads: list[Checkpoint] = []
        verifier.verify(ledger.reader(), signer.public, reached=heads.append)
        rows.append(timed("resumed", lambda: verifier.verify(ledger.reader(), signer.public, verified=heads[-1])))
        ledger.close()
    best = max(row["per core"] for row in rows if row["check"] != "resumed")
    goals = [results.Goal("entries verified per second and core", best, least=5000)]
    return results.finish("verify", rows, goals, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
