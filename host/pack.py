"""Puts the pack into a running ComfyUI: hooks, routes, nodes. Returns at once; what is heavy happens on our threads."""

from __future__ import annotations

import atexit
import logging

from ..nodes import build
from ..provenance.model import Json, system_clock
from ..provenance.service import Service
from . import comfy, routes
from .hooks import QueueHooks
from .port import HostPort

LOG = logging.getLogger("comfy-provenance")
SEAM_LOST = "ComfyUI's queue can no longer be observed: another node pack has replaced it; runs are not recorded"

Nodes = tuple[dict[str, type], dict[str, str]]


def install() -> Nodes:
    """Start recording in this process and give ComfyUI the nodes and their names."""
    server = comfy.prompt_server()
    service = Service(comfy.places(), comfy.ComfyHost(), announce=lambda event: comfy.send("provenance", event))
    hooks = QueueHooks(server.prompt_queue, service.offer, service.problem, system_clock)
    if service.settings.enabled:
        try:
            hooks.install()
        except AttributeError as error:
            service.seam_lost(f"this version of ComfyUI has another queue, so runs are not recorded: {error}")
        else:
            comfy.on_prompt(_seam_check(service, hooks))
    service.start()
    comfy.when_started(service.ready)
    comfy.when_stopped(service.close)
    atexit.register(service.close)
    routes.register(server.routes, service, hooks)
    return build(HostPort(service, hooks))


def _seam_check(service: Service, hooks: QueueHooks) -> comfy.PromptHandler:
    def check(body: Json) -> Json:
        intact = hooks.intact() and comfy.prompt_server().prompt_queue is hooks.queue
        service.seam_lost(None if intact else SEAM_LOST)
        return body

    return check
