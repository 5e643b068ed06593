"""One bit changed somewhere in a ledger's files: every place there is, and whether the change is found.

A place is one byte of one cell of the database, or of one object's file. The database's own pages are not changed
byte by byte: what they hold is, and a page that SQLite cannot read is another test's.
"""

from __future__ import annotations

import itertools
import random
import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import studio

# No evidence and no answer: a cache that may be emptied at any time, and what SQLite keeps for itself.
LEFT_OUT = frozenset({"summaries", "sqlite_sequence", "sqlite_stat1"})
# Nothing follows from them: how an object is shown is decided by a list of picture types (docs/limits.md), and its
# number in the database says nothing. Where another object names that number, `objects.base`, the change is found.
NOT_SIGNED = frozenset({("objects", "media_type"), ("objects", "id")})
GENESIS = ("entries", "seq", (("seq", 1),))  # no index row speaks of it: the number of its row follows from nothing


@dataclass(frozen=True)
class Cell:
    """One value of the database: where it is and what its bytes are."""

    table: str
    column: str
    key: tuple[tuple[str, Any], ...]
    kind: str
    data: bytes

    def __str__(self) -> str:
        return f"{self.table}.{self.column} at {dict(self.key)}"


@dataclass(frozen=True)
class File:
    """One object's file."""

    path: Path
    data: bytes

    def __str__(self) -> str:
        return str(self.path)


Place = tuple["Cell | File", int]  # a value, and a byte of it


def places(victim: studio.Victim, count: int, chance: random.Random) -> list[Place]:
    """So many different bytes of a ledger, taken in turn from each column of each table and from the files."""
    groups: dict[str, list[Place]] = {}
    for value in (*cells(victim.root / studio.DATABASE), *files(victim.root / "objects")):
        name = f"{value.table}.{value.column}" if isinstance(value, Cell) else "files"
        groups.setdefault(name, []).extend((value, byte) for byte in range(len(value.data)))
    for group in groups.values():
        chance.shuffle(group)
    turns = itertools.zip_longest(*groups.values())
    return list(itertools.islice((place for turn in turns for place in turn if place is not None), count))


def cells(path: Path) -> Iterator[Cell]:
    database = sqlite3.connect(path)
    database.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")  # a column's type may be damaged
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    for table in tables:
        if table in LEFT_OUT:
            continue
        described = database.execute(f"PRAGMA table_info({table})").fetchall()
        columns = [column[1] for column in described]
        keys = [column[1] for column in sorted(described, key=lambda column: column[5]) if column[5]]
        selected = ", ".join(f"{column}, typeof({column}), CAST({column} AS BLOB)" for column in columns)
        for row in database.execute(f"SELECT {selected} FROM {table} ORDER BY {', '.join(keys)}"):  # noqa: S608
            values = dict(zip(columns, row[::3], strict=True))
            key = tuple((name, values[name]) for name in keys)
            for column, kind, raw in zip(columns, row[1::3], row[2::3], strict=True):
                unsigned = (table, column) in NOT_SIGNED or (table, column, key) == GENESIS
                if kind != "null" and not unsigned:
                    yield Cell(table, column, key, kind, _bytes_of(values[column], kind, raw))
    database.close()


def _bytes_of(value: Any, kind: str, raw: bytes) -> bytes:
    if kind == "integer":
        return struct.pack(">q", value)
    return struct.pack(">d", value) if kind == "real" else raw


def files(folder: Path) -> Iterator[File]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield File(path, path.read_bytes())


class Mutant:
    """Changes one place of one ledger and puts it back."""

    def __init__(self, victim: studio.Victim) -> None:
        self._victim = victim
        self._auditor = studio.Auditor(victim)
        self._database = sqlite3.connect(victim.root / studio.DATABASE, isolation_level=None)
        self._database.execute("PRAGMA foreign_keys=OFF")
        self._database.execute("PRAGMA synchronous=OFF")

    def close(self) -> None:
        self._auditor.close()
        self._database.close()

    def found(self, place: Place, chance: random.Random) -> set[str]:
        """Codes of what a whole check finds while one random bit of a place is another."""
        value, byte = place
        changed = bytearray(value.data)
        changed[byte] ^= 1 << chance.randrange(8)
        if isinstance(value, File):
            value.path.write_bytes(bytes(changed))
            codes = self._auditor.codes()
            value.path.write_bytes(value.data)
            return codes
        if not self._written(value, bytes(changed)):
            return {"refused"}
        codes = self._victim.codes() if value.table == "meta" else self._auditor.codes()
        self._restore(value, bytes(changed))
        return codes

    def _written(self, cell: Cell, data: bytes) -> bool:
        try:
            done = self._set(cell, data, cell.key)
        except sqlite3.IntegrityError:  # two rows with one key: the database does not take it
            return False
        assert done == 1, cell
        return True

    def _restore(self, cell: Cell, data: bytes) -> None:
        moved = tuple((name, _value(cell.kind, data) if name == cell.column else old) for name, old in cell.key)
        assert self._set(cell, cell.data, moved) == 1, cell

    def _set(self, cell: Cell, data: bytes, key: tuple[tuple[str, Any], ...]) -> int:
        new = "CAST(? AS TEXT)" if cell.kind == "text" else "?"
        here = " AND ".join(f"{name} IS CAST(? AS TEXT)" if _is_text(old) else f"{name} IS ?" for name, old in key)
        statement = f"UPDATE {cell.table} SET {cell.column} = {new} WHERE {here}"  # noqa: S608
        given = data if cell.kind == "text" else _value(cell.kind, data)
        return self._database.execute(statement, [given, *(_given(old) for _, old in key)]).rowcount


@dataclass(frozen=True)
class Text:
    """Bytes of a text that may be no UTF-8."""

    data: bytes


def _value(kind: str, data: bytes) -> Any:
    if kind == "integer":
        return struct.unpack(">q", data)[0]
    if kind == "real":
        return struct.unpack(">d", data)[0]
    return Text(data) if kind == "text" else data


def _is_text(value: Any) -> bool:
    return isinstance(value, Text)


def _given(value: Any) -> Any:
    return value.data if isinstance(value, Text) else value


def survivors(victim: studio.Victim, count: int, seed: int) -> tuple[int, list[str]]:
    """Change so many places, one at a time; gives how many there were, and those whose change nobody found."""
    chance, missed = random.Random(seed), []
    chosen = places(victim, count, chance)
    mutant = Mutant(victim)
    for value, byte in chosen:
        if not mutant.found((value, byte), chance):
            missed.append(f"byte {byte} of {value}")
    mutant.close()
    return len(chosen), missed
