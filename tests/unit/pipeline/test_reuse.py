"""Which earlier run made what a cache serves: signatures as ComfyUI's cache has them, and a bounded memory."""

from __future__ import annotations

import copy
from typing import Any

from comfy_provenance.provenance.model import Output
from comfy_provenance.provenance.pipeline.reuse import Made, Reuse, signatures
from comfy_provenance.provenance.record.graph import ApiGraph

PROMPT: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"color": 5, "width": 64}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
}


def signed(prompt: dict[str, Any]) -> dict[str, str]:
    return signatures(ApiGraph(prompt))


def changed(node: str, **inputs: Any) -> dict[str, Any]:
    prompt = copy.deepcopy(PROMPT)
    prompt[node]["inputs"].update(inputs)
    return prompt


def test_the_same_graph_has_the_same_signatures_whatever_the_order_of_its_inputs() -> None:
    other = copy.deepcopy(PROMPT)
    other["1"]["inputs"] = dict(reversed(PROMPT["1"]["inputs"].items()))
    assert signed(other) == signed(PROMPT)


def test_a_change_reaches_everything_below_it_and_nothing_above() -> None:
    before, after = signed(PROMPT), signed(changed("2", image=["1", 1]))
    assert {node for node in before if before[node] != after[node]} == {"2", "3"}


def test_ids_do_not_count() -> None:
    renamed = {"7": PROMPT["1"], "8": {"class_type": "ImageInvert", "inputs": {"image": ["7", 0]}}}
    assert signed(renamed)["8"] == signed(PROMPT)["2"]


def test_a_cycle_ends() -> None:
    cyclic = {
        "1": {"class_type": "A", "inputs": {"x": ["2", 0]}},
        "2": {"class_type": "B", "inputs": {"x": ["1", 0]}},
    }
    assert set(signed(cyclic)) == {"1", "2"}


def test_a_very_long_chain_needs_no_stack() -> None:
    chain = {"0": {"class_type": "A", "inputs": {}}}
    chain.update({str(n): {"class_type": "A", "inputs": {"x": [str(n - 1), 0]}} for n in range(1, 20_000)})
    assert len(signed(dict(reversed(chain.items())))) == 20_000


def test_the_oldest_is_forgotten_first() -> None:
    memory = Reuse(limit=2)
    for name in ("a", "b", "a", "c"):
        memory.remember(name, Made(name, (Output("1", "images", 0, None, None),)))
    assert memory.recall("b") is None
    made = memory.recall("a")
    assert made is not None
    assert made.execution == "a"
