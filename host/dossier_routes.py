"""Routes by which a client has a dossier written, watches and stops it, and fetches the file.

One dossier is written at a time, on a thread of its own, into a temporary folder; it stays there until the next one, or
until ComfyUI ends.
"""

from __future__ import annotations

import tempfile
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from ..provenance import errors
from ..provenance.model import Json
from .answers import BASE, body_of, bordered, in_thread, stating

if TYPE_CHECKING:
    from ..provenance.present.api import Api

NAME = "dossier.zip"


class _Stopped(Exception):
    """The client asked to stop."""


class _Export:
    """One dossier being written. Its `state` is `running`, `done`, `failed` or `cancelled`."""

    def __init__(self, api: Api, body: dict[str, Json], folder: Path) -> None:
        self.id = uuid.uuid4().hex
        self.path = folder / f"{self.id}.zip"
        self._api = api
        self._asked = api.dossier_asked(body)  # what cannot be used is refused at once
        self._stop = threading.Event()
        self._told: dict[str, Json] = {"state": "running", "step": "choose", "done": 0, "total": None}

    def start(self) -> None:
        threading.Thread(target=self._run, name="provenance-dossier", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    @property
    def told(self) -> dict[str, Json]:
        """{"id", "state", "step", "done", "total", "result", "error"}"""
        return {"id": self.id, "result": None, "error": None, **self._told}

    @property
    def running(self) -> bool:
        return bool(self._told["state"] == "running")

    def _progress(self, step: str, done: int, total: int | None) -> None:
        if self._stop.is_set():
            raise _Stopped
        self._told = {"state": "running", "step": step, "done": done, "total": total}

    def _run(self) -> None:
        from ..provenance.present import dossiers

        try:
            result = self._api.write_dossier(self._asked, self.path, self._progress)
            check = dossiers.verify(self.path, progress=lambda done, total: self._progress("check", done, total))
            del result["file"]
            self._told = {**self._told, "state": "done", "result": {**result, "check": check}}
        except _Stopped:
            self.path.unlink(missing_ok=True)
            self._told = {**self._told, "state": "cancelled"}
        except (errors.ProvenanceError, OSError) as error:
            self._told = {**self._told, "state": "failed", "error": str(error)}


class DossierRoutes:
    """api: the API over the open ledger; raises StorageError while there is none."""

    def __init__(self, api: Callable[[], Api]) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._export: _Export | None = None

    async def begin(self, request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        return web.json_response(await in_thread(lambda: self._begin(body)))

    def _begin(self, body: dict[str, Json]) -> dict[str, Json]:
        api = self._api()
        with self._lock:
            if self._export is not None and self._export.running:
                raise errors.InputError("a dossier is being written: wait for it, or cancel it")
            self._folder = self._folder or tempfile.TemporaryDirectory(prefix="comfy-provenance-dossier-")
            export = _Export(api, body, Path(self._folder.name))
            if self._export is not None:
                self._export.path.unlink(missing_ok=True)
            self._export = export
            export.start()
        return export.told

    async def state(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._known(request).told)

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        await body_of(request)
        export = self._known(request)
        export.stop()
        return web.json_response(export.told)

    async def file(self, request: web.Request) -> web.StreamResponse:
        export = self._known(request)
        if export.told["state"] != "done":
            raise errors.NotFound("this dossier is not written")
        headers = {
            "Content-Type": "application/zip",
            "Content-Disposition": f'attachment; filename="{NAME}"',
            "X-Content-Type-Options": "nosniff",
        }
        return web.FileResponse(export.path, headers=headers)

    def _known(self, request: web.Request) -> _Export:
        export = self._export
        if export is None or export.id != request.match_info["id"]:
            raise errors.NotFound("no such dossier: only the newest is kept")
        return export


def register(table: web.RouteTableDef, api: Callable[[], Api]) -> None:
    """Add the routes."""
    routes = DossierRoutes(api)
    table.post(f"{BASE}/dossiers")(stating(routes.begin))
    table.get(f"{BASE}/dossiers/{{id}}")(bordered(routes.state))
    table.post(f"{BASE}/dossiers/{{id}}/cancel")(stating(routes.cancel))
    table.get(f"{BASE}/dossiers/{{id}}/file")(bordered(routes.file))
