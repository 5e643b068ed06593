"""The head rule in the real page: which parent the next run names, and that the page notices nothing of it."""

from __future__ import annotations

import json
import random
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from .canvas import TAB, Canvas

# Whether a tab that is not on screen carries a head.
HEAD_OF_TAB = """([path, head]) => {
    const tab = window.app.extensionManager.workflow.openWorkflows.find((one) => one.path === path);
    return tab?.changeTracker?.activeState?.extra?.provenance?.execution === head;
}"""
# A new colour with every run, so that no run is answered from the cache and none is like the one before.
SEED = """() => {
    const widget = window.app.graph.nodes.find((n) => n.type === "EmptyImage").widgets.find((w) => w.name === "color");
    widget.afterQueued = () => { widget.value += 1; };
}"""

# Whether the page has kept a canvas with this head for the next time it is loaded.
KEPT = """(head) => {
    const kept = [...Object.values(localStorage), ...Object.values(sessionStorage)];
    return kept.some((text) => text.includes(head));
}"""
ENDED = "async (execution) => execution in (await (await fetch(`/history/${execution}`)).json())"


@pytest.fixture
def canvas(browser: Any, host_url: str) -> Iterator[Canvas]:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    made = Canvas(context.new_page(), host_url)
    made.new_tab(color=random.randrange(1 << 24))  # a graph that the host has in its cache writes no image of its own
    yield made
    assert made.errors == []
    context.close()


def outputs_of(host_url: str, execution: str) -> list[bytes]:
    """The image files of a run, as soon as there are any."""
    with urllib.request.urlopen(f"{host_url}/history/{execution}", timeout=120) as answer:
        history = json.load(answer).get(execution, {})
    found = []
    for output in history.get("outputs", {}).values():
        for image in output.get("images", []):
            query = "&".join(f"{key}={image[key]}" for key in ("filename", "subfolder", "type"))
            with urllib.request.urlopen(f"{host_url}/view?{query}", timeout=120) as answer:
                found.append(answer.read())
    return found


def saved_image(canvas: Canvas, host_url: str, execution: str) -> bytes:
    found: list[bytes] = []
    canvas.until(lambda: found.extend(outputs_of(host_url, execution)) or found)
    return found[0]


def test_the_next_press_descends_from_the_last(canvas: Canvas) -> None:
    canvas.press()
    canvas.press()
    canvas.press()
    assert canvas.sent == [None, canvas.queued[0], canvas.queued[1]]
    canvas.wait_for_head(canvas.queued[2])


def test_the_runs_of_one_press_share_their_parent(canvas: Canvas) -> None:
    canvas.press()
    canvas.press(3)
    assert canvas.sent[1:] == [canvas.queued[0]] * 3
    canvas.press()
    assert canvas.sent[-1] == canvas.queued[3]


def test_a_batch_of_eight_shares_its_parent(canvas: Canvas) -> None:
    canvas.press()
    canvas.press(8)
    assert canvas.sent == [None, *[canvas.queued[0]] * 8]
    canvas.wait_for_head(canvas.queued[8])


def test_auto_queue_makes_a_chain(canvas: Canvas) -> None:
    """Each run descends from the one before; nothing is lost when it is switched off."""
    mode = "(mode) => { window.app.extensionManager.queueSettings.mode = mode; }"
    newer = canvas.do("() => window.app.extensionManager.queueSettings !== undefined")
    if not newer:
        pytest.skip("this page does not let scripts switch auto-queue on")
    canvas.do(SEED)
    canvas.do(mode, "instant" if canvas.version() < (1, 40) else "instant-running")
    canvas.do("() => window.app.queuePrompt(0, 1)")
    canvas.wait_for_runs(4)
    canvas.do(mode, "disabled")
    canvas.page.wait_for_function("async () => (await (await fetch('/prompt')).json()).exec_info.queue_remaining === 0")
    canvas.until(lambda: canvas.head() == canvas.queued[-1])
    assert canvas.sent == [None, *canvas.queued[:-1]]


def test_two_browser_tabs_on_one_host_keep_their_own_heads(browser: Any, host_url: str) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    one, other = (Canvas(context.new_page(), host_url) for _ in range(2))
    for each in (one, other):
        each.new_tab(color=random.randrange(1 << 24))
    for each in (one, other, other, one):
        each.press()
    assert one.sent == [None, one.queued[0]]
    assert other.sent == [None, other.queued[0]]
    for each in (one, other):
        each.wait_for_head(each.queued[1])
    context.close()


def test_opening_a_workflow_file_sets_the_head(canvas: Canvas) -> None:
    canvas.press()
    canvas.wait_for_head(canvas.queued[0])
    saved = json.dumps(canvas.serialized())
    canvas.press()
    path = canvas.tab_path()
    canvas.do(
        """async (text) => {
            await window.app.handleFile(new File([text], "saved.json", { type: "application/json" }));
        }""",
        saved,
    )
    canvas.page.wait_for_function(f"(path) => {TAB}.path !== path", arg=path)
    canvas.wait_for_head(canvas.queued[0])
    canvas.press()
    assert canvas.sent[-1] == canvas.queued[0]


def test_two_presses_in_quick_succession_are_two_generations(canvas: Canvas) -> None:
    canvas.do("() => { window.app.queuePrompt(0, 1); window.app.queuePrompt(0, 1); }")
    canvas.wait_for_runs(2)
    assert canvas.sent == [None, canvas.queued[0]]


def test_queueing_is_no_edit(canvas: Canvas) -> None:
    """No undo step, nothing to save: also after the page has looked at the graph again."""
    canvas.do(
        f"() => {{ const t = {TAB}.changeTracker; t.reset(); {TAB}.isModified = false; t.undoQueue.length = 0; }}"
    )
    before = canvas.serialized()
    canvas.press()
    canvas.capture()
    canvas.wait_for_head(canvas.queued[0])
    canvas.capture()
    assert canvas.undo_steps() == 0
    assert not canvas.modified()
    after = canvas.serialized()
    assert after["extra"].pop("provenance") == {"execution": canvas.queued[0]}
    assert after["extra"].keys() == before["extra"].keys()


def test_undoing_an_edit_does_not_undo_a_run(canvas: Canvas) -> None:
    canvas.press()
    canvas.do("() => { window.app.graph.nodes.find(n => n.type === 'SaveImage').title = 'renamed'; }")
    canvas.capture()
    canvas.press()
    assert canvas.sent[-1] == canvas.queued[0]
    canvas.do(f"() => {TAB}.changeTracker.undo()")
    assert "renamed" not in json.dumps(canvas.serialized())
    canvas.wait_for_head(canvas.queued[1])
    canvas.do(f"() => {TAB}.changeTracker.redo()")
    assert "renamed" in json.dumps(canvas.serialized())
    canvas.press()
    assert canvas.sent[-1] == canvas.queued[1]


def test_a_dropped_image_sets_the_head(canvas: Canvas, host_url: str) -> None:
    canvas.press()
    first = saved_image(canvas, host_url, canvas.queued[0])
    with Image.open(BytesIO(first)) as image:
        assert json.loads(image.info["workflow"])["extra"]["provenance"]["execution"] == canvas.queued[0]
    canvas.press()
    canvas.do(
        """async (bytes) => {
            await window.app.handleFile(new File([new Uint8Array(bytes)], "earlier.png", { type: "image/png" }));
        }""",
        list(first),
    )
    canvas.wait_for_head(canvas.queued[0])
    canvas.press()
    assert canvas.sent == [None, canvas.queued[0], canvas.queued[0]]


def test_a_run_that_is_refused_leaves_the_head(canvas: Canvas) -> None:
    canvas.press()
    canvas.do("() => { const g = window.app.graph; g.remove(g.nodes.find(n => n.type === 'EmptyImage')); }")
    canvas.expected.append("Prompt execution failed")  # the page's own word on it, which comes through our script
    with canvas.page.expect_response(lambda answer: answer.url.endswith("/prompt") and answer.status == 400):
        canvas.do("() => window.app.queuePrompt(0, 1)")
    assert len(canvas.queued) == 1
    assert canvas.head() == canvas.queued[0]


def test_each_tab_keeps_its_own_head(canvas: Canvas) -> None:
    """Also the one that was left while its run was on the way to the host."""
    first = canvas.tab_path()
    canvas.press()
    held: list[Any] = []
    canvas.page.route("**/prompt", lambda route: held.append(route))
    with canvas.page.expect_request("**/prompt"):
        canvas.do("() => { window.app.queuePrompt(0, 1); }")
    canvas.do("() => window.app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
    canvas.page.wait_for_function(f"(path) => {TAB}.path !== path", arg=first)
    canvas.until(lambda: held)
    held.pop().continue_()
    canvas.wait_for_runs(2)
    canvas.page.unroute("**/prompt")
    canvas.page.wait_for_function(HEAD_OF_TAB, arg=[first, canvas.queued[1]])
    assert canvas.head() is None
    canvas.do(
        """async (path) => {
            const store = window.app.extensionManager.workflow;
            const tab = store.openWorkflows.find((w) => w.path === path);
            await store.openWorkflow(tab);
            await window.app.loadGraphData(JSON.parse(JSON.stringify(tab.activeState)), true, true, tab);
        }""",
        first,
    )
    canvas.page.wait_for_function(f"(path) => {TAB}.path === path", arg=first)
    canvas.wait_for_head(canvas.queued[1])


def test_a_duplicate_of_a_tab_descends_from_the_same_run(canvas: Canvas) -> None:
    canvas.press()
    path = canvas.tab_path()
    canvas.do("() => window.app.extensionManager.command.execute('Comfy.DuplicateWorkflow')")
    canvas.page.wait_for_function(f"(path) => {TAB}.path !== path", arg=path)
    canvas.press()
    assert canvas.sent[-1] == canvas.queued[0]


def test_a_reloaded_page_still_knows_the_head(canvas: Canvas) -> None:
    """Also when nothing was edited since, so that the page saw no reason to keep the canvas anew."""
    canvas.press()
    canvas.press()
    canvas.wait_for_head(canvas.queued[1])
    canvas.page.wait_for_function(KEPT, arg=canvas.queued[1])  # in its own time, and it does not say when
    canvas.reload()
    canvas.wait_for_head(canvas.queued[1])
    canvas.press()
    assert canvas.sent[-1] == canvas.queued[1]


def test_the_head_can_be_switched_off(canvas: Canvas) -> None:
    canvas.do("() => window.app.extensionManager.setting.set('Provenance.KeepHead', false)")
    try:
        canvas.press()
        canvas.press()
        assert canvas.sent == [None, None]
    finally:
        canvas.do("() => window.app.extensionManager.setting.set('Provenance.KeepHead', true)")


def test_a_run_while_recording_is_paused_does_not_become_the_head(canvas: Canvas) -> None:
    """It is not in the record: the next run that is descends from the last one that is."""
    canvas.press()
    canvas.wait_for_head(canvas.queued[0])
    run = "(id) => window.app.extensionManager.command.execute(id)"
    canvas.listen()
    canvas.do(run, "Provenance.PauseRecording")
    canvas.hear("Recording is paused")
    try:
        canvas.press()
        canvas.page.wait_for_function(ENDED, arg=canvas.queued[1])
        assert canvas.head() == canvas.queued[0]
    finally:
        canvas.do(run, "Provenance.ResumeRecording")
    canvas.hear("Recording again")
    canvas.press()
    canvas.wait_for_head(canvas.queued[2])
    assert canvas.sent == [None, canvas.queued[0], canvas.queued[0]]


def test_a_run_from_inside_a_subgraph_moves_the_root(canvas: Canvas) -> None:
    inside = canvas.do(
        """() => {
            const { app } = window;
            const root = app.rootGraph ?? app.graph;
            if (typeof root.convertToSubgraph !== "function") return null;
            const image = root.nodes.find((n) => n.type === "EmptyImage");
            const { subgraph } = root.convertToSubgraph(new Set([image]));
            app.canvas.setGraph(subgraph);
            return app.canvas.graph === subgraph;
        }"""
    )
    if inside is None:
        pytest.skip("this page has no subgraphs")
    assert inside
    canvas.capture()
    canvas.press()
    canvas.press()
    assert canvas.sent == [None, canvas.queued[0]]
    canvas.wait_for_head(canvas.queued[1])
