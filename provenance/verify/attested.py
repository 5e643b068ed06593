"""Whether what others attest about this log holds: time-stamp tokens in anchors, cosignatures in witnesses.

Fed with one sound statement after another, in the order of the log. Invariants:

* an anchored or cosigned checkpoint is of this log, signed by its key, and its root is that of the entries found;
* it ends before the entry that holds it;
* the token was made for that checkpoint's bytes, is sound in itself, and the entry says of it what it says;
* times run with the log: a token over a checkpoint that covers an earlier token's entry is not older than that one;
* the writer's clock agrees with them, within a tolerance.

A token whose signature is of a kind that is not checked here (SM2, SM3) says nothing about time.

Whether an authority is trusted is the verifier's choice, made with roots. Without any, one finding says that it was
not checked. Not checked: a cosigner's identity and clock.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from ..canonical import timestamp
from ..errors import InputError, IntegrityError
from ..model import Finding, Json, Kind, Token
from ..seal import checkpoint as notes
from ..seal import cosign
from ..seal import timestamp as tokens
from ..seal.keys import PublicKey, public_from_pem
from ..seal.timestamp import Roots, Trust
from .bounds import Anchor
from .policy import Rejected, finding, shown
from .statements import Statement

CLOCK_TOLERANCE_S = 60

Objects = Callable[[str], bytes | None]
RootAt = Callable[[int], bytes | None]

_SECOND = 1_000_000_000
_STATED = ("signer", "policy", "serial", "gen_time", "accuracy_us", "nonce", "imprint")
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)


class Attested:
    """Remembers every anchor, and 16 bytes for each entry.

    objects: bytes of an object that is there and right, else None. root_at: the root over the first entries found;
    None where that is not known.
    """

    def __init__(self, public: PublicKey, roots: Roots | None, objects: Objects, root_at: RootAt) -> None:
        self._public = public
        self._origin = notes.origin_of(public)
        self._roots = roots
        self._objects = objects
        self._root_at = root_at
        self.anchors: list[Anchor] = []
        self.witnesses = 0
        self._starts: list[tuple[int, int]] = []  # entry, latest earliest_ns so far: both only grow
        self._places = array("q")  # of sound entries
        self._clocks = array("q")  # for each of them, the newest wall clock of it and those before, in microseconds
        self._told_start = -1

    def tell(self, statement: Statement, index: int) -> Iterator[Finding]:
        """Findings about the statement found at this place. Raises Rejected for a member of the wrong type."""
        yield from self._clock(statement, index)
        if statement.kind is Kind.ANCHOR:
            yield from self._anchor(statement.predicate, index)
        elif statement.kind is Kind.WITNESS:
            yield from self._witness(statement.predicate, index)

    def end(self) -> Iterator[Finding]:
        """What only the end shows: how many authorities nobody vouched for."""
        unchecked = sum(each.trust is Trust.UNCHECKED for each in self.anchors)
        if unchecked:
            message = (
                f"{unchecked} time-stamp tokens are there, their authorities were not checked: no roots were given"
            )
            yield finding("anchor-unchecked", message)

    # clocks

    def _clock(self, statement: Statement, index: int) -> Iterator[Finding]:
        clock = _wall_us(statement.recorded_at)
        self._places.append(index)
        self._clocks.append(max(clock, self._clocks[-1] if self._clocks else 0))
        start = self._starts[-1] if self._starts else None
        late = start is not None and clock * 1_000 + CLOCK_TOLERANCE_S * _SECOND < start[1]
        if start is not None and late and self._told_start != start[0]:
            self._told_start = start[0]
            message = f"says {statement.recorded_at}, but entry {start[0]} before it holds a time-stamp of "
            yield finding("clock-anchor", message + timestamp(start[1]), index)

    # anchors

    def _anchor(self, predicate: dict[str, Json], index: int) -> Iterator[Finding]:
        head = _head(predicate)
        note, token = self._objects(_text(head, "object")), self._objects(_text(predicate, "token"))
        if note is None or token is None:
            return  # a missing or altered object has its own finding
        wrong = self._checkpoint(head, note, index)
        if wrong is not None:
            yield finding("anchor-checkpoint", wrong, index)
            return
        try:
            checked = tokens.check(token, note, self._roots)
        except IntegrityError as error:
            yield finding(self._fault(token, note), str(error), index)
            return
        said = checked.said
        if _stated(said) != {name: predicate.get(name) for name in _STATED}:
            yield finding("anchor-stated", "the entry says something else of its token than the token says", index)
            return
        if predicate.get("source") == "requested" and said.nonce is None:
            yield finding("anchor-stated", "the entry says that the token was asked for, but it has no nonce", index)
            return
        authority = predicate.get("authority")
        name = authority.get("name") if isinstance(authority, dict) else None
        anchor = Anchor(
            entry=index,
            size=head["size"],
            gen_time_ns=said.gen_time_ns,
            earliest_ns=tokens.earliest_ns(said.gen_time_ns, said.accuracy_us),
            latest_ns=tokens.latest_ns(said.gen_time_ns, said.accuracy_us),
            authority=name if isinstance(name, str) else "",
            signer=said.signer,
            trust=checked.trust,
        )
        if checked.trust is Trust.SIGNATURE_UNCHECKED:
            self.anchors.append(anchor)
            yield finding("anchor-signature-unchecked", f"{checked.reason}; it bounds nothing", index)
            return
        if checked.trust is Trust.REFUSED:
            self.anchors.append(anchor)
            message = f"the token of {shown(anchor.signer or anchor.authority)} leads to none of the roots given"
            yield finding("anchor-untrusted", message, index)
            return
        yield from self._order(anchor)

    @staticmethod
    def _fault(token: bytes, note: bytes) -> str:
        """A token over other bytes was moved here; any other fault is the token's own."""
        try:
            said = tokens.read(token)
        except IntegrityError:
            return "anchor-token"
        return "anchor-token" if tokens.is_over(said, note) else "anchor-imprint"

    def _order(self, anchor: Anchor) -> Iterator[Finding]:
        """Keep an anchor whose time can be true; what contradicts earlier anchors bounds nothing."""
        covered = bisect_left(self._starts, (anchor.size,))
        if covered and self._starts[covered - 1][1] > anchor.latest_ns:
            entry, start = self._starts[covered - 1]
            message = f"its token is of {timestamp(anchor.gen_time_ns)}, but it covers entry {entry}, made after "
            yield finding("anchor-order", message + timestamp(start), anchor.entry)
            return
        self.anchors.append(anchor)
        latest = self._starts[-1][1] if self._starts else anchor.earliest_ns
        self._starts.append((anchor.entry, max(latest, anchor.earliest_ns)))
        before = bisect_left(self._places, anchor.size)
        newest = self._clocks[before - 1] * 1_000 if before else 0
        if newest > anchor.latest_ns + CLOCK_TOLERANCE_S * _SECOND:
            message = f"covers an entry that says it was made at {timestamp(newest)}, after its token's "
            yield finding("clock-anchor", message + timestamp(anchor.gen_time_ns), anchor.entry)

    # witnesses

    def _witness(self, predicate: dict[str, Json], index: int) -> Iterator[Finding]:
        head = _head(predicate)
        note = self._objects(_text(head, "object"))
        if note is None:
            return
        wrong = self._checkpoint(head, note, index)
        if wrong is not None:
            yield finding("witness-checkpoint", wrong, index)
            return
        match predicate.get("witness"):
            case {"name": str(name), "public_key": str(pem)}:
                pass
            case _:
                raise Rejected("predicate-malformed", "the entry does not say who cosigned")
        try:
            at = timestamp(cosign.open(note, name, public_from_pem(pem)) * _SECOND)
        except (IntegrityError, InputError) as error:
            yield finding("witness-signature", str(error), index)
            return
        if at != predicate.get("cosigned_at"):
            yield finding("witness-signature", f"the cosignature is of {at}, the entry says otherwise", index)
            return
        self.witnesses += 1

    def _checkpoint(self, stated: dict[str, Json], note: bytes, index: int) -> str | None:
        """What is wrong with a kept checkpoint; None when it is one of this log, of entries before this one."""
        try:
            head = notes.open(note, self._public, self._origin)
        except IntegrityError as error:
            return str(error)
        if (head.size, head.root.hex()) != (stated["size"], stated.get("root")):
            return "the checkpoint is another one than the entry says"
        if not 0 < head.size <= index:
            return f"the checkpoint covers {head.size} entries, this is entry {index}"
        root = self._root_at(head.size)
        if root is not None and root != head.root:
            return f"the checkpoint signs another history of {head.size} entries than this log holds"
        return None


def _head(predicate: dict[str, Json]) -> dict[str, Json]:
    head = predicate.get("checkpoint")
    if not isinstance(head, dict) or type(head.get("size")) is not int:
        raise Rejected("predicate-malformed", "the entry does not name a checkpoint")
    return head


def _text(predicate: dict[str, Json], member: str) -> str:
    value = predicate.get(member)
    if not isinstance(value, str):
        raise Rejected("predicate-malformed", f"{member} is not a text: {shown(value)}")
    return value


def _stated(said: Token) -> dict[str, Json]:
    """What an entry says of a token, from the token."""
    return {
        "signer": said.signer,
        "policy": said.policy,
        "serial": said.serial,
        "gen_time": timestamp(said.gen_time_ns),
        "accuracy_us": said.accuracy_us,
        "nonce": said.nonce,
        "imprint": {"algorithm": said.algorithm, "digest": said.imprint},
    }


def _wall_us(recorded_at: str) -> int:
    """Microseconds since the Unix epoch of a time that statements were checked to have. Raises Rejected for a time that
    is none, such as a month 13."""
    try:
        moment = datetime.fromisoformat(recorded_at.removesuffix("Z"))
    except ValueError as error:
        raise Rejected("predicate-malformed", f"recorded_at is no time: {shown(recorded_at)}") from error
    return (moment - _EPOCH) // _MICROSECOND
