"""The writer's side: what becomes of each event, and of what the reading and fingerprint threads hand back.

Everything here runs on the writer's thread, one piece of work at a time. A StorageError half-way brings the same work
back later, so each step first looks whether it is already done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .. import canonical
from ..capture.worker import Trouble
from ..errors import InputError, StorageError
from ..hosting import Host
from ..model import (
    Accepted,
    Basis,
    Edge,
    Event,
    Finished,
    Json,
    Judged,
    Kind,
    ModelRef,
    Observation,
    Problem,
    Ready,
    Relation,
    Status,
    Switched,
    Withdrawn,
)
from ..record import edges, outcome, predicate
from ..record.body import plain
from ..record.redact import Redactor
from .book import Book
from .completions import complete
from .fingerprint import Fingerprinted
from .reading import CompareReplay, Ended, Job, ReadEnd, ReadInputs, ReadObservation
from .replays import Compared
from .run import Run
from .statements import Stated, answer, decide
from .submissions import JSON_TYPE, parent_of, record_intents, reopen, repeats_of, submit

LOG = logging.getLogger("comfy-provenance")


@dataclass(frozen=True, slots=True)
class Surveyed:
    """The environment of this session, as one JSON object."""

    environment: Json


Work = Event | Ended | Compared | Fingerprinted | Surveyed | Stated | Trouble


class Recorder:
    """Turns work into entries of one open ledger.

    read: hands a job to the reading thread. ready: told when the host has loaded everything.
    """

    def __init__(
        self, book: Book, host: Host, salt: bytes, read: Callable[[Job], object], ready: Callable[[], object]
    ) -> None:
        self._book = book
        self._host = host
        self._salt = salt
        self._read = read
        self._ready = ready
        self._host_version = (host.environment().get("comfyui") or {}).get("version")
        self._runs: dict[str, Run] = {}
        # Model files without a fingerprint: who named them, and through which nodes.
        self._waiting: dict[tuple[str, str, int | None, int | None], list[tuple[str, tuple[str, ...]]]] = {}

    def handle(self, work: Work) -> None:
        """Record one piece of work. Raises StorageError when writing is impossible, InputError when `work` is odd."""
        match work:
            case Accepted():
                self._accept(work)
            case Observation():
                self._read(ReadObservation(self._run(work.execution), work))
            case Finished():
                self._read(ReadEnd(self._run(work.execution), work.frozen, Status.ERROR, work.at))
            case Withdrawn():
                if work.execution in self._runs:
                    self._read(ReadEnd(self._runs[work.execution], None, Status.CANCELLED, work.at))
            case Ended():
                self._end(work)
            case Compared():
                self._compared(work)
            case Fingerprinted():
                self._fingerprinted(work)
            case Surveyed():
                self.session_event("environment", canonical.statement_bytes(plain(work.environment)))
            case Problem():
                self._book.gap(work.reason, work.at, work.at, predicate.Missed(events=1))
            case Trouble():
                self.recovered(work)
            case Ready():
                self._ready()
            case Judged():
                execution = self._known_run(work.execution) or work.execution
                answer(work.answer, lambda: decide(self._book, work, execution, self._salt))
            case Stated():
                answer(work.answer, lambda: work.write(self._book))
            case Switched():
                answer(work.answer, lambda: self._switch(work))

    def recovered(self, trouble: Trouble) -> None:
        """Write the gap that a trouble left."""
        missed = predicate.Missed(
            events=sum(trouble.missed.values()),
            submissions=trouble.missed.get(Accepted.__name__, 0),
            completions=sum(trouble.missed.get(kind.__name__, 0) for kind in (Finished, ReadEnd, Ended)),
        )
        reason, *others = trouble.reasons
        self._book.gap(reason, trouble.since, trouble.until, missed, "; ".join(others) or None)

    def close_lost_runs(self, is_alive: Callable[[str], bool]) -> None:
        """Complete, as lost, the runs that sessions which are no longer alive left open."""
        for row in self._book.index.open_executions():
            if not is_alive(row.session):
                run = self._runs[row.id] = reopen(self._book, self._host, self._salt, row.id)
                self._read(ReadEnd(run, None, Status.LOST, self._book.clock()))

    def compare_left_replays(self) -> None:
        """Compare the replays that ended without their outcome being written, as when the host was killed."""
        for execution in self._book.index.replays.without_outcome():
            self._read(CompareReplay(execution))

    def session_event(self, event: str, environment: bytes | None = None, reason: str | None = None) -> int:
        """Append a session entry and give its index; `environment` is the bytes of the object it names."""
        say = partial(
            predicate.session,
            session=self._book.session,
            event=event,
            host="ComfyUI",
            host_version=self._host_version,
            environment=None if environment is None else canonical.sha256_hex(environment),
            reason=reason,
        )
        objects = [] if environment is None else [(environment, JSON_TYPE)]
        return self._book.append(Kind.SESSION, say, objects, event=event)

    def _compared(self, found: Compared) -> None:
        if any(row.outcome is not None for row in self._book.index.replays.of([found.execution])):
            return  # another session of the same ledger was faster
        say = partial(
            outcome.replay,
            session=self._book.session,
            execution=found.execution,
            original=found.original,
            completion=found.completion,
            prompt_document=found.prompt_document,
            comparison=found.comparison,
        )
        told: dict[str, Json] = {"replay_of": found.original, "outcome": found.comparison.outcome.value}
        self._book.append(Kind.REPLAY, say, execution=found.execution, **told)

    def _switch(self, switched: Switched) -> dict[str, Json]:
        clean = Redactor(self._salt, lambda class_type: None).text
        reason = None if switched.reason is None else clean(switched.reason)
        event, state = ("pause", "paused") if switched.paused else ("resume", "recording")
        return {"entry": self.session_event(event, reason=reason), "state": state, "reason": reason}

    def _run(self, stamp: str) -> Run:
        try:
            return self._runs[stamp]
        except KeyError:
            raise InputError(f"a report came for a run that was not recorded: {stamp}") from None

    def _accept(self, event: Accepted) -> None:
        run = self._runs.get(event.execution)
        if run is None:
            parent = parent_of(event, self._known_run(event.parent))
            repeats = repeats_of(event, None if event.repeat is None else self._known_run(event.repeat.execution))
            run = self._runs[event.execution] = submit(self._book, self._host, self._salt, event, parent, repeats)
        record_intents(self._book, run)
        self._read(ReadInputs(run))

    def _known_run(self, named: str | None) -> str | None:
        """The ledger's id of a run; None when the ledger does not hold it."""
        if named is None:
            return None
        running = self._runs.get(named)
        if running is not None:
            return running.execution
        return named if self._book.index.has_execution(named) else None

    def _end(self, ended: Ended) -> None:
        run = ended.run
        if run.stamp in self._runs:
            models = self._completed(ended)
            del self._runs[run.stamp]
            if run.repeats:
                self._read(CompareReplay(run.execution))
            reach = edges.Reach(run.graph, ended.outputs)
            for model in models:
                if model.sha256 is None and model.size is not None:
                    key = (model.folder, model.name, model.size, model.mtime_ns)
                    self._waiting.setdefault(key, []).append((run.execution, reach.via(model.node)))
        if ended.problem is not None:
            reason = run.redactor.text(ended.problem)
            self._book.gap(reason, ended.at, self._book.clock(), predicate.Missed(), run.execution)

    def _completed(self, ended: Ended) -> tuple[ModelRef, ...]:
        """Write the completion; when its details cannot be written, one without them, and a gap that says so."""
        try:
            return complete(self._book, ended)
        except StorageError:
            raise
        except Exception as error:  # the border: a fault of ours in one detail must not cost the rest
            LOG.exception("details of %s could not be recorded", ended.run.execution)
            complete(self._book, Ended.bare(ended.run, ended.status, ended.at))
            reason = f"details of a run could not be recorded: {type(error).__name__}: {error}"
            reason = ended.run.redactor.text(reason)
            self._book.gap(reason, ended.at, self._book.clock(), predicate.Missed(events=1), ended.run.execution)
            return ()

    def _fingerprinted(self, found: Fingerprinted) -> None:
        file = found.file
        key = (file.folder, file.name, file.size, file.mtime_ns)
        named = dict.fromkeys(self._waiting.get(key, []))
        executions = list(dict.fromkeys(execution for execution, _ in named))
        say = partial(
            predicate.model,
            session=self._book.session,
            folder=file.folder,
            name=file.name,
            size=file.size,
            mtime_ns=file.mtime_ns,
            sha256=found.sha256,
            header=Redactor(self._salt, lambda class_type: None).value(found.header),
            executions=executions,
            edges=[
                Edge(execution, edges.named(found.sha256), Relation.USED_MODEL, Basis.OBSERVED, "sha256", None, via)
                for execution, via in named
            ],
        )
        self._book.append(Kind.MODEL, say, executions=executions, name=file.name)
        self._waiting.pop(key, None)
