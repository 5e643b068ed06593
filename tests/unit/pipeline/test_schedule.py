"""When an authority is asked: settling, intervals, what a person asks for, and ever longer pauses after failures."""

from __future__ import annotations

from dataclasses import replace

from comfy_provenance.provenance.pipeline import authorities, schedule
from comfy_provenance.provenance.pipeline.schedule import Lane

INTERVAL_S, SPACING_S = 300.0, 1.0


def due(lane: Lane) -> float | None:
    return lane.due_at(INTERVAL_S, SPACING_S)


def test_nobody_is_asked_while_nothing_is_new() -> None:
    assert due(Lane()) is None
    assert due(Lane(covered=5).noticed(4, 0.0)) is None
    assert due(replace(Lane(covered=5).noticed(4, 0.0), urgent=True)) is None


def test_the_first_is_asked_once_the_start_has_settled() -> None:
    assert due(Lane().noticed(1, 100.0)) == 100.0 + schedule.SETTLE_S
    assert due(Lane().noticed(1, 100.0).noticed(7, 105.0)) == 100.0 + schedule.SETTLE_S, "a stream cannot put it off"


def test_then_every_interval_and_not_while_a_request_is_under_way() -> None:
    lane = Lane().noticed(1, 0.0).asked(10.0)
    assert due(lane) is None
    assert due(lane.got(2, 11.0).noticed(5, 50.0)) == 11.0 + INTERVAL_S
    assert due(lane.got(2, 11.0).noticed(5, 1000.0)) == 1000.0 + schedule.SETTLE_S, "after a time in which nothing was"


def test_failures_are_spaced_ever_further_apart() -> None:
    lane, waits = Lane().noticed(3, 0.0), list[float]()
    for _ in range(12):
        moment = due(lane)
        assert moment is not None
        lane = lane.asked(moment).failed("down")
        waits.append((due(lane) or 0) - moment)
    assert waits == sorted(waits)
    assert (waits[0], waits[3], waits[-1]) == (15.0, 120.0, schedule.LONGEST_PAUSE_S)
    assert due(lane.got(9, 1e6).noticed(9, 1e6)) == 1e6 + INTERVAL_S, "a success ends it"


def test_an_authority_that_wishes_it_is_left_alone_even_when_a_person_asks() -> None:
    spacing = authorities.spacing_s("http://timestamp.sectigo.com")
    lane = replace(Lane().noticed(3, 0.0).asked(0.0).got(4, 1.0).noticed(9, 2.0), urgent=True)
    assert (spacing, lane.due_at(INTERVAL_S, spacing)) == (15.0, 15.0)


def test_an_address_is_recorded_without_what_may_be_a_customers_key() -> None:
    assert authorities.as_recorded("https://tsa.example:8443/tsr?key=secret#part") == "https://tsa.example:8443/tsr"
