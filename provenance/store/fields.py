"""A statement as the values in which it differs from an earlier one that is built the same way.

Two statements of one kind mostly have the same members, and their values are digests, ids, times and numbers: as text
they take twice the room of what they say, and no compressor sees that. So a payload is cut at its quotation marks, and
each piece that is another than the pattern's is written in the shortest form that gives it back to the byte. Pure; that
the result is right, the caller checks by a sum.

Layout: the number of pieces, then per changed piece one byte: how many pieces are skipped (high half; 15: a count
follows) and its form (low half). Counts and lengths are LEB128. Forms, `old` being the pattern's piece:

    0 bytes as they are       4 `sha256:` and digest            8 time of the same day: microseconds after old, zigzag
    1 digest of 32 bytes      5 the nth value before, as it is  9 decimal digits between old's beginning and end
    2 UUID                    6 `sha256:` and the nth before   10 bytes between old's beginning and end
    3 64-bit hash             7 deflated, old as dictionary
"""

from __future__ import annotations

import binascii
import zlib

from ..errors import IntegrityError

_QUOTE = b'"'
_PLAIN, _DIGEST, _ID, _HASH, _FILE, _AGAIN, _FILE_AGAIN, _PACKED, _TIME, _NUMBER, _BETWEEN = range(11)
_FILE_PREFIX = b"sha256:"
_SIZES = (0, 32, 16, 8, 32)  # of `_DIGEST`, `_ID`, `_HASH`, `_FILE`
_LONG = 48  # bytes from which a piece is compressed
_MOST_DIGITS = 18
_FAR = 15


def pieces(payload: bytes) -> list[bytes]:
    """What `difference` and `restored` want of a pattern."""
    return payload.split(_QUOTE)


def difference(pattern: list[bytes], payload: bytes) -> bytes | None:
    """What `restored` needs beside the pattern; None for a payload that is built in another way."""
    found = payload.split(_QUOTE)
    if len(found) != len(pattern):
        return None
    written = bytearray(_count(len(found)))
    met: dict[bytes, int] = {}
    last = -1
    for place, (old, new) in enumerate(zip(pattern, found, strict=True)):
        if old != new:
            form, data = _written(old, new, met)
            skipped = place - last - 1
            last = place
            written.append(min(skipped, _FAR) << 4 | form)
            if skipped >= _FAR:
                written += _count(skipped)
            written += data
    return bytes(written)


def restored(pattern: list[bytes], delta: bytes, limit: int) -> bytes:
    """The payload of a difference. Raises IntegrityError for bytes that are none, or that give more than the limit."""
    found, met = list(pattern), list[bytes]()
    try:
        size, at = _read_count(delta, 0)
        if size != len(found):
            raise IntegrityError("a stored entry does not fit its pattern")
        place, left = -1, limit
        while at < len(delta):
            skipped, form = delta[at] >> 4, delta[at] & 15
            at += 1
            if skipped == _FAR:
                skipped, at = _read_count(delta, at)
            place += skipped + 1
            found[place], at = _read(found[place], form, delta, at, met, left + 1)
            left -= len(found[place])
            if left < 0:
                raise IntegrityError("a stored entry is too large")
    except (IndexError, OverflowError, ValueError, zlib.error) as error:
        raise IntegrityError("a stored entry cannot be put together") from error
    data = _QUOTE.join(found)
    if len(data) > limit:
        raise IntegrityError("a stored entry is too large")
    return data


def _written(old: bytes, new: bytes, met: dict[bytes, int]) -> tuple[int, bytes]:
    """Form and data of a piece. `met`: values that can be named again, by their order."""
    size = len(new)
    if size >= 16:
        known = met.get(new)
        if known is not None:
            return _AGAIN, _count(known)
        digest = new[7:] if size == 71 and new.startswith(_FILE_PREFIX) else None
        if digest is not None:
            known = met.get(digest)
            if known is not None:
                return _FILE_AGAIN, _count(known)
        value = new if digest is None else digest
        raw = _raw(value)
        if raw is not None:
            met[value] = len(met)
            return {16: _ID, 8: _HASH}.get(len(raw), _DIGEST if digest is None else _FILE), raw
        if size == len(old) == 27 and new[:11] == old[:11]:
            before, after = _micros(old), _micros(new)
            if before is not None and after is not None and _time(old, after) == new:
                return _TIME, _count(_zigzag(after - before))
        if size >= _LONG:
            packer = zlib.compressobj(6, zlib.DEFLATED, -15, 8, 0, old)
            packed = packer.compress(new) + packer.flush()
            if len(packed) < size - _LONG // 4:
                return _PACKED, _count(len(packed)) + packed
    return _between(old, new)


def _read(old: bytes, form: int, delta: bytes, at: int, met: list[bytes], limit: int) -> tuple[bytes, int]:
    if 1 <= form <= 4:
        end = at + _SIZES[form]
        raw = delta[at:end]
        if len(delta) < end:
            raise IndexError(at)
        value = _dashed(raw) if form == _ID else binascii.hexlify(raw)
        met.append(value)
        return (_FILE_PREFIX + value if form == _FILE else value), end
    count, at = _read_count(delta, at)
    if form == _AGAIN:
        return met[count], at
    if form == _FILE_AGAIN:
        return _FILE_PREFIX + met[count], at
    if form == _TIME:
        before = _micros(old)
        if before is None:
            raise ValueError(old)
        return _time(old, before + (count >> 1 ^ -(count & 1))), at
    if form in (_PLAIN, _PACKED):
        data = delta[at : at + count]
        if len(data) != count:
            raise IndexError(at)
        return (data if form == _PLAIN else zlib.decompressobj(-15, old).decompress(data, limit)), at + count
    if form not in (_NUMBER, _BETWEEN):
        raise ValueError(form)
    back, at = _read_count(delta, at)
    length, at = _read_count(delta, at)
    if count + back > len(old):
        raise ValueError(old)
    if form == _NUMBER:
        number, at = _read_count(delta, at)
        middle = b"%0*d" % (min(length, _MOST_DIGITS), number)
    else:
        middle, at = delta[at : at + length], at + length
    return old[:count] + middle + old[len(old) - back :], at


def _between(old: bytes, new: bytes) -> tuple[int, bytes]:
    most = min(len(old), len(new))
    front = back = 0
    while front < most and old[front] == new[front]:
        front += 1
    while back < most - front and old[-1 - back] == new[-1 - back]:
        back += 1
    middle = new[front : len(new) - back]
    ends = _count(front) + _count(back) + _count(len(middle))
    if middle.isdigit() and len(middle) <= _MOST_DIGITS:
        return _NUMBER, ends + _count(int(middle))
    if front + back < 3:
        return _PLAIN, _count(len(new)) + new
    return _BETWEEN, ends + middle


def _raw(value: bytes) -> bytes | None:
    """The bytes of a digest, UUID or hash, when they are written in lower case."""
    size = len(value)
    try:
        if size in (64, 16):
            raw = binascii.unhexlify(value)
            return raw if binascii.hexlify(raw) == value else None
        if size == 36:
            raw = binascii.unhexlify(value.replace(b"-", b""))
            return raw if len(raw) == 16 and _dashed(raw) == value else None
    except ValueError:
        pass  # no hexadecimal number
    return None


def _dashed(raw: bytes) -> bytes:
    digits = binascii.hexlify(raw)
    return b"-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _micros(text: bytes) -> int | None:
    """Microseconds of the day, if the text is a time as the record writes it: `2026-11-23T02:40:00.123456Z`."""
    try:
        minutes = int(text[11:13]) * 60 + int(text[14:16])
        return (minutes * 60 + int(text[17:19])) * 1_000_000 + int(text[20:26])
    except ValueError:
        return None


def _time(day: bytes, micros: int) -> bytes:
    seconds, micros = divmod(micros, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    return b"%b%02d:%02d:%02d.%06dZ" % (day[:11], *divmod(minutes, 60), seconds, micros)


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else ~(number << 1)


def _count(number: int) -> bytes:
    if number < 128:
        return bytes((number,))
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    written.append(number)
    return bytes(written)


def _read_count(data: bytes, at: int) -> tuple[int, int]:
    number = data[at]
    if number < 128:
        return number, at + 1
    number &= 127
    shift = 7
    while True:
        at += 1
        byte = data[at]
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at + 1
        shift += 7
        if shift > 70:
            raise ValueError("a count is too long")
