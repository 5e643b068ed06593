"""Large objects as files: `<folder>/ab/<62 hex digits>`.

Written to a temporary file, forced to disk, renamed, and the directory forced to disk, in this order: under a digest's
name there is never anything but the whole object, also after a power cut.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import InputError, IntegrityError, StorageError

CHUNK = 1 << 20
_UNFINISHED = "unfinished"
_NO_DIRECTORY_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF})


class ObjectFiles:
    """A folder of objects. Processes may share it: whoever writes the same object writes the same bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, digest: str, data: bytes) -> None:
        """Store bytes whose digest the caller has computed. Durable when it returns. Raises StorageError."""
        if self._present(digest, len(data)):
            return
        self._install(iter((data,)), expected=digest, name=digest)

    def copy(self, path: Path, expected: str | None) -> tuple[str, int]:
        """Store a copy of a file; return its digest and size. Durable when it returns.

        Raises InputError when the source cannot be read, IntegrityError when it does not have the `expected` digest,
        StorageError when the copy cannot be written.
        """
        try:
            source = path.open("rb")
        except OSError as error:
            raise InputError(f"cannot read {path.name}: {error.strerror or error}") from error
        with source:
            if expected is not None and self._present(expected, os.fstat(source.fileno()).st_size):
                return expected, os.fstat(source.fileno()).st_size
            return self._install(_chunks(source), expected=expected, name=path.name)

    def read(self, digest: str) -> Iterator[bytes] | None:
        """Open an object and return its pieces, unchecked; None when there is no such file. Raises StorageError."""
        try:
            file = self._path(digest).open("rb")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"object {digest} cannot be read: {error.strerror or error}") from error
        return _closing(file)

    def has(self, digest: str) -> bool:
        """Whether there is a file of this name."""
        return self._path(digest).is_file()

    def remove(self, digest: str) -> None:
        """Take an object's file away; that it is not there is no error. Raises StorageError. After a power cut the file
        may be there again."""
        try:
            self._path(digest).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"object {digest} cannot be removed: {error.strerror or error}") from error

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest[2:]

    def _present(self, digest: str, size: int) -> bool:
        """Whether the object is already here and durable. A file of another size is damaged, and is replaced."""
        path = self._path(digest)
        try:
            if path.stat().st_size != size:
                return False
            _sync_directory(path.parent)  # whoever renamed it may have died before this
        except OSError:
            return False
        return True

    def _install(self, chunks: Iterable[bytes], *, expected: str | None, name: str) -> tuple[str, int]:
        temporary = self._folder / _UNFINISHED / f"{os.getpid()}-{secrets.token_hex(8)}"
        try:
            temporary.parent.mkdir(parents=True, exist_ok=True)
            try:
                digest, size = _write_through(temporary, chunks)
                if expected is not None and digest != expected:
                    raise IntegrityError(f"{name} is no longer the file with SHA-256 {expected}")
                self._publish(temporary, self._path(digest))
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"object {name} cannot be stored: {error.strerror or error}") from error
        return digest, size

    def _publish(self, temporary: Path, final: Path) -> None:
        fresh = not final.parent.exists()
        final.parent.mkdir(exist_ok=True)
        temporary.replace(final)
        _sync_directory(final.parent)
        if fresh:
            _sync_directory(self._folder)
            _sync_directory(self._folder.parent)


def _write_through(path: Path, chunks: Iterable[bytes]) -> tuple[str, int]:
    hasher, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        for chunk in chunks:
            hasher.update(chunk)
            size += len(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return hasher.hexdigest(), size


def _sync_directory(folder: Path) -> None:
    """Force a directory's names to disk. Windows cannot open a directory; its file system journals names itself.

    Some network file systems refuse to sync a directory; there its own promise about renames is all there is.
    """
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_DIRECTORY_SYNC:
            raise
    finally:
        os.close(descriptor)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _closing(file: BinaryIO) -> Iterator[bytes]:
    with file:
        yield from _chunks(file)
