"""From frozen values to what is signed: one pure builder per kind of entry.

Each builder returns `(subject, predicate)`, without `log`, which the ledger adds when it knows the entry's place. An
in-toto Statement needs at least one subject, so an entry that speaks of no file names the digest of its own text.

What all bodies have in common is in `body`. Digests are 64 hex digits. Nothing here validates; `schema.validate` does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..canonical import sha256_hex, statement_bytes, timestamp
from ..model import Asset, Basis, Decision, Edge, Instant, Json, ModelRef, Output, PromptVersion, Status
from . import shape
from .body import Body, Predicate, Subject
from .body import body as _body
from .body import plain as _plain
from .body import subject as _subject
from .body import text_subject as _text_subject
from .body import utf8 as _utf8
from .imports import BroughtFile, file_subjects
from .redact import Mark

__all__ = ["Body", "Predicate", "Subject"]


@dataclass(frozen=True, slots=True)
class Parent:
    """The execution from which a canvas descended; `known` says whether this ledger held it."""

    execution: str
    known: bool
    basis: Basis
    method: str


@dataclass(frozen=True, slots=True)
class Repeats:
    """The run that a submission repeats, as its client declares; `known` says whether this ledger held it.

    A cell of a sheet of variations names the sheet, its own place from 0 and how many cells there are.
    """

    execution: str
    known: bool
    sheet: str | None = None
    cell: int | None = None
    cells: int | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """When an execution ran: durations in milliseconds, wall clocks in nanoseconds; None for what was not seen."""

    queued_ms: float | None = None
    started_ns: int | None = None
    ended_ns: int | None = None
    duration_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """What ComfyUI said went wrong, after redaction."""

    error_class: str | None
    message: str | None
    node: str | None = None
    node_type: str | None = None
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """How much was not recorded during a gap."""

    events: int = 0
    submissions: int = 0
    completions: int = 0


def genesis(
    *, at: Instant, writer: str, public_key: str, software: str, version: str, session: str | None = None
) -> Body:
    """The first entry of a log. `public_key` is PEM; the subject is the digest of those bytes."""
    body = {
        "writer": writer,
        "public_key": public_key,
        "software": {"name": software, "version": version},
        "format": 1,
    }
    return _body([_text_subject("public-key", public_key)], session, at, body)


def session(
    *,
    session: str,
    at: Instant,
    event: str,
    host: str,
    host_version: str | None,
    environment: str | None = None,
    reason: str | None = None,
) -> Body:
    """Something that happened to the writer. `environment` is the digest of the object that describes the machine,
    `reason` what the author gave for a pause or its end."""
    subject = _subject("environment", environment) if environment else _text_subject(f"session:{session}", session)
    body = {
        "event": event,
        "environment": environment,
        "clock": {"wall": timestamp(at.wall_ns), "monotonic_ns": at.monotonic_ns},
        "host": {"name": host, "version": host_version},
        **({} if reason is None else {"reason": reason}),
    }
    return _body([subject], session, at, body)


def submission(
    *,
    session: str,
    at: Instant,
    execution: str,
    prompt_id: str,
    number: float,
    accepted: Instant,
    workflow: str | None,
    prompt: str,
    extra: str | None,
    packs: Mapping[str, str | None],
    redactions: Iterable[Mark],
    parent: Parent | None,
    repeats: Repeats | None = None,
    edges: Iterable[Edge] = (),
) -> Body:
    """ComfyUI accepted a graph. `workflow`, `prompt` and `extra` are the digests of the snapshot's objects."""
    documents = {"workflow": workflow, "prompt": prompt, "extra": extra}
    body = {
        "execution": execution,
        "prompt_id": prompt_id,
        "number": number if math.isfinite(number) else None,
        "snapshot": documents,
        "packs": dict(packs),
        "redactions": [{"document": mark.document, "path": mark.path, "marker": mark.marker} for mark in redactions],
        "parent": None if parent is None else _parent(parent),
        "accepted_at": timestamp(accepted.wall_ns),
        **({} if repeats is None else {"replay": _repeats(repeats)}),
        "edges": [shape.edge(edge) for edge in edges],
    }
    return _body([_subject(name, digest) for name, digest in documents.items() if digest], session, at, body)


def completion(
    *,
    session: str,
    at: Instant,
    execution: str,
    submission: int,
    prompt_document: str,
    status: Status,
    outputs: Sequence[Output] = (),
    used: Iterable[Asset] = (),
    prompts: Iterable[PromptVersion] = (),
    models: Iterable[ModelRef] = (),
    executed: Iterable[str] = (),
    cached: Iterable[str] = (),
    timings: Timings | None = None,
    error: Failure | None = None,
    observations: str | None = None,
    edges: Iterable[Edge] = (),
) -> Body:
    """An execution ended. `prompt_document` is the digest of the submission's prompt; it is the subject when no output
    has a digest of its own."""
    body = {
        "execution": execution,
        "submission": submission,
        "status": status.value,
        "outputs": [shape.output(output) for output in outputs],
        "used": [shape.asset(asset) for asset in used],
        "prompts": [shape.prompt(version) for version in prompts],
        "models": [shape.model(reference) for reference in models],
        "executed": list(executed),
        "cached": list(cached),
        "timings": _timings(timings or Timings()),
        "error": None if error is None else _failure(error),
        "observations": observations,
        "edges": [shape.edge(edge) for edge in edges],
    }
    return _body(_output_subjects(outputs) or [_subject("prompt", prompt_document)], session, at, body)


def model(
    *,
    session: str,
    at: Instant,
    folder: str,
    name: str,
    size: int,
    mtime_ns: int,
    sha256: str,
    header: Mapping[str, Json] | None = None,
    executions: Iterable[str] = (),
    edges: Iterable[Edge] = (),
) -> Body:
    """A model file was fingerprinted. `header` is what `models.safetensors_header` returned."""
    body = {
        "folder": folder,
        "name": name,
        "size": size,
        "mtime_ns": mtime_ns,
        "sha256": sha256,
        "header": None if header is None else dict(header),
        "executions": list(executions),
        "edges": [shape.edge(edge) for edge in edges],
    }
    return _body([_subject(f"{folder}/{name}", sha256)], session, at, body)


def intent(
    *,
    session: str,
    at: Instant,
    text: str,
    title: str | None = None,
    node: str | None = None,
    execution: str | None = None,
    references: Sequence[BroughtFile] = (),
    revises: int | None = None,
    source: str | None = None,
) -> Body:
    """The author's idea. The subjects are the digest of its text in UTF-8, and the files that it refers to.

    revises: the entry of the intent of which this is a new version. source: `node`, `page`, `http` or `cli`.
    """
    text = _utf8(text)
    body: Predicate = {"text": text, "title": title, "node": node, "execution": execution}
    if references:
        body["references"] = [each.shape() for each in references]
    if revises is not None:
        body["revises"] = revises
    if source is not None:
        body["source"] = source
    subjects = [_text_subject("intent", text), *file_subjects(references, "reference:")]
    return _body(subjects, session, at, {**body, "basis": Basis.DECLARED.value})


def decision(
    *,
    session: str,
    at: Instant,
    execution: str,
    prompt_document: str,
    output: str | None,
    decision: Decision,
    rating: int | None = None,
    reason: str | None = None,
    label: str | None = None,
    over: Sequence[tuple[str, str | None]] = (),
) -> Body:
    """What the author says about a run. The subject is the output it is about, or else the run's prompt document.

    over: candidates that it was compared with and that were not chosen, each a run and an output or None.
    """
    body: Predicate = {
        "execution": execution,
        "output": output,
        "decision": decision.value,
        "rating": rating,
        "reason": reason,
        "label": label,
        "basis": Basis.DECLARED.value,
    }
    if over:
        body["over"] = [{"execution": run, "output": other} for run, other in over]
    subject = _subject("prompt", prompt_document) if output is None else _subject("output", output)
    return _body([subject], session, at, body)


def gap(
    *,
    session: str,
    at: Instant,
    reason: str,
    missed: Missed,
    since: Instant | None = None,
    until: Instant | None = None,
    detail: str | None = None,
) -> Body:
    """Recording failed for a while. The subject is the digest of this gap's own facts as canonical JSON."""
    body = _plain(
        {
            "reason": reason,
            "since": None if since is None else timestamp(since.wall_ns),
            "until": None if until is None else timestamp(until.wall_ns),
            "missed": {
                "events": missed.events,
                "submissions": missed.submissions,
                "completions": missed.completions,
            },
            "detail": detail,
        }
    )
    return _body([_subject("gap", sha256_hex(statement_bytes(body)))], session, at, body)


def _output_subjects(outputs: Iterable[Output]) -> Subject:
    named: dict[str, str] = {}
    for output in outputs:
        if output.facts is not None:
            name = str(output.file) if output.file else f"{output.node}/{output.key}/{output.ordinal}"
            if named.get(name, output.facts.sha256) != output.facts.sha256:  # written twice in one run
                name = f"{name}#{output.facts.sha256}"
            named[name] = output.facts.sha256
    return [_subject(name, digest) for name, digest in named.items()]


def _parent(parent: Parent) -> dict[str, Json]:
    return {
        "execution": parent.execution,
        "known": parent.known,
        "basis": parent.basis.value,
        "method": parent.method,
    }


def _repeats(repeats: Repeats) -> dict[str, Json]:
    cell = {"id": repeats.sheet, "cell": repeats.cell, "cells": repeats.cells}
    return {
        "of": repeats.execution,
        "known": repeats.known,
        "sheet": None if repeats.sheet is None else cell,
        "basis": Basis.DECLARED.value,
    }


def _timings(timings: Timings) -> dict[str, Json]:
    return {
        "queued_ms": timings.queued_ms,
        "started_at": None if timings.started_ns is None else timestamp(timings.started_ns),
        "ended_at": None if timings.ended_ns is None else timestamp(timings.ended_ns),
        "duration_ms": timings.duration_ms,
    }


def _failure(error: Failure) -> dict[str, Json]:
    return {
        "class": error.error_class,
        "message": error.message,
        "node": error.node,
        "node_type": error.node_type,
        "traceback": error.traceback,
    }
