"""Whether what the author states and brings in fits what the log holds: ideas, imports, screen recordings.

Fed with one sound statement after another, in the order of the log. Invariants:

* a new version of an idea names an earlier idea;
* what is brought in is never observed, and comes from outputs or imports that the log holds before it;
* what is from before comes from nothing here, and no link treats it as an original: neither as made by a run nor as
  the observed source of an output;
* a recording starts once; each step names the one before, chunks follow each other without a gap, and the end counts
  them all.

Not checked: that a recording shows what it says, and that a file was made as the author says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..model import Basis, Finding, Json, Kind, Relation
from ..shelf import Numbers, Shelf
from .policy import Rejected, finding, shown
from .statements import Statement

_FILE = "sha256:"
_OBSERVED, _BEFORE = Basis.OBSERVED.value, Basis.AFTER_THE_FACT.value
_DERIVED, _GENERATED = Relation.DERIVED_FROM.value, Relation.GENERATED.value


@dataclass(slots=True)
class _Recording:
    session: str | None
    entry: int
    sha256: str | None = None
    chunks: int = 0
    size: int = 0
    stopped: bool = False


class Authored:
    """Remembers every output, import and idea seen, in temporary files; every recording, and what is from before."""

    def __init__(self, unread: Numbers) -> None:
        """unread: entries that are missing or broken, as they become known; they may have been anything."""
        self._files = Shelf[bool]()  # outputs and imports: whether it is an output
        self._before: set[str] = set()  # bytes and pixels of what is from before and was no output then
        self._ideas = Numbers()
        self._recordings: dict[str, _Recording] = {}
        self._unread = unread

    def tell(self, statement: Statement) -> Iterator[Finding]:
        """Findings about the next statement. Raises Rejected when a member it needs has the wrong type."""
        match statement.kind:
            case Kind.COMPLETION:
                yield from self._completion(statement)
            case Kind.INTENT:
                yield from self._intent(statement)
            case Kind.IMPORT:
                yield from self._import(statement)
            case Kind.RECORDING:
                yield from self._recording(statement)

    def end(self, ended: Callable[[str], bool]) -> Iterator[Finding]:
        """Findings that only the end of the log shows. ended: whether a session can write nothing more."""
        for recording, known in self._recordings.items():
            if not known.stopped and not self._unread and ended(known.session or ""):
                yield finding("recording-open", f"recording {shown(recording)} has no end", known.entry)

    def _completion(self, statement: Statement) -> Iterator[Finding]:
        outputs = _objects(statement.predicate, "outputs")
        for output in outputs:
            if not output.get("reused") and _names(output) & self._before:
                message = f"output {shown(output.get('sha256'))} has the bytes or pixels of something from before"
                yield finding("after-the-fact-again", message, statement.index)
        for edge in _objects(statement.predicate, "edges"):
            named = edge.get("to") if edge.get("relation") == _DERIVED else edge.get("from")
            original = edge.get("relation") in (_DERIVED, _GENERATED)
            digest = str(named).removeprefix(_FILE)
            if original and edge.get("basis") == _OBSERVED and digest in self._before:
                message = f"{shown(named)} is from before, and is said to be observed as an original"
                yield finding("after-the-fact-original", message, statement.index)
        digests = [sha256 for output in outputs if (sha256 := _text(output, "sha256")) is not None]
        self._files.update(dict.fromkeys(digests, True))

    def _intent(self, statement: Statement) -> Iterator[Finding]:
        said = statement.predicate
        revises = None if said.get("revises") is None else _number(said, "revises")
        if revises is not None and revises not in self._ideas and not self._unread:
            message = f"revises entry {shown(revises)}, which is no idea of this log before it"
            yield finding("intent-orphan", message, statement.index)
        self._ideas.add(statement.index)

    def _import(self, statement: Statement) -> Iterator[Finding]:
        said = statement.predicate
        file, of, edges = _object(said, "file"), _objects(said, "of"), _objects(said, "edges")
        digest = _text(file, "sha256")
        if digest is None:
            raise Rejected("predicate-malformed", "the import names no file")
        name = shown(file.get("name"))
        if any(each.get("basis") == _OBSERVED for each in (said, *of, *edges)):
            yield finding("import-observed", f"{name} was brought in, and is said to be observed", statement.index)
        for each in of:
            if _text(each, "output") not in self._files and not self._unread:
                message = f"{name} is said to come from {shown(each.get('output'))}, which this log did not hold before"
                yield finding("import-orphan", message, statement.index)
        if said.get("basis") == _BEFORE:
            if of or edges:
                message = f"{name} is from before, and is said to come from what this log holds"
                yield finding("after-the-fact-original", message, statement.index)
            if not self._files.get(digest):
                self._before |= _names(file)
        self._files.setdefault(digest, False)

    def _recording(self, statement: Statement) -> Iterator[Finding]:
        said = statement.predicate
        recording, event = _text(said, "recording"), said.get("event")
        if recording is None or event not in ("start", "chunk", "stop"):
            raise Rejected("predicate-malformed", "the recording names no step")
        known = self._recordings.get(recording)
        if event == "start":
            if known is not None or said.get("previous") is not None:
                yield finding("recording-orphan", f"recording {shown(recording)} starts twice", statement.index)
            self._recordings.setdefault(recording, _Recording(statement.session, statement.index))
            return
        if known is None:
            if not self._unread:
                message = f"recording {shown(recording)} goes on, but did not start before"
                yield finding("recording-orphan", message, statement.index)
            return
        previous = said.get("previous")
        if isinstance(previous, dict) and _number(previous, "entry") in self._unread:
            _resume(said, known, previous)
        else:
            yield from _follows(statement, known)
        if event == "stop":
            known.stopped = True
        else:
            chunk = _object(said, "chunk")
            known.chunks, known.size = known.chunks + 1, known.size + _number(chunk, "size")
            known.sha256 = _text(chunk, "sha256")
        known.entry = statement.index


def _resume(said: dict[str, Json], known: _Recording, previous: dict[str, Json]) -> None:
    """The step before could not be read: go on from what this one says of it."""
    known.entry, known.sha256 = _number(previous, "entry"), _text(previous, "sha256")
    if said.get("event") == "chunk":
        chunk = _object(said, "chunk")
        known.chunks, known.size = _number(chunk, "number"), _number(chunk, "offset")
    else:
        ending = _object(said, "ending")
        known.chunks, known.size = _number(ending, "chunks"), _number(ending, "size")


def _follows(statement: Statement, known: _Recording) -> Iterator[Finding]:
    said = statement.predicate
    problem = None
    if known.stopped:
        problem = "goes on after its end"
    elif said.get("previous") != {"entry": known.entry, "sha256": known.sha256}:
        problem = f"does not follow entry {known.entry}, the step before"
    elif said.get("event") == "chunk":
        chunk = _object(said, "chunk")
        if (chunk.get("number"), chunk.get("offset")) != (known.chunks, known.size):
            problem = f"has chunk {shown(chunk.get('number'))} where chunk {known.chunks} is due"
    else:
        ending = _object(said, "ending")
        if (ending.get("chunks"), ending.get("size")) != (known.chunks, known.size):
            problem = f"ends with another count than its {known.chunks} chunks of {known.size} bytes"
    if problem is not None:
        yield finding("recording-broken", f"recording {shown(said.get('recording'))} {problem}", statement.index)


def _names(file: dict[str, Json]) -> set[str]:
    """Digests of a file's bytes and of its pixels, as far as they are told."""
    return {name for name in (_text(file, "sha256"), _text(file, "pixels")) if name is not None}


def _number(predicate: dict[str, Json], member: str) -> int:
    value = predicate.get(member)
    if type(value) is not int:
        raise Rejected("predicate-malformed", f"{member} is not a whole number: {shown(value)}")
    return value


def _text(predicate: dict[str, Json], member: str) -> str | None:
    """An optional text; None when it is null or absent. Raises Rejected when it is something else."""
    value = predicate.get(member)
    if value is not None and not isinstance(value, str):
        raise Rejected("predicate-malformed", f"{member} is not a text: {shown(value)}")
    return value


def _object(predicate: dict[str, Json], member: str) -> dict[str, Json]:
    found = predicate.get(member)
    if not isinstance(found, dict):
        raise Rejected("predicate-malformed", f"{member} is not an object")
    return found


def _objects(predicate: dict[str, Json], member: str) -> list[dict[str, Json]]:
    found = predicate.get(member)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Rejected("predicate-malformed", f"{member} is not a list of objects")
    return found
