"""The same light run on two hosts side by side, one bare and one with the pack, alternating.

The graph is EmptyImage → SaveImage with another colour each time, so nothing is cached. Measured per run, as a page
sees it: wall time from POST /prompt until the websocket says that the host has done with the run, its history included;
and the process's CPU time (Linux only). With the pack also: how long after ComfyUI accepted the graph its submission
was durable, as the ledger's own stamps tell. The first run comes as soon as the host answers, when the ledger may not
be open yet.

usage: python bench/overhead.py [--runs N] [--pause MS] [--json] [--out DIR]
The host is the real ComfyUI of COMFYUI_PATH and COMFYUI_PYTHON, else the embedded one.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "comfyui"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import aiohttp
import conftest  # noqa: F401  makes the package importable
import graphs
import hosts
import results
from comfy_provenance.provenance.seal import dsse
from comfy_provenance.provenance.store.ledger import Ledger

CLIENT = "bench"
WARM_UP = 10


def cpu_ms(host: hosts.Host) -> float:
    """User and system time of the host's process so far."""
    assert host.process is not None
    fields = Path(f"/proc/{host.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 10.0


class Page:
    """Talks to one host as its page does: one websocket, and requests on a connection that stays open."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._session = session
        self._socket = socket

    async def run(self, color: int) -> float:
        """Queue the graph and wait for its end; gives the milliseconds."""
        body = {"prompt": graphs.plain(color=color, prefix="bench"), "client_id": CLIENT}
        start = time.perf_counter()
        async with self._session.post("/prompt", json=body) as answer:
            accepted = (await answer.json())["prompt_id"]
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                said = message.json()
                data = said.get("data") or {}
                if said.get("type") == "executing" and data.get("node") is None and data.get("prompt_id") == accepted:
                    return (time.perf_counter() - start) * 1000
        raise RuntimeError("the host closed its websocket")


@asynccontextmanager
async def page(host: hosts.Host) -> AsyncIterator[Page]:
    base = f"http://127.0.0.1:{host.port}"
    async with (
        aiohttp.ClientSession(base) as session,
        session.ws_connect(f"/ws?clientId={CLIENT}", max_msg_size=0) as socket,
    ):
        yield Page(session, socket)


async def alternate(
    bare: hosts.Host, recorded: hosts.Host, runs: int, pause_ms: float
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Milliseconds of each run, and of the processor's time in all, of both hosts."""
    wall: dict[str, list[float]] = {"bare": [], "with": []}
    async with page(bare) as one, page(recorded) as other:
        for color in range(WARM_UP):
            await one.run(color), await other.run(color)
        before = {"bare": cpu_ms(bare), "with": cpu_ms(recorded)}
        for number in range(runs):
            pair = [("bare", one), ("with", other)]
            for name, at in pair if number % 2 else reversed(pair):
                wall[name].append(await at.run(100 + number))
                await asyncio.sleep(pause_ms / 1000)
        recorded.settled()
        cpu = {"bare": cpu_ms(bare) - before["bare"], "with": cpu_ms(recorded) - before["with"]}
    return wall, cpu


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
    parser.add_argument("--pause", type=float, default=25, metavar="MS", help="between runs; without one they pile up")
    arguments = parser.parse_args()
    kind = hosts.real() or hosts.embedded()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with (
            hosts.running(kind, folder / "bare", pack=False) as bare,
            hosts.running(kind, folder / "with") as recorded,
        ):
            wall, cpu = asyncio.run(alternate(bare, recorded, arguments.runs, arguments.pause))
            stamps = durable_ms(recorded)
    at_start, durable = stamps[0], stamps[WARM_UP:]
    row = {
        "host": kind.name,
        "runs": arguments.runs,
        **{f"wall p50 ms, {name}": round(statistics.median(times), 2) for name, times in wall.items()},
        **{f"CPU ms per run, {name}": round(total / arguments.runs, 2) for name, total in cpu.items()},
        "durable after ms, p50": round(statistics.median(durable), 2),
        "durable after ms, max": round(max(durable), 2),
        "the first run after the start durable after ms": round(at_start, 2),
    }
    added = statistics.median(b - a for a, b in zip(wall["bare"], wall["with"], strict=True))
    more = (cpu["with"] - cpu["bare"]) / arguments.runs
    goals = [
        results.Goal(f"wall time added per run on {kind.name}, median ms", round(added, 2), most=3),
        results.Goal("a submission durable after ms, most", round(max(durable), 2), most=100),
        results.Goal(f"CPU time added per run on {kind.name}, ms", round(more, 2), most=10),
    ]
    return results.finish("overhead", [{"what": name, "found": value} for name, value in row.items()], goals, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
