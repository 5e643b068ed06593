"""All nodes of this pack, for one host."""

from __future__ import annotations

from . import encoders, intent, load_output, samplers, save_image
from .border import guarded
from .port import Port


def build(port: Port) -> tuple[dict[str, type], dict[str, str]]:
    """Make NODE_CLASS_MAPPINGS and NODE_DISPLAY_NAME_MAPPINGS. Call once, after the host has loaded its own nodes.

    Wrappers exist for what this host has. A stock class that cannot be asked about itself gets none, which is
    reported through `port.problem`; the others are not affected.
    """
    classes: dict[str, type] = {
        "ProvenanceSaveImage": save_image.make(port),
        "ProvenanceIntent": intent.make(port),
    }
    names = {"ProvenanceSaveImage": "Save Image (Provenance)", "ProvenanceIntent": "Intent (Provenance)"}
    stock = port.stock_nodes()
    with guarded(port, "loaders of earlier outputs are missing"):
        for class_type, (cls, name) in load_output.loaders(port, stock).items():
            classes[class_type], names[class_type] = cls, name
    for stock_id, node in stock.items():
        with guarded(port, f"{stock_id} has no wrapper"):
            wrapped = samplers.wrapper(port, stock_id, node) or encoders.wrapper(port, stock_id, node)
            if wrapped is not None:
                classes[f"Provenance{stock_id}"] = wrapped
                names[f"Provenance{stock_id}"] = f"{node.display_name} (Provenance)"
    return classes, names
