"""What the bodies of all kinds of entry have in common: subjects, both clocks, text that can be written. Pure.

Text that UTF-8 cannot carry (lone surrogates) is written with `\\udcXX` escapes spelled out: a statement must always
be writable.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..canonical import is_writable, sha256_hex, timestamp
from ..model import Instant, Json

Subject = list[dict[str, Json]]
Predicate = dict[str, Json]
Body = tuple[Subject, Predicate]


def body(subjects: Subject, session: str | None, at: Instant, members: Mapping[str, Json]) -> Body:
    """Subject and predicate of an entry made at that moment, with the members that every predicate has."""
    common = {"session": session, "recorded_at": timestamp(at.wall_ns), "monotonic_ns": at.monotonic_ns}
    made: Body = (subjects, {**common, **members})
    return made if is_writable(made) else (plain(made[0]), plain(made[1]))


def subject(name: str, digest: str) -> dict[str, Json]:
    """A subject by its SHA-256."""
    return {"name": name, "digest": {"sha256": digest}}


def text_subject(name: str, text: str) -> dict[str, Json]:
    """A subject whose digest is that of a text in UTF-8."""
    return subject(name, sha256_hex(text.encode()))


def utf8(text: str) -> str:
    """The text as UTF-8 can carry it."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def plain(value: Json) -> Json:
    """The same value with writable strings. Bodies are shallow, so recursion is safe here."""
    if isinstance(value, str):
        return utf8(value)
    if isinstance(value, dict):
        return {utf8(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
