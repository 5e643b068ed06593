"""The picture that a project file carries of itself, so that a later edit can be shown and measured. I/O.

Photoshop files carry a flattened picture, Krita and OpenRaster archives `mergedimage.png`, Procreate archives a small
one. GIMP's, Illustrator's, Clip Studio's and PDF files carry none that is read here; only their bytes are hashed.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from .picture import DECODER_ERRORS, MAX_PIXELS

LARGEST_MEMBER = 256 * 1024 * 1024
MOST_MEMBERS = 100_000
_MEMBERS = {
    "application/x-krita": ("mergedimage.png", "preview.png"),
    "image/openraster": ("mergedimage.png", "Thumbnails/thumbnail.png"),
    "application/x-procreate": ("QuickLook/Thumbnail.png",),
}
PHOTOSHOP = "image/vnd.adobe.photoshop"


def composite(file: Path | BinaryIO, media_type: str) -> bytes | None:
    """The picture as a file that `picture.look` reads; None when there is none that can be read. Raises nothing for
    any bytes."""
    try:
        if media_type == PHOTOSHOP:
            return _flattened(file)
        if media_type in _MEMBERS:
            return _member(file, _MEMBERS[media_type])
    except (*DECODER_ERRORS, zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error):
        return None
    return None


def _flattened(file: Path | BinaryIO) -> bytes | None:
    with Image.open(file, formats=("PSD",)) as image:
        if image.width * image.height > MAX_PIXELS:
            return None
        image.load()
        shown = image.convert("RGBA" if "A" in image.getbands() else "RGB")
    out = io.BytesIO()
    Image.frombytes(shown.mode, shown.size, shown.tobytes()).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _member(file: Path | BinaryIO, names: tuple[str, ...]) -> bytes | None:
    with zipfile.ZipFile(file) as archive:
        members = {info.filename: info for info in archive.infolist()[:MOST_MEMBERS]}
        for name in names:
            if name in members and members[name].file_size <= LARGEST_MEMBER:
                with archive.open(members[name]) as member:
                    data = member.read(LARGEST_MEMBER + 1)
                return data if len(data) <= LARGEST_MEMBER else None
    return None
