"""The lineage tab in the real page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import graphs
import hosts
import pytest

from .author import Author, a_word, flat, some_color, words
from .canvas import Canvas
from .conftest import Place, running_host
from .sidebar import BUTTON, Sidebar, by

TOOLTIP = "app.extensionManager.getSidebarTabs().find((tab) => tab.id === 'provenance-lineage').tooltip"

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
    row.locator(".cpv-line.merge").first.wait_for(state="attached")
    row.locator(f'[data-go="{maker}"]').click()
    sidebar.page.wait_for_selector(f'{by("provenance-inspector")}[data-run="{maker}"]')
    sidebar.row(maker).and_(sidebar.page.locator('[aria-selected="true"]')).wait_for()


def test_a_batch_of_seeds_is_one_row_that_opens(sidebar: Sidebar, author: Author) -> None:
    text = a_word()
    first = author.run(words(text, 1))
    batch = [author.run(words(text, seed), first) for seed in (2, 3, 4, 5)]
    newest = batch[-1]
    group = sidebar.page.locator(f'[data-executions="{" ".join(reversed(batch))}"]')
    group.wait_for()
    sidebar.canvas.until(lambda: group.locator("img").count() == 4)  # that of the last run comes when it has ended
    group.locator("[data-fold]").click()
    for execution in batch:
        sidebar.wait_for_row(execution)
    sidebar.row(newest).locator("[data-fold]").click()
    group.wait_for()
    # one picture of the strip is one run
    group.locator(f'[data-run="{batch[1]}"]').click()
    sidebar.page.wait_for_selector(f'{by("provenance-inspector")}[data-run="{batch[1]}"]')


def test_a_guess_is_a_dashed_line_and_called_one(sidebar: Sidebar, author: Author, tmp_path: Path) -> None:
    maker = author.run(words("a red lighthouse, aurora, stars", 77))  # like no other picture of these tests
    name = author.get(f"executions/{maker}")["outputs"][0]["file"]
    again = tmp_path / f"{a_word()}.jpg"
    author.picture(name).convert("RGB").save(again, quality=70)
    uploaded = author.client.upload(again.name, again.read_bytes())
    user = author.run(flat(0, load=uploaded), author.image(some_color()))
    row = sidebar.wait_for_row(user)
    row.locator(f'.cpv-change.inferred[data-go="{maker}"]', has_text="image like").wait_for()
    row.locator(".cpv-line.inferred").first.wait_for(state="attached")
    assert row.locator(".cpv-line.merge").count() == 0
    details = sidebar.details(user)
    assert details.locator("[data-part=edges] .cpv-basis.inferred").inner_text() == "guessed"


# live


def test_a_run_is_shown_while_it_waits_runs_and_is_stopped(sidebar: Sidebar, author: Author) -> None:
    if "ProbeHold" not in author.client.get("/object_info"):
        pytest.skip("COMFY_PROVENANCE_URL names a host without the node that holds a run")
    running, stopped, withdrawn = (author.client.queue(graphs.held(color=some_color()), {}) for _ in range(3))
    try:
        sidebar.wait_for_row(running, "running")
        sidebar.wait_for_row(stopped, "queued")
        author.client.post("/queue", {"delete": [withdrawn]})
        sidebar.wait_for_row(withdrawn, "cancelled")
        sidebar.select(running)
        author.client.stop(running)
        sidebar.wait_for_row(running, "interrupted")
        sidebar.wait_for_row(stopped, "running")
        author.client.stop(stopped)
        sidebar.wait_for_row(stopped, "interrupted")
    finally:  # the host is everybody's
        author.client.post("/queue", {"clear": True})
        author.client.post("/interrupt", {})
    assert sidebar.rows()[:3] == [withdrawn, stopped, running]


def test_a_run_that_a_crash_took_is_lost(browser: Any, place: Place, tmp_path: Path) -> None:
    page = ("--front-end-root", str(place.page)) if place.page is not None else ()
    host = hosts.Host(place.kind, tmp_path, arguments=page).start()
    try:
        execution = host.submit(graphs.held())
        host.recorded(execution, "queued", "running")
        host.kill()
    finally:
        host.stop()
    with running_host(tmp_path, place) as url:
        context = browser.new_context(viewport={"width": 1500, "height": 950})
        made = Sidebar(Canvas(context.new_page(), url))
        made.open()
        assert "lost" in made.wait_for_row(execution, "lost").inner_text()
        assert made.errors == []
        context.close()


def test_the_button_of_the_tab_says_what_is_wrong(sidebar: Sidebar, author: Author) -> None:
    button = sidebar.page.locator(BUTTON)
    sidebar.page.wait_for_function(f"() => ({TOOLTIP}) === 'Lineage: recording'")
    button.get_by_text("!", exact=True).wait_for(state="detached")
    said = """{"state": "broken", "recording": false, "reason": "no space left on device"}"""
    sidebar.page.route("**/provenance/v1/status", lambda route: route.fulfill(body=said))
    author.image(some_color())
    button.get_by_text("!", exact=True).wait_for()
    notice = sidebar.page.locator(".cpv-notice.broken", has_text="no space left on device")
    notice.wait_for()
    sidebar.page.wait_for_function(f"() => ({TOOLTIP}) === 'Lineage: not recording. no space left on device'")
    sidebar.page.unroute("**/provenance/v1/status")
    author.image(some_color())
    button.get_by_text("!", exact=True).wait_for(state="detached")
    notice.wait_for(state="detached")
