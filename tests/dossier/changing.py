"""Changed copies of a dossier: single bytes, whole files, and forged zips written by the standard library."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from comfy_provenance.provenance.dossier.archive import Archive
from comfy_provenance.provenance.verify.container import Container


def members(data: bytes):
    """The members of a sound zip."""
    return Container(io.BytesIO(data)).members


def owner(data: bytes, position: int) -> str:
    """The member to which the byte at this position belongs, as it must be named; empty for the zip's own end."""
    found = members(data)
    for member in found.values():
        if member.offset <= position < member.data_offset + member.size:
            return member.name.removeprefix("dossier/")
    at = max(member.data_offset + member.size for member in found.values())
    for member in found.values():
        length = 46 + len(member.name)
        if at <= position < at + length:
            return member.name.removeprefix("dossier/")
        at += length
    return ""


def flipped(data: bytes, position: int, mask: int = 1) -> bytes:
    """The same with one byte changed."""
    changed = bytearray(data)
    changed[position] ^= mask
    return bytes(changed)


def rewritten(files: dict[str, bytes], order=None) -> bytes:
    """A zip in the form of dossiers with these files, as a forger who knows the form would write it."""
    buffer = io.BytesIO()
    archive = Archive(buffer)
    for name in order or files:
        archive.add(name, [files[name]])
    archive.close()
    return buffer.getvalue()


def files_of(path: Path) -> dict[str, bytes]:
    """All files of a zip, in their order."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
