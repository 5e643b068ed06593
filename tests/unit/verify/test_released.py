"""What a release excuses, and what it never does."""

from __future__ import annotations

import dataclasses

import pytest
from comfy_provenance.provenance.canonical import sha256_hex
from comfy_provenance.provenance.model import Kind
from comfy_provenance.tests.unit.verify.simulator import SimulatedLog

PICTURE = sha256_hex(b"picture of e1")
THUMBNAIL = sha256_hex(b"thumbnail of picture of e1")
PROMPT = sha256_hex(b'{"prompt":"e1"}')
SEEN = sha256_hex(b'{"seen":"e1"}')
SURVEY = sha256_hex(b'{"python":"3.11"}')


@pytest.fixture
def log() -> SimulatedLog:
    """One run, e1: entries 0 to 3."""
    log = SimulatedLog()
    log.genesis()
    log.event("start")
    log.complete("e1", log.submit("e1"))
    return log


def test_a_released_copy_is_told_and_is_no_finding(log: SimulatedLog) -> None:
    log.release(PICTURE, THUMBNAIL)
    del log.objects[PICTURE], log.objects[THUMBNAIL]
    report = log.verify()
    assert (report.ok, report.findings, report.released) == (True, (), 2)


def test_a_release_whose_bytes_are_still_there_is_fine(log: SimulatedLog) -> None:
    """As after a crash between the entry and the removal."""
    log.release(PICTURE)
    report = log.verify()
    assert (report.ok, report.findings, report.released) == (True, (), 0)


def test_a_copy_that_nobody_released_is_still_missing(log: SimulatedLog) -> None:
    log.release(PICTURE)
    del log.objects[PICTURE], log.objects[THUMBNAIL]
    assert log.found() == [("picture-missing", 3)]
    assert log.verify().released == 1


def test_a_release_before_a_copy_is_named_excuses_nothing() -> None:
    log = SimulatedLog()
    log.genesis()
    log.event("start")
    log.release(PICTURE)
    log.complete("e1", log.submit("e1"))
    del log.objects[PICTURE]
    assert log.found() == [("picture-missing", 4)]


def test_what_is_named_again_after_its_release_has_to_be_there_again(log: SimulatedLog) -> None:
    log.release(PICTURE)
    again = log.completion_body("e2", log.submit("e2"))
    again[1]["outputs"][0]["kept"] = PICTURE
    log.append(Kind.COMPLETION, again)
    assert log.found() == []
    del log.objects[PICTURE]
    assert log.found() == [("picture-missing", 6)]


def test_what_is_kept_again_has_to_be_there_again(log: SimulatedLog) -> None:
    log.release(PICTURE)
    log.keep_again(PICTURE)
    assert log.found() == []
    del log.objects[PICTURE]
    assert log.found() == [("picture-missing", 3)]
    log.release(PICTURE)
    assert log.found() == []


def test_an_altered_copy_is_found_though_it_was_released(log: SimulatedLog) -> None:
    log.release(PICTURE)
    log.objects[PICTURE] = b"another picture"
    assert log.found() == [("object-altered", 3)]


# attacks


@pytest.mark.parametrize("required", [PROMPT, SEEN, SURVEY])
def test_a_forged_release_does_not_hide_a_missing_document(log: SimulatedLog, required: str) -> None:
    """Whoever holds the key can sign a release of anything; what entries require stays required."""
    log.release(required)
    assert log.found() == [("release-required", 4)]
    del log.objects[required]
    assert {code for code, _ in log.found()} >= {"object-missing", "release-required"}
    assert not log.verify().ok


def test_a_document_that_is_required_after_its_release_is_required() -> None:
    log = SimulatedLog()
    log.genesis()
    log.event("start")
    log.release(PROMPT)
    log.complete("e1", log.submit("e1"))
    del log.objects[PROMPT]
    assert log.found() == [("object-missing", 3)]


def test_a_copy_that_is_a_document_too_cannot_be_released(log: SimulatedLog) -> None:
    """Somebody makes the output of a run the very bytes of another run's graph, and releases the output."""
    second = log.completion_body("e2", log.submit("e2"))
    second[1]["outputs"][0]["kept"] = PROMPT
    log.append(Kind.COMPLETION, second)
    log.release(PROMPT)
    del log.objects[PROMPT]
    assert {code for code, _ in log.found()} >= {"object-missing", "release-required"}


def test_a_release_by_another_key_excuses_nothing(log: SimulatedLog) -> None:
    stranger = SimulatedLog(seed=2)
    stranger.genesis()
    stranger.release(PICTURE)
    log.append_raw(stranger.entries[1])
    del log.objects[PICTURE]
    assert {code for code, _ in log.found()} >= {"foreign-key", "picture-missing"}


def test_a_release_that_was_moved_excuses_nothing(log: SimulatedLog) -> None:
    entry = log.release(PICTURE)
    del log.objects[PICTURE]
    log.entries[entry] = b""
    assert ("picture-missing", 3) in log.found()


def test_a_release_of_what_is_no_digest_is_refused(log: SimulatedLog) -> None:
    log.release(PICTURE, objects=[{"sha256": "a" * 63, "role": "output", "reason": "in-place", "size": 1}])
    assert [code for code, _ in log.found(schema_check=None)] == ["predicate-malformed"]


def test_the_report_stays_a_value(log: SimulatedLog) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        log.verify().released = 3  # type: ignore[misc]
