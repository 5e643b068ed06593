"""Queueing, cancelling, and reading the queue and history."""

from __future__ import annotations

import json
import logging
import time
import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import web

from . import registry
from .queue import SENSITIVE_EXTRA_DATA_KEYS, without_sensitive
from .validation import validate_prompt

if TYPE_CHECKING:
    from .server import PromptServer


def add(server: PromptServer) -> None:
    """Register the routes."""
    routes = server.routes
    queue = server.prompt_queue

    @routes.get("/prompt")
    async def get_prompt(request: web.Request) -> web.Response:
        return web.json_response(server.get_queue_info())

    @routes.post("/prompt")
    async def post_prompt(request: web.Request) -> web.Response:
        logging.info("got prompt")
        return await _accept(server, server.trigger_on_prompt(await request.json()))

    @routes.get("/queue")
    async def get_queue(request: web.Request) -> web.Response:
        running, waiting = queue.get_current_queue_volatile()
        return web.json_response(
            {"queue_running": without_sensitive(running), "queue_pending": without_sensitive(waiting)}
        )

    @routes.post("/queue")
    async def post_queue(request: web.Request) -> web.Response:
        data = await request.json()
        if data.get("clear"):
            queue.wipe_queue()
        for prompt_id in data.get("delete", []):
            queue.delete_queue_item(lambda item, wanted=prompt_id: item[1] == wanted)  # type: ignore[misc]
        return web.Response(status=200)

    @routes.post("/interrupt")
    async def post_interrupt(request: web.Request) -> web.Response:
        try:
            data = await request.json()
        except json.JSONDecodeError:
            data = {}
        wanted = data.get("prompt_id")
        running, _ = queue.get_current_queue_volatile()
        if not wanted or any(item[1] == wanted for item in running):
            logging.info("Interrupting %s", wanted or "whatever runs")
            registry.interrupt_processing()
        return web.Response(status=200)

    @routes.post("/free")
    async def post_free(request: web.Request) -> web.Response:
        data = await request.json()
        for flag in ("unload_models", "free_memory"):
            if data.get(flag):
                queue.set_flag(flag, True)
        return web.Response(status=200)

    @routes.get("/history")
    async def get_history(request: web.Request) -> web.Response:
        query = request.rel_url.query
        most = int(query["max_items"]) if "max_items" in query else None
        return web.json_response(queue.get_history(max_items=most, offset=int(query.get("offset", -1))))

    @routes.get("/history/{prompt_id}")
    async def get_history_item(request: web.Request) -> web.Response:
        return web.json_response(queue.get_history(prompt_id=request.match_info["prompt_id"]))

    @routes.post("/history")
    async def post_history(request: web.Request) -> web.Response:
        data = await request.json()
        if data.get("clear"):
            queue.wipe_history()
        for prompt_id in data.get("delete", []):
            queue.delete_history_item(prompt_id)
        return web.Response(status=200)


async def _accept(server: PromptServer, data: dict[str, Any]) -> web.Response:
    if "number" in data:
        number = float(data["number"])
    else:
        number = -server.number if data.get("front") else server.number
        server.number += 1
    if "prompt" not in data:
        error = {
            "type": "no_prompt",
            "message": "No prompt provided",
            "details": "No prompt provided",
            "extra_info": {},
        }
        return web.json_response({"error": error, "node_errors": {}}, status=400)
    prompt = data["prompt"]
    prompt_id = str(data.get("prompt_id", uuid.uuid4()))
    accepted, error, outputs, node_errors = await validate_prompt(
        prompt_id, prompt, data.get("partial_execution_targets")
    )
    if not accepted:
        logging.warning("invalid prompt: %s", error)
        return web.json_response({"error": error, "node_errors": node_errors}, status=400)
    extra_data = data.get("extra_data", {})
    if "client_id" in data:
        extra_data["client_id"] = data["client_id"]
    sensitive = {key: extra_data.pop(key) for key in SENSITIVE_EXTRA_DATA_KEYS if key in extra_data}
    extra_data["create_time"] = int(time.time() * 1000)
    server.prompt_queue.put((number, prompt_id, prompt, extra_data, outputs, sensitive))
    return web.json_response({"prompt_id": prompt_id, "number": number, "node_errors": node_errors})
