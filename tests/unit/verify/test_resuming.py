"""A check goes on from where an earlier one came, and passes over nothing that changed since."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from comfy_provenance.provenance.seal import dsse
from comfy_provenance.provenance.seal.checkpoint import Checkpoint
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.verify import verifier
from comfy_provenance.tests.unit.verify.simulator import SimulatedLog

STRANGER = Signer.from_seed(b"a stranger's key, for tests only"[:32])


@dataclass
class Watched:
    """A log that remembers which objects it was asked for."""

    log: SimulatedLog
    asked: list[str] = field(default_factory=list)

    def checkpoint(self) -> bytes:
        return self.log.checkpoint()

    def entry(self, index: int) -> bytes:
        return self.log.entry(index)

    def object(self, digest: str) -> bytes | None:
        self.asked.append(digest)
        return self.log.object(digest)


def verified(log: SimulatedLog) -> Checkpoint:
    """How far a check of the whole log comes."""
    heads: list[Checkpoint] = []
    assert log.verify(reached=heads.append).ok
    return heads[-1]


def test_what_was_verified_is_compared_and_the_rest_is_checked() -> None:
    log = SimulatedLog().session(runs=3, last="start")
    head = verified(log)
    assert head.size == len(log.entries)
    log.complete("later", log.submit("later"))
    log.sign_checkpoint()
    watched = Watched(log)
    report = verifier.verify(watched, log.public, verified=head)
    assert (report.ok, report.resumed, report.entries) == (True, head.size, len(log.entries))
    assert report.findings == log.verify().findings
    fresh = Watched(log)
    assert verifier.verify(fresh, log.public).resumed == 0
    assert 0 < len(watched.asked) < len(fresh.asked)


def test_bad_entries_after_it_are_found() -> None:
    log = SimulatedLog().session(runs=2, last="start")
    head = verified(log)
    log.append_raw(dsse.seal(dsse.read_unverified(log.entries[-1]).payload, STRANGER))
    log.rebuild_tree()
    log.sign_checkpoint()
    assert ("foreign-key", head.size) in log.found(verified=head)


def test_a_change_before_it_is_found_although_it_was_verified() -> None:
    log = SimulatedLog().session(runs=2)
    head = verified(log)
    for index in range(len(log.entries)):
        sound = log.entries[index]
        log.entries[index] = sound[:-60] + b"AAAA" + sound[-56:]
        report = log.verify(verified=head)
        assert report.resumed == 0
        assert [(each.code, each.entry) for each in report.findings] == log.found(seen=[head])
        assert not report.ok
        log.entries[index] = sound


def test_an_entry_before_it_that_is_no_entry_any_more_is_found_although_it_was_verified() -> None:
    log = SimulatedLog().session(runs=2)
    head = verified(log)
    sound = log.entries[3]
    for data in (b"null", sound + b" ", dsse.seal(b"[]", log.signer), dsse.seal(b'{"a":1,"a":1}', log.signer)):
        log.entries[3] = data
        report = log.verify(verified=head)
        assert (report.resumed, report.ok) == (0, False)
        assert report.findings[0].entry == 3


def test_a_long_check_tells_now_and_then_how_far_it_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    log = SimulatedLog()
    log.genesis()
    log.event("start")
    with monkeypatch.context() as patch:
        patch.setattr(log, "sign_checkpoint", lambda: None)  # once, at the end, is enough
        for _ in range(4_100):
            log.intent()
    log.sign_checkpoint()
    heads: list[Checkpoint] = []
    assert log.verify(reached=heads.append, schema_check=None).ok
    assert [head.size for head in heads] == [4096, len(log.entries)]
    report = log.verify(verified=heads[0], schema_check=None)
    assert (report.ok, report.resumed) == (True, 4096)


def test_a_log_that_ends_before_it_is_rolled_back() -> None:
    log = SimulatedLog().session(runs=2)
    head = verified(log)
    del log.entries[-2:]
    log.rebuild_tree()
    log.sign_checkpoint()
    assert ("rolled-back", None) in log.found(verified=head)


def test_another_history_of_the_same_length_is_found() -> None:
    log = SimulatedLog().session(runs=2)
    report = log.verify(verified=Checkpoint(log.origin, 3, b"0" * 32))
    assert report.resumed == 0
    assert "forked" in [each.code for each in report.findings]


def test_a_check_that_finds_something_gets_no_further() -> None:
    log = SimulatedLog().session(runs=2)
    del log.objects[next(iter(log.objects))]
    heads: list[Checkpoint] = []
    assert not log.verify(reached=heads.append).ok
    assert heads == []
