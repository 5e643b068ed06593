"""A run that ended becomes a completion entry with its lineage edges."""

from __future__ import annotations

from functools import partial

from ..model import Kind, ModelRef, Status
from ..record import edges, predicate
from .book import Book
from .reading import Ended


def complete(book: Book, ended: Ended) -> tuple[ModelRef, ...]:
    """Write the completion; gives the run's models with the fingerprints known by now."""
    run = ended.run
    models = tuple(book.index.known_model(reference) for reference in run.models)
    links = edges.of_completion(
        execution=run.execution,
        graph=run.graph,
        outputs=ended.outputs,
        assets=run.assets,
        prompts=ended.prompts,
        parent=run.parent,
        parent_prompts=() if run.parent is None else book.index.prompt_versions(run.parent),
        models=models,
        started_ns=None if ended.report is None else ended.report.started_ns,
        lookup=book.index,
        brought=book.index.authored,
    )
    say = partial(
        predicate.completion,
        session=book.session,
        execution=run.execution,
        submission=run.submission,
        prompt_document=run.prompt_document,
        status=ended.status,
        outputs=ended.outputs,
        used=run.assets,
        prompts=ended.prompts,
        models=models,
        executed=ended.executed,
        cached=ended.cached,
        timings=_timings(ended),
        error=_failure(ended),
        observations=ended.observations,
        edges=links,
    )
    book.append(
        Kind.COMPLETION,
        say,
        ended.objects,
        execution=run.execution,
        status=ended.status.value,
        outputs=len(ended.outputs),
    )
    return models


def _timings(ended: Ended) -> predicate.Timings:
    if ended.status is Status.LOST:  # nobody saw it end
        return predicate.Timings()
    seen = ended.report
    started = None if seen is None else seen.started_ns
    finished = ended.at.wall_ns if seen is None or seen.ended_ns is None else seen.ended_ns
    return predicate.Timings(
        queued_ms=None if started is None else _elapsed_ms(ended.run.accepted.wall_ns, started),
        started_ns=started,
        ended_ns=finished,
        duration_ms=None if started is None else _elapsed_ms(started, finished),
    )


def _elapsed_ms(since_ns: int, until_ns: int) -> float | None:
    """Milliseconds between two wall clock readings; None when the clock was set back in between.

    ComfyUI stamps its messages in whole milliseconds, so up to one millisecond less than nothing is nothing.
    """
    elapsed = round((until_ns - since_ns) / 1e6, 3)
    return None if elapsed < -1 else max(elapsed, 0.0)


def _failure(ended: Ended) -> predicate.Failure | None:
    if ended.report is None or ended.report.failure is None:
        return None
    seen, clean = ended.report.failure, ended.run.redactor.text
    return predicate.Failure(
        error_class=None if seen.error_class is None else clean(seen.error_class),
        message=None if seen.message is None else clean(seen.message),
        node=seen.node,
        node_type=seen.node_type,
        traceback=None if seen.traceback is None else clean(seen.traceback),
    )
