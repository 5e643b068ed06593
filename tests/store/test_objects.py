from __future__ import annotations

import hashlib
import os
import random
import sqlite3
from pathlib import Path

import pytest
from comfy_provenance.provenance.errors import InputError, IntegrityError, StorageError
from comfy_provenance.provenance.model import Instant, Kind
from comfy_provenance.provenance.record import predicate
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store.ledger import Ledger

BODY = predicate.intent(session="s1", at=Instant(1_700_000_000_000_000_000, 0), text="idea")


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def files(ledger: Ledger) -> list[Path]:
    return [path for path in (ledger.root / "objects").rglob("*") if path.is_file()]


OBJECTS = {
    "empty": b"",
    "tiny": b"x",
    "text that compresses": b"a graph " * 4000,
    "noise at the row limit": noise(64 * 1024),
    "noise beyond the row limit": noise(64 * 1024 + 1),
    "large": noise(3 << 20),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_bytes_come_back_as_they_were(ledger: Ledger, signer: Signer, name: str) -> None:
    data = OBJECTS[name]
    digest = ledger.objects.put(data, "application/octet-stream")
    assert digest == sha256(data)
    ledger.close()
    objects = Ledger.open(ledger.root, signer).objects
    assert objects.get(digest) == data
    assert objects.has(digest)
    assert objects.size(digest) == len(data)
    assert objects.media_type(digest) == "application/octet-stream"


@pytest.mark.parametrize("name", OBJECTS)
def test_files_are_stored_like_bytes(ledger: Ledger, tmp_path: Path, name: str) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(OBJECTS[name])
    digest = ledger.objects.put_file(path, "image/png", expected=sha256(OBJECTS[name]))
    assert ledger.objects.get(digest) == OBJECTS[name]
    assert ledger.objects.put(OBJECTS[name], "image/png") == digest


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_file_that_changed_since_it_was_hashed_is_not_stored(ledger: Ledger, tmp_path: Path, size: int) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(noise(size))
    with pytest.raises(IntegrityError, match="no longer"):
        ledger.objects.put_file(path, "image/png", expected=sha256(b"what it was"))
    assert not ledger.objects.has(sha256(noise(size)))
    assert files(ledger) == []


def test_a_file_that_is_not_there_is_named(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.png"):
        ledger.objects.put_file(tmp_path / "gone.png", "image/png")


def test_unknown_objects_are_not_there(ledger: Ledger) -> None:
    digest = sha256(b"never stored")
    assert ledger.objects.get(digest) is None
    assert not ledger.objects.has(digest)
    assert ledger.objects.size(digest) is None
    assert ledger.objects.media_type(digest) is None


@pytest.mark.parametrize("wrong", ["", "abc", "../../etc/passwd", "A" * 64, "g" * 64])
def test_what_is_no_digest_reaches_no_file(ledger: Ledger, wrong: str) -> None:
    with pytest.raises(InputError):
        ledger.objects.get(wrong)


def test_the_same_object_is_kept_once(ledger: Ledger) -> None:
    data = noise(100_000)
    for _ in range(2):
        ledger.append(Kind.INTENT, lambda binding: BODY, objects=[(data, "image/png"), (b"small", "text/plain")])
    assert len(files(ledger)) == 1


def test_a_large_object_is_durable_before_the_entry_that_names_it(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Disk order: file synced, renamed, folder synced; only then does the transaction begin."""
    steps: list[str] = []
    sync, replace = os.fsync, Path.replace

    def note_sync(descriptor: int) -> None:
        steps.append("sync folder" if os.fstat(descriptor).st_mode & 0o040000 else "sync file")
        sync(descriptor)

    def note_replace(self: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(self, target)

    def build(binding: object) -> predicate.Body:
        steps.append("entry")
        return BODY

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_replace)
    ledger.append(Kind.INTENT, build, objects=[(noise(100_000), "image/png")])
    assert steps[:3] == ["sync file", "rename", "sync folder"]
    assert steps[-1] == "entry"


def test_a_full_disk_stops_the_entry_and_leaves_no_half_object(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        ledger.append(Kind.INTENT, lambda binding: BODY, objects=[(noise(100_000), "image/png")])
    assert files(ledger) == []
    assert ledger.index.counts().entries == 1


def test_a_missing_object_file_is_missing_and_can_be_stored_again(ledger: Ledger) -> None:
    data = noise(100_000)
    digest = ledger.objects.put(data, "image/png")
    files(ledger)[0].unlink()
    assert ledger.objects.get(digest) is None
    assert not ledger.objects.has(digest)
    ledger.objects.put(data, "image/png")
    assert ledger.objects.get(digest) == data


@pytest.mark.parametrize("damage", [noise(100_000, seed=2), b"", noise(100_001)])
def test_a_changed_object_file_is_found(ledger: Ledger, damage: bytes) -> None:
    digest = ledger.objects.put(noise(100_000), "image/png")
    files(ledger)[0].write_bytes(damage)
    with pytest.raises(IntegrityError, match=digest):
        ledger.objects.get(digest)
    pieces = ledger.objects.iterate(digest)
    assert pieces is not None
    with pytest.raises(IntegrityError):
        list(pieces)


@pytest.mark.parametrize(
    "change",
    [
        "data = zeroblob(10)",
        "data = NULL",
        "encoding = 'raw'",
        "encoding = 'unheard-of'",
        "size = 3",
        "size = -1",
    ],
)
def test_a_changed_object_row_is_found(ledger: Ledger, change: str) -> None:
    digest = ledger.objects.put(b"a graph " * 1000, "application/json")
    with sqlite3.connect(ledger.root / "ledger.sqlite3") as connection:
        connection.execute(f"UPDATE objects SET {change}")  # noqa: S608
    connection.close()
    with pytest.raises(IntegrityError, match=digest):
        ledger.objects.get(digest)


def test_a_row_never_expands_beyond_its_recorded_size(ledger: Ledger) -> None:
    """Attack: a few kilobytes of zlib that would fill the memory."""
    import zlib

    digest = ledger.objects.put(b"a graph " * 1000, "application/json")
    bomb = zlib.compress(bytes(50 << 20))
    with sqlite3.connect(ledger.root / "ledger.sqlite3") as connection:
        connection.execute("UPDATE objects SET data = ?", (bomb,))
    connection.close()
    with pytest.raises(IntegrityError):
        ledger.objects.get(digest)


def test_a_lost_row_does_not_lose_the_file(ledger: Ledger) -> None:
    data = noise(100_000)
    digest = ledger.objects.put(data, "image/png")
    with sqlite3.connect(ledger.root / "ledger.sqlite3") as connection:
        connection.execute("DELETE FROM objects")
    connection.close()
    assert ledger.objects.get(digest) == data


def test_a_folder_that_cannot_be_synced_is_no_failure(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems answer EINVAL; the renamed file is all they can promise."""
    import errno
    import stat

    sync = os.fsync

    def refuse_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    digest = ledger.objects.put(noise(100_000), "image/png")
    assert ledger.objects.get(digest) == noise(100_000)


def test_an_object_already_there_is_not_written_again(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(noise(100_000))
    digest = ledger.objects.put_file(path, "image/png", expected=sha256(noise(100_000)))
    before = files(ledger)[0].stat().st_mtime_ns
    ledger.objects.put_file(path, "image/png", expected=digest)
    ledger.objects.put(noise(100_000), "image/png")
    assert files(ledger)[0].stat().st_mtime_ns == before
