"""What the author states and brings in: checked, read, and handed to whoever writes entries.

The command line and the HTTP routes share this; they differ in who writes. A client's words are checked here, before
anything is read or stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..model import Basis, Json
from ..pipeline import intents
from ..pipeline.book import Book
from ..pipeline.imports import Given, Imports, Parent
from ..record.redact import Redactor
from .decisions import LONGEST_ID, LONGEST_REASON, only, words
from .refs import Resolver

LONGEST_TEXT = 100_000
LONGEST_TITLE = 500
MOST_PARENTS = 64
MOST_REFERENCES = 32
STAGES = ("intermediate", "finished")
SOURCES = ("page", "http")  # what a client may say of itself
Said = dict[str, Json]
Say = Callable[[Callable[[Book], Said]], Said]


class Authoring:
    """Ideas and imports of one ledger. say: has entries written, and gives what was recorded once it is durable."""

    def __init__(self, imports: Imports, resolver: Resolver, salt: bytes, say: Say) -> None:
        self._imports = imports
        self._resolver = resolver
        self._salt = salt
        self._say = say

    def intent(self, body: Mapping[str, Json], files: Sequence[Given] = (), *, source: str | None = None) -> Said:
        """Sign an idea: {"text", "title", "revises", "execution", "source"}, and the files it refers to.

        Raises InputError for what cannot be used, NotFound for an entry or a run that is not there.
        """
        only(body, "text", "title", "revises", "execution", "source")
        text = words(body, "text", LONGEST_TEXT)
        if text is None:
            raise InputError("text is missing: say what you want to make")
        if len(files) > MOST_REFERENCES:
            raise InputError(f"an idea may refer to at most {MOST_REFERENCES} files")
        named = words(body, "execution", LONGEST_ID)
        redactor = Redactor(self._salt, lambda class_type: None)
        said: dict[str, Any] = {
            "text": text,
            "title": words(body, "title", LONGEST_TITLE),
            "revises": _entry(body),
            "execution": None if named is None else self._resolver.run(named),
            "source": source or _source(body),
        }
        references, objects = intents.read(self._imports, redactor, files)
        write = partial(intents.write, redactor=redactor, references=references, objects=objects, **said)
        return self._say(write)

    def bring(
        self, body: Mapping[str, Json], file: Given, project: Given | None = None, *, source: str | None = None
    ) -> Said:
        """Bring a file in: {"of": [REF], "before", "stage", "note", "source"}; either `of` or `before`: true.

        Raises InputError for what cannot be used or read, NotFound and Ambiguous for a REF.
        """
        only(body, "of", "before", "stage", "note", "source")
        of, before, stage = body.get("of") or [], body.get("before", False), body.get("stage")
        if not isinstance(of, list) or not all(isinstance(ref, str) for ref in of) or len(of) > MOST_PARENTS:
            raise InputError(f"of must be a list of at most {MOST_PARENTS} references")
        if not isinstance(before, bool) or before == bool(of):
            raise InputError("say what the file was made from, or that it is from before, and not both")
        if stage is not None and stage not in STAGES:
            raise InputError("stage must be intermediate or finished")
        brought = self._imports.read(
            file,
            basis=Basis.AFTER_THE_FACT if before else Basis.DECLARED,
            source=source or _source(body),
            of=[Parent(self._resolver.made(ref)) for ref in of],
            project=project,
            stage=stage,
            note=words(body, "note", LONGEST_REASON),
        )
        return self._say(lambda book: self._imports.write(book, brought))


def given(path: Path) -> Given:
    """A file on this machine, as the command line names it. Raises InputError for a folder or nothing."""
    if not path.is_file():
        raise InputError(f"{path} is no file")
    return Given(path, path.name)


def _source(body: Mapping[str, Json]) -> str:
    source = body.get("source", "http")
    if source not in SOURCES:
        raise InputError("source must be page or http")
    return str(source)


def _entry(body: Mapping[str, Json]) -> int | None:
    entry = body.get("revises")
    if entry is not None and (type(entry) is not int or not 0 <= entry < 2**63):
        raise InputError("revises must be the number of an entry")
    return entry
