"""What the lineage is for: come back the next day, find the branch you liked, and go on from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .author import Author, words
from .canvas import Canvas
from .conftest import Place, running_host
from .sidebar import Sidebar, by

SET_TEXT = """([from, to]) => {
    for (const node of window.app.graph.nodes) {
        const widget = node.type === "CLIPTextEncode" && node.widgets.find((w) => w.value.includes(from));
        if (widget) widget.value = widget.value.replace(from, to);
    }
}"""
SET_VALUE = """([type, name, value]) => {
    const node = window.app.graph.nodes.find((one) => one.type === type);
    node.widgets.find((widget) => widget.name === name).value = value;
}"""
# From words alone to words and a picture: two nodes more, and the sampler starts from what they give.
START_FROM_PICTURE = """(file) => {
    const { graph } = window.app;
    const of = (type) => graph.nodes.find((node) => node.type === type);
    const image = LiteGraph.createNode("LoadImage");
    const encode = LiteGraph.createNode("VAEEncode");
    for (const node of [image, encode]) graph.add(node);
    image.pos = [-400, 600];
    encode.pos = [0, 600];
    image.widgets.find((widget) => widget.name === "image").value = file;
    const slot = (node, name) => node.inputs.findIndex((input) => input.name === name);
    image.connect(0, encode, slot(encode, "pixels"));
    const decode = of("VAEDecode");
    const vae = graph.getNodeById(graph.links.get?.(decode.inputs[slot(decode, "vae")].link)?.origin_id
        ?? graph.links[decode.inputs[slot(decode, "vae")].link].origin_id);
    vae.connect(vae.outputs.findIndex((output) => output.type === "VAE"), encode, slot(encode, "vae"));
    encode.connect(0, of("KSampler"), slot(of("KSampler"), "latent_image"));
    of("KSampler").widgets.find((widget) => widget.name === "denoise").value = 0.6;
}"""


class Desk:
    """An author at a page with the tab open."""

    def __init__(self, browser: Any, url: str) -> None:
        self.context = browser.new_context(viewport={"width": 1500, "height": 950})
        self.canvas = Canvas(self.context.new_page(), url)
        self.sidebar = Sidebar(self.canvas)
        self.author = Author(url)
        self.sidebar.open()

    def run(self) -> str:
        """Press the button, and wait until the tree shows the run as done and as what the canvas descends from."""
        self.canvas.press()
        execution = self.canvas.queued[-1]
        self.sidebar.wait_for_row(execution).locator(by("provenance-head")).wait_for()
        return execution

    def reword(self, before: str, after: str) -> str:
        self.canvas.do(SET_TEXT, [before, after])
        return self.run()

    def set(self, node: str, name: str, value: Any) -> str:
        self.canvas.do(SET_VALUE, [node, name, value])
        return self.run()

    def reload(self, execution: str) -> None:
        self.sidebar.reload(execution)

    def picture(self, execution: str) -> str:
        output = self.author.get(f"executions/{execution}")["outputs"][0]
        return f"{output['file']} [output]"

    def leave(self) -> None:
        assert self.sidebar.errors == []
        self.context.close()


def twelve_runs(desk: Desk) -> dict[str, str]:
    """Three branches: the sea, the mountain with a run called `golden`, and images of both on a third."""
    runs: dict[str, str] = {}
    desk.canvas.load(desk.author.workflow(desk.author.fitted(words("a cat, day"))))
    runs["first"] = desk.run()
    runs["sea"] = desk.reword("day", "the sea")
    runs["sea 2"] = desk.set("KSampler", "seed", 2)
    runs["sea 3"] = desk.set("KSampler", "cfg", 5.5)
    desk.reload(runs["first"])
    runs["mountain"] = desk.reword("day", "mountain")
    runs["golden"] = desk.reword("mountain", "mountain, golden hour")
    runs["snow"] = desk.reword("golden hour", "snow")
    runs["storm"] = desk.reword("snow", "snow, storm")
    desk.reload(runs["sea 3"])
    desk.canvas.do(START_FROM_PICTURE, desk.picture(runs["sea 3"]))
    runs["watercolor"] = desk.reword("the sea", "watercolor")
    runs["ink"] = desk.reword("watercolor", "watercolor, ink")
    runs["mixed"] = desk.set("LoadImage", "image", desk.picture(runs["storm"]))
    runs["red"] = desk.reword("watercolor, ink", "ink, red")
    return runs


PARENTS = {
    "first": None, "sea": "first", "sea 2": "sea", "sea 3": "sea 2",
    "mountain": "first", "golden": "mountain", "snow": "golden", "storm": "snow",
    "watercolor": "sea 3", "ink": "watercolor", "mixed": "ink", "red": "mixed",
}  # fmt: skip


def shape(author: Author) -> dict[str, Any]:
    items = author.get("executions?limit=100")["items"]
    return {
        item["execution"]: (item["parent"], item["merges"], item["status"], item["outputs"], item["changes"])
        for item in items
    }


@pytest.mark.timeout(1200)  # two starts of a real ComfyUI and thirteen runs, on a busy machine
def test_back_to_the_branch_from_yesterday(browser: Any, place: Place, tmp_path: Path) -> None:
    with running_host(tmp_path, place) as url:
        desk = Desk(browser, url)
        runs = twelve_runs(desk)
        before = shape(desk.author)
        desk.leave()
    names = {execution: name for name, execution in runs.items()}
    assert {names[run]: parent and names[parent["execution"]] for run, (parent, *_) in before.items()} == PARENTS
    assert [names[one["execution"]] for one in before[runs["mixed"]][1]] == ["storm"]

    with running_host(tmp_path, place) as url:
        desk = Desk(browser, url)
        sidebar = desk.sidebar
        sidebar.wait_for_row(runs["red"])
        assert shape(desk.author) == before, "the history survived"
        rows = sidebar.rows()
        sidebar.page.fill(by("provenance-search"), "golden")
        sidebar.page.wait_for_function(
            "() => document.querySelectorAll('[data-testid=provenance-row]:not(.dim)').length === 1"
        )
        desk.reload(runs["golden"])
        desk.canvas.do(SET_TEXT, ["golden", "blue"])
        desk.canvas.press()
        (execution,) = desk.canvas.queued
        sidebar.page.fill(by("provenance-search"), "")
        row = sidebar.wait_for_row(execution)
        row.locator(by("provenance-head")).wait_for()
        assert '"golden" → "blue"' in row.inner_text()
        after = shape(desk.author)
        assert after.pop(execution)[0]["execution"] == runs["golden"]
        assert after == before, "nothing else moved"
        sidebar.press("Escape")  # from the field to the tree
        sidebar.press("Escape")  # and out of the selected run, so that all rows are in sight
        sidebar.page.locator(by("provenance-inspector")).wait_for(state="hidden")
        desk.canvas.until(lambda: sidebar.rows() == [execution, *rows])  # the tree is drawn once it has the room
        desk.leave()
