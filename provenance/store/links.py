"""Lineage links as queries, put together from the places where the index keeps them.

Links that start at a run, its outputs or its prompts lie in `links`, in lists that the run's two entries name; such a
link is found through the run or the output that it starts at. All others are rows of `edges`, found by their source.
There is no index of what links point to: nothing asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CompoundSelect, Select, bindparam, case, func, or_, select, type_coerce, union, union_all
from sqlalchemy.sql import ColumnElement

from . import tables
from .columns import Name

FILE_PREFIX, PROMPT_PREFIX = "sha256:", "prompt:"
_SAID = ("relation", "basis", "method", "score", "via")

_entry, _run, _end, _edge, _link = tables.entries, tables.executions, tables.endings, tables.edges, tables.links
_made = tables.outputs.alias("made")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where links lie: what to select from, the entry's number there, and the link's source and target."""

    rows: Any
    seq: ColumnElement[Any]
    source: ColumnElement[Any]
    target: ColumnElement[Any]
    table: Any

    def select(self, *before: Any) -> Select[Any]:
        """Links with their ends; `before`: what stands before them in the FROM clause."""
        columns = (self.table.c[name] for name in _SAID)
        ends = (self.source.label("source"), self.target.label("target"))
        return select(self.seq.label("seq"), self.table.c.item.label("item"), *ends, *columns).select_from(
            *before, self.rows
        )


def _end_of(code: Any, named: Any, known: dict[int, Any], otherwise: Any) -> ColumnElement[Any]:
    """One end of a link of `links`."""
    found = case((code.is_(None), named), *((code == is_, what) for is_, what in known.items()), else_=otherwise)
    return type_coerce(found, Name())


# Links that submissions state, that completions state, and those with rows of their own.
_SUBMITTED = _Place(
    _run.join(_link, _link.c.list == _run.c.links),
    _run.c.seq,
    _end_of(_link.c.source_is, _link.c.source, {}, _run.c.id),
    _end_of(_link.c.target_is, _link.c.target, {tables.RUN: _run.c.id}, _run.c.parent),
    _link,
)
_COMPLETED = _Place(
    _end.join(_link, _link.c.list == _end.c.links).outerjoin(
        _made, (_made.c.seq == _end.c.seq) & (_made.c.item == _link.c.source_is - tables.FIRST_OUTPUT)
    ),
    _end.c.seq,
    _end_of(_link.c.source_is, _link.c.source, {tables.RUN: _end.c.execution}, _made.c.sha256),
    _end_of(_link.c.target_is, _link.c.target, {}, _end.c.execution),
    _link,
)
_ALONE = _Place(_edge, _edge.c.seq, _edge.c.source, _edge.c.target, _edge)


def seqs_about(executions: Any) -> CompoundSelect[Any]:
    """Numbers of the entries that speak of these runs: a list of ids, or a parameter for one."""
    return union(
        select(_run.c.seq).where(_run.c.id.in_(executions)),
        select(_end.c.seq).where(_end.c.execution.in_(executions)),
        select(tables.outcomes.c.seq).where(tables.outcomes.c.execution.in_(executions)),
        select(tables.intents.c.seq).where(tables.intents.c.execution.in_(executions)),
        select(tables.import_sources.c.seq).where(tables.import_sources.c.execution.in_(executions)),
        select(_edge.c.seq).where(_edge.c.source.in_(executions)),
    )


def starts(refs: Sequence[str]) -> dict[str, list[str]]:
    """Values for `EDGES_FROM` and `REACHABLE`: names of runs, outputs, assets, prompt versions."""
    return {
        "refs": list(refs),
        "runs": [ref.removeprefix(PROMPT_PREFIX).partition("/")[0] for ref in refs if not ref.startswith(FILE_PREFIX)],
        "digests": [ref.removeprefix(FILE_PREFIX) for ref in refs if ref.startswith(FILE_PREFIX)],
    }


def _told(found: Any) -> Select[Any]:
    """Links with the entry that states each and the run that entry speaks of."""
    execution = func.coalesce(_run.c.id, _end.c.execution).label("execution")
    return select(*found.c, _entry.c.number.label("entry"), execution).select_from(
        found.join(_entry, _entry.c.seq == found.c.seq)
        .outerjoin(_run, _run.c.seq == found.c.seq)
        .outerjoin(_end, _end.c.seq == found.c.seq)
    )


def _given(name: str) -> Any:
    return bindparam(name, expanding=True)


def _starting(relation: Any = None) -> list[Select[Any]]:
    """Links whose source is one of the things of `starts`."""
    with_bytes = select(tables.outputs.c.seq).where(tables.outputs.c.sha256.in_(_given("digests")))
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
    return _told(walked.union(*steps))  # UNION, not UNION ALL, ends cycles


def _edges_of(*conditions: Callable[[Any], ColumnElement[bool]]) -> Select[Any]:
    runs = _given("runs")
    found = (
        (_SUBMITTED, _run.c.id.in_(runs)),
        (_COMPLETED, _end.c.execution.in_(runs)),
        (_ALONE, _edge.c.seq.in_(seqs_about(runs))),
    )
    stated = [
        place.select().where(about, *(each(place.table.c.relation) for each in conditions)) for place, about in found
    ]
    return _told(union_all(*stated).subquery())


# Links that entries about some `runs` state: all of them, or those of some `relations`.
EDGES_OF = _edges_of()
SOME_EDGES_OF = _edges_of(lambda relation: relation.in_(_given("relations")))

# Links that start at some things, and those of one relation that can be walked from them, however far.
EDGES_FROM = _told(union_all(*_starting()).subquery())
REACHABLE = _reachable()
