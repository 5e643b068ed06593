"""A ledger as it lies on disk, changed by somebody who can write to the folder: found, named, and what can be repaired
is. The first part is done by a stranger without the key, the second by the author himself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import studio
from comfy_provenance.provenance.errors import IntegrityError
from comfy_provenance.provenance.seal import checkpoint, dsse
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.seal.merkle import Frontier, leaf_hash

STRANGER = Signer.from_seed(b"a stranger's key, for tests only"[:32])


def errors(ledger: studio.Victim) -> set[tuple[str, int | None]]:
    """What the log's check says; what follows for the index is left out."""
    return {(code, entry) for code, entry in ledger.found() if not code.startswith(("index-", "record-"))}


def test_nothing_is_found_before_the_attack(ledger: studio.Victim) -> None:
    assert ledger.checked()["findings"] == []


# entries


def test_a_deleted_entry(ledger: studio.Victim) -> None:
    ledger.sql("DELETE FROM entries WHERE number = 9")
    assert errors(ledger) == {("entry-missing", 9)}


def test_entries_that_changed_places(ledger: studio.Victim) -> None:
    for number, place in ((9, -1), (10, 9), (-1, 10)):
        ledger.sql("UPDATE entries SET number = ? WHERE number = ?", place, number)
    assert {("log-index", 9), ("log-index", 10)} <= errors(ledger)


def test_a_duplicated_entry_in_place_of_another(ledger: studio.Victim) -> None:
    ledger.put_entry(10, ledger.entries()[9])
    assert ("log-index", 10) in errors(ledger)


def test_an_entry_inserted_after_the_end(ledger: studio.Victim) -> None:
    entries = ledger.entries()
    ledger.sql(
        "INSERT INTO entries (writer, number, kind, leaf, envelope) SELECT writer, ?, kind, leaf, envelope FROM entries"
        " WHERE number = 9",
        len(entries),
    )
    assert ("entry-uncovered", len(entries)) in errors(ledger)


def test_an_entry_signed_anew_with_another_key(ledger: studio.Victim) -> None:
    claimed = dsse.read_unverified(ledger.entries()[9])
    ledger.put_entry(9, dsse.seal(claimed.payload, STRANGER))
    assert errors(ledger) == {("foreign-key", 9), ("checkpoint-root", None)}


def test_an_entry_transplanted_from_another_ledger(ledger: studio.Victim, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    studio.record(tmp_path / "other")
    ledger.put_entry(9, studio.Victim(tmp_path / "other").entries()[9])
    assert errors(ledger) == {("foreign-key", 9), ("checkpoint-root", None)}


def test_a_tail_that_was_cut_off_with_the_checkpoint_put_back(ledger: studio.Victim) -> None:
    """A whole older copy is a sound log: only a checkpoint that left the machine shows what is gone."""
    columns = "size, frontier, checkpoint"
    before = ledger.sql(f"SELECT {columns} FROM writers")[0]  # noqa: S608
    ledger.append("rolled back later")
    kept = ledger.seen()
    ledger.sql("DELETE FROM entries WHERE number >= ?", before[0])
    ledger.sql("DELETE FROM sessions WHERE seq > ?", before[0])
    ledger.sql("UPDATE writers SET size = ?, frontier = ?, checkpoint = ?", *before)
    assert ledger.codes() == set()
    assert ledger.forks(kept) == {"rolled-back"}


def test_a_tail_that_was_cut_off_under_the_checkpoint(ledger: studio.Victim) -> None:
    ledger.sql("DELETE FROM entries WHERE number >= 20")
    assert ("entry-missing", 20) in errors(ledger)


def test_the_key_swapped_for_another(ledger: studio.Victim) -> None:
    """The key beside the entries is only a copy: the log names its own, and the reader can bring one."""
    ledger.sql("UPDATE writers SET public_key = ?", STRANGER.public.pem)
    assert ledger.found() == [("record-row-changed", None)]
    assert "checkpoint-invalid" in ledger.codes(STRANGER.public)
    assert ledger.rebuilt().repaired == 1
    assert ledger.codes() == set()


def test_a_checkpoint_of_another_log(ledger: studio.Victim) -> None:
    tree = Frontier()
    for entry in ledger.entries():
        tree = tree.append(leaf_hash(entry))
    note = checkpoint.sign(checkpoint.origin_of(STRANGER.public), tree.size, tree.root, STRANGER)
    ledger.sql("UPDATE writers SET checkpoint = ?", note)
    assert ("checkpoint-invalid", None) in errors(ledger)


def test_a_deleted_checkpoint(ledger: studio.Victim) -> None:
    ledger.sql("UPDATE writers SET checkpoint = x''")
    assert errors(ledger) == {("checkpoint-invalid", None)}


# objects


def test_an_object_replaced_under_the_same_name_in_the_database(ledger: studio.Victim) -> None:
    ledger.sql(
        "UPDATE objects SET data = ?, encoding = 'raw', size = 12 WHERE digest = (SELECT substr(workflow, 2) FROM"
        " executions WHERE id = ?)",
        b"other  bytes",
        b"tfirst",
    )
    assert "object-altered" in ledger.codes()


def test_an_object_replaced_under_the_same_name_as_a_file(ledger: studio.Victim) -> None:
    (path,) = (path for path in (ledger.root / "objects").rglob("*") if path.is_file())
    size = path.stat().st_size
    path.write_bytes(b"x" * size)
    ((code, altered),) = ledger.found()
    path.unlink()
    assert (code, ledger.found()) == ("object-altered", [("picture-missing", altered)])


def test_an_object_that_is_gone(ledger: studio.Victim) -> None:
    ledger.sql("PRAGMA foreign_keys=OFF")
    ledger.sql("DELETE FROM objects WHERE media_type IS NULL")
    assert "object-missing" in ledger.codes()


@pytest.mark.parametrize(
    ("table", "column", "where", "back"),
    [
        ("objects", "data", "encoding = 'zlib'", 9),
        ("objects", "data", "encoding = 'delta'", 5),
        ("patterns", "payload", "1", 9),
    ],
)
def test_a_bit_that_only_pads_a_compressors_last_byte(
    ledger: studio.Victim, table: str, column: str, where: str, back: int
) -> None:
    """Decompressed, it gives the same bytes: only a checksum of what is stored tells."""
    rows = ledger.sql(f"SELECT rowid, {column} FROM {table} WHERE {where}")  # noqa: S608
    assert rows
    for number, stored in rows:
        changed = bytearray(stored)
        changed[-back] ^= 0x80
        ledger.sql(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", bytes(changed), number)  # noqa: S608
        assert ledger.codes(), (table, number)
        ledger.sql(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", stored, number)  # noqa: S608
    assert ledger.codes() == set()


def test_a_digest_changed_where_the_object_is_a_file(ledger: studio.Victim) -> None:
    """The object is still read, by the name of its file; the row tells of another that is not there."""
    ((number, digest),) = ledger.sql("SELECT id, digest FROM objects WHERE encoding = 'file'")
    ledger.sql("UPDATE objects SET digest = ? WHERE id = ?", bytes(31) + digest[31:], number)
    assert ledger.found() == [("record-row-changed", None)]
    assert ledger.rebuilt().repaired == 1
    assert ledger.codes() == set()


def test_an_object_recorded_with_another_size(ledger: studio.Victim) -> None:
    ledger.sql("UPDATE objects SET size = size + 1")
    assert ledger.codes() == {"object-altered"}


# the index


def test_edited_index_rows_are_found_and_repaired_from_the_entries(ledger: studio.Victim) -> None:
    ledger.sql("UPDATE executions SET submitted_at = '1999-01-01T00:00:00.000000Z'")
    ledger.sql("DELETE FROM decisions")
    ledger.sql("UPDATE edges SET basis = 'observed', score = NULL")
    ledger.sql("UPDATE gaps SET events = 0")
    assert errors(ledger) == set()  # the log itself is sound
    assert {code for code, _ in ledger.found()} == {"index-row-changed", "index-row-missing"}
    done = ledger.rebuilt()
    assert (done.unreadable, done.repaired) == (0, 0)
    assert ledger.codes() == set()


def test_what_stands_beside_the_signed_bytes_is_found_and_repaired_from_them(ledger: studio.Victim) -> None:
    before = ledger.entries()
    ledger.sql("UPDATE entries SET kind = 'gap' WHERE number = 3")
    ledger.sql("UPDATE entries SET leaf = zeroblob(32) WHERE number = 4")
    ledger.sql("UPDATE writers SET size = 3, frontier = zeroblob(8), origin = 'elsewhere'")
    ledger.sql("UPDATE patterns SET payload = zeroblob(9), digest = zeroblob(32)")
    ledger.sql("INSERT INTO patterns SELECT 7777, key, digest, payload FROM patterns LIMIT 1")
    codes = ledger.found()
    assert ("record-row-changed", 3) in codes and ("record-row-changed", 4) in codes
    assert ("record-row-changed", None) in codes
    assert ledger.rebuilt().repaired == 4
    assert ledger.checked()["findings"] == []
    assert ledger.entries() == before


@pytest.mark.parametrize("form", [b"\x02", b"\x03"])
def test_a_pattern_under_the_number_of_an_entry_that_is_none_is_found_and_removed(
    ledger: studio.Victim, form: bytes
) -> None:
    """The entry is kept as a difference itself, so that there is nothing to compare the pattern with."""
    before = ledger.entries()
    ledger.sql(
        "UPDATE patterns SET seq = (SELECT max(seq) FROM entries WHERE substr(envelope, 1, 1) = ?)"
        " WHERE seq = (SELECT max(seq) FROM patterns)",
        form,
    )
    assert ledger.codes() == {"index-row-changed"}
    assert ledger.rebuilt().repaired == 1
    assert ledger.codes() == set()
    assert ledger.entries() == before


def test_text_that_is_no_text_is_damage_and_not_a_crash(ledger: studio.Victim) -> None:
    for table, column in (("gaps", "reason"), ("texts", "text"), ("outputs", "filename"), ("writers", "public_key")):
        ledger.sql(f"UPDATE {table} SET {column} = CAST(x'ff41' AS TEXT)")  # noqa: S608
    ledger.sql("UPDATE entries SET envelope = CAST(x'ff41' AS TEXT) WHERE number = 5")
    ledger.sql("UPDATE objects SET data = CAST(x'ff41' AS TEXT) WHERE encoding = 'zlib'")
    codes = ledger.codes()
    assert {"index-row-changed", "record-row-changed", "envelope-malformed", "object-altered"} <= codes
    assert "unusable" not in codes


# the author


def test_two_copies_that_both_went_on_are_forks(ledger: studio.Victim, tmp_path: Path) -> None:
    shutil.copytree(ledger.places.ledger.parent, tmp_path / "copy")
    copy = studio.Victim(tmp_path / "copy")
    ledger.append("here")
    copy.append("there")
    assert ledger.codes() == copy.codes() == set()  # each alone is sound
    assert ledger.forks(copy.seen()) == copy.forks(ledger.seen()) == {"forked"}


def test_a_fork_mixed_into_the_log(ledger: studio.Victim, tmp_path: Path) -> None:
    shutil.copytree(ledger.places.ledger.parent, tmp_path / "copy")
    copy = studio.Victim(tmp_path / "copy")
    for text in ("one", "two"):
        ledger.append(f"{text} here")
        copy.append(f"{text} there")
    last = len(ledger.entries()) - 1
    ledger.put_entry(last, copy.entries()[last])
    assert errors(ledger) == {("log-root", last), ("checkpoint-root", None)}


def test_an_entry_rewritten_and_signed_anew_by_the_author(ledger: studio.Victim) -> None:
    claimed = dsse.read_unverified(ledger.entries()[9])
    changed = claimed.payload.replace(b'recorded_at":"2', b'recorded_at":"1', 1)
    assert changed != claimed.payload
    ledger.put_entry(9, dsse.seal(changed, ledger.signer))
    assert {("log-root", 10), ("checkpoint-root", None)} <= errors(ledger)


def test_nothing_is_added_to_a_log_that_was_changed(ledger: studio.Victim) -> None:
    ledger.sql("UPDATE writers SET frontier = ?, size = 1", Frontier().append(bytes(32)).to_bytes())
    with pytest.raises(IntegrityError):
        ledger.append("on top of it")
