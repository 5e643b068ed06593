"""Settings in the page's own dialog: each switches its feature off, those of the record reach the host; clean-up."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .author import Author, a_word, flat, some_color, words
from .canvas import PATIENCE_S, TAB, Canvas
from .conftest import Place, running_host
from .sidebar import Sidebar, by

FIGURES, OUTCOME = by("provenance-storage-figures"), by("provenance-storage-outcome")
LOOK, RELEASE, AGAIN = (by(f"provenance-storage-{name}") for name in ("look", "release", "again"))


def choose(canvas: Canvas, name: str, value: Any) -> None:
    """Give a setting a value, as the page's dialog does."""
    canvas.do("([id, value]) => window.app.extensionManager.setting.set(id, value)", [f"Provenance.{name}", value])


def shown(canvas: Canvas, name: str) -> Any:
    return canvas.do("(id) => window.app.extensionManager.setting.get(id)", f"Provenance.{name}")


def switch(canvas: Canvas, author: Author, name: str, key: str, value: Any) -> None:
    """Give a setting of the record a value, until the host has saved it: a page that was not told yet what the host has
    puts a switch back, and the author presses it again."""

    def is_saved() -> bool:
        if shown(canvas, name) != value:
            choose(canvas, name, value)
        return bool(author.get("settings")["settings"][key] == value)

    until(is_saved)


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def post(url: str, path: str, body: Any) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/provenance/v1/{path}", json.dumps(body).encode(), headers)
    urllib.request.urlopen(request, timeout=120).close()


@pytest.fixture
def page(sidebar: Sidebar) -> Iterator[Canvas]:
    """Settings belong to the user and outlive a test."""
    names = ("KeepHead", "ShowTab", "NodeMenu", "GroupSeeds", "MarkDifferences", "WrapMenu", "KeepOutputs", "KeepLimit")
    before = {name: shown(sidebar.canvas, name) for name in names}
    yield sidebar.canvas
    for name, value in before.items():
        choose(sidebar.canvas, name, value)


def test_every_setting_of_ours_is_there_with_words_in_both_languages(page: Canvas) -> None:
    told = page.do(
        """() => {
            const settings = window.app.ui?.settings?.settingsLookup ?? {};
            return Object.values(settings).filter((one) => one.id.startsWith("Provenance.")).map((one) => one.id);
        }"""
    )
    names = {name.replace(".", "_") for name in told}
    for language in ("en", "zh"):
        path = Path(__file__).parents[2] / "locales" / language / "settings.json"
        texts = json.loads(path.read_text(encoding="utf-8"))
        assert names == set(texts)


def test_the_menu_of_a_node_is_without_the_lineage_when_that_is_off(page: Canvas, author: Author) -> None:
    entries = """() => {
        const { app } = window;
        const node = app.graph.nodes.find((one) => one.type === "SaveImage");
        node.imgs = [Object.assign(new Image(), { src: location.origin + "/view?filename=x.png&type=output" })];
        const offered = [...app.canvas.getNodeMenuOptions(node), ...(app.collectNodeMenuItems?.(node) ?? [])];
        return offered.filter(Boolean).map((one) => one.content);
    }"""
    assert "Show lineage of this image" in page.do(entries)
    choose(page, "NodeMenu", False)
    assert "Show lineage of this image" not in page.do(entries)


def test_seeds_are_not_folded_when_that_is_off(sidebar: Sidebar, page: Canvas, author: Author) -> None:
    parent = author.run(words(a_word()))
    text = a_word()
    runs = [author.run(words(text, seed), parent) for seed in range(4)]
    sidebar.wait_for_row(runs[-1])
    group = sidebar.page.locator(f'{by("provenance-row")}[data-executions*="{runs[0]}"]')
    group.wait_for()
    choose(page, "GroupSeeds", False)
    sidebar.row(runs[0]).wait_for()
    group.wait_for(state="detached")
    choose(page, "GroupSeeds", True)
    group.wait_for()


def test_nodes_that_differ_are_framed_by_themselves_only_when_that_is_on(
    sidebar: Sidebar, page: Canvas, author: Author
) -> None:
    for on, offered in ((True, "Remove frames"), (False, "Frame them")):
        choose(page, "MarkDifferences", on)
        run = author.image(some_color(), prefix=a_word())
        sidebar.wait_for_row(run)
        sidebar.reload(run)
        sidebar.page.locator(".cpv-notice.info").get_by_role("button", name=offered).wait_for()


def test_settings_of_the_record_are_shown_as_the_host_has_them_and_reach_it(
    page: Canvas, author: Author, host_url: str
) -> None:
    def saved() -> Any:
        return author.get("settings")["settings"]

    before = saved()
    try:
        for name, key in (
            ("KeepOutputs", "keep_outputs"),
            ("KeepThumbnails", "thumbnails"),
            ("KeepLimit", "keep_limit_mib"),
        ):
            until(lambda name=name, key=key: shown(page, name) == before[key])
        switch(page, author, "KeepOutputs", "keep_outputs", not before["keep_outputs"])
        switch(page, author, "KeepLimit", "keep_limit_mib", 77)
        post(host_url, "settings", {"keep_limit_mib": 99})  # from elsewhere, say by hand
        page.reload()
        until(lambda: shown(page, "KeepLimit") == 99)
        assert saved()["keep_limit_mib"] == 99
    finally:
        post(host_url, "settings", {name: before[name] for name in ("keep_outputs", "keep_limit_mib")})
        page.reload()
        until(lambda: shown(page, "KeepLimit") == before["keep_limit_mib"])


def test_a_value_that_the_host_refuses_is_taken_back_and_said(page: Canvas, author: Author) -> None:
    page.listen()
    switch(page, author, "KeepLimit", "keep_limit_mib", 333)
    choose(page, "KeepLimit", -5)
    page.hear("The setting was not saved")
    until(lambda: shown(page, "KeepLimit") == 333)


def test_nothing_is_recorded_after_a_start_with_recording_off(browser: Any, place: Place, tmp_path: Path) -> None:
    with running_host(tmp_path, place) as url:
        context = browser.new_context()
        canvas = Canvas(context.new_page(), url)
        switch(canvas, Author(url), "RecordRuns", "enabled", False)
        context.close()
    with running_host(tmp_path, place) as url:
        context = browser.new_context()
        canvas = Canvas(context.new_page(), url)
        sidebar = Sidebar(canvas)
        assert Author(url).get("status")["state"] == "off"
        canvas.new_tab(some_color())
        canvas.press()
        Author(url).client.wait(canvas.queued[0])
        assert canvas.head() is None
        switch(canvas, Author(url), "RecordRuns", "enabled", True)
        assert sidebar.errors == []
        context.close()


KEPT = (("KeepThumbnails", "thumbnails"), ("KeepInputs", "keep_inputs"), ("FingerprintModels", "fingerprint_models"))


def made_of_runs(author: Author) -> dict[str, list[Any]]:
    """What the record has of two new runs once nothing waits: thumbnails of outputs, kept inputs, hashes of models."""
    picture = author.image(some_color())
    data = author.file(author.get(f"executions/{picture}")["outputs"][0]["file"])
    loaded = author.run(flat(0, load=author.client.upload(f"{a_word()}.png", data)))
    painted = author.run(words(a_word()))
    author.settled()
    shown_of = {run: author.get(f"executions/{run}") for run in (loaded, painted)}
    return {
        "KeepThumbnails": [each["thumbnail"] for run in shown_of.values() for each in run["outputs"]],
        "KeepInputs": [each["kept"] for each in shown_of[loaded]["inputs"]],
        "FingerprintModels": [each["sha256"] for each in shown_of[painted]["models"]],
    }


def switch_all(browser: Any, url: str, *, on: bool) -> None:
    """In the page's settings, as the next author to open them finds them."""
    context = browser.new_context()
    canvas = Canvas(context.new_page(), url)
    sidebar, author = Sidebar(canvas), Author(url)
    for name, key in KEPT:
        until(lambda name=name: shown(canvas, name) is not on)
        switch(canvas, author, name, key, on)
    assert author.get("settings")["restart_needed"] is True
    assert sidebar.errors == []
    context.close()


def test_what_is_not_to_be_kept_is_not_made_until_its_switch_is_on_again(
    browser: Any, place: Place, tmp_path: Path
) -> None:
    """Small pictures, copies of loaded files, fingerprints of models: each from the next start on, as the page says."""
    with running_host(tmp_path, place) as url:
        switch_all(browser, url, on=False)
    with running_host(tmp_path, place) as url:
        author = Author(url)
        made = made_of_runs(author)
        assert {name: set(digests) for name, digests in made.items()} == {name: {None} for name, _ in KEPT}
        storage = author.get("storage")
        assert (storage["thumbnails"]["count"], storage["kept"]["inputs"]["count"]) == (0, 0)
        switch_all(browser, url, on=True)
    with running_host(tmp_path, place) as url:
        author = Author(url)
        made = made_of_runs(author)
        assert {name: len(digests) > 0 and None not in digests for name, digests in made.items()} == {
            name: True for name, _ in KEPT
        }
        storage = author.get("storage")
        assert (storage["thumbnails"]["count"] > 0, storage["kept"]["inputs"]["count"]) == (True, 1)


def test_disk_use_and_clean_up_in_the_page(browser: Any, place: Place, tmp_path: Path) -> None:
    with running_host(tmp_path, place) as url:
        author = Author(url)
        author.image(some_color())
        (made,) = (tmp_path / "output").rglob("*.png")
        (tmp_path / "input" / "photo.png").write_bytes(made.read_bytes())
        loaded = author.run(flat(0, load="photo.png"))
        copy = author.get(f"executions/{loaded}")["inputs"][0]["kept"]
        context = browser.new_context(locale="en-US")
        canvas = Canvas(context.new_page(), url)
        sidebar = Sidebar(canvas)
        page = canvas.page
        canvas.do("() => window.app.extensionManager.command.execute('Provenance.Storage')")
        figures = page.locator(FIGURES)
        figures.wait_for()
        assert str(tmp_path) in figures.inner_text()
        assert re.search(r"Copies of loaded files\s+1\b", figures.inner_text())
        assert page.locator(RELEASE).count() == 0
        page.locator(LOOK).click()
        release = page.locator(RELEASE)
        release.wait_for()
        page.locator(OUTCOME, has_text="Would go: 1").wait_for()
        assert author.get(f"executions/{loaded}")["inputs"][0]["kept"] == copy
        release.click()
        page.get_by_text("Released: 1").wait_for()
        until(lambda: re.search(r"Released copies\s+1\b", figures.inner_text()))
        report = author.get("storage")
        assert report["released"]["count"] == 1
        assert report["kept"]["inputs"]["count"] == 0
        page.locator(AGAIN).click()
        page.get_by_text("Kept again: 1").wait_for()
        assert author.get("storage")["kept"]["inputs"]["count"] == 1
        assert page.evaluate(f"() => {TAB}.isModified") is False
        assert sidebar.errors == []
        context.close()


def test_the_dialog_of_settings_leads_to_disk_use(sidebar: Sidebar, page: Canvas) -> None:
    page.do("() => window.app.extensionManager.command.execute('Comfy.ShowSettingsDialog')")
    sidebar.page.get_by_text("Provenance", exact=True).last.click()
    opener = sidebar.page.locator(by("provenance-storage-open")).first
    opener.wait_for()
    opener.click()
    sidebar.page.locator(FIGURES).wait_for()
    assert sidebar.page.locator(by("provenance-storage")).count() == 1
