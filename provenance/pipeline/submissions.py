"""An accepted graph becomes a submission entry, its objects, and a `Run` to follow."""

from __future__ import annotations

import logging
from functools import partial

from .. import canonical
from ..errors import InputError, IntegrityError
from ..hosting import Host
from ..model import Accepted, Basis, Edge, Json, Kind, Relation, Status
from ..record import predicate
from ..record.graph import ApiGraph
from ..record.redact import Redacted, Redactor
from .book import Book
from .run import HostView, Run

LOG = logging.getLogger("comfy-provenance")
INTENT_CLASS = "ProvenanceIntent"
JSON_TYPE = "application/json"


def submit(
    book: Book,
    host: Host,
    salt: bytes,
    event: Accepted,
    parent: predicate.Parent | None,
    repeats: predicate.Repeats | None = None,
) -> Run:
    """Write the submission. Secrets are replaced before a byte of the graph is made."""
    received = canonical.thaw(event.frozen)
    view = HostView(host)
    redactor = Redactor(salt, view.widget_names)
    clean = redactor.graph(received["prompt"], received.get("workflow"), received["extra"])
    documents = _documents(clean)
    digests = {name: canonical.sha256_hex(data) for name, data in documents.items()}
    graph = ApiGraph(clean.prompt)
    say = partial(
        predicate.submission,
        session=book.session,
        prompt_id=event.prompt_id,
        number=event.number,
        accepted=event.at,
        workflow=digests.get("workflow"),
        prompt=digests["prompt"],
        extra=digests.get("extra"),
        packs=_packs(host, graph),
        redactions=clean.marks,
        parent=parent,
        repeats=repeats,
    )
    while True:
        execution = _unused_id(book, event)
        edges = () if parent is None else (_revision(execution, parent),)
        try:
            entry = book.append(
                Kind.SUBMISSION,
                partial(say, execution=execution, edges=edges),
                [(data, JSON_TYPE) for data in documents.values()],
                execution=execution,
                prompt_id=event.prompt_id,
                parent=None if parent is None else parent.execution,
                status=Status.QUEUED.value,
                **({} if repeats is None else {"replay_of": repeats.execution}),
            )
        except InputError:
            if not book.index.has_execution(execution):
                raise
            continue  # another process took the id at the same moment
        break
    return Run(
        execution=execution,
        stamp=event.execution,
        submission=entry,
        prompt_document=digests["prompt"],
        graph=graph,
        targets=tuple(str(node) for node in received["outputs"]),
        parent=parent.execution if parent is not None and parent.known else None,
        repeats=repeats is not None and repeats.known,
        accepted=event.at,
        host=view,
        redactor=redactor,
    )


def record_intents(book: Book, run: Run) -> None:
    """Sign the author's ideas that this run is the first to carry."""
    for node in run.graph.nodes:
        if run.graph.class_type(node) != INTENT_CLASS:
            continue
        values = run.graph.literals(node)
        text, title = str(values.get("text") or ""), str(values.get("title") or "") or None
        if text.strip() and not book.index.has_intent(text, title):
            say = partial(
                predicate.intent,
                session=book.session,
                text=text,
                title=title,
                node=node,
                execution=run.execution,
                source="node",
            )
            book.append(Kind.INTENT, say, execution=run.execution)


def reopen(book: Book, host: Host, salt: bytes, execution: str) -> Run:
    """A run of an earlier session as far as its submission tells; its targets are its graph's output nodes."""
    row = book.index.execution(execution)
    if row is None:
        raise LookupError(execution)
    try:
        document = book.ledger.objects.get(row.prompt)
        graph = ApiGraph(None if document is None else canonical.parse_json(document))
    except (IntegrityError, InputError) as error:  # `verify` names it; here it must not keep a session from starting
        LOG.warning("the graph of lost run %s cannot be read: %s", execution, error)
        graph = ApiGraph(None)
    view = HostView(host)
    return Run(
        execution=row.id,
        stamp=row.id,
        submission=row.submission,
        prompt_document=row.prompt,
        graph=graph,
        targets=tuple(node for node in graph.nodes if view.is_output_node(graph.class_type(node))),
        parent=row.parent if row.parent_known else None,
        repeats=any(repeat.known for repeat in book.index.replays.of([row.id])),
        accepted=book.clock(),
        host=view,
        redactor=Redactor(salt, view.widget_names),
    )


def _documents(clean: Redacted) -> dict[str, bytes]:
    parts = {"workflow": clean.workflow, "prompt": clean.prompt, "extra": clean.extra or None}
    return {name: _document(value) for name, value in parts.items() if value is not None}


def _document(value: Json) -> bytes:
    """What JSON cannot write (nesting beyond the interpreter's limit) is cut where it is too deep, and says so."""
    try:
        return canonical.snapshot_bytes(value)
    except InputError:
        return canonical.snapshot_bytes(canonical.plain(value))


def _unused_id(book: Book, event: Accepted) -> str:
    """The id the host stamped, or the next count when an earlier session already used it."""
    execution = event.execution
    if book.index.has_execution(execution):
        count = book.index.executions_with_prompt_id(event.prompt_id)
        while book.index.has_execution(execution):
            count += 1
            execution = f"{event.prompt_id}~{count}"
    return execution


def _packs(host: Host, graph: ApiGraph) -> dict[str, str | None]:
    found = {name: host.node_pack(name) for name in sorted({graph.class_type(node) for node in graph.nodes})}
    return {name: pack for name, pack in found.items() if pack is not None}


def _revision(execution: str, parent: predicate.Parent) -> Edge:
    return Edge(execution, parent.execution, Relation.REVISION_OF, parent.basis, parent.method)


def repeats_of(event: Accepted, known: str | None) -> predicate.Repeats | None:
    """The run that this one repeats; `known` is its id in this ledger, None when the ledger does not hold it."""
    repeat = event.repeat
    if repeat is None:
        return None
    return predicate.Repeats(known or repeat.execution, known is not None, repeat.sheet, repeat.cell, repeat.cells)


def parent_of(event: Accepted, known: str | None) -> predicate.Parent | None:
    """The declared parent; `known` is its id in this ledger, None when the ledger does not hold it."""
    if event.parent is None:
        return None
    return predicate.Parent(known or event.parent, known is not None, Basis.DECLARED, event.parent_method or "workflow")
