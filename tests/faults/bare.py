"""The recorder without any server around it: a service, a host that answers little, and runs made by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import machine
import pytest
from comfy_provenance.provenance import canonical
from comfy_provenance.provenance.config import Places
from comfy_provenance.provenance.model import Accepted, Clock, Finished, NodeInput, system_clock
from comfy_provenance.provenance.service import Service
from PIL import Image


class BareHost:
    """A `Host` that knows SaveImage and three folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("output", "temp", "input"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def node_inputs(self, class_type: str) -> Mapping[str, NodeInput] | None:
        return {"text": NodeInput("STRING", {"multiline": True})} if class_type == "Text" else {}

    def node_outputs(self, class_type: str) -> tuple[str, ...] | None:
        return ()

    def is_output_node(self, class_type: str) -> bool:
        return class_type == "SaveImage"

    def node_pack(self, class_type: str) -> str | None:
        return None

    def node_classes(self) -> tuple[str, ...]:
        return ("SaveImage", "Text")

    def directories(self) -> Mapping[str, str]:
        return {name: str(self.folder / name) for name in ("output", "temp", "input")}

    def model_folders(self) -> Mapping[str, tuple[str, ...]]:
        return {}

    def model_extensions(self) -> frozenset[str]:
        return frozenset()

    def environment(self) -> Mapping[str, Any]:
        return {"comfyui": {"version": "0", "folder": str(self.folder)}, "packs": {}, "classes": {}}


class Bench:
    """A service on a folder of its own, and what to feed it with. `heard` are the announced entries; while `listening`
    is cleared, the announcement of an entry does not return, and the writer with it."""

    def __init__(self, folder: Path, *, clock: Clock = system_clock) -> None:
        self.host = BareHost(folder)
        self.places = Places(folder / "ledger", folder / "secrets")
        self.heard: list[dict[str, Any]] = []
        self.listening = threading.Event()
        self.listening.set()
        self.clock = clock
        self.service = Service(self.places, self.host, announce=self._hear, clock=clock)

    def _hear(self, event: dict[str, Any]) -> None:
        self.heard.append(event)
        assert self.listening.wait(machine.HANG_S)

    def accept(self, run: str, **extra: Any) -> bool:
        prompt = {"1": {"class_type": "Text", "inputs": {"text": run}}, "2": {"class_type": "SaveImage", "inputs": {}}}
        frozen = canonical.freeze({"prompt": prompt, "extra": extra, "outputs": ["2"]})
        return self.service.offer(Accepted(run, run, 1.0, None, None, frozen, self.clock()))

    def finish(self, run: str) -> bool:
        name = f"{run}.png"
        Image.new("RGB", (8, 8), (len(run), 2, 3)).save(self.host.folder / "output" / name)
        images = [{"filename": name, "subfolder": "", "type": "output"}]
        report = {"outputs": {"2": {"images": images}}, "messages": [], "status_str": "success", "completed": True}
        return self.service.offer(Finished(run, canonical.freeze(report), self.clock()))

    def run(self, run: str, **extra: Any) -> None:
        self.accept(run, **extra)
        self.finish(run)

    def until(self, state: str) -> dict[str, Any]:
        """The status, once it is this."""
        deadline = time.monotonic() + machine.HANG_S
        while True:
            status = self.service.status()
            if status["state"] == state:
                return status
            assert time.monotonic() < deadline, status
            time.sleep(0.005)

    def settle(self) -> None:
        """Wait until everything is recorded."""
        deadline = time.monotonic() + machine.HANG_S
        while not self.service.drain(1.0):
            assert time.monotonic() < deadline, self.service.status()


def put(path: Path, data: bytes) -> None:
    """Have a file hold these bytes from one moment to the next: half of them would be a trouble of its own."""
    aside = path.with_name(f"{path.name}.aside")
    aside.write_bytes(data)
    aside.replace(path)


def recorded_once(folder: Path, run: str = "first") -> None:
    """A ledger with one run of an ended session."""
    first = Bench(folder)
    first.service.start()
    first.run(run)
    first.settle()
    first.service.close()


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


def kinds(bench: Bench) -> list[str]:
    return [said["kind"] for said in machine.statements(bench.places.ledger)]


def goes_on(bench: Bench, *runs: str) -> list[dict[str, Any]]:
    """Everything offered so far is recorded, the trouble is told, and the ledger is clean. Gives the gaps."""
    bench.settle()
    assert bench.service.status()["state"] == "recording"
    assert bench.service.live is not None
    for run in runs:
        row = bench.service.live.ledger.index.execution(run)
        assert row is not None and row.status == "success", run
    bench.service.close()
    assert machine.verified(bench.places.ledger) == []
    return [said for said in machine.statements(bench.places.ledger) if said["kind"] == "gap"]
