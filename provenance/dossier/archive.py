"""Writes the zip of a dossier in the one form that `verify.container` reads, and keeps the SHA-256 of each member."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from hashlib import sha256
from typing import BinaryIO

from ..verify.container import Member, central_header, end_records, is_safe, local_header


class Archive:
    """A zip being written to a seekable file. Nothing of the clock or the machine enters it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._members: list[Member] = []
        self.digests: dict[str, str] = {}  # name -> SHA-256, in the order written
        self.sizes: dict[str, int] = {}

    def add(self, name: str, blocks: Iterable[bytes], size: int | None = None) -> str:
        """Write one file and return its SHA-256. size: needed, as an upper bound, for more than 4 GiB only.

        Raises OSError as the file does, ValueError for a name that is taken or unsafe.
        """
        if name in self.digests or not is_safe(name):
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
        self._members.append(member)
        self.digests[name] = digest.hexdigest()
        self.sizes[name] = length
        return self.digests[name]

    def close(self) -> None:
        """Write the directory. The file itself stays open."""
        offset, size = self._file.tell(), 0
        for member in self._members:
            size += self._file.write(central_header(member))
        self._file.write(end_records(len(self._members), size, offset))
