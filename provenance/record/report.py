"""What ComfyUI said of a finished run, read into plain values. Pure.

`messages` is a list of `(event, data)` pairs, `outputs` maps a node id to its ui result. Packs put whatever they like
into ui results, so everything is looked at by shape: an object with a `filename` names a file, a string is a text,
anything else is not an output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..model import FileRef, Json, Status
from .predicate import Failure

LONGEST_TEXT = 1 << 20
_END_OF_TIME_MS = 253_402_300_800_000  # the year 10000, which has no RFC 3339 form
FOLDER_TYPES = frozenset(("output", "temp", "input"))


@dataclass(frozen=True, slots=True)
class Item:
    """One reported output: a file, or a text of at most 1 MiB characters."""

    node: str
    key: str
    ordinal: int
    file: FileRef | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """One run's end. Times are wall clock nanoseconds as ComfyUI stamped its messages (milliseconds inside).

    executed: node ids that ran, as far as ComfyUI names them (failed and interrupted runs only; None otherwise).
    """

    status: Status
    cached: tuple[str, ...]
    executed: tuple[str, ...] | None
    failure: Failure | None
    started_ns: int | None
    ended_ns: int | None
    items: tuple[Item, ...]


def parse(report: Mapping[str, Json]) -> Report:
    """Read `{"outputs", "messages", "status_str", "completed"}`; members that are missing or odd count as empty."""
    events: dict[str, Mapping[str, Json]] = {}
    for message in _sequence(report.get("messages")):
        if isinstance(message, (list, tuple)) and len(message) == 2 and isinstance(message[1], Mapping):
            events[str(message[0])] = message[1]
    end = _first(events, "execution_interrupted", "execution_error", "execution_success")
    failed = _first(events, "execution_interrupted", "execution_error")
    return Report(
        status=_status(events, report),
        cached=_ids(events.get("execution_cached", {}).get("nodes")),
        executed=None if failed is None else _ids(failed.get("executed")),
        failure=_failure(events.get("execution_error")),
        started_ns=_wall_ns(events.get("execution_start")),
        ended_ns=_wall_ns(end),
        items=tuple(_items(report.get("outputs"))),
    )


def _status(events: Mapping[str, object], report: Mapping[str, Json]) -> Status:
    if "execution_interrupted" in events:
        return Status.INTERRUPTED
    if "execution_error" in events:  # ComfyUI calls a run with a dependency cycle a success all the same
        return Status.ERROR
    finished = "execution_success" in events or report.get("status_str") == "success"
    return Status.SUCCESS if finished else Status.ERROR


def _failure(error: Mapping[str, Json] | None) -> Failure | None:
    if error is None:
        return None
    lines = [str(line) for line in _sequence(error.get("traceback"))]
    return Failure(
        error_class=_text(error.get("exception_type")),
        message=_text(error.get("exception_message")) or "",
        node=_text(error.get("node_id")),
        node_type=_text(error.get("node_type")),
        traceback="".join(lines)[:LONGEST_TEXT] or None,
    )


def _items(outputs: Json) -> Iterator[Item]:
    for node, ui in outputs.items() if isinstance(outputs, Mapping) else ():
        for key, value in ui.items() if isinstance(ui, Mapping) else ():
            for ordinal, found in enumerate(_sequence(value)):
                file = _file(found)
                if file is not None:
                    yield Item(str(node), str(key), ordinal, file, None)
                elif isinstance(found, str) and found:
                    yield Item(str(node), str(key), ordinal, None, found[:LONGEST_TEXT])


def _file(found: Json) -> FileRef | None:
    if not isinstance(found, Mapping) or not isinstance(found.get("filename"), str) or not found["filename"]:
        return None
    kind, subfolder = found.get("type"), found.get("subfolder")
    return FileRef(
        type=kind if isinstance(kind, str) and kind in FOLDER_TYPES else "output",
        subfolder=subfolder.replace("\\", "/").strip("/") if isinstance(subfolder, str) else "",
        filename=found["filename"],
    )


def _sequence(value: Json) -> tuple[Json, ...]:
    if isinstance(value, (list, tuple)):
        return tuple(value)
    return () if value is None else (value,)


def _ids(value: Json) -> tuple[str, ...]:
    return tuple(str(node) for node in _sequence(value))


def _text(value: Json) -> str | None:
    return None if value is None else str(value)[:LONGEST_TEXT]


def _first(events: Mapping[str, Mapping[str, Json]], *names: str) -> Mapping[str, Json] | None:
    return next((events[name] for name in names if name in events), None)


def _wall_ns(message: Mapping[str, Json] | None) -> int | None:
    """A moment that can be written; None for any other number."""
    stamp = message.get("timestamp") if message else None
    if not isinstance(stamp, (int, float)) or isinstance(stamp, bool) or not 0 <= stamp < _END_OF_TIME_MS:
        return None
    return int(stamp * 1_000_000)
