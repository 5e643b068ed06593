"""One page of a host, driven from outside: what a person does with the canvas, and what the page then sends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

# A graph that every ComfyUI can run in a moment, built the way the page builds one.
BUILD = """(color) => {
    const app = window.app;
    const graph = app.rootGraph ?? app.graph;
    graph.clear();
    const image = LiteGraph.createNode("EmptyImage");
    const save = LiteGraph.createNode("SaveImage");
    graph.add(image);
    graph.add(save);
    image.connect(0, save, 0);
    for (const widget of image.widgets) {
        if (widget.name === "width" || widget.name === "height") widget.value = 64;
        if (widget.name === "color") widget.value = color;
    }
    save.pos = [400, 100];
    save.size = [340, 460];  // room for the preview: the page grows a smaller node, and that is an edit
}"""

READY = """() => {
    const app = window.app ?? window.comfyAPI?.app?.app;
    if (app && !window.app) window.app = app;
    const tab = app?.extensionManager?.workflow?.activeWorkflow;
    return !!(app?.graph && tab?.changeTracker && document.querySelector("#graph-canvas, canvas"));
}"""

# In the console of the page: what our own scripts say, and what they let fall.
OURS = ("rovenance", "/extensions/comfy-provenance/")

TAB = "window.app.extensionManager.workflow.activeWorkflow"
PATIENCE_S = 150  # a busy machine may take as long for what takes a moment elsewhere
# Every short message that the page is told to show: it takes them away again after a few seconds.
LISTEN = """() => {
    const { toast } = window.app.extensionManager;
    const add = toast.add;
    window.said = [];
    toast.add = (message) => {
        window.said.push(`${message.summary} ${message.detail ?? ""}`);
        return add.call(toast, message);
    };
}"""
SAID = "() => window.said"
# The page measures nodes after it has drawn them, looks at the canvas again after a step, and takes both for edits.
SETTLED = """async () => {
    const graph = window.app.rootGraph ?? window.app.graph;
    for (let before = "", frames = 0; frames < 20; frames += 1) {
        await new Promise(requestAnimationFrame);
        const now = JSON.stringify(graph.serialize());
        frames = now === before ? frames : 0;
        before = now;
    }
}"""
CAPTURE = f"(() => {{ const t = {TAB}.changeTracker; (t.captureCanvasState ?? t.checkState).call(t); }})()"

# The page's own word on what the host says before the page has loaded our scripts.
EARLY = "Unhandled message"


class Canvas:
    """`sent` and `queued` grow with every run: the head that went along, and the id that the host gave. `errors` grows
    with every complaint in the console that comes from our files, but for what a test says is `expected`."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.sent: list[str | None] = []
        self.queued: list[str] = []
        self.errors: list[str] = []
        self.expected: list[str] = ["Failed to load resource", EARLY]
        page.set_default_timeout(PATIENCE_S * 1000)
        page.on("response", self._response)
        page.on("console", self._console)
        page.on("pageerror", self._page_error)
        page.goto(url)
        self._wait_until_ready()

    def reload(self) -> None:
        self.expected.append(EARLY)
        self.page.reload()
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        page = self.page
        page.wait_for_function(READY, timeout=2 * PATIENCE_S * 1000)
        page.wait_for_load_state("networkidle")  # it restores tabs after it is ready, and asks the host for things
        dialog = page.locator(".p-dialog-mask")
        for _ in range(100):  # a fresh profile opens one over the page, and closes it with a movement
            if not dialog.count():
                break
            page.keyboard.press("Escape")
            page.wait_for_timeout(100)
        self.expected.remove(EARLY)

    def _console(self, message: Any) -> None:
        if message.type in ("warning", "error"):
            said = f"{message.text} {message.location.get('url', '')}"
            if any(mark in said for mark in OURS) and not any(words in said for words in self.expected):
                self.errors.append(said)

    def _page_error(self, error: Any) -> None:
        if any(mark in f"{error} {getattr(error, 'stack', '')}" for mark in OURS):
            self.errors.append(str(error))

    def _response(self, response: Any) -> None:
        if response.request.method != "POST" or not response.url.endswith("/prompt") or response.status != 200:
            return
        if "/provenance/" in response.url or "replay_of" in response.request.post_data:
            return  # a run that is queued again is none of the canvas
        workflow = json.loads(response.request.post_data)["extra_data"]["extra_pnginfo"]["workflow"]
        execution = response.json()["prompt_id"]  # waits: both lists grow after it, so that they are of one length
        self.sent.append((workflow["extra"].get("provenance") or {}).get("execution"))
        self.queued.append(execution)

    def do(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def version(self) -> tuple[int, int]:
        """The page's own, as major and minor."""
        major, minor = map(int, self.do("() => window.__COMFYUI_FRONTEND_VERSION__").split(".")[:2])
        return major, minor

    def until(self, holds: Callable[[], Any]) -> None:
        """Wait, while the page goes on, until something holds that is asked for from outside."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, "it did not come to hold"
            self.page.wait_for_timeout(50)

    def listen(self) -> None:
        """Take note of short messages from now on."""
        self.do(LISTEN)

    def said(self) -> list[str]:
        """All that were heard, also those that the page shows no more."""
        return list(self.do(SAID))

    def hear(self, words: str) -> None:
        """Wait until a short message has said this."""
        self.page.wait_for_function("(words) => window.said.some((one) => one.includes(words))", arg=words)

    def settle(self) -> None:
        """Wait until the graph stays as it is for twenty frames."""
        self.do(SETTLED)

    def new_tab(self, color: int = 0) -> None:
        """Open an empty tab and draw the small graph on it, as one settled edit."""
        before = self.do(f"() => {TAB}.path")
        self.do("() => window.app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
        self.page.wait_for_function(f"(path) => {TAB}.path !== path", arg=before)
        self.do(BUILD, color)
        self.capture()

    def load(self, workflow: Any) -> None:
        """Load a workflow as a dropped file does: in a tab of its own."""
        self.do("(workflow) => window.app.loadGraphData(workflow, true, true, null)", workflow)

    def capture(self) -> None:
        """Let the page take note of edits, as it does after every click and key."""
        self.do(f"() => {CAPTURE}")

    def press(self, count: int = 1) -> None:
        """Press the queue button for `count` runs and wait until they are queued."""
        expected = len(self.queued) + count
        self.do("(count) => window.app.queuePrompt(0, count)", count)
        self.wait_for_runs(expected)

    def wait_for_runs(self, expected: int) -> None:
        self.until(lambda: len(self.queued) >= expected)

    def head(self) -> str | None:
        return self.do("() => (window.app.rootGraph ?? window.app.graph).extra?.provenance?.execution ?? null")

    def wait_for_head(self, execution: str) -> None:
        head = "(window.app.rootGraph ?? window.app.graph).extra?.provenance?.execution"
        self.page.wait_for_function(f"(execution) => {head} === execution", arg=execution)

    def serialized(self) -> Any:
        return self.do("() => (window.app.rootGraph ?? window.app.graph).serialize()")

    def modified(self) -> bool:
        return bool(self.do(f"() => {TAB}.isModified"))

    def undo_steps(self) -> int:
        return int(self.do(f"() => {TAB}.changeTracker.undoQueue.length"))

    def tab_path(self) -> str:
        return str(self.do(f"() => {TAB}.path"))
