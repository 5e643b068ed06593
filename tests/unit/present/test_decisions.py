"""What stands of what was said, and what may be said."""

from __future__ import annotations

import pytest
from comfy_provenance.provenance.errors import InputError
from comfy_provenance.provenance.model import Decision
from comfy_provenance.provenance.present.decisions import asked, asked_label, standing
from comfy_provenance.provenance.store.decisions import DecisionRow

A, B = "a" * 64, "b" * 64


def said(*statements):
    """Rows of one run from (output, decision, value) with the value that the decision carries."""
    rows = []
    for entry, (output, decision, value) in enumerate(statements):
        member = {"rate": "rating", "label": "label"}.get(decision, "reason")
        values = {"rating": None, "reason": None, "label": None, member: value}
        rows.append(DecisionRow(entry, "run", output, decision, recorded_at="", **values))
    return standing(rows)


def whole(**members):
    return {"decision": None, "rating": None, "note": None, "reason": None, "label": None, **members}


def test_nothing_was_said():
    assert said() == {"decision": None, "output_decisions": []}


def test_a_rating_and_a_note_leave_the_verdict_standing():
    found = said((None, "keep", "the light"), (None, "rate", 2), (None, "note", "wider"), (None, "rate", 4))
    assert found["decision"] == whole(decision="keep", reason="the light", rating=4, note="wider")


def test_a_later_verdict_replaces_the_earlier_one_and_its_reason():
    assert said((None, "keep", "the light"), (None, "reject", None))["decision"] == whole(decision="reject")


def test_clear_takes_back_all_but_the_label():
    found = said(
        (None, "keep", "x"), (None, "rate", 5), (None, "note", "n"), (None, "label", "L"), (None, "clear", None)
    )
    assert found["decision"] == whole(label="L")


def test_a_label_that_was_taken_away_says_nothing():
    assert said((None, "label", "L"), (None, "label", None))["decision"] is None


def test_outputs_speak_for_a_run_about_which_nothing_was_said():
    found = said((A, "reject", "hands"), (B, "keep", "eyes"), (A, "rate", 3), (B, "note", "print it"))
    assert found["decision"] == whole(decision="keep", reason="eyes", rating=3, note="print it")
    assert {each["output"]: each["decision"] for each in found["output_decisions"]} == {A: "reject", B: "keep"}
    assert "label" not in found["output_decisions"][0]


def test_the_run_as_a_whole_overrules_its_outputs():
    found = said((None, "reject", None), (A, "keep", "eyes"))
    assert (found["decision"]["decision"], found["decision"]["reason"]) == ("reject", None)


def test_an_output_whose_verdict_was_taken_back_is_silent():
    found = said((A, "keep", None), (A, "clear", None))
    assert found == {"decision": None, "output_decisions": []}


def test_words_are_taken_without_space_around_them():
    judged = asked({"execution": "run", "decision": "note", "reason": "  黄昏\nsoft \n"})
    assert (judged.decision, judged.reason, judged.output, judged.rating) == (Decision.NOTE, "黄昏\nsoft", None, None)
    assert asked({"execution": "run", "decision": "keep", "reason": " ", "rating": None}).reason is None


@pytest.mark.parametrize("label", ["", "  ", None])
def test_an_empty_label_takes_the_label_away(label):
    assert asked_label({"execution": "run", "label": label}).label is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"execution": "", "decision": "keep"},
        {"execution": 5, "decision": "keep"},
        {"execution": "x" * 401, "decision": "keep"},
        {"execution": "run", "decision": ["keep"]},
        {"execution": "run", "decision": "keep", "output": A.upper()},
        {"execution": "run", "decision": "keep", "output": 7},
        {"execution": "run", "decision": "rate", "rating": 0},
        {"execution": "run", "decision": "rate", "rating": 2.0},
        {"execution": "run", "decision": "rate", "rating": "3"},
        {"execution": "run", "decision": "note", "reason": ["x"]},
        {"execution": "run", "decision": "keep", "reason": "half \ud83d of a sign"},
        {"execution": "run", "decision": "keep", "label": "L"},
    ],
)
def test_what_is_no_decision(body):
    with pytest.raises(InputError):
        asked(body)


@pytest.mark.parametrize("body", [{"execution": "run"}, {"execution": "run", "label": "x" * 201}, {"label": "L"}])
def test_what_is_no_label(body):
    with pytest.raises(InputError):
        asked_label(body)
