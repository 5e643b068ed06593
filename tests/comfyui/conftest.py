"""Every test here runs on the embedded host and, where this machine has one, on a real ComfyUI."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode adds no path for the modules beside the tests

import hosts

REAL = hosts.real()
NO_REAL = "no real ComfyUI: set COMFYUI_PATH and COMFYUI_PYTHON"
KINDS = [
    pytest.param(hosts.embedded(), id="embedded"),
    pytest.param(REAL, id="real", marks=[] if REAL else pytest.mark.skip(reason=NO_REAL)),
]


@pytest.fixture(scope="session", params=KINDS)
def kind(request: pytest.FixtureRequest) -> hosts.Kind:
    """Which host the test runs on."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def host(kind: hosts.Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hosts.Host]:
    """A host that all tests share: they must not depend on what others recorded."""
    with hosts.running(kind, tmp_path_factory.mktemp(f"shared-{kind.name}")) as started:
        yield started


@pytest.fixture
def own_host(kind: hosts.Kind, tmp_path: Path) -> Iterator[hosts.Host]:
    """A host of the test's own, not started."""
    made = hosts.Host(kind, tmp_path / "host")
    yield made
    made.stop()
