"""The real page in a real browser.

Without a Chromium, Playwright or the page's package these tests skip and say so. Environment:

COMFY_PROVENANCE_CHROMIUM   the browser, else one found on the PATH
COMFY_PROVENANCE_FRONTENDS  folders with further versions of the page (what holds `index.html`), separated as in PATH
COMFY_PROVENANCE_URL        a running ComfyUI with the pack, instead of the embedded host
"""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .author import Author
from .canvas import Canvas
from .sidebar import Sidebar

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge", "chrome")
BROWSER_OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
START_SECONDS = 120


def _frontends() -> list[Any]:
    further = [Path(p) for p in os.environ.get("COMFY_PROVENANCE_FRONTENDS", "").split(os.pathsep) if p]
    named = [pytest.param(path, id=path.parent.name if path.name == "static" else path.name) for path in further]
    return [pytest.param(None, id="installed"), *named]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/system_stats", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    found = os.environ.get("COMFY_PROVENANCE_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium on the PATH, and COMFY_PROVENANCE_CHROMIUM is not set")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=found, args=BROWSER_OPTIONS)
        yield running
        running.close()


@pytest.fixture(scope="session", params=_frontends())
def host_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Iterator[str]:
    """A host with the pack: the one that is named in the environment, or the embedded one."""
    given = os.environ.get("COMFY_PROVENANCE_URL")
    if given:
        if request.param is not None:
            pytest.skip("COMFY_PROVENANCE_URL names a host, and a host has one page")
        yield given.rstrip("/")
        return
    if request.param is None and importlib.util.find_spec("comfyui_frontend_package") is None:
        pytest.skip("comfyui-frontend-package is not installed")
    with running_host(tmp_path_factory.mktemp("host"), request.param) as url:
        yield url


@contextmanager
def running_host(base: Path, front_end: Path | None) -> Iterator[str]:
    """The embedded host with the pack on a folder that outlives it; its address."""
    port = _free_port()
    command = [sys.executable, str(ROOT / "demo" / "serve.py"), "--port", str(port), "--base-directory", str(base)]
    if front_end is not None:
        command += ["--front-end-root", str(front_end)]
    log = base / "host.log"
    url = f"http://127.0.0.1:{port}"
    with log.open("ab") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(url):
                text = log.read_text(encoding="utf-8", errors="replace")
                assert process.poll() is None, f"the host ended: {text}"
                assert time.monotonic() < deadline, f"the host did not start: {text}"
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(params=_frontends())
def front_end(request: pytest.FixtureRequest, browser: Any) -> Path | None:
    """The page to serve, for tests that start hosts of their own; None for the installed one."""
    if os.environ.get("COMFY_PROVENANCE_URL"):
        pytest.skip("COMFY_PROVENANCE_URL names a host, which cannot be started again from here")
    if request.param is None and importlib.util.find_spec("comfyui_frontend_package") is None:
        pytest.skip("comfyui-frontend-package is not installed")
    found: Path | None = request.param
    return found


@pytest.fixture
def sidebar(browser: Any, host_url: str) -> Iterator[Sidebar]:
    """The tab, open beside a small graph of its own; afterwards nothing of ours may have complained."""
    context = browser.new_context(viewport={"width": 1500, "height": 950})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    canvas = Canvas(context.new_page(), host_url)
    made = Sidebar(canvas)
    canvas.new_tab(color=random.randrange(1 << 24))
    made.open()
    yield made
    assert made.errors == []
    context.close()


@pytest.fixture
def author(host_url: str) -> Author:
    return Author(host_url)
