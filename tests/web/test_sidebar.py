"""The lineage tab in the real page."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path

from .author import Author, a_word, flat, some_color, words
from .sidebar import Sidebar, by

# the tree


def test_a_run_appears_at_once_and_becomes_the_head(sidebar: Sidebar) -> None:
    sidebar.canvas.press()
    (execution,) = sidebar.canvas.queued
    row = sidebar.wait_for_row(execution)
    assert sidebar.rows()[0] == execution
    row.locator(by("provenance-head")).wait_for()
    row.locator("img").first.wait_for()
    assert row.locator("img").first.evaluate("(i) => i.decode().then(() => i.naturalWidth)") > 0
    assert sidebar.page.locator(by("provenance-head")).count() == 1


def test_the_next_run_says_what_changed_and_takes_the_head(sidebar: Sidebar) -> None:
    sidebar.canvas.press()
    sidebar.canvas.do(
        """() => { const n = window.app.graph.nodes.find((n) => n.type === "EmptyImage");
                   n.widgets.find((w) => w.name === "width").value = 128; }"""
    )
    sidebar.canvas.press()
    first, second = sidebar.canvas.queued
    row = sidebar.wait_for_row(second)
    row.get_by_text("width 64 → 128").wait_for()
    row.locator(by("provenance-head")).wait_for()
    assert sidebar.rows()[:2] == [second, first]
    assert sidebar.page.locator(by("provenance-head")).count() == 1


def test_a_failed_run_says_so(sidebar: Sidebar, author: Author) -> None:
    broken = author.client.upload(f"{a_word()}.png", b"\x89PNG\r\n\x1a\n and then nothing more")
    execution = author.run(flat(0, load=broken))
    sidebar.wait_for_row(execution, "error")
    details = sidebar.details(execution)
    details.locator(".cpv-failure").wait_for()


def test_text_of_the_record_is_never_markup(sidebar: Sidebar, author: Author) -> None:
    evil = '<img src=x onerror="window.hacked = 1"><b>bold</b>'
    first = author.run(words(a_word()))
    execution = author.run(words(evil), first)
    sidebar.wait_for_row(execution)
    details = sidebar.details(execution)
    assert evil in details.inner_text()
    assert sidebar.page.evaluate("() => window.hacked") is None
    assert details.locator("b", has_text="bold").count() == 0


def test_images_of_other_runs_are_lines_of_their_own(sidebar: Sidebar, author: Author) -> None:
    maker = author.image(some_color())
    file = author.get(f"executions/{maker}")["outputs"][0]["file"]
    head = author.image(some_color())
    user = author.run(flat(0, load=f"{file} [output]"), head)
    row = sidebar.wait_for_row(user)
    row.locator(f'[data-go="{maker}"]').wait_for()
    assert row.locator(".cpv-line.merge").count() >= 1
    row.locator(f'[data-go="{maker}"]').click()
    sidebar.page.wait_for_selector(f'{by("provenance-inspector")}[data-run="{maker}"]')
    assert sidebar.row(maker).get_attribute("aria-selected") == "true"


def test_a_batch_of_seeds_is_one_row_that_opens(sidebar: Sidebar, author: Author) -> None:
    text = a_word()
    first = author.run(words(text, 1))
    batch = [author.run(words(text, seed), first) for seed in (2, 3, 4, 5)]
    newest = batch[-1]
    group = sidebar.page.locator(f'[data-executions="{" ".join(reversed(batch))}"]')
    group.wait_for()
    assert group.locator("img").count() == 4
    group.locator("[data-fold]").click()
    for execution in batch:
        sidebar.wait_for_row(execution)
    sidebar.row(newest).locator("[data-fold]").click()
    group.wait_for()
    # one picture of the strip is one run
    group.locator(f'[data-run="{batch[1]}"]').click()
    sidebar.page.wait_for_selector(f'{by("provenance-inspector")}[data-run="{batch[1]}"]')


# reload


def test_reloading_sets_the_head_and_the_next_run_descends_from_it(sidebar: Sidebar) -> None:
    canvas = sidebar.canvas
    canvas.press()
    canvas.press()
    first, second = canvas.queued
    path, before = canvas.tab_path(), canvas.serialized()
    sidebar.wait_for_row(second)
    sidebar.select(first)
    sidebar.page.click(by("provenance-reload"))
    sidebar.row(first).locator(by("provenance-head")).wait_for()
    assert canvas.head() == first
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
    sidebar.press("Enter")
    sidebar.row(execution).locator(by("provenance-head")).wait_for()
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
    with urllib.request.urlopen(f"{author.client.url}/view?filename={name}&type=output", timeout=30) as answer:
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
    sidebar.page.click(by("provenance-drift-load"))
    sidebar.row(user).locator(by("provenance-head")).wait_for()
    (image,) = [n for n in sidebar.canvas.serialized()["nodes"] if n["type"] == "LoadImage"]
    assert "restored" in image["widgets_values"][0]
    assert (directory / image["widgets_values"][0]).read_bytes() == bytes_of_it


def test_nodes_that_differ_are_framed_on_request(sidebar: Sidebar, author: Author) -> None:
    first = author.image(some_color(), prefix=a_word())
    sidebar.wait_for_row(first)
    sidebar.select(first)
    sidebar.page.click(by("provenance-reload"))
    sidebar.row(first).locator(by("provenance-head")).wait_for()
    notice = sidebar.page.locator(".cpv-notice.info")
    assert "differ from the canvas before" in notice.inner_text()
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
    sidebar.select(execution)
    sidebar.page.click(by("provenance-reload"))
    sidebar.row(execution).locator(by("provenance-head")).wait_for()
    assert sidebar.canvas.head() == execution
    sidebar.canvas.press()
    assert sidebar.canvas.sent[-1] == execution
