"""Any byte of a ledger on disk, changed: found, whatever it is. `make soak` tries twenty thousand places."""

from __future__ import annotations

import random
import sqlite3

import mutation
import studio

PLACES = 200
PAGES = 60


def test_a_changed_byte_of_any_column_or_object_is_found(ledger: studio.Victim) -> None:
    assert ledger.codes() == set()
    tried, missed = mutation.survivors(ledger, PLACES, seed=6962)
    assert (tried, missed) == (PLACES, [])
    assert ledger.codes() == set()  # each change was taken back


def test_a_changed_byte_of_the_database_s_file_changes_nothing_or_is_found(ledger: studio.Victim) -> None:
    """Free space and the database's own bookkeeping may change unseen, what the ledger says may not."""
    path = ledger.root / studio.DATABASE
    _settle(ledger)
    sound, before = path.read_bytes(), _content(ledger)
    chance, found = random.Random(9162), 0
    for place in chance.sample(range(len(sound)), PAGES):
        changed = bytearray(sound)
        changed[place] ^= 1 << chance.randrange(8)
        path.write_bytes(bytes(changed))
        codes = ledger.codes()
        found += bool(codes)
        assert codes or _content(ledger) == before, place
        for journal in ("-wal", "-shm"):
            path.with_name(path.name + journal).unlink(missing_ok=True)
    assert found > PAGES // 4
    path.write_bytes(sound)
    assert ledger.codes() == set()


def _settle(ledger: studio.Victim) -> None:
    """Move what is in the journal into the database's file."""
    database = sqlite3.connect(ledger.root / studio.DATABASE)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def _content(ledger: studio.Victim) -> list[mutation.Cell]:
    return list(mutation.cells(ledger.root / studio.DATABASE))
