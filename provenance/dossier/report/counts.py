"""What the report counts over all runs, in one pass over them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..story import Model, Run, Story
from . import steps


@dataclass(slots=True)
class Use:
    """A model file, by how many runs it was used, and by how many that lead to the works."""

    model: Model
    runs: int = 0
    leading: int = 0


@dataclass(slots=True)
class Counts:
    """Numbers of runs, unless said otherwise. models: by folder and name, in the order of their first use."""

    runs: int = 0
    leading: int = 0
    with_outputs: int = 0
    unfinished: int = 0
    kept: int = 0
    rejected: int = 0
    covered: int = 0  # that ended before some known time
    unbound: int = 0  # whose submission no token covers
    lost: int = 0
    orphans: int = 0
    redacted: int = 0  # values
    statements: int = 0
    leading_versions: int = 0  # of prompts
    other_versions: int = 0
    unseen: int = 0  # prompt inputs
    problems: int = 0  # outputs
    pictures: int = 0
    models: dict[tuple[str, str], Use] = field(default_factory=dict)
    hashed: set[tuple[str, str]] = field(default_factory=set)  # models whose digest a run on the path states


def count(story: Story) -> Counts:
    """All of it."""
    counts = Counts(pictures=sum(len(idea.references) for idea in story.ideas) + len(story.edits))
    for run in story.runs.values():
        _add(counts, story, run, leads=run.id in story.path)
    return counts


def _add(counts: Counts, story: Story, run: Run, *, leads: bool) -> None:
    parent = None if run.parent is None else story.runs.get(run.parent)
    versions = sum(1 for _ in steps.changed(run, parent))
    verdict = run.verdict
    counts.runs += 1
    counts.leading += leads
    counts.with_outputs += bool(run.outputs)
    counts.unfinished += not run.succeeded
    counts.kept += verdict is not None and verdict.decision == "keep"
    counts.rejected += verdict is not None and verdict.decision == "reject"
    counts.covered += run.ended is not None and story.bounds.of(run.ended.entry).by is not None
    counts.unbound += story.bounds.of(run.submitted.entry).by is None
    counts.lost += run.status in ("lost", "queued")
    counts.orphans += run.parent is not None and parent is None
    counts.redacted += run.redacted
    counts.statements += len(run.judgements)
    counts.leading_versions += versions if leads else 0
    counts.other_versions += 0 if leads else versions
    counts.unseen += sum(text.text is None for text in run.texts)
    counts.problems += sum(output.picture.problem is not None for output in run.outputs)
    counts.pictures += len(run.outputs) + len(run.inputs)
    for model in run.models:
        key = model.folder, model.name
        use = counts.models.setdefault(key, Use(model))
        use.runs += 1
        use.leading += leads
        if leads and model.sha256:
            counts.hashed.add(key)
