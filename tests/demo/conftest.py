"""An embedded host in this process, with a small pack of its own, for all tests here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from comfy_provenance.demo.client import Client
from comfy_provenance.demo.host.embedded import EmbeddedHost, HostOptions

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode adds no path for the modules beside the tests

PROBE = Path(__file__).parent / "probe_pack"


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page folder, so that these tests need no installed frontend."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "index.html").write_text("<title>page</title>", encoding="utf-8")
    (folder / "extensions" / "core").mkdir(parents=True)
    (folder / "extensions" / "core" / "one.js").write_text("", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, page: Path) -> Iterator[EmbeddedHost]:
    """A running host, fresh for each test file."""
    options = HostOptions(tmp_path_factory.mktemp("host"), packs={"probe.pack": PROBE}, front_end_root=page)
    with EmbeddedHost(options) as started:
        yield started


@pytest.fixture
def client(host: EmbeddedHost) -> Client:
    """A client that is a page of its own."""
    return Client(host.url)
