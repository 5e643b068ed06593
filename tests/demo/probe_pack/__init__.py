"""A custom node pack for the host's tests: lists, hidden values, blockers, change marks, routes."""

from __future__ import annotations

from .nodes import NODE_CLASS_MAPPINGS
from .seam import install

WEB_DIRECTORY = "./web"
NODE_DISPLAY_NAME_MAPPINGS = {"ProbeHidden": "Probe: hidden"}

install()

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "WEB_DIRECTORY"]
