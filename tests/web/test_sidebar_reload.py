"""Reloading a branch in the real page: what is told before, what is put on the canvas, and what stays as it was."""

from __future__ import annotations

import re
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .author import Author, a_word, flat, some_color, words
from .canvas import Canvas
from .conftest import Place, running_host
from .sidebar import Sidebar, by

SECRET = "sk-proj-" + "Zq7Lm2Xw9Rt4Yp6Bv8Nc3Kd5Hf1Jg0Sa"  # no key of anybody's
NO_TABS = """() => {
    const manager = window.app.extensionManager;
    window.app.extensionManager = new Proxy(manager, {
        get: (target, name) => (name === "workflow" ? undefined : Reflect.get(target, name)),
    });
}"""


@contextmanager
def opened(browser: Any, url: str) -> Iterator[Sidebar]:
    context = browser.new_context(viewport={"width": 1500, "height": 950})
    canvas = Canvas(context.new_page(), url)
    canvas.new_tab(color=some_color())
    made = Sidebar(canvas)
    made.open()
    yield made
    assert made.errors == []
    context.close()


def test_reloading_sets_the_head_and_the_next_run_descends_from_it(sidebar: Sidebar) -> None:
    canvas = sidebar.canvas
    canvas.press()
    canvas.press()
    first, second = canvas.queued
    path, before = canvas.tab_path(), canvas.serialized()
    sidebar.wait_for_row(second).locator(by("provenance-head")).wait_for()  # not the mark of the first press
    sidebar.reload(first)
    assert canvas.tab_path() != path, "the canvas before keeps its tab"
    stored = canvas.do(
        """(path) => { const { openWorkflows } = window.app.extensionManager.workflow;
                       return openWorkflows.find((w) => w.path === path).activeState.nodes.length; }""",
        path,
    )
    assert stored == len(before["nodes"])
    assert len(canvas.queued) == 2, "loading queues nothing"
    canvas.press()
    third = canvas.queued[2]
    assert canvas.sent[2] == first
    sidebar.wait_for_row(third).locator(by("provenance-head")).wait_for()
    sidebar.select(third)
    inspector = sidebar.visible("provenance-inspector")
    inspector.locator(f'[data-go="{first}"]').first.wait_for()


def test_what_is_loaded_is_what_was_recorded(sidebar: Sidebar, author: Author) -> None:
    text = a_word()
    execution = author.run(words(text, 2**53 - 111))
    author.run(words("something else"), execution)
    sidebar.wait_for_row(execution)
    sidebar.select(execution)
    with sidebar.loading(execution):
        sidebar.press("Enter")
    recorded = author.get(f"restore/{execution}")["workflow"]
    loaded = sidebar.canvas.serialized()
    values = {str(node["id"]): (node["type"], node.get("widgets_values") or []) for node in loaded["nodes"]}
    for node in recorded["nodes"]:
        assert values[str(node["id"])] == (node["type"], node.get("widgets_values") or [])
    assert sidebar.canvas.do("() => (window.app.rootGraph ?? window.app.graph).extra.provenance.execution") == execution


def test_drift_is_told_before_anything_is_loaded(sidebar: Sidebar, author: Author) -> None:
    maker = author.image(some_color())
    outputs = author.get(f"executions/{maker}")["outputs"]
    name = outputs[0]["file"]
    with urllib.request.urlopen(f"{author.client.url}/view?filename={name}&type=output", timeout=120) as answer:
        bytes_of_it = answer.read()
    uploaded = author.client.upload(f"{a_word()}.png", bytes_of_it)
    user = author.run(flat(0, load=uploaded))
    author.run(flat(some_color()))
    directory = next(Path(p).parent for p in [author.get("status")["ledger"]]).parent / "input"
    (directory / uploaded).unlink()
    sidebar.wait_for_row(user)
    sidebar.select(user)
    head, path = sidebar.canvas.head(), sidebar.canvas.tab_path()
    sidebar.page.click(by("provenance-reload"))
    drift = sidebar.visible("provenance-drift")
    assert uploaded in drift.inner_text()
    assert (sidebar.canvas.head(), sidebar.canvas.tab_path()) == (head, path), (
        "nothing is loaded before the word is given"
    )
    sidebar.press("Escape")
    drift.wait_for(state="detached")
    assert sidebar.canvas.tab_path() == path
    sidebar.page.click(by("provenance-reload"))
    drift = sidebar.visible("provenance-drift")
    drift.get_by_role("button", name=re.compile("Put the kept copies back")).click()
    drift.get_by_text("Use the copy").click()
    with sidebar.loading(user):
        sidebar.page.click(by("provenance-drift-load"))
    (image,) = [n for n in sidebar.canvas.serialized()["nodes"] if n["type"] == "LoadImage"]
    assert "restored" in image["widgets_values"][0]
    assert (directory / image["widgets_values"][0]).read_bytes() == bytes_of_it


def test_nodes_that_differ_are_framed_on_request(sidebar: Sidebar, author: Author) -> None:
    first = author.image(some_color(), prefix=a_word())
    sidebar.wait_for_row(first)
    sidebar.reload(first)
    notice = sidebar.page.locator(".cpv-notice.info", has_text="differ from the canvas before")
    notice.wait_for()
    sidebar.canvas.settle()
    sidebar.canvas.capture()
    undo, values = sidebar.canvas.undo_steps(), sidebar.canvas.serialized()["nodes"]
    notice.get_by_role("button", name="Frame them").click()
    notice.get_by_role("button", name="Remove frames").click()
    notice.get_by_role("button", name="Close").click()
    notice.wait_for(state="detached")
    sidebar.canvas.capture()
    assert sidebar.canvas.undo_steps() == undo, "frames are no edit"
    assert sidebar.canvas.serialized()["nodes"] == values


def test_a_run_without_a_workflow_can_be_reloaded_too(sidebar: Sidebar, author: Author) -> None:
    execution = author.client.queue(flat(some_color()), {})
    author.client.wait(execution)
    sidebar.wait_for_row(execution)
    sidebar.reload(execution)
    sidebar.canvas.press()
    assert sidebar.canvas.sent[-1] == execution


def test_a_secret_is_empty_and_its_node_is_framed(sidebar: Sidebar, author: Author) -> None:
    execution = author.run(words(f"{a_word()} {SECRET}"))
    sidebar.wait_for_row(execution)
    sidebar.select(execution)
    sidebar.page.click(by("provenance-reload"))
    drift = sidebar.visible("provenance-drift")
    assert "CLIPTextEncode #2" in drift.inner_text()
    sidebar.canvas.listen()
    with sidebar.loading(execution):
        sidebar.page.click(by("provenance-drift-load"))
    sidebar.canvas.hear("Withheld values are empty; nodes framed: 1.")
    (text,) = [n["widgets_values"][0] for n in sidebar.canvas.serialized()["nodes"] if n["id"] == 2]
    assert SECRET not in text
    assert "redacted" not in text
    assert SECRET not in sidebar.page.content()


def test_loading_makes_no_noise_in_the_record(sidebar: Sidebar, author: Author) -> None:
    first = author.image(some_color())
    second = author.image(some_color(), first)
    sidebar.wait_for_row(second)
    before = author.settled()["entries"]
    for execution in (first, second, first):
        sidebar.reload(execution)
    assert author.settled()["entries"] == before
    assert sidebar.canvas.queued == []


def test_without_tabs_the_canvas_is_kept_as_a_draft_and_can_be_put_back(sidebar: Sidebar, author: Author) -> None:
    execution = author.image(some_color(), prefix=a_word())
    sidebar.wait_for_row(execution)
    before = sidebar.canvas.serialized()
    sidebar.canvas.do(NO_TABS)
    sidebar.select(execution)
    sidebar.page.click(by("provenance-reload"))
    sidebar.row(execution).locator(by("provenance-head")).wait_for()
    notice = sidebar.page.locator(".cpv-notice.info", has_text="kept as a draft")
    notice.get_by_role("button", name="Put it back").click()
    sidebar.page.wait_for_function("() => !window.app.graph.extra.provenance")
    assert [n["widgets_values"] for n in sidebar.canvas.serialized()["nodes"]] == [
        n["widgets_values"] for n in before["nodes"]
    ]
    notice.get_by_role("button", name="Close").click()
    notice.wait_for(state="detached")


def model_folder(base: Path, author: Author) -> Path:
    (found,) = (base / "data").rglob(author.model)
    return found.parent


def test_a_model_under_another_name_is_offered_by_its_bytes(browser: Any, place: Place, tmp_path: Path) -> None:
    """First the same bytes under another name; never without the author's word; then the file of the same name."""
    if place.kind.real:
        pytest.skip("the models of this ComfyUI are not ours to rename")
    with running_host(tmp_path, place) as url:
        author = Author(url)
        folder = model_folder(tmp_path, author)
        execution = author.run(words(a_word()))
        shutil.copyfile(folder / author.model, folder / "renamed.safetensors")
        author.run({**words(a_word()), "1": loader("renamed.safetensors")})
        author.settled()  # both files are hashed
        (folder / author.model).unlink()
        with opened(browser, url) as sidebar:
            sidebar.page.wait_for_function(
                """async (id) => {
                    const { models } = await (await fetch(`/provenance/v1/executions/${id}`)).json();
                    return models.every((model) => model.sha256);
                }""",
                arg=execution,
            )
            sidebar.wait_for_row(execution)
            reload_with(sidebar, execution, "Use renamed.safetensors: the same bytes", choose=False)
            assert model_on(sidebar) == author.model, "nothing is substituted in silence"
            reload_with(sidebar, execution, "Use renamed.safetensors: the same bytes", choose=True)
            assert model_on(sidebar) == "renamed.safetensors"
            (folder / "renamed.safetensors").unlink()
            (folder / author.model).write_bytes(b"other bytes altogether")
            reload_with(sidebar, execution, "The file of that name is used as it is now.", choose=False)
            assert model_on(sidebar) == author.model


def loader(name: str) -> dict[str, Any]:
    return {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": name}}


def reload_with(sidebar: Sidebar, execution: str, offer: str, *, choose: bool) -> None:
    sidebar.select(execution)
    sidebar.page.click(by("provenance-reload"))
    offered = sidebar.visible("provenance-drift").get_by_text(offer)
    offered.wait_for()
    if choose:
        offered.click()
    with sidebar.loading(execution):
        sidebar.page.click(by("provenance-drift-load"))


def model_on(sidebar: Sidebar) -> str:
    (found,) = [n for n in sidebar.canvas.serialized()["nodes"] if n["type"] == "CheckpointLoaderSimple"]
    return str(found["widgets_values"][0])


def test_a_node_class_that_is_gone_is_told_with_its_pack(browser: Any, place: Place, tmp_path: Path) -> None:
    if place.kind.real:
        pytest.skip("a pack is added to the embedded host only")
    pack = tmp_path / "old-pack"
    pack.mkdir()
    (pack / "__init__.py").write_text(
        "class Old:\n"
        "    RETURN_TYPES = ('IMAGE',)\n    FUNCTION = 'run'\n    CATEGORY = 'old'\n"
        "    @classmethod\n    def INPUT_TYPES(cls):\n        return {'required': {'image': ('IMAGE',)}}\n"
        "    def run(self, image):\n        return (image,)\n"
        "NODE_CLASS_MAPPINGS = {'OldInvert': Old}\n",
        encoding="utf-8",
    )
    (pack / "pyproject.toml").write_text('[project]\nname = "old-pack"\nversion = "1.4.2"\n', encoding="utf-8")
    graph = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 7}},
        "2": {"class_type": "OldInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "old"}},
    }
    with running_host(tmp_path, place, "--extra-pack", str(pack)) as url:
        execution = Author(url).run(graph)
    with running_host(tmp_path, place) as url, opened(browser, url) as sidebar:
        sidebar.wait_for_row(execution)
        sidebar.select(execution)
        sidebar.page.click(by("provenance-reload"))
        told = sidebar.visible("provenance-drift").inner_text()
        assert "OldInvert was in old-pack 1.4.2" in told
        sidebar.press("Escape")


def test_an_input_that_was_altered_is_told_and_its_copy_put_back(
    sidebar: Sidebar, author: Author, tmp_path: Path
) -> None:
    maker = author.image(some_color())
    name = author.get(f"executions/{maker}")["outputs"][0]["file"]
    with urllib.request.urlopen(f"{author.client.url}/view?filename={name}&type=output", timeout=120) as answer:
        bytes_of_it = answer.read()
    uploaded = author.client.upload(f"{a_word()}.png", bytes_of_it)
    user = author.run(flat(0, load=uploaded))
    inputs = Path(author.get("status")["ledger"]).parents[1] / "input"
    (inputs / uploaded).write_bytes(bytes_of_it + b"altered")
    sidebar.wait_for_row(user)
    sidebar.select(user)
    sidebar.page.click(by("provenance-reload"))
    drift = sidebar.visible("provenance-drift")
    assert f"{uploaded} #1 · is another file now" in drift.inner_text()
    drift.get_by_role("button", name="Put the kept copies back").click()
    drift.get_by_text("Use the copy").click()
    with sidebar.loading(user):
        sidebar.page.click(by("provenance-drift-load"))
    (image,) = [n for n in sidebar.canvas.serialized()["nodes"] if n["type"] == "LoadImage"]
    assert (inputs / image["widgets_values"][0]).read_bytes() == bytes_of_it
    assert (inputs / uploaded).read_bytes() == bytes_of_it + b"altered", "what stands there is not overwritten"
