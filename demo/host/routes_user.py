"""The author's settings and saved workflows. One user, `default`; system folders (`__*`) are out of reach."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aiohttp import web

from . import folder_paths

if TYPE_CHECKING:
    from .server import PromptServer

_SETTINGS = "comfy.settings.json"


def add(server: PromptServer) -> None:
    """Register the routes."""
    routes = server.routes

    @routes.get("/users")
    async def users(request: web.Request) -> web.Response:
        return web.json_response({"storage": "server", "migrated": True})

    @routes.get("/settings")
    async def get_settings(request: web.Request) -> web.Response:
        return web.json_response(_read_settings())

    @routes.get("/settings/{id}")
    async def get_setting(request: web.Request) -> web.Response:
        return web.json_response(_read_settings().get(request.match_info["id"]))

    @routes.post("/settings")
    async def post_settings(request: web.Request) -> web.Response:
        _write_settings({**_read_settings(), **await request.json()})
        return web.Response(status=200)

    @routes.post("/settings/{id}")
    async def post_setting(request: web.Request) -> web.Response:
        _write_settings({**_read_settings(), request.match_info["id"]: await request.json()})
        return web.Response(status=200)

    @routes.get("/userdata")
    async def list_userdata(request: web.Request) -> web.Response:
        query = request.rel_url.query
        if not query.get("dir"):
            return web.Response(status=400, text="Directory not provided")
        folder = _path(query["dir"])
        if folder is None:
            return web.Response(status=403, text="Invalid directory")
        if not folder.is_dir():
            return web.Response(status=404, text="Directory not found")
        deep = query.get("recurse", "").lower() == "true"
        files = sorted(p for p in (folder.rglob("*") if deep else folder.glob("*")) if p.is_file())
        if query.get("full_info", "").lower() == "true":
            return web.json_response([_info(path, folder) for path in files])
        names = [path.relative_to(folder).as_posix() for path in files]
        if query.get("split", "").lower() == "true":
            return web.json_response([[name, *name.split("/")] for name in names])
        return web.json_response(names)

    @routes.get("/v2/userdata")
    async def list_userdata_v2(request: web.Request) -> web.Response:
        wanted = unquote(request.rel_url.query.get("path", ""))
        folder = _path(wanted) if wanted else _root()
        if folder is None:
            return web.Response(status=400, text="Invalid path requested")
        if not folder.exists():
            return web.Response(status=404, text="Requested path not found")
        if not folder.is_dir():
            return web.Response(status=400, text="Requested path is not a directory")
        found = [_entry(path) for path in folder.rglob("*")]
        return web.json_response(sorted(found, key=lambda e: (e["type"] != "directory", e["name"].lower())))

    @routes.get("/userdata/{file}")
    async def get_userdata(request: web.Request) -> web.StreamResponse:
        path = _path(request.match_info["file"])
        if path is None:
            return web.Response(status=403)
        return web.FileResponse(path) if path.is_file() else web.Response(status=404)

    @routes.post("/userdata/{file}")
    async def post_userdata(request: web.Request) -> web.Response:
        path = _path(request.match_info["file"])
        if path is None:
            return web.Response(status=403)
        if request.query.get("overwrite", "true") == "false" and path.exists():
            return web.Response(status=409, text="File already exists")
        _write(path, await request.read())
        return _answer(request, path)

    @routes.delete("/userdata/{file}")
    async def delete_userdata(request: web.Request) -> web.Response:
        path = _path(request.match_info["file"])
        if path is None:
            return web.Response(status=403)
        if not path.is_file():
            return web.Response(status=404)
        path.unlink()
        return web.Response(status=204)

    @routes.post("/userdata/{file}/move/{dest}")
    async def move_userdata(request: web.Request) -> web.Response:
        source, target = _path(request.match_info["file"]), _path(request.match_info["dest"])
        if source is None or target is None:
            return web.Response(status=403)
        if not source.exists():
            return web.Response(status=404)
        if request.query.get("overwrite", "true") == "false" and target.exists():
            return web.Response(status=409, text="File already exists")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, target)
        return _answer(request, target)


def _root() -> Path:
    return Path(os.path.abspath(os.path.join(folder_paths.get_user_directory(), "default")))


def _path(name: str) -> Path | None:
    """Where a name lies below the user's folder, or None if it leads out of it."""
    root = _root()
    path = os.path.abspath(root / unquote(name))
    try:
        return Path(path) if os.path.commonpath((root, path)) == str(root) else None
    except ValueError:  # another drive on Windows
        return None


def _info(path: Path, root: Path) -> dict[str, Any]:
    stat = path.stat()
    name = path.relative_to(root).as_posix()
    return {"path": name, "size": stat.st_size, "modified": stat.st_mtime, "created": stat.st_ctime}


def _entry(path: Path) -> dict[str, Any]:
    about: dict[str, Any] = {"name": path.name, "path": path.relative_to(_root()).as_posix()}
    if path.is_dir():
        return {**about, "type": "directory"}
    stat = path.stat()
    return {**about, "type": "file", "size": stat.st_size, "modified": stat.st_mtime}


def _answer(request: web.Request, path: Path) -> web.Response:
    if request.query.get("full_info", "false").lower() == "true":
        return web.json_response(_info(path, _root()))
    return web.json_response(path.relative_to(_root()).as_posix())


def _read_settings() -> dict[str, Any]:
    try:
        data = json.loads((_root() / _SETTINGS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        logging.error("The user settings file is corrupted: %s", _root() / _SETTINGS)
        return {}
    return data if isinstance(data, dict) else {}


def _write_settings(settings: dict[str, Any]) -> None:
    _write(_root() / _SETTINGS, json.dumps(settings, indent=4).encode("utf-8"))


def _write(path: Path, content: bytes) -> None:
    # Whole or not at all: two browser tabs may save at once.
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
