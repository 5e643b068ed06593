"""How fast a ledger is verified: every signature, place, link, schema, snapshot and thumbnail, on one core.

usage: python bench/verify.py [--runs N] [--repeat N] [--json]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import series
from comfy_provenance.provenance.model import Kind
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.provenance.verify import verifier
from record import SEED, record


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2500)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    signer = Signer.from_seed(SEED)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.create(Path(folder) / "ledger", signer, lambda _: series.genesis(signer))
        ledger.append(Kind.SESSION, lambda _: series.session())
        for run in series.Author(thumbnails=6000).runs(arguments.runs):
            record(ledger, run)
        for attempt in range(arguments.repeat):
            wall, core = time.perf_counter(), time.process_time()
            report = verifier.verify(ledger.reader(), signer.public)
            wall, core = time.perf_counter() - wall, time.process_time() - core
            if not report.ok:
                raise SystemExit(f"the ledger does not verify: {report.findings[:3]}")
            row = {"pass": attempt + 1, "entries": report.entries, "wall s": round(wall, 2), "core s": round(core, 2)}
            rows.append({**row, "entries/s": round(report.entries / wall), "per core": round(report.entries / core)})
        ledger.close()
    print(series.shown(rows, as_json=arguments.json))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
