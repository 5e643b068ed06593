"""The writer's side: the only code that appends to the ledger while a host runs.

`handle` takes the host's events and what the reading and fingerprint threads hand back, in the order they come.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import canonical
from ..capture.worker import Trouble
from ..errors import InputError
from ..model import (
    Accepted,
    Basis,
    Clock,
    Edge,
    Event,
    Finished,
    Host,
    Instant,
    Json,
    Kind,
    Observation,
    Problem,
    Relation,
    Status,
    Withdrawn,
)
from ..record import edges, predicate
from ..record.graph import ApiGraph
from ..record.redact import Redactor
from ..store.index import ExecutionRow
from ..store.ledger import Ledger
from .fingerprint import Fingerprinted
from .reading import Ended, Job, ReadEnd, ReadInputs, ReadObservation
from .run import HostView, Run

LOG = logging.getLogger("comfy-provenance")
INTENT_CLASS = "ProvenanceIntent"


@dataclass(frozen=True, slots=True)
class Surveyed:
    """The environment of this session, as one JSON object."""

    environment: Json


Work = Event | Ended | Fingerprinted | Surveyed
Announce = Callable[[dict[str, Json]], None]


class Recorder:
    """Turns work into entries of one open ledger.

    read: hands a job to the reading thread. announce: told about every entry once it is durable. ready: told when the
    host has loaded everything.
    """

    def __init__(
        self,
        ledger: Ledger,
        host: Host,
        session: str,
        salt: bytes,
        clock: Clock,
        read: Callable[[Job], object],
        announce: Announce,
        ready: Callable[[], object],
    ) -> None:
        self._ledger = ledger
        self._host = host
        self._session = session
        self._salt = salt
        self._clock = clock
        self._read = read
        self._announce = announce
        self._ready = ready
        self._runs: dict[str, Run] = {}
        self._waiting: dict[tuple[str, str, int, int], list[str]] = {}

    def handle(self, work: Work) -> None:
        """Record one piece of work. Raises StorageError when writing is impossible, InputError when `work` is odd."""
        if isinstance(work, Accepted):
            self._accept(work)
        elif isinstance(work, Observation):
            self._read(ReadObservation(self._run(work.execution), work))
        elif isinstance(work, Finished):
            self._read(ReadEnd(self._run(work.execution), work.frozen, Status.ERROR, work.at))
        elif isinstance(work, Withdrawn):
            if work.execution in self._runs:
                self._read(ReadEnd(self._runs[work.execution], None, Status.CANCELLED, work.at))
        elif isinstance(work, Ended):
            self._complete(work)
        elif isinstance(work, Fingerprinted):
            self._fingerprinted(work)
        elif isinstance(work, Surveyed):
            self._surveyed(work)
        elif isinstance(work, Problem):
            self._append_gap(work.reason, work.at, work.at, predicate.Missed(events=1), None)
        else:
            self._ready()

    def recovered(self, trouble: Trouble) -> None:
        """Write the gap that a trouble left."""
        missed = predicate.Missed(
            events=sum(trouble.missed.values()),
            submissions=trouble.missed.get(Accepted.__name__, 0),
            completions=trouble.missed.get(Finished.__name__, 0) + trouble.missed.get(Ended.__name__, 0),
        )
        reason, *others = trouble.reasons
        self._append_gap(reason, trouble.since, trouble.until, missed, "; ".join(others) or None)

    def close_lost_runs(self, is_alive: Callable[[str], bool]) -> int:
        """Complete, as lost, the runs that sessions which are no longer alive left open. Returns how many."""
        lost = [row for row in self._ledger.index.open_executions() if not is_alive(row.session)]
        for row in lost:
            self._runs[row.id] = run = self._reopened(row)
            self._read(ReadEnd(run, None, Status.LOST, self._clock()))
        return len(lost)

    def _reopened(self, row: ExecutionRow) -> Run:
        """A run as far as its submission tells; its targets are the output nodes of its graph."""
        document = self._ledger.objects.get(row.prompt)
        graph = ApiGraph(None if document is None else canonical.parse_json(document))
        view = HostView(self._host)
        return Run(
            execution=row.id,
            stamp=row.id,
            submission=row.submission,
            prompt_document=row.prompt,
            graph=graph,
            targets=tuple(node for node in graph.nodes if view.is_output_node(graph.class_type(node))),
            parent=row.parent if row.parent_known else None,
            accepted=self._clock(),
            host=view,
            redactor=Redactor(self._salt, view.input_names),
        )

    def open_runs(self) -> tuple[str, ...]:
        """Executions submitted in this session that have not ended."""
        return tuple(run.execution for run in tuple(self._runs.values()))

    def _run(self, stamp: str) -> Run:
        try:
            return self._runs[stamp]
        except KeyError:
            raise InputError(f"a report came for a run that was not recorded: {stamp}") from None

    def _accept(self, event: Accepted) -> None:
        # A StorageError half-way brings the same event back: what is already written is not written again.
        run = self._runs.get(event.execution) or self._submit(event)
        self._intents(run)
        self._read(ReadInputs(run))

    def _submit(self, event: Accepted) -> Run:
        received = canonical.thaw(event.frozen)
        view = HostView(self._host)
        redactor = Redactor(self._salt, view.input_names)
        clean = redactor.graph(received["prompt"], received.get("workflow"), received["extra"])
        documents = {
            name: canonical.snapshot_bytes(value)
            for name, value in (("workflow", clean.workflow), ("prompt", clean.prompt), ("extra", clean.extra or None))
            if value is not None
        }
        digests = {name: canonical.sha256_hex(data) for name, data in documents.items()}
        graph = ApiGraph(clean.prompt)
        execution = self._unused_id(event.execution, event.prompt_id)
        parent = self._parent(event)
        said = predicate.submission(
            session=self._session,
            at=self._clock(),
            execution=execution,
            prompt_id=event.prompt_id,
            number=event.number,
            accepted=event.at,
            workflow=digests.get("workflow"),
            prompt=digests["prompt"],
            extra=digests.get("extra"),
            packs=self._packs(graph),
            redactions=clean.marks,
            parent=parent,
            edges=() if parent is None else (_revision(execution, parent),),
        )
        objects = [(data, "application/json") for data in documents.values()]
        run = Run(
            execution=execution,
            stamp=event.execution,
            submission=self._append(Kind.SUBMISSION, said, objects),
            prompt_document=digests["prompt"],
            graph=graph,
            targets=tuple(str(node) for node in received["outputs"]),
            parent=parent.execution if parent is not None and parent.known else None,
            accepted=event.at,
            host=view,
            redactor=redactor,
        )
        self._runs[event.execution] = run
        self._announce(
            {
                "kind": Kind.SUBMISSION.value,
                "entry": run.submission,
                "execution": execution,
                "prompt_id": event.prompt_id,
                "parent": None if parent is None else parent.execution,
                "status": Status.QUEUED.value,
            }
        )
        return run

    def _append(self, kind: Kind, said: predicate.Body, objects: Sequence[tuple[bytes, str]] = ()) -> int:
        return self._ledger.append(kind, lambda binding: said, objects=objects).index

    def _unused_id(self, wanted: str, prompt_id: str) -> str:
        """The wanted id, or with the next count when an earlier session already used it."""
        execution, count = wanted, self._ledger.index.executions_with_prompt_id(prompt_id)
        while self._ledger.index.execution(execution) is not None:
            count += 1
            execution = f"{prompt_id}~{count}"
        return execution

    def _parent(self, event: Accepted) -> predicate.Parent | None:
        if event.parent is None:
            return None
        method = event.parent_method or "workflow"
        current = self._runs.get(event.parent)
        if current is not None:
            return predicate.Parent(current.execution, True, Basis.DECLARED, method)
        known = self._ledger.index.execution(event.parent) is not None
        return predicate.Parent(event.parent, known, Basis.DECLARED, method)

    def _packs(self, graph: ApiGraph) -> dict[str, str | None]:
        classes = sorted({graph.class_type(node) for node in graph.nodes})
        found = {name: self._host.node_pack(name) for name in classes}
        return {name: pack for name, pack in found.items() if pack is not None}

    def _intents(self, run: Run) -> None:
        for node in run.graph.nodes:
            if run.graph.class_type(node) != INTENT_CLASS:
                continue
            values = run.graph.literals(node)
            text, title = str(values.get("text") or ""), str(values.get("title") or "") or None
            if not text.strip() or self._ledger.index.has_intent(text, title):
                continue
            said = predicate.intent(
                session=self._session, at=self._clock(), text=text, title=title, node=node, execution=run.execution
            )
            entry = self._append(Kind.INTENT, said)
            self._announce({"kind": Kind.INTENT.value, "entry": entry, "execution": run.execution})

    def _complete(self, ended: Ended) -> None:
        run = ended.run
        if run.stamp in self._runs:
            self._announce(self._end(ended))
        if ended.problem is not None:
            self._append_gap(ended.problem, ended.at, self._clock(), predicate.Missed(), run.execution)

    def _end(self, ended: Ended) -> dict[str, Json]:
        run = ended.run
        index = self._ledger.index
        models = tuple(
            reference if reference.sha256 or reference.size is None else index.known_model(reference)
            for reference in run.models
        )
        links = edges.of_completion(
            execution=run.execution,
            graph=run.graph,
            outputs=ended.outputs,
            assets=run.assets,
            prompts=ended.prompts,
            parent_prompts=() if run.parent is None else index.prompt_versions(run.parent),
            parent=run.parent,
            models=models,
            started_ns=None if ended.report is None else ended.report.started_ns,
            lookup=index,
        )
        said = predicate.completion(
            session=self._session,
            at=self._clock(),
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
            observations=None if ended.observations is None else canonical.sha256_hex(ended.observations),
            edges=links,
        )
        entry = self._append(Kind.COMPLETION, said, ended.objects)
        del self._runs[run.stamp]
        for reference in models:
            if reference.sha256 is None and reference.size is not None and reference.mtime_ns is not None:
                key = (reference.folder, reference.name, reference.size, reference.mtime_ns)
                self._waiting.setdefault(key, []).append(run.execution)
        return {
            "kind": Kind.COMPLETION.value,
            "entry": entry,
            "execution": run.execution,
            "status": ended.status.value,
            "outputs": len(ended.outputs),
        }

    def _fingerprinted(self, found: Fingerprinted) -> None:
        file = found.file
        key = (file.folder, file.name, file.size, file.mtime_ns)
        executions = self._waiting.get(key, [])
        target = f"sha256:{found.sha256}"
        said = predicate.model(
            session=self._session,
            at=self._clock(),
            folder=file.folder,
            name=file.name,
            size=file.size,
            mtime_ns=file.mtime_ns,
            sha256=found.sha256,
            header=found.header,
            executions=executions,
            edges=[
                Edge(execution, target, Relation.USED_MODEL, Basis.OBSERVED, "sha256", None, ())
                for execution in executions
            ],
        )
        entry = self._append(Kind.MODEL, said)
        self._waiting.pop(key, None)
        self._announce({"kind": Kind.MODEL.value, "entry": entry, "executions": executions, "name": file.name})

    def _surveyed(self, found: Surveyed) -> None:
        self.session_event("environment", canonical.statement_bytes(found.environment))

    def session_event(self, event: str, environment: bytes | None = None) -> None:
        """Append a session entry; `environment` is the bytes of the object it names."""
        facts = self._host.environment().get("comfyui", {})
        said = predicate.session(
            session=self._session,
            at=self._clock(),
            event=event,
            host="ComfyUI",
            host_version=facts.get("version"),
            environment=None if environment is None else canonical.sha256_hex(environment),
        )
        objects = [] if environment is None else [(environment, "application/json")]
        entry = self._append(Kind.SESSION, said, objects)
        self._announce({"kind": Kind.SESSION.value, "entry": entry, "event": event})

    def _append_gap(
        self, reason: str, since: Instant, until: Instant, missed: predicate.Missed, detail: str | None
    ) -> None:
        said = predicate.gap(
            session=self._session,
            at=self._clock(),
            reason=reason,
            missed=missed,
            since=since,
            until=until,
            detail=detail,
        )
        entry = self._append(Kind.GAP, said)
        self._announce({"kind": Kind.GAP.value, "entry": entry, "reason": reason})


def _revision(execution: str, parent: predicate.Parent) -> Edge:
    return Edge(execution, parent.execution, Relation.REVISION_OF, parent.basis, parent.method)


def _timings(ended: Ended) -> predicate.Timings:
    seen = ended.report
    started = None if seen is None else seen.started_ns
    if ended.status is Status.LOST:  # nobody saw it end
        return predicate.Timings()
    finished = ended.at.wall_ns if seen is None or seen.ended_ns is None else seen.ended_ns
    return predicate.Timings(
        queued_ms=None if started is None else round((started - ended.run.accepted.wall_ns) / 1e6, 3),
        started_ns=started,
        ended_ns=finished,
        duration_ms=None if started is None else round((finished - started) / 1e6, 3),
    )


def _failure(ended: Ended) -> predicate.Failure | None:
    if ended.report is None or ended.report.failure is None:
        return None
    seen, clean = ended.report.failure, ended.run.redactor.text
    return predicate.Failure(
        error_class=seen.error_class,
        message=None if seen.message is None else clean(seen.message),
        node=seen.node,
        node_type=seen.node_type,
        traceback=None if seen.traceback is None else clean(seen.traceback),
    )
