"""Screen recordings as they come in: a chunk is kept and its entry signed before the page is answered.

The page sends chunk after chunk; each entry names the one before, so that none can be cut, swapped or put in later
without breaking the chain. All state belongs to the writer's thread; what is open after a crash is ended as `lost` at
the next start, with every chunk up to the last one that was answered.
"""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..config import MEBIBYTE
from ..errors import InputError, IntegrityError, NotFound
from ..model import Json, Kind
from ..record import recordings
from ..record.recordings import Capture, Chunk, Ending, Previous
from ..store.authored import StepRow
from ..store.objects import Objects, Prepared
from .book import Book

PAGE_GONE_S = 90.0
SWEEP_S = 10.0
MOST_OPEN = 4

Said = dict[str, Json]
Submit = Callable[[Callable[[Book], Said]], object]


@dataclass(slots=True)
class _Open:
    entry: int
    sha256: str | None = None
    number: int = 0  # of the next chunk
    offset: int = 0
    heard_ns: int = 0
    whole: Any = field(default_factory=hashlib.sha256)
    answered: Said = field(default_factory=dict)  # for the last chunk, which a page may send again


class Recordings:
    """The open recordings of one session. limit_mib: size of one recording. submit: has the writer do something."""

    def __init__(self, limit_mib: int, submit: Submit) -> None:
        self._limit = limit_mib * MEBIBYTE
        self._submit = submit
        self._open: dict[str, _Open] = {}
        self._sweeping = False
        self._closed = threading.Event()

    def start(self, book: Book, capture: Capture, note: str | None) -> Said:
        """Begin one. Gives {"recording", "entry"}. Raises InputError when too many are open."""
        if len(self._open) >= MOST_OPEN:
            raise InputError(f"{MOST_OPEN} recordings are under way already")
        recording = str(uuid.uuid4())
        entry = _append(book, recording, capture, None, note)
        self._open[recording] = _Open(entry, heard_ns=book.clock().monotonic_ns)
        self._watch()
        return {"recording": recording, "entry": entry}

    def chunk(self, book: Book, recording: str, number: int, prepared: Prepared, until_ms: float | None) -> Said:
        """Sign the next chunk. Gives {"recording", "entry", "number", "sha256", "size", "ended"}.

        A chunk that was signed already is answered as before. `ended` is `limit` when the recording would grow beyond
        its limit: then it ends without this chunk. Raises NotFound for one that is not under way, InputError for a
        chunk that is not the next one.
        """
        state = self._known(recording)
        state.heard_ns = book.clock().monotonic_ns
        if number == state.number - 1 and prepared.digest == state.sha256:
            return state.answered
        if number != state.number:
            raise InputError(f"chunk {state.number} comes next, not {number}")
        if prepared.size == 0:
            raise InputError("an empty chunk")
        if state.offset + prepared.size > self._limit:
            return {"number": number, **self.stop(book, recording, "limit"), "ended": "limit"}
        step = Chunk(number, state.offset, prepared.size, prepared.digest, until_ms)
        whole = state.whole.copy()
        for piece in _bytes(book.ledger.objects, prepared):
            whole.update(piece)
        state.entry = _append(book, recording, step, Previous(state.entry, state.sha256), None, (prepared,))
        state.whole = whole
        state.sha256, state.number, state.offset = prepared.digest, number + 1, state.offset + prepared.size
        named = {"number": number, "sha256": prepared.digest, "size": prepared.size}
        state.answered = {"recording": recording, "entry": state.entry, **named, "ended": None}
        return state.answered

    def stop(self, book: Book, recording: str, reason: str) -> Said:
        """End one. Gives {"recording", "entry", "reason", "chunks", "size", "sha256"}. Raises NotFound."""
        state = self._known(recording)
        whole = state.whole.hexdigest() if state.number else None
        ending = Ending(reason, state.number, state.offset, whole)
        entry = _append(book, recording, ending, Previous(state.entry, state.sha256), None)
        del self._open[recording]
        return _ended(recording, entry, ending)

    def sweep(self, book: Book) -> Said:
        """End recordings whose page has gone silent."""
        now = book.clock().monotonic_ns
        silent = [name for name, state in self._open.items() if now - state.heard_ns > PAGE_GONE_S * 1e9]
        for recording in silent:
            self.stop(book, recording, "page-gone")
        return {"ended": silent}

    def close(self, book: Book) -> None:
        """End all, since the session ends."""
        self._closed.set()
        for recording in list(self._open):
            self.stop(book, recording, "session-ended")

    def under_way(self) -> int:
        """How many are open; may be asked on any thread."""
        return len(self._open)

    def _known(self, recording: str) -> _Open:
        if recording not in self._open:
            raise NotFound("this recording is not under way: it has ended, or ComfyUI was started again")
        return self._open[recording]

    def _watch(self) -> None:
        if not self._sweeping:
            self._sweeping = True
            threading.Thread(target=self._sweeps, name="provenance-recordings", daemon=True).start()

    def _sweeps(self) -> None:
        while not self._closed.wait(SWEEP_S):
            if self._open:
                self._submit(self.sweep)


def close_lost(book: Book, is_alive: Callable[[str], bool]) -> Said:
    """End the recordings that sessions which are no longer alive left open."""
    lost = []
    for start in book.index.authored.open_recordings():
        if not is_alive(start.session):
            steps = book.index.authored.recording(start.recording)
            chunks = [step for step in steps if step.event == "chunk"]
            last = steps[-1]
            size = sum(step.size or 0 for step in chunks)
            ending = Ending("lost", len(chunks), size, _whole(book.ledger.objects, chunks) if chunks else None)
            _append(book, start.recording, ending, Previous(last.entry, last.sha256), None)
            lost.append(start.recording)
    return {"ended": lost}


def _bytes(objects: Objects, prepared: Prepared) -> Iterable[bytes]:
    """What a chunk holds. Videos are never compressed: they are files already, or travel along as they are."""
    if prepared.data is not None:
        return (prepared.data,)
    return objects.iterate(prepared.digest) or ()


def _whole(objects: Objects, chunks: Iterable[StepRow]) -> str | None:
    """SHA-256 of all chunks in a row; None when one of them cannot be read."""
    hasher = hashlib.sha256()
    try:
        for step in chunks:
            pieces = None if step.sha256 is None else objects.iterate(step.sha256)
            if pieces is None:
                return None
            for piece in pieces:
                hasher.update(piece)
    except IntegrityError:
        return None
    return hasher.hexdigest()


def _append(
    book: Book,
    recording: str,
    step: Capture | Chunk | Ending,
    previous: Previous | None,
    note: str | None,
    objects: tuple[Prepared, ...] = (),
) -> int:
    say = partial(
        recordings.predicate, session=book.session, recording=recording, step=step, previous=previous, note=note
    )
    event = {Capture: "start", Chunk: "chunk", Ending: "stop"}[type(step)]
    return book.append(Kind.RECORDING, say, objects, recording=recording, event=event)


def _ended(recording: str, entry: int, ending: Ending) -> Said:
    totals = {"chunks": ending.chunks, "size": ending.size, "sha256": ending.sha256}
    return {"recording": recording, "entry": entry, "reason": ending.reason, **totals}
