"""What stands of all that the author said about a run, and the check of what he wants to say next. Pure.

Each of verdict, rating and note has its own latest word, so that a rating does not take a verdict away. `clear` takes
back all three; the label is separate and stays until it is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import asdict

from ..canonical import is_sha256_hex
from ..errors import InputError
from ..model import Decision, Json, Judged
from ..store.decisions import DecisionRow

LONGEST_REASON = 10_000
LONGEST_LABEL = 200
LONGEST_ID = 400
MOST_CANDIDATES = 1000
_VERDICTS = (Decision.KEEP.value, Decision.REJECT.value)
_MEMBERS = ("decision", "rating", "note", "reason", "label")


def standing(rows: Iterable[DecisionRow]) -> dict[str, Json]:
    """{"decision": null or {"decision", "rating", "note", "reason", "label"}, "output_decisions": [{"output", ...}]}.

    rows: all that was said about one run, oldest first. What was said about the run as a whole counts; where nothing
    was, its outputs speak: kept if one is, else rejected if one is; the best rating; the latest note.
    """
    by_output: dict[str | None, dict[str, Json]] = {}
    for row in rows:
        current = by_output.setdefault(row.output, dict.fromkeys(_MEMBERS))
        by_output.pop(row.output)
        by_output[row.output] = _after(current, row)  # what was spoken of last stands last
    whole = by_output.pop(None, dict.fromkeys(_MEMBERS))
    outputs = [
        {"output": output, **{name: said[name] for name in _MEMBERS if name != "label"}}
        for output, said in by_output.items()
        if _says(said)
    ]
    if whole["decision"] is None:
        chosen = next((said for verdict in _VERDICTS for said in outputs if said["decision"] == verdict), None)
        if chosen is not None:
            whole = {**whole, "decision": chosen["decision"], "reason": chosen["reason"]}
    if whole["rating"] is None:
        whole = {**whole, "rating": max((said["rating"] for said in outputs if said["rating"]), default=None)}
    if whole["note"] is None:
        whole = {**whole, "note": next((said["note"] for said in reversed(outputs) if said["note"]), None)}
    return {"decision": whole if _says(whole) else None, "output_decisions": outputs}


def listed(rows: Iterable[DecisionRow]) -> list[dict[str, Json]]:
    """All that was said about one run as `show` gives it."""
    return [{name: value for name, value in asdict(row).items() if name != "execution"} for row in rows]


def asked(body: Mapping[str, Json]) -> Judged:
    """A decision as a client sends it: {"execution", "output", "decision", "rating", "reason", "over"}.

    over: the candidates that were compared with a kept one and not chosen, each {"execution", "output"}. Raises
    InputError.
    """
    only(body, "execution", "output", "decision", "rating", "reason", "over")
    output, named, rating = body.get("output"), body.get("decision"), body.get("rating")
    if output is not None and not is_sha256_hex(output):
        raise InputError("output must be a SHA-256 of 64 lower-case hexadecimal digits, or null")
    decision = next((each for each in Decision if each.value == named and each is not Decision.LABEL), None)
    if decision is None:
        raise InputError("decision must be keep, reject, rate, note or clear")
    if decision is Decision.RATE and (type(rating) is not int or not 1 <= rating <= 5):
        raise InputError("rate needs a rating, a whole number from 1 to 5")
    if decision is not Decision.RATE and rating is not None:
        raise InputError("a rating stands with rate only")
    reason = words(body, "reason", LONGEST_REASON)
    if decision is Decision.NOTE and reason is None:
        raise InputError("a note needs its text, as reason")
    over = _over(body.get("over"))
    if over and decision is not Decision.KEEP:
        raise InputError("over stands with keep only")
    return Judged(_execution(body), output, decision, rating, reason, None, Future(), over)


def asked_label(body: Mapping[str, Json]) -> Judged:
    """A label as a client sends it: {"execution", "label"}; an empty one takes the label away. Raises InputError."""
    only(body, "execution", "label")
    if "label" not in body:
        raise InputError("label is missing; an empty one takes the label away")
    label = words(body, "label", LONGEST_LABEL)
    if label is not None and not label.isprintable():
        raise InputError("a label is one line of printable characters")
    return Judged(_execution(body), None, Decision.LABEL, None, None, label, Future())


def words(body: Mapping[str, Json], name: str, longest: int) -> str | None:
    """A text that a client may send: without space around it, None when there is nothing in it. Raises InputError."""
    text = body.get(name)
    if text is None:
        return None
    if not isinstance(text, str) or len(text) > longest:
        raise InputError(f"{name} must be a text of at most {longest} characters, or null")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{name} is not well-formed text") from error
    return text.strip() or None


def _after(said: dict[str, Json], row: DecisionRow) -> dict[str, Json]:
    match row.decision:
        case Decision.KEEP.value | Decision.REJECT.value:
            return {**said, "decision": row.decision, "reason": row.reason}
        case Decision.RATE.value:
            return {**said, "rating": row.rating}
        case Decision.NOTE.value:
            return {**said, "note": row.reason}
        case Decision.LABEL.value:
            return {**said, "label": row.label}
        case _:
            return {**dict.fromkeys(_MEMBERS), "label": said["label"]}


def _says(said: Mapping[str, Json]) -> bool:
    return any(said.get(name) is not None for name in _MEMBERS)


def _over(value: Json) -> tuple[tuple[str, str | None], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MOST_CANDIDATES:
        raise InputError(f"over must be a list of at most {MOST_CANDIDATES} candidates")
    found = []
    for each in value:
        if not isinstance(each, dict):
            raise InputError('a candidate is {"execution", "output"}')
        only(each, "execution", "output")
        output = each.get("output")
        if output is not None and not is_sha256_hex(output):
            raise InputError("output must be a SHA-256 of 64 lower-case hexadecimal digits, or null")
        found.append((_execution(each), output))
    return tuple(found)


def _execution(body: Mapping[str, Json]) -> str:
    execution = body.get("execution")
    if not isinstance(execution, str) or not 0 < len(execution) <= LONGEST_ID:
        raise InputError("execution must be the id of a run")
    return execution


def only(body: Mapping[str, Json], *names: str) -> None:
    """Refuse members that nobody asked for. Raises InputError."""
    for name in body:
        if name not in names:
            raise InputError(f"unknown member: {name[:80]!r}")
