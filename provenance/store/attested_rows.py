"""From an entry in which somebody else attests to a checkpoint to its index row. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ..model import Json
from .authored_rows import Made
from .values import integer, optional, text


def anchor(body: Mapping[str, Json]) -> Made:
    """One time-stamp token."""
    head, authority = body["checkpoint"], body["authority"]
    yield (
        "anchors",
        {
            "size": integer(head["size"]),
            "note": text(head["object"]),
            "authority": text(authority["name"]),
            "url": optional(authority["url"]),
            "signer": optional(body["signer"]),
            "accuracy_us": integer(body["accuracy_us"]),
            **{name: text(body[name]) for name in ("token", "gen_time", "source", "recorded_at")},
            "proved": int(body.get("signature") != "unchecked"),
        },
    )


def witness(body: Mapping[str, Json]) -> Made:
    """One cosignature."""
    head, who = body["checkpoint"], body["witness"]
    yield (
        "witnesses",
        {
            "size": integer(head["size"]),
            "note": text(head["object"]),
            **{name: text(who[name]) for name in ("name", "public_key")},
            "label": optional(who["label"]),
            **{name: text(body[name]) for name in ("cosigned_at", "recorded_at")},
        },
    )
