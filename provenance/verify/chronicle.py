"""Whether the entries tell a possible story: sessions, clocks, and the life of each execution.

Fed with one sound statement after another, in the order of the log. Invariants:

* an execution id is submitted once, and completed at most once, by a completion that names its submission's entry;
* entries of a session lie between its start and its stop; sessions of several processes may interleave;
* a session accepts no execution between its pause and its resume;
* what is decided about was submitted before;
* a replay that says the log holds its original is submitted after it; its outcome follows its completion, once, and
  names both;
* the monotonic clock never runs backwards within a session, the wall clock never from one entry to the next.

Entries that could not be read are announced with `unread`, so that what depends on them is not called wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..model import Finding, Json, Kind
from ..shelf import Numbers, Shelf
from .authored import Authored
from .policy import Rejected, finding, shown
from .statements import Statement

HOST = "ComfyUI"  # the host whose sessions complete the runs that dead sessions left open


@dataclass(slots=True)
class _Session:
    last_ns: int
    stopped: bool = False
    paused: bool = False
    of_host: bool = True


class _Execution(NamedTuple):
    entry: int
    session: str | None
    original: str | None = None  # of a replay
    completion: int | None = None
    compared: bool = False


class Chronicle:
    """Remembers every execution seen, in a temporary file, and every session."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}
        self._executions = Shelf[_Execution](tuple, _Execution._make)
        self._unread = Numbers()
        self._authored = Authored(self._unread)
        self._recorded_at = ""

    def unread(self, entry: int) -> None:
        """Entry `entry` is missing or broken: it may have been anything."""
        self._unread.add(entry)

    def tell(self, statement: Statement) -> Iterator[Finding]:
        """Findings about the next statement. Raises Rejected when a member it needs has the wrong type."""
        yield from self._clocks(statement)
        match statement.kind:
            case Kind.SUBMISSION:
                yield from self._submission(statement)
            case Kind.COMPLETION:
                yield from self._completion(statement)
                yield from self._authored.tell(statement)
            case Kind.DECISION:
                yield from self._decision(statement)
            case Kind.REPLAY:
                yield from self._replay(statement)
            case _:
                yield from self._authored.tell(statement)

    def end(self) -> Iterator[Finding]:
        """Findings that only the end of the log shows: executions that nothing will ever complete.

        An execution of a session that still runs, or of one that no later session can speak for, is merely open: those
        of programs that are no host, such as the command line, speak for nobody.
        """
        for execution, known in self._executions.items():
            if known.completion is None and not self._unread and self._ended(known.session or ""):
                yield finding("execution-open", f"execution {shown(execution)} has no completion", known.entry)
        yield from self._authored.end(self._ended)

    def _ended(self, session: str) -> bool:
        """Whether a session can write nothing more, as far as the log tells."""
        latest = next((name for name, known in reversed(self._sessions.items()) if known.of_host), None)
        known = self._sessions.get(session)
        return session != latest or (known is not None and known.stopped)

    def _clocks(self, statement: Statement) -> Iterator[Finding]:
        if statement.recorded_at < self._recorded_at:
            message = f"wall clock {statement.recorded_at} is earlier than {self._recorded_at} in the entry before"
            yield finding("clock-back", message, statement.index)
        self._recorded_at = statement.recorded_at
        if statement.session is None:
            return
        starts = statement.kind is Kind.SESSION and statement.predicate.get("event") == "start"
        session = self._sessions.get(statement.session)
        if session is None:
            # The genesis may belong to the session that is about to start.
            if not starts and statement.kind is not Kind.GENESIS and not self._unread:
                yield self._order(statement, "has not started")
            if starts or statement.kind is not Kind.GENESIS:
                self._sessions[statement.session] = _Session(statement.monotonic_ns, of_host=_is_host(statement))
            return
        if starts or session.stopped:
            yield self._order(statement, "has stopped" if session.stopped else "has started already")
        if statement.monotonic_ns < session.last_ns:
            message = f"monotonic clock of session {shown(statement.session)} ran backwards"
            yield finding("monotonic-back", message, statement.index)
        session.last_ns = statement.monotonic_ns
        event = statement.predicate.get("event") if statement.kind is Kind.SESSION else None
        session.stopped |= event == "stop"
        session.paused = event == "pause" or (session.paused and event != "resume")

    @staticmethod
    def _order(statement: Statement, problem: str) -> Finding:
        return finding("session-order", f"session {shown(statement.session)} {problem}", statement.index)

    def _submission(self, statement: Statement) -> Iterator[Finding]:
        execution = _text(statement.predicate, "execution")
        session = self._sessions.get(statement.session or "")
        if session is not None and session.paused and not self._unread:
            message = f"execution {shown(execution)} was submitted while its session had paused recording"
            yield finding("submission-paused", message, statement.index)
        original, held = _repeats(statement.predicate)
        if held and original not in self._executions and not self._unread:
            message = f"execution {shown(execution)} repeats {shown(original)}, which this log did not submit before"
            yield finding("replay-original", message, statement.index)
        first = self._executions.get(execution)
        if first is None:
            self._executions[execution] = _Execution(statement.index, statement.session, original)
        else:
            message = f"execution {shown(execution)} was submitted by entry {first.entry} already"
            yield finding("execution-duplicate", message, statement.index)

    def _completion(self, statement: Statement) -> Iterator[Finding]:
        execution, entry = _text(statement.predicate, "execution"), statement.predicate.get("submission")
        if type(entry) is not int:
            raise Rejected("predicate-malformed", "the completion names no submission")
        known = self._executions.get(execution)
        if known is None:
            if entry not in self._unread:
                message = f"execution {shown(execution)} completes, but was not submitted before"
                yield finding("completion-orphan", message, statement.index)
            return
        if known.completion is not None:
            message = f"execution {shown(execution)} was completed already"
            yield finding("completion-duplicate", message, statement.index)
        if known.entry != entry:
            message = f"names entry {entry} as its submission; execution {shown(execution)} is entry {known.entry}"
            yield finding("completion-submission", message, statement.index)
        if known.completion is None:
            self._executions[execution] = known._replace(completion=statement.index)

    def _decision(self, statement: Statement) -> Iterator[Finding]:
        for execution in (_text(statement.predicate, "execution"), *_candidates(statement.predicate)):
            if execution not in self._executions and not self._unread:
                message = f"decides about execution {shown(execution)}, which this log did not submit before"
                yield finding("decision-orphan", message, statement.index)

    def _replay(self, statement: Statement) -> Iterator[Finding]:
        execution, original = (_text(statement.predicate, name) for name in ("execution", "original"))
        known = self._executions.get(execution)
        if known is None or known.original is None or known.completion is None:
            if not self._unread:
                message = f"tells the outcome of {shown(execution)}, no replay that was submitted and completed before"
                yield finding("replay-orphan", message, statement.index)
            return
        if known.compared:
            yield finding("replay-duplicate", f"replay {shown(execution)} has an outcome already", statement.index)
        self._executions[execution] = known._replace(compared=True)
        if (original, statement.predicate.get("completion")) != (known.original, known.completion):
            message = (
                f"replay {shown(execution)} repeats {shown(known.original)} and was completed by entry "
                f"{known.completion}; its outcome names others"
            )
            yield finding("replay-mismatch", message, statement.index)


def _repeats(submission: dict[str, Json]) -> tuple[str | None, bool]:
    """The run that a submission repeats, and whether the log is said to hold it."""
    match submission.get("replay"):
        case None:
            return None, False
        case {"of": str(original), "known": bool(known)}:
            return original, known
    raise Rejected("predicate-malformed", "the submission does not say what it repeats")


def _candidates(decision: dict[str, Json]) -> list[str]:
    """The runs that a decision did not choose."""
    over = decision.get("over", [])
    if not isinstance(over, list) or not all(isinstance(each, dict) for each in over):
        raise Rejected("predicate-malformed", "over is not a list of objects")
    return [_text(each, "execution") for each in over]


def _is_host(start: Statement) -> bool:
    host = start.predicate.get("host")
    return not isinstance(host, dict) or host.get("name") == HOST


def _text(predicate: dict[str, Json], member: str) -> str:
    value = predicate.get(member)
    if not isinstance(value, str):
        raise Rejected("predicate-malformed", f"{member} is not a text: {shown(value)}")
    return value
