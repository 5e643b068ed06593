"""Which runs a page of them holds: conditions over the index, built from one frozen value. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.sql import ColumnElement

from ..model import Decision
from . import decisions, tables
from .index_rows import fold


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


def conditions(wanted: RunFilter) -> Iterator[ColumnElement[bool]]:
    """Conditions on rows of `executions` joined with `endings`."""
    run, end = tables.executions.c, tables.endings.c
    if wanted.since is not None:
        yield run.submitted_at >= wanted.since
    if wanted.until is not None:
        yield run.submitted_at < wanted.until
    if wanted.statuses is not None:
        yield or_(end.status.in_(wanted.statuses), run.id.in_(wanted.runs))
    if wanted.verdict is Decision.CLEAR:
        yield run.id.not_in(decisions.judged(None))
    elif wanted.verdict is not None:
        yield run.id.in_(decisions.judged(wanted.verdict))
    if wanted.label is not None:
        yield run.id.in_(decisions.labelled(fold(wanted.label)))
    if wanted.model is not None:
        name = func.lower(tables.models.c.name)
        yield end.seq.in_(select(tables.models.c.seq).where(name.contains(wanted.model.lower(), autoescape=True)))
    for word in wanted.words:
        yield _says(fold(word))


def _says(folded: str) -> ColumnElement[bool]:
    run, end, text, prompt = tables.executions.c, tables.endings.c, tables.texts.c, tables.prompts.c
    # a text is stored once, however many runs carry it: look through the texts, then for the runs
    matching = select(text.id).where(func.coalesce(text.folded, text.text).contains(folded, autoescape=True))
    prompted = select(prompt.seq).where(prompt.text.in_(matching))
    return or_(
        end.seq.in_(prompted),
        run.id.in_(_spoken(tables.intents, folded)),
        run.id.in_(_spoken(tables.decisions, folded)),
    )


def _spoken(table: Any, folded: str) -> Select[Any]:
    return select(table.c.execution).where(table.c.folded.contains(folded, autoescape=True))
