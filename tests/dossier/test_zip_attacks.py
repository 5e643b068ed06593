"""Zips that were made to harm whoever unpacks or checks them are refused, by the command line and by the page."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from comfy_provenance.provenance.verify.container import Container, Member, central_header, end_records, local_header
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


ATTACKS = {
    **{f"name {name!r:.30}": (in_our_form([(name, b"x")]), "zip-name") for name in HOSTILE},
    "symbolic link": (in_our_form([("dossier/a", b"/etc/passwd")], 0o120777 << 16), "zip-link"),
    "same name twice": (in_our_form([("dossier/a", b"1"), ("dossier/a", b"2")]), "zip-duplicate"),
    "names that differ in case": (in_our_form([("dossier/a", b"1"), ("dossier/A", b"2")]), "zip-duplicate"),
    "compression bomb": (by_the_library(bomb), "zip-form"),
    "overlapping files": (overlapping(), "zip-form"),
    "file that is executable": (in_our_form([("dossier/a", b"1")], 0o100755 << 16), "zip-form"),
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
    header = central_header(wide)
    from comfy_provenance.provenance.verify.container import central_directory

    assert list(central_directory(header, 1)) == [wide]
    assert len(local_header(wide)) == 30 + len(wide.name) + 20
    many = [Member(f"dossier/{number:05d}", 0, 0, 45 * number) for number in range(70_000)]
    assert sum(1 for _ in central_directory(b"".join(map(central_header, many)), len(many))) == 70_000
    assert end_records(70_000, 1, 2).startswith(b"PK\6\6")
