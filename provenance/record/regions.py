"""What of a loaded picture a graph uses as a mask, and that mask as a picture of its own.

What counts is the MASK output of the node that loads the file (LoadImage gives the inverted alpha, LoadImageMask the
channel it is told), where something on the way to an output takes it; or an ImageToMask node right behind it. What
escapes: masks that later nodes compute, paint or select by colour, and masks that a node loads on its own.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from dataclasses import dataclass

from PIL import Image, ImageChops

from ..model import Basis
from . import picture
from .graph import ApiGraph

CHANNELS = ("alpha", "red", "green", "blue")
_LOADERS = frozenset({"LoadImage", "LoadImageMask", "LoadImageOutput", "ProvenanceLoadOutput"})
_TO_MASK = "ImageToMask"
_MASK = "MASK"


@dataclass(frozen=True, slots=True)
class Region:
    """Which channel is used as a mask, how that is known, and the way from the loading node to the taking one."""

    channel: str
    basis: Basis
    via: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A mask as a grey PNG, white where it covers, and the share of the picture that it covers, 0..1."""

    png: bytes
    coverage: float


def find(
    graph: ApiGraph, node: str, needed: Collection[str], node_outputs: Callable[[str], tuple[str, ...] | None]
) -> Region | None:
    """What the node's file is used for as a mask; None when it is not. needed: nodes that an output depends on.

    For loading nodes of other packs the alpha channel is assumed, so that is inferred.
    """
    kinds = node_outputs(graph.class_type(node)) or ()
    links = [link for link in graph.consumers(node) if link.node in needed]
    for link in links:
        if link.slot < len(kinds) and kinds[link.slot] == _MASK:
            basis = Basis.OBSERVED if graph.class_type(node) in _LOADERS else Basis.INFERRED
            return Region(_channel(graph, node), basis, (node, link.node))
    for link in links:
        if graph.class_type(link.node) == _TO_MASK:
            taken = next((each.node for each in graph.consumers(link.node) if each.node in needed), None)
            if taken is not None:
                return Region(_channel(graph, link.node), Basis.INFERRED, (node, link.node, taken))
    return None


def draw(data: bytes, channel: str) -> Drawn | None:
    """The mask out of a picture's bytes; None when its alpha channel masks nothing, as when it has none.

    EXIF orientation is not applied. Raises InputError that says in a few words why it cannot be made.
    """
    image = picture.decoded(data)[0]
    band = image.getchannel({"alpha": "A", "red": "R", "green": "G", "blue": "B"}[channel])
    if channel == "alpha":
        band = ImageChops.invert(band)
    counts = band.histogram()
    coverage = sum(level * count for level, count in enumerate(counts)) / (255 * sum(counts))
    if channel == "alpha" and coverage == 0:
        return None
    out = io.BytesIO()
    Image.frombytes("L", band.size, band.tobytes()).save(out, "PNG", optimize=False)
    return Drawn(out.getvalue(), round(coverage, 6))


def _channel(graph: ApiGraph, node: str) -> str:
    named = graph.literals(node).get("channel")
    return named if named in CHANNELS else "alpha"
