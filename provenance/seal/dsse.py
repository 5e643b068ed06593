"""DSSE v1 envelopes over in-toto Statement v1: one payload type, one signature, one way to write the bytes.

`open` is the only door that checks anything about who signed. `read_unverified` says in its name that it does not.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..canonical import is_sha256_hex, parse_json, statement_bytes
from ..errors import InputError, IntegrityError
from ..model import Json
from .keys import PublicKey, Signer

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
MAX_ENVELOPE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Unverified:
    """What an envelope claims. Nothing about the signature, the key or the payload has been checked."""

    payload: bytes
    key_id: str
    signature: bytes


def pae(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """Pre-authentication encoding, DSSE v1 protocol: the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, signer: Signer) -> bytes:
    """Sign a payload and return the envelope's bytes. Raises InputError when it would exceed 64 MiB."""
    return write(sign(payload, signer))


def sign(payload: bytes, signer: Signer) -> Unverified:
    """Sign a payload; `write` makes the envelope of it."""
    return Unverified(payload, signer.public.key_id, signer.sign(pae(payload)))


def write(parts: Unverified) -> bytes:
    """The envelope's bytes from its parts: the inverse of `read_unverified`. Nothing is checked about the signature.
    Raises InputError when it would exceed 64 MiB."""
    envelope = _envelope(parts.payload, parts.key_id, parts.signature)
    if len(envelope) > MAX_ENVELOPE:
        raise InputError(f"envelope of {len(envelope)} bytes is larger than {MAX_ENVELOPE}")
    return envelope


def open(envelope: bytes, public: PublicKey) -> bytes:
    """The payload, after checking that this key signed it and that the envelope is written the one way `seal` does.

    Raises IntegrityError. Not checked: what the payload says.
    """
    claimed = read_unverified(envelope)
    if claimed.key_id != public.key_id:
        raise IntegrityError(f"envelope names key {claimed.key_id[:16]}, not {public.key_id[:16]}")
    public.verify(claimed.signature, pae(claimed.payload))
    return claimed.payload


def read_unverified(envelope: bytes) -> Unverified:
    """Take an envelope apart WITHOUT checking its signature: for looking at damaged or foreign logs only.

    The form is checked to the byte: exactly one signature, exact members and types, strict base64, no duplicate
    names, no other spelling of the same JSON, at most 64 MiB. Raises IntegrityError.
    """
    if len(envelope) > MAX_ENVELOPE:
        raise IntegrityError(f"envelope of {len(envelope)} bytes is larger than {MAX_ENVELOPE}")
    claimed = _as_written(envelope)
    if claimed is None:
        raise IntegrityError(_fault(envelope))
    return claimed


def _as_written(envelope: bytes) -> Unverified | None:
    """The parts of an envelope that is written our way; None for any other.

    The same value may be written in many ways and the tree hashes bytes: only one of them is ours. The one comparison
    at the end also finds unknown members, duplicate names, loose base64, other encodings and insignificant space.
    """
    head, tail = len(_BEFORE_PAYLOAD), len(envelope) - len(_AFTER_SIGNATURE)
    payload, _, rest = envelope[head:tail].partition(_BEFORE_KEY)
    key_id, _, signature = rest.partition(_BEFORE_SIGNATURE)
    try:
        claimed = Unverified(binascii.a2b_base64(payload), key_id.decode("ascii"), binascii.a2b_base64(signature))
    except ValueError:
        return None
    if not is_sha256_hex(claimed.key_id):
        return None
    return claimed if _envelope(claimed.payload, claimed.key_id, claimed.signature) == envelope else None


def _fault(envelope: bytes) -> str:
    """What is wrong with an envelope that is not written our way, in one line."""
    try:
        document = parse_json(envelope)
    except InputError as error:
        return f"envelope is {error}"
    match document:
        case {
            "payload": str(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"keyid": str() as key_id, "sig": str()}],
        } if is_sha256_hex(key_id):
            return "envelope has members, duplicates or spelling that this log never writes"
    return f"not a DSSE envelope with one signature over {PAYLOAD_TYPE}"


def statement(subject: Sequence[Mapping[str, Json]], predicate_type: str, predicate: Mapping[str, Json]) -> bytes:
    """Serialize an in-toto Statement v1.

    Raises InputError when there is no subject, when a subject lacks its name or SHA-256 digest, when the type or the
    predicate is empty, and when a value cannot be written as JSON. Not checked: the predicate against its schema.
    """
    if not subject or not all(map(is_subject, subject)):
        raise InputError("a statement needs at least one subject, each with a name and a SHA-256 digest")
    if not predicate_type or not predicate:
        raise InputError("a statement needs a predicate and its type")
    return statement_bytes(
        {
            "_type": STATEMENT_TYPE,
            "subject": [dict(item) for item in subject],
            "predicateType": predicate_type,
            "predicate": dict(predicate),
        }
    )


def is_subject(item: object) -> bool:
    """Whether an item can stand in a statement's `subject`: a name and a SHA-256 digest, at least."""
    if not isinstance(item, Mapping) or not isinstance(item.get("name"), str):
        return False
    digests = item.get("digest")
    return isinstance(digests, Mapping) and is_sha256_hex(digests.get("sha256"))


def decode_base64(text: str) -> bytes:
    """Decode standard padded base64 (RFC 4648 section 4), accepting only what encoding gives. Raises IntegrityError."""
    try:
        data = binascii.a2b_base64(text)
    except ValueError as error:
        raise IntegrityError(f"not base64: {error}") from error
    if encode_base64(data) != text:
        raise IntegrityError("base64 is not in its canonical form")
    return data


def encode_base64(data: bytes) -> str:
    """Standard base64 with padding, on one line."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def parse_strict(data: bytes) -> Json:
    """Parse signed JSON so that every reader sees the same value.

    Raises IntegrityError for anything but UTF-8 without a byte order mark, and for duplicate names, NaN, infinities
    and lone surrogates.
    """
    try:
        text = data.decode("utf-8")
        value = _STRICT.decode(text)
        if "\\ud" in text or "\\uD" in text:  # the only way to spell a lone surrogate
            statement_bytes(value)
    except (ValueError, RecursionError, InputError) as error:
        raise IntegrityError(f"not strict JSON: {error}") from error
    return value


def _envelope(payload: bytes, key_id: str, signature: bytes) -> bytes:
    return _FORM % (encode_base64(payload).encode(), key_id.encode(), encode_base64(signature).encode())


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name appears twice in one object")
    return members


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)

# Base64 and hexadecimal need no escapes, so one serialization serves as the form of all envelopes.
_FORM = statement_bytes({"payload": "%b", "payloadType": PAYLOAD_TYPE, "signatures": [{"keyid": "%b", "sig": "%b"}]})
_BEFORE_PAYLOAD, _BEFORE_KEY, _BEFORE_SIGNATURE, _AFTER_SIGNATURE = _FORM.split(b"%b")
