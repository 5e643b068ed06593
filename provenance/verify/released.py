"""What became of copies that are not there: let go of by the author, or lost.

Fed with the statements in the order of the log. An object that an entry requires is never excused, whatever a release
says. A copy is excused when the last thing that the log says of it is a release: an entry that names it later says that
it is kept again, and so does a return.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..canonical import is_sha256_hex
from ..model import Finding, Kind
from ..shelf import Shelf
from .policy import Rejected, finding, shown
from .statements import Named, Statement, items


class Releases:
    """Remembers every object that an entry requires, and those copies that were released or are missing. Each of the
    three may be as many as the log has entries: they lie in temporary files."""

    def __init__(self) -> None:
        self._required = Shelf[bool]()
        self._released = Shelf[bool]()  # by the last thing that the log says of them
        self._has_released = False
        self._absent = Shelf[tuple[str, int]]()  # role of copies that are not there, and the last entry that names each

    def tell(self, statement: Statement) -> Iterator[Finding]:
        """Take note of a release or a return. Raises Rejected for one that is not made like one."""
        if statement.kind is not Kind.RELEASE:
            return
        release = statement.predicate.get("event") == "release"
        for item in items(statement.predicate, "objects"):
            digest = item.get("sha256")
            if not isinstance(digest, str) or not is_sha256_hex(digest):
                raise Rejected("predicate-malformed", f"sha256 is not a digest: {shown(digest)}")
            if release and digest in self._required:
                message = f"releases {digest}, which an entry before it requires"
                yield finding("release-required", message, statement.index)
            elif release:
                self._released[digest] = self._has_released = True
            else:
                self._released.pop(digest, None)

    def named(self, named: Named) -> None:
        """An entry names an object: whatever was released before, this entry says that it is kept."""
        if self._has_released:
            self._released.pop(named.digest, None)
        if named.required:
            self._required[named.digest] = True

    def absent(self, named: Named, entry: int) -> None:
        """An object that an entry names and does not require is not there."""
        self._absent[named.digest] = named.role, entry

    @property
    def count(self) -> int:
        """How many copies are not there because the author let go of them."""
        return sum(digest in self._released for digest in self._absent)

    def end(self) -> Iterator[Finding]:
        """Findings that only the end of the log shows: copies that are not there, and that nobody let go of."""
        for digest, (role, entry) in self._absent.items():
            if digest not in self._released:
                yield finding("picture-missing", f"{role} {digest} is not there", entry)
