"""The record over ComfyUI's own server, below `/provenance/v1/`: JSON in `docs/http.md`'s shapes.

Answers are made on a thread of the default pool, so the event loop never waits for the ledger. Reads have no effects.
Every route refuses a request that a browser marks as coming from another site, since ComfyUI's own check lets a plain
GET from any page through.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from ..provenance import errors
from ..provenance.model import Json
from ..provenance.service import Service
from . import (
    authoring_routes,
    comfy,
    dossier_routes,
    replay_routes,
    statement_routes,
    storage_routes,
    time_routes,
)
from .answers import BASE, NO_FORM, OtherMediaType, as_json, bordered, in_thread
from .hooks import QueueHooks

if TYPE_CHECKING:
    from ..provenance.present.api import Api, Blob

LARGEST_UPLOAD = 1 << 30
SAFE_IN_A_PAGE = frozenset(("image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"))


class Routes:
    """Carries questions to `present.Api` and answers back."""

    def __init__(self, service: Service, hooks: QueueHooks) -> None:
        self._service = service
        self._hooks = hooks
        self._made: tuple[object, Api] | None = None
        self._check = _Verification()

    def api(self) -> Api:
        """The API over the open ledger. Raises StorageError while there is none."""
        from ..provenance.present import checking
        from ..provenance.present.api import Api

        live = self._service.live
        if live is None:
            raise errors.StorageError(self._service.status()["reason"] or "the ledger is being opened")
        if self._made is None or self._made[0] is not live:
            api = Api(
                live.ledger,
                comfy.ComfyHost(),
                remember=True,
                running=lambda execution: execution == self._hooks.running(),
                service=self._service.status,
                roots=lambda: checking.read_roots(self._service.settings.trust_roots),
            )
            self._made = (live, api)
        return self._made[1]

    async def executions(self, request: web.Request) -> web.StreamResponse:
        limit, cursor = request.query.get("limit", "50"), request.query.get("cursor")
        if not limit.isascii() or not limit.isdigit():
            raise errors.InputError("limit must be a whole number")
        return await as_json(lambda: self.api().page(int(limit), cursor, request.query))

    async def execution(self, request: web.Request) -> web.StreamResponse:
        return await as_json(lambda: self.api().show(request.match_info["ref"]))

    async def lineage(self, request: web.Request) -> web.StreamResponse:
        return await as_json(lambda: self.api().lineage(request.match_info["ref"]))

    async def diff(self, request: web.Request) -> web.StreamResponse:
        a, b = request.query.get("a"), request.query.get("b")
        if not a or not b:
            raise errors.InputError("diff needs two runs: ?a=...&b=...")
        return await as_json(lambda: self.api().diff(a, b))

    async def restore(self, request: web.Request) -> web.StreamResponse:
        return await as_json(lambda: self.api().restore(request.match_info["ref"]))

    async def search(self, request: web.Request) -> web.StreamResponse:
        return await as_json(lambda: self.api().search(request.query.get("text", "")))

    async def labels(self, request: web.Request) -> web.StreamResponse:
        return await as_json(lambda: self.api().labels())

    async def status(self, request: web.Request) -> web.StreamResponse:
        def answer() -> dict[str, Json]:
            recorder, counted = self._service.status(), {}
            try:
                counted = self.api().status() if self._service.live is not None else {}
            except errors.ProvenanceError as error:  # what cannot be counted must not hide what to do about it
                if recorder["recording"]:
                    recorder.update(recording=False, state="broken", reason=str(error))
            counted.pop("recorder", None)
            return {**counted, **recorder}

        return await as_json(answer)

    async def thumbnail(self, request: web.Request) -> web.StreamResponse:
        return await _blob(request, lambda: self.api().thumbnail(request.match_info["sha256"]))

    async def object(self, request: web.Request) -> web.StreamResponse:
        return await _blob(request, lambda: self.api().object(request.match_info["sha256"]))

    async def verify(self, request: web.Request) -> web.StreamResponse:
        api = self.api()
        size = int((await in_thread(api.status))["entries"])
        again = request.query.get("again") == "1"
        return web.json_response(self._check.poll(size, lambda told: api.verify(progress=told), again=again))

    async def identify(self, request: web.Request) -> web.StreamResponse:
        api = self.api()
        if not request.content_type.startswith("multipart/"):
            raise OtherMediaType(NO_FORM)
        try:
            part = await (await request.multipart()).next()
        except ValueError as error:
            raise OtherMediaType(NO_FORM) from error
        if part is None or not hasattr(part, "read_chunk"):
            raise errors.InputError("the form holds no file")
        with tempfile.TemporaryDirectory(prefix="comfy-provenance-") as folder:
            path = Path(folder) / "file"
            with path.open("wb") as file:
                size = 0
                while chunk := await part.read_chunk(1 << 20):
                    size += len(chunk)
                    if size > LARGEST_UPLOAD:
                        raise errors.InputError(f"the file is larger than {LARGEST_UPLOAD >> 20} MiB")
                    await in_thread(lambda chunk=chunk: file.write(chunk))
            return await as_json(lambda: api.identify(path))


Verify = Callable[[Callable[[int, int], None]], dict[str, Json]]


class _Verification:
    """One verification in the background at a time. Its report holds until the log has grown."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size: int | None = None
        self._state: dict[str, Json] = {}

    def poll(self, size: int, verify: Verify, *, again: bool) -> dict[str, Json]:
        """{"running", "done", "total", "report", "error"}; starts one when there is none for a log of this size."""
        with self._lock:
            running = bool(self._state.get("running"))
            if not running and (again or self._size != size):
                self._size = size
                self._state = {"running": True, "done": 0, "total": size, "report": None, "error": None}
                threading.Thread(target=self._run, args=(verify,), name="provenance-verify", daemon=True).start()
            return dict(self._state)

    def _run(self, verify: Verify) -> None:
        outcome: dict[str, Json]
        try:
            outcome = {"report": verify(lambda done, total: self._update({"done": done, "total": total}))}
        except errors.ProvenanceError as error:
            outcome = {"error": str(error)}
        self._update({**outcome, "running": False})

    def _update(self, members: dict[str, Json]) -> None:
        with self._lock:
            self._state = {**self._state, **members}


def register(table: web.RouteTableDef, service: Service, hooks: QueueHooks) -> None:
    """Add the routes; ComfyUI also serves each below `/api`."""
    routes = Routes(service, hooks)
    for path, handler in (
        ("executions", routes.executions),
        ("executions/{ref}", routes.execution),
        ("lineage/{ref}", routes.lineage),
        ("diff", routes.diff),
        ("restore/{ref}", routes.restore),
        ("search", routes.search),
        ("labels", routes.labels),
        ("status", routes.status),
        ("verify", routes.verify),
        ("thumbnails/{sha256}", routes.thumbnail),
        ("objects/{sha256}", routes.object),
    ):
        table.get(f"{BASE}/{path}")(bordered(handler))
    table.post(f"{BASE}/identify")(bordered(routes.identify))
    statement_routes.register(table, service, routes.api)
    storage_routes.register(table, service, routes.api)
    replay_routes.register(table, hooks.queue, routes.api)
    authoring_routes.register(table, service)
    time_routes.register(table, service, routes.api)
    dossier_routes.register(table, routes.api)


async def _blob(request: web.Request, question: Callable[[], Blob]) -> web.StreamResponse:
    """Stream an object. Only plain pictures are shown in a page; everything else is a download of unknown kind."""
    blob = await in_thread(question)
    shown = blob.media_type in SAFE_IN_A_PAGE
    headers = {
        "Content-Type": blob.media_type if shown else "application/octet-stream",
        "Content-Disposition": "inline" if shown else f'attachment; filename="{blob.sha256}"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "ETag": f'"{blob.sha256}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    if blob.size is not None:
        headers["Content-Length"] = str(blob.size)
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    while (block := await in_thread(lambda: next(blob.blocks, None))) is not None:
        await response.write(block)
    return response
