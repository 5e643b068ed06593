"""A sheet of variations: the runs that were queued for it, what differs in each, and how each compares."""

from __future__ import annotations

from ..errors import NotFound
from ..lineage.summary import summary
from ..model import Json
from ..store.ledger import Ledger
from .runs import Runs


def told(ledger: Ledger, runs: Runs, sheet: str) -> dict[str, Json]:
    """{"sheet", "of", "known", "cells": how many were planned, "items"}; an item is a run as in `log`, newest last of
    each cell, with its "cell" and "differs": what differs from the original, one line each.

    What differs is computed from the two recorded graphs, not taken from what the client said. Raises NotFound.
    """
    rows = ledger.index.replays.sheet(sheet)
    if not rows:
        raise NotFound(f"no sheet {sheet} in this ledger")
    found = {run.id: run for run in ledger.index.executions([*(row.execution for row in rows), rows[0].original])}
    original = found.get(rows[0].original)
    lines = {line["execution"]: line for line in runs.lines([found[row.execution] for row in rows], full=True)}
    items = [
        {
            **lines[row.execution],
            "cell": row.cell,
            "differs": [] if original is None else summary(runs.compare_graphs(original, found[row.execution])),
        }
        for row in sorted(rows, key=lambda row: row.cell or 0)
    ]
    shown = None if original is None else next(runs.lines([original], full=True))
    return {"sheet": sheet, "of": rows[0].original, "original": shown, "cells": rows[0].cells, "items": items}
