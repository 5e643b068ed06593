"""The graph view over any prompt: agrees with a plain search, and takes whatever it is given."""

from __future__ import annotations

from itertools import pairwise

from comfy_provenance.provenance.record.graph import ApiGraph
from hypothesis import given, settings
from hypothesis import strategies as st

NODES = [str(number) for number in range(8)]
links = st.tuples(st.sampled_from(NODES), st.integers(0, 3)).map(list)
inputs = st.dictionaries(st.sampled_from("abc"), links | st.text(max_size=2), max_size=3)
prompts = st.dictionaries(st.sampled_from(NODES), st.fixed_dictionaries({"class_type": st.just("X"), "inputs": inputs}))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["1", "inputs", "class_type", "a"]), inner)
    ),
    max_leaves=20,
)


def parents(prompt, node):
    values = prompt[node]["inputs"].values()
    return {value[0] for value in values if isinstance(value, list) and value[0] in prompt}


def ancestors(prompt, node):
    found = {node}
    while True:
        more = found.union(*(parents(prompt, each) for each in found))
        if more == found:
            return found
        found = more


@settings(max_examples=200, deadline=None)
@given(prompt=prompts)
def test_upstream_and_paths_agree_with_a_plain_search(prompt):
    graph = ApiGraph(prompt)
    assert graph.nodes == tuple(prompt)
    for target in prompt:
        upstream = ancestors(prompt, target)
        assert graph.upstream(target) == upstream
        for source in NODES:
            way = graph.path(source, target)
            assert bool(way) == (source in upstream) == graph.reaches(source, target)
            if way:
                assert (way[0], way[-1]) == (source, target)
                assert len(set(way)) == len(way)
                assert all(one in parents(prompt, two) for one, two in pairwise(way))


@settings(max_examples=200, deadline=None)
@given(prompt=anything)
def test_anything_is_taken(prompt):
    graph = ApiGraph(prompt)
    for node in graph:
        graph.upstream(node)
        assert node in graph
        assert graph.class_type(node) is not None
        assert all(link.source in graph for link in graph.links(node))
        assert not graph.literals(node).keys() & {link.input for link in graph.links(node)}
