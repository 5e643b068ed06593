"""Bytes as their difference to other bytes that are much alike: the graph with another seed, the entry of the next run.

A difference is what both have in common at the front and at the back, and the middle, compressed with the other's
middle as its dictionary. Pure, and byte-exact; that the result is right, the caller checks by its digest.
"""

from __future__ import annotations

import struct
import zlib

from ..errors import IntegrityError

_HEAD = struct.Struct(">II?")  # bytes shared at the front, at the back; whether the middle is compressed
_LEVEL, _MEMORY = 1, 4  # small tables: a run waits for no compressor
_SMALL_WINDOW, _WINDOW = 12, 15  # as powers of two, bytes that the compressor looks back
_PLAIN = 32  # bytes of middle below which compression gains nothing
_CONTEXT = 512  # bytes of the shared front that the dictionary keeps


def difference(base: bytes, data: bytes) -> bytes:
    """What `restored` needs, beside the base, to give the data back."""
    front = _shared_front(base, data)
    back = _shared_back(base, data, min(len(base), len(data)) - front)
    middle = data[front : len(data) - back]
    if len(middle) < _PLAIN:
        return _HEAD.pack(front, back, False) + middle
    dictionary = _dictionary(base, front, back)
    window = _SMALL_WINDOW if len(dictionary) + len(middle) <= 1 << _SMALL_WINDOW else _WINDOW
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -window, _MEMORY, 0, dictionary)
    return _HEAD.pack(front, back, True) + packer.compress(middle) + packer.flush()


def restored(base: bytes, delta: bytes, limit: int) -> bytes:
    """The data of a difference, at most `limit` bytes and one. Raises IntegrityError for bytes that are none."""
    if len(delta) < _HEAD.size:
        raise IntegrityError("a stored difference is too short")
    front, back, packed = _HEAD.unpack_from(delta)
    middle = delta[_HEAD.size :]
    if front + back > len(base):
        raise IntegrityError("a stored difference does not fit what it is taken from")
    if packed:
        unpacker = zlib.decompressobj(-_WINDOW, _dictionary(base, front, back))
        try:
            middle = unpacker.decompress(middle, max(limit - front - back, 0) + 1)
        except zlib.error as error:
            raise IntegrityError("a stored difference cannot be unpacked") from error
    return base[:front] + middle + base[len(base) - back :]


def shared(base: bytes, data: bytes) -> int:
    """How many bytes both have in common at the front and at the back."""
    front = _shared_front(base, data)
    return front + _shared_back(base, data, min(len(base), len(data)) - front)


def _dictionary(base: bytes, front: int, back: int) -> bytes:
    return base[max(front - _CONTEXT, 0) : len(base) - back]


def _shared_front(a: bytes, b: bytes) -> int:
    """Halving with slices compared in C is far faster than a loop over bytes."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _shared_back(a: bytes, b: bytes, most: int) -> int:
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]:
            low = middle
        else:
            high = middle - 1
    return low
