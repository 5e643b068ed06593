"""Questions about what the author brought in: on what basis, from what, and which recordings have no end."""

from __future__ import annotations

from comfy_provenance.provenance.model import Basis
from comfy_provenance.provenance.record import imports, recordings
from comfy_provenance.provenance.store.ledger import Ledger

from .recording import Recorder, digest_of


def test_what_was_once_from_before_stays_so(ledger: Ledger, recorder: Recorder) -> None:
    authored = ledger.index.authored
    assert authored.basis_of(digest_of("x.png")) is None
    recorder.bring("x.png", Basis.AFTER_THE_FACT)
    recorder.run("run-1", made=["a.png"])
    source = imports.Source(digest_of("a.png"), "run-1", None, Basis.DECLARED, "author")
    recorder.bring("x.png", of=[source])
    assert authored.basis_of(digest_of("x.png")) is Basis.AFTER_THE_FACT
    assert list(authored.from_before([digest_of("x.png"), digest_of("a.png")])) == [digest_of("x.png")]


def test_imports_are_found_by_what_they_are_and_by_what_they_were_made_from(ledger: Ledger, recorder: Recorder) -> None:
    recorder.run("run-1", made=["a.png", "b.png"])
    sources = [imports.Source(digest_of(name), "run-1", None, Basis.DECLARED, "author") for name in ("a.png", "b.png")]
    entry = recorder.bring("final.png", of=sources, note="both")
    authored = ledger.index.authored
    (row,) = authored.imports_by_digest(digest_of("final.png"))
    assert (row.entry, row.note, [each.output for each in row.sources]) == (
        entry,
        "both",
        [digest_of("a.png"), digest_of("b.png")],
    )
    assert authored.imports_of(digest_of("a.png")) == authored.imports_of(digest_of("b.png")) == [row]
    assert authored.imports(10) == [row]
    assert authored.imports(10, before=row.ordinal) == []
    assert authored.import_at(entry) == row
    assert authored.import_at(entry - 1) is None
    assert "import" in {each.kind for each in ledger.index.entries_of("run-1")}


def test_a_recording_is_open_until_it_stops(ledger: Ledger, recorder: Recorder) -> None:
    start = recorder.film("film", recordings.Capture("video/webm"), None)
    chunk = recorder.film("film", recordings.Chunk(0, 0, 4, digest_of("chunk")), start)
    authored = ledger.index.authored
    assert [step.recording for step in authored.open_recordings()] == ["film"]
    stop = recorder.film("film", recordings.Ending("author", 1, 4, digest_of("chunk")), chunk)
    assert authored.open_recordings() == []
    assert [(step.entry, step.event) for step in authored.recording("film")] == [
        (start, "start"),
        (chunk, "chunk"),
        (stop, "stop"),
    ]
    assert [step.event for step in authored.recordings()] == ["start", "stop"]
