"""A bounded queue and the one thread that empties it.

The host's threads only ever call `offer`, which takes microseconds and never blocks. What happens to an event is the
`handle` function's business. The worker decides what happens when handling fails:

* `StorageError`: nobody's data is at fault, writing is. The event stays at the front and is tried again with growing
  pauses; later events wait behind it in memory.
* any other error: the event itself cannot be handled. It is dropped and counted, and the next one is taken.
* the queue is full: new events are counted as missed.

Either way the state turns `broken` with a reason, and as soon as an event is handled again `recovered` is called once
with what happened meanwhile, so that the ledger can say so.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ..errors import ProvenanceError, StorageError
from ..model import Clock, Instant

LOG = logging.getLogger("comfy-provenance")
T = TypeVar("T")
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0
MOST_REASONS = 20


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong between `since` and `until`: the reasons, and the events that were missed, by type name."""

    since: Instant
    until: Instant
    reasons: tuple[str, ...]
    missed: dict[str, int]


@dataclass(slots=True)
class _Ongoing:
    since: Instant
    reasons: dict[str, None] = field(default_factory=dict)
    missed: Counter[str] = field(default_factory=Counter)


class Worker(Generic[T]):
    """One named daemon thread over one bounded queue; see the module's text for what it promises.

    handle: called on the thread for every event, in order. recovered: called on the thread after the first success
    that follows trouble; a StorageError from it leaves the trouble standing. prepare: called once on the thread
    before the first event, and again with pauses while it raises a ProvenanceError.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[T], None],
        *,
        capacity: int,
        clock: Clock,
        prepare: Callable[[], None] = lambda: None,
        recovered: Callable[[Trouble], None] = lambda trouble: None,
    ) -> None:
        self._name = name
        self._handle = handle
        self._capacity = capacity
        self._clock = clock
        self._prepare = prepare
        self._recovered = recovered
        self._events: deque[T] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._trouble: _Ongoing | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread; returns at once."""
        self._thread.start()

    def offer(self, event: T, *, always: bool = False) -> bool:
        """Append an event without waiting. False means that it was not taken and has been counted as missed.

        `always` ignores the capacity: for follow-up work on events that were already taken.
        """
        with self._changed:
            if self._closing or (len(self._events) >= self._capacity and not always):
                reason = "recording has stopped" if self._closing else "the queue of events is full"
                self._note(reason, event)
                return False
            self._events.append(event)
            self._changed.notify_all()
            return True

    def problem(self) -> str | None:
        """Why recording is in trouble right now, in one line; None when it is not."""
        with self._changed:
            return "; ".join(self._trouble.reasons) if self._trouble else None

    def backlog(self) -> int:
        """Number of events not yet handled, the one in hand included: it leaves the queue when it is settled."""
        with self._changed:
            return len(self._events)

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything offered so far is handled. False when the time ran out first."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._events, timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Handle what is left, then end the thread. False when the time ran out; what is left then is not recorded."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        if not self._prepared():
            return
        pause = FIRST_PAUSE_S
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._events or self._closing)
                if not self._events:
                    return
                event = self._events[0]
            settled = self._attempt(event)
            with self._changed:
                if not settled and self._closing:
                    return  # storage is out of order and the host is leaving: nothing more can be done
                if settled:
                    self._events.popleft()
                    pause = FIRST_PAUSE_S
                else:
                    self._changed.wait_for(lambda: self._closing, pause)
                    pause = min(pause * 2, LONGEST_PAUSE_S)
                self._changed.notify_all()

    def _prepared(self) -> bool:
        pause = FIRST_PAUSE_S
        while True:
            try:
                self._prepare()
                return True
            except ProvenanceError as error:
                with self._changed:
                    self._note(str(error), None)
                    if self._changed.wait_for(lambda: self._closing, pause):
                        return False
                pause = min(pause * 2, LONGEST_PAUSE_S)

    def _attempt(self, event: T) -> bool:
        """Handle one event. False means that storage refused and the event must be tried again."""
        try:
            self._handle(event)
        except StorageError as error:
            with self._changed:
                self._note(str(error), None)
            return False
        except Exception as error:  # the border: whatever an event holds, the thread lives on and says so
            LOG.exception("%s: an event could not be recorded", self._name)
            with self._changed:
                self._note(f"{type(error).__name__}: {error}", event)
        self._settle()
        return True

    def _settle(self) -> None:
        with self._changed:
            ongoing = self._trouble
            self._trouble = None
        if ongoing is None:
            return
        try:
            self._recovered(Trouble(ongoing.since, self._clock(), tuple(ongoing.reasons), dict(ongoing.missed)))
        except StorageError as error:
            with self._changed:
                newer = self._note(str(error), None)
                self._trouble = _Ongoing(ongoing.since, ongoing.reasons | newer.reasons, ongoing.missed + newer.missed)

    def _note(self, reason: str, missed: Any) -> _Ongoing:
        if self._trouble is None:
            LOG.error("%s: %s", self._name, reason)
            self._trouble = _Ongoing(self._clock())
        if len(self._trouble.reasons) < MOST_REASONS:
            self._trouble.reasons[reason] = None
        if missed is not None:
            self._trouble.missed[type(missed).__name__] += 1
        return self._trouble
