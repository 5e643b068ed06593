"""The only file that imports ComfyUI. It answers in plain values and never raises.

Works on ComfyUI 0.3.64 and newer; what a version lacks is answered with None or an empty value. Nothing here is
called on ComfyUI's event loop or sampler thread except `executing_node` and `send`, which take microseconds.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # outside a host nothing but this file is loaded
    from ..provenance.config import Places
    from ..provenance.model import Json, NodeInput

LOG = logging.getLogger("comfy-provenance")
SYSTEM_FOLDER = "provenance"
OWN_EXTRAS = frozenset(("comfy_extras", "comfy_api_nodes"))
PromptHandler = Callable[[Any], Any]


def inside() -> bool:
    """Whether a ComfyUI server exists in this process."""
    server = sys.modules.get("server")
    return getattr(getattr(server, "PromptServer", None), "instance", None) is not None


def prompt_server() -> Any:
    """ComfyUI's PromptServer instance."""
    import server

    return server.PromptServer.instance


def send(event: str, data: Mapping[str, Json]) -> None:
    """Send a websocket event to every open page; what the server makes of it is not our business."""
    try:
        prompt_server().send_sync(event, dict(data))
    except Exception:  # the border: its loop may be closed, its modules gone, its method replaced by another pack
        LOG.debug("event %s could not be sent", event, exc_info=True)


def on_prompt(handler: PromptHandler) -> None:
    """Have ComfyUI show every posted prompt to the handler before it is validated; it must return what it gets."""
    prompt_server().add_on_prompt_handler(handler)


def when_started(callback: Callable[[], None]) -> None:
    """Call back once, on the event loop, when the server starts: every node pack is loaded by then."""

    async def started(app: Any) -> None:
        callback()

    prompt_server().app.on_startup.append(started)


def when_stopped(callback: Callable[[], None]) -> None:
    """Call back once, on a thread, when the server is closed in an orderly way. ComfyUI itself just ends."""

    async def stopped(app: Any) -> None:
        await asyncio.get_running_loop().run_in_executor(None, callback)

    prompt_server().app.on_cleanup.append(stopped)


def executing_node() -> tuple[str, int | None] | None:
    """Id of the node that the calling thread executes and its place in a list run; None outside of one."""
    from comfy_execution.utils import get_executing_context

    context = get_executing_context()
    return None if context is None else (str(context.node_id), context.list_index)


def node_class(class_type: str) -> Any:
    """The registered class of that name, or None."""
    import nodes

    return nodes.NODE_CLASS_MAPPINGS.get(class_type)


def node_classes() -> tuple[str, ...]:
    """All registered class names."""
    import nodes

    return tuple(nodes.NODE_CLASS_MAPPINGS)


def metadata_disabled() -> bool:
    """Whether the user started ComfyUI with --disable-metadata."""
    from comfy.cli_args import args

    return bool(args.disable_metadata)


def stock_nodes() -> dict[str, tuple[Any, str]]:
    """Classes that come with ComfyUI itself, by id, each with the name its page shows."""
    import nodes

    return {
        name: (cls, str(nodes.NODE_DISPLAY_NAME_MAPPINGS.get(name, name)))
        for name, cls in dict(nodes.NODE_CLASS_MAPPINGS).items()
        if not str(getattr(cls, "RELATIVE_PYTHON_MODULE", "")).startswith("custom_nodes.")
    }


def save_path(prefix: str, width: int, height: int, kind: str) -> tuple[str, str, int, str]:
    """Folder, file name stem, counter and subfolder for the next saved file, as ComfyUI's own nodes choose them.

    kind: `output` or `temp`. Raises what ComfyUI raises for a prefix that leaves the folder.
    """
    import folder_paths

    base = folder_paths.get_temp_directory() if kind == "temp" else folder_paths.get_output_directory()
    folder, stem, counter, subfolder, _ = folder_paths.get_save_image_path(prefix, base, width, height)
    return folder, stem, counter, subfolder


def places() -> Places:
    """Where the ledger and the key live: ComfyUI's system user folder.

    Versions that do not guard system folders could serve them over HTTP; there the key goes to the person's own data
    folder instead.
    """
    import folder_paths

    from ..provenance.config import Places

    guarded = getattr(folder_paths, "get_system_user_directory", None)
    if guarded is not None:
        ledger = Path(guarded(SYSTEM_FOLDER)).absolute()
        return Places(ledger, ledger / "secrets")
    ledger = Path(folder_paths.get_user_directory()).absolute() / f"__{SYSTEM_FOLDER}"
    return Places(ledger, own_data_folder() / ledger_tag(ledger))


def own_data_folder() -> Path:
    """The operating system's per-person data folder for this pack."""
    if os.name == "nt":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Application Support")
    else:
        base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base).absolute() / "comfy-provenance"


def ledger_tag(ledger: Path) -> str:
    """A short name for a ledger's folder, so that two installations of one person do not share a key."""
    from ..provenance.canonical import sha256_hex

    return sha256_hex(str(ledger).encode("utf-8", "surrogatepass"))[:16]


class ComfyHost:
    """ComfyUI as `provenance.model.Host` sees it."""

    def node_inputs(self, class_type: str) -> Mapping[str, NodeInput] | None:
        cls = node_class(class_type)
        if cls is None:
            return None
        try:
            declared = cls.INPUT_TYPES()
        except Exception:  # another pack's code, which may fail in any way
            LOG.debug("inputs of %s cannot be read", class_type, exc_info=True)
            return None
        found: dict[str, NodeInput] = {}
        for group in ("required", "optional"):
            members = declared.get(group) if isinstance(declared, dict) else None
            for name, spec in members.items() if isinstance(members, dict) else ():
                found[str(name)] = _node_input(spec)
        return found

    def node_outputs(self, class_type: str) -> tuple[str, ...] | None:
        types = getattr(node_class(class_type), "RETURN_TYPES", None)
        return None if types is None else tuple(str(item) for item in types)

    def is_output_node(self, class_type: str) -> bool:
        return bool(getattr(node_class(class_type), "OUTPUT_NODE", False))

    def node_pack(self, class_type: str) -> str | None:
        module = getattr(node_class(class_type), "RELATIVE_PYTHON_MODULE", None)
        if not isinstance(module, str) or not module.startswith("custom_nodes."):
            return None
        return module.removeprefix("custom_nodes.")

    def node_classes(self) -> tuple[str, ...]:
        return node_classes()

    def directories(self) -> Mapping[str, str]:
        import folder_paths

        return {
            "output": _absolute(folder_paths.get_output_directory()),
            "temp": _absolute(folder_paths.get_temp_directory()),
            "input": _absolute(folder_paths.get_input_directory()),
        }

    def model_folders(self) -> Mapping[str, tuple[str, ...]]:
        import folder_paths

        skipped = {"custom_nodes", "configs"}
        return {
            name: tuple(map(_absolute, entry[0]))
            for name, entry in dict(folder_paths.folder_names_and_paths).items()
            if name not in skipped
        }

    def model_extensions(self) -> frozenset[str]:
        import folder_paths

        return frozenset(folder_paths.supported_pt_extensions) | {".gguf", ".onnx"}

    def environment(self) -> Mapping[str, Json]:
        import folder_paths

        import nodes

        packs = {
            name: str(path)
            for name, path in dict(nodes.LOADED_MODULE_DIRS).items()
            if Path(path).name not in OWN_EXTRAS  # ComfyUI lists its own extra nodes there too
        }
        return {
            "comfyui": {
                "version": _module_attribute("comfyui_version", "__version__"),
                "folder": str(Path(folder_paths.base_path).absolute()),
            },
            "device": _device(),
            "packs": packs,
            "classes": {name: self.node_pack(name) for name in node_classes()},
        }


def _absolute(path: str | os.PathLike[str]) -> str:
    """As `Path.absolute`, which takes ten times as long for what is absolute; asked for every folder at every run."""
    return os.fspath(path) if os.path.isabs(path) else str(Path(path).absolute())  # noqa: PTH117  makes no Path


def _node_input(spec: Any) -> NodeInput:
    from ..provenance.model import NodeInput

    kind = spec[0] if isinstance(spec, list | tuple) and spec else spec
    options = spec[1] if isinstance(spec, list | tuple) and len(spec) > 1 and isinstance(spec[1], dict) else {}
    if isinstance(kind, list | tuple):
        return NodeInput("COMBO", options, tuple(str(item) for item in kind))
    choices = options.get("options")
    return NodeInput(str(kind), options, tuple(str(item) for item in choices) if isinstance(choices, list) else None)


def _module_attribute(module: str, name: str) -> str | None:
    try:
        found = getattr(__import__(module), name, None)
    except ImportError:
        return None
    return None if found is None else str(found)


def _device() -> str | None:
    try:
        from comfy import model_management

        return str(model_management.get_torch_device_name(model_management.get_torch_device()))
    except Exception:  # drivers may fail in any way; the device is a detail of the record
        LOG.debug("device cannot be read", exc_info=True)
        return None
