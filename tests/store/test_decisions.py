"""What the author decided, and pages of the runs that match a filter."""

from __future__ import annotations

import pytest
from comfy_provenance.provenance.model import Decision, Kind, ModelRef, Status
from comfy_provenance.provenance.record import predicate
from comfy_provenance.provenance.store.filters import RunFilter
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.tests.store.recording import Recorder, digest_of, prompt

KEEP, REJECT, CLEAR = Decision.KEEP, Decision.REJECT, Decision.CLEAR


def found(ledger: Ledger, **wanted: object) -> list[str]:
    return [row.id for row in ledger.index.page(500, wanted=RunFilter(**wanted))]  # type: ignore[arg-type]


def test_decisions_of_runs_come_in_the_order_they_were_made(filled: Ledger) -> None:
    said = filled.index.decisions.of(["run-2", "run-1", "run-2", "gone"])
    assert [(row.execution, row.decision) for row in said] == [
        ("run-1", "keep"),
        ("run-2", "rate"),
        ("run-2", "label"),
    ]
    assert (said[0].output, said[0].reason, said[1].rating) == (digest_of("a.png"), "Das Licht, 光线", 4)


def test_a_failure_is_in_the_index_and_its_message_is_cut(ledger: Ledger, recorder: Recorder) -> None:
    failure = predicate.Failure("OutOfMemoryError", "no " * 1000)
    recorder.complete("run", recorder.submit("run"), Status.ERROR, error=failure)
    row = ledger.index.execution("run")
    assert row is not None
    assert (row.error_class, row.error_message) == ("OutOfMemoryError", ("no " * 1000)[:500])
    assert list(ledger.check_index()) == []


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ([], CLEAR),
        ([(None, KEEP)], KEEP),
        ([(None, KEEP), (None, REJECT)], REJECT),
        ([(None, KEEP), (None, CLEAR)], CLEAR),
        ([(None, CLEAR), (None, KEEP)], KEEP),
        ([(None, Decision.NOTE)], CLEAR),
        ([(None, REJECT), (None, Decision.RATE)], REJECT),
        ([("a.png", KEEP)], KEEP),
        ([("a.png", REJECT), ("b.png", KEEP)], KEEP),
        ([("a.png", REJECT), ("b.png", REJECT)], REJECT),
        ([("a.png", KEEP), ("a.png", CLEAR), ("b.png", REJECT)], REJECT),
        ([("a.png", KEEP), (None, REJECT)], REJECT),
        ([("a.png", REJECT), (None, KEEP)], KEEP),
        ([("a.png", REJECT), (None, KEEP), (None, CLEAR)], REJECT),
    ],
)
def test_what_was_said_about_the_run_counts_before_what_was_said_about_its_outputs(
    ledger: Ledger, recorder: Recorder, said: list[tuple[str | None, Decision]], verdict: Decision
) -> None:
    recorder.run("run", made=["a.png", "b.png"])
    recorder.run("kept")
    recorder.run("rejected")
    recorder.decide("kept", KEEP)
    recorder.decide("rejected", REJECT)
    for name, decision in said:
        rating = 3 if decision is Decision.RATE else None
        recorder.decide("run", decision, None if name is None else digest_of(name), rating=rating, reason="because")
    for each in (KEEP, REJECT, CLEAR):
        assert ("run" in found(ledger, verdict=each)) is (each is verdict), each


def test_the_label_a_run_carries_now_is_found(ledger: Ledger, recorder: Recorder) -> None:
    for run in ("one", "two", "three"):
        recorder.run(run)
        recorder.decide(run, Decision.LABEL, label=f"Evening {run}")
    recorder.decide("one", Decision.LABEL, label="Morning")
    recorder.decide("two", Decision.LABEL)
    assert found(ledger, label="evening") == ["three"]
    assert found(ledger, label="ＭＯＲＮ") == ["one"]
    assert found(ledger, label="100%") == []
    assert [(row.execution, row.label) for row in ledger.index.decisions.labels()] == [
        ("one", "Morning"),
        ("three", "Evening three"),
    ]


def test_every_word_must_be_somewhere_in_the_run(ledger: Ledger, recorder: Recorder) -> None:
    recorder.run("castle", prompts=[prompt("a Castle in fog"), prompt("blurry", node="7")])
    recorder.run("cat", prompts=[prompt("一只水晶猫，黄昏")])
    recorder.decide("cat", Decision.NOTE, reason="for the castle series")
    intent = predicate.intent(session="s1", at=recorder.now(), text="Crystal", execution="cat")
    ledger.append(Kind.INTENT, lambda binding: intent)
    assert found(ledger, words=("castle",)) == ["cat", "castle"]
    assert found(ledger, words=("castle", "blurry")) == ["castle"]
    assert found(ledger, words=("水晶猫",)) == ["cat"]
    assert found(ledger, words=("CRYSTAL", "黄昏", "series")) == ["cat"]
    assert found(ledger, words=("a_castle",)) == []


def test_statuses_dates_and_models_narrow_the_page(ledger: Ledger, recorder: Recorder) -> None:
    recorder.run("first", models=[ModelRef("4", "ckpt_name", "checkpoints", "SD/Dream_v2.safetensors", 5, 6)])
    recorder.complete("second", recorder.submit("second"), Status.ERROR)
    recorder.submit("third")
    when = {row.id: row.submitted_at for row in ledger.index.page(5)}
    assert found(ledger, statuses=("error",)) == ["second"]
    assert found(ledger, statuses=("error", "queued"), runs=("third",)) == ["third", "second"]
    assert found(ledger, model="dream_V2") == ["first"]
    assert found(ledger, model="dreamXv2") == []
    assert found(ledger, since=when["second"]) == ["third", "second"]
    assert found(ledger, until=when["second"]) == ["first"]
    assert found(ledger, statuses=("success",), since=when["second"]) == []


def test_pages_of_matches_leave_none_out(ledger: Ledger, recorder: Recorder) -> None:
    for number in range(9):
        recorder.run(f"run-{number}", prompts=[prompt("odd" if number % 2 else "even")])
    first = ledger.index.page(2, wanted=RunFilter(words=("odd",)))
    rest = ledger.index.page(9, before=first[-1].ordinal, wanted=RunFilter(words=("odd",)))
    assert [row.id for row in (*first, *rest)] == ["run-7", "run-5", "run-3", "run-1"]


def test_usage_counts_what_is_named_once(filled: Ledger) -> None:
    usage = filled.usage()
    assert usage.entries == filled.index.counts().entries
    assert usage.objects.count > 0
    assert usage.objects.bytes > 0
    assert usage.on_disk > 0
    assert usage.kept_inputs.count == 0  # named by an asset, but not there
