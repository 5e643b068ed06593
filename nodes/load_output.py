"""Provenance Load Output and Load Latent: go on from something that an earlier run made.

The file is read by ComfyUI's own loader, so what comes out is bit for bit what Load Image or Load Latent gives; the
record sees the file's name in this node's input and its digest on disk, and draws the edge from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

from .port import Port, StockNode
from .stock import change_detection, receiver, validation


class Kind(NamedTuple):
    """What one loader node loads: our class id, the stock class behind it, its input's name and what it lists."""

    class_type: str
    display_name: str
    stock_id: str
    input: str
    outputs: str
    description: str


KINDS = (
    Kind(
        "ProvenanceLoadOutput",
        "Load Output (Provenance)",
        "LoadImage",
        "image",
        "image",
        "Loads an image that an earlier run made, newest first. The record notes what it became part of.",
    ),
    Kind(
        "ProvenanceLoadLatent",
        "Load Latent (Provenance)",
        "LoadLatent",
        "latent",
        "latent",
        "Loads a latent that a provenance sampler or Save Latent wrote, to go on from that point.",
    ),
)


def is_inside(name: str) -> bool:
    """Whether an annotated name stays inside ComfyUI's folders: relative, without `..` and without a drive."""
    bare = name.rsplit("[", 1)[0].strip() if name.endswith("]") else name
    if not bare or "\0" in bare:
        return False
    paths = (PurePosixPath(bare), PureWindowsPath(bare))
    return not any(path.is_absolute() or path.drive or path.root or ".." in path.parts for path in paths)


def make(port: Port, kind: Kind, stock: StockNode) -> type:
    """Make a loader of earlier outputs around a stock loader class."""
    cls: Any = stock.cls
    changed, valid = change_detection(cls), validation(cls)

    def input_types(_: type) -> dict[str, Any]:
        names = list(port.recent_outputs(kind.outputs))
        return {"required": {kind.input: (names, {"tooltip": "Newest first. Press R on the canvas to look again."})}}

    def init(self: Any) -> None:
        self.stock = receiver(cls)

    def run(self: Any, **inputs: str) -> Any:
        return getattr(self.stock, cls.FUNCTION)(**inputs)

    def is_changed(_: type, /, **inputs: str) -> Any:
        return changed(**inputs)

    def validate(_: type, /, **inputs: str) -> Any:
        # Taking any argument also stops the executor from looking the name up in the list, which holds the newest only.
        name = inputs[kind.input]
        if not isinstance(name, str) or not is_inside(name):
            return f"Not the name of an output: {name}"
        return valid(**inputs) if valid is not None else True

    members: dict[str, Any] = {
        "__doc__": kind.description,
        "__init__": init,
        "INPUT_TYPES": classmethod(input_types),
        "VALIDATE_INPUTS": classmethod(validate),
        "RETURN_TYPES": cls.RETURN_TYPES,
        "FUNCTION": "run",
        "CATEGORY": "provenance",
        "DESCRIPTION": kind.description,
        "run": run,
    }
    if changed is not None:
        members["IS_CHANGED"] = classmethod(is_changed)
    return type(kind.class_type, (), members)


def loaders(port: Port, stock: Mapping[str, StockNode]) -> dict[str, tuple[type, str]]:
    """Make the loaders whose stock class this host has: class and display name by class id."""
    return {
        kind.class_type: (make(port, kind, stock[kind.stock_id]), kind.display_name)
        for kind in KINDS
        if kind.stock_id in stock
    }
