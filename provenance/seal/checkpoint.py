"""Signed tree heads: C2SP tlog-checkpoint inside a C2SP signed note, with an Ed25519 (type 0x01) signature.

A note's text starts with an origin that holds no space, while what DSSE signs starts with `DSSEv1 `: one key can
serve both, because no byte string is valid as both.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b32decode, b32encode
from dataclasses import dataclass
from functools import lru_cache

from ..errors import InputError, IntegrityError
from .dsse import decode_base64, encode_base64
from .keys import PublicKey, Signer
from .merkle import HASH_SIZE

ORIGIN_PREFIX = "comfy-provenance/"
MAX_NOTE = 1024 * 1024
MAX_SIGNATURES = 100
MAX_SIZE = 2**63 - 1

_ED25519 = b"\x01"
_DASH = "\N{EM DASH} "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SHORT_BYTES = 20
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: the log's name, how many entries it has, and the RFC 6962 root over them (32 bytes)."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a tree head's fingerprint holds: its size and the beginning of its digest."""

    size: int
    short: bytes


def origin_of(public: PublicKey) -> str:
    """The name of the one log that belongs to a key: `comfy-provenance/` and the writer's id."""
    return ORIGIN_PREFIX + public.writer_id


@lru_cache(maxsize=64)
def key_hash(name: str, public: PublicKey) -> bytes:
    """The 4-byte key id of a note signature: SHA-256(name || LF || 0x01 || key), cut. C2SP signed-note."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public.raw).digest()[:4]


def vkey(public: PublicKey, name: str | None = None) -> str:
    """The verifier key that Go's `note` package and C2SP tools read: `name+hash+key`. The name is the origin."""
    name = origin_of(public) if name is None else name
    check_name(name)
    return f"{name}+{key_hash(name, public).hex()}+{encode_base64(_ED25519 + public.raw)}"


def sign(origin: str, size: int, root: bytes, signer: Signer) -> bytes:
    """A checkpoint note signed under the key name `origin`.

    Raises InputError for an origin that cannot be a key name, a size outside 0..2^63-1 or a root that is not 32 bytes.
    Not checked: that it extends what was signed before.
    """
    check_name(origin)
    if not 0 <= size <= MAX_SIZE or len(root) != HASH_SIZE:
        raise InputError("a checkpoint needs a size from 0 to 2^63-1 and a root of 32 bytes")
    text = text_of(Checkpoint(origin, size, root))
    signature = key_hash(origin, signer.public) + signer.sign(text.encode())
    return f"{text}\n{_DASH}{origin} {encode_base64(signature)}\n".encode()


def open(note: bytes, public: PublicKey, origin: str | None = None) -> Checkpoint:
    """The tree head, after checking that this key signed it under the name of the origin that the note states.

    Signature lines of other keys (witness cosignatures, another key of the same name) are ignored; one of this key
    that fails rejects the note. Extension lines are allowed and dropped. When `origin` is given it must be the
    note's. Raises IntegrityError. Not checked: that the tree exists.
    """
    text, signatures = take_apart(note)
    checkpoint = read_text(text)
    if origin is not None and checkpoint.origin != origin:
        raise IntegrityError(f"checkpoint is of log {checkpoint.origin!r}, not {origin!r}")
    wanted = (checkpoint.origin, key_hash(checkpoint.origin, public))
    own = [signature[4:] for name, signature in signatures if (name, signature[:4]) == wanted]
    if not own:
        raise IntegrityError(f"checkpoint carries no signature of key {public.key_id[:16]}")
    for signature in own:
        public.verify(signature, text.encode())
    return checkpoint


def fingerprint(head: Checkpoint) -> str:
    """A tree head in few characters, to be printed, posted or read aloud: its size, then 160 bits of the SHA-256 of
    its text in base32, such as `1234-7QKX-M2PD-...`. `open_fingerprint` reads it."""
    digits = b32encode(_short(head)).decode("ascii")
    return "-".join((str(head.size), *(digits[at : at + 4] for at in range(0, len(digits), 4))))


def open_fingerprint(text: str) -> Fingerprint:
    """What `fingerprint` wrote; spaces and case do not matter. Raises InputError."""
    size, _, digits = "".join(text.split()).upper().partition("-")
    try:
        short = b32decode(digits.replace("-", ""))
    except ValueError as error:
        raise InputError("not the fingerprint of a checkpoint") from error
    if not _SIZE.fullmatch(size) or len(short) != _SHORT_BYTES:
        raise InputError("not the fingerprint of a checkpoint")
    return Fingerprint(int(size), short)


def agree(seen: Checkpoint | Fingerprint, head: Checkpoint) -> bool:
    """Whether what was seen, of the same size, is this tree head."""
    return seen == head if isinstance(seen, Checkpoint) else seen.short == _short(head)


def text_of(head: Checkpoint) -> str:
    """The note text of a tree head without extension lines. C2SP tlog-checkpoint, Note text."""
    return f"{head.origin}\n{head.size}\n{encode_base64(head.root)}\n"


def _short(head: Checkpoint) -> bytes:
    return hashlib.sha256(text_of(head).encode()).digest()[:_SHORT_BYTES]


def take_apart(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Text with its final newline, and (key name, key hash + signature) per line, nothing checked but the form. C2SP
    signed-note, Format. Raises IntegrityError."""
    if len(note) > MAX_NOTE:
        raise IntegrityError(f"note of {len(note)} bytes is larger than {MAX_NOTE}")
    try:
        decoded = note.decode("utf-8")
    except UnicodeDecodeError as error:
        raise IntegrityError("note is not UTF-8") from error
    if _CONTROL.search(decoded):
        raise IntegrityError("note has control characters")
    text, blank, tail = decoded.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise IntegrityError("note lacks a blank line, signatures or the final newline")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise IntegrityError(f"note has more than {MAX_SIGNATURES} signatures")
    return text + "\n", [_read_signature(line) for line in lines]


def _read_signature(line: str) -> tuple[str, bytes]:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not _is_name(name):
        raise IntegrityError("note has a malformed signature line")
    signature = decode_base64(encoded)
    if len(signature) <= 4:
        raise IntegrityError("note has a signature that is too short")
    return name, signature


def read_text(text: str) -> Checkpoint:
    """The tree head that a note's text states. C2SP tlog-checkpoint, Note text. Raises IntegrityError."""
    lines = text[:-1].split("\n")
    if len(lines) < 3 or "" in lines:
        raise IntegrityError("checkpoint needs three lines that are not empty")
    origin, size, encoded = lines[:3]
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise IntegrityError("checkpoint has a malformed tree size")
    root = decode_base64(encoded)
    if len(root) != HASH_SIZE:
        raise IntegrityError("checkpoint root is not 32 bytes")
    return Checkpoint(origin, int(size), root)


@lru_cache(maxsize=64)
def _is_name(name: str) -> bool:
    return bool(name) and not any(character.isspace() or character == "+" for character in name)


def check_name(name: str) -> None:
    """Raises InputError for what cannot be a key name."""
    if not _is_name(name) or _CONTROL.search(name):
        raise InputError(f"{name!r} cannot be a key name: it must not be empty or hold spaces, plus or control signs")
