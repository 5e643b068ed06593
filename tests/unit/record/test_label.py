"""The AI label in files of every supported kind: put in once, read by others, never changed, nothing else touched."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from comfy_provenance.provenance.errors import InputError
from comfy_provenance.provenance.record import label, xmp
from PIL import Image, PngImagePlugin

LABEL = label.Label("工作室 <A&B>", "e7c1-run")
PICTURES = ["image/png", "image/jpeg", "image/webp"]
EXIFTOOL = shutil.which("exiftool")


def picture(media_type: str, **options) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((65, 33), 80).convert("RGB").save(out, media_type.partition("/")[2].upper(), **options)
    return out.getvalue()


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


MP4 = box(b"ftyp", b"isom\0\0\2\0isomiso2mp41") + box(b"moov", box(b"udta", b"")) + box(b"mdat", b"frames")


def sample(media_type: str) -> bytes:
    return MP4 if media_type == "video/mp4" else picture(media_type)


@pytest.mark.parametrize("media_type", [*PICTURES, "video/mp4"])
def test_the_label_is_the_standards_json_and_is_read_back(media_type: str) -> None:
    labelled = label.labelled(sample(media_type), media_type, LABEL)
    found = label.of(labelled, media_type)
    assert found == (
        '{"Label":"1","ContentProducer":"工作室 <A&B>","ProduceID":"e7c1-run","ReservedCode1":"",'
        '"ContentPropagator":"","PropagateID":"","ReservedCode2":""}'
    )


@pytest.mark.parametrize("media_type", [*PICTURES, "video/mp4"])
@pytest.mark.skipif(EXIFTOOL is None, reason="exiftool is not installed")
def test_exiftool_reads_the_label(media_type: str, tmp_path: Path) -> None:
    file = tmp_path / f"x.{media_type.partition('/')[2]}"
    file.write_bytes(label.labelled(sample(media_type), media_type, LABEL))
    done = subprocess.run(
        [EXIFTOOL or "", "-j", "-G1", "-a", "-warning", "-XMP-TC260:all", file], capture_output=True, check=True
    )
    (told,) = json.loads(done.stdout)
    assert told.pop("XMP-TC260:Aigc") in (LABEL.text(), json.loads(LABEL.text()))
    assert "ExifTool:Warning" not in told


@pytest.mark.parametrize("media_type", PICTURES)
def test_pixels_and_everything_else_in_the_file_stay(media_type: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description"
    before = picture(media_type, exif=exif.tobytes(), icc_profile=b"profile" * 9)
    after = label.labelled(before, media_type, LABEL)
    with Image.open(io.BytesIO(before)) as old, Image.open(io.BytesIO(after)) as new:
        assert old.tobytes() == new.tobytes()
        assert new.getexif()[0x010E] == "a description"
        assert new.info["icc_profile"] == old.info["icc_profile"]


def test_png_texts_stay_where_they_were() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("prompt", "{}")
    info.add_text("workflow", '{"nodes": []}')
    after = label.labelled(picture("image/png", pnginfo=info), "image/png", LABEL)
    with Image.open(io.BytesIO(after)) as image:
        assert (image.text["prompt"], image.text["workflow"]) == ("{}", '{"nodes": []}')


@pytest.mark.parametrize("media_type", [*PICTURES, "video/mp4"])
def test_a_label_that_is_there_is_never_changed(media_type: str) -> None:
    first = label.labelled(sample(media_type), media_type, label.Label("somebody else", "1"))
    assert label.labelled(first, media_type, LABEL) == first


@pytest.mark.parametrize("media_type", [*PICTURES, "video/mp4"])
def test_other_xmp_is_kept(media_type: str) -> None:
    first = xmp.added(sample(media_type), media_type, "http://purl.org/dc/elements/1.1/", "dc", "source", "a <b> & c")
    both = label.labelled(first, media_type, LABEL)
    assert xmp.value(both, media_type, "http://purl.org/dc/elements/1.1/", "source") == "a <b> & c"
    assert label.of(both, media_type) == LABEL.text()


def test_a_label_written_as_an_attribute_by_another_program_counts_as_there() -> None:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:T="{label.NAMESPACE}" T:AIGC="{{&quot;Label&quot;:&quot;2&quot;}}"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    data = picture("image/jpeg", xmp=packet.encode())
    assert label.of(data, "image/jpeg") == '{"Label":"2"}'
    assert label.labelled(data, "image/jpeg", LABEL) == data


def test_compressed_xmp_of_a_png_is_read() -> None:
    plain = label.labelled(picture("image/png"), "image/png", LABEL)
    packet = xmp.packet(plain, "image/png") or ""
    body = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(packet.encode())
    chunk = struct.pack(">I", len(body)) + b"iTXt" + body + struct.pack(">I", zlib.crc32(b"iTXt" + body))
    bare = picture("image/png")
    assert label.of(bare[:33] + chunk + bare[33:], "image/png") == LABEL.text()


@pytest.mark.parametrize(
    ("data", "media_type", "reason"),
    [
        (b"GIF89a", "image/gif", "cannot be put into image/gif"),
        (b"no picture", "image/png", "no PNG"),
        (b"no picture", "image/jpeg", "no JPEG"),
        (b"no picture at all", "image/webp", "no WebP"),
        (picture("image/png")[:60], "image/png", "damaged"),
        (picture("image/jpeg")[:40], "image/jpeg", "damaged"),
        (MP4[:-3], "video/mp4", "damaged"),
        (MP4[:-14] + struct.pack(">I", 0) + b"mdatframes", "video/mp4", "no end"),
    ],
)
def test_files_that_cannot_be_read_are_refused(data: bytes, media_type: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        label.labelled(data, media_type, LABEL)


def test_overlong_members_are_refused() -> None:
    with pytest.raises(InputError, match="200"):
        label.Label("x" * 201).text()


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("lossless", [False, True])
def test_a_simple_webp_gets_the_header_that_the_format_asks_for(alpha: bool, lossless: bool) -> None:
    image = Image.effect_noise((33, 20), 80).convert("RGBA" if alpha else "RGB")
    if alpha:
        image.putalpha(Image.effect_noise((33, 20), 80))
    out = io.BytesIO()
    image.save(out, "WEBP", lossless=lossless)
    after = label.labelled(out.getvalue(), "image/webp", LABEL)
    assert after[12:16] == b"VP8X"
    with Image.open(io.BytesIO(out.getvalue())) as old, Image.open(io.BytesIO(after)) as new:
        assert (old.mode, old.size, old.tobytes()) == (new.mode, new.size, new.tobytes())
