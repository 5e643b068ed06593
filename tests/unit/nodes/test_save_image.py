from __future__ import annotations

import io
import json
import re
import struct
from html import unescape

import numpy as np
import pytest
import torch
from comfy_provenance.nodes.metadata import EXIF_IFD, MAKE, MODEL, USER_COMMENT, even_webp
from comfy_provenance.nodes.save_image import encode
from comfy_provenance.provenance.record import label
from comfy_provenance.provenance.seal import content
from PIL import Image

PROMPT = {"9": {"class_type": "ProvenanceSaveImage", "inputs": {"seed": 2**64 - 1, "text": "銀の猫"}}}
WORKFLOW = {"nodes": [{"id": 9}], "extra": {"provenance": {"execution": "run-1"}}}


def picture(height: int = 6, width: int = 4, channels: int = 3) -> torch.Tensor:
    return torch.rand(height, width, channels, generator=torch.Generator().manual_seed(height * width))


def save(port, nodes, **options):
    images = torch.stack([picture(), picture()])
    given = {"prompt": PROMPT, "extra_pnginfo": {"workflow": WORKFLOW}, "filename_prefix": "set/cat", **options}
    shown = nodes["ProvenanceSaveImage"]().save_images(images, **given)["ui"]["images"]
    return [port.root / "output" / image["subfolder"] / image["filename"] for image in shown], images


def page_reads(webp: bytes) -> dict[str, str]:
    """Read a WebP's texts as ComfyUI's oldest supported page does: no step over padding, ASCII tags of IFD0 only."""
    assert webp[:4] == b"RIFF"
    assert webp[8:12] == b"WEBP"
    at, found = 12, {}
    while at < len(webp):
        size = struct.unpack_from("<I", webp, at + 4)[0]
        if webp[at : at + 4] == b"EXIF":
            if webp[at + 8 : at + 14] == b"Exif\0\0":
                at += 6
            data = webp[at + 8 : at + 8 + size]
            order = "<" if data[:2] == b"II" else ">"
            start = struct.unpack_from(order + "I", data, 4)[0]
            for entry in range(struct.unpack_from(order + "H", data, start)[0]):
                _, kind, count, value = struct.unpack_from(order + "HHII", data, start + 2 + entry * 12)
                if kind == 2:
                    key, _, text = data[value : value + count - 1].decode().partition(":")
                    found[key] = text
            break
        at += 8 + size
    return found


def comment(path) -> dict:
    with Image.open(path) as image:
        raw = image.getexif().get_ifd(EXIF_IFD)[USER_COMMENT]
    assert raw[:8] == b"ASCII\0\0\0"
    return json.loads(raw[8:])


def test_png_has_comfyuis_chunks_in_its_form_and_order_and_the_receipt(port, nodes):
    paths, images = save(port, nodes)
    assert [path.name for path in paths] == ["cat_00001_.png", "cat_00002_.png"]
    with Image.open(paths[1]) as image:
        assert list(image.text) == ["prompt", "workflow", "provenance"]
        assert image.text["prompt"] == json.dumps(PROMPT)
        assert image.text["workflow"] == json.dumps(WORKFLOW)
        assert json.loads(image.text["provenance"]) == port.receipts
        expected = np.clip(255.0 * images[1].numpy(), 0, 255).astype(np.uint8)
        assert np.array_equal(np.asarray(image), expected)


def test_webp_is_read_by_the_page_and_lossless_keeps_every_bit(port, nodes):
    paths, images = save(port, nodes, format="webp")
    assert paths[0].suffix == ".webp"
    texts = page_reads(paths[0].read_bytes())
    assert json.loads(texts["workflow"]) == WORKFLOW
    assert json.loads(texts["prompt"]) == PROMPT
    assert comment(paths[0]) == port.receipts
    with Image.open(paths[0]) as image:
        expected = np.clip(255.0 * images[0].numpy(), 0, 255).astype(np.uint8)
        assert np.array_equal(np.asarray(image.convert("RGB")), expected)


def test_lossy_webp_is_read_by_the_page_too(port, nodes):
    paths, _ = save(port, nodes, format="webp", lossless_webp=False, quality=60)
    assert json.loads(page_reads(paths[0].read_bytes())["workflow"]) == WORKFLOW


def test_lossless_webp_of_odd_length_is_still_read_by_older_pages():
    odd = 0
    for size in range(3, 40):
        image = picture(size, size)
        data = encode(image, "webp", 90, True, {"workflow": json.dumps(WORKFLOW)}, None)
        buffer = io.BytesIO()
        Image.fromarray(np.clip(255.0 * image.numpy(), 0, 255).astype(np.uint8)).save(
            buffer, "WEBP", lossless=True, exact=True, exif=Image.open(io.BytesIO(data)).info["exif"]
        )
        odd += "workflow" not in page_reads(buffer.getvalue())
        assert json.loads(page_reads(data)["workflow"]) == WORKFLOW
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), np.asarray(Image.open(buffer)))
    assert odd, "none of the sizes showed the older page's mistake: choose others"


def test_even_webp_leaves_what_it_does_not_know_alone():
    assert even_webp(b"RIFF\4\0\0\0WEBP") == b"RIFF\4\0\0\0WEBP"
    assert even_webp(b"") == b""


def test_jpeg_carries_the_same_exif(port, nodes):
    paths, _ = save(port, nodes, format="jpeg", quality=80)
    assert paths[0].suffix == ".jpg"
    with Image.open(paths[0]) as image:
        tags = image.getexif()
        assert tags[MODEL] == "prompt:" + json.dumps(PROMPT)
        assert tags[MAKE] == "workflow:" + json.dumps(WORKFLOW)
        assert image.size == (4, 6)
    assert comment(paths[0]) == port.receipts


def test_workflow_longer_than_a_jpeg_segment_goes_to_extended_xmp_and_the_receipt_stays_in_exif(port, nodes):
    long = {"nodes": [{"id": n, "text": "<&>" * 400} for n in range(200)]}
    paths, _ = save(port, nodes, format="jpeg", extra_pnginfo={"workflow": long})
    assert comment(paths[0]) == port.receipts
    data = paths[0].read_bytes()
    head = b"http://ns.adobe.com/xmp/extension/\0"
    guid = re.search(rb'HasExtendedXMP="([0-9A-F]{32})"', data).group(1)
    whole = bytearray()
    for match in re.finditer(re.escape(head + guid), data):
        size = struct.unpack(">H", data[match.start() - 2 : match.start()])[0]
        total, offset = struct.unpack(">II", data[match.end() : match.end() + 8])
        assert offset == len(whole)
        whole += data[match.end() + 8 : match.start() - 2 + size]
    assert len(whole) == total
    text = re.search(rb"<p:workflow>(.*)</p:workflow>", bytes(whole)).group(1).decode()
    assert json.loads(unescape(text)) == long
    with Image.open(paths[0]) as image:
        image.load()


def test_alpha_is_kept_where_the_format_has_it_and_dropped_in_jpeg():
    image = picture(channels=4)
    expected = np.clip(255.0 * image.numpy(), 0, 255).astype(np.uint8)
    for format in ("png", "webp"):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode(image, format, 90, True, {}, None)))), expected)
    assert Image.open(io.BytesIO(encode(image, "jpeg", 90, True, {}, None))).mode == "RGB"


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("off", ["node", "host"])
def test_without_workflow_only_the_receipt_is_embedded(port, nodes, format, off):
    port.metadata = off != "host"
    paths, _ = save(port, nodes, format=format, embed_workflow=off != "node")
    data = paths[0].read_bytes()
    assert b"workflow" not in data
    assert b"class_type" not in data
    assert b'"ledger": "studio/1"' in data


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_without_a_ledger_the_image_is_saved_without_receipt(port, nodes, format):
    port.receipts = None
    paths, _ = save(port, nodes, format=format, embed_workflow=False)
    with Image.open(paths[0]) as image:
        image.load()
        assert "exif" not in image.info
        assert "provenance" not in image.info


def test_receipt_that_fails_costs_the_receipt_only(port, nodes, monkeypatch):
    def refuse(context):
        raise RuntimeError("ledger closed")

    monkeypatch.setattr(port, "receipt", refuse)
    paths, _ = save(port, nodes)
    with Image.open(paths[0]) as image:
        assert list(image.text) == ["prompt", "workflow"]
    assert port.problems == ["ProvenanceSaveImage could not embed its receipt: RuntimeError: ledger closed"]


def test_inputs_begin_like_those_of_the_stock_node(nodes):
    declared = nodes["ProvenanceSaveImage"].INPUT_TYPES()
    assert list(declared["required"])[:2] == ["images", "filename_prefix"]
    assert declared["hidden"] == {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}


def test_batch_number_token_is_replaced(port, nodes):
    paths, _ = save(port, nodes, filename_prefix="n%batch_num%")
    assert [path.name for path in paths] == ["n0_00001_.png", "n1_00002_.png"]


KINDS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


@pytest.mark.parametrize("format", list(KINDS))
def test_what_is_asked_for_is_in_the_file_and_what_became_of_it_is_observed(port, nodes, format):
    paths, images = save(port, nodes, format=format, content_credentials=True, ai_label=True, label_producer="me")
    for path in paths:
        data = path.read_bytes()
        assert json.loads(label.of(data, KINDS[format]))["ContentProducer"] == "me"
        if content.available():
            assert content.read(data, KINDS[format]).state == "Valid"
    assert [(each[1], each[2]["kind"], each[2]["file"]) for each in port.seen] == [
        ("ProvenanceSaveImage", "finishing", path.name) for path in paths
    ]
    assert {each[2]["label"] for each in port.seen} == {"put in"}
    if format == "png":
        with Image.open(paths[0]) as image:
            assert list(image.text)[:3] == ["prompt", "workflow", "provenance"]
            assert np.array_equal(np.asarray(image), np.clip(255.0 * images[0].numpy(), 0, 255).astype(np.uint8))
    elif format == "webp":
        assert json.loads(page_reads(paths[0].read_bytes())["workflow"]) == WORKFLOW
    else:
        assert comment(paths[0]) == port.receipts


def test_a_workflow_in_extended_xmp_and_the_label_share_the_main_packet(port, nodes):
    long = {"nodes": [{"id": n, "text": "<&>" * 400} for n in range(200)]}
    paths, _ = save(port, nodes, format="jpeg", extra_pnginfo={"workflow": long}, ai_label=True)
    data = paths[0].read_bytes()
    assert json.loads(label.of(data, "image/jpeg"))["Label"] == "1"
    assert b"HasExtendedXMP" in data


def test_a_host_that_fails_to_finish_costs_nothing_but_that(port, nodes, monkeypatch):
    def refuse(*arguments):
        raise RuntimeError("no library")

    monkeypatch.setattr(port, "finish", refuse)
    paths, _ = save(port, nodes, content_credentials=True)
    with Image.open(paths[0]) as image:
        image.load()
    assert (
        port.problems == ["ProvenanceSaveImage could not put in a credential or a label: RuntimeError: no library"] * 2
    )
