"""What the author does in the lineage tab, in the real page."""

from __future__ import annotations

import io
import random
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from .author import Author, a_word, flat, some_color, words
from .sidebar import Sidebar, by

# inspector, compare, decisions


def test_the_inspector_shows_words_values_models_and_signature(sidebar: Sidebar, author: Author) -> None:
    text = a_word()
    first = author.run(words(f"a cat, {text}, day"))
    second = author.run(words(f"a cat, {text}, night", 18446744073709551615), first)
    sidebar.wait_for_row(second)
    details = sidebar.details(second)
    assert details.locator(".cpv-prompt.changed ins").inner_text() == "night"
    assert details.locator(".cpv-prompt.changed del").inner_text() == "day"
    assert "18446744073709551615" in details.inner_text(), "a seed is shown to its last digit"
    assert author.model in details.inner_text()
    details.locator("[data-part=signature] summary").click()
    details.locator(".cpv-signature[data-state=covered]").wait_for()
    details.locator(f'[data-part=edges] [data-go="{first}"]').click()
    sidebar.page.wait_for_selector(f'{by("provenance-inspector")}[data-run="{first}"]')


def test_what_comes_of_a_run_later_is_shown_while_it_is_selected(sidebar: Sidebar, author: Author) -> None:
    first = author.image(some_color())
    sidebar.wait_for_row(first)
    details = sidebar.details(first)
    child = author.image(some_color(), first)
    details.locator(f'[data-part=edges] [data-go="{child}"]', has_text=child[:6]).wait_for()
    sidebar.details(child)
    grandchild = author.image(some_color(), child)
    sidebar.wait_for_row(grandchild)
    details = sidebar.details(child)
    details.locator(f'[data-part=edges] [data-go="{grandchild}"]').wait_for()


def press_while(sidebar: Sidebar, target: Any, happens: Callable[[], Any]) -> None:
    """Hold a button of the mouse down on something until the tab has read what happened meanwhile."""
    page = sidebar.page
    target.hover()
    page.mouse.down()
    with (
        page.expect_response(lambda answer: "/provenance/v1/executions?" in answer.url),
        page.expect_request("**/provenance/v1/status"),  # asked once what came is part of the state
    ):
        happens()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.mouse.up()


def test_a_press_is_not_lost_to_what_comes_meanwhile(sidebar: Sidebar, author: Author) -> None:
    """A row, or a button beside it, that is drawn anew between the two halves of a click."""
    execution = author.image(some_color())
    row = sidebar.wait_for_row(execution)

    def say(**said: Any) -> None:
        author.client.post("/provenance/v1/decisions", {"execution": execution, "output": None, **said})

    press_while(sidebar, row.locator(".cpv-foot time"), lambda: say(decision="keep"))
    sidebar.page.wait_for_selector(f'{by("provenance-inspector")}[data-run="{execution}"]')
    row.locator(".cpv-verdict.keep").wait_for()
    press_while(sidebar, sidebar.page.locator(by("provenance-rate-4")), lambda: say(decision="reject"))
    row.get_by_text("★★★★").wait_for()
    row.locator(".cpv-verdict.reject").wait_for()


def test_any_two_runs_can_be_compared(sidebar: Sidebar, author: Author) -> None:
    text = a_word()
    first, second = author.run(words(f"{text} one")), author.run(words(f"{text} two"))
    sidebar.wait_for_row(second)
    sidebar.select(second)
    sidebar.page.click(by("provenance-compare"))
    sidebar.row(first).locator(".cpv-foot time").click()
    comparison = sidebar.visible("provenance-comparison")
    assert comparison.locator("ins").inner_text() == "two"
    sidebar.canvas.until(lambda: comparison.locator(".cpv-stage > figure > img").count() == 2)
    comparison.locator(by("provenance-compare-slider")).click()
    comparison.locator("input[type=range]").press("ArrowLeft")
    comparison.locator('.cpv-slider[style*="49%"]').wait_for()
    sidebar.press("Escape")
    comparison.wait_for(state="detached")


def test_decisions_are_one_key_each_and_signed(sidebar: Sidebar, author: Author) -> None:
    execution = author.image(some_color())
    sidebar.wait_for_row(execution)
    sidebar.select(execution)
    sidebar.press("k")
    sidebar.row(execution).locator(".cpv-verdict.keep").wait_for()
    sidebar.visible("provenance-ask-keep").fill("the light")
    sidebar.press("Enter")
    sidebar.page.locator("[data-part=decisions]", has_text="the light").wait_for()
    sidebar.press("4")
    sidebar.row(execution).get_by_text("★★★★").wait_for()
    sidebar.press("n")
    sidebar.visible("provenance-ask-note").fill("看起来很好")
    sidebar.press("Enter")
    sidebar.row(execution).locator(".cpv-note").wait_for()
    sidebar.press("l")
    sidebar.visible("provenance-ask-label").fill("golden")
    sidebar.press("Enter")
    sidebar.row(execution).locator(".cpv-label", has_text="golden").wait_for()
    sidebar.press("r")
    sidebar.row(execution).locator(".cpv-verdict.reject").wait_for()
    sidebar.press("Escape")
    said = author.get(f"executions/{execution}")
    assert said["decision"] == {
        "decision": "reject", "rating": 4, "note": "看起来很好", "reason": None, "label": "golden",
    }  # fmt: skip
    assert [one["decision"] for one in said["decisions"]] == ["keep", "keep", "rate", "note", "label", "reject"]
    assert said["signature"]["state"] == "good"


def two_pictures(text: str) -> dict[str, Any]:
    return {
        **words(text),
        "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 2}},
    }


def test_of_several_pictures_each_can_be_kept_or_rejected(sidebar: Sidebar, author: Author) -> None:
    execution = author.run(two_pictures(a_word()))
    one, other = (output["sha256"] for output in author.get(f"executions/{execution}")["outputs"])
    row = sidebar.wait_for_row(execution)
    details = sidebar.details(execution)
    for output, verdict in ((one, "keep"), (other, "reject")):
        figure = details.locator(f'[data-output="{output}"]')
        figure.locator(by(f"provenance-output-{verdict}")).click()
        figure.locator(f"{by(f'provenance-output-{verdict}')}[aria-pressed=true]").wait_for()
    for verdict in ("keep", "reject"):
        row.locator(f".cpv-thumb.said.{verdict}").wait_for()
    said = author.get(f"executions/{execution}")["decisions"]
    assert [(one["output"], one["decision"]) for one in said] == [(one, "keep"), (other, "reject")]


def test_of_several_pictures_any_can_be_compared(sidebar: Sidebar, author: Author) -> None:
    text = a_word()
    first, second = author.run(two_pictures(f"{text} one")), author.run(words(f"{text} two"))
    sidebar.wait_for_row(second)
    sidebar.select(second)
    sidebar.press("c")
    sidebar.row(first).locator(".cpv-foot time").click()
    comparison = sidebar.visible("provenance-comparison")
    names = [output["file"] for output in author.get(f"executions/{first}")["outputs"]]
    pictured = comparison.locator(".cpv-stage > figure > img").first
    assert pictured.get_attribute("alt") == names[0]
    comparison.locator(".cpv-choices button").nth(1).click()
    sidebar.canvas.until(lambda: pictured.get_attribute("alt") == names[1])
    comparison.locator(by("provenance-compare-slider")).click()
    assert comparison.locator(".cpv-slider img").first.get_attribute("alt") == names[1]
    sidebar.press("Escape")


def test_what_was_said_can_be_taken_back_which_is_signed_too(sidebar: Sidebar, author: Author) -> None:
    execution = author.image(some_color())
    sidebar.wait_for_row(execution)
    sidebar.select(execution)
    sidebar.press("3")
    sidebar.row(execution).get_by_text("★★★").wait_for()
    sidebar.page.click(by("provenance-take-back"))
    sidebar.row(execution).get_by_text("★★★").wait_for(state="detached")
    said = author.get(f"executions/{execution}")
    assert [one["decision"] for one in said["decisions"]] == ["rate", "clear"]


def test_the_difference_to_any_other_run_is_shown(sidebar: Sidebar, author: Author) -> None:
    text = a_word()
    first = author.run(words(f"{text}, day"))
    second = author.run(words(f"{text}, dusk"), first)
    third = author.run(words(f"{text}, night"), second)
    sidebar.wait_for_row(third)
    details = sidebar.details(third)
    details.locator("del", has_text="dusk").wait_for()
    details.get_by_role("button", name="choose another run").click()
    sidebar.row(first).locator(".cpv-foot time").click()
    details.locator("del", has_text="day").wait_for()
    details.locator(".cpv-against", has_text=first[:6]).wait_for()
    details.get_by_role("button", name="compare with the parent").click()
    details.locator("del", has_text="dusk").wait_for()


def test_the_id_is_copied(sidebar: Sidebar, author: Author) -> None:
    execution = author.image(some_color())
    sidebar.wait_for_row(execution)
    sidebar.select(execution)
    sidebar.act("provenance-copy")
    sidebar.page.wait_for_function("async (id) => (await navigator.clipboard.readText()) === id", arg=execution)


def test_it_is_said_how_a_file_was_recognised(sidebar: Sidebar, author: Author, tmp_path: Path) -> None:
    """In this order: the very bytes, the id inside, the same pixels, alike to the eye."""
    made, data = Image.frombytes("RGB", (8, 8), random.randbytes(192)).resize((256, 256)), io.BytesIO()
    made.save(data, "PNG")  # unlike any other: what models of a few kilobytes paint is all alike
    execution = author.run(flat(0, load=author.client.upload(f"{a_word()}.png", data.getvalue())))
    name = author.get(f"executions/{execution}")["outputs"][0]["file"]
    picture = author.picture(name)
    (tmp_path / "exact.png").write_bytes(author.file(name))
    text = PngInfo()
    text.add_text("workflow", picture.info["workflow"])
    picture.save(tmp_path / "embedded.png", pnginfo=text)
    Image.new("RGB", picture.size, 0xABCDEF).save(tmp_path / "claimed.png", pnginfo=text)
    Image.frombytes("RGB", picture.size, picture.convert("RGB").tobytes()).save(tmp_path / "pixels.png")
    picture.convert("RGB").save(tmp_path / "alike.jpg", quality=75)
    for file, words_of_it in (
        ("exact.png", "The very file, byte for byte."),
        ("embedded.png", "The file carries the id of this run, and the very pixels of its picture."),
        ("claimed.png", "Anybody can write an id into a file: a guess."),
        ("pixels.png", "Another file with the very same pixels."),
        ("alike.jpg", "A guess."),
    ):
        sidebar.page.set_input_files(by("provenance-identify"), tmp_path / file)
        identified = sidebar.visible("provenance-identified")
        assert words_of_it in identified.inner_text(), file
        assert execution[:6] in identified.inner_text(), file
        sidebar.press("Escape")
        identified.wait_for(state="detached")


def test_a_file_is_traced_to_its_run(sidebar: Sidebar, author: Author, tmp_path: Path) -> None:
    execution = author.image(some_color())
    name = author.get(f"executions/{execution}")["outputs"][0]["file"]
    with urllib.request.urlopen(f"{author.client.url}/view?filename={name}&type=output", timeout=120) as answer:
        (tmp_path / "found.png").write_bytes(answer.read())
    sidebar.page.set_input_files(by("provenance-identify"), tmp_path / "found.png")
    identified = sidebar.visible("provenance-identified")
    assert "byte for byte" in identified.inner_text()
    sidebar.press("Escape")
    sidebar.page.wait_for_selector(f'{by("provenance-inspector")}[data-run="{execution}"]')


def test_the_recorded_workflow_is_downloaded_byte_for_byte(sidebar: Sidebar, author: Author, tmp_path: Path) -> None:
    execution = author.image(some_color())
    sidebar.wait_for_row(execution)
    sidebar.select(execution)
    with sidebar.page.expect_download() as download:
        sidebar.act("provenance-download")
    download.value.save_as(tmp_path / "w.json")
    digest = author.get(f"restore/{execution}")["sha256"]
    with urllib.request.urlopen(f"{author.client.url}/provenance/v1/objects/{digest}", timeout=120) as answer:
        assert (tmp_path / "w.json").read_bytes() == answer.read()


def test_an_edit_is_applied_to_another_canvas(sidebar: Sidebar, author: Author) -> None:
    first = author.image(5)
    second = author.run(flat(some_color(), size=320), first)
    sidebar.wait_for_row(second)
    sidebar.select(second)
    sidebar.canvas.settle()
    sidebar.canvas.capture()
    before = sidebar.canvas.undo_steps()
    sidebar.act("provenance-apply")
    sidebar.visible("provenance-applied")
    (image,) = [n for n in sidebar.canvas.serialized()["nodes"] if n["type"] == "EmptyImage"]
    assert image["widgets_values"][:2] == [320, 320]
    assert sidebar.canvas.undo_steps() == before + 1, "it is one step that can be undone"
    sidebar.press("Escape")
