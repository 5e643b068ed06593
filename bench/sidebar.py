"""The lineage tab over 100,000 made-up runs, in a real browser on the embedded host with the real page.

The runs are answered by the bench itself, so that the page is measured and not the ledger (`bench/queries.py` measures
that). Told are: the time until the first rows stand, the time to read and lay out all runs by scrolling to the end,
frame times while scrolling, what one new run on top costs, and memory; then, on recorded runs, the time from the click
on *Reload this branch* until the canvas stands and is drawn. Needs Playwright, a Chromium and the page's package, as
the tests of the tab do:

    python bench/sidebar.py [RUNS]
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import conftest  # noqa: F401  makes the package importable
from comfy_provenance.demo.host.embedded import EmbeddedHost, HostOptions
from comfy_provenance.demo.serve import PACK_NAME, PACK_ROOT
from series import TEXT
from web.author import Author, words

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge", "chrome")
READY = """() => { const app = window.app ?? window.comfyAPI?.app?.app; if (app) window.app = app;
    return !!(app?.graph && app.extensionManager?.workflow?.activeWorkflow?.changeTracker); }"""
TOGGLE = "() => window.app.extensionManager.sidebarTab.toggleSidebarTab('provenance-lineage')"
SCROLL = """async ([frames, step]) => {
    const tree = document.querySelector(".cpv-tree");
    const times = [];
    let last = performance.now();
    for (let at = 0; at < frames; at += 1) {
        tree.scrollTop += step;
        await new Promise((done) => requestAnimationFrame(done));
        const now = performance.now();
        times.push(now - last);
        last = now;
    }
    return times.slice(1);
}"""


def series(count: int) -> list[dict[str, Any]]:
    """Runs, newest first: mostly new seeds and words, some branches, some images of other runs."""
    dice = random.Random(7)
    runs: list[dict[str, Any]] = []
    for at in range(count):
        parent = None
        if at % 200:
            back = 1 if dice.random() < 0.9 else min(at, dice.randrange(1, 60))
            parent = f"run-{at - back:06d}"
        kind = dice.random()
        changes = [f"seed {at} → {at + 1}"] if kind < 0.5 else ['+ "golden hour"', f"cfg {at % 9} → {at % 7}"]
        merges = []
        if dice.random() < 0.05 and at > 50:
            merges = [{"execution": f"run-{at - dice.randrange(2, 50):06d}", "basis": "observed"}]
        runs.append(
            {
                "execution": f"run-{at:06d}",
                "prompt_id": f"run-{at:06d}",
                "status": "error" if dice.random() < 0.02 else "success",
                "submitted_at": f"2026-01-{1 + at % 28:02d}T{at % 24:02d}:{at % 60:02d}:00.000000Z",
                "ended_at": None,
                "duration_ms": 1400,
                "parent": parent and {"execution": parent, "known": True, "basis": "declared", "method": "workflow"},
                "parents": [parent] if parent else [],
                "merges": merges,
                "outputs": [],
                "thumbnails": [],
                "changes": changes if parent else [],
                "decision": None,
                "output_decisions": [],
                "error": None,
            }
        )
    return runs[::-1]


class Answers:
    """Answers `executions` as the host would."""

    def __init__(self, runs: list[dict[str, Any]]) -> None:
        self.runs = runs
        self.asked = 0

    def __call__(self, route: Any) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        limit, start = int(query["limit"][0]), int(query.get("cursor", ["0"])[0])
        items = self.runs[start : start + limit]
        following = str(start + limit) if start + limit < len(self.runs) else None
        self.asked += 1
        route.fulfill(content_type="application/json", body=json.dumps({"items": items, "next": following}))


def heap(page: Any) -> float:
    """Live memory of the page's scripts, in MB."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return float(page.evaluate("() => performance.memory.usedJSHeapSize / 1e6"))


def told(name: str, times: list[float]) -> None:
    ordered = sorted(times)
    p99 = ordered[int(len(ordered) * 0.99) - 1]
    print(f"{name}: p50 {statistics.median(ordered):.1f} ms, p99 {p99:.1f} ms, worst {ordered[-1]:.1f} ms")


def opened(page: Any, url: str) -> None:
    """Open the page of the host, and close what greets a fresh profile."""
    page.goto(url)
    page.wait_for_function(READY, timeout=90_000)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)
    page.keyboard.press("Escape")
    page.locator(".p-dialog-mask").wait_for(state="detached")


def measure(page: Any, url: str, runs: list[dict[str, Any]]) -> None:
    answers = Answers(runs)
    opened(page, url)
    page.route("**/provenance/v1/executions?*", answers)
    before = heap(page)
    started = time.perf_counter()
    page.evaluate(TOGGLE)
    page.wait_for_selector("[data-testid=provenance-row]")
    print(f"first rows of {len(runs)} runs: {(time.perf_counter() - started) * 1000:.0f} ms")
    page.wait_for_timeout(500)
    told("frames while scrolling the newest runs", page.evaluate(SCROLL, [120, 60]))

    started = time.perf_counter()
    page.evaluate(
        """async () => {
            const tree = document.querySelector(".cpv-tree");
            const panel = document.querySelector("[data-testid=provenance-tab]");
            for (let last = -1, still = 0; still < 20; ) {
                still = tree.scrollHeight === last && panel.ariaBusy === "false" ? still + 1 : 0;
                last = tree.scrollHeight;
                tree.scrollTop = last;
                await new Promise((done) => setTimeout(done, 10));
            }
        }"""
    )
    print(f"scrolled to the oldest run: {time.perf_counter() - started:.1f} s, {answers.asked} pages")
    page.evaluate("() => { document.querySelector('.cpv-tree').scrollTop /= 2; }")
    page.wait_for_timeout(300)
    told("frames while scrolling in the midst of all", page.evaluate(SCROLL, [240, 90]))
    told("frames while flying over all", page.evaluate(SCROLL, [120, 9000]))

    page.evaluate("() => { document.querySelector('.cpv-tree').scrollTop = 0; }")
    page.wait_for_timeout(300)
    newest = runs[0]
    again = {**newest, "execution": "one-more", "prompt_id": "one-more"}
    answers.runs = [
        {**again, "parent": {**(newest["parent"] or {}), "execution": newest["execution"], "known": True}},
        *runs,
    ]
    worst = page.evaluate(
        """async () => {
            const app = window.app;
            app.api?.dispatchCustomEvent?.("provenance", { kind: "submission", execution: "one-more" });
            let worst = 0, last = performance.now();
            for (let at = 0; at < 60; at += 1) {
                await new Promise((done) => requestAnimationFrame(done));
                const now = performance.now();
                worst = Math.max(worst, now - last);
                last = now;
            }
            return worst;
        }"""
    )
    print(f"one new run on top of all: longest frame {worst:.0f} ms")
    print(f"memory of the page: {before:.0f} MB before the tab was opened, {heap(page):.0f} MB with all runs")


RELOAD = """async (id) => {
    const { app } = window;
    const started = performance.now();
    document.querySelector("[data-testid=provenance-reload]").click();
    const path = app.extensionManager.workflow.activeWorkflow.path;
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    while (app.extensionManager.workflow.activeWorkflow.path === path
        || (app.rootGraph ?? app.graph).extra?.provenance?.execution !== id) await frame();
    await frame();
    return [performance.now() - started, app.graph.nodes.length];
}"""


def measure_reload(page: Any, author: Author, more: int) -> None:
    """Two runs of a graph with so many nodes more, reloaded in turn."""
    graph = {
        **words("a lighthouse"),
        **{
            str(20 + at): {"class_type": "CLIPTextEncode", "inputs": {"text": f"{TEXT} {at}", "clip": ["1", 1]}}
            for at in range(more)
        },
    }
    first = author.run(graph)
    runs = [first, author.run({**graph, "2": {**graph["2"], "inputs": {"text": "a boat", "clip": ["1", 1]}}}, first)]
    times = []
    for at in range(12):
        page.locator(f'[data-testid=provenance-row][data-execution="{runs[at % 2]}"] .cpv-foot time').click()
        page.wait_for_selector(f'[data-testid=provenance-inspector][data-run="{runs[at % 2]}"] .cpv-against')
        took, nodes = page.evaluate(RELOAD, runs[at % 2])
        times.append(took)
    told(f"from the click on reload to the canvas, {nodes} nodes", times[2:])


def main(count: int) -> int:
    from playwright.sync_api import sync_playwright

    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print("no Chromium on the PATH", file=sys.stderr)
        return 2
    runs = series(count)
    with (
        tempfile.TemporaryDirectory() as base,
        EmbeddedHost(HostOptions(Path(base), packs={PACK_NAME: PACK_ROOT})) as host,
        sync_playwright() as driver,
    ):
        running = driver.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        measure(running.new_page(viewport={"width": 1500, "height": 950}), host.url, runs)
        page = running.new_page(viewport={"width": 1500, "height": 950})
        author = Author(host.url)
        opened(page, host.url)
        page.evaluate(TOGGLE)
        for more in (0, 100):
            measure_reload(page, author, more)
        running.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
