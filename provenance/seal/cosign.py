"""Cosignatures of witnesses on checkpoints: C2SP tlog-cosignature v1, Ed25519 (signature type 0x04). Pure.

A cosignature says: at this time, by the cosigner's clock, this tree head was the newest one that it had seen of this
log, and it extends all that it cosigned before. What is signed starts with `cosignature/v1`, which neither a
checkpoint of ours nor a DSSE payload does, so that a writer's key can serve as a witness's key too.

`Offer` is what a log hands to a witness: the body of an `add-checkpoint` request, C2SP tlog-witness.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from ..errors import InputError, IntegrityError
from . import checkpoint as notes
from .checkpoint import Checkpoint
from .dsse import decode_base64, encode_base64
from .keys import PublicKey, Signer
from .merkle import HASH_SIZE, verify_consistency

MOST_PROOF_HASHES = 63
MAX_TIME = 253_402_300_799  # the end of the year 9999, where calendars end

_TYPE = b"\x04"
_SIGNATURE_SIZE = 4 + 8 + 64
_DASH = "\N{EM DASH} "
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Offer:
    """A checkpoint's note, and the proof that it extends the tree of `old` entries (RFC 6962; none for 0)."""

    note: bytes
    old: int = 0
    proof: tuple[bytes, ...] = ()


def key_hash(name: str, public: PublicKey) -> bytes:
    """The 4-byte key id of a cosignature: SHA-256(name || LF || 0x04 || key), cut."""
    return hashlib.sha256(name.encode() + b"\n" + _TYPE + public.raw).digest()[:4]


def vkey(public: PublicKey, name: str) -> str:
    """The verifier key of a cosigner, `name+hash+key`, as C2SP tools read it. Raises InputError for a bad name."""
    notes.check_name(name)
    return f"{name}+{key_hash(name, public).hex()}+{encode_base64(_TYPE + public.raw)}"


def read_vkey(text: str) -> tuple[str, PublicKey]:
    """What `vkey` wrote: name and key. Raises InputError."""
    name, _, rest = text.strip().partition("+")
    stated, _, encoded = rest.partition("+")
    try:
        data = decode_base64(encoded)
    except IntegrityError as error:
        raise InputError("not a verifier key: name+hash+key") from error
    if data[:1] != _TYPE:
        raise InputError("not the verifier key of a cosigner (type 0x04)")
    public = PublicKey(data[1:])
    notes.check_name(name)
    if key_hash(name, public).hex() != stated:
        raise InputError("the verifier key's hash is not that of its name and key")
    return name, public


def add(note: bytes, log: PublicKey, name: str, signer: Signer, at_s: int) -> bytes:
    """The note with one more line: this key's cosignature, under `name`, at a time in seconds since the Unix epoch.

    Raises IntegrityError unless the log's key signed the note, InputError for a bad name or time. Not checked: that
    the tree extends what was cosigned before; `check_growth` does that, and must have.
    """
    notes.open(note, log)
    notes.check_name(name)
    if not 0 < at_s <= MAX_TIME:
        raise InputError("a cosignature needs a time from 1970 to 9999")
    text, _ = notes.take_apart(note)
    signature = signer.sign(_message(text, at_s))
    line = encode_base64(key_hash(name, signer.public) + at_s.to_bytes(8, "big") + signature)
    return note + f"{_DASH}{name} {line}\n".encode()


def open(note: bytes, name: str, public: PublicKey) -> int:
    """When this key cosigned the note under that name, in seconds since the Unix epoch by the cosigner's clock.

    The latest time counts where it signed twice. Raises IntegrityError when it did not, or when one of its
    signatures does not hold or is of no time in a calendar.
    """
    text, signatures = notes.take_apart(note)
    wanted, times = (name, key_hash(name, public)), list[int]()
    for stated, signature in signatures:
        if (stated, signature[:4]) == wanted and len(signature) == _SIGNATURE_SIZE:
            at_s = int.from_bytes(signature[4:12], "big")
            public.verify(signature[12:], _message(text, at_s))
            if not 0 < at_s <= MAX_TIME:
                raise IntegrityError("the cosignature is of no time from 1970 to 9999")
            times.append(at_s)
    if not times:
        raise IntegrityError(f"the checkpoint carries no cosignature of {name!r} under key {public.key_id[:16]}")
    return max(times)


def names_of(note: bytes, public: PublicKey) -> list[str]:
    """Names under which this key may have cosigned, in the order of the lines. Not checked: the signatures."""
    _, signatures = notes.take_apart(note)
    return list(dict.fromkeys(name for name, each in signatures if each[:4] == key_hash(name, public)))


def check_growth(offer: Offer, log: PublicKey, before: Checkpoint | None) -> Checkpoint:
    """The offered tree head, after checking that it extends the last one seen of the same log; None: none was seen.

    Raises IntegrityError for a note that the log's key did not sign, another log, a smaller tree or another history;
    InputError when the proof starts at another size than the one seen: then a new offer is needed, nothing is wrong.
    """
    head = notes.open(offer.note, log)
    if before is None:
        return head
    if head.origin != before.origin:
        raise IntegrityError(f"the checkpoint is of log {head.origin!r}, not of {before.origin!r}")
    if head.size < before.size:
        raise IntegrityError(
            f"the log was rolled back: {before.size} entries were seen, this checkpoint has {head.size}"
        )
    if head.size == before.size:
        if head.root != before.root:
            raise IntegrityError(f"the log was forked: another tree of {head.size} entries was seen")
        return head
    if offer.old != before.size:
        raise InputError(f"a proof from {before.size} entries is needed, this one starts at {offer.old}")
    verify_consistency(before.size, before.root, head.size, head.root, offer.proof)
    return head


def write_offer(offer: Offer) -> bytes:
    """The bytes of an offer; without a proof just the note."""
    if not offer.old:
        return offer.note
    lines = [f"old {offer.old}", *map(encode_base64, offer.proof), "", ""]
    return "\n".join(lines).encode() + offer.note


def read_offer(data: bytes) -> Offer:
    """What `write_offer` wrote, or a plain note. Raises IntegrityError."""
    if not data.startswith(b"old "):
        return Offer(data)
    head, blank, note = data.partition(b"\n\n")
    try:
        first, *hashes = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise IntegrityError("the proof is not text") from error
    match = _OLD.fullmatch(first)
    if match is None or not blank or len(hashes) > MOST_PROOF_HASHES:
        raise IntegrityError("the proof before the checkpoint is malformed")
    proof = tuple(map(decode_base64, hashes))
    if any(len(each) != HASH_SIZE for each in proof):
        raise IntegrityError("the proof before the checkpoint is malformed")
    return Offer(note, int(match.group(1)), proof)


def _message(text: str, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()
