"""Replays, sheets of variations and snapshot files, as the author meets them in the tab."""

from __future__ import annotations

import os
from pathlib import Path

from .author import Author, a_word, words
from .sidebar import Sidebar, by


def picture(sidebar: Sidebar, name: str) -> None:
    """A screen for a person to look at, where one is asked for."""
    folder = os.environ.get("COMFY_PROVENANCE_SCREENS")
    if folder:
        sidebar.page.screenshot(path=str(Path(folder) / f"{name}.png"))


def act(sidebar: Sidebar, action: str) -> None:
    """Press an action of the selected run, in its row of buttons or in the menu behind it."""
    inspector = sidebar.page.locator(by("provenance-inspector"))
    button = inspector.locator(by(f"provenance-{action}"))
    if not button.is_visible():
        inspector.locator(by("provenance-more")).click()
    button.click()


def test_a_run_is_replayed_labelled_and_compared(sidebar: Sidebar, author: Author) -> None:
    run = author.run(words(f"a cat, {a_word()}, day"))
    sidebar.wait_for_row(run)
    head = sidebar.canvas.do("() => window.app.graph.extra?.provenance?.execution ?? null")
    sidebar.select(run)
    act(sidebar, "replay-run")
    dialog = sidebar.visible("provenance-replay")
    dialog.locator(by("provenance-replay-drift")).wait_for()
    picture(sidebar, "replay-before")
    dialog.locator(by("provenance-replay-start")).click()
    dialog.locator(by("provenance-outcome")).wait_for(timeout=200_000)
    assert dialog.locator(by("provenance-outcome")).get_attribute("data-outcome") in ("same-bytes", "same-content")
    picture(sidebar, "replay-after")
    sidebar.page.keyboard.press("Escape")
    mark = sidebar.page.locator(f'{by("provenance-row")}[data-replay="{run}"]')
    mark.wait_for()
    assert mark.locator(by("provenance-replay-mark")).inner_text().startswith("replay · ")
    replay = mark.get_attribute("data-execution") or ""
    details = sidebar.details(replay)
    details.locator(".cpv-again .cpv-warning").wait_for()
    assert "no original" in details.locator(".cpv-again").inner_text()
    assert sidebar.canvas.do("() => window.app.graph.extra?.provenance?.execution ?? null") == head
    picture(sidebar, "replay-inspector")
    assert sidebar.errors == []


def test_a_sheet_of_variations_fills_while_one_watches(sidebar: Sidebar, author: Author) -> None:
    run = author.run(words(f"a crystal cat, {a_word()}, night"))
    sidebar.wait_for_row(run)
    sidebar.select(run)
    act(sidebar, "vary-run")
    dialog = sidebar.visible("provenance-vary")
    dialog.locator(by("provenance-vary-go")).click()
    dialog.get_by_text("4 runs: as recorded").wait_for()
    dialog.locator(by("provenance-vary-go")).click()
    cells = dialog.locator(by("provenance-cell"))
    dialog.get_by_text("Every picture but the first is a replay").wait_for(timeout=200_000)
    assert cells.count() == 5
    assert "unchanged" in cells.nth(1).inner_text()
    assert "crystal" in cells.nth(2).inner_text()
    picture(sidebar, "sheet")
    sidebar.page.keyboard.press("Escape")
    sidebar.details(run).locator(by("provenance-open-sheet")).click()
    assert sidebar.visible("provenance-sheet-dialog").locator(by("provenance-cell")).count() == 5
    assert sidebar.errors == []


def test_variations_can_be_stopped(sidebar: Sidebar, author: Author) -> None:
    run = author.run(words(f"stop, {a_word()}"))
    sidebar.wait_for_row(run)
    sidebar.select(run)
    act(sidebar, "vary-run")
    dialog = sidebar.visible("provenance-vary")
    dialog.locator(by("provenance-vary-go")).click()
    dialog.get_by_text("runs: as recorded").wait_for()
    dialog.locator(by("provenance-vary-go")).click()
    dialog.locator(by("provenance-vary-stop")).click()
    dialog.locator(f"{by('provenance-vary-go')}:enabled").wait_for(timeout=200_000)
    assert sidebar.errors == []


def test_a_snapshot_file_is_saved_and_opened_again(sidebar: Sidebar, author: Author, tmp_path: Path) -> None:
    run = author.run(words(f"carried, {a_word()}"))
    sidebar.wait_for_row(run)
    sidebar.select(run)
    with sidebar.page.expect_download() as download:
        act(sidebar, "parcel-run")
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name.endswith(".provenance.zip")
    sidebar.page.set_input_files(by("provenance-identify"), str(file))
    dialog = sidebar.visible("provenance-parcel")
    assert "recorded in this ledger" in dialog.inner_text()
    picture(sidebar, "parcel")
    file.write_bytes(file.read_bytes().replace(b'"format"', b'"Format"', 1))
    sidebar.page.keyboard.press("Escape")
    sidebar.page.set_input_files(by("provenance-identify"), str(file))
    sidebar.page.get_by_text("This snapshot file cannot be used").first.wait_for()
