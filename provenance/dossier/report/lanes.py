"""Where each run stands in the drawing of the lineage: coordinates only. Pure.

Time runs down, one row per run. The path to the work keeps the first lane. What descends from a run and leads no
further hangs from that run's own lane like the teeth of a comb, so that thirty variants of one picture take one lane.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..story import Run


@dataclass(frozen=True, slots=True)
class Dot:
    """A run. tooth: it hangs beside its lane, not on it."""

    run: str
    row: int
    lane: int
    on_path: bool
    tooth: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A link from a run up to an earlier one. kind: `parent` or `source`."""

    newer: Dot
    older: Dot
    kind: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Dots in the order of the rows; lanes: how many."""

    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]
    lanes: int


def draw(runs: Sequence[Run], path: Mapping[str, object]) -> Drawing:
    """The drawing of these runs, in their order. Parents that are not among them count as none."""
    rows = {run.id: row for row, run in enumerate(runs)}
    parents = {run.id: run.parent if run.parent in rows and rows[run.parent] < rows[run.id] else None for run in runs}
    with_children = {parent for parent in parents.values() if parent is not None}
    ends: list[int] = []  # per lane, the last row that it is taken in
    combs: dict[str, int] = {}  # parent -> lane of its teeth
    last_tooth = {parents[run.id]: rows[run.id] for run in runs if run.id not in with_children and run.id not in path}
    dots: dict[str, Dot] = {}
    for run in runs:
        row, parent = rows[run.id], parents[run.id]
        above = -1 if parent is None else rows[parent]
        tooth = parent is not None and run.id not in with_children and run.id not in path
        if tooth and parent is not None:
            if parent not in combs:
                combs[parent] = _free(ends, above + 1, 1)
                ends[combs[parent]] = last_tooth[parent]
            lane = combs[parent]
        else:
            first = 0 if run.id in path else 1
            inherits = parent is not None and not dots[parent].tooth and ends[dots[parent].lane] <= above
            keeps = inherits and parent is not None and (dots[parent].lane or run.id in path)
            lane = (
                dots[parent].lane
                if keeps and parent is not None
                else _free(ends, row if above < 0 else above + 1, first)
            )
        ends[lane] = max(ends[lane], row)
        dots[run.id] = Dot(run.id, row, lane, run.id in path, tooth)
    lines = [Line(dots[child], dots[parent], "parent") for child, parent in parents.items() if parent is not None]
    lines += _sources(runs, dots, parents)
    return Drawing(tuple(dots.values()), tuple(lines), len(ends))


def _free(ends: list[int], row: int, first: int) -> int:
    """The leftmost lane, not before `first`, that nothing takes from this row on."""
    while len(ends) <= first:
        ends.append(-1)
    for lane in range(first, len(ends)):
        if ends[lane] < row:
            return lane
    ends.append(-1)
    return len(ends) - 1


def _sources(runs: Sequence[Run], dots: Mapping[str, Dot], parents: Mapping[str, str | None]) -> list[Line]:
    makers: dict[str, str] = {}
    found: dict[tuple[str, str], Line] = {}
    for run in runs:
        for _, source, _, _ in run.derived:
            maker = makers.get(source)
            if maker is not None and maker not in (run.id, parents[run.id]):
                found[run.id, maker] = Line(dots[run.id], dots[maker], "source")
        makers.update((output.picture.sha256, run.id) for output in run.made if output.picture.sha256)
    return list(found.values())
