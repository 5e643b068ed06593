"""How much room a ledger takes, and for what. Counting reads much of the index: ask now and then, not in a loop."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select

from ..canonical import is_sha256_hex
from ..errors import StorageError
from . import tables
from .engine import Database

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Heap:
    """Some objects: how many, and their bytes before compression."""

    count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """`on_disk` is the ledger's folder in bytes as it is now; the other numbers are of the record. An object that is a
    kept output and a kept input is counted with both."""

    on_disk: int
    entries: int
    objects: Heap
    thumbnails: Heap
    kept_outputs: Heap
    kept_inputs: Heap


def measure(database: Database, folder: Path) -> Usage:
    """Count. Raises StorageError when the database or the folder cannot be read."""
    outputs, assets, objects = tables.outputs.c, tables.assets.c, tables.objects.c
    with database.read() as connection:
        entries = connection.execute(select(func.count()).select_from(tables.entries)).scalar_one()
        stored = connection.execute(select(func.count(), func.sum(objects.size))).one()
        heaps = (_heap(connection, _named(column)) for column in (outputs.thumbnail, outputs.kept, assets.kept))
        thumbnails, kept_outputs, kept_inputs = heaps
    return Usage(
        on_disk=_size(folder),
        entries=int(entries),
        objects=Heap(int(stored[0]), int(stored[1] or 0)),
        thumbnails=thumbnails,
        kept_outputs=kept_outputs,
        kept_inputs=kept_inputs,
    )


def _named(column: Any) -> Select[Any]:
    return select(column).where(column.is_not(None)).distinct()


def _heap(connection: Any, query: Select[Any]) -> Heap:
    count = size = 0
    digests = (bytes.fromhex(name) for (name,) in connection.execute(query).all() if is_sha256_hex(name))
    for chunk in _chunks(digests):
        objects = tables.objects.c
        found = select(func.count(), func.sum(objects.size)).where(objects.digest.in_(chunk))
        more, sizes = connection.execute(found).one()
        count, size = count + int(more), size + int(sizes or 0)
    return Heap(count, size)


def _chunks(values: Iterable[bytes]) -> Iterable[list[bytes]]:
    remaining = iter(values)
    while chunk := list(itertools.islice(remaining, _CHUNK)):
        yield chunk


def _size(folder: Path) -> int:
    total = 0
    try:
        for path in folder.rglob("*"):
            try:
                total += path.stat().st_size if path.is_file() else 0
            except FileNotFoundError:  # a journal or a partial file that is gone by now
                continue
    except OSError as error:
        raise StorageError(f"the ledger's folder cannot be read: {error.strerror or error}") from error
    return total
