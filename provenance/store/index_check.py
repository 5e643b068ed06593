"""Compares the index with what the entries give. Reads only; signatures and the tree are not looked at here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Table, exists, func, select, union

from ..errors import IntegrityError
from ..model import Finding
from . import record_check, tables
from .copies import strays
from .engine import Database
from .envelopes import Envelopes, damaged_patterns
from .index_rows import OWNERS, Row, Rows, Shared, read_statement, rows_of
from .index_write import BATCH, BEFORE_ALL, Progress, batches, count
from .lists import text_row
from .object_files import ObjectFiles
from .words import with_next, words_of


def check(database: Database, files: ObjectFiles, progress: Progress | None = None) -> Iterator[Finding]:
    """Yield a finding for each row that differs. files: of the ledger's objects; what is in them is not looked at.

    Memory: `BATCH` entries, and some bytes for each different list. Entries that arrive meanwhile may or may not be
    looked at.
    """
    for line in database.damage():
        yield Finding("error", "database-damaged", f"the database's file: {line}")
    with database.read() as connection:
        checking = _Check(connection)
        total, done = count(connection), 0
        for batch in batches(connection):
            yield from checking.batch(batch)
            done += len(batch)
            if progress is not None:
                progress(done, total)
        yield from checking.beyond()
        yield from _unused(connection)
        yield from _open_runs(connection)
        yield from _word_places(connection)
        yield from record_check.check(connection)
        for seq in damaged_patterns(connection):
            yield _finding("changed", tables.patterns, {"seq": seq}, _number(connection, seq))
        for number in strays(connection, files):
            message = f"table objects, id {number}: row tells of a file that is not there and that no entry names"
            yield Finding("error", "record-row-changed", message)


class _Check:
    """One pass over the entries in order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last = BEFORE_ALL
        self._lists: dict[int, bytes] = {}  # number of a list that was compared -> its digest

    def batch(self, batch: Sequence[tuple[int, bytes]]) -> Iterator[Finding]:
        """Compare the rows of these entries, which follow those of the batch before."""
        expected: Rows = {}
        envelopes = Envelopes(self._connection)
        for seq, stored in batch:
            try:
                rows = rows_of(seq, read_statement(envelopes.payload(stored)))
            except IntegrityError as error:
                number = _number(self._connection, seq)
                yield Finding("error", "index-entry-unreadable", f"row {seq} of entries: {error}", number)
                continue
            for name, made in rows.items():
                expected.setdefault(name, []).extend(made)
        for table in tables.INDEX_TABLES:
            found = select(table).where(table.c.seq > self._last, table.c.seq <= batch[-1][0])
            there = {_key(table, row): row for row in map(dict, self._connection.execute(found).mappings())}
            wanted = expected.get(table.name, [])
            yield from self._compare_lists(table, wanted, there)
            for row in wanted:
                yield from _compared(self._connection, table, row, there.pop(_key(table, row), None))
            for row in there.values():
                yield _finding("extra", table, row, _number(self._connection, row["seq"]))
        self._last = batch[-1][0]

    def beyond(self) -> Iterator[Finding]:
        """Rows that no entry can have given: after the last entry."""
        newest = self._connection.execute(select(tables.entries.c.seq).order_by(tables.entries.c.seq.desc()).limit(1))
        last = max(self._last, newest.scalar() or self._last)
        for table in tables.INDEX_TABLES:
            for row in self._connection.execute(select(table).where(table.c.seq > last)).mappings():
                yield _finding("extra", table, dict(row), None)

    def _compare_lists(
        self, table: Table, wanted: Sequence[Row], there: dict[tuple[Any, ...], Row]
    ) -> Iterator[Finding]:
        """Put in the place of each list that is expected its number, where that is the number of just this list."""
        for column in OWNERS.get(table.name, ()):
            named = [(row, there.get(_key(table, row), {}).get(column)) for row in wanted if row[column] is not None]
            fresh: dict[int, tuple[Shared, int]] = {}
            for row, number in named:
                if type(number) is int and number not in self._lists:
                    fresh.setdefault(number, (row[column], row["seq"]))
            yield from self._compare_new(tables.metadata.tables[column], fresh)
            for row, number in named:
                same = number is not None and self._lists.get(number) == row[column].digest
                row[column] = number if same else row[column].digest

    def _compare_new(self, table: Table, fresh: dict[int, tuple[Shared, int]]) -> Iterator[Finding]:
        """Compare lists that were not met before with what the first entry that names them says."""
        for chunk in _chunks(list(fresh)):
            known = self._connection.execute(select(tables.lists).where(tables.lists.c.id.in_(chunk)))
            digests = {row.id: row.digest for row in known}
            stored: dict[int, dict[int, Row]] = {}
            for row in map(dict, self._connection.execute(_content(table, chunk)).mappings()):
                stored.setdefault(row.pop("list"), {})[row["item"]] = row
            for number in chunk:
                shared, seq = fresh[number]
                found = list(self._compared_list(number, shared, seq, stored.get(number, {})))
                digest = digests.get(number)
                if found and digest != shared.digest:
                    continue  # another list: the number is what is wrong
                self._lists[number] = shared.digest
                yield from found
                named = {"id": number, "digest": digest}
                if digest is None:
                    yield _finding("missing", tables.lists, named, None)
                elif digest != shared.digest:
                    yield _finding("changed", tables.lists, named, None, " in digest")
            if table is tables.prompts:
                yield from _texts(self._connection, [fresh[number][0] for number in chunk])

    def _compared_list(self, number: int, shared: Shared, seq: int, stored: dict[int, Row]) -> Iterator[Finding]:
        table = tables.metadata.tables[shared.table]
        entry = _number(self._connection, seq)
        for row in shared.rows:
            there = stored.pop(row["item"], None)
            if there != row:
                what, where = _difference(row, there)
                yield _finding(what, table, {**row, "list": number}, entry, where)
        for row in stored.values():
            yield _finding("extra", table, {**row, "list": number}, entry)


def _content(table: Table, numbers: Sequence[int]) -> Any:
    """Lists as entries state them: with the texts of prompts."""
    said = select(table)
    if table is tables.prompts:
        columns = [column for column in table.c if column is not table.c.text]
        joined = table.outerjoin(tables.texts, tables.texts.c.id == table.c.text)
        said = select(*columns, tables.texts.c.text).select_from(joined)
    return said.where(table.c.list.in_(numbers))


def _texts(connection: Connection, lists: Sequence[Shared]) -> Iterator[Finding]:
    said = {row["text"] for shared in lists for row in shared.rows if row["text"] is not None}
    wanted = {row["digest"]: row for row in map(text_row, said)}
    texts = tables.texts
    columns = (texts.c.digest, texts.c.text, texts.c.folded)
    stored: dict[bytes, Row] = {}
    for chunk in _chunks(list(wanted)):
        found = connection.execute(select(*columns).where(texts.c.digest.in_(chunk)))
        stored.update((row["digest"], dict(row)) for row in found.mappings())
    for digest, row in wanted.items():
        there = stored.get(digest)
        if there != row:
            what, where = _difference(row, there)
            yield _finding(what, texts, row, None, f", digest {digest.hex()}{where}")


def _unused(connection: Connection) -> Iterator[Finding]:
    """Lists, rows of lists and texts that nothing names."""
    owners: dict[str, list[Any]] = {}
    for owner, columns in OWNERS.items():
        for name in columns:
            column = tables.metadata.tables[owner].c[name]
            owners.setdefault(name, []).append(select(column).where(column.is_not(None)))
    for table in tables.SHARED_TABLES:
        key = table.c.id if table is tables.lists else table.c.list
        naming = owners.get(table.name) or [each for named in owners.values() for each in named]
        for row in connection.execute(select(table).where(key.not_in(union(*naming)))).mappings():
            yield _finding("extra", table, dict(row), None)
    named = select(tables.prompts.c.text).where(tables.prompts.c.text.is_not(None))
    for row in connection.execute(select(tables.texts).where(tables.texts.c.id.not_in(named))).mappings():
        yield _finding("extra", tables.texts, dict(row), None)


def _open_runs(connection: Connection) -> Iterator[Finding]:
    runs, ended, marked = tables.executions, tables.endings, tables.open_runs
    is_open = ~exists().where(ended.c.execution == runs.c.id)
    unmarked = select(runs.c.id).where(is_open, ~exists().where(marked.c.execution == runs.c.id))
    for (execution,) in connection.execute(unmarked):
        yield _finding("missing", marked, {"execution": execution}, None)
    truly_open = exists().where(runs.c.id == marked.c.execution, is_open)
    for (execution,) in connection.execute(select(marked.c.execution).where(~truly_open)):
        yield _finding("extra", marked, {"execution": execution}, None)


def _word_places(connection: Connection) -> Iterator[Finding]:
    """Whether each text is found by just its words. They are counted and summed, not held in memory."""
    words, places, texts = tables.words, tables.word_texts, tables.texts
    wanted = stored = missing = 0
    for number, text, folded in connection.execute(select(texts.c.id, texts.c.text, texts.c.folded)):
        found = set(with_next(words_of(str(text if folded is None else folded))))
        wanted += sum(hash((*pair, number)) for pair in found)
        missing += len(found)
    after = words.alias("after")
    joined = places.outerjoin(words, words.c.id == places.c.word).outerjoin(after, after.c.id == places.c.next)
    said = select(words.c.word, func.coalesce(after.c.word, ""), places.c.text).select_from(joined)
    for word, follower, number in connection.execute(said):
        stored += hash((word, follower, number))
        missing -= 1
    if stored != wanted:
        yield _finding("missing" if missing > 0 else "extra" if missing else "changed", places, {}, None)
        yield from _changed_words(connection)
    unused = select(words).where(words.c.id.not_in(select(places.c.word)))
    for number, word in connection.execute(unused):
        yield _finding("extra", words, {"id": number, "word": word}, None)
    named = union(select(places.c.word), select(places.c.next).where(places.c.next != 0)).subquery()
    for (number,) in connection.execute(select(named.c.word).where(named.c.word.not_in(select(words.c.id)))):
        yield _finding("missing", words, {"id": number}, None)


def _changed_words(connection: Connection) -> Iterator[Finding]:
    """Words that do not stand in the first text which they are said to stand in."""
    words, texts, place = tables.words.c, tables.texts.c, tables.word_texts.c
    first = select(place.word, func.min(place.text).label("text")).group_by(place.word).subquery()
    joined = tables.words.join(first, first.c.word == words.id).join(tables.texts, texts.id == first.c.text)
    for number, word, text, folded in connection.execute(
        select(words.id, words.word, texts.text, texts.folded).select_from(joined)
    ):
        if word not in words_of(str(text if folded is None else folded)):
            yield _finding("changed", tables.words, {"id": number}, None, " in word")


def _compared(connection: Connection, table: Table, expected: Row, stored: Row | None) -> Iterator[Finding]:
    if stored == expected:
        return
    what, where = _difference(expected, stored)
    yield _finding(what, table, expected, _number(connection, expected["seq"]), where)


def _difference(expected: Row, stored: Row | None) -> tuple[str, str]:
    if stored is None:
        return "missing", ""
    return "changed", " in " + ", ".join(sorted(key for key in expected if stored.get(key) != expected[key]))


def _chunks(numbers: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(numbers), BATCH):
        yield numbers[start : start + BATCH]


def _number(connection: Connection, seq: int) -> int | None:
    return connection.execute(select(tables.entries.c.number).where(tables.entries.c.seq == seq)).scalar()


def _key(table: Table, row: Row) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)


def _finding(what: str, table: Table, row: Row, entry: int | None, where: str = "") -> Finding:
    key = ", ".join(f"{column.name} {_shown(row[column.name])}" for column in table.primary_key if column.name in row)
    return Finding("error", f"index-row-{what}", f"index table {table.name}, {key}: row is {what}{where}", entry)


def _shown(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
