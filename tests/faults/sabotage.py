"""Operations of the pack's own threads on files and databases, counted, and refused where a test says so.

A point is one write, fsync, rename or directory sync of a file, or one BEGIN, INSERT, UPDATE, DELETE or COMMIT of the
database, made by a thread whose name begins with `provenance-`. Everybody else's operations are left alone.
"""

from __future__ import annotations

import errno
import io
import os
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import pytest

CHANGES = ("BEGIN", "INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE")
NO_SPACE = "No space left on device"


Strikes = Callable[[str, int], bool]
"""Whether to refuse a point: its name, and how many of that name came before it since `arm`.

Several threads pass points, so a point's number among all of them differs from one session to the next; among those of
its own name it is the same.
"""


def never(name: str, number: int) -> bool:
    return False


class Saboteur:
    """Counts points; refuses those that `strikes` picks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lock = threading.Lock()
        self.points: list[str] = []
        self.struck: list[str] = []
        self._strikes: Strikes = never
        genuine_open, genuine_connect = io.open, sqlite3.connect

        def opened(file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
            stream = genuine_open(file, mode, *rest, **named)
            return _Written(stream, self) if _ours() and set(mode) & set("wax") and "b" in mode else stream

        def connected(*rest: Any, **named: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = genuine_connect(*rest, **named, factory=_Connection)
            connection.saboteur = self  # type: ignore[attr-defined]
            return connection

        monkeypatch.setattr(io, "open", opened)
        monkeypatch.setattr(sqlite3, "connect", connected)
        for name in ("fsync", "replace", "rename", "mkdir"):
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))

    def arm(self, strikes: Strikes = never) -> None:
        """Begin to count from 0, and refuse the points for which `strikes` is true."""
        with self.lock:
            self.points, self.struck, self._strikes = [], [], strikes

    def disarm(self) -> None:
        with self.lock:
            self._strikes = never

    def point(self, name: str) -> bool:
        """Pass a point; True when it is to be refused."""
        if not _ours():
            return False
        with self.lock:
            refused = self._strikes(name, self.points.count(name))
            self.points.append(name)
            if refused:
                self.struck.append(name)
        return refused

    def file_point(self, name: str) -> None:
        if self.point(name):
            raise OSError(errno.ENOSPC, NO_SPACE)

    def database_point(self, name: str) -> None:
        if self.point(name):
            raise sqlite3.OperationalError("database or disk is full")

    def _watched(self, name: str, genuine: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*rest: Any, **named: Any) -> Any:
            if name != "mkdir" or not os.path.lexists(rest[0]):  # what is there needs no making
                self.file_point(name)
            return genuine(*rest, **named)

        return watched


class _Written:
    """A file open for writing, each write of which is a point."""

    def __init__(self, stream: Any, saboteur: Saboteur) -> None:
        self._stream = stream
        self._saboteur = saboteur

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> _Written:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()

    def write(self, data: bytes) -> int:
        self._saboteur.file_point("write")
        return int(self._stream.write(data))


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
        self._pass(sql)
        return super().execute(sql, *rest)

    def executemany(self, sql: str, *rest: Any) -> sqlite3.Cursor:
        self._pass(sql)
        return super().executemany(sql, *rest)

    def _pass(self, sql: str) -> None:
        word = sql.split(None, 1)[0].upper()
        if word in CHANGES or word == "COMMIT":
            self.connection.saboteur.database_point(word)  # type: ignore[attr-defined]


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)

    def commit(self) -> None:
        if self.in_transaction:
            self.saboteur.database_point("COMMIT")  # type: ignore[attr-defined]
        super().commit()


def _ours() -> bool:
    return threading.current_thread().name.startswith("provenance-")
