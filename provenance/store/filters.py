"""Which runs a page of them holds: conditions over the index, built from one frozen value. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CompoundSelect, Select, func, or_, select, union_all
from sqlalchemy.sql import ColumnElement

from ..model import Decision, Status
from . import decisions, tables
from .search import texts_with
from .values import fold


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What a run must be to be listed; None asks nothing. All that is asked must hold.

    words: each must be contained in a prompt, an intent, a note, a reason or a label of the run; case and width do not
    matter. statuses: of recorded ends. runs: ids that pass beside those statuses (of runs that have no end yet).
    verdict: `KEEP`, `REJECT`, or `CLEAR` for runs that are neither. label, model: contained in the run's label, in the
    name of a model file it used. since, until: RFC 3339 in UTC, as the index has them; `until` is not included.
    """

    words: tuple[str, ...] = ()
    statuses: tuple[str, ...] | None = None
    runs: tuple[str, ...] = ()
    verdict: Decision | None = None
    label: str | None = None
    model: str | None = None
    since: str | None = None
    until: str | None = None


def matching(wanted: RunFilter) -> Select[Any]:
    """The `seq` of runs that match, in no order.

    Each condition is a set of run ids that the database makes once, from small indexes where it can: joining every run
    with its end to ask it would take most of a second in a ledger of 100,000 runs.
    """
    return select(tables.executions.c.seq).where(*_conditions(wanted))


def _conditions(wanted: RunFilter) -> Iterator[ColumnElement[bool]]:
    run = tables.executions.c
    if wanted.since is not None:
        yield run.submitted_at >= wanted.since
    if wanted.until is not None:
        yield run.submitted_at < wanted.until
    if wanted.statuses is not None:
        yield from _with_status(wanted.statuses, wanted.runs)
    if wanted.verdict is Decision.CLEAR:
        yield run.id.not_in(decisions.judged(None))
    elif wanted.verdict is not None:
        yield run.id.in_(decisions.judged(wanted.verdict))
    if wanted.label is not None:
        yield run.id.in_(decisions.labelled(fold(wanted.label)))
    if wanted.model is not None:
        model, end = tables.models.c, tables.endings.c
        named = select(model.list).where(func.lower(model.name).contains(wanted.model.lower(), autoescape=True))
        yield run.id.in_(select(end.execution).where(end.models.in_(named)))
    for word in wanted.words:
        yield run.id.in_(_saying(fold(word)))


def _with_status(statuses: tuple[str, ...], runs: tuple[str, ...]) -> Iterator[ColumnElement[bool]]:
    run, end, is_open = tables.executions.c, tables.endings.c, tables.open_runs.c.execution
    if Status.SUCCESS.value in statuses:  # most runs: name the others
        yield run.id.not_in(select(end.execution).where(end.status.not_in(statuses)))
        yield run.id.not_in(select(is_open).where(is_open.not_in(runs)))
    else:
        yield or_(run.id.in_(select(end.execution).where(end.status.in_(statuses))), run.id.in_(runs))


def _saying(folded: str) -> CompoundSelect[Any]:
    prompt, end = tables.prompts.c, tables.endings.c
    # a text is stored once, however many runs carry it: look through the texts, then for the runs
    lists = select(prompt.list).where(prompt.text.in_(texts_with(folded)))
    spoken = (
        select(table.c.execution).where(
            table.c.folded.contains(folded, autoescape=True), table.c.execution.is_not(None)
        )
        for table in (tables.intents, tables.decisions)
    )
    return union_all(select(end.execution).where(end.prompts.in_(lists)), *spoken)
