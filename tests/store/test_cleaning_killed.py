"""The process is killed in a clean-up: each copy is either here, or gone and released; never gone unsaid."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from comfy_provenance.provenance.model import Asset, FileRef
from comfy_provenance.provenance.present import cli
from comfy_provenance.provenance.seal.keys import create
from comfy_provenance.provenance.store import place
from comfy_provenance.provenance.store.ledger import Ledger

from .recording import Recorder, facts, genesis_of

CLEANING = Path(__file__).with_name("cleaning_process.py")
COPIES = [bytes((number,)) * 100_000 for number in range(3)]  # each more than a row of the database takes
CLEAN = ("clean", "--not-in-place", "--before", "2100-01-01", "--yes")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The ledger of a ComfyUI folder, three runs that loaded three files, and their kept copies."""
    folder = tmp_path / "user" / "__provenance"
    key = tmp_path / "signing-key.pem"
    signer = create(key)
    ledger = Ledger.create(folder, signer, genesis_of(signer))
    place.claim(place.Place(str(folder), None, signer.public.writer_id, str(key)), "ledger.sqlite3")
    recorder = Recorder(ledger)
    for number, data in enumerate(COPIES):
        digest = ledger.objects.put(data, "image/png")
        file = FileRef("input", "", f"{number}.png")
        used = Asset("1", "image", file.filename, file, facts(str(number)), kept=digest)
        recorder.run(f"run-{number}", used=[used])
    ledger.close()
    return folder


def state(root: Path) -> tuple[int, int]:
    """How many copies are here as files, and how many are told as let go of."""
    ledger = Ledger.open(root, read_only=True)
    try:
        return sum(each.is_file() for each in (root / "objects").rglob("*")), len(ledger.copies.released())
    finally:
        ledger.close()


@pytest.mark.parametrize("removals", (0, 1, len(COPIES)))
def test_a_kill_between_the_release_and_the_last_byte_loses_nothing_unsaid(root: Path, removals: int) -> None:
    killed = subprocess.run([sys.executable, CLEANING, str(removals), "--ledger", root, *CLEAN], timeout=120)
    assert killed.returncode == 9
    here, _ = state(root)
    assert here == len(COPIES) - removals
    assert cli.main(["verify", "--ledger", str(root)]) == 0, "what is gone was released, what is here may be"
    assert cli.main(["clean", "--ledger", str(root), *CLEAN[1:]]) == 0
    assert state(root) == (0, len(COPIES)), "the next clean-up ends what was begun"
    assert cli.main(["verify", "--ledger", str(root)]) == 0
