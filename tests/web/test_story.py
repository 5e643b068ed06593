"""What the lineage is for: come back the next day, find the branch you liked, and go on from there."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from .author import Author, words
from .canvas import Canvas
from .conftest import running_host
from .sidebar import Sidebar, by

SET_TEXT = """([from, to]) => {
    for (const node of window.app.graph.nodes) {
        const widget = node.type === "CLIPTextEncode" && node.widgets.find((w) => w.value.includes(from));
        if (widget) widget.value = widget.value.replace(from, to);
    }
}"""


def image_to_image(text: str, file: str, seed: int) -> dict[str, Any]:
    graph = words(text, seed)
    graph["4"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["8", 0], "vae": ["1", 2]}}
    graph["8"] = {"class_type": "LoadImage", "inputs": {"image": f"{file} [output]"}}
    graph["5"]["inputs"]["denoise"] = 0.6
    return graph


def twelve_runs(author: Author) -> dict[str, str]:
    """Three branches: the sea, the mountain with a run called `golden`, and images of both on a third."""
    first = author.run(words("a cat, day"))
    sea = author.run(words("a cat, the sea"), first)
    seas = [sea, *(author.run(words("a cat, the sea", seed), sea) for seed in (2, 3))]
    mountain = author.run(words("a cat, mountain"), first)
    golden = author.run(words("a cat, mountain, golden hour"), mountain)
    snow = author.run(words("a cat, mountain, snow"), golden)
    storm = author.run(words("a cat, mountain, snow, storm", 9), snow)
    files = {run: author.get(f"executions/{run}")["outputs"][0]["file"] for run in (seas[-1], storm)}
    third = author.run(image_to_image("a cat, watercolor", files[seas[-1]], 4), seas[-1])
    fourth = author.run(image_to_image("a cat, watercolor, ink", files[seas[-1]], 5), third)
    mixed = author.run(image_to_image("a cat, ink", files[storm], 6), fourth)
    last = author.run(words("a cat, ink, red", 7), mixed)
    return {"first": first, "golden": golden, "snow": snow, "third": third, "last": last, "sea": seas[-1]}


def shape(author: Author) -> dict[str, Any]:
    items = author.get("executions?limit=100")["items"]
    return {item["execution"]: (item["parent"], item["merges"], item["status"], item["outputs"]) for item in items}


def test_back_to_the_branch_from_yesterday(browser: Any, front_end: Path | None, tmp_path: Path) -> None:
    with running_host(tmp_path, front_end) as url:
        runs = twelve_runs(Author(url))
        before = shape(Author(url))
        assert len(before) == 12

    with running_host(tmp_path, front_end) as url:
        author = Author(url)
        assert shape(author) == before, "the history survived"
        context = browser.new_context(viewport={"width": 1500, "height": 950})
        canvas = Canvas(context.new_page(), url)
        canvas.new_tab(color=random.randrange(1 << 24))
        sidebar = Sidebar(canvas)
        sidebar.open()
        sidebar.page.fill(by("provenance-search"), "golden")
        sidebar.page.wait_for_function(
            "() => document.querySelectorAll('[data-testid=provenance-row]:not(.dim)').length === 1"
        )
        sidebar.select(runs["golden"])
        sidebar.page.click(by("provenance-reload"))
        sidebar.row(runs["golden"]).locator(by("provenance-head")).wait_for()
        canvas.do(SET_TEXT, ["golden", "blue"])
        canvas.press()
        (execution,) = canvas.queued
        sidebar.page.fill(by("provenance-search"), "")
        row = sidebar.wait_for_row(execution)
        assert '"golden" → "blue"' in row.inner_text()
        after = shape(author)
        assert after.pop(execution)[0]["execution"] == runs["golden"]
        assert after == before, "nothing else moved"
        assert sidebar.errors == []
        context.close()
