"""Which objects later ones are kept as differences to: the last few that were stored whole by this process.

A base is always an object that is itself stored whole, so reading takes two rows at most, and a limited number of
objects depend on it: a damaged base takes `MOST_USES` others along, never more.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from .deltas import difference, shared

MOST_USES = 64
_KEPT = 4  # bases at hand: workflows and prompts of two graphs that an author goes back and forth between
_SMALLEST, _LARGEST = 1024, 1 << 20  # bytes of an object that may be a base
_SAME = 24  # bytes at the front that tell a workflow from a prompt without a closer look
_WORTH = 16  # a delta must be that many times smaller than its object


@dataclass(slots=True)
class _Base:
    digest: str
    data: bytes
    uses: int = 0


class Bases:
    """The bases at hand, latest used first. Thread-safe. Bounded: at most four objects of 1 MiB."""

    def __init__(self) -> None:
        self._bases: list[_Base] = []
        self._lock = threading.Lock()

    def add(self, digest: str, data: bytes) -> None:
        """An object was stored whole and is durable."""
        if _SMALLEST <= len(data) <= _LARGEST:
            with self._lock:
                others = [base for base in self._bases if base.digest != digest]
                self._bases = [_Base(digest, data), *others][:_KEPT]

    def delta(self, data: bytes) -> tuple[str, bytes] | None:
        """The base's digest and the difference to it; None where none of them is much alike."""
        if len(data) < _SMALLEST:
            return None
        with self._lock:
            if not self._bases:
                return None
            alike = [base for base in self._bases if base.data[:_SAME] == data[:_SAME]] or self._bases
            best = alike[0] if len(alike) == 1 else max(alike, key=lambda base: shared(base.data, data))
            found = difference(best.data, data)
            if len(found) * _WORTH > len(data) or best.data == data:
                return None
            best.uses += 1
            self._bases.remove(best)
            if best.uses < MOST_USES:
                self._bases.insert(0, best)
        return best.digest, found
