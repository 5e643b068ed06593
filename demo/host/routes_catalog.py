"""What the host has to offer: node definitions, scripts, models, translations, system facts, and the page itself."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiohttp import web
from safetensors import SafetensorError, safe_open

from . import folder_paths, model_management, registry
from .cli_args import args
from .v3 import is_v3
from .version import __version__

if TYPE_CHECKING:
    from .server import PromptServer

_EXAMPLE_FOLDERS = ("example_workflows", "example", "examples", "workflow", "workflows")


def server_features() -> dict[str, Any]:
    """What this host can do, as told to each page."""
    return {
        "supports_preview_metadata": True,
        "max_upload_size": args.max_upload_size * 1024 * 1024,
        "node_replacements": False,
        "assets": False,
    }


def node_info(name: str) -> dict[str, Any]:
    """One node's definition, as `/object_info` gives it."""
    cls = registry.NODE_CLASS_MAPPINGS[name]
    inputs = cls.INPUT_TYPES()
    slots = len(cls.RETURN_TYPES)
    v3 = is_v3(cls)
    info: dict[str, Any] = {
        "input": inputs,
        "input_order": {category: list(entries) for category, entries in inputs.items()},
        "is_input_list": getattr(cls, "INPUT_IS_LIST", False),
        "output": cls.RETURN_TYPES,
        "output_is_list": getattr(cls, "OUTPUT_IS_LIST", None) or [False] * slots,
        "output_name": getattr(cls, "RETURN_NAMES", None) or cls.RETURN_TYPES,
        "name": name,
        # A V3 node without a display name has none here, where a V1 node falls back to its class name.
        "display_name": registry.NODE_DISPLAY_NAME_MAPPINGS.get(name, None if v3 else name),
        "description": getattr(cls, "DESCRIPTION", ""),
        "python_module": getattr(cls, "RELATIVE_PYTHON_MODULE", None) or "nodes",
        "category": getattr(cls, "CATEGORY", "sd"),
        "output_node": getattr(cls, "OUTPUT_NODE", False) is True,
        "has_intermediate_output": getattr(cls, "HAS_INTERMEDIATE_OUTPUT", False) is True,
        "search_aliases": getattr(cls, "SEARCH_ALIASES", []),
    }
    if hasattr(cls, "OUTPUT_TOOLTIPS"):
        info["output_tooltips"] = cls.OUTPUT_TOOLTIPS
    for flag in ("DEPRECATED", "EXPERIMENTAL"):
        if getattr(cls, flag, False):
            info[flag.lower()] = True
    return info


def add(server: PromptServer) -> None:
    """Register the routes."""
    routes = server.routes
    root = Path(server.web_root)

    @routes.get("/")
    async def index(request: web.Request) -> web.FileResponse:
        return web.FileResponse(root / "index.html", headers={"Cache-Control": "no-store, must-revalidate"})

    @routes.get("/object_info")
    async def all_nodes(request: web.Request) -> web.Response:
        out = {}
        for name in registry.NODE_CLASS_MAPPINGS:
            try:
                out[name] = node_info(name)
            except Exception:  # a pack's INPUT_TYPES may raise; the others must still show
                logging.error("[ERROR] An error occurred while retrieving information for the '%s' node.", name)
                logging.error(traceback.format_exc())
        return web.json_response(out)

    @routes.get("/object_info/{node_class}")
    async def one_node(request: web.Request) -> web.Response:
        name = request.match_info["node_class"]
        return web.json_response({name: node_info(name)} if name in registry.NODE_CLASS_MAPPINGS else {})

    @routes.get("/extensions")
    async def extensions(request: web.Request) -> web.Response:
        # Every script in a pack's web folder is imported by each page, whatever it is for.
        found = [_url("/", script, root) for script in sorted((root / "extensions").rglob("*.js"))]
        for name, folder in registry.EXTENSION_WEB_DIRS.items():
            found += [_url(f"/extensions/{quote(name)}/", s, Path(folder)) for s in sorted(Path(folder).rglob("*.js"))]
        return web.json_response(found)

    @routes.get("/features")
    async def features(request: web.Request) -> web.Response:
        return web.json_response(server_features())

    @routes.get("/system_stats")
    async def system_stats(request: web.Request) -> web.Response:
        return web.json_response(_system_stats())

    @routes.get("/i18n")
    async def i18n(request: web.Request) -> web.Response:
        return web.json_response(translations())

    @routes.get("/workflow_templates")
    async def templates(request: web.Request) -> web.Response:
        found: dict[str, list[str]] = {}
        for name, folder in registry.LOADED_MODULE_DIRS.items():
            for sub in _EXAMPLE_FOLDERS:
                stems = [path.stem for path in sorted((Path(folder) / sub).glob("*.json"))]
                if stems:
                    found.setdefault(name, []).extend(stems)
        return web.json_response(found)

    @routes.get("/embeddings")
    async def embeddings(request: web.Request) -> web.Response:
        return web.json_response([os.path.splitext(n)[0] for n in folder_paths.get_filename_list("embeddings")])

    @routes.get("/models")
    async def model_kinds(request: web.Request) -> web.Response:
        return web.json_response(list(folder_paths.folder_names_and_paths))

    @routes.get("/models/{folder}")
    async def models(request: web.Request) -> web.Response:
        kind = request.match_info["folder"]
        if kind not in folder_paths.folder_names_and_paths:
            return web.Response(status=404)
        return web.json_response(folder_paths.get_filename_list(kind))

    @routes.get("/experiment/models")
    async def model_folders(request: web.Request) -> web.Response:
        kinds = [k for k in folder_paths.folder_names_and_paths if k not in ("configs", "custom_nodes")]
        return web.json_response([{"name": k, "folders": folder_paths.get_folder_paths(k)} for k in kinds])

    @routes.get("/experiment/models/{folder}")
    async def model_files(request: web.Request) -> web.Response:
        kind = request.match_info["folder"]
        if kind not in folder_paths.folder_names_and_paths:
            return web.Response(status=404)
        names = folder_paths.get_filename_list(kind)
        return web.json_response([{"name": name, "pathIndex": 0} for name in names])

    @routes.get("/view_metadata/{folder_name}")
    async def view_metadata(request: web.Request) -> web.Response:
        name = request.rel_url.query.get("filename", "")
        path = folder_paths.get_full_path(request.match_info["folder_name"], name)
        if path is None or not name.endswith(".safetensors"):
            return web.Response(status=404)
        try:
            with safe_open(path, framework="pt") as file:
                about = file.metadata()
        except (SafetensorError, OSError):
            about = None
        return web.json_response(about) if about else web.Response(status=404)

    for path in ("/node_replacements", "/global_subgraphs"):
        routes.get(path)(_nothing)

    @routes.get(r"/templates/{name:(index.*|fuse_options)\.json}")
    async def no_templates(request: web.Request) -> web.Response:
        # The template gallery is a package of its own, hundreds of megabytes of workflows for models nobody has here.
        return web.json_response([])


async def _nothing(request: web.Request) -> web.Response:
    return web.json_response({})


def add_static(server: PromptServer) -> None:
    """Serve the packs' example workflows, and the node help that ComfyUI's own help package holds, if installed."""
    for name, folder in registry.LOADED_MODULE_DIRS.items():
        for sub in _EXAMPLE_FOLDERS:
            if (Path(folder) / sub).is_dir():
                server.app.add_routes([web.static(f"/api/workflow_templates/{name}", Path(folder) / sub)])
    try:
        found = metadata.distribution("comfyui-embedded-docs").locate_file("comfyui_embedded_docs/docs")
    except metadata.PackageNotFoundError:
        return
    if Path(str(found)).is_dir():
        server.app.add_routes([web.static("/docs", Path(str(found)))])


def translations() -> dict[str, Any]:
    """What every loaded pack's `locales/<language>/*.json` says, merged by language."""
    merged: dict[str, Any] = {}
    for folder in registry.LOADED_MODULE_DIRS.values():
        for language in sorted(path for path in (Path(folder) / "locales").glob("*") if path.is_dir()):
            words = _read_json(language / "main.json")
            for part in ("nodeDefs", "commands", "settings"):
                more = _read_json(language / f"{part}.json")
                if more:
                    words[part] = more
            if words:
                merged[language.name] = _deep_merge(merged.get(language.name, {}), words)
    return merged


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        logging.error("Unreadable translations %s: %s", path, error)
        return {}
    return data if isinstance(data, dict) else {}


def _deep_merge(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = _deep_merge(out[key], value) if both else value
    return out


def _system_stats() -> dict[str, Any]:
    total, free = model_management.get_total_memory(), model_management.get_free_memory()
    memory = {"vram_total": total, "vram_free": free, "torch_vram_total": total, "torch_vram_free": free}
    device = model_management.get_torch_device()
    name = model_management.get_torch_device_name(device)
    return {
        "system": {
            "os": sys.platform,
            "ram_total": total,
            "ram_free": free,
            "comfyui_version": __version__,
            # A page that was chosen by hand is not measured against the installed one.
            "required_frontend_version": None if args.front_end_root else _installed("comfyui-frontend-package"),
            "installed_templates_version": _installed("comfyui-workflow-templates"),
            "required_templates_version": _installed("comfyui-workflow-templates"),
            "python_version": sys.version,
            "pytorch_version": model_management.torch_version,
            "embedded_python": False,
            "argv": sys.argv,
        },
        "devices": [{"name": name, "type": device.type, "index": device.index, **memory}],
    }


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _url(prefix: str, file: Path, root: Path) -> str:
    return prefix + file.relative_to(root).as_posix()
