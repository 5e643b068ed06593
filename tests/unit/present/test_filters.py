"""Query parameters become filters, or are refused."""

from __future__ import annotations

import pytest
from comfy_provenance.provenance.errors import InputError
from comfy_provenance.provenance.model import Decision
from comfy_provenance.provenance.present.filters import moment, run_filter
from comfy_provenance.provenance.store.filters import RunFilter

OPEN = [("a", "queued"), ("b", "running"), ("c", "lost")]


def made(**given):
    return run_filter(given, lambda: OPEN)


def test_nothing_asked_is_no_filter():
    assert made(limit="5", cursor="7", text="  ", status="") is None


def test_each_word_is_looked_for_once():
    assert made(text=" golden  fog golden 黄昏") == RunFilter(words=("golden", "fog", "黄昏"))


def test_open_runs_pass_by_their_status_of_now():
    assert made(status="success") == RunFilter(statuses=("success",))
    assert made(status="lost, error") == RunFilter(statuses=("lost", "error"), runs=("c",))
    assert made(status="queued,running") == RunFilter(statuses=("queued", "running"), runs=("a", "b"))


def test_verdicts_have_names():
    found = [made(decision=name) for name in ("kept", "rejected", "undecided")]
    assert [each.verdict for each in found] == [Decision.KEEP, Decision.REJECT, Decision.CLEAR]


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2025-11-23", "2025-11-23T00:00:00.000000Z", "2025-11-24T00:00:00.000000Z"),
        ("2024-12-31", "2024-12-31T00:00:00.000000Z", "2025-01-01T00:00:00.000000Z"),
        ("2025-11-23T10:40:00+08:00", "2025-11-23T02:40:00.000000Z", "2025-11-23T02:40:00.000000Z"),
        ("2025-11-23t02:40:00.1234567z", "2025-11-23T02:40:00.123456Z", "2025-11-23T02:40:00.123456Z"),
        ("2025-11-23 23:30:00-01:30", "2025-11-24T01:00:00.000000Z", "2025-11-24T01:00:00.000000Z"),
    ],
)
def test_times_are_compared_in_utc(text, since, until):
    assert (moment(text), moment(text, end_of_day=True)) == (since, until)


@pytest.mark.parametrize(
    "given",
    [
        {"since": "23.11.2025"},
        {"since": "2025-11"},
        {"since": "2025-02-30"},
        {"since": "2025-11-23T25:00:00Z"},
        {"since": "2025-11-23T02:40:00"},
        {"until": "9999-12-31"},
        {"since": "0001-01-01T00:00:00+08:00"},
        {"since": "٢٠٢٥-11-23"},
        {"status": "success,fine"},
        {"decision": "keep"},
        {"text": "a b c d e f g h i"},
        {"label": "x" * 501},
    ],
)
def test_what_makes_no_sense_is_refused(given):
    with pytest.raises(InputError):
        run_filter(given, lambda: OPEN)
