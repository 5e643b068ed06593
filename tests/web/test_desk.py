"""The author's desk in the real page: an idea, a choice, a later edit, a screen recording."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from pathlib import Path
from typing import Any

from .author import Author, flat
from .sidebar import Sidebar, by


def get(sidebar: Sidebar, path: str) -> bytes:
    with urllib.request.urlopen(f"{sidebar.url}/provenance/v1/{path}", timeout=120) as answer:
        return bytes(answer.read())


def asked(sidebar: Sidebar, path: str) -> Any:
    return json.loads(get(sidebar, path))


# A browser without a screen can capture its own tab only, and is told so that it need not ask.
THIS_TAB = """() => {
    const devices = navigator.mediaDevices;
    const ask = devices.getDisplayMedia.bind(devices);
    devices.getDisplayMedia = (options) => ask({ ...options, preferCurrentTab: true });
}"""


def recorded(sidebar: Sidebar, before: set[str]) -> dict[str, Any]:
    """The one recording that is new, once there is one."""

    def new() -> list[dict[str, Any]]:
        return [item for item in asked(sidebar, "recordings")["items"] if item["recording"] not in before]

    sidebar.canvas.until(new)
    (made,) = new()
    return made


def film(sidebar: Sidebar, chunks: int) -> dict[str, Any]:
    """Record the screen until so many chunks are signed, and stop; what the record holds of it."""
    before = {item["recording"] for item in asked(sidebar, "recordings")["items"]}
    sidebar.page.evaluate(THIS_TAB)
    sidebar.visible("provenance-record").click()
    pill = sidebar.visible("provenance-filming")
    sidebar.canvas.until(lambda: recorded(sidebar, before)["chunks"] >= chunks)
    assert pill.locator(".cpv-lamp").is_visible()
    sidebar.visible("provenance-film-stop").click()
    pill.wait_for(state="detached")
    return recorded(sidebar, before)


def test_the_screen_is_recorded_in_signed_chunks_and_plays(sidebar: Sidebar) -> None:
    made = film(sidebar, 2)
    assert made["reason"] == "author"
    assert made["chunks"] >= 2
    video = get(sidebar, f"recordings/{made['recording']}/file")
    assert (len(video), hashlib.sha256(video).hexdigest()) == (made["size"], made["sha256"])
    assert video[:4] == b"\x1a\x45\xdf\xa3", "a WebM file"
    steps = asked(sidebar, f"recordings/{made['recording']}")["steps"]
    assert [step["number"] for step in steps] == list(range(made["chunks"]))
    played = sidebar.page.evaluate(
        """async (url) => {
            const video = document.createElement("video");
            video.muted = true;
            video.src = URL.createObjectURL(await (await fetch(url)).blob());
            await new Promise((done, failed) => {
                video.onloadeddata = done;
                video.onerror = () => failed(video.error);
            });
            return [video.videoWidth, video.videoHeight];
        }""",
        f"/provenance/v1/recordings/{made['recording']}/file",
    )
    assert min(played) > 0
    sidebar.visible("provenance-recordings").click()
    line = sidebar.page.locator(f'[data-recording="{made["recording"]}"]')
    line.wait_for()
    sidebar.page.keyboard.press("Escape")


def test_a_recording_survives_the_page(sidebar: Sidebar) -> None:
    before = {item["recording"] for item in asked(sidebar, "recordings")["items"]}
    sidebar.page.evaluate(THIS_TAB)
    sidebar.visible("provenance-record").click()
    sidebar.visible("provenance-filming")
    sidebar.canvas.until(lambda: recorded(sidebar, before)["chunks"] >= 1)
    sidebar.page.on("dialog", lambda dialog: dialog.accept())
    sidebar.page.goto("about:blank")
    sidebar.canvas.until(lambda: recorded(sidebar, before)["reason"] is not None)
    made = recorded(sidebar, before)
    assert made["reason"] == "page-gone"
    assert made["chunks"] >= 1
    assert len(get(sidebar, f"recordings/{made['recording']}/file")) == made["size"]


def test_an_idea_is_signed_and_a_new_version_keeps_the_old_one(sidebar: Sidebar, tmp_path: Path) -> None:
    sidebar.visible("provenance-idea").click()
    text = sidebar.visible("provenance-idea-text")
    text.fill("A cat of crystal at dusk")
    sidebar.visible("provenance-idea-sign").click()
    item = sidebar.page.locator('[data-testid="provenance-ideas"] .cpv-item', has_text="at dusk").first
    item.wait_for()
    item.get_by_role("button").last.click()
    text.fill("A cat of crystal at dusk, from below")
    sidebar.visible("provenance-idea-sign").click()
    sidebar.page.locator('[data-testid="provenance-ideas"] .cpv-item', has_text="from below").first.wait_for()
    items = asked(sidebar, "intents")["items"]
    assert [each["text"] for each in items[-2:]] == ["A cat of crystal at dusk", "A cat of crystal at dusk, from below"]
    assert items[-1]["revises"] == items[-2]["entry"]
    assert items[-1]["source"] == "page"
    sidebar.page.keyboard.press("Escape")


def test_what_is_written_while_an_idea_is_being_signed_is_not_taken_away(sidebar: Sidebar) -> None:
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route) if route.request.method == "POST" else route.continue_()

    sidebar.page.route("**/provenance/v1/intents", hold)
    sidebar.visible("provenance-idea").click()
    text = sidebar.visible("provenance-idea-text")
    text.fill("A lantern in the snow")
    sidebar.visible("provenance-idea-sign").click()
    sidebar.canvas.until(lambda: held)
    text.fill("A lantern in the snow, and who carries it")
    held.pop().continue_()
    ideas = sidebar.page.locator('[data-testid="provenance-ideas"] .cpv-item')
    ideas.filter(has_text="A lantern in the snow").first.wait_for()
    assert text.input_value() == "A lantern in the snow, and who carries it"
    sidebar.page.keyboard.press("Escape")


def test_a_later_edit_is_brought_in_with_its_likeness(sidebar: Sidebar, author: Author, tmp_path: Path) -> None:
    from PIL import Image

    execution = author.run(flat(0x2A4A6A))
    sidebar.wait_for_row(execution)
    sidebar.select(execution)
    edited = tmp_path / "edited.png"
    Image.new("RGB", (64, 64), (52, 74, 106)).save(edited)
    sidebar.visible("provenance-bring").click()
    sidebar.visible("provenance-bring-file").set_input_files(str(edited))
    sidebar.visible("provenance-bring-sign").click()
    sidebar.page.locator(f"{by('provenance-bring-told')} .cpv-item", has_text="PSNR").wait_for()
    sidebar.page.keyboard.press("Escape")
    (edit,) = asked(sidebar, f"executions/{execution}")["edits"]
    assert (edit["name"], edit["basis"], edit["source"]) == ("edited.png", "declared", "page")


def test_a_choice_is_signed_with_its_reason(sidebar: Sidebar, author: Author) -> None:
    parent = author.run(flat(0x101010))
    runs = [author.run(flat(0x101011 + number), parent) for number in range(3)]
    sidebar.wait_for_row(runs[-1])
    sidebar.select(runs[-1])
    sidebar.visible("provenance-choose").click()
    tiles = sidebar.page.locator('[data-testid="provenance-choosing"] .cpv-tile')
    sidebar.canvas.until(lambda: tiles.count() == 3)
    tiles.nth(1).locator("input[type=radio]").check()
    sidebar.visible("provenance-choose-reason").fill("calmer")
    sidebar.visible("provenance-choose-sign").click()
    tiles.first.wait_for(state="detached")
    said = [each for run in runs for each in asked(sidebar, f"executions/{run}")["decisions"]]
    ((decision, reason, over),) = [(each["decision"], each["reason"], each["over"]) for each in said]
    assert (decision, reason, len(over)) == ("keep", "calmer", 2)
