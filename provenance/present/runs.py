"""Runs as plain values: the line that `log` shows, and comparisons. Reads the ledger only, and its cache of changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from ..errors import InputError, IntegrityError, StorageError
from ..lineage.changes import Diff
from ..lineage.diff import compare
from ..lineage.sides import Inputs, Sides
from ..lineage.summary import one_line, summary
from ..model import Json, Status
from ..store.decisions import DecisionRow
from ..store.ledger import Ledger
from ..store.presence import is_alive
from ..store.rows import ExecutionRow, OutputRow
from . import decisions, replays, sources
from .sources import Sources
from .times import Times

BATCH = 100  # runs whose rows are read together

Running = Callable[[str], bool]


class Runs:
    """Reads runs of one ledger.

    inputs: declared inputs of a node class, where a host can tell. running: whether a run is under way, which only
    the live session knows. remember: keep computed changes in the ledger's cache; it must be open for writing.
    """

    def __init__(
        self,
        ledger: Ledger,
        times: Times,
        *,
        inputs: Inputs | None = None,
        running: Running | None = None,
        remember: bool = False,
    ) -> None:
        self._ledger = ledger
        self._times = times
        self._remember = remember
        self._index = ledger.index
        self._inputs = inputs
        self._running = running

    def lines(self, runs: Iterable[ExecutionRow], *, full: bool = False) -> Iterator[dict[str, Json]]:
        """The `log` item of each run, in the order given; in full, with what a page that lists runs needs besides."""
        batch: list[ExecutionRow] = []
        for run in runs:
            batch.append(run)
            if len(batch) == BATCH:
                yield from self._lines(batch, full)
                batch = []
        yield from self._lines(batch, full)

    def _lines(self, runs: Sequence[ExecutionRow], full: bool) -> Iterator[dict[str, Json]]:
        ids = [run.id for run in runs]
        outputs: dict[str, list[OutputRow]] = defaultdict(list)
        for row in self._index.outputs(*ids):
            outputs[row.execution].append(row)
        found = sources.find(self._index, runs, [run.id for run in runs if not _only_served(outputs[run.id])])
        more = self._more(runs, outputs, found) if full else {}
        repeats = {row.execution: replays.line(row) for row in self._index.replays.of(ids)}
        remembered = self._index.summaries(ids)
        sides = self._sides(run for run in runs if run.id not in remembered)
        alive: dict[str, bool] = {}
        fresh: dict[str, Sequence[str]] = {}
        for run in runs:
            changes: Sequence[str] | None = remembered.get(run.id)
            if changes is None:
                changes, final = _changes(run, sides)
                if final:
                    fresh[run.id] = changes
            yield {
                "execution": run.id,
                "status": self._status(run, alive),
                "submitted_at": run.submitted_at,
                "parents": found.parents[run.id],
                "outputs": [_output(row) for row in outputs[run.id]],
                "changes": list(changes),
                "replay": repeats.get(run.id),
                **more.get(run.id, {}),
            }
        if fresh and self._remember:
            with suppress(StorageError):  # a cache: what is not remembered is computed again
                self._index.put_summaries(fresh)

    def _status(self, run: ExecutionRow, alive: dict[str, bool]) -> str:
        """One word of `Status`. A run without a completion is `lost` once the session that accepted it is gone."""
        if run.status != Status.QUEUED.value:
            return run.status
        if run.session not in alive:
            alive[run.session] = is_alive(self._ledger.root, run.session)
        if not alive[run.session]:
            return Status.LOST.value
        running = self._running is not None and self._running(run.id)
        return Status.RUNNING.value if running else Status.QUEUED.value

    def open(self) -> Iterator[tuple[str, str]]:
        """Id and status of each run without a recorded end."""
        alive: dict[str, bool] = {}
        for run in self._index.open_executions():
            yield run.id, self._status(run, alive)

    def _more(
        self, runs: Sequence[ExecutionRow], outputs: Mapping[str, Sequence[OutputRow]], found: Sources
    ) -> dict[str, dict[str, Json]]:
        said: dict[str, list[DecisionRow]] = defaultdict(list)
        for row in self._index.decisions.of(run.id for run in runs):
            said[row.execution].append(row)
        digests = {run.id: list(dict.fromkeys(row.sha256 for row in outputs[run.id] if row.sha256)) for run in runs}
        small = self._index.with_thumbnail(sha256 for each in digests.values() for sha256 in each)
        times = self._times.of_runs(runs)
        return {
            run.id: {
                "prompt_id": run.prompt_id,
                "parent": _parent(run),
                "merges": found.merges[run.id],
                "ended_at": run.ended_at,
                "duration_ms": run.duration_ms,
                "error": _error(run),
                "times": times[run.id],
                "thumbnails": [sha256 for sha256 in digests[run.id] if sha256 in small],
                **decisions.standing(said[run.id]),
            }
            for run in runs
        }

    def compare(self, a: ExecutionRow, b: ExecutionRow) -> Diff:
        """What changed from one run to another, environment included. Raises IntegrityError."""
        sides = Sides(self._ledger, (a, b), self._inputs)
        return compare(sides.side(a.id, environment=True), sides.side(b.id, environment=True))

    def compare_graphs(self, a: ExecutionRow, b: ExecutionRow) -> Diff:
        """What differs between the graphs of two runs. Raises IntegrityError."""
        sides = Sides(self._ledger, (a, b), self._inputs)
        return compare(*(replace(sides.side(run.id), models=None) for run in (a, b)))

    def _sides(self, runs: Iterable[ExecutionRow]) -> Sides:
        """These runs and the heads that they descend from."""
        children = list(runs)
        heads = self._index.executions(run.parent for run in children if run.parent is not None)
        return Sides(self._ledger, (*heads, *children), self._inputs)


def _changes(run: ExecutionRow, sides: Sides) -> tuple[list[str], bool]:
    """What changed against the head, and whether that can no longer change.

    A snapshot that is missing or damaged must not hide all other runs: then one line says so.
    """
    head = None if run.parent is None else sides.run(run.parent)
    if head is None:
        return [], run.parent is None
    try:
        before, after = sides.side(head.id), sides.side(run.id)
    except (InputError, IntegrityError) as error:
        return [f"changes unknown: {one_line(str(error), 120)}"], False
    ended = head.completion is not None and run.completion is not None
    models = (*sides.models(head.id), *sides.models(run.id))
    hashed = all(model.sha256 is not None or model.size is None for model in models)
    return summary(compare(before, after)), ended and hashed


def _only_served(outputs: Sequence[OutputRow]) -> bool:
    return bool(outputs) and all(row.reused for row in outputs)


def _parent(run: ExecutionRow) -> dict[str, Json] | None:
    if run.parent is None:
        return None
    known = bool(run.parent_known)
    return {"execution": run.parent, "known": known, "basis": run.parent_basis, "method": run.parent_method}


def _error(run: ExecutionRow) -> dict[str, Json] | None:
    if run.error_class is None and run.error_message is None:
        return None
    return {"class": run.error_class, "message": run.error_message}


def _output(row: OutputRow) -> dict[str, Json]:
    file = row.file
    return {
        "node": row.node,
        "file": None if file is None else f"{file.subfolder}/{file.filename}".lstrip("/"),
        "type": None if file is None else file.type,
        "sha256": row.sha256,
        "reused": row.reused,
    }
