"""What the author says himself becomes signed entries: decisions about runs and outputs, pauses and their ends.

Each of these events carries a future. It gets its result only once the entry is durable, and the error if there is no
entry: nothing that was answered with an error is written later.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from ..errors import InputError, NotFound, ProvenanceError
from ..model import Json, Judged, Kind
from ..record import predicate
from ..record.redact import Redactor
from .book import Book

Said = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Stated:
    """Something that the author states and that needs nothing of a run under way; `answer` as in `Judged`.

    `write` makes the entries, on the writer's thread, and gives what was recorded. Everything that takes time, such as
    reading files, has been done before; secrets have been replaced.
    """

    write: Callable[[Book], Said]
    answer: Future[Said]


def answer(waiting: Future[Said], write: Callable[[], Said]) -> None:
    """Write, and hand what was recorded, or the error, to whoever waits.

    Does nothing when nobody waits any more, or when the same event failed before and the worker brings it again.
    Raises what `write` raises, so that the status tells of it, except InputError: that is the author's to mend.
    """
    if waiting.done() or not waiting.set_running_or_notify_cancel():
        return
    try:
        said = write()
    except ProvenanceError as error:
        waiting.set_exception(error)
        if not isinstance(error, InputError):
            raise
    else:
        waiting.set_result(said)


def decide(book: Book, said: Judged, execution: str, salt: bytes) -> Said:
    """Sign a decision. execution: the run's id in the ledger, which may differ from the one the author's page knows.

    Secrets in the author's words are replaced as they are in graphs. Raises NotFound for a run, or an output of it,
    that the ledger does not hold.
    """
    run = book.index.execution(execution)
    if run is None:
        raise NotFound(f"{execution} is no run of this ledger")
    _present(book, run.id, said.output)
    over = tuple(each for each in dict.fromkeys(said.over) if each != (run.id, said.output))
    for other, output in over:
        _present(book, other, output)
    clean = Redactor(salt, lambda class_type: None).text
    reason = None if said.reason is None else clean(said.reason)
    label = None if said.label is None else clean(said.label)
    told: Said = {
        "execution": run.id,
        "output": said.output,
        "decision": said.decision.value,
        "rating": said.rating,
        "label": label,
        **({"over": [{"execution": other, "output": output} for other, output in over]} if over else {}),
    }
    say = partial(
        predicate.decision,
        session=book.session,
        execution=run.id,
        prompt_document=run.prompt,
        output=said.output,
        decision=said.decision,
        rating=said.rating,
        reason=reason,
        label=label,
        over=over,
    )
    return {"entry": book.append(Kind.DECISION, say, **told), **told, "reason": reason}


def _present(book: Book, execution: str, output: str | None) -> None:
    """Raises NotFound for a run, or an output of it, that the ledger does not hold."""
    if not book.index.has_execution(execution):
        raise NotFound(f"{execution} is no run of this ledger")
    if output is not None and all(row.sha256 != output for row in book.index.outputs(execution)):
        raise NotFound(f"run {execution} has no output with SHA-256 {output}")
