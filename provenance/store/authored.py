"""Questions about what the author brought in: imports and screen recordings. Part of the index, which hands it out."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, bindparam, or_, select
from sqlalchemy.sql import ColumnElement

from ..model import Basis
from . import tables
from .engine import Database

_CHUNK = 500
_file, _source, _step, _entry = tables.imports.c, tables.import_sources.c, tables.recordings.c, tables.entries.c

_IMPORTS = select(_entry.number, *_file).select_from(tables.imports.join(tables.entries, _entry.seq == _file.seq))
_SOURCES = select(*_source)
_GIVEN: Any = bindparam("values", expanding=True)
_BY_DIGEST = _IMPORTS.where(or_(_file.sha256.in_(_GIVEN), _file.project.in_(_GIVEN)))
_BY_SOURCE = _IMPORTS.where(_file.seq.in_(select(_source.seq).where(_source.output.in_(_GIVEN))))
_STEPS = select(_entry.number.label("entry"), *_step).select_from(
    tables.recordings.join(tables.entries, _entry.seq == _step.seq)
)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """What a file that was brought in was made from; `execution` is None for a file brought in earlier."""

    output: str
    execution: str | None
    basis: str
    method: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One file that was brought in. `ordinal` orders rows by arrival, as `ExecutionRow.ordinal` does.

    `project` is the SHA-256 of the project file, `claims` the form in which the file speaks of itself, `revises` the
    entry of an earlier version.
    """

    entry: int
    ordinal: int
    sha256: str
    name: str
    basis: str
    source: str
    stage: str | None
    note: str | None
    size: int | None
    media_type: str | None
    pixels: str | None
    perceptual: str | None
    thumbnail: str | None
    kept: str | None
    project: str | None
    project_name: str | None
    revises: int | None
    claims: str | None
    recorded_at: str
    sources: tuple[SourceRow, ...] = ()


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of a screen recording; `size` and `sha256` of a chunk, or of the whole at the end."""

    entry: int
    recording: str
    event: str
    session: str
    number: int | None
    offset: int | None
    size: int | None
    sha256: str | None
    media_type: str | None
    surface: str | None
    reason: str | None
    note: str | None
    recorded_at: str


class Authored:
    """Reads imports and recordings. Thread-safe; raises StorageError when the database refuses."""

    def __init__(self, database: Database) -> None:
        self._database = database
        bases = select(_file.basis).where(_file.sha256 == bindparam("digest")).order_by(_file.seq)
        self._bases = database.statement(bases)

    def imports(self, limit: int, before: int | None = None) -> list[ImportRow]:
        """Newest first; `before` is the ordinal of the last one of the page before."""
        query = _IMPORTS.order_by(_file.seq.desc()).limit(limit)
        return self._imports(query if before is None else query.where(_file.seq < before))

    def import_at(self, entry: int) -> ImportRow | None:
        """The file that this entry brought in."""
        found = self._imports(_IMPORTS.where(_entry.number == entry))
        return found[0] if found else None

    def imports_by_digest(self, *digests: str) -> list[ImportRow]:
        """Imports of files, or with project files, that have these bytes; oldest first."""
        return self._among(digests, _BY_DIGEST)

    def imports_of(self, *outputs: str) -> list[ImportRow]:
        """Files that were made from these, oldest first."""
        return self._among(outputs, _BY_SOURCE)

    def imports_named(self, name: str, source: str) -> list[ImportRow]:
        """Files of this name that came this way, oldest first."""
        return self._imports(_IMPORTS.where(_file.name == name, _file.source == source).order_by(_file.seq))

    def basis_of(self, digest: str) -> Basis | None:
        """How a file with these bytes came to be here: from before if it ever was said to be, else as said last."""
        found = [str(basis) for (basis,) in self._database.look_through(self._bases, {"digest": digest})]
        before = Basis.AFTER_THE_FACT
        return None if not found else before if before.value in found else Basis(found[-1])

    def from_before(self, digests: Iterable[str], pixels: Iterable[str] = ()) -> dict[str, int]:
        """Those of the digests, of bytes or of pixels, that are of something brought in after the fact, each with the
        ordinal of the first time."""
        found: dict[str, int] = {}
        for column, wanted in ((_file.sha256, digests), (_file.pixels, pixels)):
            for chunk in _chunks(wanted):
                query = select(column.label("digest"), _file.seq).where(
                    column.in_(chunk), _file.basis == Basis.AFTER_THE_FACT.value
                )
                with self._database.read() as connection:
                    for row in connection.execute(query):
                        found[row.digest] = min(row.seq, found.get(row.digest, row.seq))
        return found

    def recording(self, recording: str) -> list[StepRow]:
        """The steps of one recording, oldest first."""
        return self._steps(_STEPS.where(_step.recording == recording).order_by(_step.seq))

    def recordings(self) -> list[StepRow]:
        """The starts and ends of all recordings, oldest first."""
        return self._steps(_STEPS.where(_step.event != "chunk").order_by(_step.seq))

    def open_recordings(self) -> list[StepRow]:
        """Starts of recordings that have no end, oldest first."""
        ended = select(_step.recording).where(_step.event == "stop")
        return self._steps(_STEPS.where(_step.event == "start", _step.recording.not_in(ended)).order_by(_step.seq))

    def _among(self, values: Iterable[str], query: Select[Any]) -> list[ImportRow]:
        found: dict[int, ImportRow] = {}
        for chunk in _chunks(values):
            found.update((row.ordinal, row) for row in self._imports(query, {"values": chunk}))
        return [found[ordinal] for ordinal in sorted(found)]

    def _imports(self, query: Select[Any], values: dict[str, Any] | None = None) -> list[ImportRow]:
        with self._database.read() as connection:
            rows = [ImportRow(*row) for row in connection.execute(query, values)]
            sources: dict[int, list[SourceRow]] = defaultdict(list)
            for chunk in _chunks(row.ordinal for row in rows):
                wanted: ColumnElement[bool] = _source.seq.in_(chunk)
                for each in connection.execute(_SOURCES.where(wanted).order_by(_source.seq, _source.item)):
                    sources[each.seq].append(SourceRow(each.output, each.execution, each.basis, each.method))
        return [replace(row, sources=tuple(sources[row.ordinal])) for row in rows]

    def _steps(self, query: Select[Any]) -> list[StepRow]:
        with self._database.read() as connection:
            return [StepRow(row.entry, *row[2:]) for row in connection.execute(query)]


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(dict.fromkeys(values))
    while chunk := list(itertools.islice(remaining, _CHUNK)):
        yield chunk
