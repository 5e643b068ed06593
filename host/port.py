"""What the nodes may ask of the host: `nodes.port.Port` on top of ComfyUI, the hooks and the service."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ..nodes.port import Context, Finish, SavePath, StockNode, Wishes
from ..provenance.model import Observation, system_clock
from ..provenance.service import Service
from . import comfy
from .hooks import QueueHooks

LOG = logging.getLogger("comfy-provenance")
ENTRY_S = 0.25
T = TypeVar("T")
ENDINGS = {
    "image": (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".avif", ".tif", ".tiff"),
    "latent": (".latent", ".safetensors"),
}


def _soon(question: Callable[[], T | None]) -> T | None:
    """The answer once there is one, within a quarter of a second: a run's entry is written in milliseconds."""
    deadline = time.monotonic() + ENTRY_S
    while (answer := question()) is None and time.monotonic() < deadline:
        time.sleep(0.005)
    return answer


class HostPort:
    """Implements `nodes.port.Port`; see there for what each call promises."""

    def __init__(self, service: Service, hooks: QueueHooks) -> None:
        self._service = service
        self._hooks = hooks

    def context(self) -> Context | None:
        place = comfy.executing_node()
        execution = self._hooks.running()
        return None if place is None or execution is None else Context(execution, *place)

    def observe(self, context: Context, class_type: str, values: Mapping[str, Any], tensors: Mapping[str, Any]) -> None:
        seen = dict(values) if context.list_index is None else {**values, "list_index": context.list_index}
        self._service.offer(Observation(context.execution, context.node, class_type, seen, tensors))

    def problem(self, text: str) -> None:
        self._service.problem(text)

    def stock_nodes(self) -> Mapping[str, StockNode]:
        return {name: StockNode(cls, shown) for name, (cls, shown) in comfy.stock_nodes().items()}

    def recent_outputs(self, kind: str) -> Sequence[str]:
        live = self._service.live
        return () if live is None else live.recent.names(ENDINGS[kind], comfy.ComfyHost().directories())

    def save_path(self, prefix: str, width: int, height: int, kind: str) -> SavePath:
        return SavePath(*comfy.save_path(prefix, width, height, kind))

    def embeds_workflow(self) -> bool:
        return not comfy.metadata_disabled()

    def finish(
        self, context: Context | None, data: bytes, name: str, media_type: str, prompt: Any, wishes: Wishes
    ) -> Finish:
        from ..provenance.pipeline import finishing

        if context is None:
            return self._unfinished(data, name, "this run is not recorded")
        host, record = comfy.ComfyHost(), self._record(context)
        claim = finishing.claim_of_node(host, prompt, context.node, name, media_type, record)
        asked = finishing.Wishes(wishes.credentials, wishes.ai_label, wishes.producer)
        done = finishing.finish(data, claim, asked, context.execution, self._service.places.secrets, system_clock)
        for problem in done.problems:
            self._notice(f"{name}: {problem}")
        return Finish(done.data, done.to_json())

    def _record(self, context: Context) -> dict[str, Any] | None:
        """What a credential says of the record: the receipt, and the run's own entry once that is written."""
        receipt = _soon(lambda: self.receipt(context))
        live = self._service.live
        if receipt is None or live is None:
            return None
        submission = _soon(lambda: live.submission(context.execution))
        entry = {} if submission is None else {"entry": submission[0], "leaf": submission[1]}
        return {**receipt, **entry}

    def _unfinished(self, data: bytes, name: str, reason: str) -> Finish:
        self._notice(f"{name} carries no credential and no label: {reason}")
        return Finish(data, {"label": reason, "c2pa": reason, "signer": None})

    @staticmethod
    def _notice(text: str) -> None:
        """Say it on the page and in the log: the file is saved, but not as it was asked for."""
        LOG.warning("%s", text)
        comfy.send("provenance", {"kind": "notice", "text": text})

    def receipt(self, context: Context) -> Mapping[str, Any] | None:
        live = self._service.live
        if live is None:
            return None
        return {"v": 1, "execution": context.execution, "ledger": live.origin, "key": live.key_fingerprint}
