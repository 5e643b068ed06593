"""A ledger in a temporary folder and a recorder that writes runs into it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from comfy_provenance.provenance.record import predicate
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store.ledger import Binding, Ledger
from comfy_provenance.tests.store.recording import SEED, Recorder, genesis_of


@pytest.fixture
def signer() -> Signer:
    return Signer.from_seed(SEED)


@pytest.fixture
def genesis(signer: Signer) -> Callable[[Binding], predicate.Body]:
    return genesis_of(signer)


@pytest.fixture
def ledger(tmp_path: Path, signer: Signer) -> Iterator[Ledger]:
    made = Ledger.create(tmp_path / "ledger", signer, genesis_of(signer))
    yield made
    made.close()


@pytest.fixture
def recorder(ledger: Ledger) -> Recorder:
    return Recorder(ledger)


@pytest.fixture(scope="session")
def filled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed ledger with rows in every table; copy it, do not open it."""
    folder = tmp_path_factory.mktemp("filled") / "ledger"
    signer = Signer.from_seed(SEED)
    made = Ledger.create(folder, signer, genesis_of(signer))
    Recorder(made).everything()
    made.close()
    return folder


@pytest.fixture
def filled(filled_folder: Path, tmp_path: Path, signer: Signer) -> Iterator[Ledger]:
    shutil.copytree(filled_folder, tmp_path / "filled")
    opened = Ledger.open(tmp_path / "filled", signer)
    yield opened
    opened.close()
