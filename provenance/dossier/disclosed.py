"""A ledger reduced to what a selection shows, so that nothing else can get into a dossier by mistake."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import NotFound
from ..seal.merkle import HASH_SIZE
from ..shelf import Numbers
from ..store.ledger import Ledger
from .choose import Selection


class Disclosed:
    """A `telling.Shown` over a ledger. Not thread-safe."""

    def __init__(self, ledger: Ledger, selection: Selection) -> None:
        self._reader = ledger.reader()
        self._objects = ledger.objects
        self._selection = selection

    def checkpoint(self) -> bytes:
        """The note that the dossier is made under."""
        return self._selection.checkpoint

    def entry(self, index: int) -> bytes:
        """A shown entry. Raises NotFound for any other."""
        if index not in self._selection.entries:
            raise NotFound(f"entry {index} is not shown")
        return self._reader.entry(index)

    def entries(self) -> Numbers:
        """The places of the shown entries, in order."""
        return self._selection.entries

    def leaf(self, index: int) -> bytes | None:
        """The leaf hash of an entry that is not shown."""
        at = index * HASH_SIZE
        leaf = self._selection.leaves[at : at + HASH_SIZE]
        return leaf if leaf and index not in self._selection.entries else None

    def has(self, digest: str) -> bool:
        """Whether an object is shown."""
        return digest in self._selection.objects

    def object(self, digest: str) -> bytes | None:
        """A shown object, whole; None for any other."""
        return self._reader.object(digest) if digest in self._selection.objects else None

    def head(self, digest: str, size: int) -> bytes:
        """The first bytes of a shown object. Raises as `blocks`."""
        return next(iter(self.blocks(digest)), b"")[:size]

    def blocks(self, digest: str) -> Iterator[bytes]:
        """A shown object, piece by piece. Raises NotFound; IntegrityError after the last piece of a damaged one."""
        found = self._objects.iterate(digest) if digest in self._selection.objects else None
        if found is None:
            raise NotFound(f"object {digest} is not shown")
        return found

    def size(self, digest: str) -> int | None:
        """Bytes of an object."""
        return self._objects.size(digest)
