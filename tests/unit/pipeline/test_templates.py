"""Official workflow templates go through the queue, the pipeline and restore unchanged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from comfy_provenance.host.hooks import QueueHooks
from comfy_provenance.provenance.canonical import snapshot_bytes
from comfy_provenance.provenance.config import Places
from comfy_provenance.provenance.model import NodeInput, system_clock
from comfy_provenance.provenance.present.api import Api
from comfy_provenance.provenance.service import Service

PACKAGE = "comfyui-workflow-templates-json"


class NoHost:
    """A host that knows no node class: what a graph of strangers' nodes looks like."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def node_inputs(self, class_type: str) -> Mapping[str, NodeInput] | None:
        return None

    def node_outputs(self, class_type: str) -> tuple[str, ...] | None:
        return None

    def is_output_node(self, class_type: str) -> bool:
        return False

    def node_pack(self, class_type: str) -> str | None:
        return None

    def node_classes(self) -> tuple[str, ...]:
        return ()

    def directories(self) -> Mapping[str, str]:
        return {name: str(self._folder / name) for name in ("output", "temp", "input")}

    def model_folders(self) -> Mapping[str, tuple[str, ...]]:
        return {}

    def model_extensions(self) -> frozenset[str]:
        return frozenset()

    def environment(self) -> Mapping[str, Any]:
        return {"comfyui": {"version": None, "folder": None}, "packs": {}}


class Queue:
    """The four methods that the hooks observe, and nothing behind them."""

    def __init__(self) -> None:
        self.currently_running: dict[int, Any] = {}

    def put(self, item: Any) -> None: ...
    def task_done(self, item_id: int, history_result: Any, status: Any) -> None: ...
    def wipe_queue(self) -> None: ...
    def delete_queue_item(self, function: Any) -> bool:
        return False


def templates() -> Iterator[tuple[str, Any]]:
    for file in metadata.files(PACKAGE) or ():
        if file.suffix == ".json":
            found = json.loads(Path(str(file.locate())).read_text(encoding="utf-8"))
            if isinstance(found, dict) and "nodes" in found:
                yield file.name, found


def test_templates_come_back_byte_for_byte_and_without_redaction(tmp_path: Path) -> None:
    try:
        found = dict(templates())
    except metadata.PackageNotFoundError:
        pytest.skip(f"{PACKAGE} is not installed")
    assert len(found) >= 200
    service = Service(Places(tmp_path / "ledger", tmp_path / "secrets"), NoHost(tmp_path))
    service.start()
    queue = Queue()
    problems: list[str] = []
    QueueHooks(queue, service.offer, problems.append, system_clock).install()
    sent = {name: snapshot_bytes(workflow) for name, workflow in found.items()}
    for number, (name, workflow) in enumerate(found.items()):
        prompt = {"1": {"class_type": "Unknown", "inputs": {"seed": 2**64 - 1, "cfg": 7.0, "steps": 20}}}
        queue.put((number, name, prompt, {"extra_pnginfo": {"workflow": workflow}}, ["1"], {}))
    assert service.drain(120)
    assert problems == []
    live = service.live
    assert live is not None
    api = Api(live.ledger)
    for name, data in sent.items():
        restored = api.restored(name)
        assert restored.data == data, name
        assert restored.drift["redacted"] == [], name
    service.close()
