"""Graphs as large, deep and odd as a client may send them: taken, recorded, and given back as they came."""

from __future__ import annotations

import json
import threading
from typing import Any

import bare
import machine
import pytest
from comfy_provenance.host.hooks import QueueHooks
from comfy_provenance.provenance import canonical
from comfy_provenance.provenance.model import system_clock
from comfy_provenance.provenance.present.api import Api

pytestmark = pytest.mark.usefixtures("short_pauses")
PROMPT = {
    "1": {"class_type": "Text", "inputs": {"text": "a cat", "seed": 2**64 - 1}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
}


class Queue:
    """The four methods that are observed, and nothing behind them."""

    def __init__(self) -> None:
        self.mutex = threading.Lock()
        self.currently_running: dict[int, Any] = {}
        self.queue: list[Any] = []

    def put(self, item: Any) -> None:
        self.queue.append(item)

    def task_done(self, *rest: Any, **named: Any) -> None: ...
    def wipe_queue(self) -> None: ...
    def delete_queue_item(self, chosen: Any) -> bool:
        return False


def nested(levels: int) -> Any:
    value: Any = "the bottom"
    for _ in range(levels):
        value = [value]
    return value


def sent(bench: bare.Bench, workflow: Any, prompt: Any = PROMPT) -> Any:
    """The document that the record gives back; nothing was missed on the way."""
    bench.service.start()
    bench.until("recording")
    queue = Queue()
    QueueHooks(queue, bench.service.offer, bench.service.problem, system_clock).install()
    queue.put((1, "large", prompt, {"extra_pnginfo": {"workflow": workflow}}, ["2"], {}))
    bench.finish("large")
    bench.settle()
    assert bench.service.live is not None
    restored = Api(bench.service.live.ledger).restored("large")
    bench.service.close()
    assert machine.verified(bench.places.ledger) == []
    assert [said["kind"] for said in machine.statements(bench.places.ledger)].count("gap") == 0
    return restored.data


def test_ten_thousand_nodes(bench: bare.Bench) -> None:
    workflow = {"nodes": [{"id": n, "type": "X", "widgets_values": ["t", 2**64 - 1]} for n in range(10_000)]}
    prompt = {str(n): {"class_type": "Text", "inputs": {"a": [str(n - 1), 0]} if n else {}} for n in range(10_000)}
    before = canonical.snapshot_bytes(workflow)
    assert sent(bench, workflow, prompt) == before


@pytest.mark.parametrize("levels", [150, 900, 1_100, 1_990, 2_100, 10_000, 100_000])
def test_nesting_of_any_depth(bench: bare.Bench, levels: int) -> None:
    """What JSON can carry comes back; what is deeper is cut, and the cut is marked."""
    data = sent(bench, {"nodes": [], "extra": {"deep": nested(levels)}})
    assert (b"the bottom" in data) != (b"$unrecorded" in data)
    assert levels > 900 or b"the bottom" in data


@pytest.mark.parametrize(
    "text",
    [
        '{"nodes": [], "extra": {"x": NaN, "y": -Infinity, "z": 1e999}}',
        '{"nodes": [], "extra": {"seed": 18446744073709551615, "more": 340282366920938463463374607431768211456}}',
        '{"nodes": [], "extra": {"a": 1, "a": 2, "b": 1.0, "c": 1e-7, "d": -0.0}}',
        '{"nodes": [], "extra": {"half": "\\ud83d", "\\udfff": 1, "nul": "\\u0000", "bidi": "\\u202e"}}',
        '{"nodes": {"not": "a list"}, "links": 7, "groups": "x", "definitions": [], "extra": {}}',
    ],
    ids=["numbers that are none", "large numbers", "members twice", "halves of characters", "other shapes"],
)
def test_odd_documents_come_back_as_the_host_read_them(bench: bare.Bench, text: str) -> None:
    workflow = json.loads(text)
    before = canonical.snapshot_bytes(workflow)
    assert sent(bench, workflow) == before


@pytest.mark.parametrize("workflow", [None, [], "text", 7, {"extra": None}, {"extra": []}, {"nodes": None}])
def test_what_is_no_workflow_is_taken(bench: bare.Bench, workflow: Any) -> None:
    assert sent(bench, workflow)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("shape", ["one text", "many nodes"])
def test_fifty_megabytes(bench: bare.Bench, shape: str) -> None:
    if shape == "one text":
        workflow = {"nodes": [{"id": 1, "type": "Note", "widgets_values": ["lorem ipsum dolor " * 2_900_000]}]}
    else:
        nodes = [{"id": n, "type": "X", "widgets_values": [f"text {n}", 2**64 - 1]} for n in range(700_000)]
        workflow = {"nodes": nodes}
    before = canonical.snapshot_bytes(workflow)
    assert len(before) > 50_000_000
    assert sent(bench, workflow) == before
