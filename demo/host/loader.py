"""Loads a custom node folder as ComfyUI does: by path, under a mangled module name."""

from __future__ import annotations

import importlib.util
import inspect
import logging
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from . import registry
from .v3 import ComfyExtension


async def load_custom_node(folder: Path, name: str | None = None) -> bool:
    """Import `folder` and register its nodes and web folder under `name` (its own name by default).

    A pack that fails to import is logged and skipped; the answer says whether it was loaded. The module name is the
    path with dots replaced, so a pack cannot be imported by any name it chose: only relative imports work inside it.
    The path is not resolved: through a link in `custom_nodes` the pack bears the link's name.
    """
    folder = Path(os.path.abspath(folder))
    pack = name or folder.name
    module_name = str(folder).replace(".", "_x_")
    try:
        spec = importlib.util.spec_from_file_location(module_name, folder / "__init__.py")
        if spec is None or spec.loader is None:
            raise ImportError(f"no package in {folder}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        spec.loader.exec_module(module)
        registry.LOADED_MODULE_DIRS[pack] = str(folder)
        web = getattr(module, "WEB_DIRECTORY", None)
        if web is not None and (folder / web).is_dir():
            registry.EXTENSION_WEB_DIRS[pack] = os.path.abspath(folder / web)
        return await _register(module, folder, pack)
    except Exception as error:  # the border to other people's code: one bad pack must not stop the host
        logging.warning(traceback.format_exc())
        logging.warning("Cannot import %s module for custom nodes: %s", folder, error)
        return False


async def _register(module: ModuleType, folder: Path, pack: str) -> bool:
    classes = getattr(module, "NODE_CLASS_MAPPINGS", None)
    if classes is not None:
        for node_name, cls in classes.items():
            _add(node_name, cls, pack)
        registry.NODE_DISPLAY_NAME_MAPPINGS.update(getattr(module, "NODE_DISPLAY_NAME_MAPPINGS", None) or {})
        return True
    entrypoint = getattr(module, "comfy_entrypoint", None)
    if entrypoint is not None:
        extension: ComfyExtension = entrypoint()
        if inspect.isawaitable(extension):
            extension = await extension
        await extension.on_load()
        for cls in await extension.get_node_list():
            schema = cls.GET_SCHEMA()
            _add(schema.node_id, cls, pack)
            if schema.display_name is not None:
                registry.NODE_DISPLAY_NAME_MAPPINGS[schema.node_id] = schema.display_name
        return True
    logging.warning("Skip %s module for custom nodes: it has neither NODE_CLASS_MAPPINGS nor an entry point.", folder)
    return False


def _add(node_name: str, cls: type[Any], pack: str) -> None:
    registry.NODE_CLASS_MAPPINGS[node_name] = cls
    cls.RELATIVE_PYTHON_MODULE = f"custom_nodes.{pack}"


def forget_modules(folder: Path) -> None:
    """Drop a loaded pack's modules, so that the next host in this process loads it afresh."""
    root = str(Path(os.path.abspath(folder))).replace(".", "_x_")
    for name in [n for n in sys.modules if n == root or n.startswith(root + ".")]:
        del sys.modules[name]
