"""Zips that were made to harm whoever unpacks or checks them are refused, by the command line and by the page."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from comfy_provenance.provenance.verify.container import (
    Container,
    Member,
    central_directory,
    central_header,
    end_records,
    local_header,
)
from comfy_provenance.provenance.verify.policy import Rejected
from comfy_provenance.tests.dossier.test_verify_page import in_node, needs_node

HOSTILE = [
    "../escaped",
    "dossier/../../escaped",
    "/etc/passwd",
    "C:/windows/x",
    "dossier\\..\\x",
    "dossier//x",
    "dossier/./x",
    "dossier/x.",
    "dossier/con.txt",
    "dossier/NUL",
    "dossier/a:stream",
    "dossier/~user",
    "dossier/-rf",
    "",
    "dossier/",
    "dossier/" + "n" * 300,
    "dossier/\x1b[31mred",
]


def in_our_form(files: list[tuple[str, bytes]], attributes: int | None = None) -> bytes:
    """A zip in the one form, with whatever names."""
    out, members = io.BytesIO(), []
    for name, data in files:
        member = Member(name, len(data), zlib.crc32(data), out.tell())
        out.write(local_header(member) + data)
        members.append(member)
    offset = out.tell()
    for member in members:
        header = bytearray(central_header(member))
        if attributes is not None:
            struct.pack_into("<I", header, 38, attributes)
        out.write(header)
    size = out.tell() - offset
    return out.getvalue() + end_records(len(members), size, offset)


def by_the_library(write) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        write(archive)
    return out.getvalue()


def bomb(archive):
    archive.writestr("dossier/data/dossier.json", bytes(50 << 20), zipfile.ZIP_DEFLATED)


def overlapping() -> bytes:
    """Two names for the same bytes, as in the bombs that need no recursion."""
    data = b"x" * 1000
    member = Member("dossier/a", len(data), zlib.crc32(data), 0)
    body = local_header(member) + data
    central = central_header(member) + central_header(Member("dossier/b", len(data), zlib.crc32(data), 0))
    return body + central + end_records(2, len(central), len(body))


def between(hidden: bytes) -> bytes:
    """Bytes that no file holds, before the directory."""
    data = b"x" * 10
    member = Member("dossier/a", len(data), zlib.crc32(data), 0)
    body, central = local_header(member) + data + hidden, central_header(member)
    return body + central + end_records(1, len(central), len(body))


def after_the_records(hidden: bytes) -> bytes:
    """Bytes that no record holds, inside the directory."""
    member = Member("dossier/a", 0, 0, 0)
    central = central_header(member) + hidden
    return local_header(member) + central + end_records(1, len(central), len(local_header(member)))


def beyond() -> bytes:
    """A second file that begins where a first one ends that is larger than the zip."""
    large = Member("dossier/a", 1 << 20, 7, 0)
    members = (large, Member("dossier/b", 0, 0, large.data_offset + large.size))
    central = b"".join(map(central_header, members))
    return local_header(large) + central + end_records(2, len(central), len(local_header(large)))


ATTACKS = {
    **{f"name {name!r:.30}": (in_our_form([(name, b"x")]), "zip-name") for name in HOSTILE},
    "symbolic link": (in_our_form([("dossier/a", b"/etc/passwd")], 0o120777 << 16), "zip-link"),
    "same name twice": (in_our_form([("dossier/a", b"1"), ("dossier/a", b"2")]), "zip-duplicate"),
    "names that differ in case": (in_our_form([("dossier/a", b"1"), ("dossier/A", b"2")]), "zip-duplicate"),
    "compression bomb": (by_the_library(bomb), "zip-form"),
    "overlapping files": (overlapping(), "zip-form"),
    "file that is executable": (in_our_form([("dossier/a", b"1")], 0o100755 << 16), "zip-form"),
    "bytes after the last file": (between(b"hidden"), "zip-form"),
    "bytes after the last record": (after_the_records(b"hidden"), "zip-form"),
    "a file that reaches beyond the zip": (beyond(), "zip-form"),
    "an end record that promises another": (
        struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0, 0, 0),
        "zip-form",
    ),
    "the same in a file that is long enough": (
        bytes(100) + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0, 0, 0),
        "zip-form",
    ),
    "more files than are there": (end_records(60_000, 0, 0), "zip-form"),
    "a directory that is larger than the file": (end_records(1, 2**31, 0), "zip-form"),
    "written by another program": (by_the_library(lambda archive: archive.writestr("dossier/a", "x")), "zip-form"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_is_refused(attack):
    data, code = ATTACKS[attack]
    with pytest.raises(Rejected) as refused:
        Container(io.BytesIO(data))
    assert refused.value.code == code
    assert str(refused.value).isprintable()


@needs_node
def test_the_page_refuses_the_same(tmp_path):
    paths = []
    for number, (data, _) in enumerate(ATTACKS.values()):
        paths.append(tmp_path / f"{number}.zip")
        paths[-1].write_bytes(data)
    for (attack, (_, code)), found in zip(ATTACKS.items(), in_node(tmp_path, *paths), strict=True):
        assert not found["ok"], attack
        assert found["findings"][0]["code"] == code, (attack, found["findings"])


def test_a_bag_that_lacks_what_every_dossier_has_is_no_dossier(tmp_path, check):
    path = tmp_path / "bag.zip"
    path.write_bytes(in_our_form([("dossier/bagit.txt", b"BagIt-Version: 1.0\n")]))
    found, errors = check(path)
    assert (found["ok"], errors, found["dossier"]) == (False, {"bag-missing"}, None)


def test_sizes_that_need_zip64_are_written_and_read():
    wide = Member("dossier/large", 5 << 30, 7, 6 << 30)
    assert list(central_directory(io.BytesIO(central_header(wide)), 1)) == [wide]
    assert len(local_header(wide)) == 30 + len(wide.name) + 20
    many = [Member(f"dossier/{number:05d}", 0, 0, 45 * number) for number in range(70_000)]
    assert sum(1 for _ in central_directory(io.BytesIO(b"".join(map(central_header, many))), len(many))) == 70_000
    assert end_records(70_000, 1, 2).startswith(b"PK\6\6")


class Hollow(io.RawIOBase):
    """A file of gigabytes that is zero but for its first and last bytes."""

    def __init__(self, head: bytes, size: int, tail: bytes) -> None:
        self.head, self.size, self.tail, self.at = head, size, tail, 0

    def seek(self, at: int, whence: int = 0) -> int:
        self.at = at if whence == 0 else self.size + len(self.tail) + at
        return self.at

    def read(self, size: int = -1) -> bytes:
        start, self.at = self.at, self.at + size
        if start >= self.size:
            return self.tail[start - self.size :][:size]
        assert start + size <= self.size
        return self.head[start:][:size].ljust(size, b"\0")


def hollow(size: int, change=lambda end: end) -> Hollow:
    """One file of that size, which reads as zeros."""
    member = Member("dossier/recording", size, 0, 0)
    head, central = local_header(member), central_header(member)
    end = change(end_records(1, len(central), member.data_offset + size))
    return Hollow(head, member.data_offset + size, central + end)


def test_a_dossier_of_gigabytes_is_opened_without_reading_it_through():
    opened = Container(hollow(5 << 30))
    assert opened.members["dossier/recording"].size == 5 << 30
    assert opened.head("dossier/recording", 4) == bytes(4)
    with pytest.raises(Rejected, match="larger than 256 MiB") as refused:
        opened.read("dossier/recording")
    assert refused.value.code == "zip-form"


@pytest.mark.parametrize("place", range(0, 98, 3))
def test_every_part_of_a_large_dossiers_end_is_checked(place):
    """The record and the locator of zip64, and the record that refers to them: 98 bytes."""
    with pytest.raises(Rejected) as refused:
        Container(hollow(5 << 30, lambda end: end[:place] + bytes((end[place] ^ 0x10,)) + end[place + 1 :]))
    assert refused.value.code == "zip-form"
