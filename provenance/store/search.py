"""Finding texts by a piece of them: prompts through their words, intents one by one. Reads only.

Exact: what is found contains the question, and nothing that contains it is missed. Three ways, by what is asked:

* one of the question's words stands in few texts: only those are looked through;
* else many texts are likely to match: the newest runs are looked through, until enough are found;
* else, and where that does not find enough, all texts that hold every word of the question.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, String, func, intersect, null, select, true
from sqlalchemy.sql import ColumnElement

from . import tables
from .rows import SearchHit
from .words import Piece, pieces_of

_FEW = 1000  # texts that are looked through one by one
_NEWEST = (1000, 9000)  # runs that are looked through at once, one after the other
_MOST_PIECES = 8  # of a question, more narrow nothing
_FIRST_LETTER = "!"  # pairs of characters come before it

_end, _prompt, _text, _word, _place = (
    tables.endings.c, tables.prompts.c, tables.texts.c, tables.words.c, tables.word_texts.c,
)  # fmt: skip


def hits(connection: Connection, folded: str, limit: int) -> list[SearchHit]:
    """Prompt texts and intents that contain a folded question, newest first."""
    intent = tables.intents.c
    columns = (intent.execution, intent.seq, intent.node, null().cast(String), intent.text)
    wanted = select(*columns).where(intent.folded.contains(folded, autoescape=True))
    told = connection.execute(wanted.order_by(intent.seq.desc()).limit(limit))
    found = [*_in_prompts(connection, folded, limit), *(SearchHit(*row) for row in told)]
    return sorted(found, key=lambda hit: hit.ordinal, reverse=True)[:limit]


def texts_with(folded: str) -> Select[Any]:
    """Numbers of the texts that contain a folded question."""
    pieces = _longest(folded)
    found = select(_text.id).where(_contains(folded))
    return found.where(_text.id.in_(_holding(pieces[0]))) if pieces else found


def _in_prompts(connection: Connection, folded: str, limit: int) -> list[SearchHit]:
    pieces = _longest(folded)
    for piece in pieces:
        some = _holding(piece).limit(_FEW + 1).subquery()
        count = connection.execute(select(func.count()).select_from(some)).scalar_one()
        if count == 0:
            return []
        if count <= _FEW:
            texts = select(_text.id).where(_contains(folded), _text.id.in_(_holding(piece)))
            return _newest_with(connection, texts, folded, limit)
    found = _among_newest_runs(connection, folded, limit)
    if found is not None:
        return found
    texts = select(_text.id).where(_contains(folded))
    if pieces:
        texts = texts.where(_text.id.in_(intersect(*map(_holding, pieces))))
    return _newest_with(connection, texts, folded, limit)


def _longest(folded: str) -> list[Piece]:
    """The pieces of a question, those first that are likely to stand in few texts."""
    return sorted(set(pieces_of(folded)), key=lambda piece: -len(piece.text))[:_MOST_PIECES]


def _holding(piece: Piece) -> Select[Any]:
    """Numbers of the texts that have a word which holds this piece."""
    return select(_place.text).where(_place.word.in_(select(_word.id).where(_holds(piece)))).distinct()


def _holds(piece: Piece) -> ColumnElement[bool]:
    if piece.begins:
        exactly = _word.word == piece.text
        return exactly if piece.ends else (_word.word >= piece.text) & (_word.word < f"{piece.text}\U0010ffff")
    within = _word.word.endswith if piece.ends else _word.word.contains
    return (_word.word > _FIRST_LETTER) & within(piece.text, autoescape=True)


def _contains(folded: str) -> ColumnElement[bool]:
    return func.coalesce(_text.folded, _text.text).contains(folded, autoescape=True)


def _among_newest_runs(connection: Connection, folded: str, limit: int) -> list[SearchHit] | None:
    """Enough hits in the newest runs; None when they are not enough there, and there are more runs."""
    found: list[SearchHit] = []
    before: ColumnElement[bool] = true()
    for size in _NEWEST:
        runs = select(_end.seq, _end.execution, _end.prompts).where(before).order_by(_end.seq.desc()).limit(size)
        newest = runs.subquery()
        # the same prompts serve many runs: each is read once
        said = select(newest.c.prompts).distinct()
        read = select(_prompt.list).join_from(tables.prompts, tables.texts, _text.id == _prompt.text)
        saying = read.where(_prompt.list.in_(said), _contains(folded))
        found += _hits(connection, newest, newest.c.prompts.in_(saying) & _contains(folded), limit)
        if len(found) >= limit:
            return found
        last, count = connection.execute(select(func.min(newest.c.seq), func.count()).select_from(newest)).one()
        if count < size:
            return found
        before = _end.seq < last
    return None


def _newest_with(connection: Connection, texts: Select[Any], folded: str, limit: int) -> list[SearchHit]:
    """The newest runs with one of these texts. A text may have very many runs: each list of prompts is asked for its
    newest, in the order of the newest run of each, until no other can have a newer one."""
    lists = select(_prompt.list).where(_prompt.text.in_(texts)).distinct().subquery()
    newest = select(func.max(_end.seq)).where(_end.prompts == lists.c.list).scalar_subquery()
    ordered = select(lists.c.list, newest.label("newest")).order_by(newest.desc()).limit(limit)
    found: list[SearchHit] = []
    for row in connection.execute(ordered).all():
        if row.newest is None or (len(found) >= limit and row.newest < found[limit - 1].ordinal):
            break
        runs = select(_end.seq, _end.execution, _end.prompts).where(_end.prompts == row.list)
        runs = runs.order_by(_end.seq.desc()).limit(limit)
        found += _hits(connection, runs.subquery(), _contains(folded), limit)
        found.sort(key=lambda hit: hit.ordinal, reverse=True)
    return found


def _hits(connection: Connection, runs: Any, condition: ColumnElement[bool], limit: int) -> Iterator[SearchHit]:
    rows = connection.execute(
        select(runs.c.execution, runs.c.seq, _prompt.node, _prompt.input, _text.text)
        .select_from(
            runs.join(tables.prompts, _prompt.list == runs.c.prompts).join(tables.texts, _text.id == _prompt.text)
        )
        .where(condition)
        .order_by(runs.c.seq.desc(), _prompt.item.desc())
        .limit(limit)
    )
    return (SearchHit(*row) for row in rows)
