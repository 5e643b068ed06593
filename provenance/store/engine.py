"""The one file that knows which database this is.

Everything else speaks SQLAlchemy Core and asks here for a write transaction, a read connection, a compiled insert.
SQLite runs in WAL mode with `synchronous=FULL`: a committed transaction survives a power cut. Several processes may
write one database; their transactions queue up behind the write lock for `BUSY_SECONDS`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql import Executable

from ..errors import InputError, StorageError
from . import tables
from .columns import Name

BUSY_SECONDS = 10.0
PAGE_BYTES = 1024  # an append touches some thirty trees: small pages make for a small journal
MOST_DAMAGE = 20  # lines of what the database says about its own damage
CACHE_KIB = 16_000  # pages kept by a connection: the upper levels of all trees of a ledger of a million runs
READING_CACHE_KIB = 1_000  # the same where nothing is written: what is asked for there is read once, in its order
CHECKPOINT_PAGES = 16000  # journal pages (16 MB) after which SQLite moves them into the database file

# What SQLite says, and what a person can do about it. Matched on text: error codes came only with Python 3.11.
_CAUSES = (
    ("database is locked", "another process is writing to it and did not finish in time"),
    ("database table is locked", "another process is writing to it and did not finish in time"),
    ("readonly database", "it is read-only"),
    ("disk is full", "the disk is full"),
    ("unable to open database file", "it cannot be opened; check that the folder exists and may be written"),
    ("file is not a database", "the database file is damaged or is no database"),
    ("malformed", "the database file is damaged"),
    ("no such table", "the database file is damaged: a table is missing"),
    ("no such column", "the database file is damaged: a column is missing"),
)


# Text that somebody changed into what is no UTF-8 must still be readable, to be compared and named.
_TEXT = partial(str, encoding="utf-8", errors="replace")


_T = TypeVar("_T")


class Clash(InputError):
    """A row with the same unique key is there already, or one that a key refers to is not."""


class _Gone(StorageError):
    """The files that are open are no longer those of the ledger."""


_Files = tuple["tuple[int, int] | None", ...]


def _files_of(places: Sequence[Path]) -> _Files:
    """Which files lie where the database and its journal belong: device and number, None for one that is missing."""
    found: list[tuple[int, int] | None] = []
    for place in places:
        try:
            state = place.stat()
        except OSError:
            found.append(None)
        else:
            found.append((state.st_dev, state.st_ino))
    return tuple(found)


class Statement:
    """A Core statement compiled once and run on the driver's own cursor: the way of an append, where time counts.

    Of SQLAlchemy's type processing only that of `Name` is done: pass int, float, str, bytes or None.
    Raises Clash; what else the database says becomes StorageError where the transaction was opened.
    """

    def __init__(self, engine: Engine, clause: Executable) -> None:
        compiled = clause.compile(dialect=engine.dialect)  # type: ignore[attr-defined]
        self._sql: str = str(compiled)
        self._names: tuple[str, ...] | None = tuple(compiled.positiontup) if compiled.positional else None
        self._stored: dict[str, Callable[[Any], Any]] = {
            name: bind.type.stored for name, bind in compiled.binds.items() if isinstance(bind.type, Name)
        }
        self._constants = {name: bind.value for name, bind in compiled.binds.items() if bind.value is not None}
        self._places = [
            (place, self._stored[name]) for place, name in enumerate(self._names or ()) if name in self._stored
        ]

    def run(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Execute once."""
        self._execute(connection, values).close()

    def row(self, connection: Connection, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Execute once and return the first row."""
        cursor = self._execute(connection, values)
        try:
            found: tuple[Any, ...] | None = cursor.fetchone()
        finally:
            cursor.close()
        return found

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute once and return all rows."""
        cursor = self._execute(connection, values)
        try:
            found: list[tuple[Any, ...]] = cursor.fetchall()
        finally:
            cursor.close()
        return found

    def number(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Execute an insert that gives its row's number back."""
        ((number, *_),) = filter(None, (self.row(connection, values),))
        return int(number)

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute for each row; does nothing for no rows."""
        if len(rows) == 1:
            self.run(connection, rows[0])
        elif rows:
            cursor = connection.connection.cursor()
            try:
                cursor.executemany(self._sql, [self._arguments(row) for row in rows])
            except sqlite3.IntegrityError as error:
                raise Clash(str(error)) from error
            finally:
                cursor.close()

    def _execute(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        cursor = connection.connection.cursor()
        try:
            cursor.execute(self._sql, self._arguments(values))
        except sqlite3.IntegrityError as error:
            raise Clash(str(error)) from error
        return cursor

    def _arguments(self, values: Mapping[str, Any]) -> Any:
        if self._constants:
            values = {**self._constants, **values}
        if self._names is None:
            stored = self._stored
            return {name: stored[name](value) if name in stored else value for name, value in values.items()}
        arguments = [values[name] for name in self._names]
        for place, stored_as in self._places:
            if arguments[place] is not None:
                arguments[place] = stored_as(arguments[place])
        return arguments


class Database:
    """One SQLite file. Thread-safe: one write transaction at a time, any number of readers beside it.

    Read-only databases are opened with `mode=ro`; where even SQLite's own lock files cannot be made (a folder that
    nobody may write to), the file is read as immutable. SQLite may leave its empty `-wal` and `-shm` files behind.
    """

    def __init__(self, path: Path, *, read_only: bool = False, create: bool = False) -> None:
        self.path = path
        self._places = (path, path.with_name(path.name + "-wal"))
        self.read_only = read_only
        self._create = create
        self._files: _Files | None = None  # that the writing connection has open
        self._immutable = False
        self._lock = threading.RLock()
        self._writer: Connection | None = None
        self._reading = threading.Lock()
        self._reader: Connection | None = None
        self._version: tuple[int, int] | None = None
        self._engine = create_engine("sqlite://", creator=self._connect, poolclass=QueuePool)
        _cluster(tables.metadata)
        if read_only:
            self._choose_read_mode()

    def _connect(self) -> sqlite3.Connection:
        mode = "mode=ro" if self.read_only else "mode=rwc" if self._create else "mode=rw"
        if self._immutable:
            mode += "&immutable=1"
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,  # transactions are begun here, by name, never by the driver
            check_same_thread=False,
        )
        connection.text_factory = _TEXT
        cache = READING_CACHE_KIB if self.read_only else CACHE_KIB
        pragmas = ["foreign_keys=ON", "trusted_schema=OFF", "cell_size_check=ON", f"cache_size=-{cache}"]
        if not self.read_only:
            # fullfsync is what makes fsync reach the disk on macOS; other systems ignore it
            pragmas += [f"page_size={PAGE_BYTES}", f"wal_autocheckpoint={CHECKPOINT_PAGES}"]
            pragmas += ["journal_mode=WAL", "synchronous=FULL", "fullfsync=ON", "checkpoint_fullfsync=ON"]
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()
        return connection

    def _choose_read_mode(self) -> None:
        try:
            with self.read() as connection:
                connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
        except StorageError:
            journal = self.path.with_name(self.path.name + "-wal")
            if journal.exists() and journal.stat().st_size:
                raise  # immutable would ignore what is still in the journal, and show an older ledger as the whole
            self._immutable = True
            self._engine.dispose()  # the pool keeps the connection that could not read

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for queries. Each statement sees the newest committed state. Raises StorageError."""
        with storage_errors(), self._engine.connect() as connection:
            yield connection

    def look_up(self, statement: Statement, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """First row of a query in the newest committed state, without SQLAlchemy's costs: for questions by the
        thousand. Columns come as the driver gives them. Raises StorageError."""
        return self._looked(statement.row, values)

    def look_through(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows of a query, as `look_up` gives the first."""
        return self._looked(statement.rows, values)

    def _looked(self, ask: Callable[[Connection, Mapping[str, Any]], _T], values: Mapping[str, Any]) -> _T:
        with self._reading, storage_errors():
            if self._reader is None:
                self._reader = self._engine.connect()
            try:
                return ask(self._reader, values)
            except BaseException:
                self._reader.close()
                self._reader = None
                raise

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """The write transaction: holds the database's write lock, commits on success, else rolls all back.

        Durable when it returns. Do not nest. Raises StorageError, InputError on a read-only database.
        """
        if self.read_only:
            raise InputError("the ledger was opened for reading only")
        with self._lock, storage_errors():
            if self._writer is None:
                self._writer = self._engine.connect()
            connection = self._writer
            driver = connection.connection  # an append speaks to it alone, and SQLAlchemy then knows of no transaction
            try:
                driver.cursor().execute("BEGIN IMMEDIATE")
                self._stay()
                yield connection
                connection.commit()
                driver.commit()
                self._stay()
            except BaseException as error:
                self._undo(connection, drop=isinstance(error, DBAPIError | sqlite3.Error))
                if isinstance(error, _Gone):
                    self.close()  # all begin anew; closing moves what is in a deleted journal into the database
                raise

    def _undo(self, connection: Connection, *, drop: bool) -> None:
        """Roll back; after an error of the database itself start afresh with a new connection next time."""
        try:
            connection.rollback()
            connection.connection.rollback()
        except (DBAPIError, sqlite3.Error):
            drop = True
        if drop:
            self._writer = self._version = self._files = None
            connection.invalidate()
            connection.close()

    def problem(self) -> str | None:
        """What became of the files that are being written, in one line; None while they are where they were.

        A file that is open can be deleted on most systems, and everything written to it goes nowhere.
        """
        known = self._files
        if known is None or known == _files_of(self._places):
            return None
        return (
            f"the ledger's database was deleted or replaced while it was open: put {self.path.parent} back as it was; "
            "or restart, and a new ledger begins"
        )

    def _stay(self) -> None:
        if self._files is None:
            self._files = _files_of(self._places)
        problem = self.problem()
        if problem is not None:
            raise _Gone(problem)

    def damage(self) -> list[str]:
        """What the database finds wrong with its own file: pages, trees, indexes that do not fit their tables. Reads
        all of it; at most `MOST_DAMAGE` lines."""
        with self.read() as connection:
            found = connection.exec_driver_sql(f"PRAGMA integrity_check({MOST_DAMAGE})")
            return [str(line) for (line,) in found if line != "ok"]

    def changed_by_others(self, connection: Connection) -> bool:
        """Whether anybody else wrote to the database since this was last asked. For use inside `write`."""
        cursor = connection.connection.cursor()
        (version,) = cursor.execute("PRAGMA data_version").fetchone()
        cursor.close()
        known, self._version = self._version, (id(connection), version)
        return known != self._version

    def statement(self, clause: Executable) -> Statement:
        """Compile a statement for this database. Keep it: compiling costs more than running."""
        return Statement(self._engine, clause)

    def insert_new(self, table: Table, values: Mapping[str, Any] | None = None) -> Statement:
        """Compile an insert that leaves rows alone which are already there (by any unique key). values: what to
        insert, where that is not one given value per column."""
        clause = sqlite_insert(table)
        return self.statement((clause if values is None else clause.values(values)).on_conflict_do_nothing())

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            if self._writer is not None:
                self._writer.close()
            self._writer = self._version = self._files = None
        with self._reading:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
        self._engine.dispose()


def _cluster(metadata: MetaData) -> None:
    """What makes an append write fewer pages.

    Rows of tables with a composite or non-integer key live in the key's own tree, and an index of a column that is
    mostly null holds the other rows only.
    """
    for table in metadata.tables.values():
        if table.autoincrement_column is None:
            table.dialect_options["sqlite"]["with_rowid"] = False
        for index in table.indexes:
            if index.info.get("sparse"):
                (column,) = index.columns
                index.dialect_options["sqlite"]["where"] = column.is_not(None)


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn what the database says, through SQLAlchemy or the driver, into StorageError with one clear line, and text
    that no database takes (lone surrogates) into InputError."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise InputError("this is no text: it holds half of a character") from error
    except (StatementError, sqlite3.Error) as error:
        origin = error.orig if isinstance(error, StatementError) else error
        if isinstance(origin, UnicodeEncodeError):
            raise InputError("this is no text: it holds half of a character") from error
        if not isinstance(origin, sqlite3.Error):
            raise
        said = str(origin) or "malformed"  # Python 3.10 gives no words where SQLite's are no UTF-8
        cause = next((cause for text, cause in _CAUSES if text in said), said)
        raise StorageError(f"the ledger's database refused: {cause}") from error
    except UnicodeDecodeError as error:  # the driver's, where SQLite names a table or a column that somebody damaged
        if b"malformed" not in error.object:
            raise
        raise StorageError("the ledger's database refused: the database file is damaged") from error
