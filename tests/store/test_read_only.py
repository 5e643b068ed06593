from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from comfy_provenance.provenance.errors import InputError, StorageError
from comfy_provenance.provenance.model import Instant, Kind
from comfy_provenance.provenance.record import predicate
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.tests.store.recording import Recorder, genesis_of

NOBODY = 65534

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no read-only folders")


@contextmanager
def as_somebody_without_rights(folder: Path) -> Iterator[None]:
    """The folder and all in it are read-only, and the superuser, whom that would not stop, is somebody else."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.fixture
def closed(signer: Signer) -> Iterator[Path]:
    """A ledger that nobody has open, in a folder that everybody can reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    ledger = Ledger.create(folder / "ledger", signer, genesis_of(signer))
    Recorder(ledger).everything()
    ledger.close()
    yield folder / "ledger"
    shutil.rmtree(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_ledger_in_a_read_only_folder_can_be_read_and_stays_untouched(closed: Path) -> None:
    before = contents(closed)
    with as_somebody_without_rights(closed):
        ledger = Ledger.open(closed, read_only=True)
        assert ledger.index.page(1)[0].id == "run-5"
        assert list(ledger.check_index()) == []
        assert ledger.reader().entry(0)
        ledger.close()
    assert contents(closed) == before


def test_opening_a_read_only_folder_for_writing_gives_one_clear_line(closed: Path, signer: Signer) -> None:
    with as_somebody_without_rights(closed), pytest.raises(StorageError) as caught:
        Ledger.open(closed, signer).rebuild_index()
    assert "\n" not in str(caught.value)


def test_what_is_still_in_the_journal_is_never_left_out_of_a_reading(closed: Path, signer: Signer) -> None:
    live = Ledger.open(closed, signer)
    body = predicate.intent(session="s1", at=Instant(1_700_000_000_000_000_000, 0), text="newest")
    live.append(Kind.INTENT, lambda binding: body)
    copied = closed.with_name("copied")
    copied.mkdir()
    for name in ("ledger.sqlite3", "ledger.sqlite3-wal"):
        shutil.copy(closed / name, copied / name)
    live.close()
    with as_somebody_without_rights(copied), pytest.raises(StorageError):
        Ledger.open(copied, read_only=True)
    reading = Ledger.open(copied, read_only=True)
    assert reading.index.intents()[-1].text == "newest"
    reading.close()


def test_reading_follows_a_writer_at_work(ledger: Ledger, recorder: Recorder) -> None:
    reading = Ledger.open(ledger.root, read_only=True)
    recorder.run("run-1", made=["a.png"])
    assert reading.index.execution("run-1") is not None
    reading.close()


def test_nothing_can_be_written_through_a_reading_ledger(closed: Path, signer: Signer) -> None:
    reading = Ledger.open(closed, signer, read_only=True)
    assert not reading.is_writable
    body = predicate.intent(session="s1", at=Instant(1_700_000_000_000_000_000, 0), text="no")
    for attempt in (
        lambda: reading.append(Kind.INTENT, lambda binding: body),
        lambda: reading.rebuild_index(),
        lambda: reading.objects.put(b"new", "text/plain"),
        lambda: reading.index.put_summaries({"run-1": ["seed 1 → 2"]}),
    ):
        with pytest.raises(InputError, match="reading only"):
            attempt()
    reading.close()
