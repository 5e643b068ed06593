"""Words of a text, as they are looked up. Pure.

A search asks for any piece of a text, also from the middle of a word. So texts are cut into words, and a piece of a
question is looked for within words: one author uses few of them, however many texts there are. Scripts that are
written without spaces are cut into pairs of characters, kept with a space before them.

`words_of(text)` and `pieces_of(question)` belong together: where a question is contained in a text, each of its pieces
is contained in one of the text's words, in the way that the piece says. The reverse is not so: the text decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PAIR = " "  # before what is no word but a pair of characters
_PIECE = 40  # characters of a piece; any so many of a text stand together in one of its words
_LONGEST = 64  # characters of a word; longer ones are cut
# Thai, Lao, Burmese, Khmer, Han, kana, bopomofo, Yi, hangul: no spaces between words, or few
_DENSE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u303f\u3040-\ua4cf\uac00-\ud7af\uf900-\ufaff\U0001b000-\U0003ffff"
)
_RUN = re.compile(rf"(?P<dense>[{_DENSE}]+)|[^\W{_DENSE}]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a question. `begins`, `ends`: a word begins, or ends, with it."""

    text: str
    begins: bool
    ends: bool


def words_of(folded: str) -> set[str]:
    """All words of a folded text."""
    found: set[str] = set()
    for match in _RUN.finditer(folded):
        run = match.group()
        if match.lastgroup:
            found.update(PAIR + run[place : place + 2] for place in range(len(run)))
        elif len(run) <= _LONGEST:
            found.add(run)
        else:
            step = _LONGEST - _PIECE
            found.update(run[place : place + _LONGEST] for place in range(0, len(run) - _PIECE, step))
    return found


def pieces_of(folded: str) -> Iterator[Piece]:
    """The pieces of a folded question; none when there is no word in it."""
    for match in _RUN.finditer(folded):
        run = match.group()
        if match.lastgroup:
            whole = len(run) > 1
            for place in range(len(run) - 1 if whole else 1):
                yield Piece(PAIR + run[place : place + 2], True, whole)
        elif len(run) <= _PIECE:
            yield Piece(run, match.start() > 0, match.end() < len(folded))
        else:
            yield Piece(run[:_PIECE], False, False)
