"""The websocket's binary messages: the content of `protocol`.

A binary message is a big-endian 32-bit event number and its payload. A picture's payload starts with the format
(1 JPEG, 2 PNG) or, in the newer form, with a length and a JSON header.
"""

from __future__ import annotations

import io
import json
import struct
from typing import Any

from PIL import Image, ImageOps

PREVIEW_IMAGE = 1
UNENCODED_PREVIEW_IMAGE = 2
TEXT = 3
PREVIEW_IMAGE_WITH_METADATA = 4


class BinaryEventTypes:
    """The event numbers under ComfyUI's names."""

    PREVIEW_IMAGE = PREVIEW_IMAGE
    UNENCODED_PREVIEW_IMAGE = UNENCODED_PREVIEW_IMAGE
    TEXT = TEXT
    PREVIEW_IMAGE_WITH_METADATA = PREVIEW_IMAGE_WITH_METADATA


Preview = tuple[str, Image.Image, "int | None"]


def message(event: int, payload: bytes) -> bytes:
    """One binary message."""
    return struct.pack(">I", event) + payload


def encode_preview(preview: Preview) -> bytes:
    """A preview in the older form, without saying which node it belongs to."""
    kind = 2 if preview[0] == "PNG" else 1
    return message(PREVIEW_IMAGE, struct.pack(">I", kind) + _encode(preview))


def encode_preview_with_metadata(preview: Preview, about: dict[str, Any]) -> bytes:
    """A preview in the newer form, with its node and run."""
    mime = "image/png" if preview[0] == "PNG" else "image/jpeg"
    header = json.dumps({**about, "image_type": mime}).encode("utf-8")
    return message(PREVIEW_IMAGE_WITH_METADATA, struct.pack(">I", len(header)) + header + _encode(preview))


def _encode(preview: Preview) -> bytes:
    kind, picture, side = preview
    if side is not None:  # small previews are enlarged too: the page shows them as they come
        picture = ImageOps.contain(picture, (side, side), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, quality=95, compress_level=1)
    return buffer.getvalue()
