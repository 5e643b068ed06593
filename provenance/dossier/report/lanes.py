"""Where each run stands in the drawing of the lineage: coordinates only. Pure.

Time runs down, one row per run. The path to the work keeps the first lane. What descends from a run and leads no
further hangs from that run's own lane like the teeth of a comb, so that thirty variants of one picture take one lane.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...shelf import Shelf
from ..story import Run


class Dot(NamedTuple):
    """A run. tooth: it hangs beside its lane, not on it."""

    run: str
    row: int
    lane: int
    on_path: bool
    tooth: bool


class Line(NamedTuple):
    """A link from a run up to an earlier one. kind: `parent` or `source`."""

    newer: Dot
    older: Dot
    kind: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Dots in the order of the rows; lanes: how many."""

    dots: Iterable[Dot]
    lines: Iterable[Line]
    lanes: int


def stored(line: Line) -> tuple[Any, ...]:
    """A line as a shelf takes it."""
    return tuple(line.newer), tuple(line.older), line.kind


def loaded(row: tuple[Any, ...]) -> Line:
    """A line as a shelf gives it."""
    return Line(Dot._make(row[0]), Dot._make(row[1]), row[2])


def draw(runs: Iterable[Run], path: Container[str]) -> Drawing:
    """The drawing of these runs, in their order. Parents that are not among them count as none. runs: read twice."""
    rows, parents = Shelf[int](), Shelf[str]()
    for row, run in enumerate(runs):
        if run.parent is not None and run.parent in rows:
            parents[run.id] = run.parent
        rows[run.id] = row
    with_children, last_tooth = Shelf[bool](), Shelf[int]()
    with_children.update((parent, True) for parent in parents.values())
    for run_id, parent in parents.items():
        if run_id not in with_children and run_id not in path:
            last_tooth[parent] = rows[run_id]
    ends: list[int] = []  # per lane, the last row that it is taken in
    combs = Shelf[int]()  # parent -> lane of its teeth
    dots = Shelf[Dot](tuple, Dot._make)
    for run_id, row in rows.items():
        parent_id, on_path = parents.get(run_id), run_id in path
        above = None if parent_id is None else dots[parent_id]
        tooth = above is not None and not on_path and run_id not in with_children
        if tooth and above is not None:
            if above.run not in combs:
                combs[above.run] = lane = _free(ends, above.row + 1, 1)
                ends[lane] = last_tooth[above.run]
            lane = combs[above.run]
        elif above is not None and not above.tooth and ends[above.lane] <= above.row and (above.lane or on_path):
            lane = above.lane
        else:
            lane = _free(ends, row if above is None else above.row + 1, 0 if on_path else 1)
        ends[lane] = max(ends[lane], row)
        dots[run_id] = Dot(run_id, row, lane, on_path, tooth)
    return Drawing(dots.values(), _lines(runs, dots, parents).values(), len(ends))


def _free(ends: list[int], row: int, first: int) -> int:
    """The leftmost lane, not before `first`, that nothing takes from this row on."""
    while len(ends) <= first:
        ends.append(-1)
    for lane in range(first, len(ends)):
        if ends[lane] < row:
            return lane
    ends.append(-1)
    return len(ends) - 1


def _lines(runs: Iterable[Run], dots: Mapping[str, Dot], parents: Mapping[str, str]) -> Shelf[Line]:
    """The links to parents, then those to the makers of what was loaded, each once."""
    found, makers = Shelf(stored, loaded), Shelf[str]()
    for run_id, parent in parents.items():
        newer = dots[run_id]
        found[f"{newer.row}"] = Line(newer, dots[parent], "parent")
    for run in runs:
        for _, source, _, _ in run.derived:
            maker = makers.get(source)
            if maker is not None and maker not in (run.id, parents.get(run.id)):
                newer, older = dots[run.id], dots[maker]
                found[f"{newer.row} {older.row}"] = Line(newer, older, "source")
        makers.update((output.picture.sha256, run.id) for output in run.made if output.picture.sha256)
    return found
