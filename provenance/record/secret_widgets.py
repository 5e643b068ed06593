"""Secrets by place in ComfyUI's own documents: widgets by position, and nodes that feed a secret input. Pure.

A UI workflow keeps a node's values as a bare list; which name stands at which place is told by the class's declared
inputs, by the node's own input sockets, by a subgraph's promoted widgets, or by what a primitive is plugged into.
Nodes may be bypassed, muted, unknown or inside subgraph definitions: that changes nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..model import Json
from .graph import ApiGraph
from .secret_names import Strength, feeds_secret, hides, looks_random, strength

Names = Callable[[str], Sequence[str] | None]

_CONTROLS = frozenset({"fixed", "increment", "decrement", "randomize"})


def feeds(level: Strength, text: str) -> bool:
    """Whether a text in a node that feeds an input of such a name is the secret."""
    return feeds_secret(text) if level is Strength.STRONG else level is Strength.WEAK and looks_random(text)


def fed_inputs(prompt: Json) -> dict[int, Strength]:
    """In an API prompt: id() of the `inputs` of nodes whose value reaches a secret input."""
    graph = ApiGraph(prompt)
    wanted = [(link.source, level) for node in graph for link in graph.links(node) if (level := strength(link.input))]
    found: dict[int, Strength] = {}
    for node, level in _through(
        wanted,
        lambda node: bool(graph.literals(node)),
        lambda node: [link.source for link in graph.links(node)],
    ):
        inputs = prompt[node].get("inputs")
        found[id(inputs)] = max(level, found.get(id(inputs), level))
    return found


def fed_nodes(scope: Mapping[str, Json]) -> dict[int, Strength]:
    """In a UI workflow or a subgraph definition: id() of nodes whose value reaches a secret input."""
    nodes, links = scope.get("nodes"), scope.get("links")
    if not isinstance(nodes, list) or not isinstance(links, list):
        return {}
    by_id = {str(node.get("id")): node for node in nodes if isinstance(node, dict)}
    origins = dict(_origins(links))
    wanted = [
        (origin, level)
        for node in by_id.values()
        for name, origin in _sources(node, origins)
        if origin in by_id and (level := strength(name))
    ]
    found: dict[int, Strength] = {}
    for identity, level in _through(
        wanted,
        lambda identity: bool(by_id[identity].get("widgets_values")),
        lambda identity: [origin for _, origin in _sources(by_id[identity], origins) if origin in by_id],
    ):
        place = id(by_id[identity])
        found[place] = max(level, found.get(place, level))
    return found


def widget_positions(node: Mapping[str, Json], names: Names, level: Strength) -> frozenset[int]:
    """Places in the node's `widgets_values` list that hold a secret. `level`: how secret an input it feeds."""
    values: list[Json] = node["widgets_values"]
    found = {place for place, value in enumerate(values) if level and isinstance(value, str) and feeds(level, value)}
    for naming in _namings(node, names):
        if not any(map(strength, naming)):
            continue
        placed, exact = _placed(naming, values)
        for place, name in placed:
            value = values[place]
            strong = isinstance(value, (dict, list)) and strength(name) is Strength.STRONG
            if strong or (isinstance(value, str) and hides(name, value)):
                found.add(place)
        if not exact:  # the names do not fit the values one to one: whatever looks random is taken for the secret
            found |= {place for place, value in enumerate(values) if isinstance(value, str) and looks_random(value)}
    return frozenset(found)


def _namings(node: Mapping[str, Json], names: Names) -> Iterator[Sequence[str]]:
    class_type = node.get("type")
    sockets = _plain_sockets(node.get("inputs"))
    declared = (names(class_type) if isinstance(class_type, str) else None) or ()
    declared = [name for name in declared if name not in sockets]
    if declared:
        yield declared
    own = [*_widget_sockets(node.get("inputs")), *_widget_sockets(node.get("outputs"))[:1]]
    if not set(own) <= set(declared):
        yield own
    properties = node.get("properties")
    promoted = properties.get("proxyWidgets") if isinstance(properties, dict) else None
    if isinstance(promoted, list):
        yield [str(item[-1]) if isinstance(item, list) and item else "" for item in promoted]


def _plain_sockets(sockets: Json) -> frozenset[str]:
    """Inputs that are no widgets (models, images, texts that must be linked): they have no place in the values."""
    items = sockets if isinstance(sockets, list) else []
    plain = (socket.get("name") for socket in items if isinstance(socket, dict) and not socket.get("widget"))
    return frozenset(name for name in plain if isinstance(name, str))


def _widget_sockets(sockets: Json) -> list[str]:
    items = sockets if isinstance(sockets, list) else []
    widgets = [socket.get("widget") for socket in items if isinstance(socket, dict)]
    return [name for widget in widgets if isinstance(widget, dict) and isinstance(name := widget.get("name"), str)]


def _placed(naming: Sequence[str], values: Sequence[Json]) -> tuple[list[tuple[int, str]], bool]:
    """Names at their places, minding the extra "control after generate" values; and whether all values got a name."""
    placed: list[tuple[int, str]] = []
    place = 0
    for done, name in enumerate(naming):
        extra = len(values) - place > len(naming) - done
        if extra and place and isinstance(values[place], str) and values[place] in _CONTROLS:
            place += 1
        if place >= len(values):
            break
        placed.append((place, name))
        place += 1
    if place == len(values) - 1 and isinstance(values[place], str) and values[place] in _CONTROLS:
        place += 1
    return placed, place == len(values) and len(placed) == len(naming)


def _origins(links: Iterable[Json]) -> Iterator[tuple[Any, str]]:
    for link in links:
        if isinstance(link, list) and len(link) >= 2 and isinstance(link[0], (int, str)):
            yield link[0], str(link[1])
        elif isinstance(link, dict) and isinstance(link.get("id"), (int, str)):
            yield link["id"], str(link.get("origin_id"))


def _sources(node: Mapping[str, Json], origins: Mapping[Any, str]) -> Iterator[tuple[str, str]]:
    sockets = node.get("inputs")
    for socket in sockets if isinstance(sockets, list) else ():
        if isinstance(socket, dict) and isinstance(socket.get("link"), (int, str)) and socket["link"] in origins:
            name = socket.get("name")
            yield name if isinstance(name, str) else "", origins[socket["link"]]


def _through(
    wanted: Iterable[tuple[str, Strength]], holds: Callable[[str], bool], sources: Callable[[str], Iterable[str]]
) -> Iterator[tuple[str, Strength]]:
    """Nodes with values of their own, reached from the wanted ones through nodes that only pass on (reroutes)."""
    waiting = list(wanted)
    seen: set[tuple[str, Strength]] = set()
    while waiting:
        node, level = waiting.pop()
        if (node, level) in seen:
            continue
        seen.add((node, level))
        if holds(node):
            yield node, level
        else:
            waiting += [(source, level) for source in sources(node)]
