"""Select statements of the index and how their rows become values. Built once; pure."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import bindparam, func, select

from ..errors import IntegrityError
from ..model import Entry, FileRef, Status
from . import tables
from .envelopes import Envelopes
from .rows import AssetRow, EdgeRow, ExecutionRow, ModelRow, OutputRow, PromptRow, RunFacts

_entry = tables.entries
_run = tables.executions
_end = tables.endings
_submitted = _entry.alias("submitted")
_completed = _entry.alias("completed")

ENTRIES = select(_entry.c.number, _entry.c.kind, _entry.c.leaf, _entry.c.envelope)

EXECUTIONS = select(
    *_run.c,
    _submitted.c.number.label("submission"),
    _completed.c.number.label("completion"),
    _end.c.status,
    _end.c.started_at,
    _end.c.ended_at,
    _end.c.duration_ms,
    _end.c.observations,
    _end.c.error_class,
    _end.c.error_message,
).select_from(
    _run.join(_submitted, _submitted.c.seq == _run.c.seq)
    .outerjoin(_end, _end.c.execution == _run.c.id)
    .outerjoin(_completed, _completed.c.seq == _end.c.seq)
)

RUN_FACTS = select(
    _run.c.id, _end.c.status, _run.c.submitted_at, _submitted.c.number.label("entry"), tables.replays.c.original
).select_from(
    _run.join(_submitted, _submitted.c.seq == _run.c.seq)
    .outerjoin(_end, _end.c.execution == _run.c.id)
    .outerjoin(tables.replays, tables.replays.c.seq == _run.c.seq)
)


def _of_run(table: Any) -> Any:
    return table.join(_end, _end.c.seq == table.c.seq)


OUTPUTS = select(*tables.outputs.c, _end.c.execution).select_from(_of_run(tables.outputs))
ASSETS = select(*tables.assets.c, _end.c.execution).select_from(_of_run(tables.assets))
_prompt = tables.prompts
PROMPTS = select(
    _end.c.seq, *(column for column in _prompt.c if column.name != "text"), tables.texts.c.text, _end.c.execution
).select_from(
    _end.join(_prompt, _prompt.c.list == _end.c.prompts).outerjoin(tables.texts, tables.texts.c.id == _prompt.c.text)
)

_model, _file = tables.models.c, tables.model_files.c
_fingerprint = (
    select(_file.sha256)
    .where(
        _file.folder == _model.folder,
        _file.name == _model.name,
        _file.size == _model.size,
        _file.mtime_ns == _model.mtime_ns,
    )
    .order_by(_file.seq.desc())
    .limit(1)
    .scalar_subquery()
)
HAS_EXECUTION = select(_run.c.id).where(_run.c.id == bindparam("execution"))
_file = tables.model_files.c
MODEL_VERSION = (
    select(_file.sha256)
    .where(*(_file[name] == bindparam(name) for name in ("folder", "name", "size", "mtime_ns")))
    .order_by(_file.seq.desc())
)

MODELS = select(
    _end.c.seq, *_model, func.coalesce(_model.sha256, _fingerprint).label("fingerprint"), _end.c.execution
).select_from(_end.join(tables.models, _model.list == _end.c.models))


def _with_entry(table: Any, *names: str) -> Any:
    return select(_entry.c.number, *(table.c[name] for name in names)).select_from(
        table.join(_entry, _entry.c.seq == table.c.seq)
    )


INTENTS = _with_entry(tables.intents, "execution", "node", "title", "text", "revises", "source", "recorded_at")
SESSIONS = _with_entry(tables.sessions, "session", "event", "environment", "recorded_at")
GAPS = _with_entry(tables.gaps, "reason", "since", "until", "events", "submissions", "completions", "detail")


def execution(row: Any) -> ExecutionRow:
    return ExecutionRow(
        id=row.id,
        ordinal=row.seq,
        submission=row.submission,
        prompt_id=row.id if row.prompt_id is None else row.prompt_id,
        session=row.session,
        submitted_at=row.submitted_at,
        parent=row.parent,
        parent_known=None if row.parent_known is None else bool(row.parent_known),
        parent_basis=row.parent_basis,
        parent_method=row.parent_method,
        workflow=row.workflow,
        prompt=row.prompt,
        extra=row.extra,
        status=row.status or Status.QUEUED.value,
        completion=row.completion,
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration_ms=row.duration_ms,
        observations=row.observations,
        error_class=row.error_class,
        error_message=row.error_message,
    )


def run_facts(row: Any) -> RunFacts:
    return RunFacts(row.id, row.status or Status.QUEUED.value, row.submitted_at, row.entry, row.original)


def output(row: Any) -> OutputRow:
    return OutputRow(
        execution=row.execution,
        ordinal=row.seq,
        node=row.node,
        key=row.key,
        place=row.ordinal,
        file=_file_ref(row),
        sha256=row.sha256,
        size=row.size,
        media_type=row.media_type,
        width=row.width,
        height=row.height,
        pixels=row.pixels,
        perceptual=row.perceptual,
        thumbnail=row.thumbnail,
        kept=row.kept,
        reused=bool(row.reused),
        made_by=row.made_by,
        problem=row.problem,
    )


def asset(row: Any) -> AssetRow:
    return AssetRow(
        execution=row.execution,
        ordinal=row.seq,
        node=row.node,
        input=row.input,
        name=row.name,
        file=_file_ref(row),
        sha256=row.sha256,
        size=row.size,
        media_type=row.media_type,
        pixels=row.pixels,
        perceptual=row.perceptual,
        kept=row.kept,
        mask=row.mask,
        mask_channel=row.mask_channel,
        problem=row.problem,
    )


def prompt(row: Any) -> PromptRow:
    return PromptRow(row.execution, row.seq, row.node, row.input, row.class_type, row.role, row.source, row.text)


def model(row: Any) -> ModelRow:
    return ModelRow(row.execution, row.node, row.input, row.folder, row.name, row.size, row.mtime_ns, row.fingerprint)


def edge(row: Any) -> EdgeRow:
    """Raises IntegrityError when the index was changed so that this is no link."""
    try:
        via = () if row.via == "[]" else tuple(json.loads(row.via))
    except (TypeError, ValueError) as error:
        raise IntegrityError("the index is damaged: rebuild it (fsck --rebuild-index)") from error
    return EdgeRow(
        row.source,
        row.target,
        row.relation,
        row.basis,
        row.method,
        row.score,
        via,
        row.entry,
        row.execution,
    )


def entry(row: Any, envelopes: Envelopes) -> Entry:
    return Entry(row.number, row.kind, row.leaf.hex(), envelopes.envelope(row.envelope))


def _file_ref(row: Any) -> FileRef | None:
    return None if row.filename is None else FileRef(row.type, row.subfolder, row.filename)
