"""What the ledger knows of a file that is to get a Content Credential after it was made. Reads the ledger and files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..config import SOFTWARE
from ..model import Basis, Json, Relation
from ..pipeline import finishing
from ..record import credentials, media
from ..seal import checkpoint
from ..store.ledger import Ledger
from ..store.rows import ExecutionRow

_FILE = "sha256:"


@dataclass(frozen=True, slots=True)
class Source:
    """What a credential may say. output: the file's own digest where it is a recorded output; None otherwise.
    number: the run's id, or else the beginning of the digest."""

    claim: credentials.Claim
    output: str | None
    number: str


def source_of(ledger: Ledger, digest: str, name: str, media_type: str) -> Source:
    """From the record of the run that made these bytes; of a file that the ledger does not know, nothing is claimed
    but that it was there."""
    made = [row.execution for row in ledger.index.outputs_by_digest(digest) if not row.reused]
    run = ledger.index.execution(made[0]) if made else None
    if run is None:
        return Source(credentials.Claim(name, media_type, software=SOFTWARE), None, digest[:16])
    used = dict.fromkeys(PurePosixPath(row.name).name for row in ledger.index.models(run.id) if row.size is not None)
    parents = tuple(_parents(ledger, run, digest))[: finishing.MOST_PARENTS]
    claim = credentials.Claim(name, media_type, tuple(used), parents, _record(ledger, run))
    return Source(claim, digest, run.id)


def _record(ledger: Ledger, run: ExecutionRow) -> dict[str, Json]:
    public = ledger.public
    entry = ledger.index.entry(run.submission)
    said = {"v": 1, "execution": run.id, "ledger": checkpoint.origin_of(public), "key": public.fingerprint}
    return {**said, "entry": entry.index, "leaf": entry.leaf}


def _parents(ledger: Ledger, run: ExecutionRow, digest: str) -> Iterator[credentials.Parent]:
    """The files that the run loaded on the way to this output, as far as their bytes can still be had."""
    reached = {
        edge.target.removeprefix(_FILE)
        for edge in ledger.index.edges_from(f"{_FILE}{digest}")
        if edge.relation == Relation.DERIVED_FROM.value and edge.basis == Basis.OBSERVED.value
    }
    for row in ledger.index.assets(run.id):
        if row.sha256 is None or (reached and row.sha256 not in reached):
            continue
        data = None if row.kept is None else ledger.objects.get(row.kept)
        kind = row.media_type or media.UNKNOWN
        if data is not None and len(data) <= finishing.LARGEST_PARENT and kind in credentials.SUPPORTED:
            yield credentials.Parent(PurePosixPath(row.name).name, kind, data)
