"""Select statements of the index and how their rows become values. Built once; pure."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import CompoundSelect, Select, String, and_, bindparam, func, null, select, union, union_all

from ..errors import InputError, IntegrityError
from ..model import Entry, FileRef, Status
from . import tables
from .envelopes import Envelopes
from .rows import AssetRow, EdgeRow, ExecutionRow, ModelRow, OutputRow, PromptRow

FILE_PREFIX, PROMPT_PREFIX = "sha256:", "prompt:"

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


def _of_run(table: Any) -> Any:
    return table.join(_end, _end.c.seq == table.c.seq)


OUTPUTS = select(*tables.outputs.c, _end.c.execution).select_from(_of_run(tables.outputs))
ASSETS = select(*tables.assets.c, _end.c.execution).select_from(_of_run(tables.assets))
PROMPTS = select(
    *(column for column in tables.prompts.c if column.name != "text"), tables.texts.c.text, _end.c.execution
).select_from(_of_run(tables.prompts).outerjoin(tables.texts, tables.texts.c.id == tables.prompts.c.text))

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
MODELS = select(
    *tables.models.c, func.coalesce(_model.sha256, _fingerprint).label("fingerprint"), _end.c.execution
).select_from(_of_run(tables.models))

EDGES = select(
    *tables.edges.c, _entry.c.number.label("entry"), func.coalesce(_run.c.id, _end.c.execution).label("execution")
).select_from(
    tables.edges.join(_entry, _entry.c.seq == tables.edges.c.seq)
    .outerjoin(_run, _run.c.seq == tables.edges.c.seq)
    .outerjoin(_end, _end.c.seq == tables.edges.c.seq)
)


def seqs_about(executions: Sequence[str]) -> CompoundSelect[Any]:
    """Numbers of the entries that speak of these runs."""
    return union(
        select(_run.c.seq).where(_run.c.id.in_(executions)),
        select(_end.c.seq).where(_end.c.execution.in_(executions)),
        select(tables.outcomes.c.seq).where(tables.outcomes.c.execution.in_(executions)),
        select(tables.intents.c.seq).where(tables.intents.c.execution.in_(executions)),
        select(tables.import_sources.c.seq).where(tables.import_sources.c.execution.in_(executions)),
        select(tables.edges.c.seq).where(tables.edges.c.far.in_(executions)),
    )


def starts(refs: Sequence[str]) -> dict[str, list[str]]:
    """Values for `EDGES_FROM` and `REACHABLE`: names of runs, outputs, assets, prompt versions."""
    return {
        "refs": list(refs),
        "runs": [ref.removeprefix(PROMPT_PREFIX).partition("/")[0] for ref in refs if not ref.startswith(FILE_PREFIX)],
        "digests": [ref.removeprefix(FILE_PREFIX) for ref in refs if ref.startswith(FILE_PREFIX)],
    }


def _given(name: str) -> Any:
    return bindparam(name, expanding=True)


# Links whose source is one of some things. Most are found through the entry of the run or output that they start at.
_link = tables.edges.c
_seqs = union(
    select(_run.c.seq).where(_run.c.id.in_(_given("runs"))),
    select(_end.c.seq).where(_end.c.execution.in_(_given("runs"))),
    select(tables.outputs.c.seq).where(tables.outputs.c.sha256.in_(_given("digests"))),
    select(_link.seq).where(_link.far.in_(_given("refs"))),
)
_starting = (_link.seq.in_(_seqs), _link.source.in_(_given("refs")))
EDGES_FROM = EDGES.where(*_starting)


def _reachable() -> Select[Any]:
    # a step goes from a name to the entries of the run or output that it names, and to their links
    relation: Any = bindparam("relation")
    link = tables.edges.alias("link")
    first = select(_link.seq, _link.item, _link.target).where(*_starting, _link.relation == relation)
    walked = first.cte("walked", recursive=True)
    steps = [
        select(link.c.seq, link.c.item, link.c.target)
        .select_from(walked.join(place, name == walked.c.target).join(link, link.c.seq == place.c.seq))
        .where(link.c.source == walked.c.target, link.c.relation == relation)
        for place, name in ((_run, _run.c.id), (_end, _end.c.execution), (tables.outputs, tables.outputs.c.sha256))
    ]
    far = select(link.c.seq, link.c.item, link.c.target).select_from(walked.join(link, link.c.far == walked.c.target))
    walked = walked.union(*steps, far.where(link.c.relation == relation))  # UNION, not UNION ALL, ends cycles
    return EDGES.join(walked, and_(walked.c.seq == _link.seq, walked.c.item == _link.item))


# Links of one relation that can be walked from some things, however far.
REACHABLE = _reachable()


def _with_entry(table: Any, *names: str) -> Any:
    return select(_entry.c.number, *(table.c[name] for name in names)).select_from(
        table.join(_entry, _entry.c.seq == table.c.seq)
    )


INTENTS = _with_entry(tables.intents, "execution", "node", "title", "text", "revises", "source", "recorded_at")
SESSIONS = _with_entry(tables.sessions, "session", "event", "environment", "recorded_at")
GAPS = _with_entry(tables.gaps, "reason", "since", "until", "events", "submissions", "completions", "detail")


def search(folded: str, limit: int) -> Select[Any]:
    """Prompt texts and intents that contain folded words. The one place to change for a full-text index."""
    text, prompt, intent = tables.texts.c, tables.prompts.c, tables.intents.c
    # a text is stored once, however many runs carry it: look through the texts, then for the runs
    matching = select(text.id).where(func.coalesce(text.folded, text.text).contains(folded, autoescape=True))
    # and only the newest of those are asked what they are
    newest = (
        select(prompt.seq, prompt.item)
        .where(prompt.text.in_(matching))
        .order_by(prompt.seq.desc(), prompt.item.desc())
        .limit(limit)
        .subquery()
    )
    in_prompts = select(_end.c.execution, prompt.seq, prompt.node, prompt.input, text.text).select_from(
        newest.join(tables.prompts, and_(prompt.seq == newest.c.seq, prompt.item == newest.c.item))
        .join(tables.texts, prompt.text == text.id)
        .join(_end, _end.c.seq == prompt.seq)
    )
    in_intents = select(
        intent.execution, intent.seq, intent.node, null().cast(String).label("input"), intent.text
    ).where(intent.folded.contains(folded, autoescape=True))
    found = union_all(in_prompts, in_intents).subquery()
    return select(found).order_by(found.c.seq.desc()).limit(limit)


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


def perceptual_value(perceptual: str) -> int:
    """A 64-bit hash from its 16 hex digits. Raises InputError."""
    try:
        if len(perceptual) == 16:
            return int(perceptual, 16)
    except ValueError as error:
        raise InputError(f"not a perceptual hash: {perceptual[:40]!r}") from error
    raise InputError(f"not a perceptual hash: {perceptual[:40]!r}")


def distance(perceptual: str, value: int) -> int:
    """How many of 64 bits differ."""
    return (int(perceptual, 16) ^ value).bit_count()


def nearby(value: int, radius: int) -> list[list[int]]:
    """For each 16-bit band of the value, all bands that differ in at most `radius` bits."""
    masks = [
        sum(1 << bit for bit in bits)
        for count in range(radius + 1)
        for bits in itertools.combinations(range(16), count)
    ]
    return [[(value >> shift & 0xFFFF) ^ mask for mask in masks] for shift in (48, 32, 16, 0)]


def _file_ref(row: Any) -> FileRef | None:
    return None if row.filename is None else FileRef(row.type, row.subfolder, row.filename)
