"""Just enough DER (ITU-T X.690) to take time-stamp tokens apart without writing them anew.

Definite lengths in their shortest form and tags of one byte only: whatever else BER allows is refused. Every node
keeps its exact bytes, so that what was signed can be hashed as it was signed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import IntegrityError

INTEGER, OCTETS, OID, SEQUENCE, SET = 0x02, 0x04, 0x06, 0x30, 0x31
GENERALIZED_TIME, BOOLEAN = 0x18, 0x01
_LONGEST_LENGTH = 4  # bytes of a length: 4 GiB
_LONGEST_VALUE = 128  # bytes of an integer or an identifier: far beyond any serial number, nonce or UUID


@dataclass(frozen=True, slots=True)
class Node:
    """One value: its tag, its contents, and both with the length as they stand."""

    tag: int
    body: bytes
    raw: bytes


def read(data: bytes) -> Node:
    """The one value that these bytes are. Raises IntegrityError, also for anything after it."""
    node = _at(data, 0)
    if len(node.raw) != len(data):
        raise IntegrityError("DER is followed by more bytes")
    return node


def parts(node: Node, tag: int | None = None) -> list[Node]:
    """The values inside a constructed one, which must have `tag` when that is given. Raises IntegrityError."""
    if tag is not None and node.tag != tag:
        raise IntegrityError(f"DER has tag {node.tag:#04x} where {tag:#04x} is expected")
    found, at = list[Node](), 0
    while at < len(node.body):
        found.append(_at(node.body, at))
        at += len(found[-1].raw)
    return found


def write(tag: int, pieces: Iterable[bytes]) -> bytes:
    """A value made of pieces that are DER, or contents, already."""
    body = b"".join(pieces)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def integer(node: Node) -> int:
    """An INTEGER's value. Raises IntegrityError."""
    if node.tag != INTEGER or not 0 < len(node.body) <= _LONGEST_VALUE:
        raise IntegrityError("DER has no integer where one is expected")
    return int.from_bytes(node.body, "big", signed=True)


def oid(node: Node) -> str:
    """An OBJECT IDENTIFIER in dotted form. Raises IntegrityError."""
    if node.tag != OID or not 0 < len(node.body) <= _LONGEST_VALUE or node.body[-1] & 0x80:
        raise IntegrityError("DER has no object identifier where one is expected")
    arcs, value = list[int](), 0
    for byte in node.body:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def _at(data: bytes, at: int) -> Node:
    header = data[at : at + 2]
    if len(header) < 2 or header[0] & 0x1F == 0x1F:
        raise IntegrityError("DER ends early, or has a tag that is not read here")
    start, size = at + 2, header[1]
    if size & 0x80:
        count = size & 0x7F
        length = data[start : start + count]
        size = int.from_bytes(length, "big")
        if not 0 < count <= _LONGEST_LENGTH or len(length) < count or not length[0] or size < 0x80:
            raise IntegrityError("DER has a length that is not in its shortest form")
        start += count
    if start + size > len(data):
        raise IntegrityError("DER ends early")
    return Node(header[0], data[start : start + size], data[at : start + size])
