from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from comfy_provenance.provenance.canonical import parse_json
from comfy_provenance.provenance.errors import (
    InputError,
    IntegrityError,
    NewerFormat,
    NotALedger,
    NotFound,
    SchemaError,
    StorageError,
)
from comfy_provenance.provenance.model import Instant, Kind, Status
from comfy_provenance.provenance.record import predicate
from comfy_provenance.provenance.seal import checkpoint, dsse
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.seal.merkle import Frontier, leaf_hash, root_of
from comfy_provenance.provenance.store import engine
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.provenance.verify import verifier
from comfy_provenance.tests.store.recording import Recorder

APPENDING = Path(__file__).with_name("appending_process.py")


def intent(text: str) -> predicate.Body:
    return predicate.intent(session="s1", at=Instant(1_700_000_000_000_000_000, 0), text=text)


def errors(ledger: Ledger, signer: Signer) -> list[str]:
    return [each.code for each in verifier.verify(ledger.reader(), signer.public).findings if each.severity == "error"]


def edit(ledger: Ledger, statement: str, *values: Any) -> None:
    with sqlite3.connect(ledger.root / "ledger.sqlite3") as connection:
        connection.execute(statement, values)
    connection.close()


def test_genesis_is_entry_zero_and_binds_the_key(ledger: Ledger, signer: Signer) -> None:
    statement = parse_json(dsse.open(ledger.index.entry(0).envelope, signer.public))
    assert statement["predicateType"].endswith("/genesis/v1")
    assert statement["predicate"]["log"]["origin"] == checkpoint.origin_of(signer.public)
    assert statement["predicate"]["log"]["index"] == 0
    assert ledger.public == signer.public


def test_what_was_appended_is_there_after_reopening(ledger: Ledger, signer: Signer) -> None:
    data = b"x" * 5000
    entry = ledger.append(Kind.INTENT, lambda binding: intent("idea"), objects=[(data, "text/plain")])
    ledger.close()
    again = Ledger.open(ledger.root, signer)
    assert again.index.entry(entry.index) == entry
    assert again.objects.get(again.objects.put(data, "text/plain")) == data
    assert again.append(Kind.INTENT, lambda binding: intent("next")).index == entry.index + 1
    assert errors(again, signer) == []
    again.close()


def test_each_entry_is_bound_to_its_place_and_to_all_before_it(filled: Ledger, signer: Signer) -> None:
    leaves: list[bytes] = []
    head = checkpoint.open(filled.index.latest_checkpoint(), signer.public)
    for number in range(head.size):
        entry = filled.index.entry(number)
        log = parse_json(dsse.open(entry.envelope, signer.public))["predicate"]["log"]
        assert log == {"origin": head.origin, "index": number, "root": root_of(leaves).hex()}
        assert entry.leaf == leaf_hash(entry.envelope).hex()
        leaves.append(bytes.fromhex(entry.leaf))
    assert head.root == root_of(leaves)


def test_the_verifier_accepts_a_ledger_with_every_kind_of_entry(filled: Ledger, signer: Signer) -> None:
    codes = {each.code for each in verifier.verify(filled.reader(), signer.public).findings if each.severity == "error"}
    assert codes <= {"object-missing", "chunk-missing"}  # the recorder names digests of things it never stored


def test_an_error_while_building_leaves_nothing_behind(ledger: Ledger, signer: Signer) -> None:
    before = ledger.index.latest_checkpoint()

    def broken(binding: object) -> predicate.Body:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        ledger.append(Kind.INTENT, broken, objects=[(b"orphan", "text/plain")])
    assert ledger.index.latest_checkpoint() == before
    assert ledger.index.counts().entries == 1
    assert ledger.append(Kind.INTENT, lambda binding: intent("works again")).index == 1
    assert errors(ledger, signer) == []


def test_what_does_not_validate_is_not_written(ledger: Ledger) -> None:
    subject, body = intent("idea")
    with pytest.raises(SchemaError):
        ledger.append(Kind.INTENT, lambda binding: (subject, {**body, "surprise": 1}))
    assert ledger.index.counts().entries == 1


def test_tuples_validate_as_the_lists_they_are_signed_as(ledger: Ledger) -> None:
    subject, body = intent("idea")
    ledger.append(Kind.INTENT, lambda binding: (tuple(subject), body))
    assert ledger.index.counts().entries == 2


def test_an_execution_is_submitted_once_and_ends_once(ledger: Ledger, recorder: Any) -> None:
    submission = recorder.submit("run-1")
    with pytest.raises(InputError, match="already recorded"):
        recorder.submit("run-1")
    recorder.complete("run-1", submission)
    with pytest.raises(InputError, match="already recorded"):
        recorder.complete("run-1", submission, Status.LOST)
    assert ledger.index.counts().entries == 3


def test_one_folder_holds_one_ledger(ledger: Ledger, signer: Signer, genesis: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match="already"):
        Ledger.create(ledger.root, signer, genesis)


def test_a_creation_that_fails_leaves_no_ledger(tmp_path: Path, signer: Signer, genesis: Callable[..., Any]) -> None:
    def broken(binding: object) -> predicate.Body:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Ledger.create(tmp_path, signer, broken)
    with pytest.raises(NotALedger):
        Ledger.open(tmp_path, signer)
    Ledger.create(tmp_path, signer, genesis).close()


def test_a_folder_without_a_ledger_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(NotALedger):
        Ledger.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_some_other_database_is_not_a_ledger(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "ledger.sqlite3").execute("CREATE TABLE meta (name, value)").connection.close()
    with pytest.raises(NotALedger):
        Ledger.open(tmp_path)


def test_without_the_key_nothing_can_be_added(ledger: Ledger) -> None:
    keyless = Ledger.open(ledger.root)
    with pytest.raises(InputError, match="key"):
        keyless.append(Kind.INTENT, lambda binding: intent("idea"))
    keyless.close()


def test_a_checkpoint_that_is_signed_again_is_the_same_to_the_byte(ledger: Ledger) -> None:
    """So that the one which a token was made for can be found."""
    notes = [ledger.reader().checkpoint()]
    for text in ("one", "two"):
        ledger.append(Kind.INTENT, lambda binding, text=text: intent(text))
        notes.append(ledger.reader().checkpoint())
    tree = Frontier()
    for index, note in enumerate(notes):
        tree = tree.append(bytes.fromhex(ledger.index.entry(index).leaf))
        assert ledger.note_of(tree) == note
    reopened = Ledger.open(ledger.root)
    with pytest.raises(InputError, match="nothing can be signed"):
        reopened.note_of(tree)
    reopened.close()


def test_another_key_is_refused(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="another key"):
        Ledger.open(ledger.root, Signer.from_seed(b"k" * 32))


def test_a_newer_format_is_refused(ledger: Ledger, signer: Signer) -> None:
    edit(ledger, "UPDATE meta SET value = '2' WHERE name = 'format'")
    with pytest.raises(NewerFormat, match="format 2"):
        Ledger.open(ledger.root, signer)


def test_an_older_index_is_made_anew_on_opening(filled: Ledger, signer: Signer) -> None:
    page = filled.index.page(10)
    edit(filled, "UPDATE meta SET value = '0' WHERE name = 'index_format'")
    edit(filled, "DROP TABLE outputs")
    with pytest.raises(InputError, match="older format"):
        Ledger.open(filled.root, read_only=True)
    again = Ledger.open(filled.root, signer)
    assert again.index.page(10) == page
    assert list(again.check_index()) == []
    again.close()


@pytest.mark.parametrize("offset", [0, 4096 * 3])
def test_a_damaged_database_gives_one_clear_line(filled: Ledger, signer: Signer, offset: int) -> None:
    filled.close()
    path = filled.root / "ledger.sqlite3"
    data = bytearray(path.read_bytes())
    data[offset : offset + 4096 * 8] = b"\xa5" * len(data[offset : offset + 4096 * 8])
    path.write_bytes(data)
    with pytest.raises((StorageError, IntegrityError)) as caught:
        broken = Ledger.open(filled.root, signer)
        list(broken.check_index())
        for number in range(broken.index.counts().entries):
            broken.index.entry(number)
    assert "\n" not in str(caught.value)


def test_a_ledger_put_back_to_an_older_copy_is_not_built_upon(ledger: Ledger, signer: Signer) -> None:
    ledger.append(Kind.INTENT, lambda binding: intent("one"))
    with sqlite3.connect(ledger.root / "ledger.sqlite3") as connection:
        older = connection.execute("SELECT size, frontier, checkpoint FROM writers").fetchone()
    connection.close()
    ledger.append(Kind.INTENT, lambda binding: intent("two"))
    edit(ledger, "DELETE FROM entries WHERE number = 2")
    edit(ledger, "DELETE FROM intents")
    edit(ledger, "UPDATE writers SET size = ?, frontier = ?, checkpoint = ?", *older)
    with pytest.raises(IntegrityError, match="older"):
        ledger.append(Kind.INTENT, lambda binding: intent("other two"))


def test_what_others_changed_beside_the_tree_does_not_stop_an_append(ledger: Ledger, signer: Signer) -> None:
    ledger.append(Kind.INTENT, lambda binding: intent("one"))
    edit(ledger, "INSERT INTO summaries VALUES (x'7478', 'remembered by another process')")
    assert ledger.append(Kind.INTENT, lambda binding: intent("two")).index == 2
    assert errors(ledger, signer) == []


def test_a_tree_that_no_checkpoint_signs_is_not_built_upon(ledger: Ledger, signer: Signer) -> None:
    edit(ledger, "UPDATE writers SET frontier = zeroblob(8), size = 0")
    with pytest.raises(IntegrityError, match="checkpoint"):
        ledger.append(Kind.INTENT, lambda binding: intent("idea"))


def test_a_missing_entry_is_named(filled: Ledger) -> None:
    edit(filled, "DELETE FROM entries WHERE number = 3")
    reader = filled.reader()
    assert reader.entry(2)
    with pytest.raises(NotFound, match="entry 3"):
        reader.entry(3)
    assert reader.entry(4)
    with pytest.raises(NotFound):
        filled.index.entry(3)


def test_processes_that_append_at_once_take_turns(
    ledger: Ledger, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 120.0)
    mine = Ledger.open(ledger.root, signer)
    count, names = 25, ("left", "right", "middle")
    started = [
        subprocess.Popen(
            [sys.executable, str(APPENDING), str(ledger.root), name, str(count)], stdout=subprocess.PIPE, text=True
        )
        for name in names
    ]
    for number in range(count):
        mine.append(Kind.INTENT, lambda binding, number=number: intent(f"here {number}"))
    mine.close()
    for process in started:
        assert process.communicate()[0].split() == [str(number) for number in range(count)]
        assert process.returncode == 0
    texts = [row.text for row in ledger.index.intents()]
    for name in ("here", *names):
        assert [text for text in texts if text.startswith(name)] == [f"{name} {number}" for number in range(count)]
    assert ledger.index.counts().entries == 1 + count * 4
    assert errors(ledger, signer) == []
    assert list(ledger.check_index()) == []


def test_what_a_killed_process_acknowledged_is_there(ledger: Ledger, signer: Signer) -> None:
    process = subprocess.Popen(
        [sys.executable, str(APPENDING), str(ledger.root), "killed", "100000"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().strip() for _ in range(20)]
    process.kill()
    acknowledged += process.communicate()[0].split()
    texts = {row.text for row in ledger.index.intents()}
    assert {f"killed {number}" for number in acknowledged if number} <= texts
    ledger.append(Kind.INTENT, lambda binding: intent("after"))
    assert errors(ledger, signer) == []


def test_a_writer_that_holds_the_lock_too_long_gives_one_clear_line(
    ledger: Ledger, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    other = Ledger.open(ledger.root, signer)
    holder = sqlite3.connect(ledger.root / "ledger.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="another process is writing"):
        other.append(Kind.INTENT, lambda binding: intent("idea"))
    holder.execute("ROLLBACK")
    holder.close()
    other.append(Kind.INTENT, lambda binding: intent("idea"))
    other.close()


def test_a_folder_that_cannot_be_made_gives_one_clear_line(tmp_path: Path, signer: Signer, genesis: Any) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(StorageError, match="folder cannot be made"):
        Ledger.create(tmp_path / "file" / "ledger", signer, genesis)


def test_a_ledger_that_lost_its_writer_is_not_built_upon(ledger: Ledger, signer: Signer) -> None:
    edit(ledger, "DELETE FROM writers")
    with pytest.raises(IntegrityError, match="writer"):
        ledger.append(Kind.INTENT, lambda binding: intent("idea"))
    with pytest.raises(NotFound):
        ledger.reader().checkpoint()
    with pytest.raises(NotALedger):
        Ledger.open(ledger.root, signer)


def test_a_database_that_lost_its_version_is_damaged(ledger: Ledger) -> None:
    edit(ledger, "DELETE FROM meta")
    with pytest.raises(StorageError, match="damaged"):
        Ledger.open(ledger.root)


def test_a_ledger_begins_only_where_nothing_was_written(ledger: Ledger, tmp_path: Path) -> None:
    assert not Ledger.is_vacant(ledger.root)
    assert Ledger.is_vacant(tmp_path)
    (tmp_path / "ledger.sqlite3").touch()
    assert Ledger.is_vacant(tmp_path)


@pytest.mark.parametrize("column", ["frontier", "checkpoint"])
def test_text_where_bytes_belong_is_damage_not_a_crash(ledger: Ledger, signer: Signer, column: str) -> None:
    edit(ledger, f"UPDATE writers SET {column} = 'text'")  # noqa: S608
    again = Ledger.open(ledger.root, signer)
    with pytest.raises(IntegrityError):
        again.append(Kind.INTENT, lambda binding: intent("idea"))
    again.close()


def test_entries_of_a_later_release_are_kept_and_give_no_rows(ledger: Ledger, signer: Signer) -> None:
    payload = dsse.statement(*intent("idea")[:1], "https://w3id.org/comfy-provenance/key-change/v1", {"future": 1})
    edit(ledger, "INSERT INTO entries VALUES (2, 1, 1, 'anchor', x'00', ?)", dsse.seal(payload, signer))
    assert list(ledger.check_index()) == []
    assert ledger.rebuild_index().unreadable == 0


def test_a_signed_body_of_the_wrong_shape_is_named(ledger: Ledger, signer: Signer) -> None:
    payload = dsse.statement(*intent("idea")[:1], "https://w3id.org/comfy-provenance/intent/v1", {"text": {"not": 1}})
    sealed = dsse.seal(payload, signer)
    edit(ledger, "INSERT INTO entries VALUES (2, 1, 1, 'intent', ?, ?)", leaf_hash(sealed), sealed)
    assert [(each.code, each.entry) for each in ledger.check_index()] == [("index-entry-unreadable", 1)]
    assert ledger.rebuild_index().unreadable == 1


def test_an_append_that_fails_after_another_process_wrote_does_not_stop_the_next(
    ledger: Ledger, recorder: Recorder, signer: Signer
) -> None:
    recorder.submit("one")
    other = Ledger.open(ledger.root, signer)
    Recorder(other, recorder.ticks).submit("two")
    with pytest.raises(InputError, match="already recorded"):
        recorder.submit("two")
    assert recorder.submit("three") == 3
    other.close()


def test_a_schema_with_bytes_that_are_no_text_is_told_as_damage(ledger: Ledger) -> None:
    """Its error message is no UTF-8 either, which the driver cannot read."""
    ledger.close()
    path = ledger.root / "ledger.sqlite3"
    data = path.read_bytes()
    assert b"ON outputs (pixels)" in data
    path.write_bytes(data.replace(b"ON outputs (pixels)", b"ON outputs (pixel\xf8)"))
    with pytest.raises(StorageError, match="damaged"):
        Ledger.open(ledger.root, read_only=True)
