"""Which node of one graph is which node of another.

A node keeps its identity through its id. Copying, pasting or re-creating nodes gives new ids; such nodes are told
by their class and by what they are wired to, so that they do not show as removed and added again. Pure; the cost
grows with the number of links, not with its square.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping

from ..model import Json
from ..record.graph import ApiGraph

_ROUNDS = 6  # each round carries certainty at least one link further along a chain of re-created nodes
_KINDS = 4  # of keys, from the most to the least telling


def by_id(node_id: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key for node ids: `2` before `10`, a subgraph's `12:3` after `12`."""
    return tuple(
        (0, int(part), "") if part.isascii() and part.isdigit() and len(part) < 19 else (1, 0, part)
        for part in node_id.split(":")
    )


def match(a: ApiGraph, b: ApiGraph) -> dict[str, str]:
    """Pair the ids of `a` with ids of `b`; nodes without a partner are left out. No id is used twice.

    A node that kept its id but changed its class is a partner only when its inputs have the same names, as when a
    node was swapped for its drop-in replacement. Interchangeable nodes are paired in the order of their ids.
    """
    pairs = {node: node for node in a if node in b and _same_node(a, b, node)}
    left = sorted((node for node in a if node not in pairs), key=by_id)
    right = sorted((node for node in b if node not in pairs), key=by_id)
    for _ in range(_ROUNDS):
        found: dict[str, str] = {}
        for kind in range(_KINDS):
            if not left or not right:
                return pairs
            key_a = _key(kind, a, {old: old for old in pairs})
            key_b = _key(kind, b, {new: old for old, new in pairs.items()})
            found = _pair([(key_a(node), node) for node in left], [(key_b(node), node) for node in right], kind)
            if found:
                break
        if not found:
            break
        pairs |= found
        left = [node for node in left if node not in found]
        taken = set(found.values())
        right = [node for node in right if node not in taken]
    return pairs


def _same_node(a: ApiGraph, b: ApiGraph, node: str) -> bool:
    if a.class_type(node) == b.class_type(node):
        return True
    names = _input_names(a, node)
    return len(names) > 1 and names == _input_names(b, node)


def _input_names(graph: ApiGraph, node: str) -> set[str]:
    return {*graph.literals(node), *(link.input for link in graph.links(node))}


def _pair(left: list[tuple[object, str]], right: list[tuple[object, str]], kind: int) -> dict[str, str]:
    groups: dict[object, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for side, keyed in enumerate((left, right)):
        for key, node in keyed:
            groups[key][side].append(node)
    only_class = kind == _KINDS - 1  # says little: good enough only for the one node of its class
    return {
        old: new
        for olds, news in groups.values()
        if not only_class or len(olds) == len(news) == 1
        for old, new in zip(olds, news)  # noqa: B905  the shorter side decides
    }


def _key(kind: int, graph: ApiGraph, names: Mapping[str, str]) -> Callable[[str], object]:
    """What must agree: 0 everything, 1 all but values, 2 what the node feeds, 3 the class.

    `names` gives matched nodes the name they have on both sides; others are known by their class only.
    """

    def known(node: str) -> tuple[bool, str]:
        return (True, names[node]) if node in names else (False, graph.class_type(node))

    def sources(node: str) -> object:
        return tuple(sorted((link.input, known(link.source), link.slot) for link in graph.links(node)))

    def targets(node: str) -> object:
        return tuple(sorted((known(link.node), link.input, link.slot) for link in graph.consumers(node)))

    def key(node: str) -> object:
        class_type = graph.class_type(node)
        if kind == 0:
            return class_type, _values(graph.literals(node)), sources(node), targets(node)
        if kind == 1:
            return class_type, sources(node), targets(node)
        return (class_type, targets(node)) if kind == 2 else class_type

    return key


def _values(literals: Mapping[str, Json]) -> str:
    try:
        return json.dumps(literals, sort_keys=True)
    except RecursionError:  # too deep to compare here: such nodes are told by their wiring
        return ""
