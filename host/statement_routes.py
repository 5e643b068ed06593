"""Routes by which the author says or changes something: decisions, labels, pauses, settings, inputs put back.

What the author says is answered once it is signed and durable, so a 200 is a promise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

from ..provenance.errors import InputError
from ..provenance.model import Json
from ..provenance.service import Service
from .answers import BASE, as_json, body_of, bordered, stating

if TYPE_CHECKING:
    from ..provenance.present.api import Api


class StatementRoutes:
    """Carries statements to the service. api: the API over the open ledger; raises StorageError while there is none."""

    def __init__(self, service: Service, api: Callable[[], Api]) -> None:
        self._service = service
        self._api = api

    async def decide(self, request: web.Request) -> web.StreamResponse:
        from ..provenance.present import decisions

        body = await body_of(request)
        return await as_json(lambda: self._service.say(decisions.asked(body)))

    async def label(self, request: web.Request) -> web.StreamResponse:
        from ..provenance.present import decisions

        body = await body_of(request)
        return await as_json(lambda: self._service.say(decisions.asked_label(body)))

    async def recording(self, request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        return await as_json(lambda: self._switch(body))

    async def put_back(self, request: web.Request) -> web.StreamResponse:
        await body_of(request)
        return await as_json(lambda: {"written": self._api().put_back(request.match_info["ref"])})

    async def settings(self, request: web.Request) -> web.StreamResponse:
        from ..provenance.present import preferences

        return await as_json(lambda: preferences.read(self._service.places.settings, self._service.settings))

    async def change_settings(self, request: web.Request) -> web.StreamResponse:
        from ..provenance.present import preferences

        body, service = await body_of(request), self._service

        def change() -> dict[str, Json]:
            preferences.change(service.places.settings, service.settings, body)
            service.settings_changed()
            return preferences.read(service.places.settings, service.settings)

        return await as_json(change)

    def _switch(self, body: dict[str, Json]) -> dict[str, Json]:
        from ..provenance.present.decisions import LONGEST_REASON, words

        switches = {"paused": self._service.pause, "recording": self._service.resume}
        switch = switches.get(str(body.get("state")))
        if switch is None:
            raise InputError("state must be paused or recording")
        return switch(words(body, "reason", LONGEST_REASON))


def register(table: web.RouteTableDef, service: Service, api: Callable[[], Api]) -> None:
    """Add the routes."""
    routes = StatementRoutes(service, api)
    for path, handler in (
        ("decisions", routes.decide),
        ("labels", routes.label),
        ("recording", routes.recording),
        ("restore/{ref}/inputs", routes.put_back),
        ("settings", routes.change_settings),
    ):
        table.post(f"{BASE}/{path}")(stating(handler))
    table.get(f"{BASE}/settings")(bordered(routes.settings))
