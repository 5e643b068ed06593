"""Writes the index, rebuilds it from the entries, and compares the two.

Appending and rebuilding differ in one thing: an append refuses a row that clashes with an older entry (an execution
submitted or ended twice), a rebuild keeps the older row, and the check then names what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, exists, func, insert, select

from ..errors import InputError, IntegrityError
from ..model import Finding
from . import record_check, tables
from .engine import Clash, Database, Statement
from .envelopes import Envelopes, Patterns, damaged_patterns, unused_patterns
from .index_rows import Rows, read_statement, rows_of
from .index_rows import Statement as Said

BATCH = 500  # entries held in memory at a time
_BEFORE_ALL = -(2**62)

Progress = Callable[[int, int], None]  # (entries done, entries in all)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild wrote. `unreadable` counts entries that gave no rows because they are damaged, `repaired` rows of
    the record whose columns did not say what the signed bytes say."""

    entries: int
    rows: int
    unreadable: int
    repaired: int = 0


class IndexWriter:
    """Prepared statements for one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        every = (*tables.INDEX_TABLES, *tables.DERIVED_TABLES)
        self._keeping: dict[str, Statement] = {table.name: database.insert_new(table) for table in every}
        self._insert = {table.name: database.statement(insert(table)) for table in tables.INDEX_TABLES}
        self._insert["texts"] = self._keeping["texts"]
        self._insert["open_runs"] = self._keeping["open_runs"]
        open_runs = tables.open_runs
        self._close_run = database.statement(delete(open_runs).where(open_runs.c.execution == bindparam("execution")))

    def add(self, connection: Connection, seq: int, said: Said) -> None:
        """Write the rows of a new entry inside its transaction.

        Raises InputError when the entry repeats what may be said only once.
        """
        try:
            self._write(connection, rows_of(seq, said), self._insert)
        except Clash as error:
            raise InputError("this execution is already recorded in the ledger") from error

    def _write(self, connection: Connection, rows: Rows, statements: dict[str, Statement]) -> None:
        for table, made in rows.items():
            statements[table].run_many(connection, made)
        for row in rows.get("executions", ()):
            self._keeping["open_runs"].run(connection, {"execution": row["id"]})
        for row in rows.get("endings", ()):
            self._close_run.run(connection, row)

    def rebuild(self, progress: Progress | None = None) -> Rebuilt:
        """Empty the index and fill it again, in one transaction. Readers see the old one meanwhile."""
        with self._database.write() as connection:
            for table in (*tables.INDEX_TABLES, *tables.DERIVED_TABLES, tables.summaries):
                connection.execute(delete(table))
            repaired = record_check.repair(connection)
            unused = unused_patterns(connection)
            connection.execute(delete(tables.patterns).where(tables.patterns.c.seq.in_(unused)))
            return replace(self.fill(connection, progress), repaired=repaired + len(unused))

    def fill(self, connection: Connection, progress: Progress | None = None) -> Rebuilt:
        """Write the rows of all entries into an empty index, inside the caller's transaction."""
        written = unreadable = done = 0
        total = _count(connection)
        envelopes, patterns = Envelopes(connection), Patterns(self._database)
        for batch in _batches(connection):
            gathered: Rows = {}
            for seq, stored in batch:
                try:
                    rows = rows_of(seq, read_statement(envelopes.payload(stored)))
                except IntegrityError:
                    unreadable += 1
                    continue
                for name, made in rows.items():
                    gathered.setdefault(name, []).extend(made)
            patterns.renew(connection, batch)
            written += sum(len(made) for name, made in gathered.items() if name != "texts")
            self._write(connection, gathered, self._keeping)
            done += len(batch)
            if progress is not None:
                progress(done, total)
        return Rebuilt(done, written, unreadable)

    def check(self, progress: Progress | None = None) -> Iterator[Finding]:
        """Compare the index with what the entries give; yield a finding for each row that differs.

        Memory stays bounded by `BATCH` entries. Signatures and the tree are not checked here. Entries that arrive
        meanwhile may or may not be looked at.
        """
        with self._database.read() as connection:
            total, done, last = _count(connection), 0, _BEFORE_ALL
            for batch in _batches(connection):
                yield from self._check_batch(connection, batch, after=last)
                last = batch[-1][0]
                done += len(batch)
                if progress is not None:
                    progress(done, total)
            yield from _beyond(connection, last)
            yield from _derived(connection)
            yield from record_check.check(connection)
            for seq in damaged_patterns(connection):
                yield _finding("changed", tables.patterns, {"seq": seq}, _number(connection, seq))

    def _check_batch(self, connection: Connection, batch: Sequence[tuple[int, bytes]], after: int) -> Iterator[Finding]:
        expected: Rows = {}
        envelopes = Envelopes(connection)
        for seq, stored in batch:
            try:
                rows = rows_of(seq, read_statement(envelopes.payload(stored)))
            except IntegrityError as error:
                yield Finding(
                    "error", "index-entry-unreadable", f"row {seq} of entries: {error}", _number(connection, seq)
                )
                continue
            for name, made in rows.items():
                expected.setdefault(name, []).extend(made)
        for table in tables.INDEX_TABLES:
            seq_column = table.c.seq
            found = connection.execute(select(table).where(seq_column > after, seq_column <= batch[-1][0]))
            there = {_key(table, row): row for row in map(dict, found.mappings())}
            for row in expected.get(table.name, ()):
                yield from _compared(connection, table, row, there.pop(_key(table, row), None))
            for row in there.values():
                yield _finding("extra", table, row, _number(connection, row["seq"]))
        yield from _check_texts(connection, expected.get("texts", []))


def _compared(
    connection: Connection, table: Table, expected: dict[str, Any], stored: dict[str, Any] | None
) -> Iterator[Finding]:
    if stored == expected:
        return
    what, where = "missing", ""
    if stored is not None:
        what, where = "changed", " in " + ", ".join(sorted(key for key in stored if stored[key] != expected[key]))
    entry = _number(connection, expected["seq"]) if "seq" in expected else None
    yield _finding(what, table, expected, entry, where)


def _check_texts(connection: Connection, expected: list[dict[str, Any]]) -> Iterator[Finding]:
    wanted = {row["id"]: row for row in expected}
    ids = list(wanted)
    stored: dict[bytes, dict[str, Any]] = {}
    for start in range(0, len(ids), BATCH):
        found = connection.execute(select(tables.texts).where(tables.texts.c.id.in_(ids[start : start + BATCH])))
        stored.update((row["id"], dict(row)) for row in found.mappings())
    for key, row in wanted.items():
        yield from _compared(connection, tables.texts, row, stored.get(key))


def _beyond(connection: Connection, last: int) -> Iterator[Finding]:
    """Rows that no entry can have given: after the last entry, or texts that no prompt has."""
    newest = connection.execute(select(tables.entries.c.seq).order_by(tables.entries.c.seq.desc()).limit(1)).scalar()
    for table in tables.INDEX_TABLES:
        outside = select(table).where(table.c.seq > max(last, newest or last))
        for row in connection.execute(outside).mappings():
            yield _finding("extra", table, dict(row), None)
    unused = select(tables.texts).where(~exists().where(tables.prompts.c.text == tables.texts.c.id))
    for row in connection.execute(unused).mappings():
        yield _finding("extra", tables.texts, dict(row), None)


def _derived(connection: Connection) -> Iterator[Finding]:
    runs, ended, marked = tables.executions, tables.endings, tables.open_runs
    is_open = ~exists().where(ended.c.execution == runs.c.id)
    unmarked = select(runs.c.id).where(is_open, ~exists().where(marked.c.execution == runs.c.id))
    for (execution,) in connection.execute(unmarked):
        yield _finding("missing", marked, {"execution": execution}, None)
    truly_open = exists().where(runs.c.id == marked.c.execution, is_open)
    for (execution,) in connection.execute(select(marked.c.execution).where(~truly_open)):
        yield _finding("extra", marked, {"execution": execution}, None)


def _batches(connection: Connection) -> Iterator[list[tuple[int, bytes]]]:
    columns = tables.entries.c
    query = (
        select(columns.seq, columns.envelope).where(columns.seq > bindparam("after")).order_by(columns.seq).limit(BATCH)
    )
    after = _BEFORE_ALL
    while batch := [(int(row.seq), row.envelope) for row in connection.execute(query, {"after": after})]:
        yield batch
        after = batch[-1][0]


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(tables.entries)).scalar_one()


def _number(connection: Connection, seq: int) -> int | None:
    return connection.execute(select(tables.entries.c.number).where(tables.entries.c.seq == seq)).scalar()


def _key(table: Table, row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)


def _finding(what: str, table: Table, row: dict[str, Any], entry: int | None, where: str = "") -> Finding:
    key = ", ".join(f"{column.name} {_shown(row[column.name])}" for column in table.primary_key if column.name in row)
    return Finding("error", f"index-row-{what}", f"index table {table.name}, {key}: row is {what}{where}", entry)


def _shown(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
