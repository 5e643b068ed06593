"""Which run made what ComfyUI now serves from its cache.

ComfyUI's cache lives in the process and is keyed by a node's class, its values and those of everything above it. The
same key is kept here for what runs of this session produced, so that a cached node's outputs can be told even when
the host does not list them (a headless run on newer versions).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from ..canonical import sha256_hex, snapshot_bytes
from ..model import Output
from ..record.graph import ApiGraph

LONGEST_MEMORY = 20_000  # nodes; about 20 MB


@dataclass(frozen=True, slots=True)
class Made:
    """Outputs of one node and the execution that made them."""

    execution: str
    outputs: tuple[Output, ...]


class Reuse:
    """Remembers the newest outputs for each node signature, oldest forgotten first."""

    def __init__(self, limit: int = LONGEST_MEMORY) -> None:
        self._limit = limit
        self._made: OrderedDict[str, Made] = OrderedDict()

    def remember(self, signature: str, made: Made) -> None:
        """Keep what a node with that signature made."""
        self._made[signature] = made
        self._made.move_to_end(signature)
        if len(self._made) > self._limit:
            self._made.popitem(last=False)

    def recall(self, signature: str) -> Made | None:
        """What a node with that signature made earlier in this session; None when that is not known."""
        return self._made.get(signature)


def signatures(graph: ApiGraph) -> dict[str, str]:
    """A digest for every node over its class, its literals and its sources' signatures.

    Node ids do not count, as in ComfyUI's own cache. Nodes on a cycle get a signature of their own each.
    """
    found: dict[str, str] = {}
    for start in graph.nodes:
        stack = [start]
        opened: set[str] = set()
        while stack:
            node = stack[-1]
            if node in found:
                stack.pop()
                continue
            missing = [link.source for link in graph.links(node) if link.source not in found]
            fresh = [source for source in missing if source not in opened]
            if fresh and node not in opened:
                opened.add(node)
                stack.extend(fresh)
                continue
            sources = [
                [link.input, found.get(link.source, f"cycle:{link.source}"), link.slot] for link in graph.links(node)
            ]
            parts = [graph.class_type(node), sorted(graph.literals(node).items()), sources]
            found[node] = sha256_hex(snapshot_bytes(parts))
            stack.pop()
    return found
