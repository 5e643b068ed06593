"""Attacks on what the author brings in: old things passed off as originals, recordings cut, swapped or filled in.

The attacker holds the key: every entry is well signed and stands where it was signed to stand.
"""

from __future__ import annotations

import pytest
from comfy_provenance.provenance.canonical import sha256_hex
from comfy_provenance.provenance.model import Basis, Edge, FileFacts, FileRef, Kind, Output, Relation, Status
from comfy_provenance.provenance.record import imports, predicate, recordings
from comfy_provenance.tests.unit.verify.simulator import START, SimulatedLog

OLD = FileFacts(sha256_hex(b"old"), 3, START, "image/png", 8, 8, sha256_hex(b"old pixels"))


@pytest.fixture
def log() -> SimulatedLog:
    """Genesis, a session, one run that made one picture: entries 0 to 3."""
    log = SimulatedLog()
    log.genesis()
    log.event("start")
    log.complete("e1", log.submit("e1"))
    return log


def bring(log: SimulatedLog, basis: Basis = Basis.AFTER_THE_FACT, facts: FileFacts = OLD, **said: object) -> int:
    file = imports.BroughtFile("old.png", facts)
    body = imports.predicate(session="s1", at=log.tick(), file=file, basis=basis, source="cli", **said)
    return log.append(Kind.IMPORT, body)


def made_of(run: str) -> str:
    return sha256_hex(f"picture of {run}".encode())


def run_with(log: SimulatedLog, run: str, facts: FileFacts | None, *edges: Edge) -> int:
    entry = log.submit(run)
    outputs = () if facts is None else (Output("9", "images", 0, FileRef("output", "", "x.png"), facts),)
    body = predicate.completion(
        session="s1",
        at=log.tick(),
        execution=run,
        submission=entry,
        prompt_document=sha256_hex(b"unused"),
        status=Status.SUCCESS,
        outputs=outputs,
        edges=edges,
    )
    return log.append(Kind.COMPLETION, body)


def derived(source: str, target: str, basis: Basis) -> Edge:
    return Edge(f"sha256:{source}", f"sha256:{target}", Relation.DERIVED_FROM, basis, "sha256")


def generated(digest: str, run: str, basis: Basis) -> Edge:
    return Edge(f"sha256:{digest}", run, Relation.GENERATED, basis, "reported")


# what is from before


def test_an_honest_import_of_something_from_before_is_clean(log: SimulatedLog) -> None:
    bring(log)
    assert log.found() == []


def test_a_run_that_claims_to_have_made_what_is_from_before(log: SimulatedLog) -> None:
    bring(log)
    entry = run_with(log, "e2", OLD, generated(OLD.sha256, "e2", Basis.OBSERVED))
    assert log.found() == [("after-the-fact-again", entry), ("after-the-fact-original", entry)]
    assert not log.verify().ok


def test_the_same_picture_under_other_bytes_is_still_told(log: SimulatedLog) -> None:
    bring(log)
    other = FileFacts(sha256_hex(b"saved again"), 3, START, "image/png", 8, 8, OLD.pixels)
    entry = run_with(log, "e2", other, generated(other.sha256, "e2", Basis.OBSERVED))
    assert log.found() == [("after-the-fact-again", entry)]
    assert log.verify().ok, "a run may well make the same picture again: it deserves a look"


def test_an_output_that_is_brought_in_again_stays_the_output_that_it_is(log: SimulatedLog) -> None:
    bring(log, facts=FileFacts(made_of("e1"), 3, START, "image/png"))
    facts = FileFacts(sha256_hex(b"new"), 3, START, "image/png")
    run_with(log, "e2", facts, derived(facts.sha256, made_of("e1"), Basis.OBSERVED))
    assert log.found() == []


def test_what_is_from_before_as_the_observed_source_of_an_output(log: SimulatedLog) -> None:
    bring(log)
    facts = FileFacts(sha256_hex(b"new"), 3, START, "image/png")
    entry = run_with(log, "e2", facts, derived(facts.sha256, OLD.sha256, Basis.OBSERVED))
    assert log.found() == [("after-the-fact-original", entry)]


def test_the_same_link_told_honestly_is_clean(log: SimulatedLog) -> None:
    bring(log)
    facts = FileFacts(sha256_hex(b"new"), 3, START, "image/png")
    run_with(log, "e2", facts, derived(facts.sha256, OLD.sha256, Basis.AFTER_THE_FACT))
    assert log.found() == []


def test_something_from_before_that_claims_a_place_in_the_lineage(log: SimulatedLog) -> None:
    source = imports.Source(made_of("e1"), "e1", None, Basis.DECLARED, "author")
    file = imports.BroughtFile("old.png", OLD)
    body = imports.predicate(session="s1", at=log.tick(), file=file, basis=Basis.DECLARED, source="cli", of=[source])
    entry = log.append(Kind.IMPORT, body, basis="after-the-fact")
    assert log.found() == [("after-the-fact-original", entry)]


def test_an_import_that_says_it_was_observed(log: SimulatedLog) -> None:
    source = imports.Source(made_of("e1"), "e1", None, Basis.DECLARED, "author")
    file = imports.BroughtFile("edit.png", OLD)
    subject, body = imports.predicate(
        session="s1", at=log.tick(), file=file, basis=Basis.DECLARED, source="cli", of=[source]
    )
    (edge,) = body["edges"]
    entry = log.append(Kind.IMPORT, (subject, body), edges=[{**edge, "basis": "observed"}])
    assert {code for code, _ in log.found()} == {"schema-invalid", "import-observed"}
    assert log.found(schema_check=None) == [("import-observed", entry)]


def test_an_edit_of_something_that_was_never_recorded(log: SimulatedLog) -> None:
    source = imports.Source(sha256_hex(b"elsewhere"), None, None, Basis.DECLARED, "author")
    entry = bring(log, Basis.DECLARED, of=[source])
    assert log.found() == [("import-orphan", entry)]


def test_a_new_version_of_no_idea(log: SimulatedLog) -> None:
    body = predicate.intent(session="s1", at=log.tick(), text="x", revises=2)
    entry = log.append(Kind.INTENT, body)
    assert log.found() == [("intent-orphan", entry)]


# screen recordings


def film(log: SimulatedLog, chunks: int = 3, *, stop: bool = True, recording: str = "r1") -> list[int]:
    """An honest recording; the entries of its steps."""
    steps: list[int] = []
    say(log, steps, recordings.Capture("video/webm"), None, recording=recording)
    size, before = 0, None
    for number in range(chunks):
        digest = log.keep(f"chunk {number}".encode())
        say(log, steps, recordings.Chunk(number, size, 7, digest), before, recording=recording)
        size, before = size + 7, digest
    if stop:
        say(log, steps, recordings.Ending("author", chunks, size, None), before, recording=recording)
    return steps


def say(
    log: SimulatedLog,
    steps: list[int],
    step: recordings.Capture | recordings.Chunk | recordings.Ending,
    before: str | None,
    previous: int | None = None,
    recording: str = "r1",
) -> None:
    named = recordings.Previous(steps[-1] if previous is None else previous, before) if steps else None
    body = recordings.predicate(session="s1", at=log.tick(), recording=recording, step=step, previous=named)
    steps.append(log.append(Kind.RECORDING, body))


def test_an_honest_recording_is_clean(log: SimulatedLog) -> None:
    film(log)
    assert log.found() == []


def test_a_recording_without_an_end_is_told_once_its_session_is_over(log: SimulatedLog) -> None:
    steps = film(log, stop=False)
    assert log.found() == []
    log.event("stop")
    assert log.found() == [("recording-open", steps[-1])]


def test_a_chunk_whose_bytes_are_gone(log: SimulatedLog) -> None:
    steps = film(log)
    del log.objects[sha256_hex(b"chunk 1")]
    assert log.found() == [("chunk-missing", steps[2])]


def test_a_chunk_whose_bytes_were_swapped(log: SimulatedLog) -> None:
    steps = film(log)
    log.objects[sha256_hex(b"chunk 1")] = b"another"
    assert log.found() == [("object-altered", steps[2])]


def test_a_chunk_that_was_cut_out_when_signing(log: SimulatedLog) -> None:
    steps: list[int] = []
    say(log, steps, recordings.Capture("video/webm"), None)
    first = log.keep(b"chunk 0")
    say(log, steps, recordings.Chunk(0, 0, 7, first), None)
    say(log, steps, recordings.Chunk(2, 14, 7, log.keep(b"chunk 2")), first)
    assert log.found() == [("recording-broken", steps[2])]


def test_a_chunk_that_was_put_in_later(log: SimulatedLog) -> None:
    steps = film(log, stop=False)
    say(log, steps, recordings.Chunk(1, 7, 7, log.keep(b"inserted")), sha256_hex(b"chunk 0"), previous=steps[1])
    assert log.found() == [("recording-broken", steps[-1])]


@pytest.mark.parametrize("lost", [2, 3])
def test_what_follows_a_step_that_cannot_be_read_is_still_followed(log: SimulatedLog, lost: int) -> None:
    """A chunk in the middle, or the last before the end: the step after it says where it stood."""
    steps = film(log)
    log.entries[steps[lost]] = b""
    assert log.found() == [("entry-missing", steps[lost])]
    later = film(log, recording="r2", stop=False)
    say(log, later, recordings.Chunk(5, 35, 7, log.keep(b"later")), sha256_hex(b"chunk 2"), recording="r2")
    assert log.found() == [("entry-missing", steps[lost]), ("recording-broken", later[-1])]


def test_a_recording_that_goes_on_after_its_end(log: SimulatedLog) -> None:
    steps = film(log)
    say(log, steps, recordings.Chunk(3, 21, 7, log.keep(b"later")), sha256_hex(b"chunk 2"))
    assert log.found() == [("recording-broken", steps[-1])]


def test_an_end_that_counts_wrong(log: SimulatedLog) -> None:
    steps = film(log, stop=False)
    say(log, steps, recordings.Ending("author", 2, 14, None), sha256_hex(b"chunk 2"))
    assert log.found() == [("recording-broken", steps[-1])]


def test_steps_of_a_recording_that_never_started(log: SimulatedLog) -> None:
    steps = [2]
    say(log, steps, recordings.Chunk(0, 0, 7, log.keep(b"chunk 0")), None)
    assert log.found() == [("recording-orphan", steps[-1])]


def test_a_recording_that_starts_twice(log: SimulatedLog) -> None:
    steps = film(log, stop=False)
    body = recordings.predicate(
        session="s1", at=log.tick(), recording="r1", step=recordings.Capture("video/webm"), previous=None
    )
    entry = log.append(Kind.RECORDING, body)
    assert log.found() == [("recording-orphan", entry)]
    assert steps
