"""How long a dossier of a whole ledger takes to write and to check, and how much memory, as the ledger grows.

usage: python bench/dossier.py [--runs N [N ...]] [--json] [--out DIR]

Each size is written and checked in processes of its own, so that their peaks of memory are told apart. The last run is
the work; its scope is the whole ledger, with a snapshot of 16.5 KB, a prompt and a thumbnail of 6 KB for each run.
KiB per run: how much more memory a size took than the one before it, for each run more.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import results
import series
from comfy_provenance.provenance.model import Kind
from comfy_provenance.provenance.present import dossiers, exporting
from comfy_provenance.provenance.present.refs import Resolver
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store.ledger import Ledger
from record import SEED, record


def main() -> int:
    parser = results.arguments(__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=[1000, 2000, 4000])
    parser.add_argument("--step", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(step(*arguments.step)))
        return 0
    rows: list[dict[str, Any]] = []
    for runs in arguments.runs:
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder) / "ledger", runs)
            told: dict[str, Any] = {"runs": runs}
            for name in ("export", "verify"):
                command = [sys.executable, __file__, "--step", name, folder, str(runs)]
                told |= json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                told[f"{name} KiB per run"] = slope(rows[-1], told, name) if rows else ""
            rows.append(told)
    return results.finish("dossier", rows, [], arguments)


def slope(before: dict[str, Any], now: dict[str, Any], name: str) -> float:
    """KiB of memory for each run that there is more."""
    return round(1024 * (now[f"{name} MiB"] - before[f"{name} MiB"]) / (now["runs"] - before["runs"]), 1)


def make(root: Path, runs: int) -> None:
    """A ledger of so many runs."""
    signer = Signer.from_seed(SEED)
    ledger = Ledger.create(root, signer, lambda _: series.genesis(signer))
    ledger.append(Kind.SESSION, lambda _: series.session())
    for run in series.Author(thumbnails=6000).runs(runs):
        record(ledger, run)
    ledger.close()


def step(name: str, folder: str, runs: str) -> dict[str, object]:
    """Export or verify, with the time on the wall and the peak of memory of this process."""
    path, before = Path(folder) / "dossier.zip", peak()
    start, core = time.perf_counter(), time.process_time()
    if name == "export":
        ledger = Ledger.open(Path(folder) / "ledger", read_only=True)
        resolver = Resolver(ledger.index)
        last = ledger.index.page(1)[0].id
        chosen = exporting.options(resolver, scope="ledger")
        signer = Signer.from_seed(SEED)
        exporting.export(ledger, exporting.works(resolver, [last]), chosen, path, signer, lambda *told: None)
        more = {"MB": round(path.stat().st_size / 1e6, 1)}
    else:
        found = dossiers.verify(path)
        if not found["ok"]:
            raise SystemExit(f"the dossier does not verify: {found['findings'][:3]}")
        more = {"entries": found["dossier"]["entries"]["shown"]}
    wall, core = time.perf_counter() - start, time.process_time() - core
    return {
        f"{name} s": round(wall, 2),
        f"{name} core s": round(core, 2),
        f"{name} MiB": round(peak() - before),
        **more,
    }


def peak() -> float:
    """Peak of memory so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    raise SystemExit(main())
