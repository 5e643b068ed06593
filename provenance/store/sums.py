"""A checksum at the end of stored forms, for bits that decoding would pass over: what pads a compressor's last byte
means nothing, and a form in which it was changed gives the same bytes."""

from __future__ import annotations

import struct
import zlib

from ..errors import IntegrityError

_SUM = struct.Struct(">I")  # CRC-32: it finds what broke; what somebody forged, digests and signatures find


def summed(form: bytes) -> bytes:
    """A form with its checksum behind it."""
    return form + _SUM.pack(zlib.crc32(form))


def checked(stored: bytes) -> bytes:
    """The form without its checksum. Raises IntegrityError when that is another."""
    form = stored[: -_SUM.size]
    if summed(form) != stored:
        raise IntegrityError("a stored form has another checksum")
    return form
