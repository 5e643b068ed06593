"""Which runs lead to a work, and which belong to the same tree. Pure over `Links`: whoever answers them.

A run leads to a work when it made the work's bytes, when it made something that these derive from, or when such a run's
canvas descends from it. Everything that descends from the first of those canvases is the tree: the candidates.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ..shelf import Shelf
from ..verify.description import Work


class Links(Protocol):
    """What was recorded, one step at a time. Digests are 64 hex digits."""

    def makers(self, digest: str) -> Iterable[str]:
        """Runs that made these bytes."""

    def made(self, execution: str) -> Iterable[str]:
        """Bytes that a run made."""

    def sources(self, digest: str) -> Iterable[str]:
        """Bytes that these derive from, by runs or by later edits."""

    def parent(self, execution: str) -> str | None:
        """The run from whose canvas this one descends, if it is recorded."""


class Children(Protocol):
    """What was recorded, one step the other way."""

    def children(self, execution: str) -> Iterable[str]:
        """Runs whose canvas descends from this one."""


def path(links: Links, works: Iterable[Work]) -> Shelf[bool]:
    """Runs that lead to the works, nearest first."""
    found, digests = Shelf[bool](), Shelf[bool]()
    waiting: list[str] = []
    for work in works:
        if work.sha256 is not None:
            waiting.append(work.sha256)
        if work.execution is not None:
            found[work.execution] = True
            waiting.extend(links.made(work.execution))
    while waiting:
        digest = waiting.pop()
        if digest not in digests:
            digests[digest] = True
            found.update(dict.fromkeys(links.makers(digest), True))
            waiting.extend(links.sources(digest))
    for execution in list(found):
        step = links.parent(execution)
        while step is not None and step not in found:
            found[step] = True
            step = links.parent(step)
    return found


def tree(links: Children, runs: Iterable[str]) -> Shelf[bool]:
    """These runs and all that descend from them, however far."""
    found = Shelf[bool]()
    found.update(dict.fromkeys(runs, True))
    waiting = list(found)
    while waiting:
        fresh = [child for child in links.children(waiting.pop()) if child not in found]
        found.update(dict.fromkeys(fresh, True))
        waiting.extend(fresh)
    return found
