"""Questions to the index. Every answer is a frozen value or a list of them; nothing here writes but the cache.

The index says what entries say; it is not evidence itself. `Ledger.check_index` compares it with the entries, and the
verifier those with the signatures.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Select, and_, bindparam, delete, func, insert, or_, select, type_coerce
from sqlalchemy.sql import ColumnElement

from ..canonical import statement_bytes
from ..errors import NotFound
from ..model import Entry, FileRef, ModelRef, PromptVersion, Relation
from ..record.body import utf8
from . import links, queries, tables
from .attestations import Attestations
from .authored import Authored
from .columns import Bytes, as_bytes
from .decisions import Decisions
from .engine import Database
from .envelopes import Envelopes
from .filters import RunFilter, matching
from .looks import MAX_DISTANCE, Looks
from .names import id_ranges, unpack
from .replays import Replays
from .rows import (
    AssetRow,
    Counts,
    EdgeRow,
    ExecutionRow,
    GapRow,
    IntentRow,
    ModelFile,
    ModelRow,
    OutputRow,
    PromptRow,
    RunFacts,
    SearchHit,
    SessionRow,
)
from .search import Search
from .values import fold

__all__ = ["MAX_DISTANCE", "ExecutionRow", "Index"]

_T = TypeVar("_T")

_CHUNK = 500  # values in one IN list; SQLite allows 32,766
_PAGE = 500


class Index:
    """Queries over one ledger. Thread-safe. All raise StorageError when the database refuses."""

    def __init__(self, database: Database, writer: int) -> None:
        self._database = database
        self._writer = writer
        self._search, self._looks = Search(database), Looks(database)
        self.decisions = Decisions(database)
        self.authored = Authored(database)
        self.attestations = Attestations(database, writer)
        self.replays = Replays(database)
        self._has_execution = database.statement(queries.HAS_EXECUTION)
        self._model_version = database.statement(queries.MODEL_VERSION)

    # runs

    def has_execution(self, execution: str) -> bool:
        """Whether a run has exactly this id. Asked for every run: costs a tenth of `execution`."""
        return self._database.look_up(self._has_execution, {"execution": execution}) is not None

    def execution(self, execution: str) -> ExecutionRow | None:
        """The run with exactly this id."""
        found = self._rows(queries.EXECUTIONS.where(tables.executions.c.id == execution))
        return queries.execution(found[0]) if found else None

    def executions(self, ids: Iterable[str]) -> list[ExecutionRow]:
        """The runs with these ids, in no order; unknown ids are left out."""
        return [queries.execution(row) for row in self._among(queries.EXECUTIONS, tables.executions.c.id, ids)]

    def run_facts(self, *executions: str) -> list[RunFacts]:
        """What can be told of these runs in one line, in no order; unknown ids are left out."""
        return [queries.run_facts(row) for row in self._among(queries.RUN_FACTS, tables.executions.c.id, executions)]

    def resolve_execution(self, prefix: str, limit: int = 10) -> list[str]:
        """Ids that begin with `prefix`, in order, at most `limit`."""
        if not prefix:
            return []
        column = tables.executions.c.id
        stored = type_coerce(column, Bytes())
        within = or_(*(and_(stored >= low, stored < high) for low, high in id_ranges(prefix)))
        ids: list[str] = []
        with self._database.read() as connection:
            for (name,) in connection.execute(select(column).where(within).order_by(stored)):
                if name.startswith(prefix):
                    ids.append(name)
                if len(ids) == limit:
                    break
        return sorted(ids)

    def page(self, limit: int, before: int | None = None, wanted: RunFilter | None = None) -> list[ExecutionRow]:
        """Newest runs first, those wanted only; `before` is the ordinal of the last run of the page before."""
        seq = tables.executions.c.seq
        query = queries.EXECUTIONS.order_by(seq.desc()).limit(limit)
        if wanted is not None:
            found = matching(wanted).order_by(seq.desc()).limit(limit)
            query = query.where(seq.in_(found if before is None else found.where(seq < before)))
        return [queries.execution(row) for row in self._rows(query if before is None else query.where(seq < before))]

    def iterate(self) -> Iterator[ExecutionRow]:
        """All runs, oldest first, in bounded memory."""
        seq, after = tables.executions.c.seq, -1
        while rows := self._rows(queries.EXECUTIONS.where(seq > after).order_by(seq).limit(_PAGE)):
            yield from map(queries.execution, rows)
            after = rows[-1].seq

    def children(self, execution: str) -> list[ExecutionRow]:
        """Runs whose parent is this one, oldest first."""
        runs = tables.executions.c
        return [
            queries.execution(row)
            for row in self._rows(queries.EXECUTIONS.where(runs.parent == execution).order_by(runs.seq))
        ]

    def open_executions(self) -> list[ExecutionRow]:
        """Runs without a completion, oldest first."""
        runs = tables.executions.c
        query = queries.EXECUTIONS.where(runs.id.in_(select(tables.open_runs.c.execution))).order_by(runs.seq)
        return [queries.execution(row) for row in self._rows(query)]

    def executions_with_prompt_id(self, prompt_id: str) -> int:
        """How many runs came with this id of ComfyUI's."""
        runs = tables.executions.c
        named_after = and_(runs.id == prompt_id, runs.prompt_id.is_(None))
        return int(self._scalar(select(func.count()).where(or_(runs.prompt_id == prompt_id, named_after))))

    # what runs made and took

    def outputs(self, *executions: str) -> list[OutputRow]:
        """Outputs of these runs, in the order of the record."""
        rows = self._among(queries.OUTPUTS, tables.endings.c.execution, executions)
        return [queries.output(row) for row in _in_order(rows)]

    def outputs_by_digest(self, *digests: str) -> list[OutputRow]:
        """Outputs with these bytes, oldest first."""
        rows = self._among(queries.OUTPUTS, tables.outputs.c.sha256, digests)
        return [queries.output(row) for row in _in_order(rows)]

    def with_thumbnail(self, digests: Iterable[str]) -> set[str]:
        """Those of the digests that are of outputs with a small picture."""
        columns = tables.outputs.c
        query = select(columns.sha256).where(columns.thumbnail.is_not(None)).distinct()
        return {str(row.sha256) for row in self._among(query, columns.sha256, digests)}

    def outputs_by_pixels(self, pixels: str) -> list[OutputRow]:
        """Outputs with these decoded pixels, oldest first."""
        rows = self._rows(queries.OUTPUTS.where(tables.outputs.c.pixels == pixels))
        return [queries.output(row) for row in _in_order(rows)]

    def outputs_by_perceptual(self, perceptual: str, max_distance: int) -> list[tuple[OutputRow, int]]:
        """Outputs whose perceptual hash differs in at most `max_distance` bits, nearest first, then oldest.

        Exact up to 15 bits. Raises InputError beyond that, and for what is no 16-digit hash.
        """
        with self._database.read() as connection:
            alike = self._looks.alike(connection, perceptual, max_distance)
        rows = self._among(queries.OUTPUTS, tables.outputs.c.seq, [seq for seq, _ in alike])
        found = [
            (queries.output(row), alike[row.seq, row.item]) for row in _in_order(rows) if (row.seq, row.item) in alike
        ]
        return sorted(found, key=lambda pair: pair[1])

    def latest_output_at(self, file: FileRef) -> OutputRow | None:
        """The newest output that was written under this name."""
        columns = tables.outputs.c
        here = (columns.filename == file.filename, columns.subfolder == file.subfolder, columns.type == file.type)
        found = self._rows(queries.OUTPUTS.where(*here).order_by(columns.seq.desc(), columns.item.desc()).limit(1))
        return queries.output(found[0]) if found else None

    def assets(self, *executions: str) -> list[AssetRow]:
        """Files that these runs loaded, in the order of the record."""
        rows = self._among(queries.ASSETS, tables.endings.c.execution, executions)
        return [queries.asset(row) for row in _in_order(rows)]

    def assets_by_digest(self, *digests: str) -> list[AssetRow]:
        """Uses of files with these bytes, oldest first."""
        rows = self._among(queries.ASSETS, tables.assets.c.sha256, digests)
        return [queries.asset(row) for row in _in_order(rows)]

    def prompts(self, *executions: str) -> list[PromptRow]:
        """Prompt versions of these runs, in the order of the record."""
        rows = self._among(queries.PROMPTS, tables.endings.c.execution, executions)
        return [queries.prompt(row) for row in _in_order(rows)]

    def prompt_versions(self, execution: str) -> tuple[PromptVersion, ...]:
        """Prompt versions of one run as the record's own values."""
        return tuple(
            PromptVersion(row.node, row.input, row.class_type, row.role, row.source, row.text)
            for row in self.prompts(execution)
        )

    def models(self, *executions: str) -> list[ModelRow]:
        """Model files that these runs named, with hashes that came later filled in."""
        rows = self._among(queries.MODELS, tables.endings.c.execution, executions)
        return [queries.model(row) for row in _in_order(rows)]

    def model_sha(self, folder: str, name: str, size: int, mtime_ns: int) -> str | None:
        """SHA-256 of this version of a model file, when it was fingerprinted."""
        version = {"folder": folder, "name": name, "size": size, "mtime_ns": mtime_ns}
        found = self._database.look_up(self._model_version, version)
        return None if found is None else unpack(as_bytes(found[0]))

    def known_model(self, reference: ModelRef) -> ModelRef:
        """The same reference with its hash filled in, when this version of the file was fingerprinted."""
        if reference.size is None or reference.mtime_ns is None:
            return reference
        sha256 = self.model_sha(reference.folder, reference.name, reference.size, reference.mtime_ns)
        return reference if sha256 is None else replace(reference, sha256=sha256)

    def model_files(self, *digests: str) -> list[ModelFile]:
        """Fingerprinted model files with these digests."""
        columns = tables.model_files.c
        query = select(columns.folder, columns.name, columns.size, columns.mtime_ns, columns.sha256)
        return [ModelFile(*row) for row in self._among(query, columns.sha256, digests)]

    # edges

    def edges_from(self, *refs: str) -> list[EdgeRow]:
        """Links from these things to older ones, in the order they were recorded."""
        found = [row for chunk in _chunks(refs) for row in self._rows(links.EDGES_FROM, links.starts(chunk))]
        return [queries.edge(row) for row in _in_order(found)]

    def edges_of(self, *executions: str, relations: Iterable[Relation] | None = None) -> list[EdgeRow]:
        """Links that the entries of these runs state, and what later entries state about them (model fingerprints).

        relations: only these, when given. In the order they were recorded.
        """
        rows: dict[tuple[int, int], Any] = {}
        query, asked = links.EDGES_OF, {}
        if relations is not None:
            query, asked = links.SOME_EDGES_OF, {"relations": [each.value for each in relations]}
        for chunk in _chunks(executions):
            found = self._rows(query, {**links.about(chunk), **asked})
            rows.update(((row.seq, row.item), row) for row in found)
        return [queries.edge(row) for row in _in_order(rows.values())]

    def reachable(self, relation: Relation, *refs: str) -> list[EdgeRow]:
        """All links of one relation that can be walked from these things, however far, each once. Cycles are fine."""
        rows: dict[tuple[int, int], Any] = {}
        for chunk in _chunks(refs):
            found = self._rows(links.REACHABLE, {"relation": relation.value, **links.starts(chunk)})
            rows.update(((row.seq, row.item), row) for row in found)
        return [queries.edge(row) for row in _in_order(rows.values())]

    # entries and the writer

    def entry(self, index: int) -> Entry:
        """The entry at this index. Raises NotFound."""
        columns = tables.entries.c
        query = queries.ENTRIES.where(columns.writer == self._writer, columns.number == index)
        found = self._entries(query)
        if not found:
            raise NotFound(f"no entry {index} in this ledger")
        return found[0]

    def entries_of(self, execution: str) -> list[Entry]:
        """Entries that speak of this run, in order."""
        decided = select(tables.decisions.c.seq).where(tables.decisions.c.execution == execution)
        mine = or_(*(tables.entries.c.seq.in_(each) for each in (links.seqs_about([execution]), decided)))
        return self._entries(queries.ENTRIES.where(mine).order_by(tables.entries.c.seq))

    def latest_checkpoint(self) -> bytes:
        """The newest signed tree head."""
        return as_bytes(self._scalar(select(tables.writers.c.checkpoint).where(tables.writers.c.id == self._writer)))

    def public_key(self) -> str:
        """The writer's public key as stored, PEM."""
        return str(self._scalar(select(tables.writers.c.public_key).where(tables.writers.c.id == self._writer)))

    def counts(self) -> Counts:
        """How much there is. Reads one small index per number."""
        size = self._scalar(select(tables.writers.c.size).where(tables.writers.c.id == self._writer))
        counted = (tables.executions, tables.open_runs, tables.outputs, tables.gaps)
        numbers = (int(self._scalar(select(func.count()).select_from(table))) for table in counted)
        return Counts(int(size), *numbers)

    # words

    def search(self, text: str, limit: int = 50) -> list[SearchHit]:
        """Prompt texts and intents that contain `text`; case and width do not matter. Newest first."""
        wanted = fold(text)
        if not wanted:
            return []
        with self._database.read() as connection:
            return self._search.hits(connection, wanted, limit)

    def intents(self, execution: str | None = None) -> list[IntentRow]:
        """All intents, or those first carried by one run, oldest first."""
        query = queries.INTENTS.order_by(tables.intents.c.seq)
        mine = query if execution is None else query.where(tables.intents.c.execution == execution)
        return [IntentRow(*row) for row in self._rows(mine)]

    def has_intent(self, text: str, title: str | None) -> bool:
        """Whether this idea was recorded before, word for word."""
        columns, named = tables.intents.c, None if title is None else utf8(title)
        same = (columns.text == utf8(text), columns.title.is_not_distinct_from(named))
        query = select(columns.seq).where(*same).limit(1)
        return bool(self._rows(query))

    def sessions(self, session: str | None = None) -> list[SessionRow]:
        """Events of all sessions, or of one, oldest first."""
        query = queries.SESSIONS.order_by(tables.sessions.c.seq)
        mine = query if session is None else query.where(tables.sessions.c.session == session)
        return [SessionRow(*row) for row in self._rows(mine)]

    def environment_of(self, execution: ExecutionRow) -> str | None:
        """Digest of the newest survey of the machine in that run's session, made before the run if there is one."""
        columns = tables.sessions.c
        mine = select(columns.environment, columns.seq).where(
            columns.session == execution.session, columns.environment.is_not(None)
        )
        surveys = self._rows(mine.order_by(columns.seq))
        before = [row for row in surveys if row.seq < execution.ordinal]
        chosen = before[-1:] or surveys[:1]
        return str(chosen[0].environment) if chosen else None

    def gaps(self) -> list[GapRow]:
        """All gaps, oldest first."""
        return [GapRow(*row) for row in self._rows(queries.GAPS.order_by(tables.gaps.c.seq))]

    # cache

    def summaries(self, executions: Iterable[str]) -> dict[str, list[str]]:
        """Stored summaries of what changed, for those runs that have one."""
        columns = tables.summaries.c
        rows = self._among(select(columns.execution, columns.changes), columns.execution, executions)
        return {str(row.execution): json.loads(row.changes) for row in rows}

    def put_summaries(self, changes: dict[str, Sequence[str]]) -> None:
        """Remember summaries. A cache: lost at a rebuild, never signed. Raises InputError when opened read-only."""
        rows = [{"execution": key, "changes": statement_bytes(list(each)).decode()} for key, each in changes.items()]
        if rows:
            with self._database.write() as connection:
                for row in rows:
                    connection.execute(delete(tables.summaries).where(tables.summaries.c.execution == row["execution"]))
                connection.execute(insert(tables.summaries), rows)

    def _rows(self, query: Any, values: dict[str, Any] | None = None) -> Sequence[Any]:
        with self._database.read() as connection:
            return connection.execute(query, values).all()

    def _entries(self, query: Any) -> list[Entry]:
        with self._database.read() as connection:
            envelopes = Envelopes(connection)
            return [queries.entry(row, envelopes) for row in connection.execute(query).all()]

    def _scalar(self, query: Any) -> Any:
        with self._database.read() as connection:
            return connection.execute(query).scalar()

    def _among(self, query: Select[Any], column: ColumnElement[Any], values: Iterable[Any]) -> list[Any]:
        """Rows whose column is one of the values, in as few queries as the database allows."""
        within = _within(query, column)
        return [row for chunk in _chunks(values) for row in self._rows(within, {"values": chunk})]


@lru_cache(maxsize=64)
def _within(query: Select[Any], column: ColumnElement[Any]) -> Select[Any]:
    """Made once for each of the queries that are constants: SQLAlchemy is slow to make one."""
    return query.where(column.in_(bindparam("values", expanding=True)))


def _chunks(values: Iterable[_T]) -> Iterator[list[_T]]:
    remaining = iter(dict.fromkeys(values))
    while chunk := list(itertools.islice(remaining, _CHUNK)):
        yield chunk


def _in_order(rows: Iterable[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: (row.seq, row.item))
