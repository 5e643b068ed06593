"""Runs as plain values: the line that `log` shows, and comparisons. Reads the ledger only, and its cache of changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

from ..errors import InputError, IntegrityError, StorageError
from ..lineage.changes import Diff
from ..lineage.diff import compare
from ..lineage.summary import one_line, summary
from ..model import Basis, Json, Relation, Status
from ..store.ledger import Ledger
from ..store.presence import is_alive
from ..store.rows import ExecutionRow, OutputRow
from .sides import Inputs, Sides

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
        *,
        inputs: Inputs | None = None,
        running: Running | None = None,
        remember: bool = False,
    ) -> None:
        self._ledger = ledger
        self._remember = remember
        self._index = ledger.index
        self._inputs = inputs
        self._running = running

    def lines(self, runs: Iterable[ExecutionRow]) -> Iterator[dict[str, Json]]:
        """The `log` item of each run, in the order given."""
        batch: list[ExecutionRow] = []
        for run in runs:
            batch.append(run)
            if len(batch) == BATCH:
                yield from self._lines(batch)
                batch = []
        yield from self._lines(batch)

    def _lines(self, runs: Sequence[ExecutionRow]) -> Iterator[dict[str, Json]]:
        ids = [run.id for run in runs]
        outputs: dict[str, list[OutputRow]] = defaultdict(list)
        for row in self._index.outputs(*ids):
            outputs[row.execution].append(row)
        parents = self._parents(runs, [run.id for run in runs if not _only_served(outputs[run.id])])
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
                "parents": parents[run.id],
                "outputs": [_output(row) for row in outputs[run.id]],
                "changes": list(changes),
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

    def _parents(self, runs: Sequence[ExecutionRow], working: Sequence[str]) -> dict[str, list[str]]:
        """Ids of the runs that each run comes from.

        First the head from which its canvas descended, recorded here or not; then the runs that made the files it
        loaded, as far as that was observed. Where several runs made the same bytes, the head is meant if it is one
        of them, else the latest before this run. A run that is not `working`, as when all its outputs came out of
        the cache, made nothing of its files.
        """
        loaded: dict[str, list[str]] = {run.id: [] for run in runs}
        ended: dict[str, int] = {}
        for asset in self._index.assets(*working):
            ended[asset.execution] = asset.ordinal
            if asset.sha256 is not None:
                loaded[asset.execution].append(asset.sha256)
        for edge in self._index.edges_of(*working, relations=(Relation.DERIVED_FROM,)):
            if edge.basis == Basis.OBSERVED.value and edge.execution in loaded:
                loaded[edge.execution].append(edge.target.removeprefix("sha256:"))
        makers: dict[str, list[OutputRow]] = defaultdict(list)
        for row in self._index.outputs_by_digest(*{digest for found in loaded.values() for digest in found}):
            if not row.reused:
                makers[row.sha256 or ""].append(row)
        found: dict[str, list[str]] = {}
        for run in runs:
            parents = [] if run.parent is None else [run.parent]
            for digest in loaded[run.id]:
                before = [row.execution for row in makers[digest] if row.ordinal < ended.get(run.id, row.ordinal + 1)]
                if before and run.parent not in before:
                    parents.append(before[-1])
            found[run.id] = [parent for parent in dict.fromkeys(parents) if parent != run.id]
        return found

    def compare(self, a: ExecutionRow, b: ExecutionRow) -> Diff:
        """What changed from one run to another, environment included. Raises IntegrityError."""
        sides = Sides(self._ledger, (a, b), self._inputs)
        return compare(sides.side(a.id, environment=True), sides.side(b.id, environment=True))

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


def _output(row: OutputRow) -> dict[str, Json]:
    file = row.file
    return {
        "node": row.node,
        "file": None if file is None else f"{file.subfolder}/{file.filename}".lstrip("/"),
        "type": None if file is None else file.type,
        "sha256": row.sha256,
        "reused": row.reused,
    }
