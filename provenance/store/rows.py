"""What the index answers with. Frozen values; digests as hexadecimal text, times as RFC 3339 text."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import FileRef


@dataclass(frozen=True, slots=True)
class ExecutionRow:
    """One run. `ordinal` is its place in the order of arrival, `submission` and `completion` are entry indices.

    status is `queued` while no completion is recorded; that a run is under way, only the live session knows.
    `parent_known` tells whether the ledger held the parent when the run was submitted. `error_message` is cut short.
    """

    id: str
    ordinal: int
    submission: int
    prompt_id: str
    session: str
    submitted_at: str
    parent: str | None
    parent_known: bool | None
    parent_basis: str | None
    parent_method: str | None
    workflow: str | None
    prompt: str
    extra: str | None
    status: str
    completion: int | None
    started_at: str | None
    ended_at: str | None
    duration_ms: float | None
    observations: str | None
    error_class: str | None
    error_message: str | None


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run in short. `entry` is the index of its submission, `replay_of` the run that it repeats."""

    id: str
    status: str
    submitted_at: str
    entry: int
    replay_of: str | None


@dataclass(frozen=True, slots=True)
class OutputRow:
    """One output of one run. `ordinal` orders rows by the arrival of the entry that states them, like
    `ExecutionRow.ordinal`; `place` is the place in ComfyUI's list. `made_by` is the run that made a reused one, where
    the record says so."""

    execution: str
    ordinal: int
    node: str
    key: str
    place: int
    file: FileRef | None
    sha256: str | None
    size: int | None
    media_type: str | None
    width: int | None
    height: int | None
    pixels: str | None
    perceptual: str | None
    thumbnail: str | None
    kept: str | None
    reused: bool
    made_by: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class AssetRow:
    """One file that one run loaded. `mask` is the mask that was made of it, `mask_channel` the part that it was."""

    execution: str
    ordinal: int
    node: str
    input: str
    name: str
    file: FileRef | None
    sha256: str | None
    size: int | None
    media_type: str | None
    pixels: str | None
    perceptual: str | None
    kept: str | None
    mask: str | None
    mask_channel: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class PromptRow:
    """The text of one prompt input in one run; None where it was not seen."""

    execution: str
    ordinal: int
    node: str
    input: str
    class_type: str
    role: str
    source: str
    text: str | None


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model file that one run named. sha256 comes from the fingerprint entry when that came later."""

    execution: str
    node: str
    input: str
    folder: str
    name: str
    size: int | None
    mtime_ns: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One fingerprinted model file version."""

    folder: str
    name: str
    size: int | None
    mtime_ns: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """One lineage link as recorded, the entry that states it, and the run that entry speaks of (None: a model)."""

    source: str
    target: str
    relation: str
    basis: str
    method: str
    score: float | None
    via: tuple[str, ...]
    entry: int
    execution: str | None


@dataclass(frozen=True, slots=True)
class IntentRow:
    """One idea of the author's."""

    entry: int
    execution: str | None
    node: str | None
    title: str | None
    text: str
    revises: int | None
    source: str | None
    recorded_at: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One event of the writer's own life."""

    entry: int
    session: str
    event: str
    environment: str | None
    recorded_at: str


@dataclass(frozen=True, slots=True)
class GapRow:
    """One time in which recording failed."""

    entry: int
    reason: str
    since: str | None
    until: str | None
    events: int
    submissions: int
    completions: int
    detail: str | None


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A text that matched: of a prompt input (node, input) or of an intent (input is None)."""

    execution: str | None
    ordinal: int
    node: str | None
    input: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How much the ledger holds."""

    entries: int
    executions: int
    open_executions: int
    outputs: int
    gaps: int
