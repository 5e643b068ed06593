"""The same light run on two hosts side by side, one bare and one with the pack, alternating.

The graph is EmptyImage → SaveImage with another colour each time, so nothing is cached. Measured per run: wall time
from POST /prompt until ComfyUI's own history shows the end, and the process's CPU time (Linux only). With the pack
also: how long after ComfyUI accepted the graph its submission was durable, as the ledger's own stamps tell.

usage: python bench/overhead.py [--runs N] [--json] [--out DIR]
The host is the real ComfyUI of COMFYUI_PATH and COMFYUI_PYTHON, else the embedded one.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "comfyui"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import conftest  # noqa: F401  makes the package importable
import graphs
import hosts
import results
from comfy_provenance.provenance.seal import dsse
from comfy_provenance.provenance.store.ledger import Ledger


def cpu_ms(host: hosts.Host) -> float:
    """User and system time of the host's process so far."""
    assert host.process is not None
    fields = Path(f"/proc/{host.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 10.0


def one(host: hosts.Host, color: int) -> float:
    start = time.perf_counter()
    prompt_id = host.submit(graphs.plain(color=color, prefix="bench"))
    while prompt_id not in host.get(f"/history/{prompt_id}"):
        pass
    return (time.perf_counter() - start) * 1000


def durable_ms(host: hosts.Host) -> list[float]:
    """Milliseconds from acceptance to the moment each submission was written."""
    ledger = Ledger.open(host.ledger, read_only=True)
    reader, found = ledger.reader(), []
    for row in ledger.index.iterate():
        said: dict[str, Any] = json.loads(dsse.read_unverified(reader.entry(row.submission)).payload)["predicate"]
        moments = [datetime.fromisoformat(said[name].replace("Z", "+00:00")) for name in ("accepted_at", "recorded_at")]
        found.append((moments[1] - moments[0]).total_seconds() * 1000)
    ledger.close()
    return found


def main() -> int:
    parser = results.arguments(__doc__)
    parser.add_argument("--runs", type=int, default=200)
    arguments = parser.parse_args()
    kind = hosts.real() or hosts.embedded()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with (
            hosts.running(kind, folder / "bare", pack=False) as bare,
            hosts.running(kind, folder / "with") as recorded,
        ):
            for color in range(10):
                one(bare, color), one(recorded, color)
            wall: dict[str, list[float]] = {"bare": [], "with": []}
            before = {"bare": cpu_ms(bare), "with": cpu_ms(recorded)}
            for number in range(arguments.runs):
                pair = [("bare", bare), ("with", recorded)]
                for name, host in pair if number % 2 else reversed(pair):
                    wall[name].append(one(host, 100 + number))
            recorded.settled()
            cpu = {"bare": cpu_ms(bare) - before["bare"], "with": cpu_ms(recorded) - before["with"]}
            durable = sorted(durable_ms(recorded))
    row = {
        "host": kind.name,
        "runs": arguments.runs,
        **{f"wall p50 ms, {name}": round(statistics.median(times), 2) for name, times in wall.items()},
        **{f"CPU ms per run, {name}": round(total / arguments.runs, 2) for name, total in cpu.items()},
        "durable after ms, p50": round(statistics.median(durable), 2),
        "durable after ms, max": round(durable[-1], 2),
    }
    added = statistics.median(b - a for a, b in zip(wall["bare"], wall["with"], strict=True))
    more = (cpu["with"] - cpu["bare"]) / arguments.runs
    goals = [
        results.Goal(f"wall time added per run on {kind.name}, median ms", round(added, 2), most=3),
        results.Goal(f"CPU time added per run on {kind.name}, ms", round(more, 2), most=10),
    ]
    return results.finish("overhead", [{"what": name, "found": value} for name, value in row.items()], goals, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
