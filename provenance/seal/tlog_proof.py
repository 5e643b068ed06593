"""Proofs that an entry is in a log, as files: C2SP tlog-proof, version 1. Pure.

A proof is an index, an RFC 6962 inclusion proof and the checkpoint that it leads to; with the entry's bytes and the
log's key it can be checked offline by any C2SP tool.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import IntegrityError
from .dsse import decode_base64, encode_base64
from .merkle import HASH_SIZE

HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)
_MOST_HASHES = 63  # a tree has fewer than 2^63 leaves


@dataclass(frozen=True, slots=True)
class TlogProof:
    """What a proof file states; nothing of it is checked yet. hashes: 32 bytes each, from the leaf up."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes


def write(index: int, hashes: Sequence[bytes], checkpoint: bytes) -> bytes:
    """The file of a proof, without extra data. checkpoint: the signed note, verbatim."""
    lines = [HEADER, f"index {index}", *map(encode_base64, hashes), ""]
    return "".join(f"{line}\n" for line in lines).encode() + checkpoint


def read(data: bytes) -> TlogProof:
    """Take a proof file apart. Raises IntegrityError for what is no such file, and for one with extra data, which
    this software never writes. Not checked: the hashes and the checkpoint."""
    head, blank, checkpoint = data.partition(b"\n\n")
    try:
        header, index, *hashes = head.decode("ascii").split("\n")
    except ValueError as error:
        raise IntegrityError("not a tlog-proof: its head is no ASCII text of two lines or more") from error
    number = _INDEX.fullmatch(index)
    if header != HEADER or number is None or not blank or len(hashes) > _MOST_HASHES:
        raise IntegrityError(f"not a {HEADER} file as this software writes it")
    decoded = tuple(map(decode_base64, hashes))
    if any(len(each) != HASH_SIZE for each in decoded):
        raise IntegrityError("a hash of the proof is not 32 bytes")
    return TlogProof(int(number[1]), decoded, checkpoint)
