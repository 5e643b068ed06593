"""Puts the host's modules where a pack looks for them: in `sys.modules`, under ComfyUI's names."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import (
    cli_args,
    context,
    execution,
    folder_paths,
    graph,
    model_management,
    progress,
    registry,
    v3,
    version,
    wire,
    wrappers,
)


def build(sampling: dict[str, ModuleType]) -> dict[str, ModuleType]:
    """Every module under the name it goes by. `sampling` brings those that the model behind the host provides."""
    from . import server

    utils = _facade("comfy.utils", ProgressBar=progress.ProgressBar, PROGRESS_BAR_ENABLED=True)
    utils.set_progress_bar_global_hook = progress.set_progress_bar_global_hook  # type: ignore[attr-defined]
    graph_utils = _facade("comfy_execution.graph_utils", is_link=graph.is_link, ExecutionBlocker=graph.ExecutionBlocker)
    found = {
        "server": server,
        "execution": execution,
        "folder_paths": folder_paths,
        "nodes": registry,
        "protocol": wire,
        "comfyui_version": version,
        "comfy": _package("comfy"),
        "comfy.cli_args": cli_args,
        "comfy.model_management": model_management,
        "comfy.patcher_extension": wrappers,
        "comfy.utils": utils,
        "comfy_api": _package("comfy_api"),
        "comfy_api.latest": v3,
        "comfy_execution": _package("comfy_execution"),
        "comfy_execution.graph": graph,
        "comfy_execution.graph_utils": graph_utils,
        "comfy_execution.progress": progress,
        "comfy_execution.utils": context,
        **sampling,
    }
    for name, module in found.items():
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(found[parent], child, module)
    return found


def install(modules: dict[str, ModuleType]) -> Callable[[], None]:
    """Put the modules in place; the answer takes them out again and restores what was there before."""
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)

    def uninstall() -> None:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module

    return uninstall


def _package(name: str) -> ModuleType:
    module = ModuleType(name)
    # A path, though empty, makes it a package: `import comfy.utils` then looks in sys.modules.
    module.__path__ = []
    return module


def _facade(name: str, **content: Any) -> ModuleType:
    module = ModuleType(name)
    for key, value in content.items():
        setattr(module, key, value)
    return module
