"""Short forms of the names that fill the index: digests and random ids as bytes instead of hexadecimal text.

A name is stored as one byte that says its form, then the name in that form. Every text has exactly one stored form,
so equal names are equal bytes, and what a column gives back is what was put in.
"""

from __future__ import annotations

_TEXT, _DIGEST, _FILE, _ID, _SHORT = b"t", b"d", b"f", b"u", b"h"
_FILE_PREFIX = "sha256:"
_HEX = frozenset("0123456789abcdef")
_ODD = "\N{REPLACEMENT CHARACTER}"  # begins what no name is stored as


def pack(name: str | None) -> bytes | None:
    """The stored form. Digests (64 hexadecimal digits), `sha256:<digest>`, UUIDs and 64-bit hashes (16 digits) are
    packed when they are written in lower case; all else is kept as UTF-8."""
    if name is None:
        return None
    size = len(name)
    try:
        if size == 64:
            raw = bytes.fromhex(name)
            if raw.hex() == name:
                return _DIGEST + raw
        elif size == 71 and name.startswith(_FILE_PREFIX):
            raw = bytes.fromhex(name[7:])
            if raw.hex() == name[7:]:
                return _FILE + raw
        elif size == 36:
            raw = bytes.fromhex(name.replace("-", ""))
            if _dashed(raw) == name:
                return _ID + raw
        elif size == 16:
            raw = bytes.fromhex(name)
            if raw.hex() == name:
                return _SHORT + raw
    except ValueError:
        pass  # no hexadecimal number
    return _TEXT + name.encode()


def unpack(stored: bytes) -> str:
    """The name. Bytes that `pack` never gives (somebody changed them) come back as text that is no name."""
    form, raw = stored[:1], stored[1:]
    size = len(raw)
    if form == _DIGEST and size == 32:
        return raw.hex()
    if form == _FILE and size == 32:
        return _FILE_PREFIX + raw.hex()
    if form == _ID and size == 16:
        return _dashed(raw)
    if form == _SHORT and size == 8:
        return raw.hex()
    if form == _TEXT:
        text = raw.decode(errors="replace")
        if pack(text) == stored:
            return text
    return _ODD + stored.decode("latin-1")


def id_ranges(prefix: str) -> list[tuple[bytes, bytes]]:
    """Ranges, lower bound included and upper not, that hold exactly the stored texts and UUIDs which begin so.

    Names in other forms are left out; dashes in the wrong place are not noticed. The prefix must not be empty.
    """
    text = _TEXT + prefix.encode()
    ranges = [(text, _after(text))]
    digits = prefix.replace("-", "")
    if len(prefix) <= 36 and _HEX.issuperset(digits):
        even = len(digits) // 2 * 2 == len(digits)
        low, last = (bytes.fromhex(digits if even else digits + end) for end in "0f")
        ranges.append((_ID + low, _after(_ID + last)))
    return ranges


def _after(low: bytes) -> bytes:
    """The first bytes beyond all that begin with these. The form's byte is never 255, so there are some."""
    kept = low.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1])


def _dashed(raw: bytes) -> str:
    digits = raw.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
