"""Lists that many entries state alike, each written once: prompts, models, links. The writing side.

Most runs change a seed; their prompts, models and links read as those of the run before. An entry's row names such
a list by its number. A list is found again by its content, under the first half of its SHA-256. Texts of prompts are
kept apart, each once, with the words to find them by.
"""

from __future__ import annotations

from sqlalchemy import Connection, Table, bindparam, insert, select

from . import tables
from .engine import Database, Statement
from .index_rows import OWNERS, Row, Rows, Shared, half_digest
from .values import fold
from .words import with_next, words_of

_KEPT = 256  # numbers of lists kept at hand


def text_row(text: str) -> Row:
    """What `texts` holds of a text, beside its number."""
    folded = fold(text)
    return {"digest": half_digest(text.encode()), "text": text, "folded": None if folded == text else folded}


class Lists:
    """Numbers of lists. What it keeps at hand holds as long as no transaction is undone and nobody else rebuilds the
    index: `forget` then. Not thread-safe: used inside write transactions."""

    def __init__(self, database: Database) -> None:
        self._numbers: dict[tuple[object, ...], int] = {}
        self._find, self._add = _numbered(database, tables.lists, "digest", "digest")
        self._find_text, self._add_text = _numbered(database, tables.texts, "digest", "digest", "text", "folded")
        self._find_word, self._add_word = _numbered(database, tables.words, "word", "word")
        self._rows = {
            table.name: database.statement(insert(table)) for table in (tables.prompts, tables.models, tables.links)
        }
        self._add_places = database.statement(insert(tables.word_texts))

    def forget(self) -> None:
        """Keep nothing at hand."""
        self._numbers.clear()

    def named(self, connection: Connection, rows: Rows) -> Rows:
        """The same rows with the numbers of lists in the place of the lists; new lists are written."""
        for owner, columns in OWNERS.items():
            for row in rows.get(owner, ()):
                row.update((column, self._number(connection, row[column])) for column in columns)
        return rows

    def _number(self, connection: Connection, shared: Shared | None) -> int | None:
        if shared is None:
            return None
        key = shared.values
        number = self._numbers.get(key)
        if number is None:
            number = self._written(connection, shared)
            if len(self._numbers) >= _KEPT:
                self._numbers.clear()
            self._numbers[key] = number
        return number

    def _written(self, connection: Connection, shared: Shared) -> int:
        digest = {"digest": shared.digest}
        found = self._find.row(connection, digest)
        if found is not None:
            return int(found[0])
        number = self._add.number(connection, digest)
        made = [{**row, "list": number} for row in shared.rows]
        if shared.table == "prompts":
            for row in made:
                row["text"] = None if row["text"] is None else self._text(connection, row["text"])
        self._rows[shared.table].run_many(connection, made)
        return number

    def _text(self, connection: Connection, text: str) -> int:
        row = text_row(text)
        found = self._find_text.row(connection, row)
        if found is not None:
            return int(found[0])
        number = self._add_text.number(connection, row)
        words = words_of(row["folded"] or text)
        numbers = {word: self._word(connection, word) for word in sorted(set(words))}
        places = sorted({(numbers[word], numbers.get(after, 0)) for word, after in with_next(words)})
        self._add_places.run_many(connection, [{"word": word, "next": after, "text": number} for word, after in places])
        return number

    def _word(self, connection: Connection, word: str) -> int:
        found = self._find_word.row(connection, {"word": word})
        return int(found[0]) if found is not None else self._add_word.number(connection, {"word": word})


def _numbered(database: Database, table: Table, key: str, *columns: str) -> tuple[Statement, Statement]:
    """Finding a row's number by its key; adding a row and getting its number."""
    find = select(table.c.id).where(table.c[key] == bindparam(key))
    add = insert(table).values({name: bindparam(name) for name in columns}).returning(table.c.id)
    return database.statement(find), database.statement(add)
