"""What must not be shown when something is withheld. Pure.

Entries are signed as a whole, so nothing can be cut out of one: an entry that holds something withheld is left out, and
its leaf hash and the tree keep its place. That hash tells nothing about the entry, however short the text in it: it is
taken over the signature as well, which nobody can compute without the writer's key.

A digest of something withheld is different. It stands in the clear, and who guesses the content finds out by hashing
whether the guess is right. So an entry that holds such a digest is left out too, unless the content cannot be guessed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping

from ..canonical import statement_bytes
from ..model import Json
from ..record.media import PICTURES

SURE_BYTES = 4096  # compressed; a file with less in it may be guessed
_SHORTEST = 3  # a text that is looked for inside others; shorter ones are compared as a whole
_DIGEST = "sha256:"


class Secrets:
    """Digests and texts that no shown entry, object or name may hold."""

    def __init__(self) -> None:
        self.digests: set[str] = set()
        self._texts: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.digests or self._texts)

    def add_texts(self, texts: Iterable[str | None]) -> None:
        """Texts as the author wrote them; space around them does not count."""
        self._texts.update(text.strip() for text in texts if text and text.strip())

    def touch(self, value: Json) -> bool:
        """Whether any string in a JSON value, or any of its member names, is or holds something withheld."""
        return any(self._is_secret(text) for text in strings(value))

    def inside(self, data: bytes) -> bool:
        """Whether a file holds a withheld text as it is written: plainly, in JSON, or in UTF-16, as metadata may be.
        What is compressed inside the file is not found."""
        spelled = {form for text in self._texts if len(text) >= _SHORTEST for form in _spellings(text)}
        return any(form in data for form in spelled)

    def _is_secret(self, text: str) -> bool:
        if text.removeprefix(_DIGEST) in self.digests or text.strip() in self._texts:
            return True
        return any(len(secret) >= _SHORTEST and secret in text for secret in self._texts)


def strings(value: Json) -> Iterator[str]:
    """Every string in a JSON value, member names included."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            yield from item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _spellings(text: str) -> Iterator[bytes]:
    yield text.encode()
    yield statement_bytes(text)[1:-1]
    yield statement_bytes(text)[1:-1].decode().encode("ascii", "backslashreplace")
    yield text.encode("utf-16-le")
    yield text.encode("utf-16-be")


def can_be_guessed(facts: Mapping[str, Json], data: bytes | None) -> bool:
    """Whether somebody may find a file's content by trying likely ones: texts, small files, plain masks.

    facts: as an entry states them (`media_type`, `size`, `perceptual`). data: the bytes where they are kept; else the
    size has to do.
    """
    media_type = facts.get("media_type") or ""
    if media_type.startswith(("text/", "application/json")):
        return True
    if media_type in PICTURES and facts.get("perceptual") is None:
        return True  # too flat to tell apart: a mask, a plain colour
    size = facts.get("size") or 0
    # Twice, because one pass makes no more than a thousandth of a long run of zeros.
    return (size if data is None else len(zlib.compress(zlib.compress(data, 9), 9))) < SURE_BYTES
