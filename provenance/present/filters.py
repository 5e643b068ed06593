"""What a client asks of a list of runs, checked and turned into the index's filter. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from ..errors import InputError
from ..model import Decision, Status
from ..store.filters import RunFilter

NAMES = ("text", "status", "decision", "label", "model", "since", "until")
MOST_WORDS = 8
LONGEST_TEXT = 500
_VERDICTS = {"kept": Decision.KEEP, "rejected": Decision.REJECT, "undecided": Decision.CLEAR}
_MOMENT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2}))?", re.ASCII
)

OpenRuns = Callable[[], Iterable[tuple[str, str]]]  # (id, status) of each run without a recorded end


def run_filter(given: Mapping[str, str], open_runs: OpenRuns) -> RunFilter | None:
    """The filter that query parameters ask for; None when they ask for nothing. Unknown names are passed over.

    text: words, each of which must be found. status: one or several, separated by commas. decision: kept, rejected or
    undecided. since, until: RFC 3339 dates (in UTC, `until` with that day) or times. Raises InputError.
    """
    asked = {name: given[name].strip() for name in NAMES if given.get(name, "").strip()}
    if not asked:
        return None
    if any(len(value) > LONGEST_TEXT for value in asked.values()):
        raise InputError(f"a filter is at most {LONGEST_TEXT} characters long")
    verdict = asked.get("decision")
    if verdict is not None and verdict not in _VERDICTS:
        raise InputError("decision must be kept, rejected or undecided")
    words = tuple(dict.fromkeys(asked.get("text", "").split()))
    if len(words) > MOST_WORDS:
        raise InputError(f"at most {MOST_WORDS} words can be searched for at once")
    statuses, runs = _statuses(asked.get("status"), open_runs)
    return RunFilter(
        words=words,
        statuses=statuses,
        runs=runs,
        verdict=None if verdict is None else _VERDICTS[verdict],
        label=asked.get("label"),
        model=asked.get("model"),
        since=None if "since" not in asked else moment(asked["since"]),
        until=None if "until" not in asked else moment(asked["until"], end_of_day=True),
    )


def moment(text: str, *, end_of_day: bool = False) -> str:
    """A time as the index has it: RFC 3339 in UTC with microseconds. A date is its first moment in UTC, or with
    `end_of_day` the first moment after it. Raises InputError."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise InputError(f"not a date or time of RFC 3339: {text[:80]!r}")
    year, month, day, *clock, fraction, zone = match.groups()
    try:
        found = datetime(int(year), int(month), int(day))
        if zone is None:
            found += timedelta(days=1) if end_of_day else timedelta()
        else:
            hour, minute, second = map(int, clock)
            found = found.replace(
                hour=hour, minute=minute, second=second, microsecond=int((fraction or "").ljust(6, "0")[:6])
            )
            found -= _offset(zone)
    except (ValueError, OverflowError) as error:
        raise InputError(f"there is no such time: {text[:80]!r}") from error
    return f"{found.isoformat(timespec='microseconds')}Z"


def _offset(zone: str) -> timedelta:
    if zone in "Zz":
        return timedelta()
    ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    return -ahead if zone[0] == "-" else ahead


def _statuses(text: str | None, open_runs: OpenRuns) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    if text is None:
        return None, ()
    wanted = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not set(wanted) <= set(Status._value2member_map_):
        raise InputError(f"status must be of {', '.join(Status._value2member_map_)}")
    without_end = {Status.QUEUED.value, Status.RUNNING.value, Status.LOST.value}
    runs = tuple(run for run, status in open_runs() if status in wanted) if without_end & set(wanted) else ()
    return wanted, runs
