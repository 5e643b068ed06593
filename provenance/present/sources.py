"""Which runs made the files that a run loaded. Reads the index only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..model import Basis, Json, Relation
from ..store.index import Index
from ..store.rows import ExecutionRow, OutputRow

MOST_EDITS = 32  # imports of imports that are followed
_FILE = "sha256:"


@dataclass(frozen=True, slots=True)
class Sources:
    """What each run of some comes from: `parents` as `log` shows them, `merges` with how each is known."""

    parents: Mapping[str, list[str]]
    merges: Mapping[str, list[dict[str, Json]]]


def find(index: Index, runs: Sequence[ExecutionRow], working: Sequence[str]) -> Sources:
    """Where these runs come from.

    First the head from which its canvas descended, recorded here or not; then the runs that made the files it loaded,
    as far as that was observed, or as the author said when he brought in an edit of their outputs; and, among the
    merges only, as far as it was guessed from how pictures look. Where several runs made the same bytes, the head is
    meant if it is one of them, else the latest before this run. A run that is not `working`, as when all its outputs
    came out of the cache, made nothing of its files. What is from before has no maker here.
    """
    observed: dict[str, list[str]] = {run.id: [] for run in runs}
    guessed: dict[str, list[str]] = {run.id: [] for run in runs}
    edited: dict[str, list[str]] = {run.id: [] for run in runs}
    ended: dict[str, int] = {}
    for asset in index.assets(*working):
        ended[asset.execution] = asset.ordinal
        if asset.sha256 is not None:
            observed[asset.execution].append(asset.sha256)
    for edge in index.edges_of(*working, relations=(Relation.DERIVED_FROM,)):
        if edge.execution in observed and edge.basis != Basis.AFTER_THE_FACT.value:
            into = observed if edge.basis == Basis.OBSERVED.value else guessed
            into[edge.execution].append(edge.target.removeprefix(_FILE))
    imports = _Imports(index, (digest for digests in observed.values() for digest in digests))
    for run in runs:
        edited[run.id] = [source for digest in observed[run.id] for source in imports.sources(digest)]
        observed[run.id] = [digest for digest in observed[run.id] if digest not in imports.before]
    makers = _makers(index, (*observed.values(), *edited.values(), *guessed.values()))
    parents: dict[str, list[str]] = {}
    merges: dict[str, list[dict[str, Json]]] = {}
    for run in runs:
        found: dict[str, Basis] = {}
        for digests, basis in (
            (observed[run.id], Basis.OBSERVED),
            (edited[run.id], Basis.DECLARED),
            (guessed[run.id], Basis.INFERRED),
        ):
            for digest in digests:
                before = [
                    row.execution for row in makers.get(digest, ()) if row.ordinal < ended.get(run.id, row.ordinal + 1)
                ]
                if before and run.parent not in before and before[-1] != run.id:
                    found.setdefault(before[-1], basis)
        merges[run.id] = [{"execution": maker, "basis": basis.value} for maker, basis in found.items()]
        heads = [run.parent] if run.parent not in (None, run.id) else []
        parents[run.id] = [*heads, *(maker for maker, basis in found.items() if basis is not Basis.INFERRED)]
    return Sources(parents, merges)


class _Imports:
    """Which of some files were brought in, and which outputs they were made from, over any number of imports."""

    def __init__(self, index: Index, digests: Iterable[str]) -> None:
        self._sources: dict[str, list[str]] = {}
        asked = list(dict.fromkeys(digests))
        self.before = index.authored.from_before(asked)
        for _ in range(MOST_EDITS):
            wanted = [digest for digest in asked if digest not in self._sources]
            if not wanted:
                break
            self._sources.update((digest, []) for digest in wanted)
            for row in index.authored.imports_by_digest(*wanted):
                if row.sha256 in self._sources:
                    self._sources[row.sha256] += [source.output for source in row.sources]
            asked = [source for digest in wanted for source in self._sources[digest]]

    def sources(self, digest: str) -> list[str]:
        """What a file was made from, through all its imports."""
        found: dict[str, None] = {}
        waiting = list(self._sources.get(digest, ()))
        while waiting:
            source = waiting.pop()
            if source not in found:
                found[source] = None
                waiting += self._sources.get(source, ())
        return list(found)


def _makers(index: Index, wanted: Iterable[Iterable[str]]) -> Mapping[str, list[OutputRow]]:
    makers: dict[str, list[OutputRow]] = defaultdict(list)
    for row in index.outputs_by_digest(*{digest for digests in wanted for digest in digests}):
        if not row.reused:
            makers[row.sha256 or ""].append(row)
    again = {row.execution for row in index.replays.of(row.execution for rows in makers.values() for row in rows)}
    return {digest: [row for row in rows if row.execution not in again] or rows for digest, rows in makers.items()}
