"""A screen recording as the page sends it: checked, and handed to whoever writes entries."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

from ..errors import InputError
from ..model import Json
from ..pipeline.recordings import Recordings
from ..record.recordings import Capture
from ..record.redact import Redactor
from ..store.objects import Objects
from .authoring import Said, Say
from .decisions import LONGEST_REASON, only, words

SURFACES = ("monitor", "window", "browser")
REASONS = ("author", "source-ended", "page-gone")
_VIDEO = re.compile(r"video/(?:webm|mp4|x-matroska)(?:;[ \w.,=\"-]{1,150})?", re.ASCII)


class Filming:
    """Recordings of one session. say: has entries written, and gives what was recorded once it is durable."""

    def __init__(self, recordings: Recordings, objects: Objects, salt: bytes, say: Say) -> None:
        self._recordings = recordings
        self._objects = objects
        self._salt = salt
        self._say = say

    def start(self, body: Mapping[str, Json]) -> Said:
        """{"media_type", "surface", "width", "height", "frame_rate", "audio", "note"}. Raises InputError."""
        only(body, "media_type", "surface", "width", "height", "frame_rate", "audio", "note")
        media_type, surface, audio = body.get("media_type"), body.get("surface"), body.get("audio", False)
        if not isinstance(media_type, str) or not _VIDEO.fullmatch(media_type):
            raise InputError("media_type must be that of a WebM, MP4 or Matroska video")
        if surface is not None and surface not in SURFACES:
            raise InputError("surface must be monitor, window, browser or null")
        if not isinstance(audio, bool):
            raise InputError("audio must be true or false")
        width, height, rate = (_number(body, name) for name in ("width", "height", "frame_rate"))
        note = words(body, "note", LONGEST_REASON)
        clean = None if note is None else Redactor(self._salt, lambda class_type: None).text(note)
        capture = Capture(media_type, surface, _whole(width), _whole(height), rate, audio)
        return self._say(lambda book: self._recordings.start(book, capture, clean))

    def chunk(self, recording: str, body: Mapping[str, Json], piece: Path) -> Said:
        """{"number", "until_ms"}, and the chunk's bytes as a file. Raises as `Recordings.chunk`, and InputError."""
        only(body, "number", "until_ms")
        number, until_ms = body.get("number"), _number(body, "until_ms")
        if type(number) is not int or not 0 <= number < 2**31:
            raise InputError("number must be the chunk's place, from 0")
        prepared = self._objects.prepare_file(piece, "video/webm")
        return self._say(lambda book: self._recordings.chunk(book, recording, number, prepared, until_ms))

    def stop(self, recording: str, body: Mapping[str, Json]) -> Said:
        """{"reason"}: `author`, `source-ended` or `page-gone`. Raises NotFound and InputError."""
        only(body, "reason")
        reason = body.get("reason", "author")
        if reason not in REASONS:
            raise InputError("reason must be author, source-ended or page-gone")
        return self._say(lambda book: self._recordings.stop(book, recording, str(reason)))


def _number(body: Mapping[str, Json], name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise InputError(f"{name} must be a number that is not negative, or null")
    return float(value)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
