"""Routes about the room that the record takes: figures, a clean-up, and its undoing. Each works in the background."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ..provenance.errors import InputError
from ..provenance.model import Json
from ..provenance.service import Service
from .answers import BASE, Background, as_json, body_of, bordered, stating

if TYPE_CHECKING:
    from ..provenance.pipeline.book import Book
    from ..provenance.present.api import Api


class StorageRoutes:
    """service: writes the entries. api: the API over the open ledger; raises StorageError while there is none."""

    def __init__(self, service: Service, api: Callable[[], Api]) -> None:
        self._service = service
        self._api = api
        self._job = Background("provenance-cleaning")

    async def storage(self, request: web.Request) -> web.StreamResponse:
        return await as_json(lambda: self._api().storage())

    async def progress(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._job.state())

    async def clean(self, request: web.Request) -> web.StreamResponse:
        from ..provenance.present import cleaning

        body = await body_of(request)
        wish = cleaning.wish_of(body)
        dry = body.get("dry_run")
        if not isinstance(dry, bool):
            raise InputError("dry_run must be true or false")
        api, append = self._api(), None if dry else self._append
        return web.json_response(self._job.start(lambda progress: api.clean(wish, append, progress)))

    async def keep_again(self, request: web.Request) -> web.StreamResponse:
        await body_of(request)
        api = self._api()
        return web.json_response(self._job.start(lambda progress: api.keep_again(self._append, progress)))

    def _append(self, write: Callable[[Book], dict[str, Json]]) -> dict[str, Json]:
        from ..provenance.pipeline.statements import Stated

        answer: Future[dict[str, Any]] = Future()
        return self._service.say(Stated(write, answer))


def register(table: web.RouteTableDef, service: Service, api: Callable[[], Api]) -> None:
    """Add the routes."""
    routes = StorageRoutes(service, api)
    table.get(f"{BASE}/storage")(bordered(routes.storage))
    table.get(f"{BASE}/storage/clean")(bordered(routes.progress))
    table.post(f"{BASE}/storage/clean")(stating(routes.clean))
    table.post(f"{BASE}/storage/keep-again")(stating(routes.keep_again))
