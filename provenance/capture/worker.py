"""A bounded queue and the one thread that empties it.

The host's threads only ever call `offer`, which takes microseconds and never blocks. What happens to an event is the
`handle` function's business. The worker decides what happens when handling fails:

* `StorageError`, and an `IntegrityError` that is no `SchemaError`: nobody's data is at fault, writing is, or what was
  written before no longer holds. The event stays at the front and is tried again with growing pauses; later events
  wait behind it in memory.
* any other error: the event itself cannot be handled. It is dropped and counted, and the next one is taken.
* the queue is full, in events or in bytes: new events are counted as missed.

Either way the state turns `broken` with a reason, which the log tells once, and as soon as events are handled again
`recovered` is called once with what happened meanwhile, so that the ledger can say so. After an overflow that is when
half of the queue is free: a queue that fills again and again is one trouble, not hundreds.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ..errors import IntegrityError, ProvenanceError, SchemaError, StorageError
from ..model import Clock, Instant

LOG = logging.getLogger("comfy-provenance")
T = TypeVar("T")
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0
MOST_REASONS = 20
MOST_TOLD = 200
FULL = "events come faster than they can be recorded: the newest runs are not recorded until the rest is"
STOPPED = "recording has stopped"


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
    latest: str = ""
    overflow: bool = False
    level: int = logging.DEBUG
    reasons: dict[str, None] = field(default_factory=dict)
    missed: Counter[str] = field(default_factory=Counter)


class Worker(Generic[T]):
    """One named daemon thread over one bounded queue; see the module's text for what it promises.

    handle: called on the thread for every event, in order; those that are `urgent` go before the others. weigh: bytes
    of memory that an event holds on to. recovered: called on the thread after the first success that follows trouble,
    and again with pauses while it raises; the trouble stands until it returns. prepare: called on the thread before
    the first event, and again with pauses while it raises. dropped: told on the thread about an event that could not
    be handled, with the reason.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[T], None],
        *,
        capacity: int,
        clock: Clock,
        capacity_bytes: int | None = None,
        weigh: Callable[[T], int] = lambda event: 0,
        prepare: Callable[[], None] = lambda: None,
        recovered: Callable[[Trouble], object] = lambda trouble: None,
        dropped: Callable[[T, str], object] = lambda event, reason: None,
        urgent: Callable[[T], bool] = lambda event: False,
    ) -> None:
        self._name = name
        self._handle = handle
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._weigh = weigh
        self._clock = clock
        self._prepare = prepare
        self._recovered = recovered
        self._dropped = dropped
        self._urgent = urgent
        self._first: deque[T] = deque()
        self._events: deque[T] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closing = False
        self._trouble: _Ongoing | None = None
        self._told: set[str] = set()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread; returns at once."""
        self._thread.start()

    def offer(self, event: T, *, always: bool = False) -> bool:
        """Append an event without waiting. False means that it was not taken and has been counted as missed.

        `always` ignores the capacity: for follow-up work on events that were already taken.
        """
        weight = self._weigh(event)
        with self._changed:
            if self._closing or not (always or self._fits(weight)):
                self._note(STOPPED if self._closing else FULL, event, overflow=not self._closing)
                return False
            (self._first if self._urgent(event) else self._events).append(event)
            self._bytes += weight
            self._changed.notify_all()
            return True

    def problem(self) -> str | None:
        """Why recording is in trouble right now, in one line; None when it is not."""
        with self._changed:
            return self._trouble.latest if self._trouble else None

    def backlog(self) -> int:
        """Number of events not yet handled, the one in hand included: it leaves the queue when it is settled."""
        with self._changed:
            return self._held()

    def drain(self, timeout_s: float, *, despite_trouble: bool = True) -> bool:
        """Wait until everything offered so far is handled and told. False when the time ran out first, and, unless
        `despite_trouble`, as soon as there is trouble."""
        with self._changed:
            self._changed.wait_for(lambda: self._idle() or not (despite_trouble or self._trouble is None), timeout_s)
            return self._idle()

    def close(self, timeout_s: float) -> bool:
        """Handle what is left, then end the thread. False when the time ran out or writing is impossible; what is
        left then is not recorded."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive() and not self._held()

    def _held(self) -> int:
        return len(self._first) + len(self._events)

    def _idle(self) -> bool:
        return not self._held() and self._trouble is None

    def _fits(self, weight: int) -> bool:
        if self._held() >= self._capacity:
            return False
        return self._capacity_bytes is None or not self._held() or self._bytes + weight <= self._capacity_bytes

    def _roomy(self) -> bool:
        light = self._capacity_bytes is None or self._bytes * 2 <= self._capacity_bytes
        return self._held() <= max(self._capacity // 2, 1) and light

    def _run(self) -> None:
        if not self._prepared():
            return
        pause = FIRST_PAUSE_S
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._held() or self._closing, pause if self._trouble else None)
                lane = self._first or self._events
                event = lane[0] if lane else None
            settled = self._settle() if event is None else self._attempt(event)
            with self._changed:
                if event is not None and settled:
                    lane.popleft()
                    self._bytes -= self._weigh(event)
                self._changed.notify_all()
                if self._closing and not (settled and self._held()):
                    return  # all done; or storage is out of order and the host is leaving: nothing more can be done
                if settled:
                    pause = FIRST_PAUSE_S
                else:
                    self._changed.wait_for(lambda: self._closing, pause)
                    pause = min(pause * 2, LONGEST_PAUSE_S)

    def _prepared(self) -> bool:
        pause = FIRST_PAUSE_S
        while True:
            try:
                self._prepare()
            except Exception as error:  # the border: without a word this thread must not end
                with self._changed:
                    self._fail(error)
                    self._changed.notify_all()
                    if self._changed.wait_for(lambda: self._closing, pause):
                        return False
                pause = min(pause * 2, LONGEST_PAUSE_S)
            else:
                self._settle()
                return True

    def _attempt(self, event: T) -> bool:
        """Handle one event. False means that storage refused and the event must be tried again."""
        try:
            self._handle(event)
        except Exception as error:  # the border: whatever an event holds, the thread lives on and says so
            with self._changed:
                reason = self._fail(error, None if _is_storage(error) else event)
                self._changed.notify_all()
            if _is_storage(error):
                return False
            self._dropped(event, reason)
        self._settle()
        return True

    def _settle(self) -> bool:
        """Report a trouble that is over. False when that was not possible, or the trouble is not over."""
        with self._changed:
            ongoing = self._trouble
            if ongoing is None:
                return True
            if ongoing.overflow and not self._roomy():
                return False
            self._trouble = None
        try:
            self._recovered(Trouble(ongoing.since, self._clock(), tuple(ongoing.reasons), dict(ongoing.missed)))
        except Exception as error:  # the border: until it is told, the trouble stands
            with self._changed:
                self._restore(ongoing)
                self._fail(error)
            return False
        level = min(ongoing.level, logging.WARNING)
        LOG.log(level, "%s: recording works again; events missed: %s", self._name, sum(ongoing.missed.values()))
        return True

    def _restore(self, ongoing: _Ongoing) -> None:
        newer = self._trouble  # what came in meanwhile
        self._trouble = ongoing
        if newer is not None:
            ongoing.reasons.update(newer.reasons)
            ongoing.missed.update(newer.missed)
            ongoing.overflow |= newer.overflow

    def _fail(self, error: Exception, missed: Any = None) -> str:
        """Note an error: in the log once if an event is at fault, once per trouble if the ledger is."""
        ours = isinstance(error, ProvenanceError)
        reason = str(error) if ours and missed is None else f"{type(error).__name__}: {error}"
        known = missed is not None and reason in self._told
        if missed is not None and len(self._told) < MOST_TOLD:
            self._told.add(reason)
        self._note(reason, missed, level=logging.DEBUG if known else logging.ERROR, error=None if ours else error)
        return reason

    def _note(
        self,
        reason: str,
        missed: Any,
        *,
        overflow: bool = False,
        level: int = logging.ERROR,
        error: Exception | None = None,
    ) -> None:
        if self._trouble is None:
            self._trouble = _Ongoing(self._clock())
        ongoing = self._trouble
        ongoing.latest = reason
        ongoing.overflow |= overflow
        ongoing.level = max(ongoing.level, level)
        if reason not in ongoing.reasons and len(ongoing.reasons) < MOST_REASONS:
            LOG.log(level, "%s: %s", self._name, reason, exc_info=error)
            ongoing.reasons[reason] = None
        if missed is not None:
            ongoing.missed[type(missed).__name__] += 1


def _is_storage(error: Exception) -> bool:
    """Whether the ledger is at fault, rather than the event."""
    return isinstance(error, StorageError) or (isinstance(error, IntegrityError) and not isinstance(error, SchemaError))
