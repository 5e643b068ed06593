"""Questions about what the author decided. Part of the index; see `index.Index`, which hands it out."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, case, func, select

from ..errors import IntegrityError
from ..model import Decision, Json
from . import tables
from .engine import Database

_CHUNK = 500
_VERDICTS = (Decision.KEEP.value, Decision.REJECT.value, Decision.CLEAR.value)
_said = tables.decisions.c

_ROWS = select(
    tables.entries.c.number,
    _said.execution,
    _said.output,
    _said.decision,
    _said.rating,
    _said.reason,
    _said.label,
    _said.over,
    _said.recorded_at,
).select_from(tables.decisions.join(tables.entries, tables.entries.c.seq == _said.seq))


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One thing that the author said. `output` is None for the run as a whole. `over`: {"execution", "output"} of each
    candidate that was not chosen."""

    entry: int
    execution: str
    output: str | None
    decision: str
    rating: int | None
    reason: str | None
    label: str | None
    recorded_at: str
    over: tuple[dict[str, Json], ...] = ()


class Decisions:
    """Reads decisions. Thread-safe; raises StorageError when the database refuses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, executions: Iterable[str]) -> list[DecisionRow]:
        """All that was said about these runs and their outputs, oldest first for each run."""
        remaining = iter(dict.fromkeys(executions))
        found: list[DecisionRow] = []
        with self._database.read() as connection:
            while chunk := list(itertools.islice(remaining, _CHUNK)):
                rows = connection.execute(_ROWS.where(_said.execution.in_(chunk)).order_by(_said.seq))
                found.extend(map(_decision, rows))
        return found

    def labels(self) -> list[DecisionRow]:
        """The labels that runs carry now, newest first."""
        latest = _latest(Decision.LABEL.value)
        current = _ROWS.where(_said.seq.in_(latest), _said.label.is_not(None)).order_by(_said.seq.desc())
        with self._database.read() as connection:
            return [_decision(row) for row in connection.execute(current)]


def _decision(row: Any) -> DecisionRow:
    """Raises IntegrityError when the index was changed so that this is no decision."""
    try:
        over = () if row.over is None else tuple(json.loads(row.over))
    except (TypeError, ValueError) as error:
        raise IntegrityError("the index is damaged: rebuild it (fsck --rebuild-index)") from error
    said = (row.number, row.execution, row.output, row.decision, row.rating, row.reason, row.label)
    return DecisionRow(*said, row.recorded_at, over)


def labelled(folded: str) -> Select[Any]:
    """Runs whose label contains folded words."""
    latest = _latest(Decision.LABEL.value)
    return select(_said.execution).where(_said.seq.in_(latest), _said.folded.contains(folded, autoescape=True))


def judged(verdict: Decision | None) -> Select[Any]:
    """Runs that stand kept or rejected; with None, runs that stand either way.

    What was said about the run as a whole counts; where nothing was, one kept output keeps the run, and a run with
    rejected outputs only is rejected.
    """
    latest = select(func.max(_said.seq)).where(_said.decision.in_(_VERDICTS)).group_by(_said.execution, _said.output)
    standing = select(_said.execution).where(_said.seq.in_(latest), _said.decision != Decision.CLEAR.value)
    if verdict is None:
        return standing
    whole = _said.output.is_(None)
    keep = _said.decision == Decision.KEEP.value
    kept, rejected, any_kept = (
        func.max(case((each, 1), else_=0)) for each in (and_(whole, keep), and_(whole, ~keep), keep)
    )
    grouped = standing.group_by(_said.execution)
    if verdict is Decision.KEEP:
        return grouped.having((kept == 1) | ((rejected == 0) & (any_kept == 1)))
    return grouped.having((rejected == 1) | ((kept == 0) & (any_kept == 0)))


def _latest(decision: str) -> Select[Any]:
    return select(func.max(_said.seq)).where(_said.decision == decision).group_by(_said.execution)
