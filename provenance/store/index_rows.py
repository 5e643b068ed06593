"""From one entry to its index rows. Pure: the same function serves appending, checking and rebuilding.

The input is what was signed, parsed again from its bytes, so that the index can never hold what the entry does not
say. Entries whose body is not what its kind promises raise IntegrityError; signatures are not checked here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..canonical import parse_json, sha256_hex, statement_bytes
from ..errors import IntegrityError, NewerFormat, ProvenanceError
from ..model import Json, Kind, Relation
from ..record import schema
from ..seal import dsse
from . import attested_rows, authored_rows
from .tables import FIRST_OUTPUT, PARENT, RUN
from .values import integer as _integer
from .values import optional as _optional
from .values import real as _real
from .values import text as _text

Row = dict[str, Any]
Rows = dict[str, list[Row]]

OWNERS = {"executions": ("links",), "endings": ("prompts", "models", "links")}  # columns that hold a list, by table
DIGEST_BYTES = 16
MESSAGE_LENGTH = 500  # of an error's message; the entry has all of it


@dataclass(frozen=True, slots=True)
class Statement:
    """What an entry says: its kind (None when a later release wrote it) and its predicate."""

    kind: Kind | None
    predicate: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Shared:
    """A list that many entries may state alike: the rows of one list in a table, without its number."""

    table: str
    rows: tuple[Row, ...]

    @property
    def values(self) -> tuple[object, ...]:
        """What it says, to tell lists apart by."""
        return (self.table, *(tuple(row.values()) for row in self.rows))

    @property
    def digest(self) -> bytes:
        """What it is found by."""
        return half_digest(statement_bytes([self.table, *self.rows]))


def half_digest(data: bytes) -> bytes:
    """First half of the SHA-256 of some bytes."""
    return bytes.fromhex(sha256_hex(data))[:DIGEST_BYTES]


def read_statement(payload: bytes, *, own: bool = False) -> Statement:
    """Parse a statement's bytes. Raises IntegrityError when they are no statement of ours.

    own: these bytes were made by `dsse.statement` a moment ago, which writes nothing that strict parsing refuses.
    """
    try:
        document = parse_json(payload) if own else dsse.parse_strict(payload)
        predicate = document["predicate"]
        if not isinstance(predicate, dict):
            raise TypeError("predicate is no object")
        return Statement(_kind(document["predicateType"]), predicate)
    except (ProvenanceError, KeyError, TypeError) as error:
        raise IntegrityError(f"entry holds no readable statement: {error}") from error


def _kind(uri: str) -> Kind | None:
    try:
        return schema.kind_of(uri)
    except NewerFormat:
        return None


def rows_of(seq: int, statement: Statement) -> Rows:
    """Rows per index table for the entry with this `seq`; empty for kinds that are not indexed.

    Where a column names a list, the row holds the list itself, a `Shared`. Raises IntegrityError for a malformed body.
    """
    rows: Rows = {}
    make = None if statement.kind is None else _MAKERS.get(statement.kind)
    if make is None:
        return rows
    try:
        for table, row in make(statement.predicate):
            rows.setdefault(table, []).append(row)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(f"entry's body is not what its kind promises: {error!r}") from error
    for owner, columns in OWNERS.items():
        for row in rows.get(owner, ()):
            row.update((column, _shared(column, rows.pop(column, ()))) for column in columns)
    for table, made in rows.items():
        for item, row in enumerate(made):
            row["seq"] = seq
            if table in _NUMBERED:
                row["item"] = item
    return rows


def _shared(table: str, rows: Sequence[Row]) -> Shared | None:
    if table != "links":  # links have their place in the entry, where others may stand between them
        for item, row in enumerate(rows):
            row["item"] = item
    return Shared(table, tuple(rows)) if rows else None


def bands(perceptual: str | None) -> tuple[int | None, ...]:
    """The four 16-bit pieces of a 64-bit perceptual hash, most significant first; four None for None."""
    if perceptual is None:
        return (None, None, None, None)
    value = int(perceptual, 16)
    return tuple(value >> shift & 0xFFFF for shift in (48, 32, 16, 0))


_NUMBERED = frozenset({"outputs", "assets", "import_sources", "releases"})
_Made = Iterator[tuple[str, Row]]


def _submission(body: Mapping[str, Json]) -> _Made:
    parent = body["parent"] or {}
    snapshot = body["snapshot"]
    execution, prompt_id = _text(body["execution"]), _text(body["prompt_id"])
    yield (
        "executions",
        {
            "id": execution,
            "prompt_id": None if prompt_id == execution else prompt_id,
            "session": _text(body["session"]),
            "submitted_at": _text(body["accepted_at"]),
            "parent": _optional(parent.get("execution")),
            "parent_known": int(parent["known"]) if parent else None,
            "parent_basis": _optional(parent.get("basis")),
            "parent_method": _optional(parent.get("method")),
            "workflow": _optional(snapshot["workflow"]),
            "prompt": _text(snapshot["prompt"]),
            "extra": _optional(snapshot["extra"]),
        },
    )
    repeats = body.get("replay")
    if repeats is not None:
        sheet = repeats["sheet"] or {}
        row = {"execution": execution, "original": _text(repeats["of"]), "known": int(repeats["known"])}
        cell = {name: _integer(sheet.get(name)) for name in ("cell", "cells")}
        yield "replays", {**row, "sheet": _optional(sheet.get("id")), **cell}
    yield from _links(body, parent.get("execution"))


def _completion(body: Mapping[str, Json]) -> _Made:
    timings = body["timings"]
    yield (
        "endings",
        {
            "execution": _text(body["execution"]),
            "status": _text(body["status"]),
            "started_at": _optional(timings["started_at"]),
            "ended_at": _optional(timings["ended_at"]),
            "duration_ms": _real(timings["duration_ms"]),
            "observations": _optional(body["observations"]),
            **_failure(body["error"]),
        },
    )
    makers = _makers_of_reused(body)
    for output in body["outputs"]:
        yield "outputs", _output(output, makers)
    for asset in body["used"]:
        yield "assets", _asset(asset)
    for version in body["prompts"]:
        said = {name: _text(version[name]) for name in ("node", "input", "class_type", "role", "source")}
        yield "prompts", {**said, "text": _optional(version["text"])}
    for model in body["models"]:
        yield (
            "models",
            {
                **{name: _text(model[name]) for name in ("node", "input", "folder", "name")},
                "size": _integer(model["size"]),
                "mtime_ns": _integer(model["mtime_ns"]),
                "sha256": _optional(model["sha256"]),
            },
        )
    yield from _links(body)


def _makers_of_reused(body: Mapping[str, Json]) -> dict[tuple[str, str], str]:
    """(output's name, node) -> the run that made it, from `reused` edges that name a run."""
    return {
        (edge["from"], node): _text(edge["to"])
        for edge in body["edges"]
        if edge["relation"] == Relation.REUSED.value and not edge["to"].startswith("sha256:")
        for node in edge["via"]
    }


def _output(output: Mapping[str, Json], makers: Mapping[tuple[str, str], str]) -> Row:
    perceptual = _optional(output["perceptual"])
    pieces = bands(perceptual)
    return {
        "node": _text(output["node"]),
        "key": _text(output["key"]),
        "ordinal": _integer(output["ordinal"]),
        **_file(output["file"]),
        "sha256": _optional(output["sha256"]),
        "size": _integer(output["size"]),
        "media_type": _optional(output["media_type"]),
        "width": _integer(output["width"]),
        "height": _integer(output["height"]),
        "pixels": _optional(output["pixels"]),
        "perceptual": perceptual,
        **{f"band{place}": piece for place, piece in enumerate(pieces)},
        "thumbnail": _optional(output["thumbnail"]),
        "kept": _optional(output["kept"]),
        "reused": int(output["reused"]),
        "made_by": makers.get((f"sha256:{output['sha256']}", output["node"])) if output["reused"] else None,
        "problem": _optional(output["problem"]),
    }


def _asset(asset: Mapping[str, Json]) -> Row:
    mask = asset.get("mask") or {}
    return {
        "mask": _optional(mask.get("picture")),
        "mask_channel": _optional(mask.get("channel")),
        **{name: _text(asset[name]) for name in ("node", "input", "name")},
        **_file(asset["file"]),
        "size": _integer(asset["size"]),
        **{
            name: _optional(asset[name]) for name in ("sha256", "media_type", "pixels", "perceptual", "kept", "problem")
        },
    }


def _model(body: Mapping[str, Json]) -> _Made:
    yield (
        "model_files",
        {
            **{name: _text(body[name]) for name in ("folder", "name", "sha256")},
            "size": _integer(body["size"]),
            "mtime_ns": _integer(body["mtime_ns"]),
        },
    )
    yield from _edges(body)


def _replay(body: Mapping[str, Json]) -> _Made:
    row = {name: _text(body[name]) for name in ("execution", "outcome")}
    same_graph, fresh = int(body["graph"]["same"]), int(not body["cached"])
    yield "outcomes", {**row, "same_graph": same_graph, "fresh": fresh, "drift": len(body["drift"])}


def _import(body: Mapping[str, Json]) -> _Made:
    yield from authored_rows.imported(body)
    yield from _edges(body)


def _session(body: Mapping[str, Json]) -> _Made:
    required = {name: _text(body[name]) for name in ("session", "event", "recorded_at")}
    yield "sessions", {**required, "environment": _optional(body["environment"])}


def _gap(body: Mapping[str, Json]) -> _Made:
    missed = {name: _integer(body["missed"][name]) for name in ("events", "submissions", "completions")}
    optional = {name: _optional(body[name]) for name in ("since", "until", "detail")}
    yield "gaps", {"reason": _text(body["reason"]), **optional, **missed}


def _release(body: Mapping[str, Json]) -> _Made:
    event = _text(body["event"])
    for each in body["objects"]:
        row = {"digest": _text(each["sha256"]), "role": _text(each["role"]), "reason": _text(each["reason"])}
        yield "releases", {**row, "event": event, "size": _integer(each["size"])}


def _failure(error: Mapping[str, Json] | None) -> Row:
    if error is None:
        return {"error_class": None, "error_message": None}
    message = _optional(error["message"])
    return {
        "error_class": _optional(error["class"]),
        "error_message": None if message is None else message[:MESSAGE_LENGTH],
    }


def _links(body: Mapping[str, Json], parent: str | None = None) -> _Made:
    """Links of a run. Those that start at it, at its outputs or its prompts are found through the run, and read the
    same from run to run once their ends are not named; the others have rows of their own."""
    run = body["execution"]
    outputs: dict[str, int] = {}
    for item, output in enumerate(body.get("outputs", ())):
        outputs.setdefault(f"sha256:{output['sha256']}", FIRST_OUTPUT + item)
    starts, ends = {**outputs, run: RUN}, {run: RUN} if parent is None else {parent: PARENT, run: RUN}
    for item, edge in enumerate(body["edges"]):
        source, target, said = _text(edge["from"]), _text(edge["to"]), _said(edge)
        start, end = starts.get(source), ends.get(target)
        if start is None and ("/" in run or not source.startswith(f"prompt:{run}/")):
            yield "edges", {"item": item, "source": source, "target": target, **said}
        else:
            from_ = {"source_is": start, "source": source if start is None else None}
            to = {"target_is": end, "target": target if end is None else None}
            yield "links", {"item": item, **from_, **to, **said}


def _edges(body: Mapping[str, Json]) -> _Made:
    for item, edge in enumerate(body["edges"]):
        yield "edges", {"item": item, "source": _text(edge["from"]), "target": _text(edge["to"]), **_said(edge)}


def _said(edge: Mapping[str, Json]) -> Row:
    """What a link says beside its ends."""
    said = {name: _text(edge[name]) for name in ("relation", "basis", "method")}
    return {**said, "score": _real(edge["score"]), "via": statement_bytes(edge["via"]).decode()}


def _file(file: Mapping[str, Json] | None) -> Row:
    names = ("type", "subfolder", "filename")
    return dict.fromkeys(names) if file is None else {name: _text(file[name]) for name in names}


_MAKERS = {
    Kind.SESSION: _session,
    Kind.SUBMISSION: _submission,
    Kind.COMPLETION: _completion,
    Kind.MODEL: _model,
    Kind.INTENT: authored_rows.intent,
    Kind.DECISION: authored_rows.decision,
    Kind.IMPORT: _import,
    Kind.RECORDING: authored_rows.recording,
    Kind.REPLAY: _replay,
    Kind.ANCHOR: attested_rows.anchor,
    Kind.WITNESS: attested_rows.witness,
    Kind.GAP: _gap,
    Kind.RELEASE: _release,
}
