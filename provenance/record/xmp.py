"""Puts an XMP property into a still image or a video without touching anything else in the file. Pure.

PNG: an iTXt chunk `XML:com.adobe.xmp` before IDAT. JPEG: an APP1 segment. WebP: an `XMP ` chunk, with the VP8X header
that the format asks for. MP4 and MOV: a `uuid` box at the end of the file, where it moves no offset. (XMP Specification
Part 3.)

A packet that is there already is kept, and the property is added to it as an rdf:Description of its own.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from html import escape, unescape

from ..errors import InputError

PNG, JPEG, WEBP, MP4 = "image/png", "image/jpeg", "image/webp", "video/mp4"
MOV = "video/quicktime"
SUPPORTED = frozenset({PNG, JPEG, WEBP, MP4, MOV})

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEYWORD = b"XML:com.adobe.xmp"
_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_SEGMENT = 65_533
_Chunk = tuple[bytes, bytes]


def packet(data: bytes, media_type: str) -> str | None:
    """The XMP packet of a file; None when it has none. Raises InputError for a file that cannot be read so far."""
    raw = _found(data, media_type)
    return None if raw is None else raw.decode("utf-8", "replace")


def value(data: bytes, media_type: str, namespace: str, name: str) -> str | None:
    """A simple property of a file's XMP; None when it is not there. Raises as `packet` does."""
    text = packet(data, media_type)
    if text is None:
        return None
    for prefix in re.findall(rf'xmlns:([\w.-]+)\s*=\s*["\']{re.escape(namespace)}["\']', text):
        found = re.search(rf"<{prefix}:{name}(?:\s[^>]*)?>(.*?)</{prefix}:{name}\s*>", text, re.DOTALL)
        found = found or re.search(rf"{prefix}:{name}\s*=\s*([\"'])(?P<value>.*?)\1", text, re.DOTALL)
        if found is not None:
            return unescape(found.group(found.lastgroup or 1))
    return None


def added(data: bytes, media_type: str, namespace: str, prefix: str, name: str, text: str) -> bytes:
    """The file with one more property in its XMP. Raises InputError for a file that it cannot be put into."""
    description = (
        f'<rdf:Description rdf:about="" xmlns:{prefix}="{namespace}"><{prefix}:{name}>{escape(text, quote=False)}'
        f"</{prefix}:{name}></rdf:Description>"
    )
    old = _found(data, media_type)
    if old is None:
        return _put(data, media_type, _packet(description))
    end = old.rfind(b"</rdf:RDF>")
    if end < 0:
        raise InputError("its XMP is in a form to which nothing can be added")
    return _put(data, media_type, old[:end] + description.encode() + old[end:])


def _packet(description: str) -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{_RDF}">{description}</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def _found(data: bytes, media_type: str) -> bytes | None:
    try:
        if media_type == PNG:
            return next((_text_of(body) for kind, body in _png(data) if _is_xmp(kind, body)), None)
        if media_type == JPEG:
            return next((body[len(_HEADER) :] for _, _, body in _jpeg(data) if body.startswith(_HEADER)), None)
        if media_type == WEBP:
            return next((body for kind, body in _webp(data) if kind == b"XMP "), None)
        if media_type in (MP4, MOV):
            boxes = (data[start:end] for start, end, kind in _boxes(data) if kind == b"uuid")
            return next((box[24:] for box in boxes if box[8:24] == _UUID), None)
    except (struct.error, IndexError, zlib.error) as error:
        raise InputError("the file is damaged") from error
    raise InputError(f"XMP cannot be put into {media_type}")


def _put(data: bytes, media_type: str, new: bytes) -> bytes:
    if media_type == PNG:
        return _put_png(data, new)
    if media_type == JPEG:
        return _put_jpeg(data, new)
    if media_type == WEBP:
        return _put_webp(data, new)
    return _put_mp4(data, new)


def _png(data: bytes) -> Iterator[_Chunk]:
    if not data.startswith(_SIGNATURE):
        raise InputError("the file is no PNG")
    at = len(_SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            raise InputError("the file is damaged")
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _is_xmp(kind: bytes, body: bytes) -> bool:
    return kind == b"iTXt" and body.startswith(_KEYWORD + b"\0")


def _text_of(body: bytes) -> bytes:
    packed, rest = body[len(_KEYWORD) + 1], body[len(_KEYWORD) + 3 :]
    _, _, rest = rest.partition(b"\0")
    _, _, text = rest.partition(b"\0")
    return zlib.decompress(text) if packed else text


def _put_png(data: bytes, new: bytes) -> bytes:
    out = [_SIGNATURE]
    placed = False
    for kind, body in _png(data):
        if _is_xmp(kind, body):
            continue
        if kind == b"IDAT" and not placed:
            out.append(_chunk(b"iTXt", _KEYWORD + b"\0\0\0\0\0" + new))
            placed = True
        out.append(_chunk(kind, body))
    if not placed:
        raise InputError("the file holds no picture")
    return b"".join(out)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _jpeg(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(start, end, payload) of each segment before the picture's data."""
    if data[:2] != b"\xff\xd8":
        raise InputError("the file is no JPEG")
    at = 2
    while data[at] == 0xFF and data[at + 1] != 0xDA:
        if data[at + 1] == 0xFF:  # a fill byte
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield at, at + 2 + length, data[at + 4 : at + 2 + length]
        at += 2 + length


def _put_jpeg(data: bytes, new: bytes) -> bytes:
    if len(_HEADER) + len(new) > _SEGMENT:
        raise InputError("its XMP is too long for one more property")
    segment = b"\xff\xe1" + struct.pack(">H", len(_HEADER) + len(new) + 2) + _HEADER + new
    place = 2
    for start, end, body in _jpeg(data):
        if body.startswith(_HEADER):
            return data[:start] + segment + data[end:]
        if data[start + 1] == 0xE0 or body.startswith(b"Exif\0\0"):  # JFIF and EXIF come first
            place = end
    return data[:place] + segment + data[place:]


def _webp(data: bytes) -> Iterator[_Chunk]:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise InputError("the file is no WebP")
    at = 12
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + length > len(data):
            raise InputError("the file is damaged")
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _put_webp(data: bytes, new: bytes) -> bytes:
    chunks = [(kind, body) for kind, body in _webp(data) if kind != b"XMP "]
    if not chunks:
        raise InputError("the file holds no picture")
    kind, body = chunks[0]
    if kind == b"VP8X":
        chunks[0] = (kind, bytes([body[0] | 0x04]) + body[1:])
    else:
        chunks.insert(0, (b"VP8X", _extended(kind, body)))
    chunks.append((b"XMP ", new))
    inner = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2) for kind, body in chunks
    )
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


def _extended(kind: bytes, body: bytes) -> bytes:
    """The VP8X header of a simple WebP: flags for XMP and, where its bit stream says so, alpha; then its size."""
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        width, height, alpha = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bits >> 28 & 1
    else:
        width, height = (number & 0x3FFF for number in struct.unpack_from("<HH", body, 6))
        alpha = 0
    return bytes([0x04 | alpha << 4, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def _boxes(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(start, end, type) of each box of the top level."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
        if size == 0:
            size = len(data) - at
        if size < 8 or at + size > len(data):
            raise InputError("the file is damaged")
        yield at, at + size, kind
        at += size


def _put_mp4(data: bytes, new: bytes) -> bytes:
    box = struct.pack(">I", 24 + len(new)) + b"uuid" + _UUID + new
    last = 0
    for start, end, kind in _boxes(data):
        (size,) = struct.unpack_from(">I", data, start)
        if size == 0:
            raise InputError("its last box has no end, so nothing can be put behind it")
        last = end
        if kind == b"uuid" and data[start + 8 : start + 24] == _UUID:
            if end != len(data):
                raise InputError("its XMP stands in the middle of the file and cannot grow")
            return data[:start] + box
    return data[:last] + box
