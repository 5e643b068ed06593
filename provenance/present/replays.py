"""What is said of a run that repeats an earlier one: in one line of a list, and in full with its outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..model import Json
from ..store.replays import ReplayRow

_TOLD = ("graph", "cached", "outputs", "tensors", "drift", "not_compared")


def line(row: ReplayRow) -> dict[str, Json]:
    """{"of", "known", "sheet": null or {"id", "cell", "cells"}, "outcome", "same_graph", "fresh", "drifted"}.

    What follows `sheet` is null until the outcome is recorded, and stays so where the original is no run of this
    ledger.
    """
    cell = {"id": row.sheet, "cell": row.cell, "cells": row.cells}
    return {
        "of": row.original,
        "known": row.known,
        "sheet": None if row.sheet is None else cell,
        "outcome": row.outcome,
        "same_graph": row.same_graph,
        "fresh": row.fresh,
        "drifted": row.drift,
    }


def detailed(row: ReplayRow, stated: Mapping[str, Json] | None) -> dict[str, Json]:
    """The same with what the outcome's entry states, under the entry's own names; `entry` is its index."""
    told = {} if stated is None else {name: stated[name] for name in _TOLD}
    return {**line(row), "entry": row.entry, **told}


def repeated_by(rows: Sequence[ReplayRow]) -> list[dict[str, Json]]:
    """The replays of one run, oldest first: {"execution", ...} as in `line`."""
    return [{"execution": row.execution, **line(row)} for row in rows]
