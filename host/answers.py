"""What every route shares: who may ask, how an error is told, where the work is done."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from ..provenance import errors
from ..provenance.model import Json

BASE = "/provenance/v1"
LARGEST_BODY = 1 << 20
NO_FORM = "send the file in a form, as multipart/form-data"


class OtherMediaType(errors.InputError):
    """The body is of another kind than the route takes."""


STATUS = {
    errors.NotFound: 404,
    errors.Ambiguous: 409,
    OtherMediaType: 415,
    errors.InputError: 400,
    errors.StorageError: 503,
}

Progress = Callable[[int, "int | None"], None]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def bordered(handler: Handler) -> Handler:
    """The handler behind the border: requests of other sites are refused, our errors become answers."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if not _same_site(request):
            return refusal(403, "requests from other sites are refused")
        try:
            return await handler(request)
        except errors.ProvenanceError as error:
            return refusal(next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500), str(error))

    return answer


def stating(handler: Handler) -> Handler:
    """The same for a request that changes something: its body must be marked as JSON, which no form of another site
    can do without asking the browser's permission."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/json":
            raise OtherMediaType("send JSON, with Content-Type: application/json")
        return await handler(request)

    return bordered(answer)


def refusal(status: int, message: str) -> web.Response:
    """An error as every route tells it."""
    return web.json_response({"error": message}, status=status)


async def body_of(request: web.Request) -> dict[str, Json]:
    """The JSON object that a client sent. Raises InputError."""
    data = bytearray()
    async for block in request.content.iter_chunked(1 << 16):
        data += block
        if len(data) > LARGEST_BODY:
            raise errors.InputError(f"the body is larger than {LARGEST_BODY >> 10} KiB")
    try:
        found = json.loads(bytes(data) or b"{}")
        json.dumps(found, ensure_ascii=False).encode()  # half of a character (a lone surrogate) is no text
    except (ValueError, RecursionError) as error:
        raise errors.InputError("the body is not JSON") from error
    if not isinstance(found, dict):
        raise errors.InputError("the body must be a JSON object")
    return found


async def in_thread(question: Callable[[], Any]) -> Any:
    """Ask on a thread of the default pool: the event loop never waits for the ledger."""
    return await asyncio.get_running_loop().run_in_executor(None, question)


async def as_json(question: Callable[[], Json]) -> web.Response:
    """The answer to a question, as JSON."""
    return web.json_response(await in_thread(question))


class Background:
    """One piece of long work at a time, on a thread of its own."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._state: dict[str, Json] = {"running": False, "done": 0, "total": None, "result": None, "error": None}

    def state(self) -> dict[str, Json]:
        """{"running", "done", "total", "result", "error"}: the last three null until known."""
        with self._lock:
            return dict(self._state)

    def start(self, work: Callable[[Progress], Json]) -> dict[str, Json]:
        """Begin, and give the state. Raises InputError while another piece of work is going on."""
        with self._lock:
            if self._state["running"]:
                raise errors.InputError("this is being done already: ask for its state")
            self._state = {"running": True, "done": 0, "total": None, "result": None, "error": None}
            threading.Thread(target=self._run, args=(work,), name=self._name, daemon=True).start()
            return dict(self._state)

    def _run(self, work: Callable[[Progress], Json]) -> None:
        outcome: dict[str, Json]
        try:
            outcome = {"result": work(lambda done, total: self._update({"done": done, "total": total}))}
        except errors.ProvenanceError as error:
            outcome = {"error": str(error)}
        self._update({**outcome, "running": False})

    def _update(self, members: dict[str, Json]) -> None:
        with self._lock:
            self._state = {**self._state, **members}


def _same_site(request: web.Request) -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc.lower() == request.headers.get("Host", "").lower()
