"""Which node classes exist: the content of `nodes`."""

from __future__ import annotations

from typing import Any

from . import model_management

MAX_RESOLUTION = 16384
NODE_CLASS_MAPPINGS: dict[str, type[Any]] = {}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {}
EXTENSION_WEB_DIRS: dict[str, str] = {}
LOADED_MODULE_DIRS: dict[str, str] = {}


def before_node_execution() -> None:
    """Called before each node function: the point between nodes where a cancel takes effect."""
    model_management.throw_exception_if_processing_interrupted()


def interrupt_processing(value: bool = True) -> None:
    """Cancel the running prompt; `False` forgets an earlier request."""
    model_management.interrupt_current_processing(value)


def clear() -> None:
    """Forget every node and pack: a host begins with an empty registry."""
    for mapping in (NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS, EXTENSION_WEB_DIRS, LOADED_MODULE_DIRS):
        mapping.clear()
