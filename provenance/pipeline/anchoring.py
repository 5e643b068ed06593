"""Asks time-stamping authorities for tokens over the newest checkpoint, on threads of its own.

Off until the author has chosen authorities: then no thread runs and nothing leaves the machine. Each authority is
asked independently of the others, when `schedule` says so: soon after a session starts, every few minutes while
something is new, when a person asks, and once at the end if it answered before. A token is checked here, recorded on
the writer's thread, and waits for nobody: no run, no start and, beyond a moment, no shutdown ever waits for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass, replace
from functools import partial

from ..config import Authority, Settings
from ..errors import NetworkError, ProvenanceError
from ..model import Json
from ..seal import checkpoint
from ..seal import timestamp as tokens
from ..store.ledger import Ledger
from . import anchors, authorities
from .schedule import Lane
from .statements import Stated

LOG = logging.getLogger("comfy-provenance")
RETRY_S = 30.0  # after the ledger could not be read
WRITE_S = 60.0  # for a token to become durable
SOON_S = 1.5  # what was asked for urgently and is due this soon is waited for
_STEP_S = 0.02


@dataclass(frozen=True, slots=True)
class Choice:
    """What the author chose. authorities: None until then."""

    authorities: tuple[Authority, ...] | None
    interval_s: float

    @classmethod
    def of(cls, settings: Settings) -> Choice:
        return cls(settings.authorities, settings.anchor_minutes * 60.0)


class Anchoring:
    """One open ledger's; asks nobody before `choose`. submit: hands a statement to the writer."""

    def __init__(self, ledger: Ledger, submit: Callable[[Stated], object]) -> None:
        self._ledger = ledger
        self._submit = submit
        self._changed = threading.Condition()
        self._lanes: dict[str, Lane] = {}
        self._choice = Choice(None, 0.0)
        self._grown = 1  # counts what may have changed; `_looked` is the count at which that was last looked at
        self._looked = 0
        self._closing = False
        self._thread: threading.Thread | None = None

    def choose(self, choice: Choice) -> None:
        """Ask these authorities from now on, the new ones as soon as there is something they have not seen."""
        with self._changed:
            self._choice = choice
            chosen = choice.authorities or ()
            self._lanes = {each.url: self._lanes.get(each.url, Lane()) for each in chosen}
            self._grown += 1
            if chosen and self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._run, name="provenance-anchoring", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def notice(self) -> None:
        """An entry was written; takes microseconds."""
        if self._thread is not None:
            with self._changed:
                self._grown += 1
                self._changed.notify_all()

    def ask_now(self) -> None:
        """Have every authority asked without waiting for its turn, as far as there is something new."""
        with self._changed:
            self._lanes = {url: replace(lane, urgent=True) for url, lane in self._lanes.items()}
            self._grown += 1
            self._changed.notify_all()

    def settled(self, timeout_s: float) -> bool:
        """Wait until no authority is being asked, or about to be. False when the time ran out first."""
        with self._changed:
            return self._changed.wait_for(self._is_settled, timeout_s)

    def close(self, timeout_s: float) -> None:
        """Ask those that answered last time once more, give them a moment, and stop. Requests still under way then come
        to nothing."""
        with self._changed:
            if self._thread is None or self._closing:
                self._closing = True
                return
            healthy = {url for url, lane in self._lanes.items() if not lane.failures}
            self._lanes = {url: replace(lane, urgent=url in healthy) for url, lane in self._lanes.items()}
            self._grown += 1
            self._closing = True
            self._changed.notify_all()
            self._changed.wait_for(self._is_settled, timeout_s)
            self._lanes = {}
            self._changed.notify_all()

    def status(self) -> dict[str, Json]:
        """{"chosen", "authorities": [{"name", "url", "state", "covered", "problem", "next_s"}]}.

        chosen: whether the author has answered the question. state: `asking`, `failing`, `waiting` (for its turn) or
        `idle` (it has seen everything). next_s: seconds until it is asked next, null when nothing waits.
        """
        with self._changed:
            choice = self._choice
            return {
                "chosen": choice.authorities is not None,
                "authorities": [self._lane_json(each) for each in choice.authorities or ()],
            }

    def _lane_json(self, authority: Authority) -> dict[str, Json]:
        lane = self._lanes.get(authority.url, Lane())
        due = self._due_at(authority.url)
        waiting = "idle" if lane.waiting_since is None else "waiting"
        return {
            "name": authority.name,
            "url": authority.url,
            "state": "asking" if lane.asking else "failing" if lane.failures else waiting,
            "covered": lane.covered,
            "problem": lane.problem,
            "next_s": None if due is None else round(max(0.0, due - time.monotonic()), 1),
        }

    def _is_settled(self) -> bool:
        if not self._lanes:
            return True
        if self._looked != self._grown:
            return False
        now = time.monotonic()
        return not any(
            lane.asking or self._is_due(url, now + SOON_S if lane.urgent else now) for url, lane in self._lanes.items()
        )

    def _is_due(self, url: str, now: float) -> bool:
        due = self._due_at(url)
        return due is not None and due <= now

    def _due_at(self, url: str) -> float | None:
        lane = self._lanes.get(url)
        return None if lane is None else lane.due_at(self._choice.interval_s, authorities.spacing_s(url))

    # on the thread

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._is_over():
                    return
                grown, choice = self._grown, self._choice
            readable = grown == self._looked or self._look()
            with self._changed:
                if readable:
                    self._looked = grown
                now = time.monotonic()
                due = [each for each in choice.authorities or () if self._is_due(each.url, now)]
            if due:
                self._ask_all(due)
            with self._changed:
                self._changed.notify_all()  # whoever waits for it to be settled
                if not self._is_over() and (self._looked == self._grown or not readable):
                    self._changed.wait(self._until_next() if readable else RETRY_S)

    def _is_over(self) -> bool:
        return self._closing and not self._lanes

    def _until_next(self) -> float | None:
        """Seconds until an authority is due, None when only an event can change that."""
        now = time.monotonic()
        dues = [self._due_at(url) for url in self._lanes]
        return min((max(_STEP_S, due - now) for due in dues if due is not None), default=None)

    def _look(self) -> bool:
        """Note how far the ledger has grown. False when it could not be read."""
        try:
            newest = self._ledger.index.attestations.newest()
            fresh = any(lane.covered == 0 for lane in list(self._lanes.values()))
            covered = self._ledger.index.attestations.covered() if fresh else {}
        except ProvenanceError as error:
            LOG.debug("time-stamps wait: %s", error)
            return False
        except Exception:  # the border: without a word this thread must not end
            LOG.exception("time-stamps wait")
            return False
        now = time.monotonic()
        with self._changed:
            for url, lane in self._lanes.items():
                known = max(lane.covered, covered.get(authorities.as_recorded(url), 0))
                self._lanes[url] = replace(lane, covered=known).noticed(-1 if newest is None else newest, now)
        return True

    def _ask_all(self, due: list[Authority]) -> None:
        now = time.monotonic()
        with self._changed:
            due = [each for each in due if each.url in self._lanes]
            for each in due:
                self._lanes[each.url] = self._lanes[each.url].asked(now)
        for each in due:
            try:
                threading.Thread(target=self._ask, args=(each,), name="provenance-authority", daemon=True).start()
            except RuntimeError as error:  # the interpreter is ending
                self._failed(each, str(error))

    # on a thread for each request

    def _ask(self, authority: Authority) -> None:
        covered, problem = 0, None
        try:
            covered = self._record(authority)
        except ProvenanceError as error:
            problem = str(error)
        except futures.TimeoutError:
            problem = "the token could not be recorded in time"
        except Exception as error:  # the border: this thread has nobody above it
            LOG.exception("time-stamp of %s", authority.name)
            problem = f"{type(error).__name__}: {error}"
        if problem is not None:
            self._failed(authority, problem)
            return
        with self._changed:
            lane = self._lanes.get(authority.url)
            if lane is not None:
                self._lanes[authority.url] = lane.got(covered, time.monotonic())
            self._grown += 1
            self._changed.notify_all()

    def _failed(self, authority: Authority, problem: str) -> None:
        with self._changed:
            lane = self._lanes.get(authority.url)
            if lane is not None:  # else it is not asked any more
                self._lanes[authority.url] = lane.failed(problem)
                LOG.log(logging.DEBUG if lane.failures else logging.WARNING, "%s: %s", authority.name, problem)
            self._grown += 1
            self._changed.notify_all()

    def _record(self, authority: Authority) -> int:
        """Get a token over the newest checkpoint and have it recorded. Gives how many entries it covers."""
        note = self._ledger.index.latest_checkpoint()
        head = checkpoint.open(note, self._ledger.public)
        asked = tokens.request(note)
        token = tokens.token_of(authorities.ask(authority.url, asked.der))
        checked = tokens.check_answer(token, note, asked)
        found = anchors.Found(note, head, token, checked, authority.name, authorities.as_recorded(authority.url))
        with self._changed:
            if authority.url not in self._lanes:
                raise NetworkError("the token came too late")
        waiting: futures.Future[dict[str, Json]] = futures.Future()
        self._submit(Stated(partial(anchors.record, found), waiting))
        waiting.result(WRITE_S)
        return head.size
