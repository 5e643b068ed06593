"""Routes by which a client takes a recorded run elsewhere or again: replays, sheets of variations, snapshot files.

Nothing is queued here: the client itself posts to `/prompt`, so that ComfyUI checks the graph as any other.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..provenance.errors import InputError, IntegrityError
from ..provenance.model import Json
from .answers import BASE, as_json, body_of, bordered, in_thread, stating
from .forms import form_of

if TYPE_CHECKING:
    from ..provenance.present.api import Api

FREE_TIMEOUT_S = 10.0
POLL_S = 0.02
FLAGS = ("unload_models", "free_memory")


class ReplayRoutes:
    """queue: ComfyUI's prompt queue. api: the API over the open ledger; raises StorageError while there is none."""

    def __init__(self, queue: Any, api: Callable[[], Api]) -> None:
        self._queue = queue
        self._api = api

    async def plan(self, request: web.Request) -> web.StreamResponse:
        return await as_json(lambda: self._api().replay_plan(request.match_info["ref"]))

    async def sheet_plan(self, request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        return await as_json(lambda: self._api().plan_sheet(request.match_info["ref"], body))

    async def sheet(self, request: web.Request) -> web.StreamResponse:
        return await as_json(lambda: self._api().sheet(request.match_info["id"]))

    async def prompt(self, request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        exact = await in_thread(lambda: self._api().replay_body(request.match_info["ref"], body))
        return web.Response(body=exact, content_type="application/json")

    async def parcel(self, request: web.Request) -> web.StreamResponse:
        from ..provenance.present.parcels import name_of

        inputs = request.query.get("inputs", "1") != "0"
        execution, data = await in_thread(lambda: self._api().parcel(request.match_info["ref"], inputs=inputs))
        disposition = f'attachment; filename="{name_of(execution)}"'
        headers = {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
        return web.Response(body=data, content_type="application/zip", headers=headers)

    async def open_parcel(self, request: web.Request) -> web.StreamResponse:
        """Check a snapshot file, and give its graph and what is different here. `put_back` in the statement: also write
        the inputs in it that are missing here, under new names."""
        from ..provenance.present.parcels import LARGEST

        async with form_of(request, ("file",), LARGEST) as form:
            given = form.only("file")
            if given is None:
                raise InputError("the form holds no file")
            put_back = form.statement.get("put_back") is True
            return await as_json(lambda: self._opened(given[0], put_back=put_back))

    def _opened(self, path: Path, *, put_back: bool) -> dict[str, Json]:
        api = self._api()
        with path.open("rb") as file:
            try:
                found = api.open_parcel(file)
            except IntegrityError as error:  # of what the client sent, not of what is stored here
                raise InputError(str(error)) from error
            document = json.loads(found.restored.data, parse_constant=str)
            back = api.put_back_from(found) if put_back else []
        told = {**found.to_json(), "own": found.parcel.head.origin == api.origin, "put_back": back}
        return {**told, **dict.fromkeys(("workflow", "prompt")), found.restored.kind: document}

    async def fresh(self, request: web.Request) -> web.StreamResponse:
        """Let ComfyUI forget its caches, as its own `/free` does, and answer once it has.

        {"fresh": true}, or false with "waiting": how many runs wait or run, or "reason". Nothing is freed while there
        are any: the worker would look at the request only after it had taken the next run.
        """
        await body_of(request)
        return web.json_response(await self._free())

    async def _free(self) -> dict[str, Json]:
        try:
            waiting = self._queue.get_tasks_remaining()
            if waiting:
                return {"fresh": False, "waiting": waiting}
            for flag in FLAGS:
                self._queue.set_flag(flag, True)
            deadline = time.monotonic() + FREE_TIMEOUT_S
            while any(flag in self._queue.get_flags(reset=False) for flag in FLAGS):
                if time.monotonic() > deadline:
                    return {"fresh": False, "waiting": 0, "reason": "ComfyUI did not free its caches in time"}
                await asyncio.sleep(POLL_S)
        except (AttributeError, TypeError) as error:  # a queue that another pack replaced, or of a later ComfyUI
            return {"fresh": False, "waiting": 0, "reason": f"this ComfyUI's caches cannot be freed: {error}"}
        return {"fresh": True, "waiting": 0}


def register(table: web.RouteTableDef, queue: Any, api: Callable[[], Api]) -> None:
    """Add the routes."""
    routes = ReplayRoutes(queue, api)
    table.get(f"{BASE}/replays/{{ref}}")(bordered(routes.plan))
    table.get(f"{BASE}/sheets/{{id}}")(bordered(routes.sheet))
    table.get(f"{BASE}/parcels/{{ref}}")(bordered(routes.parcel))
    table.post(f"{BASE}/parcels")(bordered(routes.open_parcel))
    for path, handler in (
        ("fresh", routes.fresh),
        ("replays/{ref}/prompt", routes.prompt),
        ("replays/{ref}/sheet", routes.sheet_plan),
    ):
        table.post(f"{BASE}/{path}")(stating(handler))
