"""Fixtures of hosts that are started often; shared with `tests/soak`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import bare
import machine
import pytest
from comfy_provenance.provenance import service
from comfy_provenance.provenance.capture import worker
from comfy_provenance.provenance.store import engine


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page folder, so that these tests need no installed frontend."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "index.html").write_text("<title>page</title>", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def nursery() -> Iterator[machine.Nursery]:
    if not machine.CAN_FORK:
        pytest.skip("this system cannot fork")
    made = machine.Nursery()
    yield made
    made.close()


@pytest.fixture
def make_host(nursery: machine.Nursery, page: Path, tmp_path: Path) -> Iterator[Callable[..., machine.ForkedHost]]:
    """Makes hosts, not started; whatever still runs after the test is killed."""
    made: list[machine.ForkedHost] = []

    def make(name: str = "host", **options: bool) -> machine.ForkedHost:
        made.append(machine.ForkedHost(nursery, page, tmp_path / name, **options))
        return made[-1]

    yield make
    for host in made:
        host.kill()


@pytest.fixture
def host(make_host: Callable[..., machine.ForkedHost]) -> machine.ForkedHost:
    return make_host()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a service may take to end, or another to write, is not what these tests measure."""
    monkeypatch.setattr(service, "CLOSE_TIMEOUT_S", machine.HANG_S)
    monkeypatch.setattr(engine, "BUSY_SECONDS", machine.HANG_S)


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was refused is tried again soon."""
    monkeypatch.setattr(worker, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(worker, "LONGEST_PAUSE_S", 0.05)


@pytest.fixture
def bench(tmp_path: Path, short_pauses: None) -> Iterator[bare.Bench]:
    """A service without a server, not started."""
    made = bare.Bench(tmp_path)
    yield made
    made.service.close()
