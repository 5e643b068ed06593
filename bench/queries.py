"""What the index answers, and how fast, in ledgers of different sizes.

The ledgers are made up: index rows as entries would give them, without the entries' signatures and snapshots, which
no question here reads. Each question is asked about things spread over the whole ledger, and of all ledgers in turn, so
that what else the machine does falls on all of them alike. Ancestries are those of about a hundred things: older
outputs have more to come from, in a larger ledger too, and that is not what is compared. p50, of the processor's time
and on the clock; the goals are for the former, which others that use the machine lengthen less.

usage: python bench/queries.py [--sizes 10000 100000] [--times N] [--ledgers DIR] [--json] [--out DIR]
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
from comfy_provenance.provenance.store.rows import OutputRow
from record import SEED

BATCH = 500
THINGS = range(70, 131)  # in the ancestries that are asked for
WARM = 100  # outputs that are asked for first, as they are in a ledger that is in use
Ask = Callable[[], object]


def fill(ledger: Ledger, runs: int) -> None:
    """Write the index rows of this many runs."""
    database, writer = ledger._database, ledger._index_writer
    entry = database.statement(tables.entries.insert())
    author, seq, started = series.Author(snapshots=False), 1, time.monotonic()
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
        with database.write() as connection:
            entry.run_many(connection, entries)
            writer.keep(connection, rows)
        remaining -= BATCH
    print(f"{runs} runs made in {time.monotonic() - started:.0f} s", file=sys.stderr)


def opened(folder: Path, runs: int) -> Ledger:
    """A ledger of this many runs, made unless it is there."""
    place, signer = folder / f"{runs}-runs", Signer.from_seed(SEED)
    if not place.exists():
        made = folder / "unfinished"
        ledger = Ledger.create(made, signer, lambda _: series.genesis(signer))
        fill(ledger, runs)
        ledger.close()
        made.rename(place)
    return Ledger.open(place, read_only=True)


def some_outputs(ledger: Ledger, newest: int, dice: random.Random) -> Iterator[OutputRow]:
    """Outputs from anywhere in the ledger, without end."""
    while True:
        yield from ledger.index.outputs(*(run.id for run in ledger.index.page(1, dice.randint(3, newest))))


def page(ledger: Ledger, before: int) -> None:
    runs = [run.id for run in ledger.index.page(50, before)]
    ledger.index.outputs(*runs)
    ledger.index.summaries(runs)


def questions(ledger: Ledger, times: int) -> dict[str, Ask]:
    index, dice = ledger.index, random.Random(1)
    newest = index.page(1)[0].ordinal
    outputs = some_outputs(ledger, newest, dice)
    for output in itertools.islice(outputs, WARM):
        ancestry(index, f"sha256:{output.sha256}")
    named = (f"sha256:{output.sha256}" for output in outputs)
    wide = list(itertools.islice((name for name in named if len(ancestry(index, name).nodes) in THINGS), times))
    names, facts = itertools.cycle(wide), itertools.cycle(list(itertools.islice(outputs, times)))

    def search(*texts: str) -> Ask:
        asked = itertools.cycle(texts)
        return lambda: index.search(next(asked))

    def fact() -> Any:
        return next(facts)

    return {
        "page of 50 runs": lambda: page(ledger, dice.randint(newest // 2, newest)),
        "ancestry of an output": lambda: ancestry(index, next(names)),
        "search: two frequent words": search("crystal pendant", "amber moonlight", "hand carved", "the cat"),
        "search: a word of every tenth text": search("carved", "moonlight", "kalomi"),
        "search: words of every run": search("low quality", "watermark"),
        "search: a rare word, or part of one": search("kalomi", "ellellell", "shawen brikalo"),
        "search: a word that is not there": search("zeppelin"),
        "search: Chinese": search("猫水晶", "月光", "光影"),
        "from its bytes": lambda: index.outputs_by_digest(fact().sha256),
        "from its pixels": lambda: index.outputs_by_pixels(fact().pixels),
        "from its looks": lambda: index.outputs_by_perceptual(fact().perceptual, 10),
    }


def timed(action: Ask) -> tuple[float, float]:
    """Milliseconds of the processor, and on the clock."""
    wall, core = time.perf_counter_ns(), time.process_time_ns()
    action()
    return (time.process_time_ns() - core) / 1e6, (time.perf_counter_ns() - wall) / 1e6


def p50s(asked: list[Ask], times: int) -> list[tuple[float, float]]:
    """Medians for each of the same question's ledgers, asked in turn."""
    spent: list[list[tuple[float, float]]] = [[] for _ in asked]
    for _ in range(times):
        for ask, into in zip(asked, spent, strict=True):
            into.append(timed(ask))
    return [
        (statistics.median(core for core, _ in each), statistics.median(wall for _, wall in each)) for each in spent
    ]


def main() -> int:
    parser = results.arguments(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--times", type=int, default=60)
    parser.add_argument(
        "--ledgers", type=Path, metavar="DIR", help="keep the made-up ledgers there, and use them again"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kept = arguments.ledgers or Path(folder)
        kept.mkdir(parents=True, exist_ok=True)
        ledgers = {size: opened(kept, size) for size in arguments.sizes}
        asked = [questions(ledger, arguments.times) for ledger in ledgers.values()]
        found: dict[str, dict[str, Any]] = {}
        for question in asked[0]:
            row: dict[str, Any] = {"p50 ms": question}
            medians = p50s([each[question] for each in asked], arguments.times)
            for size, (core, wall) in zip(ledgers, medians, strict=True):
                row |= {f"{size:,} runs": round(core, 2), f"{size:,}, clock": round(wall, 2)}
            found[question] = row
        for ledger in ledgers.values():
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
