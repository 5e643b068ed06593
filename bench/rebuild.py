"""How long the index of a ledger takes to be made again from its entries, and to be compared with them.

The ledger is real: signed entries with snapshots, recorded one by one without waiting for the disk.

usage: python bench/rebuild.py [--runs N] [--json] [--out DIR]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import results
import series
from comfy_provenance.provenance.model import Kind
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store.ledger import Ledger
from record import SEED, record


def told(done: int, total: int) -> None:
    """Progress, as a person would see it."""
    if done == total or done % 20_000 == 0:
        print(f"{done} of {total} entries", file=sys.stderr)


def timed(name: str, entries: int, action: Callable[[], object]) -> dict[str, Any]:
    wall, core = time.perf_counter(), time.process_time()
    action()
    wall, core = time.perf_counter() - wall, time.process_time() - core
    return {"what": name, "entries": entries, "wall s": round(wall, 1), "core s": round(core, 1)}


def main() -> int:
    parser = results.arguments(__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    options = parser.parse_args()
    signer = Signer.from_seed(SEED)
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.create(Path(folder) / "ledger", signer, lambda _: series.genesis(signer))
        ledger.append(Kind.SESSION, lambda _: series.session())
        ledger._database._writer.connection.execute("PRAGMA synchronous=OFF").close()
        for run in series.Author().runs(options.runs):
            record(ledger, run)
        entries = ledger.index.counts().entries
        rows = [timed("made again", entries, lambda: ledger.rebuild_index(told))]
        rows.append(timed("compared", entries, lambda: list(ledger.check_index(told))))
        ledger.close()
    per_core = round(entries / rows[0]["core s"])
    goals = [results.Goal("entries indexed again per second and core", per_core, least=2000)]
    return results.finish("rebuild", rows, goals, options)


if __name__ == "__main__":
    raise SystemExit(main())
