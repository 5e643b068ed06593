"""An open ledger and everything that works on it: the recorder and the reading and fingerprint threads.

The data goes round one way: the writer hands jobs to the reader, the reader hands facts back to the writer and model
files to the hasher, the hasher hands fingerprints back to the writer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path

from ..capture.worker import Worker
from ..config import MEBIBYTE, Places, Settings
from ..errors import StorageError
from ..hosting import Host
from ..model import Clock, Json, Problem
from ..record import environment, models
from ..seal import checkpoint
from ..store.ledger import Ledger
from ..store.presence import Presence, is_alive
from .anchoring import Anchoring, Choice
from .book import Announce, Book
from .fingerprint import Fingerprints, ModelFile
from .imports import Imports
from .opening import open_ledger, redaction_salt
from .reading import Ended, Job, Reading, ReadObservation, job_bytes
from .recent import Recent
from .recorder import Recorder, Surveyed, Work
from .recordings import Recordings, close_lost
from .replays import Replays
from .run import Run
from .statements import Stated
from .watching import Watching

LOG = logging.getLogger("comfy-provenance")
MOST_MODEL_FILES = 100_000
MOST_OBSERVED_BYTES = 512 * MEBIBYTE


class Live:
    """One session on one open ledger. Made by `open` on the writer's thread."""

    def __init__(
        self,
        ledger: Ledger,
        presence: Presence,
        places: Places,
        settings: Settings,
        host: Host,
        session: str,
        clock: Clock,
        submit: Callable[[Work], object],
        announce: Announce,
        salt: bytes,
    ) -> None:
        self.ledger = ledger
        self._presence = presence
        self._settings = settings
        self._host = host
        self._submit = submit
        self._clock = clock
        self._fingerprints = Fingerprints(submit, lambda: self._hasher.backlog() - 1)
        self._asked: set[ModelFile] = set()
        replays = Replays(ledger, host, submit)
        self._reading = Reading(settings, ledger.objects, submit, self._fingerprint, replays.compare)
        capacity = settings.queue_capacity
        self._reader: Worker[Job] = Worker(
            "provenance-reader",
            self._reading.handle,
            capacity=capacity,
            capacity_bytes=MOST_OBSERVED_BYTES,
            weigh=job_bytes,
            clock=clock,
            recovered=submit,
            dropped=self._reading.give_up,
        )
        self._hasher: Worker[ModelFile] = Worker(
            "provenance-fingerprints",
            self._fingerprints.handle,
            capacity=MOST_MODEL_FILES,
            clock=clock,
            recovered=submit,
        )
        self._announce = announce
        self.anchoring = Anchoring(ledger, submit)
        book = Book(ledger, session, clock, self._announced, salt)
        self._recorder = Recorder(book, host, salt, self._read, self._survey)
        self.recovered = self._recorder.recovered
        self.salt = salt
        self.imports = Imports(ledger, settings, salt, host.directories)
        self.recordings = Recordings(settings.screen_limit_mib, lambda write: submit(Stated(write, Future())))
        self._book = book
        self._watching: Watching | None = None
        if settings.watch_folder:
            folder = Path(settings.watch_folder)
            self._watching = Watching(folder, settings.watch_seconds, self.imports, ledger.index, submit)
        self.recent = Recent(ledger.index)
        self.submission = book.submission
        self.origin = checkpoint.origin_of(ledger.public)
        self.key_fingerprint = ledger.public.fingerprint
        self._recorder.close_lost_runs(lambda other: is_alive(places.ledger, other))
        self._recorder.session_event("start")  # last of what can fail: a session starts once
        submit(Stated(partial(close_lost, is_alive=lambda other: is_alive(places.ledger, other)), Future()))
        self._reader.start()
        self._recorder.compare_left_replays()
        self._hasher.start()
        if self._watching is not None:
            self._watching.start()

    @classmethod
    def open(
        cls,
        places: Places,
        settings: Settings,
        host: Host,
        session: str,
        clock: Clock,
        submit: Callable[[Work], object],
        announce: Announce,
    ) -> Live:
        """Open the ledger, or create it with a new key. Raises ProvenanceError with one line that says what to do;
        then nothing stays open."""
        with ExitStack() as undo:
            presence = Presence(places.ledger, session)
            undo.callback(presence.release)
            ledger, signer = open_ledger(places, clock, session)
            undo.callback(ledger.close)
            salt = redaction_salt(signer)
            live = cls(ledger, presence, places, settings, host, session, clock, submit, announce, salt)
            undo.pop_all()
        return live

    def handle(self, work: Work) -> None:
        """Record one piece of work; on the writer's thread. Raises as `Recorder.handle` does."""
        self._recorder.handle(work)
        if isinstance(work, Ended):
            self.recent.add(output.file for output in work.outputs)

    def choose(self, settings: Settings) -> None:
        """Who is asked for time-stamps from now on."""
        self.anchoring.choose(Choice.of(settings))

    def _announced(self, event: dict[str, Json]) -> None:
        self._announce(event)
        self.anchoring.notice()

    def problem(self) -> str | None:
        """Why something cannot be recorded right now, in one line."""
        return self.ledger.problem() or self._reader.problem() or self._hasher.problem()

    def backlog(self) -> int:
        """Jobs of the reading thread that are not done."""
        return self._reader.backlog()

    def background(self) -> dict[str, Json]:
        """What goes on besides recording: the model file that is being hashed, bytes done and bytes in all; the folder
        that is watched; how many screen recordings are under way."""
        progress = self._fingerprints.progress()
        return {
            "fingerprinting": None if progress is None else asdict(progress),
            "models": self._hasher.backlog(),
            "watching": None if self._watching is None else self._watching.status(),
            "filming": self.recordings.under_way(),
        }

    def drain(self, timeout_s: float, writer: Worker[Work]) -> bool:
        """Wait until the reader, the hasher and the writer are done, and then for what the writer had read at last."""
        if not (self._reader.drain(timeout_s) and self._hasher.drain(timeout_s) and writer.drain(timeout_s)):
            return False
        return self._reader.drain(timeout_s) and writer.drain(timeout_s)  # a replay that was recorded is compared

    def stop_reading(self, timeout_s: float) -> None:
        """End the reading and fingerprint threads; what they found goes to the writer first."""
        if self._watching is not None:
            self._watching.stop(timeout_s)
        self._fingerprints.stop()
        self._hasher.close(timeout_s)
        self._reader.close(timeout_s)

    def close(self, *, complete: bool) -> None:
        """Say that the session stopped, when everything before was written, and close the ledger."""
        if complete:
            try:
                self.recordings.close(self._book)
                self._recorder.session_event("stop")
            except StorageError as error:
                LOG.error("the end of the session could not be recorded: %s", error)
        self.ledger.close()
        self._presence.release()

    def _read(self, job: Job) -> None:
        """What a run loads and how it ends is always taken; how much nodes tell meanwhile has a limit."""
        self._reader.offer(job, always=not isinstance(job, ReadObservation))

    def _fingerprint(self, run: Run) -> None:
        """Queue the model files of a run that have no fingerprint yet."""
        if not self._settings.fingerprint_models or not run.models:
            return
        folders = self._host.model_folders()
        for reference in run.models:
            if reference.size is None or reference.mtime_ns is None:
                continue
            known = self.ledger.index.model_sha(reference.folder, reference.name, reference.size, reference.mtime_ns)
            path = models.locate(folders, reference.folder, reference.name)
            if known is not None or path is None:
                continue
            file = ModelFile(reference.folder, reference.name, reference.size, reference.mtime_ns, path)
            if file not in self._asked:
                self._asked.add(file)
                self._hasher.offer(file)

    def _survey(self) -> None:
        """Describe the environment on a thread of its own: it asks git about every pack."""

        def survey() -> None:
            try:
                self._submit(Surveyed(environment.survey(self._host.environment())))
            except Exception as error:  # the border: this thread has nobody above it
                LOG.exception("the environment could not be described")
                reason = f"the environment could not be described: {type(error).__name__}: {error}"
                self._submit(Problem(reason, self._clock()))

        threading.Thread(target=survey, name="provenance-survey", daemon=True).start()
