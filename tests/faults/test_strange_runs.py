"""Runs that are odd in themselves: each is recorded as far as it goes, and none keeps the next from being recorded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bare
import machine
import pytest
from comfy_provenance.provenance import canonical
from comfy_provenance.provenance.model import Accepted, Finished
from comfy_provenance.provenance.store import lists

pytestmark = pytest.mark.usefixtures("short_pauses")
HALF = "a cat \ud83d"  # a page that cuts a text in the middle of an emoji sends this


def run(bench: bare.Bench, name: str = "odd", **odd: Any) -> None:
    """A run that failed, with something odd in one place."""
    given: dict[str, Any] = {"text": "a cat", "title": "t", "parent": None, "file": "gone.png", "class_type": "Text"}
    given |= {"said": "no", "stamp": 1, **odd}
    prompt = {
        "1": {
            "class_type": given["class_type"],
            "inputs": {"text": given["text"]},
            "_meta": {"title": given["title"]},
        },
        "2": {"class_type": "ProvenanceIntent", "inputs": {"text": f"idea {given['text']}", "title": given["title"]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
        given["title"]: {"class_type": "Text", "inputs": {given["title"]: given["text"]}},
    }
    workflow = {"nodes": [], "extra": {given["title"]: given["text"]}}
    frozen = canonical.freeze({"prompt": prompt, "workflow": workflow, "extra": {}, "outputs": ["3"]})
    parent = given["parent"]
    bench.service.offer(Accepted(name, name, 1.0, parent, "workflow" if parent else None, frozen, bench.clock()))
    error = {"exception_type": given["said"], "exception_message": given["said"], "traceback": [given["said"]]}
    image = {"filename": given["file"], "subfolder": "", "type": "output"}
    report = {
        "outputs": {"3": {"images": [image], "text": [given["text"]]}},
        "messages": [
            ["execution_start", {"timestamp": given["stamp"]}],
            ["execution_error", {**error, "node_id": "1", "node_type": "Text", "executed": []}],
        ],
        "status_str": "error",
        "completed": False,
    }
    bench.service.offer(Finished(name, canonical.freeze(report), bench.clock()))


def ended(bench: bare.Bench) -> dict[str, Any]:
    """What the completion of the odd run says; the run after it was recorded, and nothing was missed."""
    bench.run("next")
    assert bare.goes_on(bench, "next") == []
    said = machine.statements(bench.places.ledger)
    (completion,) = [each for each in said if each["kind"] == "completion" and each["execution"] != "next"]
    return completion


@pytest.mark.parametrize("place", ["text", "title", "parent", "file", "class_type", "said", "name"])
def test_half_a_character_is_recorded_as_its_escape(bench: bare.Bench, place: str) -> None:
    bench.service.start()
    run(bench, **{place: HALF})
    completion = ended(bench)
    assert completion["status"] == "error"
    if place == "name":
        assert completion["execution"] == "a cat \\ud83d"
    if place == "text":
        assert [version["text"] for version in completion["prompts"]] == ["a cat \\ud83d"]


def test_an_error_without_words_is_an_error(bench: bare.Bench) -> None:
    bench.service.start()
    run(bench, said=None)
    assert ended(bench)["error"]["message"] == ""


@pytest.mark.parametrize("stamp", [float("inf"), float("nan"), -1, 1e300, 10**30, "now", True])
def test_a_moment_that_is_none_is_left_out(bench: bare.Bench, stamp: Any) -> None:
    bench.service.start()
    run(bench, stamp=stamp)
    assert ended(bench)["timings"]["started_at"] is None


def test_an_output_that_is_gone_before_it_is_read_keeps_nothing_waiting(bench: bare.Bench) -> None:
    bench.service.start()
    run(bench)
    (image, _) = ended(bench)["outputs"]
    assert "cannot read gone.png" in image["problem"]


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to nowhere", "link to itself"])
def test_an_output_that_is_no_file_keeps_nothing_waiting(bench: bare.Bench, kind: str) -> None:
    path = bench.host.folder / "output" / "gone.png"
    try:
        if kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to(path if kind == "link to itself" else bench.host.folder / "nowhere.png")
    except (OSError, AttributeError):
        pytest.skip("this system has no such files")
    bench.service.start()
    run(bench)
    (image, _) = ended(bench)["outputs"]
    assert image["problem"] and image["sha256"] is None


def test_an_input_that_cannot_be_read_keeps_nothing_waiting(bench: bare.Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (bench.host.folder / "input" / "given.png").write_bytes(b"no picture")
    genuine = Path.open

    def refusing(path: Path, *rest: Any, **named: Any) -> Any:
        if path.name == "given.png":
            raise PermissionError(13, "Permission denied")
        return genuine(path, *rest, **named)

    monkeypatch.setattr(Path, "open", refusing)
    bench.service.start()
    run(bench, text="given.png", class_type="LoadImage")
    used = ended(bench)["used"]
    assert {item["problem"] for item in used} == {"cannot read given.png: Permission denied"}


def test_a_run_with_a_detail_that_we_fail_at_is_recorded_without_details_and_a_gap_says_so(
    bench: bare.Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = lists.words_of

    def failing(text: str) -> list[str]:
        if "unlucky" in text:
            raise IndexError("a fault of ours")
        return genuine(text)

    monkeypatch.setattr(lists, "words_of", failing)
    bench.service.start()
    run(bench, text="unlucky")
    bench.run("next")
    (gap,) = bare.goes_on(bench, "next")
    assert (gap["detail"], gap["missed"]["events"]) == ("odd", 1)
    assert gap["reason"] == "details of a run could not be recorded: IndexError: a fault of ours"
    said = machine.statements(bench.places.ledger)
    (completion,) = [each for each in said if each["kind"] == "completion" and each["execution"] == "odd"]
    assert (completion["status"], completion["prompts"]) == ("error", [])
