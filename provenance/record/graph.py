"""An API prompt as a graph: links, literals, ancestry.

Nothing here trusts its input: what is no node or no link is simply not one. All walks are iterative, so depth costs
memory and not stack.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..model import Json


@dataclass(frozen=True, slots=True)
class Link:
    """`node`'s input `input` takes output `slot` of `source`."""

    node: str
    input: str
    source: str
    slot: int


class ApiGraph:
    """Read-only view of an API prompt `{node id: {"class_type", "inputs", ...}}`.

    A link is `[node id, slot]` with a string id that exists in the prompt and a whole-number slot; any other value is
    a literal. The prompt is not copied: do not change it while the view is in use. Not checked: that classes, inputs
    or slots exist, or that the graph has no cycles (walks end all the same).
    """

    def __init__(self, prompt: Json) -> None:
        raw = prompt if isinstance(prompt, Mapping) else {}
        self._classes: dict[str, str] = {}
        self._literals: dict[str, dict[str, Json]] = {}
        self._links: dict[str, tuple[Link, ...]] = {}
        self._consumers: dict[str, list[Link]] = {}
        for node, body in raw.items():
            if isinstance(node, str) and isinstance(body, Mapping):
                class_type = body.get("class_type")
                self._classes[node] = class_type if isinstance(class_type, str) else ""
        for node in self._classes:
            self._read_inputs(node, raw[node].get("inputs"))

    def _read_inputs(self, node: str, inputs: Json) -> None:
        literals: dict[str, Json] = {}
        links: list[Link] = []
        for name, value in inputs.items() if isinstance(inputs, Mapping) else ():
            if not isinstance(name, str):
                continue
            target = self._target(value)
            if target is None:
                literals[name] = _unwrapped(value)
            else:
                link = Link(node, name, *target)
                links.append(link)
                self._consumers.setdefault(link.source, []).append(link)
        self._literals[node] = literals
        self._links[node] = tuple(links)

    def _target(self, value: Json) -> tuple[str, int] | None:
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            return None
        source, slot = value
        if not isinstance(source, str) or source not in self._classes or isinstance(slot, bool):
            return None
        if isinstance(slot, float) and slot.is_integer():  # ComfyUI takes 0.0 for 0
            slot = int(slot)
        return (source, slot) if isinstance(slot, int) else None

    @property
    def nodes(self) -> tuple[str, ...]:
        """Node ids in the prompt's order."""
        return tuple(self._classes)

    def __contains__(self, node: object) -> bool:
        return node in self._classes

    def __iter__(self) -> Iterator[str]:
        return iter(self._classes)

    def class_type(self, node: str) -> str:
        """Class name; empty for a node that is not there or names none."""
        return self._classes.get(node, "")

    def literals(self, node: str) -> Mapping[str, Json]:
        """Inputs of the node that are values, in the prompt's order; `{"__value__": x}` is given as x."""
        return self._literals.get(node, {})

    def links(self, node: str) -> tuple[Link, ...]:
        """Inputs of the node that are links, in the prompt's order."""
        return self._links.get(node, ())

    def link(self, node: str, name: str) -> Link | None:
        """The link at one input; None when the input is a literal or not there."""
        return next((link for link in self.links(node) if link.input == name), None)

    def consumers(self, node: str) -> tuple[Link, ...]:
        """Links that take from the node, in the prompt's order."""
        return tuple(self._consumers.get(node, ()))

    def upstream(self, node: str) -> frozenset[str]:
        """The node and everything it depends on; empty for a node that is not there."""
        return self.upstream_of((node,))

    def upstream_of(self, nodes: Iterable[str]) -> frozenset[str]:
        """The union of `upstream` over several nodes."""
        found = {node for node in nodes if node in self._classes}
        waiting = list(found)
        while waiting:
            for link in self.links(waiting.pop()):
                if link.source not in found:
                    found.add(link.source)
                    waiting.append(link.source)
        return frozenset(found)

    def path(self, source: str, target: str) -> tuple[str, ...]:
        """Node ids of one shortest way from `source` down to `target`, both included; empty when there is none."""
        if source not in self._classes or target not in self._classes:
            return ()
        next_down: dict[str, str | None] = {target: None}
        waiting = deque([target])
        while waiting and source not in next_down:
            node = waiting.popleft()
            for link in self.links(node):
                if link.source not in next_down:
                    next_down[link.source] = node
                    waiting.append(link.source)
        return _follow(source, next_down) if source in next_down else ()

    def reaches(self, source: str, target: str) -> bool:
        """Whether `target` depends on `source`, or is it."""
        return bool(self.path(source, target))


def _follow(node: str | None, next_down: Mapping[str, str | None]) -> tuple[str, ...]:
    way: list[str] = []
    while node is not None:
        way.append(node)
        node = next_down[node]
    return tuple(way)


def _unwrapped(value: Json) -> Json:
    # The page wraps array literals so that they are not taken for links.
    if isinstance(value, Mapping) and len(value) == 1 and "__value__" in value:
        return value["__value__"]
    return value
