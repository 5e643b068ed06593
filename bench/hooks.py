"""Time that the pack spends on ComfyUI's own threads, measured inside one process.

`put` runs on the event loop, `task_done` on the worker thread. The same queue is driven with and without the hooks,
on workflows of the sizes that the official templates have (median 16.5 KB, largest 383 KB).

usage: python bench/hooks.py [--runs N] [--json] [--out DIR]
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import conftest  # noqa: F401  makes the package importable
import results
from comfy_provenance.demo.host.queue import PromptQueue
from comfy_provenance.host.hooks import QueueHooks
from comfy_provenance.provenance.model import system_clock

NODES = {"16.5 KB": 28, "113 KB": 190, "383 KB": 640}
MESSAGES = [
    (name, {"prompt_id": "p", "timestamp": 1}) for name in ("execution_start", "execution_cached", "execution_success")
]


class Server:
    def queue_updated(self) -> None:
        """What the queue calls after each change."""


def workflow(nodes: int) -> dict[str, Any]:
    return {
        "nodes": [
            {
                "id": number,
                "type": "KSampler",
                "pos": [12.5, 300],
                "size": [315, 262],
                "flags": {},
                "order": number,
                "mode": 0,
                "inputs": [{"name": name, "type": name.upper(), "link": number} for name in ("model", "positive")],
                "outputs": [{"name": "LATENT", "type": "LATENT", "links": [number]}],
                "properties": {"Node name for S&R": "KSampler"},
                "widgets_values": [random.getrandbits(64), "randomize", 20, 7.5, "euler", "normal", 1.0, "words " * 20],
            }
            for number in range(nodes)
        ],
        "links": [[number, number, 0, number + 1, 0, "LATENT"] for number in range(nodes)],
        "extra": {},
        "version": 0.4,
    }


def prompt(nodes: int) -> dict[str, Any]:
    return {
        str(number): {"class_type": "KSampler", "inputs": {"seed": random.getrandbits(64), "model": [str(number), 0]}}
        for number in range(nodes)
    }


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds on the clock, and of this thread's own computing: on a busy machine the clock shows others too."""
    start, own = time.perf_counter_ns(), time.thread_time_ns()
    action()
    return (time.perf_counter_ns() - start) / 1e6, (time.thread_time_ns() - own) / 1e6


def drive(runs: int, nodes: int, *, hooked: bool) -> dict[str, list[tuple[float, float]]]:
    queue = PromptQueue(Server())
    if hooked:
        QueueHooks(queue, lambda event: True, print, system_clock).install()
    spent: dict[str, list[tuple[float, float]]] = {"put": [], "task_done": []}
    sent = json.dumps({"prompt": prompt(nodes), "workflow": workflow(nodes)})
    for number in range(runs):
        received = json.loads(sent)  # as the server parses each request
        extra = {"extra_pnginfo": {"workflow": received["workflow"]}}
        item = (number, f"run-{number}", received["prompt"], extra, ["1"], {})
        spent["put"].append(timed(lambda item=item: queue.put(item)))
        _, item_id = queue.get()
        status = PromptQueue.ExecutionStatus("success", True, MESSAGES)
        result = {"outputs": {"1": {"images": [{"filename": "a.png", "subfolder": "", "type": "output"}]}}}
        spent["task_done"].append(
            timed(lambda item_id=item_id, result=result, status=status: queue.task_done(item_id, result, status=status))
        )
    return spent


def main() -> int:
    parser = results.arguments(__doc__)
    parser.add_argument("--runs", type=int, default=300)
    arguments = parser.parse_args()
    rows = []
    for size, nodes in NODES.items():
        bare, hooked = (drive(arguments.runs, nodes, hooked=flag) for flag in (False, True))
        for method in bare:
            wall, own = (sorted(pair[place] for pair in hooked[method]) for place in (0, 1))
            last = int(len(wall) * 0.99)
            rows.append(
                {
                    "workflow": size,
                    "method": method,
                    "bare p50 ms": round(statistics.median(pair[0] for pair in bare[method]), 4),
                    "p50 ms": round(statistics.median(wall), 4),
                    "p99 ms": round(wall[last], 4),
                    "p50 CPU ms": round(statistics.median(own), 4),
                    "p99 CPU ms": round(own[last], 4),
                }
            )
    goals = [results.Goal(f"{row['method']}, {row['workflow']}: p99 ms", row["p99 ms"], most=2) for row in rows]
    return results.finish("hooks", rows, goals, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
