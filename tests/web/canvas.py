"""One page of a host, driven from outside: what a person does with the canvas, and what the page then sends."""

from __future__ import annotations

import json
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
CAPTURE = f"(() => {{ const t = {TAB}.changeTracker; (t.captureCanvasState ?? t.checkState).call(t); }})()"


class Canvas:
    """`sent` and `queued` grow with every run: the head that went along, and the id that the host gave. `errors` grows
    with every complaint in the console that comes from our files."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.sent: list[str | None] = []
        self.queued: list[str] = []
        self.errors: list[str] = []
        page.on("response", self._response)
        page.on("console", self._console)
        page.on("pageerror", self._page_error)
        page.goto(url)
        self._wait_until_ready()

    def reload(self) -> None:
        self.page.reload()
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        page = self.page
        page.wait_for_function(READY, timeout=90_000)
        page.wait_for_load_state("networkidle")  # it restores tabs after it is ready, and asks the host for things
        dialog = page.locator(".p-dialog-mask")
        for _ in range(100):  # a fresh profile opens one over the page, and closes it with a movement
            if not dialog.count():
                break
            page.keyboard.press("Escape")
            page.wait_for_timeout(100)

    def _console(self, message: Any) -> None:
        if message.type in ("warning", "error"):
            said = f"{message.text} {message.location.get('url', '')}"
            expected = "Failed to load resource" in said
            if any(mark in said for mark in OURS) and not expected:
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
        self.sent.append((workflow["extra"].get("provenance") or {}).get("execution"))
        self.queued.append(response.json()["prompt_id"])

    def do(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

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
        for _ in range(1200):
            if len(self.queued) >= expected:
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{expected} runs were pressed, {len(self.queued)} were queued")

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
