"""Words of a text, as they are looked up. Pure.

A search asks for any piece of a text, also from the middle of a word. So texts are cut into words, and a piece of a
question is looked for within words: one author uses few of them, however many texts there are. Scripts that are
written without spaces are cut into pairs of characters, kept with a space before them.

`words_of(text)` and `pieces_of(question)` belong together: where a question is contained in a text, each of its pieces
is contained in one of the text's words, in the way that the piece says, and a piece that `follows` in the word right
after the one before it. The reverse is not so: the text decides.
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
    """Part of a question. `begins`, `ends`: a word begins, or ends, with it. `follows`: that word stands right after a
    word that holds the piece before."""

    text: str
    begins: bool
    ends: bool
    follows: bool


def words_of(folded: str) -> list[str]:
    """The words of a folded text, in its order."""
    found: list[str] = []
    for match in _RUN.finditer(folded):
        run = match.group()
        if match.lastgroup:
            found += (PAIR + run[place : place + 2] for place in range(len(run)))
        elif len(run) <= _LONGEST:
            found.append(run)
        else:
            step = _LONGEST - _PIECE
            found += (run[place : place + _LONGEST] for place in range(0, len(run) - _PIECE, step))
    return found


def with_next(words: list[str]) -> Iterator[tuple[str, str]]:
    """Each word of a text with the one right after it, an empty one after the last."""
    return zip(words, [*words[1:], ""][: len(words)], strict=True)


def pieces_of(folded: str) -> Iterator[Piece]:
    """The pieces of a folded question, in its order; none when there is no word in it."""
    follows = False
    for match in _RUN.finditer(folded):
        run, last = match.group(), match.end() == len(folded)
        if match.lastgroup:
            for place in range(len(run)):
                pair = run[place : place + 2]
                if len(pair) == 2 or not last or len(run) == 1:
                    yield Piece(PAIR + pair, True, len(pair) == 2 or not last, follows)
                    follows = True
        else:
            cut = len(run) > _PIECE
            yield Piece(run[:_PIECE], match.start() > 0, not (cut or last), follows)
            follows = not cut  # a long word is kept in parts: which of them holds the piece is not known
