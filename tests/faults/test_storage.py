"""What can be wrong with disk and database: the status says what to do, and recording goes on afterwards."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bare
import machine
import pytest
from bare import errors, goes_on, kinds, put, recorded_once
from comfy_provenance.provenance.store import engine

pytestmark = pytest.mark.usefixtures("short_pauses")


def test_a_folder_that_cannot_be_written(bench: bare.Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.places.ledger.mkdir()
    (bench.places.ledger / "sessions").write_bytes(b"in the way")
    bench.service.start()
    for number in range(20):
        bench.run(f"run-{number}")
    status = bench.until("broken")
    assert "cannot write in the ledger's folder" in status["reason"]
    assert str(bench.places.ledger) in status["reason"]
    assert len(errors(caplog)) == 1
    (bench.places.ledger / "sessions").unlink()
    (gap,) = goes_on(bench, *(f"run-{number}" for number in range(20)))
    assert "cannot write" in gap["reason"]
    assert gap["missed"] == {"events": 0, "submissions": 0, "completions": 0}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "provenance-test", str(folder)]
    if sys.platform != "linux" or shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("a small file system can be mounted by root on Linux only")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    bench = bare.Bench(small_disk)
    bench.service.start()
    bench.run("before")
    bench.settle()
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass
    runs = [f"run-{number}" for number in range(40)]
    for run in runs:
        bench.accept(run, notes=os.urandom(5_000).hex())
    status = bench.until("broken")
    assert "full" in status["reason"] or "No space" in status["reason"]
    ballast.unlink()
    for run in runs:
        bench.finish(run)
    assert len(goes_on(bench, "before", *runs)) == 1
    assert len(errors(caplog)) <= 2  # the database says it in its words, the file system in its own


def test_a_read_only_disk(small_disk: Path) -> None:
    bench = bare.Bench(small_disk)
    bench.service.start()
    bench.run("before")
    bench.settle()
    bench.service.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    bench = bare.Bench(small_disk)
    bench.service.start()
    bench.accept("meanwhile")
    assert "Read-only" in bench.until("broken")["reason"]
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    bench.finish("meanwhile")
    assert len(goes_on(bench, "before", "meanwhile")) == 1


def test_a_database_that_another_program_holds(
    bench: bare.Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    bench.service.start()
    bench.run("before")
    bench.settle()
    other = sqlite3.connect(bench.places.ledger / "ledger.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for number in range(10):
        bench.run(f"run-{number}")
    assert "another process is writing to it" in bench.until("broken")["reason"]
    other.execute("ROLLBACK")
    other.close()
    assert len(goes_on(bench, "before", *(f"run-{number}" for number in range(10)))) == 1
    assert len(errors(caplog)) == 1


@pytest.mark.parametrize("damage", ["no database", "half a database"])
def test_a_damaged_database_says_what_to_do(bench: bare.Bench, damage: str) -> None:
    recorded_once(bench.host.folder)
    path = bench.places.ledger / "ledger.sqlite3"
    whole = path.read_bytes()
    path.write_bytes(b"this is no database" * 1000 if damage == "no database" else whole[:5000] + b"\xff" * 3000)
    bench.service.start()
    bench.run("meanwhile")
    reason = bench.until("broken")["reason"]
    assert "damaged" in reason
    assert f"put a backup of {bench.places.ledger} back, or move {bench.places.ledger} away" in reason
    put(path, whole)
    assert len(goes_on(bench, "first", "meanwhile")) == 1


def test_moved_away_the_damaged_ledger_is_followed_by_a_new_one_without_a_restart(bench: bare.Bench) -> None:
    recorded_once(bench.host.folder)
    (bench.places.ledger / "ledger.sqlite3").write_bytes(b"this is no database" * 1000)
    bench.service.start()
    bench.run("meanwhile")
    bench.until("broken")
    bench.places.ledger.rename(bench.host.folder / "away")
    assert len(goes_on(bench, "meanwhile")) == 1
    assert len(list(bench.places.secrets.iterdir())) == 2  # the key of the ledger that is gone was kept


@pytest.mark.parametrize("key", ["with its key", "without its key"])
def test_an_empty_database_is_a_first_start_that_did_not_end(bench: bare.Bench, key: str) -> None:
    recorded_once(bench.host.folder)
    shutil.rmtree(bench.places.ledger)
    bench.places.ledger.mkdir()
    sqlite3.connect(bench.places.ledger / "ledger.sqlite3").execute("PRAGMA journal_mode=WAL").connection.close()
    if key == "without its key":
        bench.places.key.unlink()
    bench.service.start()
    bench.run("again")
    assert goes_on(bench, "again") == []


def test_a_database_of_another_program_is_left_alone(bench: bare.Bench) -> None:
    bench.places.ledger.mkdir()
    path = bench.places.ledger / "ledger.sqlite3"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE recipes (name TEXT)")
    other.commit()
    other.close()
    bench.service.start()
    assert "another database" in bench.until("broken")["reason"]
    with sqlite3.connect(path) as other:
        assert [name for (name,) in other.execute("SELECT name FROM sqlite_master")] == ["recipes"]
    assert not bench.places.secrets.exists()


def secrets_of(bench: bare.Bench) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in bench.places.secrets.iterdir()}


def rename_version(bench: bare.Bench, old: str, new: str) -> None:
    other = sqlite3.connect(bench.places.ledger / "ledger.sqlite3")
    other.execute("UPDATE meta SET name = ? WHERE name = ?", (new, old))
    other.commit()
    other.close()


def test_a_ledger_that_has_lost_its_version_keeps_its_key(bench: bare.Bench) -> None:
    """It looked like another program's database then, and its key was set aside for a ledger that could not begin."""
    recorded_once(bench.host.folder)
    before = secrets_of(bench)
    rename_version(bench, "format", "x")
    bench.service.start()
    bench.run("meanwhile")
    assert "put a backup of" in bench.until("broken")["reason"]
    assert secrets_of(bench) == before
    rename_version(bench, "x", "format")
    assert len(goes_on(bench, "first", "meanwhile")) == 1
    assert secrets_of(bench) == before
    assert kinds(bench).count("genesis") == 1


def test_an_index_that_has_lost_its_version_is_made_anew_once(bench: bare.Bench) -> None:
    recorded_once(bench.host.folder)
    rename_version(bench, "index_format", "x")
    bench.service.start()
    bench.run("next")
    assert goes_on(bench, "first", "next") == []


def test_another_database_in_the_ledger_s_place_keeps_the_key(bench: bare.Bench) -> None:
    recorded_once(bench.host.folder)
    before = secrets_of(bench)
    path = bench.places.ledger / "ledger.sqlite3"
    path.rename(path.with_name("aside"))
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    bench.service.start()
    bench.run("meanwhile")
    assert "another database" in bench.until("broken")["reason"]
    assert secrets_of(bench) == before
    path.with_name("aside").rename(path)
    assert len(goes_on(bench, "first", "meanwhile")) == 1


def test_a_ledger_that_was_put_back_is_not_built_upon(bench: bare.Bench, caplog: pytest.LogCaptureFixture) -> None:
    """An older copy of the database under a running host: whatever is added would contradict what was signed."""
    bench.service.start()
    bench.run("before")
    bench.settle()
    path = bench.places.ledger / "ledger.sqlite3"
    older, newer = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    live = sqlite3.connect(path)
    live.backup(older)
    bench.run("between")
    bench.settle()
    live.backup(newer)
    older.backup(live)
    for number in range(5):
        bench.run(f"run-{number}")
    assert "put back or replaced" in bench.until("broken")["reason"]
    assert len(errors(caplog)) == 1
    newer.backup(live)
    live.close()
    (gap,) = goes_on(bench, "before", "between", *(f"run-{number}" for number in range(5)))
    assert gap["missed"]["events"] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps files that are open")
def test_a_ledger_that_is_moved_away_under_a_running_host_and_put_back(
    bench: bare.Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """What is open can still be written, and goes nowhere: nothing may be acknowledged meanwhile."""
    bench.service.start()
    bench.run("before")
    bench.settle()
    heard = len(bench.heard)
    bench.places.ledger.rename(bench.host.folder / "away")
    reason = bench.until("broken")["reason"]  # before anything is to be written
    assert "was deleted or replaced" in reason and str(bench.places.ledger) in reason
    runs = [f"run-{number}" for number in range(5)]
    for run in runs:
        bench.run(run)
    while not errors(caplog):
        time.sleep(0.005)
    assert bench.heard[heard:] == []
    (bench.host.folder / "away").rename(bench.places.ledger)
    assert len(goes_on(bench, "before", *runs)) == 1
    assert len(errors(caplog)) <= 2  # that it was replaced, and that it cannot be opened


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps files that are open")
@pytest.mark.parametrize("gone", ["folder", "database"])
def test_a_ledger_that_is_deleted_under_a_running_host_is_told(bench: bare.Bench, gone: str) -> None:
    bench.service.start()
    bench.run("before")
    bench.settle()
    heard = len(bench.heard)
    if gone == "folder":
        shutil.rmtree(bench.places.ledger)
    else:
        (bench.places.ledger / "ledger.sqlite3").unlink()
    assert "was deleted or replaced" in bench.until("broken")["reason"]
    bench.run("meanwhile")
    time.sleep(0.2)  # some attempts
    assert bench.service.status()["state"] == "broken"
    assert bench.heard[heard:] == []
    assert not (bench.places.ledger / "ledger.sqlite3").exists()
    bench.service.close()
    again = bare.Bench(bench.host.folder)
    again.service.start()
    again.run("after")
    goes_on(again, "after")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps files that are open")
def test_a_journal_that_is_deleted_under_a_running_host_loses_nothing(bench: bare.Bench) -> None:
    bench.service.start()
    bench.run("before")
    bench.settle()
    (bench.places.ledger / "ledger.sqlite3-wal").unlink()
    assert "was deleted or replaced" in bench.until("broken")["reason"]
    bench.run("meanwhile")
    assert len(goes_on(bench, "before", "meanwhile")) == 1


@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_a_lost_run_whose_graph_is_gone_does_not_keep_a_session_from_starting(bench: bare.Bench, damage: str) -> None:
    first = bare.Bench(bench.host.folder)
    first.service.start()
    first.accept("open")
    first.settle()
    first.service.close()
    with machine.reading(bench.places.ledger) as ledger:
        row = ledger.index.execution("open")
        assert row is not None
    with sqlite3.connect(bench.places.ledger / "ledger.sqlite3") as database:
        key = bytes.fromhex(row.prompt)
        if damage == "missing":
            database.execute("DELETE FROM objects WHERE digest = ?", (key,))
        else:
            database.execute("UPDATE objects SET data = ?, encoding = 'raw' WHERE digest = ?", (b"else", key))
    bench.service.start()
    bench.run("next")
    bench.settle()
    assert bench.service.status()["state"] == "recording"
    live = bench.service.live
    assert live is not None
    found = live.ledger.index.execution("open")
    assert found is not None and found.status == "lost"


def test_closing_records_what_is_left(bench: bare.Bench) -> None:
    bench.service.start()
    for number in range(30):
        bench.run(f"run-{number}")
    bench.service.close()
    said = machine.statements(bench.places.ledger)
    assert [each["kind"] for each in said].count("completion") == 30
    assert said[-1]["kind"] == "session" and said[-1]["event"] == "stop"
    assert not bench.accept("late")


def test_closing_while_the_disk_refuses_does_not_claim_to_be_complete(
    bench: bare.Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.02)
    bench.service.start()
    bench.run("before")
    bench.settle()
    other = sqlite3.connect(bench.places.ledger / "ledger.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    bench.run("meanwhile")
    bench.until("broken")
    bench.service.close()
    other.execute("ROLLBACK")
    other.close()
    said = machine.statements(bench.places.ledger)
    assert not any(each.get("event") == "stop" for each in said)
    assert not any(each.get("execution") == "meanwhile" for each in said)
    assert machine.verified(bench.places.ledger) == []
