"""Checks a whole log: every signature, place, link and object, from the genesis to the checkpoint.

What a clean report says: these entries were signed by this key, none was changed, moved, removed or added since the
checkpoint was signed, each was appended to exactly those before it, and the objects they name are unchanged.
What it does not say: whose key it is, when it happened (the clocks are the writer's own; what time-stamps say of it is
in the report's `anchors`), that everything was recorded, or that the writer did not sign another history beside this
one: for that, pass checkpoints seen earlier.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Protocol

from ..canonical import sha256_hex
from ..errors import IntegrityError, NewerFormat, NotFound, SchemaError
from ..model import Finding, Json, Kind
from ..record import schema
from ..seal import checkpoint as notes
from ..seal.checkpoint import Checkpoint, Fingerprint
from ..seal.keys import PublicKey
from ..seal.timestamp import Roots
from . import statements
from .attested import Attested
from .bounds import Anchor
from .chain import Chain
from .chronicle import Chronicle
from .policy import ERROR, MAX_FINDINGS, MAX_MISSING_RUN, Rejected, finding
from .released import Releases
from .statements import Named, Statement

SchemaCheck = Callable[[str, Json], None]
Progress = Callable[[int, int | None], None]
Reached = Callable[[Checkpoint], None]  # told how far a check has come
_PROGRESS_STEP = 256
_REACHED_STEP = 4096
_MOST_SOUND = 1024
_JUDGED_BY_OBJECTS = frozenset({Kind.ANCHOR, Kind.WITNESS})  # what they say is in tokens, which are read each time


class Reader(Protocol):
    """How a log is read, live or exported. `StorageError` passes through the check to its caller."""

    def checkpoint(self) -> bytes:
        """The latest signed note. Raises NotFound or KeyError when there is none."""

    def entry(self, index: int) -> bytes:
        """The envelope at a place, exactly as stored. Raises NotFound or KeyError when there is none."""

    def object(self, digest: str) -> bytes | None:
        """An object's bytes, None when it is not there. May raise IntegrityError for bytes it knows to be wrong."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What stands in for that part of a log which a reader does not show.

    leaf(index): the leaf hash of an entry that is not shown, None where there ought to be an entry. What such an entry
    says stays unknown; its place and its bytes are bound by the tree all the same. left_out: digests of objects that
    are not shown on purpose.
    """

    leaf: Callable[[int], bytes | None] = lambda index: None
    left_out: Container[str] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. ok: no finding is an error. entries: how many were there. checkpoint: None when invalid.
    anchors: those whose checkpoint and token hold, refused authorities included; `bounds.Bounds` makes spans of them.
    witnesses: cosignatures that hold. released: copies that are not there because the author let go of them.
    resumed: how many entries were only compared with what was verified earlier."""

    ok: bool
    entries: int
    checkpoint: Checkpoint | None
    findings: tuple[Finding, ...]
    anchors: tuple[Anchor, ...] = ()
    witnesses: int = 0
    released: int = 0
    resumed: int = 0


def verify(
    reader: Reader,
    public: PublicKey,
    *,
    schema_check: SchemaCheck | None = schema.validate,
    seen: Iterable[Checkpoint | Fingerprint] = (),
    roots: Roots | None = None,
    progress: Progress | None = None,
    excerpt: Excerpt | None = None,
    verified: Checkpoint | None = None,
    reached: Reached | None = None,
) -> Report:
    """Check the log that belongs to a key.

    schema_check(predicate_type, predicate) raises SchemaError or NewerFormat; None leaves the schemas out.
    seen: checkpoints of this log that were opened earlier, or that others kept; the log must still extend them.
    roots: certificates of time-stamping authorities that the verifier trusts; None: authorities are not checked.
    progress(done, total) is called now and then; total is None while the log's size is unknown.
    excerpt: for a reader that shows a part of the log only.
    verified: how far an earlier check came, as `reached` was told. Entries before that are read and must make the same
    tree, so they are the bytes that were verified; their signatures, schemas and objects are not checked again. Where
    they make another tree, everything is. reached(head) is called now and then while nothing is wrong.
    Never raises for anything that is wrong with the log itself.
    """
    seen = tuple(seen) if verified is None else (*seen, verified)
    about = (reader, public, schema_check, seen, roots, progress, excerpt or Excerpt())
    try:
        return _Check(*about, verified, reached).run()
    except _NotAsVerified:
        return _Check(*about, None, reached).run()


class _NotAsVerified(Exception):
    """Entries that were verified earlier make another tree now."""


class _Check:
    """One pass over one log. Pure apart from what the reader does."""

    def __init__(
        self,
        reader: Reader,
        public: PublicKey,
        schema_check: SchemaCheck | None,
        seen: tuple[Checkpoint | Fingerprint, ...],
        roots: Roots | None,
        progress: Progress | None,
        excerpt: Excerpt,
        verified: Checkpoint | None,
        reached: Reached | None,
    ) -> None:
        self._reader = reader
        self._public = public
        self._origin = notes.origin_of(public)
        self._schema_check = schema_check
        self._seen = seen
        self._progress = progress
        self._excerpt = excerpt
        self._verified = verified
        self._resumed = 0 if verified is None else verified.size
        self._reached = reached
        self._whole = True  # nothing was found that going on from here would pass over
        self._findings: list[Finding] = []
        self._unlisted = 0
        self._errors = False
        self._chronicle = Chronicle()
        self._sound = _Sound()
        self._releases = Releases()
        self._chain = Chain(self._origin)
        self._attested = Attested(public, roots, self._sound_object, self._chain.root_at)

    def run(self) -> Report:
        checkpoint = self._checkpoint()
        entries = self._entries(None if checkpoint is None else checkpoint.size)
        if entries < self._resumed:
            raise _NotAsVerified
        self._compare_seen()
        if checkpoint is not None:
            self._end(checkpoint)
        for found in (*self._chronicle.end(), *self._releases.end(), *self._attested.end()):
            self._note(found)
        tree = self._chain.tree
        if self._reached is not None and tree is not None and self._whole:
            self._reached(Checkpoint(self._origin, tree.size, tree.root))
        if self._unlisted:
            message = f"{self._unlisted} further findings are not listed"
            self._findings.append(finding("findings-unlisted", message))
        attested = self._attested
        return Report(
            not self._errors,
            entries,
            checkpoint,
            tuple(self._findings),
            tuple(attested.anchors),
            attested.witnesses,
            self._releases.count,
            self._resumed,
        )

    def _note(self, found: Finding) -> None:
        self._errors |= found.severity == ERROR
        self._whole &= not self._errors
        if len(self._findings) < MAX_FINDINGS:
            self._findings.append(found)
        else:
            self._unlisted += 1

    def _find(self, code: str, message: str, entry: int | None = None) -> None:
        self._note(finding(code, message, entry))

    # the checkpoint

    def _checkpoint(self) -> Checkpoint | None:
        try:
            return notes.open(self._reader.checkpoint(), self._public, self._origin)
        except (KeyError, NotFound):
            self._find("checkpoint-missing", "the log has no checkpoint")
        except IntegrityError as error:
            self._find("checkpoint-invalid", str(error))
        return None

    def _end(self, checkpoint: Checkpoint) -> None:
        size = checkpoint.size
        if size == 0:
            self._find("genesis-missing", "the log is empty")
        for seen in self._seen:
            if seen.size > size:
                self._find("rolled-back", f"a checkpoint of {seen.size} entries was seen, this one covers {size}")
        tree = self._chain.tree
        if tree is not None and tree.root != checkpoint.root:
            message = f"the checkpoint signs root {checkpoint.root.hex()}, the entries make {tree.root.hex()}"
            self._find("checkpoint-root", message)
        if self._fetch(size) is not None and not self._has_grown(size):
            self._find("entry-uncovered", f"entry {size} is there, but the checkpoint ends before it", size)

    def _has_grown(self, size: int) -> bool:
        """Whether the writer appended while we read: then a newer valid checkpoint covers the surplus."""
        try:
            return notes.open(self._reader.checkpoint(), self._public, self._origin).size > size
        except (KeyError, NotFound, IntegrityError):
            return False

    def _compare_seen(self) -> None:
        tree = self._chain.tree
        for seen in self._seen:
            if tree is None or seen.size != tree.size:
                continue
            if not notes.agree(seen, Checkpoint(self._origin, tree.size, tree.root)):
                self._find("forked", f"a checkpoint of {seen.size} entries was seen that signs another history")

    # the entries

    def _fetch(self, index: int) -> bytes | None:
        try:
            return self._reader.entry(index)
        except (KeyError, NotFound):
            return None

    def _entries(self, size: int | None) -> int:
        index = found = 0
        gap: int | None = None  # first of the missing entries we are in
        while size is None or index < size:
            envelope = self._fetch(index)
            if envelope is not None:
                self._close_gap(gap, index)
                gap = None
                found += 1
                self._entry(index, envelope)
            elif (leaf := self._excerpt.leaf(index)) is not None:
                self._close_gap(gap, index)
                gap = None
                self._compare_seen()
                self._chronicle.unread(index)
                self._chain.append_leaf(leaf)
            elif size is None:
                break
            else:
                gap = index if gap is None else gap
                self._chronicle.unread(index)
                self._chain.skip()
                if index - gap == MAX_MISSING_RUN:  # do not ask for each of the places that a signed size may name
                    index = size - 1
            index += 1
            self._stand(index)
            if self._progress is not None and index % _PROGRESS_STEP == 0:
                self._progress(index, size)
        self._close_gap(gap, index)
        if self._progress is not None:
            self._progress(index, size)
        return found

    def _stand(self, index: int) -> None:
        """Compare the tree with the one that was verified earlier, and tell how far this check has come."""
        tree = self._chain.tree
        if self._verified is not None and index == self._verified.size:
            if tree is None or tree.root != self._verified.root:
                raise _NotAsVerified
        elif self._reached is not None and tree is not None and self._whole and index % _REACHED_STEP == 0:
            self._reached(Checkpoint(self._origin, tree.size, tree.root))

    def _close_gap(self, first: int | None, end: int) -> None:
        if first is not None:
            what = f"entry {first} is" if end - first == 1 else f"entries {first} to {end - 1} are"
            self._find("entry-missing", f"{what} missing", first)

    def _entry(self, index: int, envelope: bytes) -> None:
        if self._seen:
            self._compare_seen()
        try:
            known = index < self._resumed
            statement = statements.read_again(envelope) if known else statements.read(envelope, self._public)
            for found in self._chain.check(index, statement):
                self._note(found)
        except Rejected as error:
            self._chain.suspect()
            self._reject(index, error)
        else:
            try:
                self._says(index, statement)
            except Rejected as error:
                self._reject(index, error)
        self._chain.append(envelope)

    def _reject(self, index: int, error: Rejected) -> None:
        self._find(error.code, str(error), index)
        self._chronicle.unread(index)

    def _says(self, index: int, statement: Statement) -> None:
        if statement.kind is Kind.GENESIS:
            if index:
                self._find("genesis-repeated", "only the first entry may be a genesis", index)
            statements.check_genesis(statement, self._public)
        elif index == 0:
            self._find("genesis-missing", f"the log begins with a {statement.kind.value}", index)
        known = index < self._resumed
        if self._schema_check is not None and not known:
            self._schema(index, statement, self._schema_check)
        for found in self._chronicle.tell(statement):
            self._note(found)
        looked_at = not known or statement.kind in _JUDGED_BY_OBJECTS
        for named in statements.objects(statement):
            self._releases.named(named)
            if looked_at and named.digest not in self._sound:
                self._object(index, named)
        for found in self._releases.tell(statement):
            self._note(found)
        for found in self._attested.tell(statement, index):
            self._note(found)

    def _schema(self, index: int, statement: Statement, check: SchemaCheck) -> None:
        try:
            check(statement.predicate_type, statement.predicate)
        except NewerFormat as error:
            self._find("format-newer", str(error), index)
        except SchemaError as error:
            self._find("schema-invalid", str(error), index)

    def _object(self, index: int, named: Named) -> None:
        self._look_at(index, named)
        self._whole &= named.digest in self._sound

    def _look_at(self, index: int, named: Named) -> None:
        try:
            data = self._reader.object(named.digest)
        except IntegrityError as error:
            self._find("object-altered", f"{named.role}: {error}", index)
            return
        if data is None and named.digest in self._excerpt.left_out:
            return
        if data is None and not named.required:
            self._releases.absent(named, index)
        elif data is None:
            code = "chunk-missing" if named.role == "chunk" else "object-missing"
            self._find(code, f"{named.role} {named.digest} is not there", index)
        elif sha256_hex(data) != named.digest:
            self._find("object-altered", f"{named.role} {named.digest} has other bytes", index)
        else:
            self._sound.add(named.digest)

    def _sound_object(self, digest: str) -> bytes | None:
        return self._reader.object(digest) if digest in self._sound else None


class _Sound:
    """Digests of the objects that were named last, and were there and right; the others are looked at again."""

    def __init__(self) -> None:
        self._digests = OrderedDict[str, None]()

    def add(self, digest: str) -> None:
        self._digests[digest] = None
        if len(self._digests) > _MOST_SOUND:
            self._digests.popitem(last=False)

    def __contains__(self, digest: str) -> bool:
        known = digest in self._digests
        if known:
            self._digests.move_to_end(digest)
        return known
