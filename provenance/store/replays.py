"""Questions about runs that repeat earlier ones. Part of the index; see `index.Index`, which hands it out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from . import tables
from .engine import Database
from .rows import OutputRow

_CHUNK = 500
_repeat, _outcome = tables.replays.c, tables.outcomes.c

_ROWS = (
    select(
        _repeat.execution,
        _repeat.original,
        _repeat.known,
        _repeat.sheet,
        _repeat.cell,
        _repeat.cells,
        tables.entries.c.number,
        _outcome.outcome,
        _outcome.same_graph,
        _outcome.fresh,
        _outcome.drift,
    )
    .select_from(
        tables.replays.outerjoin(tables.outcomes, _outcome.execution == _repeat.execution).outerjoin(
            tables.entries, tables.entries.c.seq == _outcome.seq
        )
    )
    .order_by(_repeat.seq)
)
_LEFT = (
    select(_repeat.execution)
    .join(tables.endings, tables.endings.c.execution == _repeat.execution)
    .outerjoin(tables.outcomes, _outcome.execution == _repeat.execution)
    .where(_repeat.known == 1, _outcome.execution.is_(None))
    .order_by(_repeat.seq)
)


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One run that repeats an earlier one. What follows `cells` is None until the outcome is recorded; `entry` is its
    index there. known: the ledger held the original. fresh: no node was served from a cache. drift: how many
    differences around the two runs."""

    execution: str
    original: str
    known: bool
    sheet: str | None
    cell: int | None
    cells: int | None
    entry: int | None
    outcome: str | None
    same_graph: bool | None
    fresh: bool | None
    drift: int | None


class Replays:
    """Reads replays. Thread-safe; raises StorageError when the database refuses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, executions: Iterable[str]) -> list[ReplayRow]:
        """Those of these runs that repeat an earlier one, in the order of the record."""
        remaining = iter(dict.fromkeys(executions))
        found: list[ReplayRow] = []
        while chunk := list(itertools.islice(remaining, _CHUNK)):
            found += self._rows(_ROWS.where(_repeat.execution.in_(chunk)))
        return found

    def one(self, execution: str) -> ReplayRow | None:
        """What that run repeats; None when it is no replay."""
        found = self.of([execution])
        return found[0] if found else None

    def set_aside(self, rows: Sequence[OutputRow]) -> list[OutputRow]:
        """Those of these outputs whose runs are no replays; all of them where only replays made them."""
        again = {row.execution for row in self.of(row.execution for row in rows)}
        return [row for row in rows if row.execution not in again] or list(rows)

    def of_original(self, original: str) -> list[ReplayRow]:
        """Runs that repeat this one, oldest first."""
        return self._rows(_ROWS.where(_repeat.original == original))

    def sheet(self, sheet: str) -> list[ReplayRow]:
        """The cells of a sheet of variations that were queued, oldest first."""
        return self._rows(_ROWS.where(_repeat.sheet == sheet))

    def without_outcome(self) -> list[str]:
        """Completed runs that repeat a run of this ledger and whose outcome is not recorded, oldest first."""
        with self._database.read() as connection:
            return [str(row.execution) for row in connection.execute(_LEFT)]

    def _rows(self, query: Any) -> list[ReplayRow]:
        with self._database.read() as connection:
            return [_row(row) for row in connection.execute(query)]


def _row(row: Any) -> ReplayRow:
    same, fresh = (None if value is None else bool(value) for value in (row.same_graph, row.fresh))
    return ReplayRow(
        row.execution,
        row.original,
        bool(row.known),
        row.sheet,
        row.cell,
        row.cells,
        row.number,
        row.outcome,
        same,
        fresh,
        row.drift,
    )
