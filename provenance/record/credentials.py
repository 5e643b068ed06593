"""What a Content Credential of ours says (C2PA 2.x), as the manifest definition that c2pa's builder takes. Pure.

It says what was recorded: which tool, which kind of source, which files went in, which entry of our record tells more.
It never says who made it, and nothing about a trained model where no model took part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..config import SOFTWARE, VERSION
from ..model import Json

RECORD = "org.w3id.comfy-provenance.record"
MODEL = "c2pa.types.model"
_SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SUPPORTED = frozenset({"image/png", "image/jpeg", "image/webp", "video/mp4", "video/quicktime"})


@dataclass(frozen=True, slots=True)
class Parent:
    """A file that went into this one. `bytes` are hashed into the credential; its own credential comes along."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """What to say of one file. models: names of model files that took part. record: our entry, by its leaf hash."""

    name: str
    media_type: str
    models: Sequence[str] = ()
    parents: Sequence[Parent] = ()
    record: Mapping[str, Json] | None = None
    software: str = "ComfyUI"


def manifest(claim: Claim) -> dict[str, Json]:
    """The manifest definition: `c2pa.actions.v2`, `c2pa.ai-disclosure` where a model took part, and our record.

    One parent is opened and edited; several, or none, make a created file with its inputs.
    """
    assertions: list[dict[str, Json]] = [{"label": "c2pa.actions.v2", "data": {"actions": _actions(claim)}}]
    if claim.models:
        disclosure = {"modelType": MODEL, "modelName": ", ".join(claim.models)}
        assertions.append({"label": "c2pa.ai-disclosure", "data": disclosure})
    if claim.record is not None:
        assertions.append({"label": RECORD, "data": dict(claim.record)})
    return {
        "claim_generator_info": [{"name": SOFTWARE, "version": VERSION}],
        "title": claim.name,
        "format": claim.media_type,
        "assertions": assertions,
    }


def ingredients(claim: Claim) -> list[dict[str, Json]]:
    """The ingredient definition of each parent, in order."""
    relationship = "parentOf" if len(claim.parents) == 1 else "inputTo"
    return [
        {"title": parent.name, "format": parent.media_type, "relationship": relationship, "label": _label(place)}
        for place, parent in enumerate(claim.parents)
    ]


def source_type(claim: Claim) -> str:
    """IPTC's digital source type."""
    if claim.models:
        return f"{_SOURCES}{'compositeWithTrainedAlgorithmicMedia' if claim.parents else 'trainedAlgorithmicMedia'}"
    return f"{_SOURCES}{'composite' if claim.parents else 'algorithmicMedia'}"


def _actions(claim: Claim) -> list[dict[str, Json]]:
    labels = [_label(place) for place in range(len(claim.parents))]
    made = {"digitalSourceType": source_type(claim), "softwareAgent": {"name": claim.software}}
    if len(labels) == 1:
        opened: dict[str, Json] = {"action": "c2pa.opened", "parameters": {"ingredientIds": labels}}
        return [opened, {"action": "c2pa.edited", **made}]
    return [{"action": "c2pa.created", **made, **({"parameters": {"ingredientIds": labels}} if labels else {})}]


def _label(place: int) -> str:
    return f"input-{place + 1}"
