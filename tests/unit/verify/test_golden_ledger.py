"""Ledgers written by the first release verify with every later one, and changed copies of them do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from comfy_provenance.provenance.errors import NotFound
from comfy_provenance.provenance.record import schema
from comfy_provenance.provenance.seal.keys import public_from_pem
from comfy_provenance.provenance.verify.verifier import Report, verify

GOLDEN = Path(__file__).resolve().parents[2] / "vectors" / "ledger"
AUTHORED = GOLDEN.with_name("authored")  # what the author states and brings in, each kind of it
ENTRIES = sorted(GOLDEN.glob("*.dsse.json"))


class Folder:
    """The golden files as the verifier reads a log; `changed` replaces single files."""

    def __init__(self, changed: dict[str, bytes] | None = None, folder: Path = GOLDEN) -> None:
        self._changed = changed or {}
        self._folder = folder

    def _read(self, name: str) -> bytes | None:
        path = self._folder / name
        return self._changed.get(name, path.read_bytes() if path.is_file() else None)

    def checkpoint(self) -> bytes:
        return self._read("checkpoint") or b""

    def entry(self, index: int) -> bytes:
        data = self._read(f"{index:08}.dsse.json")
        if data is None:
            raise NotFound(f"entry {index}")
        return data

    def object(self, digest: str) -> bytes | None:
        return self._read(f"objects/{digest}.bin")


def checked(changed: dict[str, bytes] | None = None, folder: Path = GOLDEN) -> Report:
    public = public_from_pem((folder / "public.pem").read_text(encoding="utf-8"))
    return verify(Folder(changed, folder), public, schema_check=schema.validate)


def test_the_golden_ledger_verifies_without_findings() -> None:
    report = checked()
    assert report.findings == ()
    assert (report.ok, report.entries) == (True, len(ENTRIES))


@pytest.mark.parametrize("path", [ENTRIES[0], ENTRIES[len(ENTRIES) // 2], ENTRIES[-1]], ids=lambda path: path.name)
def test_a_changed_entry_is_found(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    assert not checked({path.name: bytes(data)}).ok


def test_a_changed_snapshot_is_found() -> None:
    path = next(path for path in sorted((GOLDEN / "objects").iterdir()) if path.read_bytes()[:1] == b"{")
    assert not checked({f"objects/{path.name}": path.read_bytes() + b" "}).ok


def test_a_checkpoint_of_fewer_entries_is_found() -> None:
    assert not checked({"checkpoint": (GOLDEN / "checkpoint").read_bytes().replace(b"\n2", b"\n1", 1)}).ok


def test_what_the_author_stated_and_brought_in_verifies_without_findings() -> None:
    report = checked(folder=AUTHORED)
    assert report.findings == ()
    assert (report.ok, report.entries) == (True, len(list(AUTHORED.glob("*.dsse.json"))))


@pytest.mark.parametrize("path", sorted(AUTHORED.glob("*.dsse.json")), ids=lambda path: path.name)
def test_a_changed_statement_of_the_author_is_found(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    assert not checked({path.name: bytes(data)}, AUTHORED).ok


@pytest.mark.parametrize("text", [b"chunk 0", b"final", b"mask", b'{"nodes":[]}'])
def test_a_changed_object_of_the_author_is_found(text: bytes) -> None:
    (path,) = [path for path in (AUTHORED / "objects").iterdir() if path.read_bytes() == text]
    assert not checked({f"objects/{path.name}": text + b" "}, AUTHORED).ok
