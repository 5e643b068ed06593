"""Nodes under ComfyUI's names, with the same inputs and outputs in the same order; what they compute is the demo's own.

V1 and V3 classes are split as in ComfyUI 0.19.3, because a pack that wraps nodes meets both kinds.
"""

from __future__ import annotations

from typing import Any

from ..host.v3 import is_v3
from . import images, latents, loaders, other_models, sampling, text


def register(classes: dict[str, type[Any]], names: dict[str, str]) -> None:
    """Add every stock node to a registry, with its module as ComfyUI reports it."""
    for module in (loaders, text, latents, sampling, images, other_models):
        for node_name, cls in module.NODES.items():
            classes[node_name] = cls
            cls.RELATIVE_PYTHON_MODULE = module.PYTHON_MODULES.get(node_name, "nodes")
            if is_v3(cls) and cls.define_schema().display_name:
                names[node_name] = cls.define_schema().display_name
        names.update(module.DISPLAY_NAMES)
