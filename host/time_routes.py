"""Routes about trusted time: how it stands, asking now, tokens from elsewhere, the checkpoint to be kept."""

from __future__ import annotations

import base64
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from ..provenance.errors import InputError, IntegrityError, NetworkError, StorageError
from ..provenance.model import Json
from ..provenance.service import Service
from .answers import BASE, as_json, body_of, bordered, stating

if TYPE_CHECKING:
    from ..provenance.pipeline.live import Live
    from ..provenance.present.api import Api

ASKING_S = 20.0
LONGEST_NAME = 100


class TimeRoutes:
    """Carries questions and wishes about time. api: the API over the open ledger; raises StorageError while there is
    none."""

    def __init__(self, service: Service, api: Callable[[], Api]) -> None:
        self._service = service
        self._api = api

    async def times(self, request: web.Request) -> web.StreamResponse:
        return await as_json(self._status)

    async def checkpoint(self, request: web.Request) -> web.StreamResponse:
        since = request.query.get("since")
        if since is not None and not (since.isascii() and since.isdigit() and len(since) < 19):
            raise InputError("since must be a number of entries")
        return await as_json(lambda: self._api().checkpoint(None if since is None else int(since)))

    async def ask(self, request: web.Request) -> web.StreamResponse:
        await body_of(request)
        return await as_json(self._ask)

    async def bring(self, request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        return await as_json(lambda: self._bring(body))

    def _live(self) -> Live:
        live = self._service.live
        if live is None:
            raise StorageError(self._service.status()["reason"] or "the ledger is being opened")
        return live

    def _status(self) -> dict[str, Json]:
        from ..provenance.pipeline.authorities import PUBLIC

        live = self._live()
        known = [{"name": each.name, "url": each.url} for each in PUBLIC]
        return {**live.anchoring.status(), **self._api().times.status(), "known": known}

    def _ask(self) -> dict[str, Json]:
        live = self._live()
        if not self._service.settings.authorities:
            raise InputError("no authority is chosen")
        live.anchoring.ask_now()
        live.anchoring.settled(ASKING_S)
        return self._status()

    def _bring(self, body: dict[str, Json]) -> dict[str, Json]:
        from ..provenance.pipeline import anchors
        from ..provenance.pipeline.statements import Stated

        token, note, name = (body.get(member) for member in ("token", "checkpoint", "name"))
        named = name is None or (isinstance(name, str) and 0 < len(name.strip()) <= LONGEST_NAME)
        if not isinstance(token, str) or not isinstance(note, str | None) or not named:
            raise InputError("send token in base64 and, if you like, checkpoint and name as texts")
        try:
            data = base64.b64decode(token, validate=True)
        except ValueError as error:
            raise InputError("token is not base64") from error
        ledger = self._live().ledger
        try:
            found = anchors.brought(ledger, data, None if note is None else note.encode(), name)
        except (IntegrityError, NetworkError) as error:  # of what was sent: nothing here is damaged
            raise InputError(str(error)) from error
        waiting: Future[dict[str, Json]] = Future()
        return self._service.say(Stated(partial(anchors.record, found), waiting))


def register(table: web.RouteTableDef, service: Service, api: Callable[[], Api]) -> None:
    """Add the routes."""
    routes = TimeRoutes(service, api)
    table.get(f"{BASE}/times")(bordered(routes.times))
    table.get(f"{BASE}/checkpoint")(bordered(routes.checkpoint))
    table.post(f"{BASE}/times/now")(stating(routes.ask))
    table.post(f"{BASE}/times/tokens")(stating(routes.bring))
