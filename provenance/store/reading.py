"""A ledger as the verifier sees it: checkpoint, entries, objects; nothing of the index."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import bindparam, select

from ..errors import NotFound
from . import tables
from .columns import as_bytes
from .engine import Database
from .envelopes import Envelopes
from .objects import Objects

_PAGE = 4096
_AHEAD = 256  # entries read at once when they are asked for in order


class LedgerReader:
    """The three methods of `verify.Reader`, for one writer's log. Not thread-safe: make one per verification."""

    def __init__(self, database: Database, writer: int, objects: Objects) -> None:
        self._database = database
        self._writer = writer
        self._objects = objects.in_order()
        self._ahead: dict[int, bytes] = {}
        self._last = -1
        entries = tables.entries.c
        self._query = (
            select(entries.number, entries.envelope)
            .where(entries.writer == writer, entries.number >= bindparam("number"))
            .order_by(entries.number)
            .limit(bindparam("limit"))
        )

    def checkpoint(self) -> bytes:
        """The newest signed tree head, as stored. Raises NotFound when the writer's row is gone."""
        columns = tables.writers.c
        with self._database.read() as connection:
            note = connection.execute(select(columns.checkpoint).where(columns.id == self._writer)).scalar()
        if note is None:
            raise NotFound("the ledger has lost its checkpoint")
        return as_bytes(note)

    def entry(self, index: int) -> bytes:
        """The envelope of one entry, as sealed. Raises NotFound when it is missing."""
        if index not in self._ahead:
            limit = _AHEAD if index == self._last + 1 else 1
            with self._database.read() as connection:
                envelopes = Envelopes(connection)
                rows = connection.execute(self._query, {"number": index, "limit": limit}).all()
                self._ahead = {row.number: envelopes.envelope(row.envelope) for row in rows}
        self._last = index
        if index not in self._ahead:
            raise NotFound(f"entry {index} is missing")
        return self._ahead[index]

    def outline(self) -> Iterator[tuple[int, str, bytes]]:
        """Index, kind and leaf hash (32 bytes) of every entry, in order, without reading what it says."""
        entries, after = tables.entries.c, -1
        query = (
            select(entries.number, entries.kind, entries.leaf)
            .where(entries.writer == self._writer, entries.number > bindparam("after"))
            .order_by(entries.number)
            .limit(_PAGE)
        )
        while True:
            with self._database.read() as connection:
                rows = connection.execute(query, {"after": after}).all()
            if not rows:
                return
            yield from ((int(row.number), str(row.kind), as_bytes(row.leaf)) for row in rows)
            after = rows[-1].number

    def object(self, digest: str) -> bytes | None:
        """An object's bytes, hashed again; None when it is not here. Raises IntegrityError when it is damaged."""
        return self._objects.get(digest)
