"""Pictures in and out: `/view` and the uploads. No path leaves the input, output and temp folders."""

from __future__ import annotations

import hashlib
import io
import json
import mimetypes
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from . import folder_paths

if TYPE_CHECKING:
    from .server import PromptServer

# A page must not be able to run what somebody saved as an "image".
_NEVER_SHOWN = {"text/html", "text/html-sandboxed", "application/xhtml+xml", "text/javascript", "text/css"}


def add(server: PromptServer) -> None:
    """Register the routes."""
    routes = server.routes

    @routes.get("/view")
    async def view(request: web.Request) -> web.StreamResponse:
        query = request.rel_url.query
        if "filename" not in query:
            return web.Response(status=404)
        name, folder = folder_paths.annotated_filepath(query["filename"])
        if not name or name[0] == "/" or ".." in name:
            return web.Response(status=400)
        folder = folder or folder_paths.get_directory_by_type(query.get("type", "output"))
        if folder is None:
            return web.Response(status=400)
        where = _inside(folder, query.get("subfolder", ""))
        if where is None:
            return web.Response(status=403)
        path = where / os.path.basename(name)
        if not path.is_file():
            return web.Response(status=404)
        return _show(path, query.get("preview"), query.get("channel", "rgba"))

    @routes.post("/upload/image")
    async def upload_image(request: web.Request) -> web.Response:
        return _store(await request.post())

    @routes.post("/upload/mask")
    async def upload_mask(request: web.Request) -> web.Response:
        post = await request.post()
        try:
            original = json.loads(str(post.get("original_ref")))
            name, folder = folder_paths.annotated_filepath(original["filename"])
        except (ValueError, KeyError, TypeError):
            return web.Response(status=400)
        folder = folder or folder_paths.get_directory_by_type(original.get("type", "output"))
        if not name or name[0] == "/" or ".." in name or folder is None:
            return web.Response(status=400)
        where = _inside(folder, original.get("subfolder", ""))
        if where is None:
            return web.Response(status=403)
        return _store(post, mask_of=where / name)


def _inside(folder: str, subfolder: str) -> Path | None:
    root = os.path.abspath(folder)
    path = os.path.abspath(os.path.join(root, os.path.normpath(subfolder or ".")))
    try:
        return Path(path) if os.path.commonpath((root, path)) == root else None
    except ValueError:  # another drive on Windows
        return None


def _show(path: Path, preview: str | None, channel: str) -> web.StreamResponse:
    headers = {"Content-Disposition": f'filename="{path.name}"'}
    if preview is not None:
        wanted, _, quality = preview.partition(";")
        kind = wanted if wanted in ("webp", "jpeg") and "a" not in channel.replace("rgba", "") else "webp"
        with Image.open(path) as picture:
            shown = picture.convert("RGB") if kind == "jpeg" or channel == "rgb" else picture
            level = int(quality) if quality.isdigit() else 90
            return web.Response(body=_bytes(shown, kind, quality=level), content_type=f"image/{kind}", headers=headers)
    if channel == "rgb":
        with Image.open(path) as picture:
            return web.Response(body=_bytes(picture.convert("RGB"), "PNG"), content_type="image/png", headers=headers)
    if channel == "a":
        with Image.open(path) as picture:
            alpha = picture.getchannel("A") if picture.mode == "RGBA" else Image.new("L", picture.size, 255)
            only = Image.new("RGBA", picture.size)
            only.putalpha(alpha)
            return web.Response(body=_bytes(only, "PNG"), content_type="image/png", headers=headers)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers["Content-Type"] = "application/octet-stream" if kind in _NEVER_SHOWN else kind
    return web.FileResponse(path, headers=headers)


def _bytes(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()


def _store(post: Any, mask_of: Path | None = None) -> web.Response:
    field = post.get("image")
    kind = str(post.get("type") or "input")
    folder = folder_paths.get_directory_by_type(kind)
    name = os.path.basename(getattr(field, "filename", None) or "")
    if folder is None or not name:
        return web.Response(status=400)
    subfolder = str(post.get("subfolder", ""))
    where = _inside(folder, subfolder)
    if where is None:
        return web.Response(status=400)
    where.mkdir(parents=True, exist_ok=True)
    content = field.file.read()
    target = where / name
    if post.get("overwrite") not in ("true", "1"):
        count = 1
        while target.exists() and not _same(target, content):
            target = where / f"{Path(name).stem} ({count}){Path(name).suffix}"
            count += 1
    if mask_of is None:
        target.write_bytes(content)
    elif mask_of.is_file():
        _store_masked(mask_of, content, target)
    return web.json_response({"name": target.name, "subfolder": subfolder, "type": kind})


def _store_masked(original: Path, mask: bytes, target: Path) -> None:
    """The original with the mask's alpha, keeping its text chunks (they hold the graph it came from)."""
    with Image.open(original) as picture, Image.open(io.BytesIO(mask)) as drawn:
        info = PngInfo()
        for key, value in getattr(picture, "text", {}).items():
            info.add_text(key, value)
        result = picture.convert("RGBA")
        result.putalpha(drawn.convert("RGBA").getchannel("A"))
        result.save(target, compress_level=4, pnginfo=info)


def _same(path: Path, content: bytes) -> bool:
    return hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(content).digest()
