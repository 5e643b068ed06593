"""Content-addressed objects: bytes under their own SHA-256, never changed, never deleted.

Two homes behind one door. Small objects are rows of the database and are committed together with the entry that names
them; larger ones are files that are durable before that transaction begins (see `object_files`). Which home is
nobody's business outside this package.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, select

from ..canonical import is_sha256_hex, sha256_hex
from ..errors import InputError, IntegrityError
from . import tables
from .bases import Bases
from .columns import as_bytes
from .deltas import restored
from .engine import Database
from .object_files import ObjectFiles
from .sums import checked, summed

ROW_LIMIT = 64 * 1024  # bytes after compression up to which an object lives in the database
_WORTH_COMPRESSING = 256
_LEVEL = 1  # a run waits for no compressor: higher levels cost three times as much for a tenth less
_KEPT = 4  # bases kept at hand for reading
AHEAD = 64  # objects read at once when they are asked for in order
JSON_TYPE = "application/json"
_PACKED = ("image/", "video/", "audio/", "application/zip")


Row = tuple[Any, ...]  # number, digest, encoding, size, data, digest of the base


@dataclass(frozen=True, slots=True)
class Prepared:
    """An object that is ready to be named by an entry. Large ones are already durable; small ones travel in `data`."""

    digest: str
    media_type: str
    size: int
    encoding: str
    data: bytes | None
    base: str | None = None  # what a delta is taken from
    plain: bytes | None = None  # the bytes themselves, where later objects may be kept as deltas to them


class Objects:
    """The objects of one ledger."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._files = ObjectFiles(folder)
        objects = tables.objects
        based_on = objects.alias("based_on")
        values: dict[str, Any] = {
            name: bindparam(name) for name in ("digest", "media_type", "size", "encoding", "data")
        }
        whole = select(based_on.c.id).where(based_on.c.digest == bindparam("base_digest")).scalar_subquery()
        self._insert = database.insert_new(objects, {**values, "base": whole})
        self._plain: dict[str, bytes] = {}  # bases as last read, for the deltas to them
        columns = objects.c
        self._bases = Bases()
        said = (columns.id, columns.digest, columns.encoding, columns.size, columns.data, based_on.c.digest)
        stored = select(*said).select_from(objects.outerjoin(based_on, based_on.c.id == columns.base))
        self._find = database.statement(stored.where(columns.digest == bindparam("digest")))
        after = stored.where(columns.id > bindparam("after"), columns.id <= bindparam("last"))
        self._after = database.statement(after)
        self._describe = select(columns.encoding, columns.size, columns.media_type).where(
            columns.digest == bindparam("digest")
        )

    def put(self, data: bytes, media_type: str) -> str:
        """Store bytes durably and return their digest. Storing what is already there does nothing."""
        return self._store(self.prepare(data, media_type))

    def put_file(self, path: Path, media_type: str, *, expected: str | None = None) -> str:
        """Store a copy of a file durably, streamed, and return its digest. Raises as `prepare_file`."""
        return self._store(self.prepare_file(path, media_type, expected=expected))

    def prepare(self, data: bytes, media_type: str) -> Prepared:
        """Make bytes ready for `Ledger.append(objects=...)`, which stores them with the entry that names them."""
        digest, encoding, stored = sha256_hex(data), "raw", data
        plain = None
        if len(data) >= _WORTH_COMPRESSING and not media_type.startswith(_PACKED):
            like = self._bases.delta(data)
            if like is not None:
                base, delta = like
                return Prepared(digest, media_type, len(data), "delta", summed(delta), base)
            plain = data
            packed = zlib.compress(data, _LEVEL)
            if len(packed) < len(data):
                encoding, stored = "zlib", summed(packed)
        if len(stored) <= ROW_LIMIT:
            return Prepared(digest, media_type, len(data), encoding, stored, None, plain)
        self._files.write(digest, data)
        return Prepared(digest, media_type, len(data), "file", None)

    def prepare_file(self, path: Path, media_type: str, *, expected: str | None = None) -> Prepared:
        """The same for a file of any size. Raises IntegrityError when it is not the file with the `expected` digest,
        InputError when it cannot be read, StorageError when the copy cannot be written."""
        try:
            small = path.stat().st_size <= ROW_LIMIT
            data = path.read_bytes() if small else b""
        except OSError as error:
            raise InputError(f"cannot read {path.name}: {error.strerror or error}") from error
        if not small:
            digest, size = self._files.copy(path, expected)
            return Prepared(digest, media_type, size, "file", None)
        if expected is not None and sha256_hex(data) != expected:
            raise IntegrityError(f"{path.name} is no longer the file with SHA-256 {expected}")
        return self.prepare(data, media_type)

    def insert(self, connection: Connection, prepared: Iterable[Prepared]) -> None:
        """Write rows inside the caller's transaction."""
        self._insert.run_many(
            connection,
            [
                {
                    "digest": bytes.fromhex(each.digest),
                    "media_type": None if each.media_type == JSON_TYPE else each.media_type,
                    "size": each.size,
                    "encoding": each.encoding,
                    "base_digest": None if each.base is None else bytes.fromhex(each.base),
                    "data": each.data,
                }
                for each in prepared
            ],
        )

    def remember(self, prepared: Iterable[Prepared]) -> None:
        """What was inserted is committed: later objects may be kept as deltas to it."""
        for each in prepared:
            if each.plain is not None:
                self._bases.add(each.digest, each.plain)

    def get(self, digest: str) -> bytes | None:
        """The object's bytes, hashed again; None when it is not here.

        Raises IntegrityError when what is stored does not have this digest, InputError when it is no digest.
        """
        chunks = self.iterate(digest)
        return None if chunks is None else b"".join(chunks)

    def iterate(self, digest: str) -> Iterator[bytes] | None:
        """The object's bytes piece by piece; None when it is not here.

        The digest is known only at the end: a wrong object raises IntegrityError *after* its last piece.
        """
        return self._pieces(digest, self._row(_key(digest)))

    def _row(self, key: bytes) -> Row | None:
        return self._database.look_up(self._find, {"digest": key})

    def _rows_after(self, number: int) -> list[Row]:
        return self._database.look_through(self._after, {"after": number, "last": number + AHEAD})

    def _pieces(self, digest: str, row: Row | None) -> Iterator[bytes] | None:
        if row is None or row[2] == "file":
            chunks = self._files.read(digest)  # without a row too: the row may be what was lost
            return None if chunks is None else _checked(digest, chunks, None if row is None else _size(row[3]))
        _, _, encoding, size, data, base = row
        if encoding == "delta" and base is not None and data is not None:
            plain = restored(self._base(digest, as_bytes(base)), _form(digest, data), _size(size))
        else:
            plain = _decoded(digest, encoding, data, _size(size))
        return _checked(digest, iter((plain,)), _size(size))

    def _base(self, digest: str, base: bytes) -> bytes:
        """The object that another is stored as a difference to. It is checked: the damage is named where it is."""
        name = base.hex()
        if name not in self._plain:
            row = self._row(base)
            if row is None or row[2] not in ("raw", "zlib"):
                raise IntegrityError(
                    f"object {digest} is damaged: it is stored as a difference to {name}, which is gone"
                )
            plain = _decoded(name, row[2], row[4], _size(row[3]))
            if sha256_hex(plain) != name:
                raise IntegrityError(f"object {digest} is damaged: so is {name}, which it is stored as a difference to")
            self._plain = {name: plain} if len(self._plain) >= _KEPT else {**self._plain, name: plain}
        return self._plain[name]

    def in_order(self) -> InOrder:
        """For reading many objects, mostly in the order in which they were stored."""
        return InOrder(self)

    def has(self, digest: str) -> bool:
        """Whether the object is here. Its bytes are not looked at."""
        with self._database.read() as connection:
            row = connection.execute(self._describe, {"digest": _key(digest)}).first()
        return self._files.has(digest) if row is None or row.encoding == "file" else True

    def size(self, digest: str) -> int | None:
        """Size in bytes as recorded when it was stored; None for an unknown object."""
        with self._database.read() as connection:
            row = connection.execute(self._describe, {"digest": _key(digest)}).first()
        return None if row is None else int(row.size)

    def media_type(self, digest: str) -> str | None:
        """Media type as given when it was first stored; None for an unknown object. Not signed: do not trust it."""
        with self._database.read() as connection:
            row = connection.execute(self._describe, {"digest": _key(digest)}).first()
        return None if row is None else JSON_TYPE if row.media_type is None else str(row.media_type)

    def _store(self, prepared: Prepared) -> str:
        if self.has(prepared.digest) and self.size(prepared.digest) is not None:
            return prepared.digest
        with self._database.write() as connection:
            self.insert(connection, (prepared,))
        self.remember((prepared,))
        return prepared.digest


class InOrder:
    """Objects as `Objects.get` gives them, read from the database many at a time. Not thread-safe. It may miss what
    somebody else changes meanwhile."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._ahead: dict[bytes, Row] = {}
        self._last = 0

    def get(self, digest: str) -> bytes | None:
        """The object's bytes, hashed again; None when it is not here. Raises as `Objects.get`."""
        key = _key(digest)
        row = self._ahead.pop(key, None)
        if row is None:
            row = self._objects._row(key)
            if row is not None:
                if 0 < row[0] - self._last <= AHEAD:
                    self._ahead = {as_bytes(each[1]): each for each in self._objects._rows_after(row[0])}
                self._last = row[0] + (AHEAD if self._ahead else 0)
        chunks = self._objects._pieces(digest, row)
        return None if chunks is None else b"".join(chunks)


def is_alone(encoding: str, media_type: str | None) -> bool:
    """Whether no other object is stored, or will be, as a difference to one that is stored like this."""
    return encoding in ("file", "delta") or (media_type or "").startswith(_PACKED)


def _key(digest: str) -> bytes:
    if not is_sha256_hex(digest):
        raise InputError(f"not a SHA-256 in lower-case hexadecimal: {digest[:80]!r}")
    return bytes.fromhex(digest)


def _size(size: Any) -> int:
    """As recorded; 0 when somebody put there what is no number."""
    return size if isinstance(size, int) else 0


def _decoded(digest: str, encoding: Any, data: Any, size: int) -> bytes:
    """Undo the encoding of a row. Never expands beyond the recorded size, whatever the row holds."""
    if data is not None and encoding == "raw":
        return as_bytes(data)
    if data is not None and encoding == "zlib":
        inflate = zlib.decompressobj()
        with suppress(zlib.error):
            return inflate.decompress(_form(digest, data), max(size, 0) + 1)
    raise IntegrityError(f"object {digest} is damaged: it cannot be decoded")


def _form(digest: str, data: Any) -> bytes:
    try:
        return checked(as_bytes(data))
    except IntegrityError as error:
        raise IntegrityError(f"object {digest} is damaged: {error}") from error


def _checked(digest: str, chunks: Iterator[bytes], recorded: int | None) -> Iterator[bytes]:
    hasher, size = sha256(), 0
    for chunk in chunks:
        hasher.update(chunk)
        size += len(chunk)
        yield chunk
    if hasher.hexdigest() != digest:
        raise IntegrityError(f"object {digest} is damaged: its bytes have another SHA-256")
    if recorded is not None and size != recorded:
        raise IntegrityError(f"object {digest} is damaged: it is recorded with another size")
