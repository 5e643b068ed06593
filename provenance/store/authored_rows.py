"""From an entry in which the author says something or brings something in to its index rows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..canonical import statement_bytes
from ..model import Json
from .values import fold, integer, optional, text

Made = Iterator[tuple[str, dict[str, Any]]]


def intent(body: Mapping[str, Json]) -> Made:
    """One idea."""
    required = {name: text(body[name]) for name in ("text", "recorded_at")}
    members = {name: optional(body.get(name)) for name in ("execution", "node", "title", "source")}
    yield (
        "intents",
        {**required, **members, "revises": integer(body.get("revises")), "folded": fold(required["text"])},
    )


def decision(body: Mapping[str, Json]) -> Made:
    """One decision, with the candidates that were not chosen as a JSON list."""
    required = {name: text(body[name]) for name in ("execution", "decision", "recorded_at")}
    members = {name: optional(body[name]) for name in ("output", "reason", "label")}
    words = "\n".join(members[name] or "" for name in ("reason", "label")).strip()
    over = [{"execution": text(each["execution"]), "output": optional(each["output"])} for each in body.get("over", ())]
    yield (
        "decisions",
        {
            **required,
            **members,
            "rating": integer(body["rating"]),
            "over": statement_bytes(over).decode() if over else None,
            "folded": fold(words) or None,
        },
    )


def imported(body: Mapping[str, Json]) -> Made:
    """One file that was brought in, and what it was made from."""
    file, project, claims = body["file"], body["project"] or {}, body["claims"] or {}
    yield (
        "imports",
        {
            **{name: text(file[name]) for name in ("sha256", "name", "media_type")},
            **{name: optional(file[name]) for name in ("pixels", "perceptual", "thumbnail", "kept")},
            "size": integer(file["size"]),
            **{name: text(body[name]) for name in ("basis", "source", "recorded_at")},
            **{name: optional(body[name]) for name in ("stage", "note")},
            "revises": integer(body["revises"]),
            "project": optional(project.get("sha256")),
            "project_name": optional(project.get("name")),
            "claims": optional(claims.get("format")),
        },
    )
    for each in body["of"]:
        yield (
            "import_sources",
            {
                **{name: text(each[name]) for name in ("output", "basis", "method")},
                "execution": optional(each["execution"]),
            },
        )


def recording(body: Mapping[str, Json]) -> Made:
    """One step of a screen recording."""
    chunk, capture, ending = (body[name] or {} for name in ("chunk", "capture", "ending"))
    yield (
        "recordings",
        {
            **{name: text(body[name]) for name in ("recording", "event", "session", "recorded_at")},
            **{name: integer(chunk.get(name)) for name in ("number", "offset")},
            "size": integer((chunk or ending).get("size")),
            "sha256": optional((chunk or ending).get("sha256")),
            **{name: optional(capture.get(name)) for name in ("media_type", "surface")},
            "reason": optional(ending.get("reason")),
            "note": optional(body["note"]),
        },
    )
