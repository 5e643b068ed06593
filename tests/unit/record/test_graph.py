"""The view of an API prompt as a graph."""

from __future__ import annotations

from comfy_provenance.provenance.record.graph import ApiGraph, Link

PROMPT = {
    "4": {"class_type": "Load", "inputs": {"name": "m"}},
    "6": {"class_type": "Encode", "inputs": {"text": "a", "clip": ["4", 1]}},
    "3": {"class_type": "Sample", "inputs": {"model": ["4", 0], "positive": ["6", 0], "seed": 1, "bad": ["99", 0]}},
    "9": {"class_type": "Save", "inputs": {"images": ["3", 0.0], "list": {"__value__": ["4", 0]}}},
    "x": "no node",
}


def test_links_and_literals_are_told_apart():
    graph = ApiGraph(PROMPT)
    assert graph.nodes == ("4", "6", "3", "9")
    assert graph.links("3") == (Link("3", "model", "4", 0), Link("3", "positive", "6", 0))
    assert graph.literals("3") == {"seed": 1, "bad": ["99", 0]}
    assert graph.literals("9") == {"list": ["4", 0]}
    assert graph.link("9", "images") == Link("9", "images", "3", 0)
    assert graph.link("9", "list") is None
    assert [link.node for link in graph.consumers("4")] == ["6", "3"]
    assert (graph.class_type("9"), graph.class_type("x")) == ("Save", "")


def test_upstream_and_the_shortest_path():
    graph = ApiGraph(PROMPT)
    assert graph.upstream("6") == {"6", "4"}
    assert graph.upstream_of(["6", "nothing"]) == {"6", "4"}
    assert graph.path("4", "9") == ("4", "3", "9")
    assert graph.path("9", "9") == ("9",)
    assert graph.path("9", "4") == graph.path("4", "nothing") == ()


def test_cycles_and_depth_end():
    loop = {"a": {"inputs": {"x": ["b", 0]}}, "b": {"inputs": {"x": ["a", 0]}}}
    assert ApiGraph(loop).upstream("a") == {"a", "b"}
    chain = {str(n): {"inputs": {"x": [str(n - 1), 0]}} for n in range(20_000)}
    graph = ApiGraph(chain)
    assert len(graph.path("0", "19999")) == 20_000
    assert len(graph.upstream("19999")) == 20_000
