"""Attacks on a ledger as it lies on disk. They use the recorder of `tests/faults`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
for folder in (TESTS / "attacks", TESTS / "faults", TESTS / "comfyui"):  # importlib mode adds no path for these
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import studio  # noqa: E402
from fixtures import bench, short_pauses  # noqa: E402, F401


@pytest.fixture(scope="session")
def kept_studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded ledger that nobody may change; copy it."""
    folder = tmp_path_factory.mktemp("studio")
    studio.record(folder)
    return folder


@pytest.fixture
def ledger(kept_studio: Path, tmp_path: Path) -> studio.Victim:
    """A ledger of the test's own, with an entry of every kind."""
    shutil.copytree(kept_studio, tmp_path / "studio")
    return studio.Victim(tmp_path / "studio")
