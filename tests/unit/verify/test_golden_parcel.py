"""A snapshot file and a replay's outcome as the first release wrote them: every later release reads them."""

from __future__ import annotations

import io
from pathlib import Path

from comfy_provenance.provenance.model import Kind
from comfy_provenance.provenance.record import schema
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.verify import parcel, statements
from comfy_provenance.tests.store.recording import SEED

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "parcel"
PUBLIC = Signer.from_seed(SEED).public


def test_the_golden_snapshot_file_holds_and_says_what_it_said() -> None:
    found = parcel.Parcel(io.BytesIO((VECTORS / "run.provenance.zip").read_bytes()))
    said = found.check(PUBLIC)
    assert found.execution == "run-2"
    assert said.submission["parent"]["execution"] == "run-1"
    assert said.completion is not None
    assert said.completion["prompts"][0]["text"] == "Ein ＣＡＴ"
    assert list(said.models) == [("checkpoints", "sd.safetensors", 5, 6)]
    assert found.object(said.submission["snapshot"]["workflow"]) == b'{"workflow": "run-2"}'


def test_the_golden_outcome_of_a_replay_is_signed_and_fits_its_schema() -> None:
    statement = statements.read((VECTORS / "replay.dsse.json").read_bytes(), PUBLIC)
    assert statement.kind is Kind.REPLAY
    schema.validate(statement.predicate_type, statement.predicate)
    assert (statement.predicate["execution"], statement.predicate["original"]) == ("run-5", "run-1")
    assert statement.predicate["outcome"] == "same-bytes"
