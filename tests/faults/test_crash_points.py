"""Each write, fsync, rename and commit of a session fails once: nothing is lost, and the ledger says that it failed."""

from __future__ import annotations

import atexit
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bare
import machine
import pytest
import sabotage
from comfy_provenance.demo.client import Client
from comfy_provenance.demo.host.embedded import EmbeddedHost, HostOptions
from comfy_provenance.provenance.capture import worker as worker_module

ROOT = Path(__file__).resolve().parents[2]


def noise(seed: int) -> str:
    """Text that takes too much room for a row of the database, however it is packed."""
    return random.Random(seed).randbytes(90_000).hex()


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def session() -> list[dict[str, Any]]:
    """Graphs of a short session: a picture with a large document, a preview that is kept, a failure, a cached run."""
    paint = {
        "1": node("EmptyImage", width=256, height=256, batch_size=1, color=0x336699),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("SaveImage", images=["2", 0], filename_prefix="sabotage"),
    }
    load = {"1": node("LoadImage", image="noise.png"), "2": node("PreviewImage", images=["1", 0])}
    broken = {"1": node("LoadImage", image="broken.png"), "2": node("PreviewImage", images=["1", 0])}
    return [paint, load, broken, paint]


def play(host: EmbeddedHost, client: Client) -> list[tuple[str, list[bytes]]]:
    """Run the session from a cold cache; gives each run's status and the bytes of its files."""
    host.server.prompt_queue.set_flag("free_memory", True)
    runs = [
        client.queue(graph, {"notes": noise(random.getrandbits(32))} if place == 0 else {})
        for place, graph in enumerate(session())
    ]
    made = []
    for run in runs:
        entry = client.wait(run)
        files = [client_bytes(host, item) for shown in entry["outputs"].values() for item in shown.get("images", ())]
        made.append((entry["status"]["status_str"], files))
    return made


def client_bytes(host: EmbeddedHost, item: dict[str, str]) -> bytes:
    return (host.options.base_directory / item["type"] / item["subfolder"] / item["filename"]).read_bytes()


def noise_png(seed: int) -> bytes:
    import io

    from PIL import Image

    picture = Image.frombytes("RGB", (200, 200), random.Random(seed).randbytes(200 * 200 * 3))
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()


@pytest.fixture
def saboteur(monkeypatch: pytest.MonkeyPatch) -> sabotage.Saboteur:
    return sabotage.Saboteur(monkeypatch)


@pytest.fixture
def embedded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, page: Path
) -> Iterator[Callable[..., tuple[EmbeddedHost, Client, Any]]]:
    """Starts a host in this process, with or without the pack; gives the pack's service too."""
    at_exit: list[Any] = []
    monkeypatch.setattr(atexit, "register", lambda function, *rest: at_exit.append(function) or function)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    started: list[EmbeddedHost] = []

    def start(name: str, *, pack: bool) -> tuple[EmbeddedHost, Client, Any]:
        options = HostOptions(tmp_path / name, {"comfy-provenance": ROOT} if pack else {}, front_end_root=page)
        host = EmbeddedHost(options).start()
        started.append(host)
        for module in list(sys.modules.values()):
            if getattr(module, "__name__", "").endswith(".provenance.capture.worker"):
                monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.005)
        client = Client(host.url)
        for file, data in (("noise.png", noise_png(1)), ("broken.png", b"no picture")):
            client.upload(file, data)
        closers = [each for each in at_exit if getattr(each, "__name__", "") == "close"]
        return host, client, closers[-1].__self__ if pack else None

    yield start
    for host in started:
        host.stop()
    for close in at_exit:
        if getattr(close, "__name__", "") == "close":
            close()


def drained(service: Any) -> None:
    deadline = time.monotonic() + machine.HANG_S
    while not service.drain(1.0):
        assert time.monotonic() < deadline, service.status()


def test_every_operation_of_a_session_may_fail_once(
    embedded: Callable[..., tuple[EmbeddedHost, Client, Any]], saboteur: sabotage.Saboteur
) -> None:
    host, client, _ = embedded("plain", pack=False)
    expected = play(host, client)
    host.stop()
    host, client, service = embedded("recorded", pack=True)
    drained(service)
    saboteur.arm()
    assert play(host, client) == expected
    drained(service)
    points = Counter(saboteur.points)
    assert {"write", "fsync", "replace", "BEGIN", "INSERT", "UPDATE", "COMMIT"} <= set(points)
    live = service.live
    runs = live.ledger.index.counts().executions
    with_gap: set[str] = set()
    for place, point in enumerate((name, number) for name in points for number in range(points[name])):
        client.upload("noise.png", noise_png(place + 2))  # a new file to keep, each time
        gaps = live.ledger.index.counts().gaps
        saboteur.arm(lambda *passed, point=point: passed == point)
        made = play(host, client)
        drained(service)
        saboteur.disarm()
        assert [status for status, _ in made] == [status for status, _ in expected]
        assert made[0] == expected[0]
        assert service.status()["state"] == "recording"
        told = live.ledger.index.counts().gaps > gaps
        # An object that is there already is synced again; where that fails it is written anew, and nothing is missed.
        assert told or saboteur.struck in ([], ["fsync"]), saboteur.struck
        with_gap.update(saboteur.struck if told else ())
        runs += len(made)
        assert live.ledger.index.counts().executions == runs
        newest = live.ledger.index.page(len(made))
        assert sorted(row.status for row in newest) == ["error", "success", "success", "success"], saboteur.struck
        for output in live.ledger.index.outputs(*(row.id for row in newest)):
            assert output.problem is None, (saboteur.struck, output)
            assert live.ledger.objects.get(output.thumbnail)
    assert {"write", "fsync", "replace", "BEGIN", "INSERT", "UPDATE", "COMMIT"} <= with_gap
    assert machine.verified(service.places.ledger) == []


def test_a_slow_disk_keeps_no_run_waiting(
    embedded: Callable[..., tuple[EmbeddedHost, Client, Any]], saboteur: sabotage.Saboteur
) -> None:
    host, client, _ = embedded("plain", pack=False)
    expected = play(host, client)
    host.stop()
    host, client, service = embedded("recorded", pack=True)
    drained(service)
    answers = threading.Event()

    def late(name: str, number: int) -> bool:
        return not answers.wait(machine.HANG_S)

    saboteur.arm(late)  # so slow that it does not answer at all while there are runs
    assert play(host, client) == expected
    assert service.status()["waiting"] >= len(expected)  # the runs are over, their record is not
    answers.set()
    drained(service)
    live = service.live
    assert (live.ledger.index.counts().executions, live.ledger.index.counts().gaps) == (len(expected), 0)
    assert machine.verified(service.places.ledger) == []


@pytest.mark.parametrize("operation", ["write", "fsync", "replace", "BEGIN", "INSERT", "COMMIT"])
def test_the_status_says_why_while_it_lasts(
    operation: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    saboteur: sabotage.Saboteur,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(worker_module, "FIRST_PAUSE_S", 0.005)
    bench = bare.Bench(tmp_path)
    bench.service.start()
    bench.run("before", notes=noise(1))
    bench.settle()
    caplog.clear()
    saboteur.arm(lambda name, number: name == operation)
    bench.run("meanwhile", notes=noise(2))
    status = bench.until("broken")
    assert not status["recording"]
    assert "full" in status["reason"] or sabotage.NO_SPACE in status["reason"]
    while len(saboteur.struck) < 5:
        time.sleep(0.001)
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    saboteur.disarm()
    bench.settle()
    assert bench.service.status()["state"] == "recording"
    assert bench.service.live is not None
    assert bench.service.live.ledger.index.counts().gaps == 1
    bench.service.close()
    assert machine.verified(bench.places.ledger) == []


def test_every_operation_of_a_first_start_may_fail_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, saboteur: sabotage.Saboteur
) -> None:
    monkeypatch.setattr(worker_module, "FIRST_PAUSE_S", 0.001)
    points: list[tuple[str, int]] = []
    place = -1
    while place < len(points):
        saboteur.arm(lambda *passed, point=points[place] if place >= 0 else None: passed == point)
        bench = bare.Bench(tmp_path / str(place))
        bench.service.start()
        bench.run("first")
        bench.settle()
        if place < 0:
            points = [(name, number) for name, times in Counter(saboteur.points).items() for number in range(times)]
        saboteur.disarm()
        bench.service.close()
        assert machine.verified(bench.places.ledger) == [], saboteur.struck
        said = machine.statements(bench.places.ledger)
        assert [each["event"] for each in said if each["kind"] == "session" and each["event"] != "environment"] == [
            "start",
            "stop",
        ]
        assert any(each["kind"] == "gap" for each in said) == bool(saboteur.struck), saboteur.struck
        keys = [each.name for each in bench.places.secrets.iterdir()]
        # A key whose folder could not be synced is set aside, unused; another one is made.
        assert "signing-key.pem" in keys and (len(keys) == 1 or saboteur.struck == ["fsync"]), (keys, saboteur.struck)
        place += 1
