"""What a replay is said to have given, for every kind of output and every way in which something can be gone."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from comfy_provenance.provenance.canonical import sha256_hex, statement_bytes
from comfy_provenance.provenance.model import Asset, FileRef, Kind, ModelRef, Output, Status
from comfy_provenance.provenance.pipeline.replays import Compared, Replays
from comfy_provenance.provenance.record import files, predicate
from comfy_provenance.provenance.record.outcome import Comparison
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.tests.store.recording import SEED, Recorder, genesis_of
from PIL import Image


class Place:
    """A ledger beside an output folder; the only thing that is asked of the host is where its folders are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        signer = Signer.from_seed(SEED)
        self.ledger = Ledger.create(folder / "ledger", signer, genesis_of(signer))
        self.recorder = Recorder(self.ledger)

    def directories(self) -> dict[str, str]:
        return {"output": str(self.folder)}

    def output(self, name: str, data: bytes, place: int = 0, *, keep: bool = False) -> Output:
        path = self.folder / name
        path.write_bytes(data)
        reading = files.look(path)
        kept = self.ledger.objects.prepare(data, "image/png").digest if keep else None
        if keep:
            self.ledger.objects.put(data, "image/png")
        return Output("9", "images", place, FileRef("output", "", name), reading.facts, kept=kept)

    def run(self, name: str, *, of: str | None = None, **said: Any) -> None:
        repeats = None if of is None else predicate.Repeats(of, True)
        self.recorder.complete(
            name, self.recorder.submit(name, repeats=repeats), said.pop("status", Status.SUCCESS), **said
        )

    def compared(self) -> Comparison:
        found: list[Compared] = []
        Replays(self.ledger, self, found.append).compare("again")  # type: ignore[arg-type]
        (one,) = found
        assert (one.execution, one.original) == ("again", "first")
        assert self.ledger.index.entry(one.completion).kind == "completion"
        return one.comparison


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.ledger.close()


def png(color: str, text: str = "", frames: tuple[str, ...] = ()) -> bytes:
    from PIL import PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", text)
    out = io.BytesIO()
    more = [Image.new("RGB", (32, 32), each) for each in frames]
    Image.new("RGB", (32, 32), color).save(out, "PNG", pnginfo=info, save_all=bool(more), append_images=more)
    return out.getvalue()


def latent(values: bytes, run: str) -> bytes:
    header = {"latent_tensor": {"dtype": "F32", "shape": [len(values) // 4], "data_offsets": [0, len(values)]}}
    raw = json.dumps({**header, "__metadata__": {"workflow": run}}).encode()
    return struct.pack("<Q", len(raw)) + raw + values


def pair(place: Place, first: list[Output], again: list[Output]) -> Comparison:
    place.run("first", outputs=first)
    place.run("again", of="first", outputs=again)
    return place.compared()


@pytest.mark.parametrize(
    ("name", "before", "after", "verdict"),
    [
        ("a.png", png("red"), png("red"), "same-bytes"),
        ("a.png", png("red", "run 1"), png("red", "run 2"), "same-pixels"),
        ("a.png", png("red"), png("blue"), "different"),
        ("a.png", png("red", frames=("blue",)), png("red", frames=("lime",)), "different"),
        ("a.latent", latent(b"abcdefgh", "1"), latent(b"abcdefgh", "2"), "same-tensors"),
        ("a.latent", latent(b"abcdefgh", "1"), latent(b"abcdefgX", "2"), "different"),
        ("a.latent", latent(b"abcdefgh", "1"), b"damaged", "not-compared"),
        ("a.mp4", b"\0\0\0\x18ftypisom one", b"\0\0\0\x18ftypisom two", "not-compared"),
    ],
)
def test_a_verdict_for_every_kind_of_file(place: Place, name: str, before: bytes, after: bytes, verdict: str) -> None:
    found = pair(place, [place.output(f"1-{name}", before)], [place.output(f"2-{name}", after)])
    (one,) = found.outputs
    assert one.verdict.value == verdict
    assert (one.psnr_db is not None) == (name == "a.png" and before != after and png("blue") == after)


def test_an_original_that_is_gone_is_told_by_its_digests_only(place: Place) -> None:
    first = [place.output("a.png", png("red", "1"), 0), place.output("b.png", png("red", "1"), 1)]
    (place.folder / "a.png").unlink()
    (place.folder / "b.png").write_bytes(png("lime"))  # something else lies under its name now
    again = [place.output("c.png", png("red", "2"), 0), place.output("d.png", png("blue", "2"), 1)]
    same, other = pair(place, first, again).outputs
    assert (same.verdict.value, other.verdict.value) == ("not-compared", "different")
    assert {same.problem, other.problem} == {"a file is no longer here: only digests were compared"}


def test_a_kept_copy_serves_where_the_file_is_gone(place: Place) -> None:
    first = place.output("a.png", png("red", "1"), keep=True)
    (place.folder / "a.png").unlink()
    (one,) = pair(place, [first], [place.output("b.png", png("red", "2"))]).outputs
    assert one.verdict.value == "same-pixels"


def test_outputs_on_one_side_only(place: Place) -> None:
    first = [place.output("a.png", png("red"), 0)]
    found = pair(place, first, [place.output("b.png", png("red"), 1)])
    assert [(each.ordinal, each.verdict.value) for each in found.outputs] == [(0, "missing"), (1, "added")]
    assert found.outcome.value == "incomplete"


def test_texts_are_the_same_or_not(place: Place) -> None:
    def said(text: str) -> Output:
        facts = replace(place.output("t.txt", text.encode()).facts, media_type="text/plain")
        return Output("9", "text", 0, None, facts)

    assert pair(place, [said("a cat")], [said("a dog")]).outputs[0].verdict.value == "different"


def test_what_was_different_around_the_runs_is_named(place: Place) -> None:
    survey = statement_bytes({"distributions": {"torch": "2.9"}, "packs": {}})
    said = {"session": "s1", "at": place.recorder.now(), "host": "ComfyUI", "host_version": "1"}
    body = predicate.session(**said, event="environment", environment=sha256_hex(survey))
    place.ledger.append(Kind.SESSION, lambda binding: body, objects=[(survey, "application/json")])
    model = ModelRef("4", "ckpt_name", "checkpoints", "sd.safetensors", 5, 6, "a" * 64)
    asset = Asset("1", "image", "a.png", FileRef("input", "", "a.png"), place.output("a.png", png("red")).facts)
    place.run("first", models=[model], used=[asset])
    other = replace(asset, facts=place.output("a.png", png("blue")).facts)
    place.run("again", of="first", models=[replace(model, sha256=None)], used=[other])
    found = place.compared()
    assert [(each.what, each.name) for each in found.drift] == [("input", "a.png")]
    assert found.not_compared == ["model"]  # both runs are of one session, so the machine is the same


def test_a_run_of_a_lost_session_is_incomplete(place: Place) -> None:
    place.run("first", outputs=[place.output("a.png", png("red"))])
    place.run("again", of="first", status=Status.LOST)
    assert place.compared().outcome.value == "incomplete"


def test_what_the_ledger_does_not_hold_is_not_compared(place: Place) -> None:
    place.recorder.complete("again", place.recorder.submit("again", repeats=predicate.Repeats("elsewhere", False)))
    found: list[Compared] = []
    Replays(place.ledger, place, found.append).compare("again")  # type: ignore[arg-type]
    assert found == []
    assert place.ledger.index.replays.without_outcome() == []
