"""Draws runs and their parents as lanes of characters, newest on top. Pure.

Each run has a row of its own. Where several children wait for one run their lanes join above it; where a run has
several parents its lane divides below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the drawing; `run` is the id of the run whose dot is in it, None for a line that only joins lanes."""

    picture: str
    run: str | None


@dataclass(frozen=True, slots=True)
class Signs:
    """The characters to draw with."""

    dot: str
    lane: str
    across: str
    over: str
    starts: str
    opens: str
    closes: str
    both: str


UNICODE = Signs("●", "│", "─", "┼", "├", "╮", "╯", "┤")
ASCII = Signs("*", "|", "-", "+", "|", "\\", "/", "+")


def draw(runs: Sequence[tuple[str, Sequence[str]]], signs: Signs = UNICODE) -> Iterator[Row]:
    """Give the rows for runs in the order given, newest first, each with the ids of its parents.

    Parents that are not among the runs still to come are left out. Ids must differ.
    """
    to_come = {run for run, _ in runs}
    lanes: list[str | None] = []  # the run that each lane leads down to; None: free
    for run, parents in runs:
        to_come.discard(run)
        waiting = [at for at, wanted in enumerate(lanes) if wanted == run]
        if not waiting:
            waiting = [_free(lanes)]
            lanes[waiting[0]] = run
        for at in waiting[:0:-1]:
            joined = list(lanes)
            lanes[at] = None
            yield Row(_join(joined, waiting[0], at, signs, signs.closes), None)
        at = waiting[0]
        yield Row(_cells([signs.dot if lane == at else _lane(lanes[lane], signs) for lane in range(len(lanes))]), run)
        known = [parent for parent in dict.fromkeys(parents) if parent in to_come]
        lanes[at] = known[0] if known else None
        for parent in known[1:]:
            if parent in lanes:
                other = lanes.index(parent)
                yield Row(_join(lanes, at, other, signs, signs.both), None)
            else:
                other = _free(lanes)
                before = list(lanes)
                lanes[other] = parent
                yield Row(_join(before, at, other, signs, signs.opens), None)
        while lanes and lanes[-1] is None:
            lanes.pop()


def _free(lanes: list[str | None]) -> int:
    if None in lanes:
        return lanes.index(None)
    lanes.append(None)
    return len(lanes) - 1


def _lane(wanted: str | None, signs: Signs) -> str:
    return " " if wanted is None else signs.lane


def _join(lanes: Sequence[str | None], one: int, other: int, signs: Signs, end: str) -> str:
    left, right = min(one, other), max(one, other)
    cells = []
    for at in range(max(len(lanes), right + 1)):
        wanted = lanes[at] if at < len(lanes) else None
        if at == left:
            cells.append(signs.starts)
        elif at == right:
            cells.append(end if other == right else signs.both)
        elif left < at < right:
            cells.append(signs.across if wanted is None else signs.over)
        else:
            cells.append(_lane(wanted, signs))
    return _cells(cells, across=(left, right, signs.across))


def _cells(cells: Sequence[str], across: tuple[int, int, str] | None = None) -> str:
    text = ""
    for at, cell in enumerate(cells):
        between = across[2] if across is not None and across[0] < at <= across[1] else " "
        text += (between if at else "") + cell
    return text.rstrip()
