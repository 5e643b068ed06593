"""The web server and the messages to the page: the content of `server`."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import WSMsgType, web

from . import registry, routes_catalog, routes_files, routes_jobs, routes_prompt, routes_user
from .cli_args import args
from .origin import same_origin_only
from .queue import PromptQueue
from .wire import (
    PREVIEW_IMAGE_WITH_METADATA,
    TEXT,
    UNENCODED_PREVIEW_IMAGE,
    encode_preview,
    encode_preview_with_metadata,
    message,
)


@web.middleware
async def no_stale_pages(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    """Scripts and styles are asked for again each time, so that an edited pack shows after a reload."""
    response: web.StreamResponse = await handler(request)
    if request.path.endswith((".js", ".css", "index.json")):
        response.headers.setdefault("Cache-Control", "no-cache")
    return response


class PromptServer:
    """One per process, found as `PromptServer.instance`. Packs add routes to `routes` while they load."""

    instance: PromptServer

    def __init__(self, loop: asyncio.AbstractEventLoop, web_root: Path) -> None:
        PromptServer.instance = self
        self.loop = loop
        self.web_root = str(web_root)
        self.prompt_queue = PromptQueue(self)
        self.messages: asyncio.Queue[tuple[Any, Any, str | None]] = asyncio.Queue()
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self.sockets_metadata: dict[str, dict[str, Any]] = {}
        self.number = 0
        self.client_id: str | None = None
        self.last_node_id: str | None = None
        self.last_prompt_id: str | None = None
        self.client_session: aiohttp.ClientSession | None = None
        self.on_prompt_handlers: list[Callable[[Any], Any]] = []
        self.supports = ["custom_nodes_from_web"]
        self.address = ""
        self.port = 0
        size = round(args.max_upload_size * 1024 * 1024)
        self.app = web.Application(client_max_size=size, middlewares=[no_stale_pages, same_origin_only])
        self.routes = web.RouteTableDef()
        self.routes.get("/ws")(self._websocket)
        routes_catalog.add(self)
        routes_files.add(self)
        routes_jobs.add(self)
        routes_prompt.add(self)
        routes_user.add(self)

    def add_routes(self) -> None:
        """Make every route reachable, with and without `/api`, and then the static files. Packs are loaded by now."""
        prefixed = web.RouteTableDef()
        for route in self.routes:
            # A pack may add a static folder; only real routes get a twin.
            if isinstance(route, web.RouteDef) and not route.path.startswith("/api/"):
                prefixed.route(route.method, "/api" + route.path)(route.handler, **route.kwargs)
        self.app.add_routes(prefixed)
        self.app.add_routes(self.routes)
        for name, folder in registry.EXTENSION_WEB_DIRS.items():
            self.app.add_routes([web.static("/extensions/" + name, folder)])
        routes_catalog.add_static(self)
        self.app.add_routes([web.static("/", self.web_root)])

    def add_on_prompt_handler(self, handler: Callable[[Any], Any]) -> None:
        """Let a pack change what was posted to `/prompt` before it is validated."""
        self.on_prompt_handlers.append(handler)

    def trigger_on_prompt(self, json_data: Any) -> Any:
        """Pass posted data through every handler; one that fails is logged and skipped."""
        for handler in self.on_prompt_handlers:
            try:
                json_data = handler(json_data)
            except Exception:  # the border to other people's code
                logging.warning("[ERROR] An error occurred during the on_prompt_handler processing")
                logging.warning(traceback.format_exc())
        return json_data

    def client_supports(self, feature: str) -> bool:
        """Whether the page that asked for the running prompt announced a feature."""
        known = self.sockets_metadata.get(self.client_id or "", {})
        return known.get("feature_flags", {}).get(feature) is True

    def get_queue_info(self) -> dict[str, Any]:
        """How many prompts are left, as the status message tells it."""
        return {"exec_info": {"queue_remaining": self.prompt_queue.get_tasks_remaining()}}

    def queue_updated(self) -> None:
        """Tell every page that the queue changed."""
        self.send_sync("status", {"status": self.get_queue_info()})

    def send_sync(self, event: Any, data: Any, sid: str | None = None) -> None:
        """Send to one page, or to all, from any thread; returns before it is sent."""
        self.loop.call_soon_threadsafe(self.messages.put_nowait, (event, data, sid))

    def send_progress_text(self, text: str | bytes, node_id: str, sid: str | None = None) -> None:
        """Show a line of text on a node."""
        payload = text.encode("utf-8") if isinstance(text, str) else bytes(text)
        name = str(node_id).encode("utf-8")
        self.send_sync(TEXT, len(name).to_bytes(4, "big") + name + payload, sid)

    async def publish_loop(self) -> None:
        """Send what `send_sync` was given, in that order, for ever."""
        while True:
            event, data, sid = await self.messages.get()
            await self.send(event, data, sid)

    async def send(self, event: Any, data: Any, sid: str | None = None) -> None:
        """Send one message: JSON, bytes, or a picture to be encoded. A page that went away is ignored."""
        if event == UNENCODED_PREVIEW_IMAGE:
            packed: bytes | None = encode_preview(data)
        elif event == PREVIEW_IMAGE_WITH_METADATA:
            packed = encode_preview_with_metadata(*data)
        elif isinstance(data, (bytes, bytearray)):
            packed = message(event, bytes(data))
        else:
            packed = None
        targets = list(self.sockets.values()) if sid is None else [s for s in [self.sockets.get(sid)] if s is not None]
        for socket in targets:
            try:
                if packed is not None:
                    await socket.send_bytes(packed)
                else:
                    await socket.send_str(json.dumps({"type": event, "data": data}))
            except (aiohttp.ClientError, ConnectionError) as error:
                logging.warning("send error: %s", error)

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sid = request.rel_url.query.get("clientId", "") or uuid.uuid4().hex
        self.sockets[sid] = socket
        self.sockets_metadata[sid] = {"feature_flags": {}}
        try:
            await self.send("status", {"status": self.get_queue_info(), "sid": sid}, sid)
            if self.client_id == sid and self.last_node_id is not None:
                await self.send("executing", {"node": self.last_node_id}, sid)
            first = True
            async for incoming in socket:
                if incoming.type != WSMsgType.TEXT:
                    continue
                await self._from_page(sid, incoming.data, first)
                first = False
        finally:
            if self.sockets.get(sid) is socket:  # a reconnecting page may have replaced it
                del self.sockets[sid]
                self.sockets_metadata.pop(sid, None)
        return socket

    async def _from_page(self, sid: str, text: str, first: bool) -> None:
        try:
            data = json.loads(text)
        except ValueError:
            logging.warning("Invalid JSON received from client %s", sid)
            return
        # Features are negotiated once: the page speaks first, the host answers.
        if first and isinstance(data, dict) and data.get("type") == "feature_flags":
            self.sockets_metadata[sid]["feature_flags"] = data.get("data") or {}
            await self.send("feature_flags", routes_catalog.server_features(), sid)
