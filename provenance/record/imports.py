"""What is brought in from outside, as frozen values, and the entry that says so. Pure.

A file that the author brings in is never observed to have been made: it is `declared` to be a later edit, `inferred`
to be one when it was found in the watched folder, or `after-the-fact` when it is from before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from ..errors import InputError
from ..model import Basis, Edge, FileFacts, Instant, Json, Relation
from . import shape
from .body import Body, Subject, body, subject
from .likeness import Likeness
from .redact import Mark


@dataclass(frozen=True, slots=True)
class BroughtFile:
    """A file from outside. `name` is without folder; `thumbnail` and `kept` are digests of objects.

    Width, height and likeness hash of a project file are those of the picture that it carries of itself.
    """

    name: str
    facts: FileFacts
    thumbnail: str | None = None
    kept: str | None = None
    problem: str | None = None
    uploaded: bool = False  # then there is no time of last change

    def shape(self) -> dict[str, Json]:
        """As it stands in statements."""
        facts = self.facts
        return {
            "name": self.name,
            "sha256": facts.sha256,
            "size": facts.size,
            "mtime_ns": None if self.uploaded else facts.mtime_ns,
            "media_type": facts.media_type,
            "width": facts.width,
            "height": facts.height,
            "pixels": facts.pixels,
            "perceptual": facts.perceptual,
            "thumbnail": self.thumbnail,
            "kept": self.kept,
            "problem": self.problem,
        }


@dataclass(frozen=True, slots=True)
class Source:
    """What a file was made from: an output of `execution`, or a file that entry `entry` brought in.

    `basis` is declared or inferred; `problem` says why the likeness is missing.
    """

    output: str
    execution: str | None
    entry: int | None
    basis: Basis
    method: str
    thumbnail: str | None = None
    kept: str | None = None
    likeness: Likeness | None = None
    problem: str | None = None
    score: float | None = None  # of an inferred link

    def shape(self) -> dict[str, Json]:
        """As it stands in statements."""
        return {
            "output": self.output,
            "execution": self.execution,
            "entry": self.entry,
            "thumbnail": self.thumbnail,
            "kept": self.kept,
            "basis": self.basis.value,
            "method": self.method,
            "likeness": None if self.likeness is None else asdict(self.likeness),
            "problem": self.problem,
        }


@dataclass(frozen=True, slots=True)
class Claims:
    """What a file says of itself. The documents are digests of objects without secrets; parameters are in order."""

    format: str
    prompt: str | None = None
    workflow: str | None = None
    text: str | None = None
    flow: str | None = None
    execution: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    marks: tuple[Mark, ...] = ()

    def shape(self) -> dict[str, Json]:
        """As it stands in statements."""
        return {
            **{name: getattr(self, name) for name in ("format", "prompt", "workflow", "text", "flow", "execution")},
            "parameters": [{"name": name, "value": value} for name, value in self.parameters],
            "redactions": [{"document": m.document, "path": m.path, "marker": m.marker} for m in self.marks],
        }


def predicate(
    *,
    session: str,
    at: Instant,
    file: BroughtFile,
    basis: Basis,
    source: str,
    project: BroughtFile | None = None,
    of: Sequence[Source] = (),
    stage: str | None = None,
    note: str | None = None,
    revises: int | None = None,
    claims: Claims | None = None,
) -> Body:
    """A file was brought in. Subjects: the file and its project file. Links lead from the file to what it was made of.

    Raises InputError for a basis of `observed`, and for something from before that names what it was made from.
    """
    if basis is Basis.OBSERVED or any(each.basis is Basis.OBSERVED for each in of):
        raise InputError("what is brought in was not observed")
    if basis is Basis.AFTER_THE_FACT and of:
        raise InputError("what is from before cannot come from what was recorded")
    said = {
        "file": file.shape(),
        "project": None if project is None else project.shape(),
        "of": [each.shape() for each in of],
        "stage": stage,
        "note": note,
        "source": source,
        "revises": revises,
        "claims": None if claims is None else claims.shape(),
        "basis": basis.value,
        "edges": [shape.edge(edge) for edge in edges(file, of)],
    }
    return body(file_subjects([file] if project is None else [file, project]), session, at, said)


def edges(file: BroughtFile, of: Iterable[Source]) -> tuple[Edge, ...]:
    """The lineage links of a file that was brought in; a file is never made from itself."""
    name = f"sha256:{file.facts.sha256}"
    links = (
        Edge(name, f"sha256:{each.output}", Relation.DERIVED_FROM, each.basis, each.method, each.score) for each in of
    )
    return tuple(dict.fromkeys(link for link in links if link.target != name))


def file_subjects(files: Iterable[BroughtFile], prefix: str = "") -> Subject:
    """A subject per file, each name once."""
    named: dict[str, str] = {}
    for each in files:
        name, digest = prefix + each.name, each.facts.sha256
        named[name if named.get(name, digest) == digest else f"{name}#{digest}"] = digest
    return [subject(name, digest) for name, digest in named.items()]
