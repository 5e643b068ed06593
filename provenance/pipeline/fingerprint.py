"""Hashing model files on a thread of its own, each file version once, with progress.

A file version is folder, name, size and modification time. Not checked: a file rewritten in place with its old size
and time put back.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..config import MEBIBYTE
from ..model import Json
from ..record.models import safetensors_header

LOG = logging.getLogger("comfy-provenance")
CHUNK = 4 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One version of one model file."""

    folder: str
    name: str
    size: int
    mtime_ns: int
    path: Path


@dataclass(frozen=True, slots=True)
class Fingerprinted:
    """The SHA-256 of a model file and the summary of its header."""

    file: ModelFile
    sha256: str
    header: dict[str, Json] | None


@dataclass(frozen=True, slots=True)
class Progress:
    """Which file is being hashed: bytes done of all, and how many files wait behind it."""

    name: str
    done: int
    size: int
    waiting: int


class Fingerprints:
    """Takes model files, hashes each version once, hands results on."""

    def __init__(self, found: Callable[[Fingerprinted], object], waiting: Callable[[], int]) -> None:
        self._found = found
        self._waiting = waiting
        self._lock = threading.Lock()
        self._current: Progress | None = None
        self._stopping = threading.Event()

    def progress(self) -> Progress | None:
        """What is being hashed right now."""
        with self._lock:
            return self._current

    def stop(self) -> None:
        """Give up the file in hand at the next chunk; it is hashed again at the next start."""
        self._stopping.set()

    def handle(self, file: ModelFile) -> None:
        """Hash one file. One that cannot be read or changes meanwhile is logged and left without a fingerprint."""
        started = time.monotonic()
        try:
            digest = self._hash(file)
            stat = file.path.stat()
        except OSError as error:
            LOG.warning("model cannot be fingerprinted: %s: %s", file.name, error)
            return
        finally:
            with self._lock:
                self._current = None
        if digest is None:
            return
        if (stat.st_size, stat.st_mtime_ns) != (file.size, file.mtime_ns):
            LOG.warning("model changed while it was being fingerprinted: %s", file.name)
            return
        LOG.debug("fingerprinted %s in %.1f s", file.name, time.monotonic() - started)
        self._found(Fingerprinted(file, digest, safetensors_header(file.path)))

    def _hash(self, file: ModelFile) -> str | None:
        digest, done = hashlib.sha256(), 0
        buffer = memoryview(bytearray(CHUNK))
        with file.path.open("rb", buffering=0) as stream:
            while count := stream.readinto(buffer):
                digest.update(buffer[:count])
                done += count
                with self._lock:
                    self._current = Progress(file.name, done, file.size, self._waiting())
                if self._stopping.is_set():
                    return None
        return digest.hexdigest()
