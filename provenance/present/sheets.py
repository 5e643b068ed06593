"""A sheet of variations: the runs that were queued for it, what differs in each, and how each compares."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import NotFound
from ..lineage.changes import Diff
from ..lineage.summary import summary
from ..model import Json
from ..store.ledger import Ledger
from .runs import Runs


def told(ledger: Ledger, runs: Runs, sheet: str) -> dict[str, Json]:
    """{"sheet", "of", "original", "cells": how many were planned, "columns", "items"}; an item is a run as in `log`,
    newest last of each cell, with its "cell" and "differs": what differs from the original, one line each.

    What differs is computed from the two recorded graphs, not taken from what the client said. `columns`: how many the
    sheet has as a table, see `_columns`; else null. Raises NotFound.
    """
    rows = ledger.index.replays.sheet(sheet)
    if not rows:
        raise NotFound(f"no sheet {sheet} in this ledger")
    found = {run.id: run for run in ledger.index.executions([*(row.execution for row in rows), rows[0].original])}
    original = found.get(rows[0].original)
    lines = {line["execution"]: line for line in runs.lines([found[row.execution] for row in rows], full=True)}
    rows = sorted(rows, key=lambda row: row.cell or 0)
    diffs = [None if original is None else runs.compare_graphs(original, found[row.execution]) for row in rows]
    items = [
        {**lines[row.execution], "cell": row.cell, "differs": [] if diff is None else summary(diff)}
        for row, diff in zip(rows, diffs, strict=True)
    ]
    changes = {row.cell or 0: _inputs(diff) for row, diff in zip(rows, diffs, strict=True) if diff is not None}
    return {
        "sheet": sheet,
        "of": rows[0].original,
        "original": None if original is None else next(runs.lines([original], full=True)),
        "cells": rows[0].cells,
        "columns": _columns(changes, rows[0].cells or 0),
        "items": items,
    }


Changes = frozenset[tuple[str, str, str]]


def _inputs(diff: Diff) -> Changes:
    """Which inputs differ, and what they are instead."""
    texts = {(change.node, change.input, repr(change.after)) for change in diff.prompts}
    values = {(change.node, change.input, repr(change.after)) for change in (*diff.params, *diff.rewired)}
    return frozenset(texts | values)


def _columns(changes: Mapping[int, Changes], cells: int) -> int | None:
    """How many columns a sheet of two axes has: the number at which each cell differs in what the first cell of its row
    and the first of its column differ in. None where there is none, or too few cells to tell.

    The record holds the place of a cell in its sheet, and not what the client meant by it.
    """
    fitting = (count for count in range(2, cells // 2 + 1) if cells % count == 0 and _is_table(changes, count))
    return next(fitting, None)


def _is_table(changes: Mapping[int, Changes], columns: int) -> bool:
    crossed = False
    for cell, changed in changes.items():
        row, column = (changes.get(head) for head in (cell - cell % columns, cell % columns))
        if row is None or column is None or row & column or changed != row | column:
            return False
        crossed = crossed or bool(row and column)
    return crossed
