"""Twenty thousand changed bytes of a ledger on disk, each found."""

from __future__ import annotations

from pathlib import Path

import mutation
import pytest
import studio

pytestmark = [pytest.mark.soak, pytest.mark.timeout(4 * 3600)]
PLACES = 20_000


def test_twenty_thousand_changed_bytes_are_all_found(tmp_path: Path) -> None:
    studio.record(tmp_path)
    ledger = studio.Victim(tmp_path)
    assert ledger.codes() == set()
    tried, missed = mutation.survivors(ledger, PLACES, seed=20_000)
    assert (tried, missed) == (PLACES, [])
    assert ledger.codes() == set()
