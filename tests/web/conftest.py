"""The real page in a real browser, on the embedded host and, where this machine has one, on a real ComfyUI.

Without a Chromium, Playwright or the page's package these tests skip and say so. Environment:

COMFY_PROVENANCE_CHROMIUM   the browser, else one found on the PATH
COMFY_PROVENANCE_FRONTENDS  folders with further versions of the page (what holds `index.html`), separated as in PATH
COMFYUI_PATH and others     a real ComfyUI, as `tests/comfyui/hosts.py` says; COMFYUI_FRONT_END gives it another page
COMFY_PROVENANCE_URL        a running ComfyUI with the pack, instead of all these
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "comfyui"))

import hosts

from .author import Author
from .canvas import Canvas
from .sidebar import Sidebar

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge", "chrome")
BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--auto-accept-this-tab-capture",  # a test cannot answer the browser's own question what to capture
]
# A fresh profile is greeted with a dialog over the page.
SETTINGS = {"Comfy.TutorialCompleted": True}


@dataclass(frozen=True)
class Place:
    """A host that can be started, with the page that it serves: None for its own."""

    kind: hosts.Kind
    page: Path | None = None


def embedded(page: Path | None = None) -> Place:
    """The embedded host."""
    return Place(hosts.embedded(), page)


def _places() -> list[Any]:
    further = [Path(p) for p in os.environ.get("COMFY_PROVENANCE_FRONTENDS", "").split(os.pathsep) if p]
    places = [pytest.param(embedded(), id="installed")]
    for page in further:
        name = page.parents[1].name if page.name == "static" else page.name
        places.append(pytest.param(embedded(page), id=name))
    real = hosts.real()
    return places if real is None else [*places, pytest.param(Place(real), id="real")]


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


@pytest.fixture(scope="session", params=_places())
def host_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Iterator[str]:
    """A host with the pack: the one that is named in the environment, or one that is started."""
    given = os.environ.get("COMFY_PROVENANCE_URL")
    if given:
        if request.param.page is not None or request.param.kind.real:
            pytest.skip("COMFY_PROVENANCE_URL names the one host")
        yield given.rstrip("/")
        return
    _needs_a_page(request.param)
    with running_host(tmp_path_factory.mktemp("host"), request.param) as url:
        yield url


@contextmanager
def running_host(base: Path, place: Place, *arguments: str) -> Iterator[str]:
    """A host with the pack on a folder that outlives it; its address."""
    page = ("--front-end-root", str(place.page)) if place.page is not None else ()
    with hosts.running(place.kind, base, arguments=(*page, *arguments)) as host:
        url = f"http://127.0.0.1:{host.port}"
        data = json.dumps(SETTINGS).encode()
        headers = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{url}/settings", data, headers, method="POST"), timeout=120)
        yield url


@pytest.fixture(params=_places())
def place(request: pytest.FixtureRequest, browser: Any) -> Place:
    """What to start, for tests that start hosts of their own."""
    if os.environ.get("COMFY_PROVENANCE_URL"):
        pytest.skip("COMFY_PROVENANCE_URL names a host, which cannot be started again from here")
    _needs_a_page(request.param)
    found: Place = request.param
    return found


def _needs_a_page(place: Place) -> None:
    installed = importlib.util.find_spec("comfyui_frontend_package") is not None
    if place.page is None and not place.kind.real and not installed:
        pytest.skip("comfyui-frontend-package is not installed")


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
