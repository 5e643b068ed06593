"""What the index answers, and how fast, in ledgers of different sizes.

The ledgers are made up: index rows as entries would give them, without the entries' signatures and snapshots, which
no question here reads. Each question is asked about things spread over the whole ledger; p50 over all of them.

usage: python bench/queries.py [--sizes 10000 100000] [--times N] [--json] [--out DIR]
"""

from __future__ import annotations

import itertools
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import results
import series
from comfy_provenance.provenance.lineage.graph import ancestry
from comfy_provenance.provenance.model import Kind
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store import tables
from comfy_provenance.provenance.store.index_rows import Statement, rows_of
from comfy_provenance.provenance.store.ledger import Ledger
from record import SEED

BATCH = 500
KEPT = 4000  # runs that questions are asked about


def fill(ledger: Ledger, runs: int) -> list[series.Run]:
    """Write the index rows of this many runs; give some of the runs back."""
    database, writer = ledger._database, ledger._index_writer
    entry = database.statement(tables.entries.insert())
    author, kept, seq, started = series.Author(snapshots=False), [], 1, time.monotonic()
    remaining = runs
    for pragma in ("synchronous=OFF", "cache_size=-400000"):  # a made-up ledger need not survive a power cut
        database._writer.connection.execute(f"PRAGMA {pragma}").close()
    while remaining > 0:
        rows, entries = [], []
        for run in author.runs(min(BATCH, remaining)):
            for kind, body in ((Kind.SUBMISSION, run.submission), (Kind.COMPLETION, run.completed(seq - 1))):
                seq += 1
                values = {"writer": 1, "number": seq - 1, "kind": kind.value, "leaf": bytes(32), "envelope": bytes(300)}
                entries.append({"seq": seq, **values})
                rows.append(rows_of(seq, Statement(kind, body[1])))
            if random.random() < KEPT / runs:
                kept.append(run)
        with database.write() as connection:
            entry.run_many(connection, entries)
            writer.keep(connection, rows)
        remaining -= BATCH
    print(f"{runs} runs made in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return kept


def page(ledger: Ledger, before: int) -> None:
    runs = [run.id for run in ledger.index.page(50, before)]
    ledger.index.outputs(*runs)
    ledger.index.summaries(runs)


def questions(ledger: Ledger, runs: list[series.Run], size: int) -> dict[str, Callable[[], object]]:
    index = ledger.index
    facts = itertools.cycle([run.outputs[0].facts for run in runs])
    words = itertools.cycle(["crystal pendant", "amber moonlight", "hand carved"])
    chinese = itertools.cycle(["猫水晶", "月光", "光影"])
    rare = itertools.cycle(["kalomi", "ellellell", "shawen brikalo"])

    def fact() -> Any:
        return next(facts)

    return {
        "page of 50 runs": lambda: page(ledger, random.randrange(size, 2 * size)),
        "ancestry of an output": lambda: ancestry(index, f"sha256:{fact().sha256}"),
        "search: two words": lambda: index.search(next(words)),
        "search: a rare word, or part of one": lambda: index.search(next(rare)),
        "search: a word that is not there": lambda: index.search("zeppelin"),
        "search: Chinese": lambda: index.search(next(chinese)),
        "from its bytes": lambda: index.outputs_by_digest(fact().sha256),
        "from its pixels": lambda: index.outputs_by_pixels(fact().pixels),
        "from its looks": lambda: index.outputs_by_perceptual(fact().perceptual, 10),
    }


def p50(action: Callable[[], object], times: int) -> float:
    spent = []
    for _ in range(times):
        start = time.perf_counter_ns()
        action()
        spent.append((time.perf_counter_ns() - start) / 1e6)
    return round(statistics.median(spent), 2)


def main() -> int:
    parser = results.arguments(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--times", type=int, default=60)
    arguments = parser.parse_args()
    random.seed(1)
    signer = Signer.from_seed(SEED)
    found: dict[str, dict[str, Any]] = {}
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            ledger = Ledger.create(Path(folder) / "ledger", signer, lambda _: series.genesis(signer))
            runs = fill(ledger, size)
            for question, ask in questions(ledger, runs, size).items():
                found.setdefault(question, {"p50 ms": question})[f"{size:,} runs"] = p50(ask, arguments.times)
            ledger.close()
    return results.finish("queries", list(found.values()), list(goals(found, arguments.sizes)), arguments)


def goals(found: dict[str, dict[str, Any]], sizes: list[int]) -> Iterator[results.Goal]:
    least, most = (f"{size:,} runs" for size in (min(sizes), max(sizes)))
    for question, row in found.items():
        yield results.Goal(f"{question}, ms at {most}", row[most], most=10)
    for question in ("page of 50 runs", "ancestry of an output") if least != most else ():
        growth = round(found[question][most] / found[question][least], 2)
        yield results.Goal(f"{question}: {most} beside {least}", growth, most=2)


if __name__ == "__main__":
    raise SystemExit(main())
