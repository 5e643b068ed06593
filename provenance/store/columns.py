"""Kinds of columns: bytes read as bytes whatever is in them, and names in their short form."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary

from .names import pack, pack_moment, unpack, unpack_moment

Seq = BigInteger().with_variant(Integer, "sqlite")  # SQLite makes only INTEGER keys the row's own number


def as_bytes(value: Any) -> bytes:
    """Bytes as the database gave them. A column that somebody changed may hold anything: it then gives wrong bytes,
    which the checks of digests and signatures find, and no error of types."""
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else str(value).encode()


class Bytes(LargeBinary):
    """Binary column that reads whatever is in it as bytes."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return lambda value: None if value is None else as_bytes(value)


class Name(Bytes):
    """Digests, ids and names of things: text that is stored in the short form of `names`."""

    def stored(self, name: str | None) -> bytes | None:
        """What the column holds for a name."""
        return pack(name)

    def bind_processor(self, dialect: Dialect) -> Any:
        return self.stored

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return lambda value: None if value is None else unpack(as_bytes(value))


class Packed(Bytes):
    """Parameters that are names in their stored form: packed once, compared with many columns."""

    def bind_processor(self, dialect: Dialect) -> Any:
        return None


class File(Name):
    """A digest, stored as the name `sha256:<digest>` that links have for the file: the two compare in the database."""

    def stored(self, name: str | None) -> bytes | None:
        return None if name is None else pack(f"sha256:{name}")

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return lambda value: None if value is None else _digest_of(unpack(as_bytes(value)))


def _digest_of(name: str) -> str:
    """Anything but a file's name was put there by somebody else, and must not look like a digest."""
    return name.removeprefix("sha256:") if name.startswith("sha256:") else f"\N{REPLACEMENT CHARACTER}{name}"


class Moment(Name):
    """A time as RFC 3339 text, stored so that the bytes order as the times do."""

    def stored(self, name: str | None) -> bytes | None:
        return pack_moment(name)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return lambda value: None if value is None else unpack_moment(as_bytes(value))
