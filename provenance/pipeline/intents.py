"""The author's ideas, with what they refer to; every version is an entry of its own and stays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..errors import NotFound
from ..model import Json, Kind
from ..record import predicate
from ..record.imports import BroughtFile
from ..record.redact import Redactor
from ..store.objects import Prepared
from .book import Book
from .imports import Given, Imports


def read(imports: Imports, redactor: Redactor, given: Sequence[Given]) -> tuple[list[BroughtFile], list[Prepared]]:
    """Read the files that an idea refers to. Raises InputError for one that cannot be read."""
    made: list[Prepared] = []
    return [imports.reference(each, redactor, made) for each in given], made


def write(
    book: Book,
    redactor: Redactor,
    *,
    text: str,
    title: str | None,
    revises: int | None,
    execution: str | None,
    source: str,
    references: Sequence[BroughtFile] = (),
    objects: Sequence[Prepared] = (),
) -> dict[str, Json]:
    """Sign an idea. Gives {"entry", "text", "title", "revises", "execution", "source", "references"}.

    revises: the entry of which this is a new version. Raises NotFound when that is no idea of this ledger, and for an
    execution that the ledger does not hold.
    """
    if revises is not None and all(row.entry != revises for row in book.index.intents()):
        raise NotFound(f"entry {revises} is no idea of this ledger")
    if execution is not None and not book.index.has_execution(execution):
        raise NotFound(f"{execution} is no run of this ledger")
    said: dict[str, Json] = {
        "text": redactor.text(text),
        "title": None if title is None else redactor.text(title),
        "revises": revises,
        "execution": execution,
        "source": source,
    }
    say = partial(predicate.intent, session=book.session, references=references, **said)
    kept = list({each.digest: each for each in objects}.values())
    entry = book.append(Kind.INTENT, say, kept, execution=execution)
    return {"entry": entry, **said, "references": [each.shape() for each in references]}
