"""Finding texts by a piece of them: prompts through their words, intents one by one. Reads only.

Exact: what is found contains the question, and nothing that contains it is missed. Three ways, by what is asked:

* two of the question's words stand side by side in few texts, or one of them stands in few: only those are looked at;
* else many texts are likely to match: the newest runs are looked through, until enough are found;
* else, and where that does not find enough, all texts that hold every word of the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, String, bindparam, func, intersect, null, select
from sqlalchemy.sql import ColumnElement

from . import tables
from .columns import as_bytes
from .engine import Database
from .names import unpack
from .rows import SearchHit
from .words import Piece, pieces_of

_FEW = 1000  # lists of prompts that are looked through one by one
_NARROW = 30  # words that a piece may stand in to be looked for beside another one
_NEWEST = (1000, 3000, 10_000)  # runs that are looked through, first fewer
_MOST_PIECES = 8  # of a question, more narrow nothing
_ESCAPE = "/"
_FIRST_LETTER = "!"  # pairs of characters come before it

_end, _prompt, _text, _word, _place = (
    tables.endings.c, tables.prompts.c, tables.texts.c, tables.words.c, tables.word_texts.c,
)  # fmt: skip
_folded = func.coalesce(_text.folded, _text.text)


class Search:
    """Finds texts. Thread-safe; raises what the connection raises."""

    def __init__(self, database: Database) -> None:
        runs = select(_end.seq, _end.execution, _end.prompts).where(_end.prompts == bindparam("list"))
        newest = runs.order_by(_end.seq.desc()).limit(bindparam("most")).subquery()
        said = newest.join(tables.prompts, _prompt.list == newest.c.prompts).join(
            tables.texts, _text.id == _prompt.text
        )
        self._hits = database.statement(
            select(newest.c.execution, newest.c.seq, _prompt.node, _prompt.input, _text.text)
            .select_from(said)
            .where(_contains(bindparam("pattern")))
            .order_by(newest.c.seq.desc(), _prompt.item.desc())
            .limit(bindparam("most"))
        )

    def hits(self, connection: Connection, folded: str, limit: int) -> list[SearchHit]:
        """Prompt texts and intents that contain a folded question, newest first."""
        intent = tables.intents.c
        columns = (intent.execution, intent.seq, intent.node, null().cast(String), intent.text)
        wanted = select(*columns).where(intent.folded.contains(folded, autoescape=True))
        told = connection.execute(wanted.order_by(intent.seq.desc()).limit(limit))
        found = [*self._in_prompts(connection, folded, limit), *(SearchHit(*row) for row in told)]
        return sorted(found, key=lambda hit: hit.ordinal, reverse=True)[:limit]

    def _in_prompts(self, connection: Connection, folded: str, limit: int) -> list[SearchHit]:
        places = _places(connection, folded)
        for place in places:
            some = _lists_at(place).limit(_FEW + 1).subquery()
            count = connection.execute(select(func.count()).select_from(some)).scalar_one()
            if count == 0:
                return []
            if count <= _FEW:
                return self._newest(connection, _saying(folded, [place]), folded, limit)
        runs = select(_end.seq, _end.prompts).order_by(_end.seq.desc())
        for size in _NEWEST:
            oldest = connection.execute(runs.limit(1).offset(size - 1)).scalar()
            hits = self._newest(connection, _said_in(runs.limit(size), folded), folded, limit)
            found = [hit for hit in hits if oldest is None or hit.ordinal >= oldest]
            if oldest is None or len(found) >= limit:
                return found
        return self._newest(connection, _saying(folded, places), folded, limit)

    def _newest(self, connection: Connection, lists: Select[Any], folded: str, limit: int) -> list[SearchHit]:
        """The newest runs with one of these lists of prompts. A list may have very many runs: each is asked for its
        newest, in the order of the newest run of each, until no other can have a newer one."""
        found: list[SearchHit] = []
        values = {"pattern": _pattern(folded), "most": limit}
        ordered = lists.order_by(lists.selected_columns.newest.desc()).limit(limit)
        for number, newest in connection.execute(ordered).all():
            if newest is None or (len(found) >= limit and newest < found[limit - 1].ordinal):
                break
            for execution, *rest in self._hits.rows(connection, {**values, "list": number}):
                found.append(SearchHit(unpack(as_bytes(execution)), *rest))
            found.sort(key=lambda hit: hit.ordinal, reverse=True)
        return found


def texts_with(folded: str) -> Select[Any]:
    """Numbers of the texts that contain a folded question."""
    found = select(_text.id).where(_contains(_pattern(folded)))
    longest = max(pieces_of(folded), key=lambda piece: len(piece.text), default=None)
    return found if longest is None else found.where(_text.id.in_(_at(_place.word.in_(_words_with(longest)))))


def _places(connection: Connection, folded: str) -> list[ColumnElement[bool]]:
    """Conditions on words and the words after them, for each of which every text that contains the question has a
    row; those first that are likely to be true of few texts."""
    found: list[tuple[bool, int, ColumnElement[bool]]] = []
    after: Sequence[int] | None = None  # words that the next piece may stand in, where it follows and they are few
    for piece in reversed(list(pieces_of(folded))[:_MOST_PIECES]):
        words = connection.execute(_words_with(piece).limit(_NARROW + 1)).scalars().all()
        narrow = len(words) <= _NARROW
        place: ColumnElement[bool] = _place.word.in_(words if narrow else _words_with(piece))
        beside = narrow and after is not None
        found.append((beside, len(piece.text), place & _place.next.in_(after or ()) if beside else place))
        after = words if narrow and piece.follows else None
    return [place for *_, place in sorted(found, key=lambda each: each[:2], reverse=True)]


def _at(place: ColumnElement[bool]) -> Select[Any]:
    """Numbers of the texts for which this is true of a word, or of two side by side."""
    return select(_place.text).where(place).distinct()


def _lists_at(place: ColumnElement[bool]) -> Select[Any]:
    """Lists of prompts with such a text. A join, so that the database stops where enough are found."""
    return (
        select(_prompt.list)
        .join_from(tables.word_texts, tables.prompts, _prompt.text == _place.text)
        .where(place)
        .distinct()
    )


def _words_with(piece: Piece) -> Select[Any]:
    """Numbers of the words that hold this piece."""
    return select(_word.id).where(_holds(piece))


def _holds(piece: Piece) -> ColumnElement[bool]:
    if piece.begins:
        exactly = _word.word == piece.text
        return exactly if piece.ends else (_word.word >= piece.text) & (_word.word < f"{piece.text}\U0010ffff")
    within = _word.word.endswith if piece.ends else _word.word.contains
    return (_word.word > _FIRST_LETTER) & within(piece.text, autoescape=True)


def _contains(pattern: Any) -> ColumnElement[bool]:
    return _folded.like(pattern, escape=_ESCAPE)


def _pattern(folded: str) -> str:
    for special in (_ESCAPE, "%", "_"):
        folded = folded.replace(special, _ESCAPE + special)
    return f"%{folded}%"


def _saying(folded: str, places: list[ColumnElement[bool]]) -> Select[Any]:
    """Lists of prompts with a text that contains the question and for which all this is true; the newest run of
    each."""
    texts = select(_text.id).where(_contains(_pattern(folded)))
    if places:
        texts = texts.where(_text.id.in_(intersect(*map(_at, places))))
    lists = select(_prompt.list).where(_prompt.text.in_(texts)).distinct().subquery()
    newest = select(func.max(_end.seq)).where(_end.prompts == lists.c.list).scalar_subquery()
    return select(lists.c.list, newest.label("newest"))


def _said_in(runs: Select[Any], folded: str) -> Select[Any]:
    """Lists of prompts of these runs with a text that contains the question; the newest run of each."""
    newest = runs.subquery()
    lists = select(newest.c.prompts.label("list"), func.max(newest.c.seq).label("newest")).group_by(newest.c.prompts)
    each = lists.subquery()  # the same prompts serve many runs: each is read once
    said = select(_prompt.list).join_from(tables.prompts, tables.texts, _text.id == _prompt.text)
    return select(each.c.list, each.c.newest).where(
        said.where(_prompt.list == each.c.list, _contains(_pattern(folded))).exists()
    )
