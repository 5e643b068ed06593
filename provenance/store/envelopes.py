"""How envelopes lie in the database: smaller than they are, and given back to the byte.

Entries of one kind are much alike, and base64 hides it. So an envelope is kept as its signature and its payload's
difference to the payload of an earlier entry, the pattern. A pattern is kept twice, in its entry and as a row of
`patterns`, and serves a limited number of entries: no single damage takes more than one entry along.

Stored forms, told apart by their first byte: `{` the envelope itself; 1: key id, signature, compressed payload;
2: the pattern's seq, signature, difference of `deltas`; 3: the same with the difference of `fields`. A checksum at the
end of forms 1 to 3, and of a pattern's row, finds changed bits that decoding would pass over. What cannot be decoded is
given back as it is stored: wrong bytes, which every check of an envelope refuses.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select

from ..canonical import sha256_hex
from ..errors import IntegrityError
from ..model import Kind
from ..seal import dsse
from . import deltas, fields, tables
from .engine import Database
from .sums import checked, summed

_ALONE, _DELTA, _FIELDS = b"\x01", b"\x02", b"\x03"
_ALONE_HEAD, _DELTA_HEAD = struct.Struct(">c32s64s"), struct.Struct(">cq64s")
_SEQ_HEAD = struct.Struct(">cq")
_LEVEL = 1
_PATTERNED = frozenset({Kind.SUBMISSION, Kind.COMPLETION, Kind.MODEL})
_MOST_USES = 128  # entries kept as differences to one pattern
_WORTH = 6  # a difference must be that many times smaller than the payload; else the entry is a new pattern
_FIELDS_WORTH = 2  # the same for a difference of fields: what is left there are digests, which no pattern makes smaller
_KEPT = 16  # patterns a reader keeps at hand
_AT_HAND = 4  # patterns of one kind that a writer keeps: runs that fail, graphs that take turns


@dataclass(slots=True)
class _Pattern:
    seq: int
    key_id: str
    payload: bytes
    pieces: list[bytes]
    uses: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """What to write for an entry: whether it may become the pattern of the entries after it, or which one it has."""

    data: bytes
    pattern: bool
    like: int | None = None


class Patterns:
    """The writing side. It knows only patterns that it has seen committed: `remember` comes after the commit."""

    def __init__(self, database: Database) -> None:
        self._insert = database.statement(
            insert(tables.patterns).values({name: bindparam(name) for name in ("seq", "key", "digest", "payload")})
        )
        self._latest: dict[Kind, list[_Pattern]] = {}  # last used first

    def packed(self, kind: Kind, sealed: dsse.Unverified) -> Stored:
        """The stored form of an envelope that is about to be written."""
        payload, known = sealed.payload, self._latest.get(kind, ())
        usable = [each for each in known if each.uses < _MOST_USES and each.key_id == sealed.key_id]
        for each in usable:
            delta = fields.difference(each.pieces, payload)
            if delta is not None and len(delta) * _FIELDS_WORTH <= len(payload):
                return _like(each, _FIELDS, sealed, delta)
        if usable:
            delta = deltas.difference(usable[0].payload, payload)
            if len(delta) * _WORTH <= len(payload):
                return _like(usable[0], _DELTA, sealed, delta)
        head = _ALONE_HEAD.pack(_ALONE, bytes.fromhex(sealed.key_id), sealed.signature)
        return Stored(summed(head + zlib.compress(payload, _LEVEL)), kind in _PATTERNED)

    def insert(self, connection: Connection, seq: int, sealed: dsse.Unverified) -> None:
        """Keep the entry's payload as a pattern, inside the caller's transaction."""
        self._insert.run(connection, _row(seq, sealed))

    def renew(self, connection: Connection, batch: Iterable[tuple[int, bytes]]) -> None:
        """Make the pattern rows of these entries (seq, stored form) again, as far as the entries are sound."""
        for seq, stored in batch:
            if stored[:1] == _ALONE:
                try:
                    row = _row(seq, _alone(stored))
                except (struct.error, zlib.error, IntegrityError):
                    continue  # then the row that is there is the only copy
                if connection.execute(delete(tables.patterns).where(tables.patterns.c.seq == seq)).rowcount:
                    self._insert.run(connection, row)

    def remember(self, kind: Kind, seq: int, sealed: dsse.Unverified, stored: Stored) -> None:
        """The entry is committed."""
        known = self._latest.get(kind, [])
        if stored.pattern:
            known = [_Pattern(seq, sealed.key_id, sealed.payload, fields.pieces(sealed.payload)), *known]
        elif stored.like is not None:
            known = sorted(known, key=lambda each: each.seq != stored.like)
            known[0].uses += 1
        self._latest[kind] = known[:_AT_HAND]


def _like(pattern: _Pattern, form: bytes, sealed: dsse.Unverified, delta: bytes) -> Stored:
    return Stored(summed(_DELTA_HEAD.pack(form, pattern.seq, sealed.signature) + delta), False, pattern.seq)


def damaged_patterns(connection: Connection) -> Iterator[int]:
    """Numbers of the patterns that are not what their entries hold, or have none. Nothing is lost by one: the entry
    holds the payload too."""
    patterns, entries = tables.patterns, tables.entries
    both = patterns.outerjoin(entries, entries.c.seq == patterns.c.seq)
    for row in connection.execute(select(patterns, entries.c.envelope).select_from(both).order_by(patterns.c.seq)):
        if row.envelope is None or not _agrees(row):
            yield int(row.seq)


def unused_patterns(connection: Connection) -> list[int]:
    """Numbers of the patterns that no entry is kept as a difference to and that have no entry, or one that is a
    difference itself and so no pattern."""
    patterns, stored = tables.patterns.c, tables.entries.c
    both = tables.patterns.outerjoin(tables.entries, stored.seq == patterns.seq)
    named = connection.execute(select(patterns.seq, stored.envelope).select_from(both))
    found = [int(seq) for seq, envelope in named if envelope is None or _is_difference(envelope)]
    begins = func.substr(stored.envelope, 1, _SEQ_HEAD.size)
    heads = {seq: [_SEQ_HEAD.pack(form, seq) for form in (_DELTA, _FIELDS)] for seq in found}
    return [seq for seq in found if connection.scalar(select(~exists().where(begins.in_(heads[seq]))))]


class Envelopes:
    """The reading side. Not thread-safe: make one per connection or question."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._patterns: dict[int, tuple[str, bytes, list[bytes]]] = {}

    def envelope(self, stored: bytes) -> bytes:
        """The envelope as it was sealed; whatever is stored, when that cannot be decoded."""
        claimed = self._claimed(stored)
        return stored if claimed is None else dsse.write(claimed)

    def payload(self, stored: bytes) -> bytes:
        """The payload in an envelope, WITHOUT checking any signature. Raises IntegrityError."""
        claimed = self._claimed(stored)
        return dsse.read_unverified(stored).payload if claimed is None else claimed.payload

    def _claimed(self, stored: bytes) -> dsse.Unverified | None:
        try:
            if stored[:1] == _ALONE:
                return _alone(stored)
            if stored[:1] in (_DELTA, _FIELDS):
                body = checked(stored)
                form, seq, signature = _DELTA_HEAD.unpack_from(body)
                key_id, payload, pieces = self._pattern(seq)
                delta = body[_DELTA_HEAD.size :]
                if form == _FIELDS:
                    data = fields.restored(pieces, delta, dsse.MAX_ENVELOPE)
                else:
                    data = deltas.restored(payload, delta, dsse.MAX_ENVELOPE)
                return dsse.Unverified(data, key_id, signature)
        except (struct.error, zlib.error, IntegrityError):
            pass  # said by giving back what is stored
        return None

    def _pattern(self, seq: int) -> tuple[str, bytes, list[bytes]]:
        found = self._patterns.get(seq)
        if found is None:
            key_id, payload = self._read_pattern(seq)
            found = key_id, payload, fields.pieces(payload)
            if len(self._patterns) >= _KEPT:
                self._patterns.clear()
            self._patterns[seq] = found
        return found

    def _read_pattern(self, seq: int) -> tuple[str, bytes]:
        columns = tables.patterns.c
        row = self._connection.execute(
            select(columns.key, columns.digest, columns.payload).where(columns.seq == seq)
        ).first()
        payload = None if row is None else _sound(row)
        if row is not None and payload is not None:
            return row.key.hex(), payload
        entry = self._connection.execute(select(tables.entries.c.envelope).where(tables.entries.c.seq == seq)).scalar()
        claimed = _alone(entry or b"")
        return claimed.key_id, claimed.payload


def _sound(row: Any) -> bytes | None:
    """The payload of a pattern row; None when it was changed."""
    try:
        payload = _inflated(checked(row.payload))
    except (zlib.error, IntegrityError):
        return None
    return payload if _digest(row.key + payload) == row.digest and len(row.key) == 32 else None


def _agrees(row: Any) -> bool:
    """Whether a pattern is its entry's payload; where the entry is damaged, whether it is what its digest says."""
    if _is_difference(row.envelope):
        return False
    payload = _sound(row)
    try:
        claimed = _alone(row.envelope)
    except (struct.error, zlib.error, IntegrityError):
        return payload is not None
    return payload == claimed.payload and row.key.hex() == claimed.key_id


def _is_difference(stored: bytes) -> bool:
    """Whether this is the whole stored form of a difference, and no damaged one of something else."""
    try:
        return checked(stored)[:1] in (_DELTA, _FIELDS)
    except IntegrityError:
        return False


def _alone(stored: bytes) -> dsse.Unverified:
    body = checked(stored)
    _, key, signature = _ALONE_HEAD.unpack_from(body)
    return dsse.Unverified(_inflated(body[_ALONE_HEAD.size :]), key.hex(), signature)


def _inflated(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, dsse.MAX_ENVELOPE)


def _row(seq: int, sealed: dsse.Unverified) -> dict[str, Any]:
    key, data = bytes.fromhex(sealed.key_id), summed(zlib.compress(sealed.payload, _LEVEL))
    return {"seq": seq, "key": key, "digest": _digest(key + sealed.payload), "payload": data}


def _digest(data: bytes) -> bytes:
    return bytes.fromhex(sha256_hex(data))
