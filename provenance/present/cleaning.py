"""Which kept copies may be let go of, letting go of them, and keeping them again.

Nothing of a run that the author keeps goes, nor anything that an entry requires. The signed release comes first, the
bytes go after it, a few hundred at a time: what a crash interrupts is either released and still here, or gone and
released. A file is hashed in the same pass that releases its copy; what somebody does to it right after, nobody sees.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

from ..canonical import sha256_hex
from ..errors import InputError, IntegrityError, StorageError
from ..model import Decision, FileRef, Json, Kind
from ..pipeline.book import Book
from ..record import files, releases
from ..record.releases import MOST_OBJECTS, Reason, Released, Role, Wish
from ..store.copies import Copy
from ..store.decisions import DecisionRow
from ..store.ledger import Ledger
from ..store.objects import Prepared
from .disk import sha256_of
from .filters import moment

TEMPORARY = "temp"  # ComfyUI empties this folder when it starts
Facts = tuple[int, int]  # size, mtime_ns
PathOf = Callable[[FileRef], "Path | None"]
Progress = Callable[[int, "int | None"], None]
_OFF = (("rejected", False), ("thumbnails", False))
Append = Callable[[Callable[[Book], dict[str, Json]]], dict[str, Json]]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a wish comes to. spared: copies that stay because the author keeps their run, or an entry requires them.
    surveyed: `Copies.newest` before anything was looked at. files: for what goes because it is in place, the file that
    was hashed, and its size and time."""

    wish: Wish
    objects: tuple[Released, ...]
    spared: int
    surveyed: int
    files: Mapping[str, tuple[Path, Facts]]

    def stands(self, released: Released) -> bool:
        """Whether the file because of which an object may go is still the one that was hashed."""
        if released.reason is not Reason.IN_PLACE:
            return True
        path, facts = self.files[released.sha256]
        return _facts(path) == facts


@dataclass(slots=True)
class _Places:
    """Whether files still lie where they lay; each is hashed once."""

    path_of: PathOf
    _known: dict[Path, tuple[str, Facts] | None] = field(default_factory=dict)

    def find(self, named: Iterable[Copy]) -> tuple[Path, Facts] | None:
        """A file that these copies of the same bytes were made of, unchanged at its recorded place, where it stays."""
        for copy in named:
            path = None if copy.file.type == TEMPORARY else self.path_of(copy.file)
            if path is not None:
                if path not in self._known:
                    self._known[path] = _hashed(path)
                known = self._known[path]
                if known is not None and known[0] == copy.sha256:
                    return path, known[1]
        return None


def _hashed(path: Path) -> tuple[str, Facts] | None:
    """SHA-256 of a file, and its size and time from before; None when it is not there or cannot be read."""
    facts = _facts(path)
    try:
        return None if facts is None else (sha256_of(path), facts)
    except InputError:
        return None


def _facts(path: Path) -> Facts | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def choose(ledger: Ledger, wish: Wish, path_of: PathOf, progress: Progress | None = None) -> Choice:
    """What may go by a wish. Reads and hashes files; takes as long as reading them does. Changes nothing."""
    surveyed = ledger.copies.newest()
    protected = ledger.copies.protected()
    copies = sorted(ledger.copies.kept(), key=lambda copy: copy.digest)
    verdicts = _Verdicts(ledger.index.decisions.of({copy.execution for copy in copies}))
    places = _Places(path_of)
    objects: list[Released] = []
    found: dict[str, tuple[Path, Facts]] = {}
    spared = 0
    for digest, group in groupby(copies, key=lambda copy: copy.digest):
        named = list(group)
        if digest in protected or any(verdicts.keeps(copy) for copy in named):
            spared += 1
            continue
        reason = _reason(wish, named, verdicts)
        if reason is Reason.IN_PLACE:
            place = places.find(named)
            if place is None:
                continue
            found[digest] = place
        if reason is not None:
            objects.append(Released(digest, _role(named), reason, named[0].size))
        if progress is not None:
            progress(len(objects), None)
    return Choice(wish, tuple(objects), spared, surveyed, found)


def let_go(ledger: Ledger, choice: Choice, append: Append, progress: Progress | None = None) -> dict[str, Json]:
    """Release what was chosen: {"entries", "count", "bytes", "left"}. `left` are still here: the file changed since, or
    a run began meanwhile. append: has a function called where entries are written. Raises InputError while a run is
    open.
    """
    open_runs = len(ledger.index.open_executions())
    if open_runs:
        raise InputError(f"{open_runs} recorded runs are not over yet: clean up when the queue is empty")
    entries: list[int] = []
    count = size = 0
    for start in range(0, len(choice.objects), MOST_OBJECTS):
        batch = [each for each in choice.objects[start : start + MOST_OBJECTS] if choice.stands(each)]
        if batch:
            told = append(partial(_release, wish=choice.wish, batch=batch, surveyed=choice.surveyed))
            entries.append(told["entry"])
            count, size = count + told["count"], size + told["bytes"]
        if progress is not None:
            progress(min(start + MOST_OBJECTS, len(choice.objects)), len(choice.objects))
    return {"entries": entries, "count": count, "bytes": size, "left": len(choice.objects) - count}


def keep_again(ledger: Ledger, path_of: PathOf, append: Append, progress: Progress | None = None) -> dict[str, Json]:
    """Keep released copies again, of files that lie unchanged at their recorded places, and thumbnails where they come
    out the same: {"entries", "count", "bytes", "left"}; `left` cannot be had again from here."""
    places = _Places(path_of)
    gone = sorted(ledger.copies.released(), key=lambda copy: copy.digest)
    wanted = {digest: list(group) for digest, group in groupby(gone, key=lambda copy: copy.digest)}
    entries: list[int] = []
    count = size = done = 0
    for batch in _batches(wanted.values()):
        made = [(named, prepared) for named in batch if (prepared := _made_again(ledger, named, places)) is not None]
        done += len(batch)
        if made:
            told = append(partial(_return, made=made))
            entries.append(told["entry"])
            count, size = count + told["count"], size + told["bytes"]
        if progress is not None:
            progress(done, len(wanted))
    return {"entries": entries, "count": count, "bytes": size, "left": len(wanted) - count}


def told(choice: Choice) -> dict[str, Json]:
    """{"asked", "count", "bytes", "roles", "reasons", "spared"}: roles and reasons to {"count", "bytes"}."""
    wish = choice.wish
    return {
        "asked": {name: getattr(wish, name) for name in ("in_place", "rejected", "before", "thumbnails")},
        **_heap(choice.objects),
        "roles": {role.value: _heap(each for each in choice.objects if each.role is role) for role in Role},
        "reasons": {
            reason.value: _heap(each for each in choice.objects if each.reason is reason)
            for reason in Reason
            if reason is not Reason.SEEN_AGAIN
        },
        "spared": choice.spared,
    }


def wish_of(body: Mapping[str, Json]) -> Wish:
    """What a client asks for: {"in_place", "rejected", "before", "thumbnails"}, all optional. Raises InputError."""
    flags = {name: body.get(name, default) for name, default in (("in_place", True), *_OFF)}
    wrong = next((name for name, value in flags.items() if not isinstance(value, bool)), None)
    if wrong is not None:
        raise InputError(f"{wrong} must be true or false")
    before = body.get("before")
    if before is not None and not isinstance(before, str):
        raise InputError("before must be a date, a time of RFC 3339, or null")
    wish = Wish(flags["in_place"], flags["rejected"], None if before is None else moment(before), flags["thumbnails"])
    if wish == Wish(in_place=False):
        raise InputError("nothing is asked for: in_place, rejected, before or thumbnails")
    return wish


def _heap(objects: Iterable[Released]) -> dict[str, Json]:
    sizes = [each.size for each in objects]
    return {"count": len(sizes), "bytes": sum(sizes)}


def _release(book: Book, *, wish: Wish, batch: Sequence[Released], surveyed: int) -> dict[str, Json]:
    say = partial(releases.release, session=book.session, wish=wish, objects=batch)
    entry = book.append(Kind.RELEASE, say, event="release", count=len(batch))
    gone = book.ledger.copies.remove([each.sha256 for each in batch], surveyed=surveyed)
    return {"entry": entry, "count": len(gone.digests), "bytes": gone.bytes}


def _return(book: Book, *, made: Sequence[tuple[list[Copy], Prepared]]) -> dict[str, Json]:
    objects = [(prepared.digest, _role(named), prepared.size) for named, prepared in made]
    say = partial(releases.returned, session=book.session, objects=objects)
    documents = [prepared for _, prepared in made]
    entry = book.append(Kind.RELEASE, say, documents, event="return", count=len(objects))
    return {"entry": entry, "count": len(objects), "bytes": sum(size for _, _, size in objects)}


def _made_again(ledger: Ledger, named: Sequence[Copy], places: _Places) -> Prepared | None:
    place = places.find(named)
    if place is None:
        return None
    is_picture = _role(named) is Role.THUMBNAIL
    try:
        reading = files.look(place[0], thumbnail=is_picture)
        if not is_picture:
            return ledger.objects.prepare_file(place[0], reading.facts.media_type, expected=named[0].digest)
    except (InputError, IntegrityError, StorageError):  # it changed or went away since it was hashed
        return None
    made = reading.thumbnail
    same = made is not None and sha256_hex(made) == named[0].digest
    return ledger.objects.prepare(made, "image/webp") if made is not None and same else None


def _reason(wish: Wish, named: Sequence[Copy], verdicts: _Verdicts) -> Reason | None:
    """Why these copies of the same bytes may go, in place provided that a file is; None when they stay."""
    role = _role(named)
    if role is Role.THUMBNAIL:
        return Reason.IN_PLACE if wish.thumbnails else None
    if wish.rejected and role is Role.OUTPUT and all(map(verdicts.rejects, named)):
        return Reason.REJECTED
    before = wish.before
    if before is not None and all(copy.submitted_at < before for copy in named):
        return Reason.AGE
    return Reason.IN_PLACE if wish.in_place else None


def _role(named: Sequence[Copy]) -> Role:
    roles = {Role(copy.role) for copy in named}
    return next(role for role in (Role.OUTPUT, Role.INPUT, Role.THUMBNAIL) if role in roles)


class _Verdicts:
    """The verdicts that stand, by run and output; None is the run as a whole."""

    def __init__(self, rows: Iterable[DecisionRow]) -> None:
        self._said: dict[tuple[str, str | None], str] = {}
        for row in rows:
            if row.decision in (Decision.KEEP.value, Decision.REJECT.value):
                self._said[row.execution, row.output] = row.decision
            elif row.decision == Decision.CLEAR.value:
                self._said.pop((row.execution, row.output), None)
        self._kept = {execution for (execution, _), said in self._said.items() if said == Decision.KEEP.value}

    def keeps(self, copy: Copy) -> bool:
        """Whether the author keeps what a copy is of: its run, that output, anything made by the run of that input."""
        if copy.role == Role.INPUT.value:
            return copy.execution in self._kept
        said = (self._said.get((copy.execution, name)) for name in (None, copy.sha256))
        return Decision.KEEP.value in said

    def rejects(self, copy: Copy) -> bool:
        """Whether the author rejects that output, or its run without having said anything of the output."""
        whole = self._said.get((copy.execution, None))
        return self._said.get((copy.execution, copy.sha256), whole) == Decision.REJECT.value


def _batches(values: Iterable[list[Copy]]) -> Iterator[list[list[Copy]]]:
    batch: list[list[Copy]] = []
    for value in values:
        batch.append(value)
        if len(batch) == MOST_OBJECTS:
            yield batch
            batch = []
    if batch:
        yield batch
