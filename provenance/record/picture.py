"""What the bytes of a still image tell: size, pixel digest, likeness hash, thumbnail, embedded execution id.

Nothing in a file is trusted: sizes are checked before decoding, and whatever a decoder raises becomes a reason.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageOps

from ..canonical import parse_json
from ..errors import InputError
from ..model import Json
from .likeness import GRID, difference_hash

MAX_PIXELS = 89_000_000  # below Pillow's own limit; 356 MB as RGBA
THUMBNAIL = 320

_QUALITY = 80
_TEXT_LIMIT = 64 * 1024 * 1024
_ID_LIMIT = 256
_USER_COMMENT = 0x9286
_EXIF_IFD = 0x8769
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")  # the last is missing from some builds of Pillow
DECODER_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    EOFError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    MemoryError,
    struct.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True, slots=True)
class Picture:
    """Facts of one still image, of its first frame when there are several.

    width, height, pixels: as stored, before any EXIF orientation. `pixels` is SHA-256 over `RGBA`, width and height
    as big-endian 32-bit numbers, and the RGBA bytes; samples of more than 8 bits count with their upper 8 bits, and
    pictures with floating-point samples have none. perceptual, thumbnail: as viewed. `problem` says why something
    is missing.
    """

    width: int | None = None
    height: int | None = None
    pixels: str | None = None
    perceptual: str | None = None
    embedded_execution: str | None = None
    thumbnail: bytes | None = None
    problem: str | None = None


def look(data: bytes, *, thumbnail: bool = True) -> Picture:
    """Decode an image once and say what it tells. Raises nothing for any bytes: `problem` says what went wrong."""
    width = height = None
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                return Picture(width, height, problem=f"larger than {MAX_PIXELS} pixels")
            image.load()
            viewed = ImageOps.exif_transpose(image)
            rgba = _rgba(image)
            return Picture(
                width,
                height,
                None if rgba is None else _digest(rgba),
                None if rgba is None else _likeness(_rgba(viewed) or rgba),
                _execution(image),
                _thumbnail(_rgba(viewed) or rgba) if thumbnail and rgba is not None else None,
                "floating-point samples" if rgba is None else None,
            )
    except DECODER_ERRORS as error:
        return Picture(width, height, problem=f"cannot be decoded: {type(error).__name__}")


def decoded(data: bytes) -> tuple[Image.Image, tuple[str, ...]]:
    """The first frame as stored, as RGBA with 8 bits, and the digests of all others (see `Picture.pixels`).

    Raises InputError that says in a few words why not.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(f"larger than {MAX_PIXELS} pixels")
            image.load()
            rgba = _rgba(image)
            more = tuple(_frames(image))
    except DECODER_ERRORS as error:
        raise InputError(f"cannot be decoded: {type(error).__name__}") from error
    if rgba is None:
        raise InputError("floating-point samples")
    return rgba, more


def _frames(image: Image.Image) -> Iterator[str]:
    for frame in range(1, getattr(image, "n_frames", 1)):
        image.seek(frame)
        rgba = _rgba(image)
        if rgba is not None:
            yield _digest(rgba)


def texts(data: bytes) -> dict[str, str]:
    """The named texts of a picture, EXIF's under the name that ComfyUI writes before a colon, and `UserComment`.

    Pixels are not decoded. Raises nothing for any bytes; texts beyond 64 Mi characters are left out.
    """
    found: dict[str, str] = {}
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.format == "PNG" and image.width * image.height <= MAX_PIXELS:
                image.load()  # texts may stand after the pixels
            for name, value in _texts(image):
                if len(value) <= _TEXT_LIMIT:
                    found.setdefault(name, value)
    except DECODER_ERRORS:
        return found
    return found


def _rgba(image: Image.Image) -> Image.Image | None:
    if image.mode == "RGBA":
        return image
    if image.mode == "F":
        return None
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    return image.convert("RGBA")


def _digest(rgba: Image.Image) -> str:
    digest = hashlib.sha256(b"RGBA" + struct.pack(">II", *rgba.size))
    digest.update(rgba.tobytes())
    return digest.hexdigest()


def _likeness(rgba: Image.Image) -> str | None:
    return difference_hash(rgba.convert("L").resize(GRID, Image.Resampling.LANCZOS, reducing_gap=3.0).tobytes())


def _thumbnail(rgba: Image.Image) -> bytes:
    small = rgba.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS, reducing_gap=3.0)
    opaque = small.getchannel("A").getextrema() == (255, 255)
    plain = Image.frombytes(small.mode, small.size, small.tobytes())  # pixels only: no metadata travels along
    out = io.BytesIO()
    (plain.convert("RGB") if opaque else plain).save(out, "WEBP", quality=_QUALITY, method=4)
    return out.getvalue()


def _execution(image: Image.Image) -> str | None:
    """The id of the execution that the file says it comes from: our own receipt first, then the workflow's stamp."""
    texts = dict(_texts(image))
    receipt = _parsed(texts.get("provenance"))
    workflow = _parsed(texts.get("workflow"))
    extra = workflow.get("extra") if isinstance(workflow, dict) else None
    stamp = extra.get("provenance") if isinstance(extra, dict) else None
    for source in (receipt, stamp):
        execution = source.get("execution") if isinstance(source, dict) else None
        if isinstance(execution, str) and 0 < len(execution) <= _ID_LIMIT:
            return execution
    return None


def _texts(image: Image.Image) -> Iterator[tuple[str, str]]:
    """Named texts: PNG text chunks, and EXIF texts of the form `name:{...}` that ComfyUI writes into JPEG and WebP."""
    for name, value in image.info.items():
        if isinstance(name, str) and isinstance(value, str):
            yield name, value
    exif = image.getexif()
    comment = _decoded(exif.get_ifd(_EXIF_IFD).get(_USER_COMMENT))
    for text in (*map(_decoded, exif.values()), comment):
        name, _, rest = text.lstrip().partition(":")
        if name in ("workflow", "prompt", "provenance"):
            yield name, rest
    if comment:
        yield "UserComment", comment


def _decoded(value: object) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        return ""
    if value.startswith(b"UNICODE\0"):
        text = value[8:]  # in either order of bytes, whatever the file's own is: most letters are ASCII
        return text.decode("utf-16-be" if text[::2].count(0) >= text[1::2].count(0) else "utf-16-le", "replace")
    return value.removeprefix(b"ASCII\0\0\0").decode("utf-8", "replace")


def _parsed(text: str | None) -> Json:
    if text is None or len(text) > _TEXT_LIMIT:
        return None
    try:
        return parse_json(text.strip().strip("\0").encode("utf-8", "replace"))
    except InputError:
        return None  # a text chunk of another program that happens to carry our name
