"""What the author stated and brought in, as plain values. Reads the ledger only; signatures are not checked here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict

from ..errors import Ambiguous, InputError, IntegrityError, NotFound
from ..lineage.sides import stated
from ..model import Json
from ..store.authored import ImportRow, StepRow
from ..store.index import Index
from ..store.ledger import Ledger
from ..store.objects import Objects

MOST_PER_PAGE = 500
SHORTEST_ID = 4


def intents(ledger: Ledger) -> dict[str, Json]:
    """{"items": [{"entry", "title", "text", "source", "execution", "node", "recorded_at", "revises", "references",
    "latest", "versions": [entry, ...]}]}: all ideas, oldest first, each with the entries of its versions in order."""
    rows = ledger.index.intents()
    first: dict[int, int] = {}
    versions: dict[int, list[int]] = {}
    for row in rows:
        root = row.entry if row.revises is None else first.get(row.revises, row.entry)
        first[row.entry] = root
        versions.setdefault(root, []).append(row.entry)
    items = []
    for row in rows:
        mine = versions[first[row.entry]]
        references = stated(ledger, row.entry).get("references", [])
        items.append({**asdict(row), "references": references, "versions": mine, "latest": mine[-1] == row.entry})
    return {"items": items}


def imports(ledger: Ledger, limit: int, cursor: str | None = None) -> dict[str, Json]:
    """{"items": [...], "next": cursor or null}: what was brought in, newest first. Raises InputError."""
    if not 1 <= limit <= MOST_PER_PAGE:
        raise InputError(f"limit must be 1 to {MOST_PER_PAGE}")
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise InputError("the cursor is not one that a page before gave")
    rows = ledger.index.authored.imports(limit + 1, None if cursor is None else int(cursor))
    more = len(rows) > limit
    rows = rows[:limit]
    return {"items": [imported(row) for row in rows], "next": str(rows[-1].ordinal) if more else None}


def brought(ledger: Ledger, entry: int) -> dict[str, Json]:
    """All that one import entry says, with its number. Raises NotFound."""
    if ledger.index.authored.import_at(entry) is None:
        raise NotFound(f"entry {entry} brought nothing in")
    said = stated(ledger, entry)
    return {"entry": entry, **{name: value for name, value in said.items() if name not in ("log", "monotonic_ns")}}


def imported(row: ImportRow) -> dict[str, Json]:
    """One import as lists show it."""
    said = {name: value for name, value in asdict(row).items() if name not in ("ordinal", "sources", "project_name")}
    project = None if row.project is None else {"sha256": row.project, "name": row.project_name}
    return {**said, "project": project, "of": [asdict(source) for source in row.sources]}


def recordings(ledger: Ledger) -> dict[str, Json]:
    """{"items": [...]}: all screen recordings, oldest first, as `recording` gives them without their chunks."""
    starts = [step.recording for step in ledger.index.authored.recordings() if step.event == "start"]
    return {"items": [_summary(ledger.index.authored.recording(each)) for each in starts]}


def recording(ledger: Ledger, recording: str) -> dict[str, Json]:
    """{"recording", "started_at", "ended_at", "reason", "media_type", "surface", "note", "chunks", "size", "sha256",
    "entries", "steps"}. `reason` is null while it is under way. Raises NotFound and Ambiguous."""
    steps = _steps(ledger.index, recording)
    chunks = [
        {"entry": step.entry, "number": step.number, "offset": step.offset, "size": step.size, "sha256": step.sha256}
        for step in steps
        if step.event == "chunk"
    ]
    return {**_summary(steps), "steps": chunks}


def playable(ledger: Ledger, recording: str) -> tuple[str, Iterator[bytes]]:
    """The media type, and the recorded file piece by piece, put together again from its chunks.

    Raises NotFound, and IntegrityError for a chunk that is missing, altered or out of place, when it is reached.
    """
    steps = _steps(ledger.index, recording)
    media_type = steps[0].media_type or "video/webm"
    return media_type, _pieces(ledger.objects, [step for step in steps if step.event == "chunk"])


def _pieces(objects: Objects, chunks: Iterable[StepRow]) -> Iterator[bytes]:
    offset = 0
    for number, step in enumerate(chunks):
        if (step.number, step.offset) != (number, offset):
            raise IntegrityError(f"chunk {number} of the recording is not there: run verify")
        pieces = None if step.sha256 is None else objects.iterate(step.sha256)
        if pieces is None:
            raise IntegrityError(f"the bytes of chunk {number} are missing from the ledger: run verify")
        yield from pieces
        offset += step.size or 0


def _steps(index: Index, recording: str) -> list[StepRow]:
    steps = index.authored.recording(recording)
    if not steps and len(recording) >= SHORTEST_ID:
        known = {step.recording for step in index.authored.recordings()}
        found = sorted(each for each in known if each.startswith(recording))
        if len(found) > 1:
            raise Ambiguous(f"{recording[:64]} names several recordings: {', '.join(found[:5])}")
        steps = index.authored.recording(found[0]) if found else []
    if not steps or steps[0].event != "start":
        raise NotFound(f"no recording {recording[:64]} in this ledger")
    return steps


def _summary(steps: list[StepRow]) -> dict[str, Json]:
    start = steps[0]
    chunks = [step for step in steps if step.event == "chunk"]
    stop = next((step for step in steps if step.event == "stop"), None)
    return {
        "recording": start.recording,
        "started_at": start.recorded_at,
        "ended_at": None if stop is None else stop.recorded_at,
        "reason": None if stop is None else stop.reason,
        "media_type": start.media_type,
        "surface": start.surface,
        "note": start.note,
        "chunks": len(chunks),
        "size": sum(step.size or 0 for step in chunks),
        "sha256": None if stop is None else stop.sha256,
        "entries": [step.entry for step in (steps[0], steps[-1])],
    }
