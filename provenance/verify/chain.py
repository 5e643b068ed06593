"""Whether each entry stands where it was signed to stand: origin, index, and the tree over all entries before it.

One change breaks the link of everything after it, so damage is named where it begins and not again at every later
entry: a shift of places when it changes, a wrong root once, and not at all where an entry already found bad explains
it. After a break, roots are no longer compared; the tree over the bytes found still goes on to the checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Finding
from ..seal.merkle import HASH_SIZE, Frontier, leaf_hash
from .policy import Rejected, finding, shown
from .statements import Statement


class Chain:
    """The tree over the entries found so far, and how far it can be trusted."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._tree: Frontier | None = Frontier()
        self._roots = bytearray(Frontier().root)  # over the first 0, 1, 2, ... entries found
        self._linked = True
        self._suspect = False
        self._shift = 0

    @property
    def tree(self) -> Frontier | None:
        """Over the bytes found; None once an entry is missing."""
        return self._tree

    def root_at(self, size: int) -> bytes | None:
        """Root over the first `size` entries found; None once one of them is missing, and beyond them."""
        return bytes(self._roots[size * HASH_SIZE : (size + 1) * HASH_SIZE]) or None

    def check(self, index: int, statement: Statement) -> Iterator[Finding]:
        """Findings about the place of a statement found at `index`. Raises Rejected when it is of another log."""
        if statement.origin != self._origin:
            raise Rejected("log-origin", f"signed for log {shown(statement.origin)}, not {self._origin}")
        shift, before = statement.index - index, self._shift
        self._shift = shift
        if shift:
            self._suspect = True
            if shift != before:
                yield finding("log-index", f"holds the entry that was signed for place {statement.index}", index)
        elif self._tree is None or not self._linked:
            return
        elif statement.root == self._roots[-HASH_SIZE:].hex():
            self._suspect = False
        else:
            self._linked = False
            if not self._suspect:
                yield finding("log-root", "the entries before this one are not those it was appended to", index)

    def suspect(self) -> None:
        """The current entry's bytes are not what was appended here: expect the next root not to match."""
        self._suspect = True

    def append(self, envelope: bytes) -> None:
        """Go on to the next place with the bytes found at this one."""
        self.append_leaf(leaf_hash(envelope))

    def append_leaf(self, leaf: bytes) -> None:
        """Go on to the next place with the hash of an entry that is not shown."""
        if self._tree is not None:
            self._tree = self._tree.append(leaf)
            self._roots += self._tree.root

    def skip(self) -> None:
        """Go on without an entry: no root after this place can be computed."""
        self._tree = None
