"""API prompts that run on every host without model files, and the UI workflows that belong to them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, PngImagePlugin


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def plain(color: int = 0x3366CC, size: int = 64, prefix: str = "plain") -> dict[str, Any]:
    return {
        "1": node("EmptyImage", width=size, height=size, batch_size=1, color=color),
        "2": node("SaveImage", images=["1", 0], filename_prefix=prefix),
    }


def preview(color: int = 0xCC6633) -> dict[str, Any]:
    return {
        "1": node("EmptyImage", width=32, height=32, batch_size=1, color=color),
        "2": node("PreviewImage", images=["1", 0]),
    }


def invert(image: str, prefix: str = "invert") -> dict[str, Any]:
    return {
        "1": node("LoadImage", image=image),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("SaveImage", images=["2", 0], filename_prefix=prefix),
    }


def invert_of(host: Any, name: str, color: tuple[int, int, int] = (90, 30, 60)) -> dict[str, Any]:
    """The same of a patterned picture that is uploaded first, so that every output has something to see in it."""
    host.upload(name, png((*color[:2], sum(map(ord, name)) % 256)))
    return invert(name, prefix=name.partition(".")[0])


def composite(first: str, second: str) -> dict[str, Any]:
    return {
        "1": node("LoadImage", image=first),
        "2": node("LoadImage", image=second),
        "3": node("ImageCompositeMasked", destination=["1", 0], source=["2", 0], x=8, y=8, resize_source=False),
        "4": node("SaveImage", images=["3", 0], filename_prefix="composite"),
    }


def two_outputs(first: str, second: str) -> dict[str, Any]:
    """Two separate pictures from two separate sources in one run."""
    return {
        "1": node("LoadImage", image=first),
        "2": node("LoadImage", image=second),
        "3": node("SaveImage", images=["1", 0], filename_prefix="left"),
        "4": node("SaveImage", images=["2", 0], filename_prefix="right"),
    }


def held(until: str = "let-go", color: int = 0x0A141E, size: int = 64) -> dict[str, Any]:
    """A run that is under way until `Host.let_go`, or until it is interrupted, however fast the machine is."""
    return {
        "1": node("EmptyImage", width=size, height=size, batch_size=1, color=color),
        "2": node("ProbeHold", image=["1", 0], until=until),
        "3": node("SaveImage", images=["2", 0], filename_prefix="held"),
    }


def workflow(prompt: dict[str, Any], head: str | None = None) -> dict[str, Any]:
    """A UI workflow as a page would send it with such a prompt; `head` is the run it descends from."""
    extra: dict[str, Any] = {"ds": {"scale": 1, "offset": [0.5, -12]}}
    if head is not None:
        extra["provenance"] = {"execution": head}
    return {
        "id": "6d2c2b0e-64bb-4d0e-9f0c-0f4a4f9b1b11",
        "revision": 0,
        "last_node_id": len(prompt),
        "nodes": [
            {
                "id": int(name),
                "type": body["class_type"],
                "pos": [10, 20.5],
                "mode": 0,
                "widgets_values": [2**64 - 1, 1.0],
            }
            for name, body in prompt.items()
        ],
        "links": [],
        "groups": [],
        "config": {},
        "extra": extra,
        "version": 0.4,
    }


def png(color: tuple[int, int, int] = (200, 40, 40), size: int = 64, **texts: str) -> bytes:
    """A PNG with a visible pattern; texts become text chunks."""
    picture = Image.new("RGB", (size, size), color)
    for x in range(size):
        for y in range(0, size, 3):
            picture.putpixel((x, y), ((x * 7) % 256, (y * 5) % 256, (x * y) % 256))
    chunks = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        chunks.add_text(name, text)
    data = io.BytesIO()
    picture.save(data, "PNG", pnginfo=chunks)
    return data.getvalue()
