"""The entry that says: these kept copies were let go of, by the author's wish, and for this reason. Pure.

It is signed before the bytes go. It speaks of copies and thumbnails only: what an entry requires cannot be released.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from ..model import Instant, Json
from .body import Body, subject
from .body import body as _body

MOST_OBJECTS = 500  # that one entry speaks of


class Role(str, Enum):
    """What an object is kept as."""

    THUMBNAIL = "thumbnail"
    OUTPUT = "output"
    INPUT = "input"


class Reason(str, Enum):
    """Why an object may go. `IN_PLACE`: the file that it was made of still lay at its recorded place with its recorded
    SHA-256 a moment before. `REJECTED`, `AGE`: the author named it so; the bytes may be gone for good. `SEEN_AGAIN`: of
    a return, the file lies there again or still."""

    IN_PLACE = "in-place"
    REJECTED = "rejected"
    AGE = "age"
    SEEN_AGAIN = "seen-again"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the author asked to be released. before: runs submitted before this RFC 3339 time, or None."""

    in_place: bool = True
    rejected: bool = False
    before: str | None = None
    thumbnails: bool = False


@dataclass(frozen=True, slots=True)
class Released:
    """One object: `size` in bytes as it was kept, before compression."""

    sha256: str
    role: Role
    reason: Reason
    size: int


def release(*, session: str, at: Instant, wish: Wish, objects: Sequence[Released]) -> Body:
    """Copies are let go of. The subjects are the objects."""
    asked: dict[str, Json] = {
        "in_place": wish.in_place,
        "rejected": wish.rejected,
        "before": wish.before,
        "thumbnails": wish.thumbnails,
    }
    return _said("release", asked, objects, session, at)


def returned(*, session: str, at: Instant, objects: Sequence[tuple[str, Role, int]]) -> Body:
    """Copies that were released are kept again, made anew from the files at their recorded places."""
    again = [Released(sha256, role, Reason.SEEN_AGAIN, size) for sha256, role, size in objects]
    return _said("return", None, again, session, at)


def _said(event: str, asked: dict[str, Json] | None, objects: Sequence[Released], session: str, at: Instant) -> Body:
    told: list[Json] = [
        {"sha256": each.sha256, "role": each.role.value, "reason": each.reason.value, "size": each.size}
        for each in objects
    ]
    members = {
        "event": event,
        "asked": asked,
        "count": len(told),
        "bytes": sum(each["size"] for each in told),
        "objects": told,
    }
    return _body([subject(f"{each['role']}/{each['sha256']}", each["sha256"]) for each in told], session, at, members)
