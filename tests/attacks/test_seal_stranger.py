"""Somebody who can write to the ledger but does not hold its key: whatever is changed is found and named."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from comfy_provenance.provenance.seal import checkpoint, dsse
from comfy_provenance.provenance.verify import verifier
from comfy_provenance.tests.unit.verify.simulator import SimulatedLog

LAST = 8  # entries: genesis, start, 3 x (submission, completion), stop


@pytest.fixture
def log() -> SimulatedLog:
    log = SimulatedLog(seed=1).session(runs=3)
    assert len(log.entries) == LAST + 1
    return log


def _codes(log: SimulatedLog) -> set[str]:
    report = log.verify()
    assert not report.ok
    return {found.code for found in report.findings}


def test_any_flipped_byte_of_any_entry_names_that_entry() -> None:
    log = SimulatedLog(seed=1).session(runs=1)
    chance = random.Random(6962)
    for index, envelope in enumerate(log.entries):
        places = {0, len(envelope) - 1, *chance.sample(range(len(envelope)), 60)}
        for place in sorted(places):
            changed = bytearray(envelope)
            changed[place] ^= 1 << chance.randrange(8)
            log.entries[index] = bytes(changed)
            report = log.verify(schema_check=None)
            assert not report.ok, (index, place)
            assert report.findings[0].entry == index, (index, place, report.findings)
            assert report.findings[0].code in {"envelope-malformed", "envelope-signature", "foreign-key"}
        log.entries[index] = envelope
    assert log.verify().ok


@pytest.mark.parametrize("index", range(LAST + 1))
def test_a_changed_entry_is_one_finding_and_the_tree_that_no_longer_fits(log: SimulatedLog, index: int) -> None:
    claimed = dsse.read_unverified(log.entries[index])
    changed = dsse.seal(claimed.payload.replace(b"Z", b"Y", 1), SimulatedLog(seed=2).signer)
    ours, theirs = log.public.key_id.encode(), SimulatedLog(seed=2).public.key_id.encode()
    log.entries[index] = changed.replace(theirs, ours)
    assert log.found() == [("envelope-signature", index), ("checkpoint-root", None)]


@pytest.mark.parametrize("index", range(LAST + 1))
def test_a_deleted_entry_that_leaves_a_hole(log: SimulatedLog, index: int) -> None:
    log.entries[index] = b""
    assert log.found() == [("entry-missing", index)]


@pytest.mark.parametrize("index", range(LAST))
def test_a_deleted_entry_whose_followers_moved_up(log: SimulatedLog, index: int) -> None:
    del log.entries[index]
    found = log.found()
    assert ("log-index", index) in found
    assert ("entry-missing", LAST) in found
    assert len([code for code, _ in found if code == "log-index"]) == 1


def test_a_truncated_tail(log: SimulatedLog) -> None:
    del log.entries[4:]
    report = log.verify()
    assert [(found.code, found.entry) for found in report.findings] == [("entry-missing", 4)]
    assert report.findings[0].message == "entries 4 to 8 are missing"
    assert report.entries == 4


def test_holes_are_named_one_by_one(log: SimulatedLog) -> None:
    log.entries[2] = log.entries[3] = log.entries[6] = b""
    found = [(found.code, found.message) for found in log.verify().findings]
    assert found == [("entry-missing", "entries 2 to 3 are missing"), ("entry-missing", "entry 6 is missing")]


def test_two_entries_that_changed_places(log: SimulatedLog) -> None:
    log.entries[4], log.entries[5] = log.entries[5], log.entries[4]
    assert [found for found in log.found() if found[0] == "log-index"] == [("log-index", 4), ("log-index", 5)]
    assert "checkpoint-root" in _codes(log)


def test_a_duplicated_entry(log: SimulatedLog) -> None:
    log.entries.insert(5, log.entries[4])
    assert ("log-index", 5) in log.found()
    assert {"log-index", "execution-duplicate", "checkpoint-root", "entry-uncovered"} <= _codes(log)


def test_a_duplicate_in_place_of_another_entry(log: SimulatedLog) -> None:
    log.entries[6] = log.entries[4]
    assert ("log-index", 6) in log.found()


def test_an_entry_of_another_writer_inserted(log: SimulatedLog) -> None:
    log.entries.insert(4, SimulatedLog(seed=2).session(runs=3).entries[4])
    assert ("foreign-key", 4) in log.found()
    assert ("log-index", 5) in log.found()


def test_an_entry_of_another_writer_in_place_of_ours(log: SimulatedLog) -> None:
    log.entries[4] = SimulatedLog(seed=2).session(runs=3).entries[4]
    assert log.found() == [("foreign-key", 4), ("checkpoint-root", None)]


def test_an_entry_resigned_with_another_key(log: SimulatedLog) -> None:
    payload = dsse.open(log.entries[5], log.public)
    log.entries[5] = dsse.seal(payload, SimulatedLog(seed=2).signer)
    assert log.found() == [("foreign-key", 5), ("checkpoint-root", None)]


def test_an_appended_entry_of_another_key(log: SimulatedLog) -> None:
    log.entries.append(SimulatedLog(seed=2).session(runs=3).entries[-1])
    assert log.found() == [("entry-uncovered", LAST + 1)]


def test_a_whole_log_under_another_key(log: SimulatedLog) -> None:
    other = SimulatedLog(seed=2).session(runs=3)
    report = verifier.verify(other, log.public)
    assert not report.ok
    assert report.checkpoint is None
    assert {found.code for found in report.findings} == {"checkpoint-invalid", "foreign-key"}


def test_a_checkpoint_of_another_log(log: SimulatedLog) -> None:
    log.note = SimulatedLog(seed=2).session(runs=3).note
    assert log.found() == [("checkpoint-invalid", None)]


def test_a_checkpoint_resigned_with_another_key(log: SimulatedLog) -> None:
    log.note = checkpoint.sign(log.origin, log.tree.size, log.tree.root, SimulatedLog(seed=2).signer)
    assert log.found() == [("checkpoint-invalid", None)]


def test_any_flipped_byte_of_the_checkpoint(log: SimulatedLog) -> None:
    note = log.note
    for place in range(len(note)):
        changed = bytearray(note)
        changed[place] ^= 1
        log.note = bytes(changed)
        assert log.found(schema_check=None) == [("checkpoint-invalid", None)], place


def test_a_deleted_checkpoint_still_lets_every_entry_be_checked(log: SimulatedLog) -> None:
    log.note = b""
    log.entries[6] = log.entries[6][:-1]
    report = log.verify()
    assert [(found.code, found.entry) for found in report.findings] == [
        ("checkpoint-missing", None),
        ("envelope-malformed", 6),
    ]
    assert (report.entries, report.checkpoint) == (LAST + 1, None)


def test_an_older_checkpoint_put_back(log: SimulatedLog) -> None:
    """Entries that it does not cover give it away."""
    older = SimulatedLog(seed=1)
    older.genesis()
    older.event("start")
    log.note = older.note
    assert log.found() == [("entry-uncovered", 2)]


def test_an_older_backup_put_back_is_found_by_any_checkpoint_kept_elsewhere(log: SimulatedLog) -> None:
    """By itself an older state of the log is a sound log: only a checkpoint that left the machine tells."""
    kept = checkpoint.open(log.note, log.public)
    older = SimulatedLog(seed=1)
    older.genesis()
    assert older.verify().ok
    assert older.found(seen=[kept]) == [("rolled-back", None)]


def test_a_broken_submission_does_not_make_its_completion_wrong(log: SimulatedLog) -> None:
    log.entries[4] = log.entries[4].replace(b"A", b"B", 1)
    assert [entry for _, entry in log.found()] == [4, None]


def test_two_broken_entries_are_both_named(log: SimulatedLog) -> None:
    for index in (2, 7):
        log.entries[index] = log.entries[index][:-2] + b"?}"
    assert log.found() == [("envelope-malformed", 2), ("envelope-malformed", 7), ("checkpoint-root", None)]


HOSTILE: list[Callable[[bytes], bytes]] = [
    lambda envelope: b"null",
    lambda envelope: b"[" * 200_000,
    lambda envelope: b'"' + b"\\ud800" * 1000 + b'"',
    lambda envelope: b"\x00" * 1000,
    lambda envelope: envelope + b" ",
    lambda envelope: envelope.decode().encode("utf-16"),
    lambda envelope: b"1" * 10_000,
]


@pytest.mark.parametrize("make", HOSTILE)
def test_hostile_bytes_in_place_of_an_entry_are_one_finding(log: SimulatedLog, make: Callable[[bytes], bytes]) -> None:
    log.entries[4] = make(log.entries[4])
    report = log.verify()
    assert [(found.code, found.entry) for found in report.findings] == [
        ("envelope-malformed", 4),
        ("checkpoint-root", None),
    ]
    assert all("\n" not in found.message and len(found.message) < 300 for found in report.findings)
