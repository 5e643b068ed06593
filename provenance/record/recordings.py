"""A screen recording as a chain of entries: its start, its chunks, its end; each names the one before. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ..model import Basis, Instant, Json
from .body import Body, body, subject, text_subject


@dataclass(frozen=True, slots=True)
class Previous:
    """The step before: its entry, and its chunk's SHA-256, None for the start."""

    entry: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Capture:
    """What is captured, as the page says. surface: `monitor`, `window`, `browser` or None."""

    media_type: str
    surface: str | None = None
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    audio: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of the recorded file. `offset` and `size` in bytes, `until_ms` since the start by the page's clock."""

    number: int
    offset: int
    size: int
    sha256: str
    until_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended: `author`, `source-ended`, `page-gone`, `limit`, `session-ended` or `lost`. `size` in bytes."""

    reason: str
    chunks: int
    size: int
    sha256: str | None


def predicate(
    *,
    session: str,
    at: Instant,
    recording: str,
    step: Capture | Chunk | Ending,
    previous: Previous | None,
    note: str | None = None,
) -> Body:
    """One step. The subject is the chunk, at the stop the whole file, and else the digest of the recording's id."""
    match step:
        case Capture():
            event, about = "start", text_subject(f"recording:{recording}", recording)
        case Chunk():
            event, about = "chunk", subject(f"recording:{recording}/{step.number}", step.sha256)
        case Ending():
            event = "stop"
            whole = step.sha256
            name = f"recording:{recording}"
            about = text_subject(name, recording) if whole is None else subject(name, whole)
    members: dict[str, Json] = dict.fromkeys(("capture", "chunk", "ending"))
    members[{"start": "capture", "chunk": "chunk", "stop": "ending"}[event]] = asdict(step)
    said = {
        "recording": recording,
        "event": event,
        "previous": None if previous is None else asdict(previous),
        **members,
        "note": note,
        "basis": Basis.DECLARED.value,
    }
    return body([about], session, at, said)
