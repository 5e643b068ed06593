"""What a saved image carries: ComfyUI's prompt and workflow in the form ComfyUI writes, and the receipt.

PNG   one text chunk per key, as ComfyUI's Save Image writes them, and one named `provenance`.
WebP  EXIF as ComfyUI's own WebP nodes write it: tag Model holds `prompt:<json>`, tag Make `workflow:<json>`, further
      keys in the tags below; the receipt is the EXIF UserComment. The page loads workflows from these files.
JPEG  the same EXIF. One JPEG segment holds 64 KB; when the texts do not fit, EXIF keeps the receipt and all of the
      texts go to XMP, split over as many segments as they need (XMP Specification Part 3, section 1.1.3.1).
      ComfyUI's page reads workflows from no JPEG; other programs can.

The texts are JSON in ASCII, so every reader agrees on their bytes.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from html import escape
from typing import Any

MODEL, MAKE, EXIF_IFD, USER_COMMENT = 0x0110, 0x010F, 0x8769, 0x9286
SEGMENT = 65_533  # a JPEG segment's payload: 16-bit length that counts itself
_EXIF_HEADER = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_NAMESPACE = "https://w3id.org/comfy-provenance/xmp/v1/"


def png_texts(texts: Mapping[str, str], receipt: str | None) -> Any:
    """Give the text chunks of a PNG; None where there is nothing to embed. The receipt wins over a text of its name."""
    from PIL.PngImagePlugin import PngInfo

    if not texts and receipt is None:
        return None
    info = PngInfo()
    for key, text in texts.items():
        if key != "provenance" or receipt is None:
            info.add_text(key, text)
    if receipt is not None:
        info.add_text("provenance", receipt)
    return info


def exif(texts: Mapping[str, str], receipt: str | None) -> bytes:
    """Give an EXIF block (TIFF bytes after `Exif\\0\\0`) with the texts and the receipt; empty where there are none."""
    from PIL import Image

    block = Image.Exif()
    place = MAKE
    for key, text in texts.items():
        if key == "prompt":
            block[MODEL] = f"prompt:{text}"
        else:
            block[place] = f"{key}:{text}"
            place -= 1
    if receipt is not None:
        block.get_ifd(EXIF_IFD)[USER_COMMENT] = b"ASCII\0\0\0" + receipt.encode("ascii")
    return block.tobytes() if texts or receipt is not None else b""


def jpeg_options(texts: Mapping[str, str], receipt: str | None) -> dict[str, Any]:
    """Give the Pillow options that embed the texts and the receipt in a JPEG, however long the texts are."""
    whole = exif(texts, receipt)
    if not whole:
        return {}
    if len(whole) <= SEGMENT:
        return {"exif": whole}
    small = exif({}, receipt)
    return {"extra": xmp_segments(texts), **({"exif": small} if small else {})}


def xmp_segments(texts: Mapping[str, str]) -> bytes:
    """Give JPEG APP1 segments: a main XMP packet that names the digest of the extended one, and the latter in parts."""
    members = "".join(f"<p:{key}>{escape(text)}</p:{key}>" for key, text in texts.items() if key.isidentifier())
    extended = _packet(f'<rdf:Description rdf:about="" xmlns:p="{_NAMESPACE}">{members}</rdf:Description>')
    guid = hashlib.md5(extended, usedforsecurity=False).hexdigest().upper()  # the digest that the format asks for
    main = _packet(
        f'<rdf:Description rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{guid}"/>'
    )
    head = _XMP_MORE + guid.encode("ascii")
    room = SEGMENT - len(head) - 8
    parts = [
        _app1(head + struct.pack(">II", len(extended), offset) + extended[offset : offset + room])
        for offset in range(0, len(extended), room)
    ]
    return b"".join([_app1(_XMP + main), *parts])


def _packet(description: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"{description}</rdf:RDF></x:xmpmeta>"
    ).encode()


def _app1(payload: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload


def even_webp(data: bytes) -> bytes:
    """Count the padding byte of odd RIFF chunks before EXIF as part of their payload.

    Older pages step from chunk to chunk without the padding and miss the EXIF behind a lossless image of odd length.
    Image decoders read as far as their bit stream says and ignore the byte. Neither length nor pixels change.
    """
    fixed = bytearray(data)
    at = 12
    while at + 8 <= len(fixed):
        kind, size = bytes(fixed[at : at + 4]), int.from_bytes(fixed[at + 4 : at + 8], "little")
        if kind == b"EXIF":
            break
        if size % 2 and kind in (b"VP8 ", b"VP8L"):
            size += 1
            fixed[at + 4 : at + 8] = size.to_bytes(4, "little")
        at += 8 + size + size % 2
    return bytes(fixed)
