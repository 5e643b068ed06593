"""The runs of a story on a shelf: written as plain values, read back as they were."""

from __future__ import annotations

from typing import Any

from ..shelf import Shelf
from .story import Input, Judgement, Model, Output, Picture, Run, Stamp, Text


def runs() -> Shelf[Run]:
    """Runs by their ids."""
    return Shelf(_plain, _run)


def statements() -> Shelf[tuple[str, Judgement]]:
    """What the author said of runs, and of which, by entry."""
    return Shelf(_plain, lambda row: (row[0], _judgement(row[1])))


def _plain(value: Any) -> Any:
    """The same in tuples that have no names."""
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value


def _run(row: Any) -> Run:
    run = Run._make(row)
    return run._replace(
        submitted=Stamp._make(run.submitted),
        ended=None if run.ended is None else Stamp._make(run.ended),
        texts=tuple(map(Text._make, run.texts)),
        models=tuple(map(Model._make, run.models)),
        outputs=tuple(Output(Picture._make(each[0]), each[1], each[2]) for each in run.outputs),
        inputs=tuple(Input(Picture._make(each[0]), each[1], each[2]) for each in run.inputs),
        judgements=tuple(map(_judgement, run.judgements)),
    )


def _judgement(row: Any) -> Judgement:
    return Judgement(Stamp._make(row[0]), *row[1:])
