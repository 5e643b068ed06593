"""Between which moments a thing was recorded, as time-stamps tell, and how it stands with them. Reads the ledger only.

Bounds come from the index. The tokens behind each bound that is shown are checked, and their authorities against the
roots that were chosen here; their places in the log are `verify`'s to check.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

from ..canonical import timestamp
from ..errors import InputError, ProvenanceError
from ..model import Json
from ..pipeline.anchors import wall_ns
from ..seal import timestamp as tokens
from ..seal.timestamp import Roots, Trust
from ..store.attestations import AnchorRow, WitnessRow
from ..store.ledger import Ledger
from ..store.rows import ExecutionRow
from ..verify.bounds import Anchor, Bounds

ChosenRoots = Callable[[], Roots | None]
ANCHORED, PENDING, UNTRUSTED, SIGNATURE_UNCHECKED = "anchored", "pending", "untrusted", "signature-unchecked"
_COUNT = (Trust.TRUSTED, Trust.UNCHECKED)
_NEWEST = 20


class Times:
    """Answers for one ledger. roots: what this machine trusts, asked for each time; may raise InputError."""

    def __init__(self, ledger: Ledger, roots: ChosenRoots = lambda: None) -> None:
        self._ledger = ledger
        self._index = ledger.index.attestations
        self._roots = roots
        self._lock = threading.Lock()
        self._known: tuple[int, Roots | None] | None = None
        self._rows: dict[int, AnchorRow] = {}
        self._anchors: list[Anchor] = []
        self._refused: list[Anchor] = []
        self._unproved: list[Anchor] = []
        self._bounds = Bounds(())
        self._trust: dict[tuple[str, Roots | None], Trust | None] = {}

    def of_runs(self, runs: Iterable[ExecutionRow]) -> dict[str, dict[str, Json]]:
        """What `of` gives for each run, by its id: made after a moment before its submission, existed by one after its
        end."""
        ends = {run.id: (run.submission, run.submission if run.completion is None else run.completion) for run in runs}
        with self._lock:
            self._refresh()
            return {run: self._told(*entries) for run, entries in ends.items()}

    def of(self, entry: int) -> dict[str, Json]:
        """{"state", "after", "by"} of what an entry holds.

        after, by: null or {"time", "gen_time", "authority", "signer", "entry", "trust"}; `time` is the moment that can
        be relied on, `trust` is `trusted` or, where no roots were chosen, `unchecked`. state: `anchored`; `pending`
        while no time-stamp covers it; `untrusted` when those that do lead to none of the roots chosen, or do not hold;
        `signature-unchecked` when all that do are signed by SM2 or over SM3, which is not checked here.
        """
        with self._lock:
            self._refresh()
            return self._told(entry, entry)

    def summary(self) -> dict[str, Json]:
        """{"anchors", "covered", "unanchored", "witnesses"}: how many; covered: entries, from the first, that a
        time-stamp covers; unanchored: entries after them, up to the last one that is worth a time-stamp."""
        covered = self._index.reach()
        newest = self._index.newest()
        return {
            "anchors": self._index.count(),
            "covered": covered,
            "unanchored": 0 if newest is None else max(0, newest + 1 - covered),
            "witnesses": self._index.count_witnesses(),
        }

    def status(self) -> dict[str, Json]:
        """`summary` with {"newest", "witnesses", "roots", "problem"}.

        newest: the newest time-stamps, newest first, as `anchor` gives them. witnesses: all of them. roots: how many
        certificates are trusted here; problem: why they cannot be used.
        """
        roots, problem = self._chosen()
        return {
            **self.summary(),
            "newest": [self.anchor(row) for row in self._index.latest(_NEWEST)],
            "witnesses": [witness_json(row) for row in self._index.witnesses()],
            "roots": 0 if roots is None else len(roots.roots),
            "problem": problem,
        }

    def anchor(self, row: AnchorRow) -> dict[str, Json]:
        """One time-stamp: {"entry", "size", "gen_time", "accuracy_us", "authority", "url", "signer", "source", "note",
        "token", "trust"}; trust is null for a token that does not hold."""
        roots, _ = self._chosen()
        trust = self._trust_of(row, roots)
        members = ("entry", "size", "gen_time", "accuracy_us", "authority", "url", "signer", "source", "note", "token")
        return {**{name: getattr(row, name) for name in members}, "trust": None if trust is None else trust.value}

    def _chosen(self) -> tuple[Roots | None, str | None]:
        try:
            return self._roots(), None
        except InputError as error:
            return None, str(error)

    def _told(self, first: int, last: int) -> dict[str, Json]:
        after, by = self._sound(first)[0], self._sound(last)[1]
        return {
            "state": ANCHORED if by is not None else self._unanchored(last),
            "after": None if after is None else _bound(after, after.earliest_ns),
            "by": None if by is None else _bound(by, by.latest_ns),
        }

    def _unanchored(self, entry: int) -> str:
        """Why nothing bounds an entry from above."""
        if any(each.size > entry for each in self._refused):
            return UNTRUSTED
        return SIGNATURE_UNCHECKED if any(each.size > entry for each in self._unproved) else PENDING

    def _refresh(self) -> None:
        """Read the time-stamps again when there are more of them, or other roots."""
        roots, _ = self._chosen()
        known = (self._index.count(), roots)
        if known == self._known:
            return
        self._known = known
        self._rows = {row.entry: row for row in self._index.anchors()}
        self._anchors = [_anchor(row) for row in self._rows.values() if row.proved]
        self._unproved = [_anchor(row) for row in self._rows.values() if not row.proved]
        self._refused = []
        self._bounds = Bounds(self._anchors)

    def _sound(self, entry: int) -> tuple[Anchor | None, Anchor | None]:
        """The bounds of an entry by tokens that hold. Where one does not, or is refused, all of that signer's are left
        out: that may leave a bound wider than it could be, and never makes it narrower than it is."""
        roots = None if self._known is None else self._known[1]
        while True:
            span = self._bounds.of(entry)
            trusts = {each: self._trust_of(self._rows[each.entry], roots) for each in (span.after, span.by) if each}
            bad = {each.signer for each, trust in trusts.items() if trust not in _COUNT}
            if not bad:
                after, by = (
                    None if each is None else replace(each, trust=trusts[each] or Trust.REFUSED)
                    for each in (span.after, span.by)
                )
                return after, by
            self._refused += [each for each in self._anchors if each.signer in bad]
            self._anchors = [each for each in self._anchors if each.signer not in bad]
            self._bounds = Bounds(self._anchors)

    def _trust_of(self, row: AnchorRow, roots: Roots | None) -> Trust | None:
        key = (row.token, roots)
        if key not in self._trust:
            self._trust[key] = self._check(row, roots)
        return self._trust[key]

    def _check(self, row: AnchorRow, roots: Roots | None) -> Trust | None:
        """None for a token that is missing or does not hold, and for a row that says something else of it."""
        try:
            token, note = self._ledger.objects.get(row.token), self._ledger.objects.get(row.note)
            if token is None or note is None:
                return None
            checked = tokens.check(token, note, roots)
        except ProvenanceError:
            return None
        said = checked.said
        stated = (timestamp(said.gen_time_ns), said.accuracy_us, said.signer)
        return checked.trust if stated == (row.gen_time, row.accuracy_us, row.signer) else None


def witness_json(row: WitnessRow) -> dict[str, Json]:
    """One cosignature: {"entry", "size", "name", "label", "cosigned_at", "note", "public_key"}."""
    members = ("entry", "size", "name", "label", "cosigned_at", "note", "public_key")
    return {name: getattr(row, name) for name in members}


def _anchor(row: AnchorRow) -> Anchor:
    at = wall_ns(row.gen_time)
    return Anchor(
        entry=row.entry,
        size=row.size,
        gen_time_ns=at,
        earliest_ns=tokens.earliest_ns(at, row.accuracy_us),
        latest_ns=tokens.latest_ns(at, row.accuracy_us),
        authority=row.authority,
        signer=row.signer,
        trust=Trust.UNCHECKED,
    )


def _bound(anchor: Anchor, moment_ns: int) -> dict[str, Json]:
    return {
        "time": timestamp(moment_ns),
        "gen_time": timestamp(anchor.gen_time_ns),
        "authority": anchor.authority,
        "signer": anchor.signer,
        "entry": anchor.entry,
        "trust": anchor.trust.value,
    }
