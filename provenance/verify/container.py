"""The zip form of a dossier: one way to write it, and a reader that accepts no other. Pure but for the file it reads.

Members are stored, not compressed, under plain ASCII names, with one fixed date and no comments; they lie one after
the other from the first byte, and the central directory says the same as their own headers. So every byte of the file
is either content, which has its checksum, or form, which has one spelling: no byte can change unnoticed, nothing can
unpack to more than is there, and the same members give the same file everywhere. APPNOTE 6.3, with zip64 where sizes
need it.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from typing import IO, Any, BinaryIO, NamedTuple

from ..shelf import Shelf
from .policy import Rejected, shown

BLOCK = 1 << 20
PIECE = 1 << 16
MOST_MEMBERS = 2_000_000
LONGEST_NAME = 200
LARGEST_READ = 256 << 20  # of a member that is taken into memory whole

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_DATE = 0x21  # 1980-01-01, the first that zip can say
_FILE = 0o100644 << 16
_UNIX = 3 << 8
_LIMIT32, _LIMIT16 = 0xFFFFFFFF, 0xFFFF
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?<![.])", re.ASCII)
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE | re.ASCII)


class Member(NamedTuple):
    """One file of the zip. offset: of its local header. The checksum is CRC-32."""

    name: str
    size: int
    crc: int
    offset: int

    @property
    def data_offset(self) -> int:
        """Where its bytes begin."""
        return self.offset + len(local_header(self))


def is_safe(name: str) -> bool:
    """Whether a member may have this name: it leads nowhere else on any system."""
    parts = name.split("/")
    return len(name) <= LONGEST_NAME and all(
        _SEGMENT.fullmatch(part) and not _RESERVED.fullmatch(part) for part in parts
    )


def local_header(member: Member) -> bytes:
    """What stands before a member's bytes."""
    large = member.size >= _LIMIT32
    size = _LIMIT32 if large else member.size
    extra = struct.pack("<2H2Q", 1, 16, member.size, member.size) if large else b""
    name = member.name.encode("ascii")
    version = 45 if large else 20
    head = (b"PK\3\4", version, 0, 0, 0, _DATE, member.crc, size, size, len(name), len(extra))
    return _LOCAL.pack(*head) + name + extra


def central_header(member: Member) -> bytes:
    """What the central directory says of a member."""
    wide = [value for value in (member.size, member.size, member.offset) if value >= _LIMIT32]
    extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    size, offset = min(member.size, _LIMIT32), min(member.offset, _LIMIT32)
    name = member.name.encode("ascii")
    version = 45 if wide else 20
    head = (b"PK\1\2", _UNIX | version, version, 0, 0, 0, _DATE, member.crc, size, size, len(name), len(extra))
    return _CENTRAL.pack(*head, 0, 0, 0, _FILE, offset) + name + extra


def end_records(count: int, size: int, offset: int) -> bytes:
    """What ends the file: number of members, size and place of the central directory."""
    wide = count >= _LIMIT16 or size >= _LIMIT32 or offset >= _LIMIT32
    records = b""
    if wide:
        records = _END64.pack(b"PK\6\6", 44, _UNIX | 45, 45, 0, 0, count, count, size, offset)
        records += _LOCATOR.pack(b"PK\6\7", 0, offset + size, 1)
    short, size, offset = min(count, _LIMIT16), min(size, _LIMIT32), min(offset, _LIMIT32)
    return records + _END.pack(b"PK\5\6", 0, 0, short, short, size, offset, 0)


class Part(io.RawIOBase):
    """A part of a file, to be read from its beginning on whatever else is read of that file in between."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._at = start
        self._end = start + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._at)
        data = self._file.read(min(len(buffer), self._end - self._at))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class Container:
    """The members of one dossier's zip, in their order. Opening reads the directory and checks the whole form.

    Raises Rejected for a file that is not written in that form, naming the member where there is one.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.members = Shelf[Member](tuple, Member._make)
        size = file.seek(0, 2)
        count, central, start = self._end(size)
        expected = 0
        others: set[str] = set()
        try:
            for member in central_directory(self._part(start, central), count):
                self._add(member, expected, others)
                expected = member.data_offset + member.size
        except Rejected as error:
            raise Rejected(error.code, f"{error}{self._there(expected)}") from error
        if expected != start:
            raise Rejected("zip-form", "there are bytes between the last file and the directory")

    def _add(self, member: Member, expected: int, others: set[str]) -> None:
        """others: names that are not in lower case, so written."""
        same = member.name.lower()
        if same in self.members or same in others:
            raise Rejected("zip-duplicate", f"{member.name} is there twice, or once more in other case")
        if member.offset != expected:
            raise Rejected("zip-form", f"{member.name} does not begin where the file before it ends")
        if self._bytes(member.offset, len(local_header(member))) != local_header(member):
            raise Rejected("zip-form", f"{member.name}: its header is not as it was written")
        self.members[member.name] = member
        if same != member.name:
            others.add(same)

    def _there(self, offset: int) -> str:
        """The name that the local header at this place states, for a message."""
        self._file.seek(offset)
        head = self._file.read(_LOCAL.size + LONGEST_NAME)
        if len(head) < _LOCAL.size or head[:4] != b"PK\3\4":
            return ""
        name = head[_LOCAL.size :][: _LOCAL.unpack(head[: _LOCAL.size])[9]]
        return f" (the file there is {name.decode('latin-1')!a})"

    def blocks(self, name: str) -> Iterator[bytes]:
        """A member's bytes, piece by piece. Raises KeyError; Rejected after the last piece when they have changed."""
        return self.content(self.members[name])

    def content(self, member: Member) -> Iterator[bytes]:
        """The same for one that is at hand."""
        at, end, crc = member.data_offset, member.data_offset + member.size, 0
        while at < end:
            block = self._bytes(at, min(BLOCK, end - at))
            crc = zlib.crc32(block, crc)
            at += len(block)
            yield block
        if crc != member.crc:
            raise Rejected("zip-crc", f"{member.name}: its bytes have changed")

    def open(self, name: str) -> IO[bytes]:
        """A member's bytes, unchecked, to be read from their beginning on. Raises as `read`."""
        member = self._moderate(name)
        return self._part(member.data_offset, member.size)

    def head(self, name: str, size: int) -> bytes:
        """A member's first bytes, unchecked. Raises KeyError."""
        member = self.members[name]
        return self._bytes(member.data_offset, min(size, member.size))

    def read(self, name: str) -> bytes:
        """A member's bytes, unchecked. Raises KeyError, and Rejected for one beyond 256 MiB."""
        member = self._moderate(name)
        return self._bytes(member.data_offset, member.size)

    def _moderate(self, name: str) -> Member:
        """A member that memory takes."""
        member = self.members[name]
        if member.size > LARGEST_READ:
            raise Rejected("zip-form", f"{name} is larger than {LARGEST_READ >> 20} MiB")
        return member

    def _end(self, size: int) -> tuple[int, int, int]:
        """Number of members, size and offset of the central directory."""
        end = self._bytes(size - _END.size, _END.size) if size >= _END.size else b""
        if end[:4] != b"PK\5\6":
            raise Rejected("zip-form", "the file does not end as a zip file of this form: cut short, or not one")
        count, central, offset = _END.unpack(end)[4:7]
        tail = _END.size
        if count == _LIMIT16 or _LIMIT32 in (central, offset):
            tail += _END64.size + _LOCATOR.size
            record = self._bytes(size - tail, _END64.size) if size >= tail else b""
            if record[:4] == b"PK\6\6":
                count, central, offset = _END64.unpack(record)[7:]
        if count > MOST_MEMBERS or offset + central + tail != size:
            raise Rejected("zip-form", "the zip's end record is not as it was written")
        if self._bytes(size - tail, tail) != end_records(count, central, offset):
            raise Rejected("zip-form", "the zip's end record is not as it was written")
        return count, central, offset

    def _part(self, start: int, size: int) -> IO[bytes]:
        return io.BufferedReader(Part(self._file, start, size), PIECE)

    def _bytes(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        data = self._file.read(size)
        if len(data) != size:
            raise Rejected("zip-form", "the file is shorter than it says")
        return data


def central_directory(file: IO[bytes], count: int) -> Iterator[Member]:
    """The members that a central directory lists. Raises Rejected for anything that is not the one way to write it."""
    for number in range(count):
        fixed = file.read(_CENTRAL.size)
        if len(fixed) < _CENTRAL.size or fixed[:4] != b"PK\1\2":
            raise Rejected("zip-form", f"record {number} of the zip's directory is damaged")
        fields = _CENTRAL.unpack(fixed)
        method, crc, size, name_length, extra_length, attributes, offset = (
            fields[i] for i in (4, 7, 9, 10, 11, 15, 16)
        )
        rest = file.read(name_length + extra_length)
        name, extra = rest[:name_length].decode("ascii", "backslashreplace"), rest[name_length:]
        if (attributes >> 16) & 0o170000 == 0o120000:
            raise Rejected("zip-link", f"{shown(name)} is a symbolic link")
        if not is_safe(name):
            raise Rejected("zip-name", f"a file is called {shown(name)}, which is not safe to unpack")
        if method:
            raise Rejected("zip-form", f"{name} is compressed; a dossier's files are stored as they are")
        wide = [value for (value,) in struct.iter_unpack("<Q", extra[4:])] if len(extra) % 8 == 4 else []
        if size == _LIMIT32:
            size = wide[0] if wide else size
            wide = wide[2:]
        offset = wide[0] if offset == _LIMIT32 and wide else offset
        member = Member(name, size, crc, offset)
        if fixed + rest != central_header(member):
            raise Rejected("zip-form", f"{name}: its record in the zip's directory is not as it was written")
        yield member
    if file.read(1):
        raise Rejected("zip-form", "the zip's directory has more in it than its files")
