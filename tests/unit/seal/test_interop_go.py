"""A witness that shares no code with us: Go's `sumdb/note` and `sumdb/tlog` accept our heads and proofs, and refuse
every changed copy."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from comfy_provenance.provenance.seal import checkpoint, merkle
from comfy_provenance.provenance.seal.keys import PublicKey, public_from_pem
from comfy_provenance.tests.unit.verify.simulator import SimulatedLog

HERE = Path(__file__).parent
GOLDEN = HERE.parents[1] / "vectors" / "ledger"
SIZES = (1, 2, 3, 4, 7, 8, 9, 16, 21)
Request = dict[str, Any]
Witness = Callable[[list[Request]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Witness:
    """Asks the compiled program; a list of answers for a list of requests."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is not installed")
    folder = tmp_path_factory.mktemp("witness")
    places = [os.environ.get("GOPATH") or str(Path.home() / "go"), "/usr/share/gocode"]
    here = [place for place in places if (Path(place) / "src/golang.org/x/mod/sumdb/note").is_dir()]
    if not here:
        pytest.skip("golang.org/x/mod is not installed (Debian: golang-golang-x-mod-dev)")
    settings = {"GO111MODULE": "off", "GOPATH": here[0], "GOCACHE": str(folder / "cache"), "GOFLAGS": ""}
    program = folder / "witness"
    build = [go, "build", "-o", str(program), str(HERE / "witness.go")]
    subprocess.run(build, check=True, cwd=folder, env={**os.environ, **settings})

    def ask(requests: list[Request]) -> list[dict[str, Any]]:
        lines = "".join(json.dumps(request, default=_text) + "\n" for request in requests)
        done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    return ask


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def request(public: PublicKey, older: bytes, newer: bytes, entries: list[bytes], index: int, first: int) -> Request:
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    return {
        "vkey": checkpoint.vkey(public),
        "older": older,
        "newer": newer,
        "entry": entries[index],
        "index": index,
        "inclusion": list(merkle.inclusion_proof(index, len(entries), leaves)),
        "consistency": list(merkle.consistency_proof(first, len(entries), leaves)),
    }


def honest() -> Iterator[Request]:
    """Logs of some sizes: each entry's proof, and the proof from each earlier head."""
    log, notes = SimulatedLog(seed=1), [b""]
    log.genesis()
    notes.append(log.note)
    while len(log.entries) < max(SIZES):
        log.event("environment")
        notes.append(log.note)
    for size in SIZES:
        for place in range(size):
            yield request(log.public, notes[place + 1], notes[size], log.entries[:size], place, place + 1)


def is_content(said: dict[str, Any]) -> bool:
    return not (said["checkpoint"] or said["inclusion"] or said["consistency"])


def test_every_head_and_proof_is_accepted(witness: Witness) -> None:
    asked = list(honest())
    answers = witness(asked)
    assert len(answers) == len(asked) == sum(SIZES)
    assert [said for said in answers if not is_content(said)] == []
    assert {said["origin"] for said in answers} == {checkpoint.origin_of(SimulatedLog(seed=1).public)}
    assert [said["size"] for said in answers] == [size for size in SIZES for _ in range(size)]


def test_the_golden_ledger_is_accepted(witness: Witness) -> None:
    entries = [path.read_bytes() for path in sorted(GOLDEN.glob("*.dsse.json"))]
    public = public_from_pem((GOLDEN / "public.pem").read_text(encoding="ascii"))
    note = (GOLDEN / "checkpoint").read_bytes()
    asked = [request(public, note, note, entries, place, len(entries)) for place in range(len(entries))]
    assert all(map(is_content, witness(asked)))


def test_every_changed_copy_is_refused(witness: Witness) -> None:
    chance = random.Random(6962)
    changed: list[tuple[str, Request]] = []
    for asked in honest():
        changed += [("checkpoint", {**asked, "newer": _flipped(asked["newer"], chance)})]
        changed += [("checkpoint", {**asked, "older": _flipped(asked["older"], chance)})]
        changed += [("inclusion", {**asked, "entry": _flipped(asked["entry"], chance)})]
        changed += [("inclusion", {**asked, "index": asked["index"] + 1})]
        changed += [("inclusion", {**asked, "inclusion": [*asked["inclusion"], bytes(32)]})]
        for proof in ("inclusion", "consistency"):
            for place in range(len(asked[proof])):
                hashes = list(asked[proof])
                hashes[place] = _flipped(hashes[place], chance)
                changed += [(proof, {**asked, proof: hashes})]
                changed += [(proof, {**asked, proof: asked[proof][:place]})]
    answers = witness([asked for _, asked in changed])
    assert len(answers) > 1_000
    for (part, _), said in zip(changed, answers, strict=True):
        assert said[part] if part in ("checkpoint", "inclusion") else said["consistency"], (part, said)


def test_another_key_and_another_history_are_refused(
    witness: Witness,
) -> None:
    log, other = SimulatedLog(seed=1).session(runs=1), SimulatedLog(seed=1)
    other.genesis()
    kept = other.note
    forked = SimulatedLog(seed=1)
    forked.genesis()
    forked.intent("another idea")
    good = request(log.public, kept, log.note, log.entries, 1, 1)
    stranger = {**good, "vkey": checkpoint.vkey(SimulatedLog(seed=2).public)}
    fork = request(log.public, forked.note, log.note, log.entries, 1, 2)
    said = witness([good, stranger, fork])
    assert is_content(said[0])
    assert said[1]["checkpoint"]
    assert (said[2]["checkpoint"], said[2]["inclusion"]) == ("", "")
    assert said[2]["consistency"]


def _flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)
