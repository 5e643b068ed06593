"""Writes the index, and rebuilds it from the entries.

Appending and rebuilding differ in one thing: an append refuses a row that clashes with an older entry (an execution
submitted or ended twice), a rebuild keeps the older row, and `index_check` then names what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from ..errors import InputError, IntegrityError
from . import record_check, tables
from .copies import strays
from .engine import Clash, Database, Statement
from .envelopes import Envelopes, Patterns, unused_patterns
from .index_rows import Rows, read_statement, rows_of
from .index_rows import Statement as Said
from .lists import Lists
from .object_files import ObjectFiles

BATCH = 500  # entries held in memory at a time
BEFORE_ALL = -(2**62)

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
        self._lists = Lists(database)
        self._keeping = {table.name: database.insert_new(table) for table in tables.INDEX_TABLES}
        self._insert = {table.name: database.statement(insert(table)) for table in tables.INDEX_TABLES}
        open_runs = tables.open_runs
        self._open_run = database.insert_new(open_runs)
        self._close_run = database.statement(delete(open_runs).where(open_runs.c.execution == bindparam("execution")))

    def forget(self) -> None:
        """A transaction was undone, or somebody else may have rebuilt the index: what was written may be gone."""
        self._lists.forget()

    def add(self, connection: Connection, seq: int, said: Said) -> None:
        """Write the rows of a new entry inside its transaction.

        Raises InputError when the entry repeats what may be said only once.
        """
        try:
            self._write(connection, self._lists.named(connection, rows_of(seq, said)), self._insert)
        except Clash as error:
            raise InputError("this execution is already recorded in the ledger") from error

    def keep(self, connection: Connection, entries: Iterable[Rows]) -> int:
        """Write the rows of many entries, in order; rows that are already there stay. Gives how many were meant."""
        gathered: Rows = {}
        for rows in entries:
            for table, made in self._lists.named(connection, rows).items():
                gathered.setdefault(table, []).extend(made)
        self._write(connection, gathered, self._keeping)
        return sum(map(len, gathered.values()))

    def _write(self, connection: Connection, rows: Rows, statements: dict[str, Statement]) -> None:
        for table, made in rows.items():
            statements[table].run_many(connection, made)
        for row in rows.get("executions", ()):
            self._open_run.run(connection, {"execution": row["id"]})
        for row in rows.get("endings", ()):
            self._close_run.run(connection, row)

    def rebuild(self, files: ObjectFiles, progress: Progress | None = None) -> Rebuilt:
        """Empty the index and fill it again, in one transaction. Readers see the old one meanwhile."""
        with self._database.write() as connection:
            for table in (*tables.INDEX_TABLES, *tables.SHARED_TABLES, *tables.DERIVED_TABLES, tables.summaries):
                connection.execute(delete(table))
            repaired = record_check.repair(connection)
            unused = unused_patterns(connection)
            connection.execute(delete(tables.patterns).where(tables.patterns.c.seq.in_(unused)))
            rebuilt = self.fill(connection, progress)
            stray = strays(connection, files)
            connection.execute(delete(tables.objects).where(tables.objects.c.id.in_(stray)))
            return replace(rebuilt, repaired=repaired + len(unused) + len(stray))

    def fill(self, connection: Connection, progress: Progress | None = None) -> Rebuilt:
        """Write the rows of all entries into an empty index, inside the caller's transaction."""
        self.forget()
        written = unreadable = done = 0
        total = count(connection)
        envelopes, patterns = Envelopes(connection), Patterns(self._database)
        for batch in batches(connection):
            found = []
            for seq, stored in batch:
                try:
                    found.append(rows_of(seq, read_statement(envelopes.payload(stored))))
                except IntegrityError:
                    unreadable += 1
            patterns.renew(connection, batch)
            written += self.keep(connection, found)
            done += len(batch)
            if progress is not None:
                progress(done, total)
        return Rebuilt(done, written, unreadable)


def batches(connection: Connection) -> Iterator[list[tuple[int, bytes]]]:
    """All entries, (seq, stored form), in order, `BATCH` at a time."""
    columns = tables.entries.c
    query = (
        select(columns.seq, columns.envelope).where(columns.seq > bindparam("after")).order_by(columns.seq).limit(BATCH)
    )
    after = BEFORE_ALL
    while batch := [(int(row.seq), row.envelope) for row in connection.execute(query, {"after": after})]:
        yield batch
        after = batch[-1][0]


def count(connection: Connection) -> int:
    """How many entries there are."""
    return connection.execute(select(func.count()).select_from(tables.entries)).scalar_one()
