"""When an authority is asked for a time-stamp. Pure: moments are seconds of a monotonic clock, passed in.

Only ever the newest checkpoint is worth asking for, since it covers all that came before it. So there is no queue to
keep: what waits is how far the ledger has grown beyond the newest token, and that the ledger itself tells, also after
a day offline or a crash.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

SETTLE_S = 10.0  # what has just begun, such as a run, may end in a moment and be covered by the same token
FIRST_PAUSE_S = 15.0
LONGEST_PAUSE_S = 1800.0


@dataclass(frozen=True, slots=True)
class Lane:
    """How it stands with one authority.

    covered: entries, from the first, that its newest token covers. waiting_since: when the oldest entry beyond them
    was noticed; None: there is none. urgent: asked for by a person, or at an end: waits for nothing but the spacing
    that the authority wishes. asking: a request is under way. failures: in a row; problem: the last one.
    """

    covered: int = 0
    waiting_since: float | None = None
    urgent: bool = False
    asking: bool = False
    asked_at: float | None = None
    got_at: float | None = None
    failures: int = 0
    problem: str | None = None

    def noticed(self, newest: int, now: float) -> Lane:
        """The newest entry that is worth a time-stamp is at place `newest`."""
        if newest < self.covered:
            return replace(self, waiting_since=None, urgent=False)
        return self if self.waiting_since is not None else replace(self, waiting_since=now)

    def asked(self, now: float) -> Lane:
        """A request goes out."""
        return replace(self, asking=True, asked_at=now, urgent=False)

    def got(self, covered: int, now: float) -> Lane:
        """A token over that many entries is recorded."""
        return replace(
            self,
            covered=max(self.covered, covered),
            waiting_since=None,
            asking=False,
            got_at=now,
            failures=0,
            problem=None,
        )

    def failed(self, problem: str) -> Lane:
        """The request came to nothing."""
        return replace(self, asking=False, failures=self.failures + 1, problem=problem)

    def due_at(self, interval_s: float, spacing_s: float) -> float | None:
        """From when on the authority should be asked; None: not as things stand."""
        if self.waiting_since is None or self.asking:
            return None
        soonest = [float("-inf")]
        if self.asked_at is not None:
            soonest.append(self.asked_at + spacing_s)
        if not self.urgent:
            soonest.append(self.waiting_since + SETTLE_S)
            if self.got_at is not None:
                soonest.append(self.got_at + interval_s)
            if self.failures and self.asked_at is not None:
                soonest.append(self.asked_at + pause_s(self.failures))
        return max(soonest)


def pause_s(failures: int) -> float:
    """How long an authority is left alone after that many failures in a row."""
    return float(min(FIRST_PAUSE_S * 2 ** min(failures - 1, 20), LONGEST_PAUSE_S))
