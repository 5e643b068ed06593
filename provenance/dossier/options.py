"""What an author may choose for a dossier, and the words for it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import InputError
from ..verify.description import LANGUAGES, SCOPES

WITHHELD = {
    "prompts": "texts of prompts, and every entry that holds one or the digest of something that does",
    "ideas": "the author's idea notes, with their pictures",
    "reasons": "decisions that give a reason or a note",
    "inputs": "files that runs loaded and that no recorded run made; their digests stay where they cannot be guessed",
    "candidates": "runs that do not lead to the works",
    "recordings": "the bytes of screen recordings; their digests stay",
    "projects": "project files of later edits; their digests stay",
}

Progress = Callable[[str, int, "int | None"], None]
"""progress(step, done, total); raises to stop the work."""


@dataclass(frozen=True, slots=True)
class Options:
    """Everything that the bytes of a dossier depend on, beside the ledger.

    withhold: names out of `WITHHELD`. runs, files, entries: single runs, single files by SHA-256 and single entries to
    leave out. title: what the author calls the work.
    """

    scope: str = "tree"
    language: str = "en"
    withhold: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    entries: frozenset[int] = frozenset()
    title: str | None = None

    @property
    def leaves_out(self) -> bool:
        """Whether anything is to be left out."""
        return bool(self.withhold or self.runs or self.files or self.entries)

    def __post_init__(self) -> None:
        if self.scope not in SCOPES:
            raise InputError(f"scope must be one of {', '.join(SCOPES)}")
        if self.language not in LANGUAGES:
            raise InputError(f"language must be one of {', '.join(LANGUAGES)}")
        unknown = sorted(self.withhold - WITHHELD.keys())
        if unknown:
            raise InputError(f"cannot withhold {unknown[0]!r}: choose among {', '.join(WITHHELD)}")


def split(words: Iterable[str]) -> tuple[frozenset[str], frozenset[int], tuple[str, ...]]:
    """What is to be withheld, as given: categories, entry numbers (`entry:12`), and references to be resolved."""
    categories, entries, rest = set(), set(), []
    for word in (part.strip() for text in words for part in text.split(",")):
        kind, _, number = word.partition(":")
        if word in WITHHELD:
            categories.add(word)
        elif kind == "entry" and number.isascii() and number.isdigit():
            entries.add(int(number))
        elif word:
            rest.append(word)
    return frozenset(categories), frozenset(entries), tuple(rest)
