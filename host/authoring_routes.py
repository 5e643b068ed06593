"""Routes for ideas, files brought in, and screen recordings.

What changes the ledger is answered once it is signed and durable, so a 200 is a promise. Files come as multipart forms
beside a JSON `statement`; everything else is JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from ..provenance import errors
from ..provenance.model import Json
from ..provenance.service import Service
from .answers import BASE, as_json, body_of, bordered, in_thread, stating
from .forms import form_of

if TYPE_CHECKING:
    from ..provenance.pipeline.book import Book
    from ..provenance.pipeline.imports import Given
    from ..provenance.pipeline.live import Live
    from ..provenance.present.authoring import Authoring
    from ..provenance.present.filming import Filming

LARGEST_FILE = 8 << 30
LARGEST_CHUNK = 64 << 20
SAY_TIMEOUT_S = 60.0

Said = dict[str, Json]


class AuthoringRoutes:
    """Carries what the author states to the service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def intents(self, request: web.Request) -> web.StreamResponse:
        from ..provenance.present import authored

        return await as_json(lambda: authored.intents(self._live().ledger))

    async def intend(self, request: web.Request) -> web.StreamResponse:
        if request.content_type == "application/json":
            body = await body_of(request)
            return await as_json(lambda: self._authoring().intent(body))
        async with form_of(request, ("reference",), LARGEST_FILE) as form:
            files = [_given(each) for each in form.files.get("reference", [])]
            return await as_json(lambda: self._authoring().intent(form.statement, files))

    async def imports(self, request: web.Request) -> web.StreamResponse:
        from ..provenance.present import authored

        limit, cursor = request.query.get("limit", "50"), request.query.get("cursor")
        if not limit.isascii() or not limit.isdigit():
            raise errors.InputError("limit must be a whole number")
        return await as_json(lambda: authored.imports(self._live().ledger, int(limit), cursor))

    async def brought(self, request: web.Request) -> web.StreamResponse:
        from ..provenance.present import authored

        entry = request.match_info["entry"]
        if not entry.isascii() or not entry.isdigit() or len(entry) > 18:
            raise errors.InputError("an entry is a whole number")
        return await as_json(lambda: authored.brought(self._live().ledger, int(entry)))

    async def bring(self, request: web.Request) -> web.StreamResponse:
        async with form_of(request, ("file", "project"), LARGEST_FILE) as form:
            file, project = form.only("file"), form.only("project")
            if file is None:
                raise errors.InputError("the form holds no file")
            whole = None if project is None else _given(project)
            return await as_json(lambda: self._authoring().bring(form.statement, _given(file), whole))

    async def recordings(self, request: web.Request) -> web.StreamResponse:
        from ..provenance.present import authored

        return await as_json(lambda: authored.recordings(self._live().ledger))

    async def recording(self, request: web.Request) -> web.StreamResponse:
        from ..provenance.present import authored

        return await as_json(lambda: authored.recording(self._live().ledger, request.match_info["recording"]))

    async def start(self, request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        return await as_json(lambda: self._filming().start(body))

    async def chunk(self, request: web.Request) -> web.StreamResponse:
        async with form_of(request, ("chunk",), LARGEST_CHUNK) as form:
            piece = form.only("chunk")
            if piece is None:
                raise errors.InputError("the form holds no chunk")
            recording = request.match_info["recording"]
            return await as_json(lambda: self._filming().chunk(recording, form.statement, piece[0]))

    async def stop(self, request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        return await as_json(lambda: self._filming().stop(request.match_info["recording"], body))

    async def play(self, request: web.Request) -> web.StreamResponse:
        """The recorded file, put together again. It is never shown in ComfyUI's own origin but as a sandboxed video."""
        from ..provenance.present import authored

        recording = request.match_info["recording"]
        media_type, pieces = await in_thread(lambda: authored.playable(self._live().ledger, recording))
        plain = media_type.partition(";")[0].strip()
        headers = {
            "Content-Type": plain if plain in ("video/webm", "video/mp4") else "application/octet-stream",
            "Content-Disposition": f'inline; filename="{recording[:8]}.webm"',
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; media-src 'self'; sandbox",
        }
        first = await in_thread(lambda: next(pieces, b""))
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(first)
        while (block := await in_thread(lambda: next(pieces, None))) is not None:
            await response.write(block)
        return response

    def _live(self) -> Live:
        live = self._service.live
        if live is None:
            raise errors.StorageError(self._service.status()["reason"] or "the ledger is being opened")
        return live

    def _authoring(self) -> Authoring:
        from ..provenance.present.authoring import Authoring
        from ..provenance.present.refs import Resolver

        live = self._live()
        return Authoring(live.imports, Resolver(live.ledger.index), live.salt, self._say)

    def _filming(self) -> Filming:
        from ..provenance.present.filming import Filming

        live = self._live()
        return Filming(live.recordings, live.ledger.objects, live.salt, self._say)

    def _say(self, write: Callable[[Book], Said]) -> Said:
        from ..provenance.pipeline.statements import Stated

        return self._service.say(Stated(write, Future()), SAY_TIMEOUT_S)


def register(table: web.RouteTableDef, service: Service) -> None:
    """Add the routes."""
    routes = AuthoringRoutes(service)
    for path, reading in (
        ("intents", routes.intents),
        ("imports", routes.imports),
        ("imports/{entry}", routes.brought),
        ("recordings", routes.recordings),
        ("recordings/{recording}", routes.recording),
        ("recordings/{recording}/file", routes.play),
    ):
        table.get(f"{BASE}/{path}")(bordered(reading))
    for path, sending in (
        ("intents", routes.intend),
        ("imports", routes.bring),
        ("recordings/{recording}/chunks", routes.chunk),
    ):
        table.post(f"{BASE}/{path}")(bordered(sending))
    for path, stated in (("recordings", routes.start), ("recordings/{recording}/stop", routes.stop)):
        table.post(f"{BASE}/{path}")(stating(stated))


def _given(file: tuple[Path, str]) -> Given:
    from ..provenance.pipeline.imports import Given

    return Given(file[0], file[1], uploaded=True)
