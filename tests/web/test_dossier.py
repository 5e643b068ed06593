"""A dossier, as the author asks for it in the tab."""

from __future__ import annotations

from pathlib import Path

from comfy_provenance.provenance.present import dossiers

from .author import Author, a_word, words
from .sidebar import Sidebar, by
from .test_again import picture


def test_a_dossier_is_written_checked_and_saved(sidebar: Sidebar, author: Author, tmp_path: Path) -> None:
    run = author.run(words(f"a cat with a lamp, {a_word()}, dusk"))
    sidebar.wait_for_row(run)
    sidebar.select(run)
    sidebar.act("provenance-dossier-run")
    dialog = sidebar.visible("provenance-dossier")
    dialog.locator(by("provenance-dossier-name")).fill("Lamp cat")
    dialog.locator("summary").click()
    picture(sidebar, "dossier-before")
    dialog.locator('input[value="reasons"]').check()
    with sidebar.page.expect_download() as download:
        dialog.locator(by("provenance-dossier-write")).click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    dialog.locator(by("provenance-dossier-state"), has_text="it holds").wait_for()
    picture(sidebar, "dossier-after")
    found = dossiers.verify(file)
    assert found["ok"] and found["dossier"]["signed"], found["findings"]
    assert found["dossier"]["works"][0]["execution"] == run
    assert sidebar.errors == []
    sidebar.page.keyboard.press("Escape")
