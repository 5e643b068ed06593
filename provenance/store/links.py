"""Lineage links as queries, put together from the places where the index keeps them.

Links that start at a run, its outputs or its prompts lie in `links`, in lists that the run's two entries name; such a
link is found through the run or the output that it starts at. All others are rows of `edges`, found by their source.
There is no index of what links point to: nothing asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CompoundSelect, Select, String, bindparam, case, func, or_, select, type_coerce, union, union_all
from sqlalchemy.sql import ColumnElement

from . import tables
from .columns import Name, Packed
from .names import pack

FILE_PREFIX, PROMPT_PREFIX = "sha256:", "prompt:"
_SAID = ("relation", "basis", "method", "score", "via")

_entry, _run, _end, _edge, _link = tables.entries, tables.executions, tables.endings, tables.edges, tables.links
_made = tables.outputs.alias("made")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where links lie: what to select from, the number there of the entry that states a link, the run which that entry
    speaks of, and the link's source and target."""

    rows: Any
    seq: ColumnElement[Any]
    execution: ColumnElement[Any]
    source: ColumnElement[Any]
    target: ColumnElement[Any]
    table: Any

    def select(self, *before: Any) -> Select[Any]:
        """Links with their ends and the entry that states each; `before`: what stands before in the FROM clause."""
        said = (self.table.c[name] for name in _SAID)
        ends = (self.source.label("source"), self.target.label("target"))
        by = (_entry.c.number.label("entry"), self.execution.label("execution"))
        rows = self.rows.join(_entry, _entry.c.seq == self.seq)
        return select(self.seq.label("seq"), self.table.c.item.label("item"), *ends, *said, *by).select_from(
            *before, rows
        )


def _end_of(code: Any, named: Any, known: dict[int, Any], otherwise: Any) -> ColumnElement[Any]:
    """One end of a link of `links`."""
    found = case((code.is_(None), named), *((code == is_, what) for is_, what in known.items()), else_=otherwise)
    return type_coerce(found, Name())


# Links that submissions state, that completions state, and those with rows of their own.
_SUBMITTED = _Place(
    _run.join(_link, _link.c.list == _run.c.links),
    _run.c.seq,
    _run.c.id,
    _end_of(_link.c.source_is, _link.c.source, {}, _run.c.id),
    _end_of(_link.c.target_is, _link.c.target, {tables.RUN: _run.c.id}, _run.c.parent),
    _link,
)
_COMPLETED = _Place(
    _end.join(_link, _link.c.list == _end.c.links).outerjoin(
        _made, (_made.c.seq == _end.c.seq) & (_made.c.item == _link.c.source_is - tables.FIRST_OUTPUT)
    ),
    _end.c.seq,
    _end.c.execution,
    _end_of(_link.c.source_is, _link.c.source, {tables.RUN: _end.c.execution}, _made.c.sha256),
    _end_of(_link.c.target_is, _link.c.target, {}, _end.c.execution),
    _link,
)
_ALONE = _Place(
    _edge.outerjoin(_run, _run.c.seq == _edge.c.seq).outerjoin(_end, _end.c.seq == _edge.c.seq),
    _edge.c.seq,
    func.coalesce(_run.c.id, _end.c.execution),
    _edge.c.source,
    _edge.c.target,
    _edge,
)


def _stating(executions: Any) -> tuple[Select[Any], Select[Any]]:
    """Numbers of the submissions and completions of these runs."""
    return (
        select(_run.c.seq).where(_run.c.id.in_(executions)),
        select(_end.c.seq).where(_end.c.execution.in_(executions)),
    )


def seqs_about(executions: Any) -> CompoundSelect[Any]:
    """Numbers of the entries that speak of these runs: a list of ids, or a parameter for one."""
    return union(
        *_stating(executions),
        select(tables.outcomes.c.seq).where(tables.outcomes.c.execution.in_(executions)),
        select(tables.intents.c.seq).where(tables.intents.c.execution.in_(executions)),
        select(tables.import_sources.c.seq).where(tables.import_sources.c.execution.in_(executions)),
        select(_edge.c.seq).where(_edge.c.source.in_(executions)),
    )


def about(executions: Sequence[str]) -> dict[str, list[bytes | None]]:
    """Values for `EDGES_OF` and `SOME_EDGES_OF`."""
    return {"runs": [pack(execution) for execution in executions]}


def starts(refs: Sequence[str]) -> dict[str, list[bytes | None]]:
    """Values for `EDGES_FROM` and `REACHABLE`: names of runs, outputs, assets, prompt versions."""
    files = [ref for ref in refs if ref.startswith(FILE_PREFIX)]
    runs = [ref.removeprefix(PROMPT_PREFIX).partition("/")[0] for ref in refs if not ref.startswith(FILE_PREFIX)]
    return {"refs": [pack(ref) for ref in refs], "files": [pack(ref) for ref in files], **about(runs)}


def _given(name: str, type_: Any = None) -> Any:
    return bindparam(name, expanding=True, type_=type_ or Packed())


def _starting(relation: Any = None) -> list[Select[Any]]:
    """Links whose source is one of the things of `starts`."""
    with_bytes = select(tables.outputs.c.seq).where(tables.outputs.c.sha256.in_(_given("files")))
    completed = or_(_end.c.execution.in_(_given("runs")), _end.c.seq.in_(with_bytes))
    found = (
        _SUBMITTED.select().where(_run.c.id.in_(_given("runs")), _SUBMITTED.source.in_(_given("refs"))),
        _COMPLETED.select().where(completed, _COMPLETED.source.in_(_given("refs"))),
        _ALONE.select().where(_edge.c.source.in_(_given("refs"))),
    )
    return [each if relation is None else each.where(each.selected_columns.relation == relation) for each in found]


def _reachable() -> Select[Any]:
    # a step goes from a name to the entries of the run or output that it names, and to their links
    relation: Any = bindparam("relation")
    walked = select(union(*_starting(relation)).subquery()).cte("walked", recursive=True)
    output = tables.outputs.alias("output")
    at = walked.c.target

    def step(place: _Place, *conditions: ColumnElement[bool], before: tuple[Any, ...] = ()) -> Select[Any]:
        found = place.select(walked, *before)
        return found.where(*conditions, place.source == at, place.table.c.relation == relation)

    steps = (
        step(_SUBMITTED, _run.c.id == at),
        step(_COMPLETED, _end.c.execution == at),
        step(_COMPLETED, output.c.sha256 == at, output.c.seq == _end.c.seq, before=(output,)),
        step(_ALONE),
    )
    return select(walked.union(*steps))  # UNION, not UNION ALL, ends cycles


def _edges_of(*conditions: Callable[[Any], ColumnElement[bool]]) -> CompoundSelect[Any]:
    runs = _given("runs")
    found = (
        (_SUBMITTED, _run.c.id.in_(runs)),
        (_COMPLETED, _end.c.execution.in_(runs)),
        (_ALONE, _edge.c.source.in_(runs)),
        (_ALONE, _edge.c.seq.in_(union(*_stating(runs)))),
    )
    return union_all(
        *(place.select().where(mine, *(each(place.table.c.relation) for each in conditions)) for place, mine in found)
    )


# Links that entries of some `runs` state, or that start there: all of them, or those of some `relations`. Some of them
# come twice.
EDGES_OF = _edges_of()
SOME_EDGES_OF = _edges_of(lambda relation: relation.in_(_given("relations", String())))

# Links that start at some things, and those of one relation that can be walked from them, however far.
EDGES_FROM = union_all(*_starting())
REACHABLE = _reachable()
