"""What the author says goes through the writer: answered when durable, or refused and never written."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from comfy_provenance.provenance import canonical
from comfy_provenance.provenance.config import Places, Settings
from comfy_provenance.provenance.errors import NotFound, StorageError
from comfy_provenance.provenance.model import Accepted, Decision, Judged, NodeInput, Withdrawn, system_clock
from comfy_provenance.provenance.present.api import Api
from comfy_provenance.provenance.service import Service
from comfy_provenance.provenance.store import engine

HANG_S = 120.0  # not a measure of speed
GRAPH = {"1": {"class_type": "Unknown", "inputs": {"seed": 1}}}


class NoHost:
    """A host that knows no node class."""

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
        return {"comfyui": {"version": "1", "folder": None}, "packs": {}}


@pytest.fixture
def told() -> list[dict[str, Any]]:
    """What was announced."""
    return []


@pytest.fixture
def service(tmp_path: Path, told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.2)  # how long the writer waits for a database that others hold
    places = Places(tmp_path / "ledger", tmp_path / "secrets")
    started = Service(places, NoHost(tmp_path), announce=told.append)
    started.start()
    while started.live is None:
        time.sleep(0.01)
    yield started
    started.close()


@contextmanager
def database_held(service: Service) -> Iterator[None]:
    """Another program writes to the database and does not finish."""
    assert service.drain(HANG_S)
    other = sqlite3.connect(service.places.ledger / "ledger.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def accepted(run: str) -> Accepted:
    frozen = canonical.freeze({"prompt": GRAPH, "extra": {}, "outputs": ["1"]})
    return Accepted(run, run, 1.0, None, None, frozen, system_clock())


def judged(run: str, decision: Decision = Decision.KEEP, **said: Any) -> Judged:
    members = {"output": None, "rating": None, "reason": None, "label": None, **said}
    return Judged(run, decision=decision, answer=Future(), **members)


def kinds(service: Service) -> list[str]:
    """Kinds of all entries so far."""
    assert service.drain(HANG_S)
    assert service.live is not None
    index = service.live.ledger.index
    return [index.entry(number).kind for number in range(index.counts().entries)]


def findings(service: Service) -> Any:
    assert service.live is not None
    return Api(service.live.ledger).verify()["findings"]


def test_a_decision_about_a_run_that_was_accepted_a_moment_ago(service: Service, told: list[dict[str, Any]]) -> None:
    assert service.offer(accepted("run"))
    said = service.say(judged("run", Decision.RATE, rating=5, reason="光线"))
    assert said["rating"] == 5
    announced = [each for each in told if each["kind"] == "decision"]
    assert announced == [
        {
            "kind": "decision",
            "entry": said["entry"],
            "execution": "run",
            "output": None,
            "decision": "rate",
            "rating": 5,
            "label": None,
        }
    ]
    assert findings(service) == []


def test_a_decision_about_no_run_is_refused_and_no_trouble(service: Service) -> None:
    with pytest.raises(NotFound):
        service.say(judged("gone"))
    with pytest.raises(NotFound):
        service.say(judged("gone", output="0" * 64))
    assert service.status()["state"] == "recording"
    assert "decision" not in kinds(service)
    assert "gap" not in kinds(service)


def test_a_decision_that_cannot_be_written_is_refused_and_not_written_later(service: Service) -> None:
    service.offer(accepted("run"))
    with database_held(service), pytest.raises(StorageError):
        service.say(judged("run"))
    assert "decision" not in kinds(service)
    assert service.say(judged("run"))["entry"]
    assert kinds(service).count("decision") == 1


def test_a_decision_that_waits_too_long_is_withdrawn(service: Service) -> None:
    service.offer(accepted("run"))
    with database_held(service):
        service.offer(accepted("other"))  # the writer is busy with this one
        with pytest.raises(StorageError):
            service.say(judged("run"), timeout_s=0.05)
    assert "decision" not in kinds(service)


def test_a_pause_that_cannot_be_written_is_no_pause(service: Service) -> None:
    with database_held(service), pytest.raises(StorageError):
        service.pause("secret client")
    assert service.offer(accepted("run"))
    assert "submission" in kinds(service)
    assert service.status()["state"] == "recording"
    assert findings(service) == []


def test_a_resume_that_cannot_be_written_leaves_it_paused(service: Service) -> None:
    service.pause(None)
    with database_held(service), pytest.raises(StorageError):
        service.resume(None)
    assert not service.offer(accepted("run"))
    assert kinds(service)
    assert (service.status()["state"], service.status()["paused"]) == ("paused", True)
    assert service.resume("done")["state"] == "recording"
    assert service.offer(accepted("run"))
    assert findings(service) == []


def test_while_paused_only_new_runs_are_left_out(service: Service, told: list[dict[str, Any]]) -> None:
    service.offer(accepted("before"))
    paused = service.pause("客户保密")
    assert service.pause("again") == {"state": "paused", "entry": None, "reason": "客户保密"}
    assert not service.offer(accepted("during"))
    assert service.offer(Withdrawn("before", system_clock()))
    service.say(judged("before"))
    resumed = service.resume(None)
    assert service.resume(None) == {"state": "recording", "entry": None, "reason": None}
    assert service.drain(HANG_S)
    sessions = [(each["entry"], each["event"]) for each in told if each["kind"] == "session"]
    assert [each for each in sessions if each[1] in ("pause", "resume")] == [
        (paused["entry"], "pause"),
        (resumed["entry"], "resume"),
    ]
    assert kinds(service).count("completion") == 1
    assert findings(service) == []


def test_what_is_handed_over_while_the_status_counts_is_counted(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run's end went from the reading thread to the writer between two looks, and nothing seemed to wait."""
    live = service.live
    assert live is not None

    def handed_over() -> int:
        assert service.offer(accepted("run"))
        return 0

    with database_held(service):
        monkeypatch.setattr(live, "backlog", handed_over)
        assert service.status()["waiting"] == 1
    monkeypatch.undo()


def test_nothing_can_be_said_where_nothing_is_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    folder.mkdir()
    (folder / "settings.json").write_text('{"enabled": false}', encoding="utf-8")
    service = Service(Places(folder, tmp_path / "secrets"), NoHost(tmp_path))
    service.start()
    assert service.settings == Settings(enabled=False)
    with pytest.raises(StorageError):
        service.say(judged("run"))
    with pytest.raises(StorageError):
        service.pause(None)
    service.close()
    with pytest.raises(StorageError):
        service.say(judged("run"))
