"""Checkpoints that somebody kept, as files or as text. Needs no ledger."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from ..seal import checkpoint as notes
from ..seal import cosign
from ..seal.checkpoint import Checkpoint, Fingerprint
from ..seal.keys import PublicKey

LARGEST_FILE = 1 << 20


def read_file(path: Path) -> bytes:
    """A small file that somebody gave. Raises InputError."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    if len(data) > LARGEST_FILE:
        raise InputError(f"{path} is larger than {LARGEST_FILE >> 10} KiB")
    return data


def read_seen(given: str, public: PublicKey) -> Checkpoint | Fingerprint:
    """A checkpoint that somebody kept: a file with its note, or its fingerprint as text.

    Raises InputError for neither, IntegrityError for a note that this key did not sign.
    """
    path = Path(given)
    try:
        there = path.is_file()
    except (OSError, ValueError):  # a text that no file can be called by
        there = False
    if there:
        return notes.open(cosign.read_offer(read_file(path)).note, public)
    try:
        return notes.open_fingerprint(given)
    except InputError as error:
        raise InputError(f"{given[:80]!r} is neither a checkpoint's file nor its fingerprint") from error
