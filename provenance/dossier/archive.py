"""Writes the zip of a dossier in the one form that `verify.container` reads, and keeps the SHA-256 of each member."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from hashlib import sha256
from io import BytesIO
from typing import IO

from ..verify.container import BLOCK, Member, central_header, end_records, is_safe, local_header
from ..verify.layout import Listed


class Archive:
    """A zip being written to a seekable file. Nothing of the clock or the machine enters it."""

    def __init__(self, file: IO[bytes], directory: IO[bytes] | None = None) -> None:
        """directory: an empty file, where the zip's directory grows until the end; in memory unless given."""
        self._file = file
        self._directory: IO[bytes] = BytesIO() if directory is None else directory
        self._count = 0

    def add(self, name: str, blocks: Iterable[bytes], size: int | None = None) -> Listed:
        """Write one file and say what it became. size: needed, as an upper bound, for more than 4 GiB only.

        Raises OSError as the file does, ValueError for a name that is unsafe. Not checked: that no name comes twice.
        """
        if not is_safe(name):
            raise ValueError(f"{name} cannot be written")
        offset = self._file.tell()
        draft = Member(name, size or 0, 0, offset)
        self._file.write(local_header(draft))
        digest, crc, length = sha256(), 0, 0
        for block in blocks:
            self._file.write(block)
            digest.update(block)
            crc = zlib.crc32(block, crc)
            length += len(block)
        member = Member(name, length, crc, offset)
        header = local_header(member)
        if len(header) != len(local_header(draft)):
            raise ValueError(f"{name} is larger than was said")
        end = self._file.tell()
        self._file.seek(offset)
        self._file.write(header)
        self._file.seek(end)
        self._directory.write(central_header(member))
        self._count += 1
        return Listed(name, digest.hexdigest(), length)

    def close(self) -> None:
        """Write the directory. The file itself stays open."""
        offset, size = self._file.tell(), self._directory.tell()
        self._directory.seek(0)
        while block := self._directory.read(BLOCK):
            self._file.write(block)
        self._file.write(end_records(self._count, size, offset))
