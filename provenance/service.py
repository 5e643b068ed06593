"""Builds it all once and passes it down. Light to import: what is heavy loads on the writer's thread.

`start` returns at once. Until the ledger is open, and whenever writing fails, events wait in memory and the state
says why. One service per process.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from concurrent import futures
from dataclasses import replace
from typing import TYPE_CHECKING

from .capture.weight import weight
from .capture.worker import Trouble, Worker
from .config import AT_ONCE, MEBIBYTE, Places, Settings, load_settings
from .errors import InputError, StorageError
from .hosting import Host
from .model import (
    Accepted,
    Clock,
    Event,
    Finished,
    Json,
    Judged,
    Problem,
    Ready,
    Switched,
    Withdrawn,
    system_clock,
)

if TYPE_CHECKING:
    from .pipeline.live import Live
    from .pipeline.recorder import Work
    from .pipeline.statements import Stated

LOG = logging.getLogger("comfy-provenance")
CLOSE_TIMEOUT_S = 10.0
LAST_ANCHOR_S = 2.0  # what a last time-stamp may take at the end of a session
MOST_WAITING_BYTES = 512 * MEBIBYTE
SAY_TIMEOUT_S = 10.0
Announce = Callable[[dict[str, Json]], None]


class Service:
    """Everything that runs beside a host, from its start to its end.

    host: answers questions about the program around us. announce: told about each durable entry, on the writer's
    thread.
    """

    def __init__(
        self,
        places: Places,
        host: Host,
        *,
        announce: Announce = lambda event: None,
        clock: Clock = system_clock,
    ) -> None:
        self.places = places
        self.session = str(uuid.uuid4())
        self._host = host
        self._announce = announce
        self._clock = clock
        self._settings_problem: str | None = None
        self.settings = self._load_settings()
        self._seam_problem: str | None = None
        self._live: Live | None = None
        self._closed = False
        self._paused: str | None = None  # why, while recording is paused
        self._taking = threading.Lock()  # nothing is accepted between a pause and its event
        self._switching = threading.Lock()
        self._writer: Worker[Work] = Worker(
            "provenance-writer",
            self._write,
            capacity=self.settings.queue_capacity,
            capacity_bytes=MOST_WAITING_BYTES,
            weigh=weight,
            urgent=lambda work: isinstance(work, Accepted),  # what was accepted is durable before what is done is told
            clock=clock,
            prepare=self._open,
            recovered=self._recovered,
        )

    def start(self) -> None:
        """Start recording; returns at once. Does nothing when recording is switched off."""
        if self.settings.enabled:
            self._writer.start()

    def offer(self, event: Event) -> bool:
        """Take an event of the host without blocking. False when recording is off or the queue is full, and for a run
        that was accepted while recording is paused. Runs accepted before that are recorded to their end."""
        if not self.settings.enabled:
            return False
        if not isinstance(event, Accepted):
            return self._writer.offer(event, always=isinstance(event, Finished | Withdrawn))
        with self._taking:
            return self._paused is None and self._writer.offer(event)

    def say(self, said: Judged | Switched | Stated, timeout_s: float = SAY_TIMEOUT_S) -> dict[str, Json]:
        """Have a statement of the author's recorded, and give what was recorded once it is durable.

        Blocks: never call it on the host's event loop. Raises StorageError when it could not be written in time, and
        what the writer raises; then it is not recorded, now or later.
        """
        if not self.settings.enabled:
            raise StorageError("recording is switched off in the settings")
        if not self._writer.offer(said, always=True):
            raise StorageError("recording has stopped")
        try:
            return said.answer.result(timeout_s)
        except futures.TimeoutError:
            if said.answer.cancel():
                raise StorageError(self._writer.problem() or "the recorder is busy: try again later") from None
        try:
            return said.answer.result(timeout_s)  # it is being written right now
        except futures.TimeoutError:
            raise StorageError("the disk does not answer: look whether this was recorded before repeating it") from None

    def pause(self, reason: str | None) -> dict[str, Json]:
        """Record that the author pauses recording; runs accepted from then on are not recorded, until a restart.

        Gives {"state", "entry", "reason"}; `entry` is None when recording was paused already. Raises as `say` does, and
        then recording goes on.
        """
        with self._switching:
            if self._paused is not None:
                return {"state": "paused", "entry": None, "reason": self._paused or None}
            switched = Switched(True, reason, futures.Future())
            with self._taking:
                self._paused = reason or ""
            told = None
            try:
                told = self.say(switched)
            finally:
                self._paused = None if told is None else told["reason"] or ""
            return told

    def resume(self, reason: str | None) -> dict[str, Json]:
        """Record that recording goes on; from then on it does. Gives what `pause` gives; an error leaves it paused."""
        with self._switching:
            if self._paused is None:
                return {"state": "recording", "entry": None, "reason": None}
            told = self.say(Switched(False, reason, futures.Future()))
            self._paused = None
            return told

    def settings_changed(self) -> None:
        """Take over what counts at once of the settings that were saved: who is asked for time-stamps, how often, and
        whom to trust for them. Raises InputError for a file that is not what it should be."""
        saved = load_settings(self.places.settings)
        self.settings = replace(self.settings, **{name: getattr(saved, name) for name in AT_ONCE})
        if self._live is not None:
            self._live.choose(self.settings)

    def problem(self, reason: str) -> None:
        """Something of ours failed at the host's border; becomes a `gap`."""
        if self.settings.enabled:
            self._writer.offer(Problem(reason, self._clock()))

    def ready(self) -> None:
        """The host has loaded everything: its environment is recorded next. Returns at once."""
        if self.settings.enabled:
            self._writer.offer(Ready(self._clock()), always=True)

    def seam_lost(self, reason: str | None) -> None:
        """Whether the host can be observed, as the hooks see it; part of the status from now on."""
        if reason is not None and self._seam_problem is None:
            LOG.error("%s", reason)
        self._seam_problem = reason

    @property
    def live(self) -> Live | None:
        """The open ledger and what works on it; None before it is open."""
        return self._live

    def status(self) -> dict[str, Json]:
        """Whether runs are being recorded, if not why, and what is going on in the background."""
        live = self._live
        trouble = self._writer.problem() or (live.problem() if live else None) or self._seam_problem
        enabled = self.settings.enabled
        paused = self._paused
        state = "off" if not enabled else "broken" if trouble else "recording" if live else "starting"
        if state == "recording" and paused is not None:
            state = "paused"
        return {
            "recording": state in ("recording", "starting"),
            "state": state,
            "paused": paused is not None,
            "reason": (trouble or paused or None) if enabled else "recording is switched off in the settings",
            "settings_problem": self._settings_problem,
            "ledger": str(self.places.ledger),
            "key_file": str(self.places.key),
            "session": self.session,
            "waiting": self._waiting(live),
            "background": live.background() if live else None,
            "anchoring": live.anchoring.status() if live else None,
        }

    def _waiting(self, live: Live | None) -> int:
        """Pieces of work that are not done. What the reader hands to the writer while this looks at the reader is seen
        at the second look at the writer."""
        before = self._writer.backlog()
        reading = live.backlog() if live else 0
        return reading + max(before, self._writer.backlog())

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything taken so far is recorded, model fingerprints included."""
        if not self._writer.drain(timeout_s) or self._live is None:
            return False
        return self._live.drain(timeout_s, self._writer)

    def close(self) -> None:
        """Record what is left, end the session and the threads. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._writer.drain(CLOSE_TIMEOUT_S, despite_trouble=False)
        if self._live is not None:
            self._live.stop_reading(CLOSE_TIMEOUT_S)
            self._writer.drain(CLOSE_TIMEOUT_S, despite_trouble=False)
            self._live.anchoring.close(LAST_ANCHOR_S)
        complete = self._writer.close(CLOSE_TIMEOUT_S)
        if self._live is not None:
            self._live.close(complete=complete)

    def _load_settings(self) -> Settings:
        try:
            return load_settings(self.places.settings)
        except InputError as error:
            self._settings_problem = f"{error}; the defaults are used"
            LOG.error("%s", self._settings_problem)
            return Settings()

    def _open(self) -> None:
        """Open or create the ledger; on the writer's thread, again and again until it works."""
        from .pipeline.live import Live

        self._live = Live.open(
            self.places,
            self.settings,
            self._host,
            self.session,
            self._clock,
            submit=lambda work: self._writer.offer(work, always=True),
            announce=self._announce,
        )
        self._live.choose(self.settings)  # as they are now: the author may have changed them meanwhile

    def _write(self, work: Work) -> None:
        self._opened().handle(work)

    def _recovered(self, trouble: Trouble) -> None:
        self._opened().recovered(trouble)

    def _opened(self) -> Live:
        if self._live is None:
            raise StorageError("the ledger is not open")
        return self._live
