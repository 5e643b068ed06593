"""Between which moments an entry was made, as far as time-stamps tell. Pure.

An anchor says that a checkpoint existed at its token's time. So every entry that the checkpoint covers existed by the
latest moment the token allows for, and every entry after the anchor's own was made after the earliest, because that
entry holds the token and the log's order is signed. Nothing here looks at a token; anchors that come in were checked.

Bounds by authorities that the verifier trusts go before others, whatever those say.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from ..seal.timestamp import Trust


@dataclass(frozen=True, slots=True)
class Anchor:
    """One anchor of a log: its own place, how many entries its checkpoint covers, and the moments its token allows
    for (nanoseconds since the Unix epoch). authority: as the author named it; signer: as the token names it."""

    entry: int
    size: int
    gen_time_ns: int
    earliest_ns: int
    latest_ns: int
    authority: str
    signer: str | None
    trust: Trust


@dataclass(frozen=True, slots=True)
class Span:
    """An entry was made after `after` and existed by `by`; None: no anchor says."""

    after: Anchor | None
    by: Anchor | None


class Bounds:
    """Answers for one log. Anchors whose authority was refused, or whose signature was not checked, are left out: what
    they say counts for nothing."""

    def __init__(self, anchors: Iterable[Anchor]) -> None:
        given = list(anchors)
        self._tiers = [_Tier([each for each in given if each.trust is trust]) for trust in _BEST_FIRST]

    def of(self, entry: int) -> Span:
        """Between which moments the entry at this place was made. O(log n) for n anchors."""
        after = (tier.after(entry) for tier in self._tiers)
        by = (tier.by(entry) for tier in self._tiers)
        return Span(next(filter(None, after), None), next(filter(None, by), None))

    @property
    def covered(self) -> int:
        """How many entries, from the first, existed by some known time."""
        return max((tier.covered for tier in self._tiers), default=0)


class _Tier:
    """Anchors of one degree of trust."""

    def __init__(self, anchors: list[Anchor]) -> None:
        by_entry = sorted(anchors, key=lambda each: each.entry)
        self._entries = [each.entry for each in by_entry]
        self._latest_start = list(accumulate(by_entry, _later_start))
        by_size = sorted(anchors, key=lambda each: each.size, reverse=True)
        self._sizes = [-each.size for each in by_size]
        self._first_end = list(accumulate(by_size, _earlier_end))

    @property
    def covered(self) -> int:
        return -self._sizes[0] if self._sizes else 0

    def after(self, entry: int) -> Anchor | None:
        """Among the anchors before this entry the one that leaves it the least room."""
        count = bisect_left(self._entries, entry)
        return self._latest_start[count - 1] if count else None

    def by(self, entry: int) -> Anchor | None:
        """The same among the anchors that cover it."""
        count = bisect_right(self._sizes, -entry - 1)
        return self._first_end[count - 1] if count else None


def _later_start(a: Anchor, b: Anchor) -> Anchor:
    return b if b.earliest_ns > a.earliest_ns else a


def _earlier_end(a: Anchor, b: Anchor) -> Anchor:
    return b if b.latest_ns <= a.latest_ns else a


_BEST_FIRST = (Trust.TRUSTED, Trust.UNCHECKED)
