"""Somebody who holds the key, the author included: what the log still shows, and what it cannot show alone.

The holder can sign anything, a new checkpoint too. A change of the past then breaks the chain of roots in the entries
that follow, unless all of these are signed anew; that is a fork, and any checkpoint that left the machine shows it.
"""

from __future__ import annotations

import pytest
from comfy_provenance.provenance.errors import IntegrityError, SchemaError
from comfy_provenance.provenance.model import Kind
from comfy_provenance.provenance.record import predicate, schema
from comfy_provenance.provenance.seal import checkpoint, dsse, merkle
from comfy_provenance.provenance.verify import policy
from comfy_provenance.tests.unit.verify.simulator import SimulatedLog
from jsonschema import Draft202012Validator


def _log(text: str = "a cat of crystal") -> SimulatedLog:
    """genesis, start, intent (2), submission, completion, environment (5)"""
    log = SimulatedLog(seed=1)
    log.genesis()
    log.event("start")
    log.intent(text)
    log.complete("e1", log.submit("e1"))
    log.event("environment")
    return log


def test_an_entry_replaced_and_the_checkpoint_signed_anew() -> None:
    log = _log()
    log.entries[2] = _log("another idea").entries[2]
    log.rebuild_tree()
    assert log.found() == [("log-root", 3)]


def test_the_last_entry_replaced() -> None:
    log = _log()
    log.entries[5] = _log("another idea").entries[5]
    assert log.found() == [("log-root", 5), ("checkpoint-root", None)]


def test_a_replaced_entry_is_not_excused_by_a_warning_at_the_same_place() -> None:
    log, other = _log(), SimulatedLog(seed=1)
    other.genesis()
    other.event("start")
    other.now = type(other.now)(other.now.wall_ns - 10**12, other.now.monotonic_ns)
    other.intent("another idea")
    log.entries[2] = other.entries[2]
    log.rebuild_tree()
    assert log.found() == [("clock-back", 2), ("log-root", 3)]


def test_an_entry_removed_and_the_checkpoint_signed_anew() -> None:
    log = _log()
    del log.entries[2]
    log.rebuild_tree()
    assert log.found() == [("log-index", 2)]
    assert not log.verify().ok


def test_an_entry_inserted_and_the_checkpoint_signed_anew() -> None:
    log, late = _log(), SimulatedLog(seed=1)
    late.genesis()
    late.event("start")
    late.intent("added later")
    log.entries.insert(2, late.entries[2])
    log.rebuild_tree()
    assert ("log-index", 3) in log.found()


def test_entries_reordered_and_the_checkpoint_signed_anew() -> None:
    log = _log()
    log.entries[2], log.entries[3] = log.entries[3], log.entries[2]
    log.rebuild_tree()
    assert {("log-index", 2), ("log-index", 3)} <= set(log.found())


def test_an_entry_transplanted_from_another_log_of_the_same_key() -> None:
    """The same place and the same log name, but another past."""
    log = _log()
    log.entries[3] = _log("another idea").entries[3]
    log.rebuild_tree()
    assert log.found() == [("log-root", 3)]


def test_an_entry_that_names_another_log() -> None:
    log = SimulatedLog(seed=1).session(runs=0, last="environment")
    log.intent(log={**log.binding(), "origin": "comfy-provenance/ffffffffffffffff"})
    log.intent()
    assert log.found() == [("log-origin", 3)]


def test_an_entry_that_claims_another_past() -> None:
    log = SimulatedLog(seed=1).session(runs=0, last="environment")
    log.intent(log={**log.binding(), "root": "00" * 32})
    log.intent()
    assert log.found() == [("log-root", 3)]


def test_a_fork_mixed_into_the_log() -> None:
    """Two writers with one key: entries of both, under either's checkpoint."""
    ours, theirs = _log(), _log("another idea")
    ours.entries[4:] = theirs.entries[4:]
    assert ours.found() == [("log-root", 4), ("checkpoint-root", None)]
    ours.note = theirs.note
    assert ours.found() == [("log-root", 4), ("checkpoint-root", None)]


def test_a_fork_is_a_sound_log_until_a_checkpoint_of_the_other_one_is_shown() -> None:
    ours, theirs = _log(), _log("another idea")
    kept = checkpoint.open(ours.note, ours.public)
    assert theirs.verify().ok
    assert theirs.found(seen=[kept]) == [("forked", None)]
    theirs.intent()
    assert theirs.found(seen=[kept]) == [("forked", None)]


def test_no_consistency_proof_leads_from_one_fork_to_the_other() -> None:
    ours, theirs = _log(), _log("another idea")
    theirs.intent()
    kept, shown = (checkpoint.open(log.note, log.public) for log in (ours, theirs))
    leaves = [merkle.leaf_hash(envelope) for envelope in theirs.entries]
    proof = merkle.consistency_proof(kept.size, shown.size, leaves)
    with pytest.raises(IntegrityError):
        merkle.verify_consistency(kept.size, kept.root, shown.size, shown.root, proof)


def test_a_second_genesis_cannot_change_the_key() -> None:
    log, other = SimulatedLog(seed=1).session(runs=0, last="environment"), SimulatedLog(seed=2)
    body = predicate.genesis(at=log.tick(), writer="w", public_key=other.public.pem, software="s", version="1")
    log.append(Kind.GENESIS, body)
    assert log.found() == [("genesis-repeated", 3), ("genesis-key", 3)]


def test_one_payload_that_two_readers_would_read_differently() -> None:
    log = SimulatedLog(seed=1).session(runs=0, last="environment")
    payload = dsse.open(
        log.envelope(Kind.INTENT, predicate.intent(session="s1", at=log.tick(), text="mine")), log.public
    )
    log.append_raw(dsse.seal(payload.replace(b'"text":', b'"text":"theirs","text":'), log.signer))
    assert log.found() == [("statement-malformed", 3)]


def test_a_checkpoint_over_entries_that_never_were_is_soon_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signed size of 2^63 - 1 must not keep a verifier busy for ever."""
    log = _log()
    log.note = checkpoint.sign(log.origin, checkpoint.MAX_SIZE, log.tree.root, log.signer)
    asked: list[int] = []
    entry = log.entry
    log.entry = lambda index: (asked.append(index), entry(index))[1]  # type: ignore[method-assign]
    report = log.verify()
    assert [(found.code, found.entry) for found in report.findings] == [("entry-missing", 6)]
    assert report.findings[0].message == f"entries 6 to {checkpoint.MAX_SIZE - 1} are missing"
    assert len(asked) < policy.MAX_MISSING_RUN + 20


def test_an_entry_that_only_the_author_s_edited_schema_allows() -> None:
    """Whoever checks brings the published schema along; the author's copy is never asked."""
    log = SimulatedLog(seed=1).session(runs=0, last="environment")
    log.intent(invented="a member that the published schema does not have")
    assert log.verify(schema_check=lambda kind, said: None).ok
    assert log.found() == [("schema-invalid", 3)]


def test_a_schema_edited_on_the_checking_machine_shows_at_the_first_entry_that_it_no_longer_fits() -> None:
    document = schema.document("session")
    edited = {**document, "required": [*document["required"], "invented"]}
    judge = Draft202012Validator(edited)

    def check(kind: str, said: dict[str, object]) -> None:
        if "/session/" in kind and not judge.is_valid(said):
            raise SchemaError("invented is missing")

    log = SimulatedLog(seed=1).session(runs=1)
    assert log.found(schema_check=check) == [("schema-invalid", 1), ("schema-invalid", 4)]
