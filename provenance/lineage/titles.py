"""Titles that the author gave to nodes, from the API prompt or the UI workflow. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from ..model import Json

_MOST_NODES = 100_000  # subgraphs that contain each other would never end


def titles(prompt: Json, workflow: Json | None = None) -> dict[str, str]:
    """Title by the node id that the API prompt uses; nodes without a title of their own are left out.

    The page writes titles into the prompt (`_meta`); what it left out is looked up in the workflow, where nodes of a
    subgraph are called `<id of the subgraph's node>:<id inside>`. A title equal to the class name says nothing and
    counts as none.
    """
    found = dict(_of_workflow(workflow))
    for node, body in prompt.items() if isinstance(prompt, Mapping) else ():
        meta = body.get("_meta") if isinstance(body, Mapping) else None
        title = meta.get("title") if isinstance(meta, Mapping) else None
        if _says_something(title):
            found[node] = title
        class_type = body.get("class_type") if isinstance(body, Mapping) else None
        if class_type is not None and found.get(node) == class_type:
            del found[node]
    return found


@dataclass(frozen=True, slots=True)
class _Level:
    prefix: str
    nodes: Json


def _of_workflow(workflow: Json) -> Iterator[tuple[str, str]]:
    if not isinstance(workflow, Mapping):
        return
    definitions = _subgraphs(workflow)
    waiting = [_Level("", workflow.get("nodes"))]
    seen = 0
    while waiting:
        level = waiting.pop()
        for node in level.nodes if isinstance(level.nodes, list) else ():
            seen += 1
            if seen > _MOST_NODES:
                return
            if not isinstance(node, Mapping) or isinstance(node.get("id"), (dict, list)):
                continue
            node_id = f"{level.prefix}{node.get('id')}"
            title = node.get("title")
            if _says_something(title):
                yield node_id, title
            kind = node.get("type")
            if isinstance(kind, str) and kind in definitions and level.prefix.count(":") < 32:
                waiting.append(_Level(f"{node_id}:", definitions[kind]))


def _subgraphs(workflow: Mapping[str, Json]) -> dict[str, Json]:
    definitions = workflow.get("definitions")
    subgraphs = definitions.get("subgraphs") if isinstance(definitions, Mapping) else None
    return {
        graph["id"]: graph.get("nodes")
        for graph in (subgraphs if isinstance(subgraphs, list) else ())
        if isinstance(graph, Mapping) and isinstance(graph.get("id"), str)
    }


def _says_something(title: Json) -> TypeGuard[str]:
    return isinstance(title, str) and bool(title.strip())
