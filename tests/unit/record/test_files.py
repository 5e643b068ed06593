"""Reading files: real pictures made by Pillow, broken ones, and what is no picture at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import struct
import zlib

import pytest
from comfy_provenance.provenance.errors import InputError
from comfy_provenance.provenance.record import files, likeness, media, picture
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

WORKFLOW = json.dumps({"nodes": [], "extra": {"provenance": {"execution": "run-1"}}})


def drawing(size=(200, 120), shift=0, mode="RGB"):
    image = Image.new("RGB", size, (200, 180, 60))
    draw = ImageDraw.Draw(image)
    generator = random.Random(3)
    for _ in range(25):
        x, y = generator.randrange(size[0]) + shift, generator.randrange(size[1])
        draw.ellipse((x, y, x + 50, y + 40), fill=tuple(generator.randrange(256) for _ in range(3)))
    return image.convert(mode)


def encoded(image, form="PNG", **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def png_text(**texts):
    info = PngInfo()
    for name, value in texts.items():
        info.add_text(name, value)
    return info


def test_one_reading_gives_digest_size_pixels_and_thumbnail(tmp_path):
    data = encoded(drawing(), pnginfo=png_text(workflow=WORKFLOW, prompt="{}"))
    path = tmp_path / "a.png"
    path.write_bytes(data)
    reading = files.look(path)
    facts = reading.facts
    assert facts.sha256 == hashlib.sha256(data).hexdigest()
    assert (facts.size, facts.media_type, facts.width, facts.height) == (len(data), "image/png", 200, 120)
    assert facts.mtime_ns == path.stat().st_mtime_ns
    assert facts.embedded_execution == "run-1"
    assert reading.data == data
    assert reading.problem is None
    rgba = drawing().convert("RGBA").tobytes()
    assert facts.pixels == hashlib.sha256(b"RGBA" + struct.pack(">II", 200, 120) + rgba).hexdigest()
    with Image.open(io.BytesIO(reading.thumbnail)) as small:
        assert (small.format, small.size) == ("WEBP", (200, 120))


@pytest.mark.parametrize("size", [(1000, 500), (500, 1000), (64, 64)])
def test_a_thumbnail_is_small_deterministic_and_carries_no_metadata(size):
    data = encoded(drawing(size), pnginfo=png_text(workflow=WORKFLOW, secret="do not carry"))
    one, two = picture.look(data), picture.look(data)
    assert one.thumbnail == two.thumbnail
    assert b"carry" not in one.thumbnail
    with Image.open(io.BytesIO(one.thumbnail)) as small:
        assert max(small.size) == min(320, max(size))
        assert not small.getexif()
    assert picture.look(data, thumbnail=False).thumbnail is None


def test_lossless_copies_have_equal_pixels_and_lossy_ones_only_look_alike():
    image = drawing()
    png = picture.look(encoded(image))
    assert picture.look(encoded(image, "WEBP", lossless=True)).pixels == png.pixels
    assert picture.look(encoded(image, "BMP")).pixels == png.pixels
    assert picture.look(encoded(image.convert("RGBA"))).pixels == png.pixels
    for lossy in (
        encoded(image, "JPEG", quality=60),
        encoded(image, "WEBP", quality=50),
        encoded(image.resize((100, 60))),
    ):
        seen = picture.look(lossy)
        assert seen.pixels != png.pixels
        assert likeness.score(seen.perceptual, png.perceptual) >= likeness.LIKE
    other = picture.look(encoded(drawing(shift=90).transpose(Image.Transpose.FLIP_LEFT_RIGHT)))
    assert likeness.score(other.perceptual, png.perceptual) < likeness.LIKE


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (7, 120, 30)])
def test_a_flat_picture_has_no_likeness(color):
    assert picture.look(encoded(Image.new("RGB", (64, 64), color))).perceptual is None
    nearly = Image.new("RGB", (64, 64), color)
    nearly.putpixel((3, 3), (9, 9, 9))
    assert picture.look(encoded(nearly)).perceptual is None


def test_bands_are_shared_by_near_hashes():
    assert likeness.bands("0123456789abcdef") == ("0123", "4567", "89ab", "cdef")
    assert likeness.score("0" * 16, "f" * 16) == 0
    assert likeness.score("0" * 16, "0" * 15 + "1") == round(63 / 64, 4)


def test_16_bit_samples_count_with_their_upper_bits():
    wide = Image.new("I;16", (4, 2))
    for x in range(4):
        wide.putpixel((x, 0), x * 20_000)
    narrow = Image.new("L", (4, 2))
    for x in range(4):
        narrow.putpixel((x, 0), x * 20_000 >> 8)
    assert picture.look(encoded(wide)).pixels == picture.look(encoded(narrow)).pixels


def test_floating_point_samples_have_no_pixel_digest():
    seen = picture.look(encoded(Image.new("F", (4, 4), 0.5), "TIFF"))
    assert (seen.width, seen.pixels, seen.problem) == (4, None, "floating-point samples")


def test_orientation_changes_the_view_and_not_the_pixels():
    image = drawing()
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = picture.look(encoded(image, "PNG", exif=exif))
    plain = picture.look(encoded(image))
    assert (turned.pixels, turned.width, turned.height) == (plain.pixels, plain.width, plain.height)
    assert turned.perceptual == picture.look(encoded(image.transpose(Image.Transpose.ROTATE_270))).perceptual
    with Image.open(io.BytesIO(turned.thumbnail)) as small:
        assert small.size == (120, 200)


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
@pytest.mark.parametrize("tag", [0x010F, 0x0110, 0x010E])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("workflow:" + WORKFLOW, "run-1"),
        ('provenance:{"execution": "run-2"}', "run-2"),
        ("workflow:[", None),
        ('prompt:{"execution": "x"}', None),
        ('workflow:{"extra": {"provenance": {"execution": 7}}}', None),
        ('workflow:{"extra": []}', None),
    ],
)
def test_jpeg_and_webp_carry_the_execution_in_exif(form, tag, text, found):
    exif = Image.Exif()
    exif[tag] = text
    assert picture.look(encoded(drawing(), form, exif=exif)).embedded_execution == found


def test_the_receipt_wins_over_the_workflow():
    info = png_text(workflow=WORKFLOW, provenance='{"execution": "run-9"}')
    assert picture.look(encoded(drawing(), pnginfo=info)).embedded_execution == "run-9"


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(width, height, *chunks):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + b"".join(chunks)
        + chunk(b"IDAT", zlib.compress(b"\0" * 64))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "data",
    [
        bomb(60_000, 60_000),
        bomb(9_500, 9_500),
        bomb(4, 4, chunk(b"zTXt", b"workflow\0\0" + zlib.compress(b"[" * 5_000_000))),
        bomb(4, 4, chunk(b"tEXt", b"workflow\0" + b"[" * 900_000)),
        bomb(0, 0),
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff" + b"\0" * 40,
        b"GIF89a" + b"\xff" * 30,
        b"RIFF\x10\0\0\0WEBPVP8X" + b"\0" * 20,
    ],
    ids=["huge", "large", "text bomb", "deep text", "empty size", "torn png", "torn jpeg", "torn gif", "torn webp"],
)
def test_a_hostile_picture_is_hashed_and_says_why_it_has_no_pixels(tmp_path, data):
    path = tmp_path / "x.png"
    path.write_bytes(data)
    reading = files.look(path)
    assert reading.facts.sha256 == hashlib.sha256(data).hexdigest()
    assert reading.facts.pixels is None or reading.problem is None
    assert reading.facts.embedded_execution is None
    assert reading.problem or reading.facts.pixels


def test_damaged_pictures_never_raise():
    generator = random.Random(11)
    exif = Image.Exif()
    exif[0x010F] = "workflow:" + WORKFLOW
    originals = [
        encoded(drawing((40, 30)), pnginfo=png_text(workflow=WORKFLOW)),
        *(encoded(drawing((40, 30)), form, exif=exif) for form in ("JPEG", "WEBP", "TIFF")),
        encoded(drawing((40, 30)), "GIF"),
        encoded(drawing((40, 30)), "BMP"),
    ]
    for data in originals:
        for _ in range(60):
            damaged = bytearray(data)
            for _ in range(generator.randrange(1, 12)):
                damaged[generator.randrange(len(damaged))] = generator.randrange(256)
            picture.look(bytes(damaged[: generator.randrange(1, len(damaged) + 1)]))


@pytest.mark.parametrize(
    ("head", "name", "found"),
    [
        (b"RIFF\0\0\0\0WAVEfmt ", "x", "audio/wav"),
        (b"\0\0\0\x20ftypisom", "clip.mp4", "video/mp4"),
        (b"\0\0\0\x20ftypqt  ", "clip.mov", "video/quicktime"),
        (b"\0\0\0\x20ftypavif", "x", "image/avif"),
        (b"\x1a\x45\xdf\xa3" + b"\x42\x82\x84webm", "x", "video/webm"),
        (b"\x1a\x45\xdf\xa3" + b"\x42\x82\x88matroska", "x.mkv", "video/x-matroska"),
        (b"OggS\0\0OpusHead", "x.opus", "audio/ogg"),
        (b"fLaC", "x", "audio/flac"),
        (b"ID3\x04", "x", "audio/mpeg"),
        (b"glTF\x02", "x", "model/gltf-binary"),
        (b"v 0 0 0\n", "mesh.obj", "model/obj"),
        (b"{}", "a.json", "application/json"),
        (b"hello", "a.TXT", "text/plain"),
        (b"hello", "a.png", media.UNKNOWN),
        (b"\x89PNG\r\n\x1a\n", "a.jpg", "image/png"),
        (b"", "noextension", media.UNKNOWN),
        (b"\x10\0\0\0\0\0\0\0{}", "x.latent", "application/x-comfyui-latent"),
    ],
)
def test_content_tells_the_media_type_before_the_name(head, name, found):
    assert media.media_type(head, name) == found


def test_facts_and_thumbnail_can_be_had_alone(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(drawing()))
    assert files.read(path) == files.look(path).facts
    assert files.thumbnail(path) == files.look(path).thumbnail
    (tmp_path / "a.txt").write_text("a cat", encoding="utf-8")
    assert files.thumbnail(tmp_path / "a.txt") is None


def test_a_large_file_is_hashed_in_a_stream(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "IN_MEMORY", 1_000)
    data = encoded(drawing((400, 300)))
    path = tmp_path / "big.png"
    path.write_bytes(data)
    reading = files.look(path)
    assert reading.facts.sha256 == hashlib.sha256(data).hexdigest()
    assert (reading.facts.size, reading.facts.media_type, reading.data) == (len(data), "image/png", None)
    assert (reading.facts.pixels, reading.problem) == (None, "too large")


@pytest.mark.parametrize("name", ["gone.png", "", "a\0b.png"])
def test_what_is_not_a_readable_file_is_no_fault_of_the_ledger(tmp_path, name):
    with pytest.raises(InputError):
        files.read(os.path.join(tmp_path, name))  # noqa: PTH118 - a name that pathlib would refuse
