"""The one way to write an entry while a host runs: append, then announce."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from ..model import Clock, Instant, Json, Kind
from ..record import predicate
from ..record.body import Body
from ..record.redact import Redactor
from ..store.index import Index
from ..store.ledger import Ledger
from ..store.objects import Prepared

SUBMISSIONS_REMEMBERED = 1_000
Announce = Callable[[dict[str, Json]], None]
Documents = Sequence[tuple[bytes, str] | Prepared]


class Say(Protocol):
    """Makes an entry's body for the moment it is written."""

    def __call__(self, *, at: Instant) -> Body:
        """Give subject and predicate."""


class Book:
    """One session's pen. announce: told about every entry once it is durable. salt: the ledger's, for redaction."""

    def __init__(self, ledger: Ledger, session: str, clock: Clock, announce: Announce, salt: bytes) -> None:
        self.ledger = ledger
        self.session = session
        self.clock = clock
        self._announce = announce
        self._submissions: OrderedDict[Json, tuple[int, str]] = OrderedDict()
        self.clean = Redactor(salt, lambda class_type: None).text  # replaces secrets in texts

    @property
    def index(self) -> Index:
        """What the ledger holds so far."""
        return self.ledger.index

    def append(self, kind: Kind, say: Say, objects: Documents = (), **event: Json) -> int:
        """Write one entry with the objects it names, announce it with `event`, and give its index.

        `say` is called inside the transaction, so that clocks and places in the log run the same way even when two
        processes write.
        """
        entry = self.ledger.append(kind, lambda binding: say(at=self.clock()), objects=objects)
        if kind is Kind.SUBMISSION:
            self._submissions[event.get("execution")] = entry.index, entry.leaf
            if len(self._submissions) > SUBMISSIONS_REMEMBERED:
                self._submissions.popitem(last=False)
        self._announce({"kind": kind.value, "entry": entry.index, **event})
        return entry.index

    def submission(self, execution: str) -> tuple[int, str] | None:
        """Index and leaf hash of a recent run's submission; None when it is not written yet. Safe on any thread."""
        return self._submissions.get(execution)

    def gap(
        self, reason: str, since: Instant, until: Instant, missed: predicate.Missed, detail: str | None = None
    ) -> int:
        """Say that recording failed between two moments, and how much was missed.

        The words of an error may hold what was in a graph, so secrets are replaced in them too.
        """
        reason, detail = self.clean(reason), None if detail is None else self.clean(detail)
        say = partial(
            predicate.gap,
            session=self.session,
            reason=reason,
            missed=missed,
            since=since,
            until=until,
            detail=detail,
        )
        return self.append(Kind.GAP, say, reason=reason)
