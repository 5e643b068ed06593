"""What a file from outside says of itself, without its secrets, as documents that an entry can name."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field, replace

from .. import canonical
from ..errors import InputError, IntegrityError
from ..model import Json
from ..record import foreign, media, picture
from ..record.files import Reading
from ..record.imports import Claims
from ..record.redact import Mark, Redactor
from ..store.objects import Objects, Prepared
from ..verify import parcel

LARGEST_TEXT_FILE = 16 * 1024 * 1024
_JSON_TYPES = frozenset({"application/json", "application/x-lightdiffusionflow+json"})
_ZIP = b"PK\3\4"
_MARKER = re.compile(r"\[redacted:[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Said:
    """`claims` and the objects that they name; `secrets`: the file itself holds what looks like a secret."""

    claims: Claims | None = None
    objects: tuple[Prepared, ...] = ()
    secrets: bool = False


@dataclass(slots=True)
class _Documents:
    objects: Objects
    redactor: Redactor
    made: list[Prepared] = field(default_factory=list)

    def json(self, document: Json) -> str | None:
        return None if document is None else self._put(canonical.snapshot_bytes(document), "application/json")

    def text(self, text: str | None) -> str | None:
        return None if text is None else self._put(text.encode("utf-8", "backslashreplace"), "text/plain")

    def _put(self, data: bytes, media_type: str) -> str:
        prepared = self.objects.prepare(data, media_type)
        self.made.append(prepared)
        return prepared.digest


def said_by(reading: Reading, objects: Objects, redactor: Redactor) -> Said:
    """What a file that was read says of itself. Files above `files.IN_MEMORY` say nothing."""
    data, kind = reading.data, reading.facts.media_type
    if data is None:
        return Said()
    if kind in media.PICTURES:
        texts = picture.texts(data)
        claimed = foreign.of_texts(texts)
        told = list(texts.values())
    elif data.startswith(_ZIP):
        claimed, told = _of_parcel(data), []
    else:
        claimed = foreign.of_json(data) if kind in _JSON_TYPES else None
        told = [] if claimed is not None else _plain(data)
    claims, made = (None, ()) if claimed is None else _claims(claimed, objects, redactor)
    marked = claims is not None and bool(claims.marks)
    return Said(claims, made, marked or any(redactor.text(text) != text for text in told))


def _of_parcel(data: bytes) -> foreign.Claimed | None:
    """What a snapshot file of another ledger says; None for another zip, and for one that does not hold."""
    try:
        found = parcel.Parcel(io.BytesIO(data))
        snapshot = found.check().submission["snapshot"]
        graphs = [None if snapshot[name] is None else found.object(snapshot[name]) for name in ("prompt", "workflow")]
        prompt, workflow = (None if graph is None else canonical.parse_json(graph) for graph in graphs)
    except (IntegrityError, InputError):
        return None
    return foreign.Claimed("comfyui", prompt, workflow, execution=found.execution)


def _claims(claimed: foreign.Claimed, objects: Objects, redactor: Redactor) -> tuple[Claims, tuple[Prepared, ...]]:
    clean = redactor.graph(claimed.prompt, claimed.workflow, claimed.flow)
    marks = [replace(mark, document="flow") if mark.document == "extra" else mark for mark in clean.marks]
    text = None if claimed.text is None else redactor.text(claimed.text)
    if text is not None and text != claimed.text:
        marks += [Mark("text", "", marker) for marker in dict.fromkeys(_MARKER.findall(text))]
    documents = _Documents(objects, redactor)
    try:
        claims = Claims(
            claimed.format,
            documents.json(clean.prompt),
            documents.json(clean.workflow),
            documents.text(text),
            documents.json(clean.extra),
            None if claimed.execution is None else redactor.text(claimed.execution),
            tuple((redactor.text(name), redactor.text(value)) for name, value in claimed.parameters),
            tuple(marks),
        )
    except InputError:  # a document that cannot be written again claims nothing
        return Claims("other"), ()
    return claims, tuple(documents.made)


def _plain(data: bytes) -> list[str]:
    """The text of a file that is one; nothing for any other."""
    if len(data) > LARGEST_TEXT_FILE or b"\0" in data:
        return []
    try:
        return [data.decode()]
    except UnicodeDecodeError:
        return []
