"""What the verifier promises about sound logs, about objects, and about entries that are odd but genuine."""

from __future__ import annotations

from typing import Any

import pytest
from comfy_provenance.provenance.errors import IntegrityError, SchemaError, StorageError
from comfy_provenance.provenance.model import Kind
from comfy_provenance.provenance.record import predicate, schema
from comfy_provenance.provenance.seal import checkpoint, dsse
from comfy_provenance.provenance.verify import verifier
from comfy_provenance.provenance.verify.policy import CODES, ERROR, WARNING, finding, shown
from comfy_provenance.tests.unit.verify.simulator import SimulatedLog


def _digest(log: SimulatedLog, beginning: bytes) -> str:
    return next(digest for digest, data in log.objects.items() if data.startswith(beginning))


def test_a_sound_log_has_no_findings() -> None:
    log = SimulatedLog().session(runs=3)
    report = log.verify()
    assert (report.ok, report.entries, report.findings) == (True, 9, ())
    assert report.checkpoint == checkpoint.open(log.note, log.public)


def test_a_log_of_a_genesis_alone_is_sound() -> None:
    log = SimulatedLog()
    log.genesis()
    assert log.verify().ok


def test_an_empty_log_is_not_sound() -> None:
    log = SimulatedLog()
    log.sign_checkpoint()
    assert log.found() == [("genesis-missing", None)]


def test_a_log_that_reads_with_key_errors_is_read_the_same() -> None:
    log = SimulatedLog().session(runs=1)

    class Mapped:
        def __init__(self) -> None:
            self.entries = dict(enumerate(log.entries))

        def checkpoint(self) -> bytes:
            return log.note

        def entry(self, index: int) -> bytes:
            return self.entries[index]

        def object(self, digest: str) -> bytes | None:
            return log.objects.get(digest)

    assert verifier.verify(Mapped(), log.public).ok


def test_progress_counts_up_to_the_size() -> None:
    calls: list[tuple[int, int | None]] = []
    log = SimulatedLog().session(runs=130)
    log.verify(progress=lambda done, total: calls.append((done, total)), schema_check=None)
    assert calls == [(256, 263), (263, 263)]
    log.note = b""
    calls.clear()
    log.verify(progress=lambda done, total: calls.append((done, total)), schema_check=None)
    assert calls == [(256, None), (263, None)]


def test_storage_errors_reach_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    log = SimulatedLog().session(runs=1)

    def broken(digest: str) -> bytes | None:
        raise StorageError("disk is gone")

    monkeypatch.setattr(log, "object", broken)
    with pytest.raises(StorageError):
        log.verify()


# objects


@pytest.mark.parametrize(
    ("beginning", "code", "entry"),
    [
        (b'{"python"', "object-missing", 1),
        (b'{"workflow"', "object-missing", 2),
        (b'{"prompt"', "object-missing", 2),
        (b'{"seen"', "object-missing", 3),
        (b"thumbnail", "picture-missing", 3),
        (b"picture", "picture-missing", 3),
    ],
)
def test_a_missing_object_is_named_at_the_entry_that_keeps_it(beginning: bytes, code: str, entry: int) -> None:
    log = SimulatedLog().session(runs=1)
    del log.objects[_digest(log, beginning)]
    assert log.found() == [(code, entry)]
    assert log.verify().ok is (CODES[code].severity == WARNING)


@pytest.mark.parametrize("beginning", [b'{"python"', b'{"workflow"', b'{"seen"', b"thumbnail", b"picture"])
def test_an_object_with_other_bytes_is_an_error_even_for_a_thumbnail(beginning: bytes) -> None:
    log = SimulatedLog().session(runs=1)
    log.objects[_digest(log, beginning)] += b" "
    report = log.verify()
    assert [found.code for found in report.findings] == ["object-altered"]
    assert not report.ok


def test_an_object_that_the_reader_refuses_counts_as_altered(monkeypatch: pytest.MonkeyPatch) -> None:
    log = SimulatedLog().session(runs=0)

    def refuses(digest: str) -> bytes | None:
        raise IntegrityError("digest does not match")

    monkeypatch.setattr(log, "object", refuses)
    assert log.found() == [("object-altered", 1)]


def test_a_sound_object_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    log = SimulatedLog().session(runs=1)
    log.event("start", "s2")
    read: list[str] = []
    monkeypatch.setattr(log, "object", lambda digest: (read.append(digest), log.objects.get(digest))[1])
    assert log.verify().ok
    assert len(read) == len(set(read)) == len(log.objects)


def test_objects_that_were_looked_at_long_ago_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of them has a limit; what is found does not depend on it."""
    monkeypatch.setattr(verifier, "_MOST_SOUND", 1)
    log = SimulatedLog().session(runs=2)
    log.event("start", "s2")
    read: list[str] = []
    monkeypatch.setattr(log, "object", lambda digest: (read.append(digest), log.objects.get(digest))[1])
    assert log.verify().ok
    assert len(read) > len(set(read)) == len(log.objects)
    log.objects[_digest(log, b"thumbnail")] += b" "
    assert {code for code, _ in log.found()} == {"object-altered"}


def test_a_missing_snapshot_cannot_hide_behind_a_thumbnail_of_the_same_digest() -> None:
    log = SimulatedLog()
    log.genesis()
    log.event("start")
    first = log.submit("e1")
    body = log.completion_body("e1", first)
    second = log.submission_body("e2")
    missing = second[1]["snapshot"]["prompt"]
    body[1]["outputs"][0]["thumbnail"] = missing
    log.append(Kind.COMPLETION, body)
    log.append(Kind.SUBMISSION, second)
    del log.objects[missing]
    assert sorted(log.found()) == [("object-missing", 4), ("picture-missing", 3)]


# schemas and kinds


def test_a_predicate_that_its_schema_refuses_is_named() -> None:
    log = SimulatedLog().session(runs=1, last="environment")
    log.intent(surprise=1)
    assert log.found() == [("schema-invalid", 5)]
    assert log.verify(schema_check=None).ok


def test_the_schema_check_is_given_type_and_predicate() -> None:
    log = SimulatedLog()
    log.genesis()
    given: list[tuple[str, Any]] = []
    assert log.verify(schema_check=lambda kind, said: given.append((kind, said))).ok
    assert given[0][0] == schema.predicate_type(Kind.GENESIS)
    assert given[0][1]["format"] == 1


def test_a_schema_error_of_any_checker_is_a_finding() -> None:
    log = SimulatedLog()
    log.genesis()

    def refuses(predicate_type: str, said: Any) -> None:
        raise SchemaError("$.x: no")

    assert [found.message for found in log.verify(schema_check=refuses).findings] == ["$.x: no"]


def test_a_newer_kind_is_told_apart_from_a_foreign_one() -> None:
    log = SimulatedLog().session(runs=0, last="environment")
    body = predicate.intent(session="s1", at=log.tick(), text="x")
    log.append("https://w3id.org/comfy-provenance/key-change/v1", body)
    log.append("https://w3id.org/comfy-provenance/intent/v2", body)
    log.append("https://example.com/intent/v1", body)
    assert log.found() == [("format-newer", 3), ("format-newer", 4), ("kind-unknown", 5)]


def test_a_checker_that_knows_newer_formats_may_say_so() -> None:
    log = SimulatedLog()
    log.genesis()

    def newer(predicate_type: str, said: Any) -> None:
        schema.kind_of("https://w3id.org/comfy-provenance/intent/v9")

    assert log.found(schema_check=newer) == [("format-newer", 0)]


@pytest.mark.parametrize(
    "payload",
    [
        b"no json",
        b"[]",
        b'{"_type":"https://in-toto.io/Statement/v1"}',
        b'{"_type":"https://in-toto.io/Statement/v0.1","predicate":{},"predicateType":"t","subject":[]}',
        b'{"_type":"https://in-toto.io/Statement/v1","predicate":{},"predicateType":"t","subject":[]}',
        b'{"_type":"https://in-toto.io/Statement/v1","predicate":{},"predicateType":"t","subject":[{"name":"x"}]}',
        b'{"_type":"https://in-toto.io/Statement/v1","predicate":{},"predicate":{},"predicateType":"t","subject":[]}',
    ],
)
def test_a_signed_payload_that_is_no_statement_is_named(payload: bytes) -> None:
    log = SimulatedLog().session(runs=0, last="environment")
    log.append_raw(dsse.seal(payload, log.signer))
    log.intent()
    assert log.found() == [("statement-malformed", 3)]


def test_a_statement_with_more_members_than_in_toto_has_is_named() -> None:
    log = SimulatedLog()
    log.genesis()
    payload = dsse.open(log.entries[0], log.public)
    log.append_raw(dsse.seal(payload[:-1] + b',"zzz":1}', log.signer))
    assert log.found() == [("statement-malformed", 1)]


LOG = {"origin": "o", "index": 3, "root": "00" * 32}


@pytest.mark.parametrize(
    "changes",
    [
        {"session": ...},
        {"session": None},
        {"session": 7},
        {"recorded_at": ...},
        {"recorded_at": 7},
        {"recorded_at": "2026-11-23 02:40:00"},
        {"recorded_at": "２026-11-23T02:40:00.000000Z"},
        {"monotonic_ns": "1"},
        {"monotonic_ns": True},
        {"log": ...},
        {"log": []},
        {"log": {**LOG, "index": "3"}},
        {"log": {**LOG, "index": True}},
        {"log": {**LOG, "root": "AB" * 32}},
        {"log": {**LOG, "origin": None}},
    ],
    ids=str,
)
def test_an_entry_without_its_common_members_is_named(changes: dict[str, Any]) -> None:
    log = SimulatedLog().session(runs=0, last="environment")
    log.intent(**changes)
    assert log.found(schema_check=None) == [("predicate-malformed", 3)]


@pytest.mark.parametrize(
    "changes",
    [
        {"snapshot": None},
        {"snapshot": {"prompt": 7}},
        {"snapshot": {"prompt": "../../etc/passwd"}},
        {"execution": None},
        {"execution": ["e2"]},
    ],
    ids=str,
)
def test_a_submission_that_cannot_be_followed_is_named(changes: dict[str, Any]) -> None:
    log = SimulatedLog().session(runs=0, last="environment")
    log.submit("e2", **changes)
    assert ("predicate-malformed", 3) in log.found(schema_check=None)


@pytest.mark.parametrize(
    "changes",
    [
        {"execution": 7},
        {"submission": None},
        {"submission": True},
        {"outputs": None},
        {"outputs": ["x"]},
        {"outputs": [{"thumbnail": 1}]},
        {"used": {}},
        {"used": [{"kept": "x"}]},
        {"observations": {}},
    ],
    ids=str,
)
def test_a_completion_that_cannot_be_followed_is_named(changes: dict[str, Any]) -> None:
    log = SimulatedLog()
    log.genesis()
    log.event("start")
    log.complete("e1", log.submit("e1"), **changes)
    assert ("predicate-malformed", 3) in log.found(schema_check=None)


def test_a_session_whose_environment_is_no_digest_is_named() -> None:
    log = SimulatedLog()
    log.genesis()
    log.event("start", environment="here")
    assert log.found(schema_check=None) == [("predicate-malformed", 1)]


# the genesis


def test_a_log_that_does_not_begin_with_a_genesis_is_named() -> None:
    log = SimulatedLog()
    log.event("start")
    log.genesis()
    assert log.found() == [("genesis-missing", 0), ("genesis-repeated", 1)]


def test_a_genesis_that_declares_another_key_is_named() -> None:
    log = SimulatedLog()
    log.genesis(public_key=SimulatedLog(seed=2).public.pem)
    assert log.found() == [("genesis-key", 0)]


def test_a_log_in_a_newer_format_is_told_apart_from_a_broken_one() -> None:
    log = SimulatedLog()
    log.genesis(format=2)
    assert log.found() == [("format-newer", 0)]


# a log that grows, and checkpoints seen earlier


def test_a_log_that_grows_while_it_is_read_is_sound() -> None:
    log = SimulatedLog().session(runs=1, last="environment")
    old, reads = log.note, []
    log.intent()
    new = log.note
    log.checkpoint = lambda: (reads.append(1), old if len(reads) == 1 else new)[1]  # type: ignore[method-assign]
    report = log.verify()
    assert report.ok
    assert report.entries == 5


@pytest.mark.parametrize("later", [b"", b"junk"])
def test_surplus_entries_without_a_newer_checkpoint_are_named(later: bytes) -> None:
    log = SimulatedLog().session(runs=1, last="environment")
    notes = [log.note]
    log.intent()

    def checkpoint_once() -> bytes:
        if notes:
            return notes.pop()
        log.note = later
        return SimulatedLog.checkpoint(log)

    log.checkpoint = checkpoint_once  # type: ignore[method-assign]
    assert log.found() == [("entry-uncovered", 5)]


def test_checkpoints_seen_earlier_are_part_of_a_sound_log() -> None:
    log = SimulatedLog()
    log.sign_checkpoint()
    seen = [checkpoint.open(log.note, log.public)]
    log.genesis()
    seen.append(checkpoint.open(log.note, log.public))
    log.event("start")
    log.intent()
    seen.append(checkpoint.open(log.note, log.public))
    assert log.verify(seen=seen).ok


def test_findings_are_limited_but_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "MAX_FINDINGS", 2)
    log = SimulatedLog().session(runs=1)
    log.objects.clear()
    report = log.verify()
    assert [found.code for found in report.findings] == ["object-missing", "object-missing", "findings-unlisted"]
    assert "4 further" in report.findings[-1].message
    assert not report.ok


def test_every_code_has_a_severity_and_a_meaning() -> None:
    for name, code in CODES.items():
        assert code.severity in (ERROR, WARNING)
        assert code.meaning.endswith(".")
        assert finding(name, "m", 3).severity == code.severity


def test_what_messages_show_of_an_entry_is_one_short_line_of_ascii() -> None:
    for value in ("a\nb\u202e\ud800", "x" * 1000, {"deep": ["猫"]}):
        assert shown(value).isascii() and "\n" not in shown(value) and len(shown(value)) <= 80
