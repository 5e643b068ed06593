"""Members of a statement as columns take them. Pure; what is not what it should be raises TypeError or ValueError."""

from __future__ import annotations

import unicodedata

from ..model import Json

_INTEGERS = range(-(2**63), 2**63)


def text(value: Json) -> str:
    """A text."""
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {type(value).__name__}")
    return value


def optional(value: Json) -> str | None:
    """A text or nothing."""
    return None if value is None else text(value)


def integer(value: Json) -> int | None:
    """Integers beyond 64 bits have no place in the index; the entry keeps them."""
    return None if value is None or int(value) not in _INTEGERS else int(value)


def real(value: Json) -> float | None:
    """A number or nothing."""
    return None if value is None else float(value)


def fold(text: str) -> str:
    """The form in which texts are searched: width and case do not matter."""
    return unicodedata.normalize("NFKC", text).casefold()
