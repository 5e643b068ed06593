"""Which sessions are alive: each holds an operating system lock on a file of its own while its process runs.

The system drops the lock when the process ends, however it ends, so a lock that can be taken means a dead session.
Not checked: file systems whose locks do nothing (some network mounts); there every other session looks dead.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..errors import StorageError

FOLDER = "sessions"
ALONE_SECONDS = 10.0
ALONE_STEP_SECONDS = 0.02


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
    """Whether some process, this one included, holds the session's lock. One that cannot be asked (another account's
    lock file) counts as alive: taking its runs for lost would be worse."""
    path = _lock_path(ledger, session)
    try:
        with path.open("r+b") as file:
            free = _take(file)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    if free:
        with contextlib.suppress(OSError):
            path.unlink()
    return not free


@contextlib.contextmanager
def alone(ledger: Path, purpose: str) -> Iterator[None]:
    """Hold a lock that one process at a time can have, for a moment's work; wait for it where another has it. Raises
    StorageError when the other takes too long, or when the folder cannot be written."""
    path = _lock_path(ledger, purpose)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        raise StorageError(f"cannot write in the ledger's folder: {path.parent}: {error}") from error
    with file:  # closing drops the lock; the file stays, or two could hold locks on two files of one name
        deadline = time.monotonic() + ALONE_SECONDS
        while not _take(file):
            if time.monotonic() > deadline:
                raise StorageError("another process has been opening the ledger for a while: is it still alive?")
            time.sleep(ALONE_STEP_SECONDS)
        yield


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
