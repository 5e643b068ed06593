"""Which sessions are alive: each holds an operating system lock on a file of its own while its process runs.

The system drops the lock when the process ends, however it ends, so a lock that can be taken means a dead session.
Not checked: file systems whose locks do nothing (some network mounts); there every other session looks dead.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import IO

from ..errors import StorageError

FOLDER = "sessions"


class Presence:
    """Holds the lock of one session until `release`."""

    def __init__(self, ledger: Path, session: str) -> None:
        """Take the lock. Raises StorageError when the folder cannot be written."""
        self._path = _lock_path(ledger, session)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] | None = self._path.open("a+b")
        except OSError as error:
            raise StorageError(f"cannot write in the ledger's folder: {self._path.parent}: {error}") from error
        _take(self._file)

    def release(self) -> None:
        """Give the lock back and remove its file. Safe to call twice."""
        if self._file is not None:
            self._file.close()
            self._file = None
            with contextlib.suppress(OSError):
                self._path.unlink()


def is_alive(ledger: Path, session: str) -> bool:
    """Whether some process, this one included, holds the session's lock."""
    path = _lock_path(ledger, session)
    try:
        with path.open("a+b") as file:
            free = _take(file)
    except OSError:
        return False
    if free:
        with contextlib.suppress(OSError):
            path.unlink()
    return not free


def _lock_path(ledger: Path, session: str) -> Path:
    return ledger / FOLDER / f"{session}.lock"


def _take(file: IO[bytes]) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
