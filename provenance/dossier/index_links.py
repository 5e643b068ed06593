"""What `scope` asks, answered by a ledger's index and by what imports say. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..model import Json, Relation
from ..store.index import Index

_DIGEST = "sha256:"


class IndexLinks:
    """Answers of a ledger's index, with what imports say."""

    def __init__(self, index: Index, imports: Iterable[Mapping[str, Json]]) -> None:
        self._index = index
        self._edits: dict[str, list[str]] = {}
        for said in imports:
            self._edits.setdefault(said["file"]["sha256"], []).extend(source["output"] for source in said["of"])

    def makers(self, digest: str) -> list[str]:
        rows = self._index.outputs_by_digest(digest)
        return [row.execution for row in rows if not row.reused]

    def made(self, execution: str) -> list[str]:
        return [row.sha256 for row in self._index.outputs(execution) if row.sha256 is not None and not row.reused]

    def sources(self, digest: str) -> list[str]:
        edges = self._index.edges_from(_DIGEST + digest)
        derived = [edge.target.removeprefix(_DIGEST) for edge in edges if edge.relation == Relation.DERIVED_FROM.value]
        return [*derived, *self._edits.get(digest, ())]

    def parent(self, execution: str) -> str | None:
        run = self._index.execution(execution)
        parent = None if run is None else run.parent
        return parent if parent is not None and self._index.has_execution(parent) else None

    def children(self, execution: str) -> list[str]:
        return [child.id for child in self._index.children(execution)]
