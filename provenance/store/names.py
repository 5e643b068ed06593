"""Short forms of the names and times that fill the index: bytes instead of hexadecimal text and written dates.

A name is stored as one byte that says its form, then the name in that form. Every text has exactly one stored form,
so equal names are equal bytes, and what a column gives back is what was put in.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

_TEXT, _DIGEST, _FILE, _ID, _SHORT = b"t", b"d", b"f", b"u", b"h"
_FILE_PREFIX = "sha256:"
_HEX = frozenset("0123456789abcdef")
_MOMENT = b"m"
_EPOCH = date(1970, 1, 1)
_OFFSET = 1 << 63  # makes times before the epoch sort before it
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
    return _TEXT + name.encode("utf-8", "backslashreplace")  # as `record.body` writes what UTF-8 cannot carry


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


def pack_moment(text: str | None) -> bytes | None:
    """The stored form of a time as the record writes it (UTC, microseconds, `Z`); any other text is kept as a name's
    would be, and sorts after all times."""
    if text is None:
        return None
    try:
        minutes = _days(text[:10]) * 1440 + int(text[11:13]) * 60 + int(text[14:16])
        micros = (minutes * 60 + int(text[17:19])) * 1_000_000 + int(text[20:26])
        if _moment(micros) == text:
            return _MOMENT + (micros + _OFFSET).to_bytes(8, "big")
    except (ValueError, OverflowError):
        pass  # no time
    return _TEXT + text.encode()


def unpack_moment(stored: bytes) -> str:
    """The text of a time. Bytes that `pack_moment` never gives come back as text that is no time."""
    if stored[:1] == _MOMENT and len(stored) == 9:
        try:
            return _moment(int.from_bytes(stored[1:], "big") - _OFFSET)
        except OverflowError:
            return _ODD + stored.decode("latin-1")
    text = stored[1:].decode(errors="replace")
    return text if pack_moment(text) == stored else _ODD + stored.decode("latin-1")


@lru_cache(maxsize=64)
def _days(date_text: str) -> int:
    return (date.fromisoformat(date_text) - _EPOCH).days


@lru_cache(maxsize=64)
def _date(days: int) -> str:
    return (_EPOCH + timedelta(days)).isoformat()


def _moment(micros: int) -> str:
    seconds, micros = divmod(micros, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{_date(days)}T{hours:02}:{minutes:02}:{seconds:02}.{micros:06}Z"


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
