"""API prompts for the tests."""

from __future__ import annotations

from typing import Any

from comfy_provenance.demo.session import DEMO_MODEL, Painting, paint


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def picture(text: str = "moon over the sea", **changes: Any) -> dict[str, Any]:
    return paint(DEMO_MODEL, Painting(text=text, **{"size": 64, "steps": 4, "prefix": "test", **changes}))


def plain(color: int = 0x3366CC, prefix: str = "plain") -> dict[str, Any]:
    return {
        "1": node("EmptyImage", width=16, height=16, batch_size=1, color=color),
        "2": node("SaveImage", images=["1", 0], filename_prefix=prefix),
    }
