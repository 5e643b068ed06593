"""What strangers write into files is read without trust: no bytes raise, nothing grows beyond its bounds."""

from __future__ import annotations

import io
import json

from comfy_provenance.provenance.record import foreign, picture, projects
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["prompt", "workflow", "parameters", "UserComment", "provenance", "Comment"])
PRINTABLE = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"])
KEYS = st.sampled_from(["Steps", "Seed", "Size", "Model", "Sampler", "CFG scale", "Lora hashes", "x"])


def bounded(claimed: foreign.Claimed | None) -> None:
    if claimed is None:
        return
    assert claimed.format in ("comfyui", "a1111", "flow")
    assert len(claimed.parameters) <= foreign.MOST_PARAMETERS
    for name, value in claimed.parameters:
        assert 0 < len(name) <= 100
        assert 0 < len(value) <= foreign.LONGEST_VALUE


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(NAMES, st.text(max_size=200) | VALUES.map(lambda value: json.dumps(value)), max_size=4))
def test_any_texts_of_a_picture(texts: dict[str, str]) -> None:
    bounded(foreign.of_texts(texts))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_json_file(data: bytes) -> None:
    bounded(foreign.of_json(data))


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=60).filter(lambda text: "\r" not in text),
    st.text(max_size=60).filter(lambda text: "\r" not in text),
    st.dictionaries(
        KEYS, st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20)
    ),
)
def test_an_infotext_gives_back_what_was_put_in(positive: str, negative: str, pairs: dict[str, str]) -> None:
    pairs = {"Steps": "20", "Seed": str(2**64 - 1), "Sampler": "Euler a", **pairs}
    told = ", ".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in pairs.items())
    found = dict(foreign.infotext(f"{positive}\nNegative prompt: {negative}\n{told}"))
    if pairs["Steps"].strip():
        assert found["steps"] == pairs["Steps"].strip()
        assert found.get("seed", "") == pairs["Seed"].strip()


def test_the_examples_that_people_have() -> None:
    text = (
        "masterpiece, a cat, <lora:crystal:0.8>\nsecond line\nNegative prompt: lowres, bad hands\n"
        "Steps: 28, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 1234567890, Size: 512x768, Model hash: 9aba26abdf, "
        'Model: deliberate_v2, Lora hashes: "crystal: 0a1b2c, glow: 3d4e5f", Version: v1.6.0'
    )
    found = dict(foreign.infotext(text))
    assert found["positive"] == "masterpiece, a cat, <lora:crystal:0.8>\nsecond line"
    assert found["negative"] == "lowres, bad hands"
    assert (found["sampler"], found["size"], found["model hash"]) == ("DPM++ 2M Karras", "512x768", "9aba26abdf")
    assert found["lora hashes"] == "crystal: 0a1b2c, glow: 3d4e5f"
    assert foreign.infotext("Just a sentence: with a colon, and commas") == ()


def _png(**texts: str) -> bytes:
    chunks = PngImagePlugin.PngInfo()
    for name, value in texts.items():
        chunks.add_text(name, value)
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, "PNG", pnginfo=chunks)
    return data.getvalue()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**16), st.binary(min_size=1, max_size=8))
def test_a_damaged_picture_never_raises(place: int, patch: bytes) -> None:
    data = bytearray(_png(parameters="a\nSteps: 1, Seed: 2, Size: 3", workflow="{}"))
    at = place % len(data)
    data[at : at + len(patch)] = patch
    texts = picture.texts(bytes(data))
    assert all(isinstance(value, str) for value in texts.values())
    bounded(foreign.of_texts(texts))


def test_comfyui_and_a1111_texts_in_webp_and_jpeg() -> None:
    infotext = "猫\nSteps: 20, Sampler: Euler, Seed: 7"
    for kind in ("WEBP", "JPEG"):
        image, exif = Image.new("RGB", (8, 8)), Image.Exif()
        exif[0x010F] = 'workflow:{"nodes": [], "extra": {}}'
        exif[0x0110] = 'prompt:{"1": {"class_type": "KSampler", "inputs": {"seed": 18446744073709551615}}}'
        data = io.BytesIO()
        image.save(data, kind, exif=exif)
        claimed = foreign.of_texts(picture.texts(data.getvalue()))
        assert claimed is not None and claimed.parameters == (("seed", str(2**64 - 1)),)
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + infotext.encode("utf-16-be")
        data = io.BytesIO()
        image.save(data, kind, exif=exif)
        claimed = foreign.of_texts(picture.texts(data.getvalue()))
        assert claimed is not None and ("positive", "猫") in claimed.parameters


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["image/vnd.adobe.photoshop", "application/x-krita", "image/x-xcf"]))
def test_any_bytes_as_a_project_file(data: bytes, kind: str) -> None:
    for start in (b"", b"8BPS\0\1\0\0\0\0\0\0\0\3\0\0\0\x08\0\0\0\x08\0\x08\0\3", b"PK\3\4"):
        found = projects.composite(io.BytesIO(start + data), kind)
        assert found is None or isinstance(found, bytes)
