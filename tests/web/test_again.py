"""Replays, sheets of variations and snapshot files, as the author meets them in the tab."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .author import Author, a_word, words
from .sidebar import Sidebar, by


def picture(sidebar: Sidebar, name: str) -> None:
    """A screen for a person to look at, where one is asked for."""
    folder = os.environ.get("COMFY_PROVENANCE_SCREENS")
    if folder:
        sidebar.page.screenshot(path=str(Path(folder) / f"{name}.png"))


def test_a_run_is_replayed_labelled_and_compared(sidebar: Sidebar, author: Author) -> None:
    run = author.run(words(f"a cat, {a_word()}, day"))
    sidebar.wait_for_row(run)
    head = sidebar.canvas.do("() => window.app.graph.extra?.provenance?.execution ?? null")
    sidebar.select(run)
    sidebar.act("provenance-replay-run")
    dialog = sidebar.visible("provenance-replay")
    dialog.locator(by("provenance-replay-drift")).wait_for()
    picture(sidebar, "replay-before")
    dialog.locator(by("provenance-replay-start")).click()
    dialog.locator(by("provenance-outcome")).wait_for(timeout=200_000)
    assert dialog.locator(by("provenance-outcome")).get_attribute("data-outcome") in ("same-bytes", "same-content")
    picture(sidebar, "replay-after")
    sidebar.page.keyboard.press("Escape")
    mark = sidebar.page.locator(f'{by("provenance-row")}[data-replay="{run}"]')
    mark.locator(by("provenance-replay-mark"), has_text=re.compile("^replay · ")).wait_for()
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
    sidebar.act("provenance-vary-run")
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
    reopened = sidebar.visible("provenance-sheet-dialog").locator(by("provenance-cell"))
    sidebar.canvas.until(lambda: reopened.count() == 5)
    assert sidebar.errors == []


def test_two_things_are_varied_against_each_other_in_a_table(sidebar: Sidebar, author: Author) -> None:
    run = author.run(words(f"a crystal cat, {a_word()}"))
    sidebar.wait_for_row(run)
    sidebar.select(run)
    sidebar.act("provenance-vary-run")
    dialog = sidebar.visible("provenance-vary")
    second = dialog.locator(by("provenance-vary-second-input"))
    assert not dialog.locator(by("provenance-vary-second-value")).is_visible(), "one thing, unless more is asked for"
    dialog.locator(by("provenance-vary-value")).fill("crystal")
    second.select_option(label=next(one for one in second.locator("option").all_inner_texts() if one.startswith("cfg")))
    dialog.locator(by("provenance-vary-second-value")).fill(", ".join(str(value) for value in range(20, 40)))
    dialog.locator(by("provenance-vary-go")).click()
    dialog.get_by_text("that makes 42 runs; at most 25 are allowed").wait_for()
    dialog.locator(by("provenance-vary-second-value")).fill("3, 5")
    dialog.locator(by("provenance-vary-go")).click()
    dialog.get_by_text("6 runs: (as recorded; without “crystal”) × (as recorded; cfg 3; cfg 5)").wait_for()
    picture(sidebar, "vary-two")
    dialog.locator(by("provenance-vary-go")).click()
    dialog.get_by_text("Every picture but the first is a replay").wait_for()
    for shown in (dialog, None):
        if shown is None:
            sidebar.page.keyboard.press("Escape")
            sidebar.details(run).locator(by("provenance-open-sheet")).click()
            shown = sidebar.visible("provenance-sheet-dialog")
        table = shown.locator(by("provenance-sheet-table"))
        assert table.locator("th[scope=col]").all_inner_texts() == ["unchanged", "cfg 7 → 3", "cfg 7 → 5"]
        assert [told.split("\n")[0] for told in table.locator("th[scope=row]").all_inner_texts()] == [
            "unchanged", '− "crystal"',
        ]  # fmt: skip
        assert [row.locator(by("provenance-cell")).count() for row in table.locator("tbody tr").all()] == [3, 3]
        picture(sidebar, "sheet-table")


def test_variations_can_be_stopped(sidebar: Sidebar, author: Author) -> None:
    with author.holding(words(f"stop, {a_word()}"), "6", "7") as run:
        sidebar.wait_for_row(run)
        sidebar.select(run)
        sidebar.act("provenance-vary-run")
        dialog = sidebar.visible("provenance-vary")
        dialog.locator(by("provenance-vary-how")).select_option("values")
        dialog.locator(by("provenance-vary-value")).fill(", ".join(a_word() for _ in range(24)))
        dialog.locator(by("provenance-vary-go")).click()
        dialog.get_by_text("runs: as recorded").wait_for()
        dialog.locator(by("provenance-vary-go")).click()
        sidebar.canvas.until(author.is_held)
        dialog.locator(by("provenance-vary-stop")).click()
        dialog.locator(f"{by('provenance-vary-go')}:enabled").wait_for()
    assert sidebar.errors == []


def test_a_snapshot_file_is_saved_and_opened_again(sidebar: Sidebar, author: Author, tmp_path: Path) -> None:
    run = author.run(words(f"carried, {a_word()}"))
    sidebar.wait_for_row(run)
    sidebar.select(run)
    with sidebar.page.expect_download() as download:
        sidebar.act("provenance-parcel-run")
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
