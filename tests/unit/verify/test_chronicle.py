"""The story that entries tell: executions, sessions and clocks of logs that are otherwise sound."""

from __future__ import annotations

import pytest
from comfy_provenance.provenance.canonical import timestamp
from comfy_provenance.provenance.model import Decision, Instant, Kind
from comfy_provenance.provenance.record import predicate
from comfy_provenance.tests.unit.verify.simulator import SECOND, SimulatedLog


@pytest.fixture
def log() -> SimulatedLog:
    """A genesis and the start of session `s1`: entries 0 and 1."""
    log = SimulatedLog()
    log.genesis()
    log.event("start")
    return log


# executions


def test_a_completion_without_a_submission(log: SimulatedLog) -> None:
    log.complete("e1", 1)
    assert log.found() == [("completion-orphan", 2)]


def test_a_completion_before_its_submission(log: SimulatedLog) -> None:
    log.complete("e1", 3)
    log.submit("e1")
    assert log.found() == [("completion-orphan", 2)]


def test_a_second_completion(log: SimulatedLog) -> None:
    first = log.submit("e1")
    log.complete("e1", first)
    log.complete("e1", first)
    assert log.found() == [("completion-duplicate", 4)]


def test_a_completion_that_names_another_submission(log: SimulatedLog) -> None:
    first = log.submit("e1")
    log.complete("e1", first)
    log.submit("e2")
    log.complete("e2", first)
    assert log.found() == [("completion-submission", 5)]


def test_an_execution_id_that_is_used_twice(log: SimulatedLog) -> None:
    log.complete("e1", log.submit("e1"))
    log.submit("e1")
    assert log.found() == [("execution-duplicate", 4)]


REPLAYED = {"of": "e1", "known": True, "sheet": None, "basis": "declared"}


def test_a_replay_and_its_outcome(log: SimulatedLog) -> None:
    log.complete("e1", log.submit("e1"))
    log.replay("e2", "e1", log.complete("e2", log.submit("e2", replay=REPLAYED)))
    assert log.found() == []


def test_an_outcome_for_a_run_that_was_never_submitted_as_a_replay(log: SimulatedLog) -> None:
    log.complete("e1", log.submit("e1"))
    log.replay("e2", "e1", log.complete("e2", log.submit("e2")))
    assert log.found() == [("replay-orphan", 6)]


def test_an_outcome_before_its_replay_has_ended(log: SimulatedLog) -> None:
    log.complete("e1", log.submit("e1"))
    entry = log.submit("e2", replay=REPLAYED)
    log.replay("e2", "e1", 6)
    log.complete("e2", entry)
    assert log.found() == [("replay-orphan", 5)]


def test_an_outcome_that_names_another_original(log: SimulatedLog) -> None:
    """A good outcome cannot be moved to a better looking pair of runs."""
    log.complete("e0", log.submit("e0"))
    log.complete("e1", log.submit("e1"))
    log.replay("e2", "e0", log.complete("e2", log.submit("e2", replay=REPLAYED)))
    assert log.found() == [("replay-mismatch", 8)]


def test_an_outcome_that_names_another_completion(log: SimulatedLog) -> None:
    first = log.complete("e1", log.submit("e1"))
    log.complete("e2", log.submit("e2", replay=REPLAYED))
    log.replay("e2", "e1", first)
    assert log.found() == [("replay-mismatch", 6)]


def test_a_second_outcome_of_one_replay(log: SimulatedLog) -> None:
    log.complete("e1", log.submit("e1"))
    done = log.complete("e2", log.submit("e2", replay=REPLAYED))
    log.replay("e2", "e1", done)
    log.replay("e2", "e1", done)
    assert log.found() == [("replay-duplicate", 7)]


def test_an_outcome_of_a_replay_that_cannot_be_read_is_not_called_wrong(log: SimulatedLog) -> None:
    log.complete("e1", log.submit("e1"))
    repeat = log.submit("e2", replay={"of": "e1", "known": True, "sheet": None, "basis": "declared"})
    log.replay("e2", "e1", log.complete("e2", repeat))
    log.entries[repeat] = b""
    assert log.found() == [("entry-missing", repeat)]


def test_a_replay_of_a_run_that_came_later(log: SimulatedLog) -> None:
    """What was made afterwards cannot pose as the original of what was there before."""
    log.complete("e2", log.submit("e2", replay=REPLAYED))
    log.complete("e1", log.submit("e1"))
    assert log.found() == [("replay-original", 2)]


def test_a_replay_of_a_run_of_another_ledger_says_so(log: SimulatedLog) -> None:
    log.replay("e2", "e1", log.complete("e2", log.submit("e2", replay={**REPLAYED, "known": False})))
    assert log.found() == []


def test_a_replay_that_does_not_say_of_what(log: SimulatedLog) -> None:
    log.complete("e2", log.submit("e2", replay={"known": True}))
    assert ("predicate-malformed", 2) in log.found() or ("schema-invalid", 2) in log.found()


def test_decisions_about_a_run_before_and_after_it_ended(log: SimulatedLog) -> None:
    first = log.submit("e1")
    log.decide("e1", Decision.NOTE, reason="promising")
    log.complete("e1", first)
    log.decide("e1")
    log.decide("e1", Decision.CLEAR)
    assert log.found() == []


def test_a_decision_about_a_run_that_was_not_submitted(log: SimulatedLog) -> None:
    log.decide("e1")
    log.complete("e1", log.submit("e1"))
    assert log.found() == [("decision-orphan", 2)]


def test_a_decision_that_the_schema_does_not_know(log: SimulatedLog) -> None:
    log.complete("e1", log.submit("e1"))
    log.decide("e1", label="two\nlines" * 40)
    assert log.found() == [("schema-invalid", 4)]


def test_a_run_ends_and_another_begins_around_a_pause(log: SimulatedLog) -> None:
    first = log.submit("e1")
    log.event("pause")
    log.complete("e1", first)
    log.event("resume")
    log.complete("e2", log.submit("e2"))
    assert log.found() == []


def test_a_run_that_is_accepted_while_paused(log: SimulatedLog) -> None:
    log.event("pause")
    log.complete("e1", log.submit("e1"))
    assert log.found() == [("submission-paused", 3)]


def test_another_session_is_not_paused(log: SimulatedLog) -> None:
    log.event("pause")
    log.event("start", "s2")
    log.complete("e1", log.submit("e1", "s2"), "s2")
    assert log.found() == []


def test_executions_may_overlap(log: SimulatedLog) -> None:
    first, second = log.submit("e1"), log.submit("e2")
    log.complete("e2", second)
    log.complete("e1", first)
    assert log.found() == []


def test_a_running_execution_is_no_finding(log: SimulatedLog) -> None:
    log.submit("e1")
    assert log.found() == []


def test_an_execution_that_its_stopped_session_left_open_is_a_warning(log: SimulatedLog) -> None:
    log.submit("e1")
    log.event("stop")
    assert log.found() == [("execution-open", 2)]
    assert log.verify().ok


def test_an_execution_that_a_dead_session_left_open_is_a_warning_until_it_is_lost(log: SimulatedLog) -> None:
    first = log.submit("e1")
    log.event("start", "s2")
    assert log.found() == [("execution-open", 2)]
    log.complete("e1", first, "s2", status="lost")
    assert log.found() == []


# sessions


def test_an_entry_of_a_session_that_did_not_start(log: SimulatedLog) -> None:
    log.intent(session="s2")
    log.intent(session="s2")
    assert log.found() == [("session-order", 2)]


def test_an_entry_after_its_session_stopped(log: SimulatedLog) -> None:
    log.event("stop")
    log.intent()
    assert log.found() == [("session-order", 3)]
    assert log.verify().ok


def test_a_session_that_starts_twice(log: SimulatedLog) -> None:
    log.event("start")
    assert log.found() == [("session-order", 2)]


def test_sessions_of_two_processes_may_interleave(log: SimulatedLog) -> None:
    log.event("start", "s2")
    log.complete("e1", log.submit("e1", "s2"), "s2")
    log.intent()
    log.event("stop", "s2")
    log.event("stop")
    assert log.found() == []


def test_a_genesis_may_belong_to_the_session_that_starts_after_it() -> None:
    log = SimulatedLog()
    log.genesis(session="s1")
    log.event("start")
    log.intent()
    assert log.found() == []


def test_a_genesis_alone_opens_no_session() -> None:
    log = SimulatedLog()
    log.genesis(session="s1")
    log.intent()
    assert log.found() == [("session-order", 1)]


# clocks


def _intent_at(log: SimulatedLog, wall: int, monotonic: int, session: str = "s1") -> None:
    at = Instant(log.now.wall_ns + wall * SECOND, log.now.monotonic_ns + monotonic * SECOND)
    log.append(Kind.INTENT, predicate.intent(session=session, at=at, text="x"))


def test_a_wall_clock_set_back_is_one_warning(log: SimulatedLog) -> None:
    _intent_at(log, -1000, 1)
    _intent_at(log, -999, 2)
    report = log.verify()
    assert [(found.code, found.severity, found.entry) for found in report.findings] == [("clock-back", "warning", 2)]
    assert timestamp(log.now.wall_ns) in report.findings[0].message
    assert report.ok


def test_a_wall_clock_set_forth_and_back_by_years(log: SimulatedLog) -> None:
    year = 365 * 24 * 3600
    for shift in (10 * year, 11 * year, 0, 1, -5 * year):
        _intent_at(log, shift, 1)
    assert log.found() == [("clock-back", 4), ("clock-back", 6)]


def test_a_monotonic_clock_that_runs_back_within_a_session(log: SimulatedLog) -> None:
    _intent_at(log, 1, -1)
    assert log.found() == [("monotonic-back", 2)]
    assert log.verify().ok


def test_the_monotonic_clock_may_begin_anew_with_a_session(log: SimulatedLog) -> None:
    at = Instant(log.now.wall_ns + SECOND, 0)
    body = predicate.session(session="s2", at=at, event="start", host="h", host_version=None)
    log.append(Kind.SESSION, body)
    assert log.found() == []
