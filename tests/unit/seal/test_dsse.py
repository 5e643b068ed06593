"""Envelopes and statements: one way to write them, and nothing else opens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from comfy_provenance.provenance.errors import InputError, IntegrityError
from comfy_provenance.provenance.seal import dsse
from comfy_provenance.provenance.seal.keys import Signer
from hypothesis import given
from hypothesis import strategies as st

SIGNER = Signer.from_seed(b"\1" * 32)
OTHER = Signer.from_seed(b"\2" * 32)
SUBJECT = [{"name": "cat.png", "digest": {"sha256": "ab" * 32}}]
PAYLOAD = dsse.statement(SUBJECT, "https://w3id.org/comfy-provenance/intent/v1", {"text": "猫"})
ENVELOPE = dsse.seal(PAYLOAD, SIGNER)


def test_pre_authentication_encoding_is_that_of_the_specification() -> None:
    assert dsse.pae(b"hello world", "http://example.com/HelloWorld") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@given(st.binary(max_size=2000))
def test_any_payload_comes_back_as_it_was(payload: bytes) -> None:
    envelope = dsse.seal(payload, SIGNER)
    assert dsse.open(envelope, SIGNER.public) == payload
    claimed = dsse.read_unverified(envelope)
    assert (claimed.payload, claimed.key_id) == (payload, SIGNER.public.key_id)


def test_sealing_is_deterministic() -> None:
    assert dsse.seal(PAYLOAD, SIGNER) == ENVELOPE


def test_another_key_does_not_open() -> None:
    with pytest.raises(IntegrityError, match="names key"):
        dsse.open(ENVELOPE, OTHER.public)


def test_another_key_under_the_right_key_id_does_not_open() -> None:
    forged = dsse.seal(PAYLOAD, OTHER).replace(OTHER.public.key_id.encode(), SIGNER.public.key_id.encode())
    with pytest.raises(IntegrityError, match="signature"):
        dsse.open(forged, SIGNER.public)


def test_unverified_reading_gives_what_a_forgery_claims() -> None:
    forged = dsse.seal(b"forged", OTHER)
    assert dsse.read_unverified(forged).payload == b"forged"


def _parsed() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(ENVELOPE)
    return parsed


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _changed(**members: object) -> bytes:
    return _compact({**_parsed(), **members})


def _signature(**members: object) -> list[dict[str, Any]]:
    return [{**_parsed()["signatures"][0], **members}]


def test_the_helpers_below_write_the_envelope_unchanged() -> None:
    assert _changed() == ENVELOPE


SAME_VALUE_OTHER_BYTES = {
    "space": ENVELOPE.replace(b":", b": ", 1),
    "trailing newline": ENVELOPE + b"\n",
    "member order": json.dumps(dict(reversed(_parsed().items())), separators=(",", ":")).encode(),
    "escape": ENVELOPE.replace(b"payload", b"p\\u0061yload", 1),
    "duplicate name": ENVELOPE.replace(b'{"payload":', b'{"payload":"","payload":', 1),
    "UTF-16": ENVELOPE.decode().encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + ENVELOPE,
    "unknown member": _changed(zzz=1),
    "unknown member of the signature": _changed(signatures=_signature(zzz=1)),
}
OTHER_SHAPES = {
    "empty": b"",
    "no JSON": b"{",
    "not UTF-8": b"\xff" + ENVELOPE,
    "deep": b"[" * 100_000,
    "list": b"[]",
    "no signature": _changed(signatures=[]),
    "two signatures": _changed(signatures=_signature() * 2),
    "signature without key id": _changed(signatures=[{"sig": "AAAA"}]),
    "key id that is no digest": _changed(signatures=_signature(keyid="key")),
    "other payload type": _changed(payloadType="text/plain"),
    "payload of another type": _changed(payload=7),
    "payload that is no base64": _changed(payload="!"),
    "payload that is not ASCII": _changed(payload="é"),
    "base64 with a line feed": _changed(payload=_parsed()["payload"] + "\n"),
    "base64 without padding": _changed(signatures=_signature(sig=_parsed()["signatures"][0]["sig"].rstrip("="))),
    "base64 for URLs": _changed(signatures=_signature(sig="-_" + _parsed()["signatures"][0]["sig"][2:])),
    "short signature": _changed(signatures=_signature(sig="AAAA")),
}


@pytest.mark.parametrize("envelope", SAME_VALUE_OTHER_BYTES.values(), ids=SAME_VALUE_OTHER_BYTES)
def test_an_envelope_spelled_otherwise_does_not_open(envelope: bytes) -> None:
    with pytest.raises(IntegrityError):
        dsse.open(envelope, SIGNER.public)


@pytest.mark.parametrize("envelope", OTHER_SHAPES.values(), ids=OTHER_SHAPES)
def test_an_envelope_of_another_shape_does_not_open(envelope: bytes) -> None:
    with pytest.raises(IntegrityError) as error:
        dsse.open(envelope, SIGNER.public)
    assert "\n" not in str(error.value)


def test_base64_with_spare_bits_set_is_refused() -> None:
    assert dsse.decode_base64("AA==") == b"\0"
    with pytest.raises(IntegrityError, match="canonical"):
        dsse.decode_base64("AB==")


def test_envelopes_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dsse, "MAX_ENVELOPE", len(ENVELOPE) - 1)
    with pytest.raises(IntegrityError, match="larger"):
        dsse.open(ENVELOPE, SIGNER.public)
    with pytest.raises(InputError, match="larger"):
        dsse.seal(PAYLOAD, SIGNER)


def test_a_statement_holds_what_was_given() -> None:
    assert json.loads(PAYLOAD) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": SUBJECT,
        "predicateType": "https://w3id.org/comfy-provenance/intent/v1",
        "predicate": {"text": "猫"},
    }


@pytest.mark.parametrize(
    "subject",
    [[], [{}], [{"name": "a"}], [{"name": "a", "digest": {"sha256": "AB" * 32}}], [{"digest": {"sha256": "ab" * 32}}]],
)
def test_a_statement_needs_subjects_with_names_and_digests(subject: list[dict[str, Any]]) -> None:
    with pytest.raises(InputError, match="subject"):
        dsse.statement(subject, "type", {"a": 1})


def test_a_statement_needs_a_predicate_and_its_type() -> None:
    for kind, predicate in (("", {"a": 1}), ("type", {})):
        with pytest.raises(InputError, match="predicate"):
            dsse.statement(SUBJECT, kind, predicate)
    with pytest.raises(InputError, match="JSON"):
        dsse.statement(SUBJECT, "type", {"a": float("nan")})


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":2}',
        b'[{"a":{"b":1,"b":1}}]',
        b"NaN",
        b"-Infinity",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'"\\ud800"',
        b'{"\\uDC00":1}',
        b"[" * 100_000,
        b"",
        b"{} {}",
        "{}".encode("utf-16"),
    ],
)
def test_json_that_readers_could_understand_differently_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError, match="strict JSON"):
        dsse.parse_strict(data)


def test_strict_json_keeps_large_numbers_and_escaped_text() -> None:
    text = '{"seed":18446744073709551615,"pair":"\\ud83d\\ude00","literal":"\\\\ud800"}'
    assert dsse.parse_strict(text.encode()) == {"seed": 2**64 - 1, "pair": "😀", "literal": "\\ud800"}
