"""A ledger on disk: one writer's signed, append-only entries, their objects, and the index made from them.

`<root>/ledger.sqlite3` holds entries, index and small objects, `<root>/objects/` the large ones. The signing key lives
elsewhere. An append is one transaction, durable when it returns: entry, tree, signed checkpoint, objects and index rows
are all there or none is. Processes that append to one ledger take turns in the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from ..config import DATABASE_NAME
from ..errors import InputError, IntegrityError, NotALedger, StorageError
from ..model import Entry, Finding, Json, Kind
from ..record import schema
from ..seal import checkpoint, dsse
from ..seal.keys import PublicKey, Signer, public_from_pem
from ..seal.merkle import Frontier, leaf_hash
from . import index_check, migrations, tables
from .columns import as_bytes
from .copies import Copies
from .engine import Database
from .envelopes import Patterns, Stored
from .index import Index
from .index_rows import read_statement
from .index_write import IndexWriter, Progress, Rebuilt
from .object_files import ObjectFiles
from .objects import Objects, Prepared
from .reading import LedgerReader
from .usage import Usage, measure

OBJECTS_NAME = "objects"


@dataclass(frozen=True, slots=True)
class Binding:
    """The place an entry is about to take: the log's name, its index, hex root of the tree over all entries before."""

    origin: str
    index: int
    root: str


@dataclass(frozen=True, slots=True)
class _Head:
    """The log's name, its tree, and the tree's root."""

    origin: str
    frontier: Frontier
    root: bytes


@dataclass(frozen=True, slots=True)
class _Appended:
    """What an append leaves to remember once it is committed."""

    entry: Entry
    seq: int
    head: _Head
    sealed: dsse.Unverified
    stored: Stored


Subject = Sequence[dict[str, Json]]
Predicate = dict[str, Json]
Build = Callable[[Binding], tuple[Subject, Predicate]]
Validate = Callable[[str, Json], None]


class Ledger:
    """One open ledger. Thread-safe. Close it when done; nothing is lost if the process dies without closing."""

    def __init__(self, root: Path, database: Database, writer: int, signer: Signer | None, validate: Validate) -> None:
        """For `create` and `open`; everybody else calls those."""
        self.root = root
        self._database = database
        self._writer = writer
        self._signer = signer
        self._validate = validate
        self.objects = Objects(database, root / OBJECTS_NAME)
        self._files = ObjectFiles(root / OBJECTS_NAME)
        self.copies = Copies(database, self._files)
        self.index = Index(database, writer)
        self._index_writer = IndexWriter(database)
        self._patterns = Patterns(database)
        self._known: _Head | None = None  # as this process last left it
        columns = tables.writers.c
        self._state = database.statement(
            select(columns.origin, columns.size, columns.frontier, columns.checkpoint)
            .where(columns.id == bindparam("id"))
            .with_for_update()
        )
        self._advance = database.statement(
            update(tables.writers)
            .where(columns.id == bindparam("writer_id"))
            .values(size=bindparam("size"), frontier=bindparam("frontier"), checkpoint=bindparam("checkpoint"))
        )
        self._insert_entry = database.statement(
            insert(tables.entries)
            .values({name: bindparam(name) for name in ("writer", "number", "kind", "leaf", "envelope")})
            .returning(tables.entries.c.seq)
        )

    @classmethod
    def create(cls, root: Path, signer: Signer, genesis: Build, *, validate: Validate = schema.validate) -> Ledger:
        """Make a ledger in a folder that has none (the folder may exist) and write its genesis as entry 0.

        The log's name is `checkpoint.origin_of` the key. Raises InputError when there is a ledger already, StorageError
        when the disk refuses, and what `append` raises; then there is none.
        """
        try:
            root.mkdir(parents=True, exist_ok=True)
            (root / OBJECTS_NAME).mkdir(exist_ok=True)
        except OSError as error:
            raise StorageError(f"the ledger's folder cannot be made: {error.strerror or error}") from error
        database = Database(root / DATABASE_NAME, create=True)
        with _closed_on_error(database), database.write() as connection:
            migrations.create(connection)
            origin, empty = checkpoint.origin_of(signer.public), Frontier()
            first = {
                "origin": origin,
                "public_key": signer.public.pem,
                "size": 0,
                "frontier": empty.to_bytes(),
                "checkpoint": checkpoint.sign(origin, 0, empty.root, signer),
            }
            writer = connection.execute(
                insert(tables.writers).values(first).returning(tables.writers.c.id)
            ).scalar_one()
            ledger = cls(root, database, writer, signer, validate)
            appended = ledger._append_in(connection, signer, Kind.GENESIS, genesis, ())
        ledger._known = appended.head
        return ledger

    @classmethod
    def open(
        cls,
        root: Path,
        signer: Signer | None = None,
        *,
        read_only: bool = False,
        validate: Validate = schema.validate,
    ) -> Ledger:
        """Open an existing ledger; an older format is upgraded, unless read-only.

        signer: the key that appends; it must be the one the ledger was made with. Without it nothing can be appended.
        Raises NotALedger, NewerFormat, InputError (another key; an older format opened read-only), StorageError
        (locked, damaged, unreadable). Signatures and entries are not verified here.
        """
        path = root / DATABASE_NAME
        if not path.is_file():
            raise NotALedger(f"no ledger in {root}")
        database = Database(path, read_only=read_only)
        with _closed_on_error(database):
            with database.read() as connection:
                current = migrations.check(connection)
                rows = connection.execute(select(tables.writers.c.id, tables.writers.c.public_key)).all()
            ledger = cls(root, database, _own(rows, signer), signer, validate)
            if not current:
                ledger._upgrade()
        return ledger

    @staticmethod
    def is_vacant(root: Path) -> bool:
        """Whether a ledger can begin in a folder: there is no database, or one to which nothing was ever written."""
        path = root / DATABASE_NAME
        if not path.exists():
            return True
        database = Database(path, read_only=True)
        with _closed_on_error(database), database.read() as connection:
            vacant = migrations.is_vacant(connection)
        database.close()
        return vacant

    def append(self, kind: Kind, build: Build, *, objects: Sequence[tuple[bytes, str] | Prepared] = ()) -> Entry:
        """Add one entry, durable when this returns.

        build: called inside the transaction with the entry's place; returns subject and predicate, to which `log` is
        added. It must not write to the ledger. Whatever it raises undoes everything. objects: (bytes, media type) or
        what `Objects.prepare` gave; they are stored together with the entry.

        Raises SchemaError when the predicate does not validate, InputError for a repeated execution or a ledger
        opened without a key, IntegrityError when the database's tree is not the one this writer signed,
        StorageError when the disk or the database refuses.
        """
        signer = self._signer
        if signer is None:
            raise InputError("the ledger was opened without its key: nothing can be added")
        prepared = [each if isinstance(each, Prepared) else self.objects.prepare(*each) for each in objects]
        try:
            with self._database.write() as connection:
                appended = self._append_in(connection, signer, kind, build, prepared)
        except BaseException:
            self._index_writer.forget()
            raise
        self._known = appended.head
        self._patterns.remember(kind, appended.seq, appended.sealed, appended.stored)
        self.objects.remember(prepared)
        return appended.entry

    def _append_in(
        self, connection: Connection, signer: Signer, kind: Kind, build: Build, prepared: Sequence[Prepared]
    ) -> _Appended:
        head = self._read_head(connection, signer)
        origin, frontier = head.origin, head.frontier
        binding = Binding(origin, frontier.size, head.root.hex())
        subject, body = build(binding)
        log = {"origin": binding.origin, "index": binding.index, "root": binding.root}
        payload = dsse.statement(subject, schema.predicate_type(kind), {**body, "log": log})
        said = read_statement(payload, own=True)  # checked and indexed is what is signed, not what was passed in
        self._validate(schema.predicate_type(kind), said.predicate)
        sealed = dsse.sign(payload, signer)
        envelope = dsse.write(sealed)
        leaf = leaf_hash(envelope)
        self.objects.insert(connection, prepared)
        stored = self._patterns.packed(kind, sealed)
        values = {"number": binding.index, "kind": kind.value, "leaf": leaf, "envelope": stored.data}
        seq = _present(self._insert_entry.row(connection, {"writer": self._writer, **values}))[0]
        if stored.pattern:
            self._patterns.insert(connection, seq, sealed)
        self._index_writer.add(connection, seq, said)
        after = frontier.append(leaf)
        reached = _Head(origin, after, after.root)
        note = checkpoint.sign(origin, after.size, reached.root, signer)
        tree = {"size": after.size, "frontier": after.to_bytes(), "checkpoint": note}
        self._advance.run(connection, {"writer_id": self._writer, **tree})
        return _Appended(Entry(binding.index, kind.value, leaf.hex(), envelope), seq, reached, sealed, stored)

    def _read_head(self, connection: Connection, signer: Signer) -> _Head:
        """The tree to append to. It must be the one that this process left, or one that this key signed and that is
        longer: a database that was changed, or put back to an older copy, is not built upon."""
        known = self._known
        if not self._database.changed_by_others(connection) and known is not None:
            return known
        self._index_writer.forget()
        origin, size, stored, note = _present(self._state.row(connection, {"id": self._writer}))
        frontier = Frontier.from_bytes(as_bytes(stored))
        if known is not None and frontier == known.frontier and size == frontier.size:
            return known
        head = checkpoint.open(as_bytes(note), signer.public, origin)
        if (head.size, head.root) != (frontier.size, frontier.root) or size != frontier.size:
            raise IntegrityError("the ledger's tree is not the one its last checkpoint signs: run verify")
        if known is not None and frontier.size <= known.frontier.size:
            raise IntegrityError("the ledger is older than what this process has written: it was put back or replaced")
        self._known = _Head(origin, frontier, head.root)  # committed by others: it stands if this append fails too
        return self._known

    def note_of(self, tree: Frontier) -> bytes:
        """The checkpoint of a tree that this ledger has, or had: signed now, byte for byte what was signed then (RFC
        8032 signatures are deterministic). Raises InputError for a ledger opened without its key."""
        if self._signer is None:
            raise InputError("the ledger was opened without its key: nothing can be signed")
        return checkpoint.sign(checkpoint.origin_of(self._signer.public), tree.size, tree.root, self._signer)

    def reader(self) -> LedgerReader:
        """What `verify.verifier` needs to check this ledger. Reads only."""
        return LedgerReader(self._database, self._writer, self.objects)

    @property
    def public(self) -> PublicKey:
        """The key that the ledger was made with, as stored beside the entries. Compare it with one you trust."""
        return public_from_pem(self.index.public_key())

    @property
    def is_writable(self) -> bool:
        """Whether the database was opened for writing. Appending needs the key too."""
        return not self._database.read_only

    def problem(self) -> str | None:
        """Why nothing that is appended now would be kept, in one line; asks the file system, nothing else."""
        return self._database.problem()

    def usage(self) -> Usage:
        """How much room the ledger takes, and for what. Takes seconds for a large one. Raises StorageError."""
        return measure(self._database, self.root)

    def rebuild_index(self, progress: Progress | None = None) -> Rebuilt:
        """Drop the index and make it again from the entries. Raises InputError when opened read-only."""
        return self._index_writer.rebuild(self._files, progress)

    def check_index(self, progress: Progress | None = None) -> Iterator[Finding]:
        """Compare each index row with what its entry gives; yield what differs. Entries are not verified here."""
        return index_check.check(self._database, self._files, progress)

    def close(self) -> None:
        """Close the database. The ledger is not usable afterwards."""
        self._database.close()

    def _upgrade(self) -> None:
        if self._database.read_only:
            raise InputError("the ledger has an older format; open it once for writing to bring it up to date")
        with self._database.write() as connection:
            migrations.upgrade(connection)
            self._index_writer.fill(connection)


def _present(row: tuple[Any, ...] | None) -> tuple[Any, ...]:
    if row is None:
        raise IntegrityError("the ledger has lost its writer's row: run verify")
    return row


def _own(rows: Sequence[Any], signer: Signer | None) -> int:
    """The writer that a signer is; without a signer, the first. Raises InputError for a key of another ledger."""
    if not rows:
        raise NotALedger("the database holds no ledger")
    if signer is None:
        return min(int(row.id) for row in rows)
    for row in rows:
        if public_from_pem(row.public_key) == signer.public:
            return int(row.id)
    raise InputError(f"the ledger was made with another key than {signer.public.writer_id}")


@contextmanager
def _closed_on_error(database: Database) -> Iterator[None]:
    try:
        yield
    except BaseException:
        database.close()
        raise
