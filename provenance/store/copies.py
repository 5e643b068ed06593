"""Kept copies and thumbnails: which there are, which were let go of, and the one place where bytes of a ledger go.

What an entry requires is never a copy, whatever it was also kept as: the same bytes can be both.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select

from ..canonical import is_sha256_hex
from ..errors import IntegrityError
from ..model import FileRef, Kind
from ..verify import statements
from . import tables
from .columns import as_bytes
from .engine import Database
from .envelopes import Envelopes
from .index_rows import read_statement
from .object_files import ObjectFiles
from .objects import is_alone

_CHUNK = 400
_outputs, _assets, _objects = tables.outputs.c, tables.assets.c, tables.objects.c
_runs, _ends, _released = tables.executions.c, tables.endings.c, tables.releases.c


@dataclass(frozen=True, slots=True)
class Copy:
    """An object as one run's entry names it. role: `thumbnail`, `output` or `input`. file and sha256: what it is a copy
    or a picture of, and where that lay. size: of the object as it was kept."""

    digest: str
    role: str
    execution: str
    submitted_at: str
    file: FileRef
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Gone:
    """What a removal took away: objects, and their bytes as they were kept before compression."""

    digests: tuple[str, ...]
    bytes: int


class Copies:
    """Reads about copies, and removes them. Thread-safe; raises StorageError when the database or the disk refuses."""

    def __init__(self, database: Database, files: ObjectFiles) -> None:
        self._database = database
        self._files = files

    def newest(self) -> int:
        """The place in the order of arrival of the newest entry: what is read now may miss what comes after it."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.max(tables.entries.c.seq))).scalar() or 0)

    def kept(self) -> list[Copy]:
        """Every copy and thumbnail of a file that a run's entry names and that is here, as often as it is named.
        None that another object may be stored as a difference to."""
        with self._database.read() as connection:
            return [
                _copy(row, role, int(stored[row.digest].size))
                for row, role, stored in _copies(connection)
                if row.digest in stored and is_alone(stored[row.digest].encoding, stored[row.digest].media_type)
            ]

    def released(self) -> list[Copy]:
        """Copies that were let go of and are not here, as often as they are named."""
        with self._database.read() as connection:
            gone = _let_go(connection)
            return [
                _copy(row, role, gone[row.digest])
                for row, role, stored in _copies(connection)
                if row.digest in gone and row.digest not in stored
            ]

    def released_total(self) -> tuple[int, int]:
        """How many objects were let go of and are not here, and the bytes that they had."""
        sizes = {copy.digest: copy.size for copy in self.released()}
        return len(sizes), sum(sizes.values())

    def release_of(self, digest: str) -> tuple[int, str] | None:
        """The entry by which an object was let go of last, and the reason; None when it was not, or is kept again."""
        newest = (
            select(tables.entries.c.number, _released.event, _released.reason)
            .select_from(tables.releases.join(tables.entries, tables.entries.c.seq == _released.seq))
            .where(_released.digest == digest)
            .order_by(_released.seq.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(newest).first()
        return (int(row.number), str(row.reason)) if row is not None and row.event == "release" else None

    def protected(self) -> set[str]:
        """Digests of objects that entries name as more than a copy of a run's file: documents, observations, surveys,
        masks, what the author brought in or filmed, proofs of time. Raises IntegrityError for an entry that cannot be
        read: nobody knows what it names."""
        with self._database.read() as connection:
            return _protected(connection, 0)

    def remove(self, digests: Collection[str], *, surveyed: int) -> Gone:
        """Take the bytes of released objects away. The release must be durable before.

        surveyed: `newest()` as it was before the objects were chosen. Nothing goes while a run is open, and nothing
        that an entry written since then names: it stays, and the next cleaning takes it. Returns what is gone.
        """
        with self._database.write() as connection:
            if connection.execute(select(tables.open_runs.c.execution).limit(1)).first() is not None:
                return Gone((), 0)
            spared = _protected(connection, surveyed)
            for named in (_outputs.thumbnail, _outputs.kept, _assets.kept):
                spared |= {name for (name,) in connection.execute(select(named).where(named.table.c.seq > surveyed))}
            keys = [bytes.fromhex(name) for name in digests if name not in spared]
            gone: list[str] = []
            total = 0
            for chunk in _chunks(keys):
                rows = [row for row in _stored(connection, chunk) if is_alone(row.encoding, row.media_type)]
                for row in rows:
                    if row.encoding == "file":
                        self._files.remove(bytes(row.digest).hex())
                connection.execute(delete(tables.objects).where(_objects.id.in_([row.id for row in rows])))
                gone += [bytes(row.digest).hex() for row in rows]
                total += sum(int(row.size) for row in rows)
        return Gone(tuple(gone), total)


def strays(connection: Connection, files: ObjectFiles) -> list[int]:
    """Numbers of the rows that tell of an object's file where there is none, and that no entry names: somebody changed
    a digest. None while an entry cannot be read: nobody knows what it names."""
    told = connection.execute(select(_objects.id, _objects.digest).where(_objects.encoding == "file"))
    found = {bytes(row.digest).hex(): int(row.id) for row in told if not files.has(bytes(row.digest).hex())}
    if not found:
        return []
    try:
        named = _protected(connection, 0)
    except IntegrityError:
        return []
    for query, _ in _NAMED:
        named |= {row.digest for row in connection.execute(query)}
    return [number for digest, number in found.items() if digest not in named]


def _copies(connection: Connection) -> Iterator[tuple[Any, str, Mapping[str, Any]]]:
    """Each copy as an entry names it, its role, and the stored rows of all objects of that role by digest."""
    for query, role in _NAMED:
        rows = connection.execute(query).all()
        digests = {row.digest for row in rows if is_sha256_hex(row.digest)}
        stored = {
            bytes(row.digest).hex(): row
            for chunk in _chunks(map(bytes.fromhex, digests))
            for row in _stored(connection, chunk)
        }
        for row in rows:
            yield row, role, stored


def _copy(row: Any, role: str, size: int) -> Copy:
    file = FileRef(row.type, row.subfolder, row.filename)
    return Copy(row.digest, role, row.execution, row.submitted_at, file, row.sha256, size)


def _stored(connection: Connection, digests: list[bytes]) -> list[Any]:
    columns = (_objects.id, _objects.digest, _objects.size, _objects.encoding, _objects.media_type)
    return list(connection.execute(select(*columns).where(_objects.digest.in_(digests))))


def _let_go(connection: Connection) -> dict[str, int]:
    """Sizes of the objects of which a release is the newest that was said."""
    gone: dict[str, int] = {}
    said = select(_released.digest, _released.event, _released.size).order_by(_released.seq, _released.item)
    for digest, event, size in connection.execute(said):
        gone.pop(digest, None)
        if event == "release":
            gone[digest] = int(size)
    return gone


def _named(named: Any) -> Select[Any]:
    table = named.table
    return (
        select(
            named.label("digest"),
            *(table.c[name] for name in ("type", "subfolder", "filename", "sha256")),
            _ends.execution,
            _runs.submitted_at,
        )
        .select_from(
            table.join(tables.endings, _ends.seq == table.c.seq).join(tables.executions, _runs.id == _ends.execution)
        )
        .where(named.is_not(None), table.c.filename.is_not(None), table.c.sha256.is_not(None))
    )


_NAMED = ((_named(_outputs.thumbnail), "thumbnail"), (_named(_outputs.kept), "output"), (_named(_assets.kept), "input"))


# What entries of these kinds name is in the index; entries of all other kinds are few, and are read.
_INDEXED = (
    Kind.GENESIS,
    Kind.SESSION,
    Kind.SUBMISSION,
    Kind.COMPLETION,
    Kind.MODEL,
    Kind.DECISION,
    Kind.GAP,
    Kind.RELEASE,
)
_DOCUMENTS = (
    *(_runs.workflow, _runs.prompt, _runs.extra),
    *(_ends.observations, tables.sessions.c.environment, _assets.mask),
)


def _protected(connection: Connection, since: int) -> set[str]:
    """What entries after `since` name as more than a copy of a run's file."""
    found: set[str] = set()
    for column in _DOCUMENTS:
        query = select(column).where(column.table.c.seq > since, column.is_not(None))
        found.update(name for (name,) in connection.execute(query))
    entries, envelopes = tables.entries.c, Envelopes(connection)
    others = select(entries.envelope).where(entries.seq > since, entries.kind.not_in([kind.value for kind in _INDEXED]))
    for (stored,) in connection.execute(others).all():
        said = read_statement(envelopes.payload(as_bytes(stored)))
        if said.kind is None:
            raise IntegrityError("a later release has written here: it knows what may be let go of")
        found.update(named.digest for named in statements.named_by(said.kind, dict(said.predicate)))
    return found


def _chunks(values: Iterable[bytes]) -> Iterator[list[bytes]]:
    remaining = iter(values)
    while chunk := list(itertools.islice(remaining, _CHUNK)):
        yield chunk
