"""Drawing runs as lanes."""

from __future__ import annotations

import random

from comfy_provenance.provenance.present.lanes import ASCII, UNICODE, draw
from hypothesis import given, settings
from hypothesis import strategies as st


def drawing(runs, signs=UNICODE):
    return [row.picture + (f" {row.run}" if row.run else "") for row in draw(runs, signs)]


def test_a_line_of_runs_is_one_lane():
    assert drawing([("c", ["b"]), ("b", ["a"]), ("a", [])]) == ["● c", "● b", "● a"]


def test_a_branch_joins_above_its_root():
    assert drawing([("c", ["a"]), ("b", ["a"]), ("a", [])]) == ["● c", "│ ● b", "├─╯", "● a"]


def test_two_parents_divide_below_the_child():
    runs = [("d", ["b", "c"]), ("c", ["a"]), ("b", ["a"]), ("a", [])]
    assert drawing(runs) == ["● d", "├─╮", "│ ● c", "● │ b", "├─╯", "● a"]


def test_a_parent_that_already_has_a_lane_is_joined_to_it():
    runs = [("e", ["d"]), ("c", ["b", "d"]), ("d", ["b"]), ("b", [])]
    assert drawing(runs) == ["● e", "│ ● c", "├─┤", "● │ d", "├─╯", "● b"]


def test_lanes_are_crossed_and_used_again():
    runs = [("f", ["a"]), ("e", ["b"]), ("d", ["a"]), ("b", []), ("a", [])]
    assert drawing(runs) == ["● f", "│ ● e", "│ │ ● d", "│ ● │ b", "├───╯", "● a"]


def test_roots_and_parents_out_of_sight_end_a_lane():
    assert drawing([("c", []), ("b", ["gone"]), ("a", [])]) == ["● c", "● b", "● a"]


def test_a_run_never_waits_for_a_newer_one_or_for_itself():
    assert drawing([("b", ["b"]), ("a", ["b"])]) == ["● b", "● a"]


def test_plain_characters():
    runs = [("d", ["b", "c"]), ("c", ["a"]), ("b", ["a"]), ("a", [])]
    assert drawing(runs, ASCII) == ["* d", "|-\\", "| * c", "* | b", "|-/", "* a"]


@settings(deadline=None)
@given(st.integers(1, 40), st.randoms(use_true_random=False))
def test_every_run_has_one_row_in_order(count, source: random.Random):
    runs = [
        (str(number), [str(source.randrange(number)) for _ in range(source.randrange(4))] if number else [])
        for number in reversed(range(count))
    ]
    rows = list(draw(runs))
    assert [row.run for row in rows if row.run] == [run for run, _ in runs]
    assert all(row.picture.count("●") == (row.run is not None) for row in rows)
