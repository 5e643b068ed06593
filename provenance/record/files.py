"""Reads a file once and says what it is. I/O.

The bytes that are hashed are the bytes that are decoded and kept; a file that changes meanwhile is caught as it was
read. Files above `IN_MEMORY` are hashed in a stream and not decoded.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import InputError
from ..model import FileFacts
from . import media, picture

IN_MEMORY = 256 * 1024 * 1024
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one file. `data` is its whole content, or None above `IN_MEMORY`.

    `thumbnail` is a WebP of at most 320 pixels without metadata, for still images. `problem` says in a few words why
    pixel facts are missing from what looks like a picture; None for other files.
    """

    facts: FileFacts
    data: bytes | None
    thumbnail: bytes | None
    problem: str | None


def read(path: str | os.PathLike[str]) -> FileFacts:
    """The facts of a regular file. Raises as `look` does."""
    return look(path, thumbnail=False).facts


def thumbnail(path: str | os.PathLike[str]) -> bytes | None:
    """A small WebP of a still image; None for other files. Raises as `look` does."""
    return look(path).thumbnail


def look(path: str | os.PathLike[str], *, thumbnail: bool = True) -> Reading:
    """Read a regular file once. Raises InputError when it is not there, is not a file, or cannot be read."""
    place = Path(path)
    try:
        if not stat.S_ISREG(place.stat().st_mode):  # before opening: a pipe would never answer
            raise InputError(f"not a regular file: {place.name}")
        with place.open("rb") as file:
            state = os.fstat(file.fileno())
            data = file.read() if state.st_size < IN_MEMORY else None
            sha256, size, head = _streamed(file) if data is None else _hashed(data)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise InputError(f"cannot read {place.name}: {_reason(error)}") from error
    media_type = media.media_type(head, place.name)
    looked = picture.Picture()
    if media_type in media.PICTURES:
        looked = picture.look(data, thumbnail=thumbnail) if data is not None else picture.Picture(problem="too large")
    facts = FileFacts(
        sha256,
        size,
        state.st_mtime_ns,
        media_type,
        looked.width,
        looked.height,
        looked.pixels,
        looked.perceptual,
        looked.embedded_execution,
    )
    return Reading(facts, data, looked.thumbnail, looked.problem)


def _hashed(data: bytes) -> tuple[str, int, bytes]:
    return hashlib.sha256(data).hexdigest(), len(data), data[: media.HEAD]


def _streamed(file: BinaryIO) -> tuple[str, int, bytes]:
    digest, size, head = hashlib.sha256(), 0, b""
    while block := file.read(_BLOCK):
        digest.update(block)
        size += len(block)
        head = head or block[: media.HEAD]
    return digest.hexdigest(), size, head


def _reason(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
