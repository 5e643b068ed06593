"""From an API prompt to the UI workflow that the page would have sent with it (litegraph JSON, schema 0.4).

What a class's widgets are, and in which order, is read from `/object_info`, so the same code serves every ComfyUI
version. The page loads such a workflow and queues the same prompt again. Not covered: groups, subgraphs, reroutes.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

Prompt = Mapping[str, Mapping[str, Any]]
_WIDGET_TYPES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
_NAMESPACE = uuid.UUID("5f0e7c1c-6b0a-4d52-9a63-0f4f6ed5a9d4")


def to_workflow(
    prompt: Prompt,
    object_info: Mapping[str, Mapping[str, Any]],
    *,
    execution: str | None = None,
    name: str = "demo",
) -> dict[str, Any]:
    """The workflow of a prompt whose node ids are decimal numbers.

    `execution` is written as the head (`extra.provenance.execution`): the run that this one descends from. `name`
    decides the workflow's id, so that one canvas keeps its id from run to run. KeyError for a class that `object_info`
    lacks.
    """
    links: list[list[Any]] = []
    nodes: dict[str, dict[str, Any]] = {}
    depth = _depths(prompt)
    rows: dict[int, float] = {}
    for order, node_id in enumerate(sorted(prompt, key=lambda n: (depth[n], int(n)))):
        node = prompt[node_id]
        made = _node(node_id, node, object_info[node["class_type"]], order)
        made["pos"] = [40.0 + 420.0 * depth[node_id], rows.get(depth[node_id], 40.0)]
        rows[depth[node_id]] = made["pos"][1] + made["size"][1] + 80.0
        nodes[node_id] = made
    for node_id, made in nodes.items():
        for slot, entry in enumerate(made["inputs"]):
            source = prompt[node_id]["inputs"].get(entry["name"])
            if not _is_link(source):
                continue
            link_id = len(links) + 1
            output = nodes[source[0]]["outputs"][source[1]]
            links.append([link_id, int(source[0]), source[1], int(node_id), slot, output["type"]])
            entry["link"] = link_id
            output["links"] = [*(output["links"] or []), link_id]
    extra: dict[str, Any] = {"ds": {"scale": 0.8, "offset": [0.0, 0.0]}}
    if execution is not None:
        extra["provenance"] = {"execution": execution}
    return {
        "id": str(uuid.uuid5(_NAMESPACE, name)),
        "revision": 0,
        "last_node_id": max(int(node_id) for node_id in prompt),
        "last_link_id": len(links),
        "nodes": list(nodes.values()),
        "links": links,
        "groups": [],
        "config": {},
        "extra": extra,
        "version": 0.4,
    }


def _node(node_id: str, node: Mapping[str, Any], info: Mapping[str, Any], order: int) -> dict[str, Any]:
    sockets: list[dict[str, Any]] = []
    widgets: list[dict[str, Any]] = []
    values: list[Any] = []
    for name, kind, options in _inputs(info):
        if not _is_widget(kind, options):
            sockets.append({"name": name, "type": kind, "link": None})
            continue
        # Since widgets can be linked without being converted, each has a socket of its own, after the plain ones.
        shown = "COMBO" if isinstance(kind, list) else kind
        widgets.append({"name": name, "type": shown, "widget": {"name": name}, "link": None})
        given = node["inputs"].get(name)
        values.append(_default(kind, options) if given is None or _is_link(given) else given)
        if _has_control(name, kind, options):
            values.append("fixed")
        if options.get("image_upload"):
            values.append("image")  # the upload button takes part in the list of values
    outputs = [
        {"name": label, "type": kind, "links": None, "slot_index": slot}
        for slot, (kind, label) in enumerate(zip(info["output"], info["output_name"], strict=True))
    ]
    lines = max(len(sockets), len(outputs)) + sum(4 if _is_multiline(info, w["name"]) else 1 for w in widgets)
    return {
        "id": int(node_id),
        "type": node["class_type"],
        "pos": [0.0, 0.0],
        "size": [340.0, 50.0 + 26.0 * lines + (220.0 if info.get("output_node") else 0.0)],
        "flags": {},
        "order": order,
        "mode": 0,
        "inputs": sockets + widgets,
        "outputs": outputs,
        "properties": {"Node name for S&R": node["class_type"]},
        "widgets_values": values,
    }


def _inputs(info: Mapping[str, Any]) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    for category in ("required", "optional"):
        entries = info["input"].get(category, {})
        for name in info.get("input_order", {}).get(category, entries):
            entry = entries[name]
            yield name, entry[0], entry[1] if len(entry) > 1 else {}


def _is_widget(kind: Any, options: Mapping[str, Any]) -> bool:
    return not options.get("forceInput") and (isinstance(kind, list) or kind in _WIDGET_TYPES)


def _is_multiline(info: Mapping[str, Any], name: str) -> bool:
    return any(options.get("multiline", False) for found, _, options in _inputs(info) if found == name)


def _has_control(name: str, kind: Any, options: Mapping[str, Any]) -> bool:
    # The page adds a "control after generate" widget where the node asks for it, and to every seed by name.
    return bool(options.get("control_after_generate", kind == "INT" and name in ("seed", "noise_seed")))


def _default(kind: Any, options: Mapping[str, Any]) -> Any:
    if "default" in options:
        return options["default"]
    choices = kind if isinstance(kind, list) else options.get("options")
    if choices:
        return choices[0]
    return {"INT": 0, "FLOAT": 0.0, "BOOLEAN": False}.get(kind, "")


def _is_link(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and isinstance(value[0], str)


def _depths(prompt: Prompt) -> dict[str, int]:
    """The column of each node: one right of the rightmost that feeds it."""
    found: dict[str, int] = {}

    def visit(node_id: str) -> int:
        if node_id not in found:
            sources = [value[0] for value in prompt[node_id]["inputs"].values() if _is_link(value)]
            found[node_id] = 1 + max((visit(source) for source in sources), default=-1)
        return found[node_id]

    for node_id in prompt:
        visit(node_id)
    return found
