"""Builds it all once and passes it down. Light to import: what is heavy loads on the writer's thread.

`start` returns at once. Until the ledger is open, and whenever writing fails, events wait in memory and the state
says why. One service per process.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from .capture.worker import Trouble, Worker
from .config import Places, Settings, load_settings
from .errors import InputError, StorageError
from .model import Clock, Event, Host, Json, Problem, Ready, system_clock

if TYPE_CHECKING:
    from .pipeline.live import Live
    from .pipeline.recorder import Work

LOG = logging.getLogger("comfy-provenance")
CLOSE_TIMEOUT_S = 10.0
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
        self._writer: Worker[Work] = Worker(
            "provenance-writer",
            self._write,
            capacity=self.settings.queue_capacity,
            clock=clock,
            prepare=self._open,
            recovered=self._recovered,
        )

    def start(self) -> None:
        """Start recording; returns at once. Does nothing when recording is switched off."""
        if self.settings.enabled:
            self._writer.start()

    def offer(self, event: Event) -> bool:
        """Take an event of the host without blocking. False when recording is off or the queue is full."""
        return self.settings.enabled and self._writer.offer(event)

    def problem(self, reason: str) -> None:
        """Something of ours failed at the host's border; becomes a `gap`."""
        if self.settings.enabled:
            self._writer.offer(Problem(reason, self._clock()), always=True)

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
        state = "off" if not enabled else "broken" if trouble else "recording" if live else "starting"
        return {
            "recording": state in ("recording", "starting"),
            "state": state,
            "reason": trouble if enabled else "recording is switched off in the settings",
            "settings_problem": self._settings_problem,
            "ledger": str(self.places.ledger),
            "key_file": str(self.places.key),
            "session": self.session,
            "waiting": self._writer.backlog() + (live.backlog() if live else 0),
            "background": live.background() if live else None,
        }

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
        self._writer.drain(CLOSE_TIMEOUT_S)
        if self._live is not None:
            self._live.stop_reading(CLOSE_TIMEOUT_S)
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

    def _write(self, work: Work) -> None:
        self._opened().handle(work)

    def _recovered(self, trouble: Trouble) -> None:
        self._opened().recovered(trouble)

    def _opened(self) -> Live:
        if self._live is None:
            raise StorageError("the ledger is not open")
        return self._live
