"""Collections for what there may be more of than memory should hold: one entry of them for each entry of a log.

A `Shelf` is a dict in a temporary database of SQLite's own: private to this process, and gone with it. It lies in
memory while it is small and in the system's folder for temporary files beyond that (docs/adr/0016). `Numbers` are a
sorted list in eight bytes each.
"""

from __future__ import annotations

import sqlite3
import weakref
from array import array
from bisect import bisect_left
from collections.abc import Callable, ItemsView, Iterable, Iterator, MutableMapping, Sequence, ValuesView
from itertools import pairwise
from typing import Any, Generic, TypeVar, overload

from .canonical import freeze, thaw_own
from .errors import StorageError

CACHE_KIB = 256
AT_HAND = 1 << 14  # bytes of what was put last: most of it is asked for soon or never, and many rows at once cost less

_BEGINNING = (
    *("PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", f"PRAGMA cache_size=-{CACHE_KIB}"),
    "CREATE TABLE item (place INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, value BLOB NOT NULL)",
    "BEGIN",  # never committed: nothing of it is to stay
)
_PUT = "INSERT INTO item (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_GET = "SELECT value FROM item WHERE key = ?"
_REMOVE = "DELETE FROM item WHERE key = ?"
_COUNT = "SELECT count(*) FROM item"
_KEYS = "SELECT key FROM item ORDER BY place"
_ITEMS = "SELECT key, value FROM item ORDER BY place"
_SORTED = "SELECT key, value FROM item ORDER BY key"

_D = TypeVar("_D")
_T = TypeVar("_T")


def _as_it_is(value: Any) -> Any:
    return value


class Shelf(MutableMapping[str, _T]):
    """A dict of texts to plain values, in the order in which keys were first put; its memory does not grow.

    Values are what `canonical.freeze` takes, or what `store` makes such a thing of and `load` makes back. Getting one
    gives a copy. Any method raises StorageError where the temporary folder does not take more. Not thread-safe; not to
    be changed while it is iterated.
    """

    def __init__(self, store: Callable[[_T], Any] = _as_it_is, load: Callable[[Any], _T] = _as_it_is) -> None:
        self._store = store
        self._load = load
        try:
            self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise _refused(error) from error
        weakref.finalize(self, self._connection.close)
        self._cursor = self._connection.cursor()
        self._at_hand: dict[bytes, bytes] = {}
        self._bytes = 0
        self._written = False
        for statement in _BEGINNING:
            self._ask(statement)

    def _ask(self, query: str, *arguments: bytes) -> sqlite3.Cursor:
        try:
            return self._cursor.execute(query, arguments)
        except sqlite3.Error as error:
            raise _refused(error) from error

    def _write(self) -> None:
        """Move what is at hand into the database."""
        if not self._at_hand:
            return
        try:
            self._cursor.executemany(_PUT, self._at_hand.items())
        except sqlite3.Error as error:
            raise _refused(error) from error
        self._at_hand, self._bytes, self._written = {}, 0, True

    def _find(self, key: str) -> bytes | None:
        name = _name(key)
        found = self._at_hand.get(name)
        if found is None and self._written:
            row = self._ask(_GET, name).fetchone()
            return None if row is None else bytes(row[0])
        return found

    def __getitem__(self, key: str) -> _T:
        found = self._find(key)
        if found is None:
            raise KeyError(key)
        return self._load(thaw_own(found))

    @overload
    def get(self, key: str, /) -> _T | None: ...
    @overload
    def get(self, key: str, /, default: _T | _D) -> _T | _D: ...
    def get(self, key: str, /, default: Any = None) -> Any:
        """As of a dict."""
        found = self._find(key)
        return default if found is None else self._load(thaw_own(found))

    def __setitem__(self, key: str, value: _T) -> None:
        name, frozen = _name(key), freeze(self._store(value))
        self._at_hand[name] = frozen
        self._bytes += len(name) + len(frozen)
        if self._bytes > AT_HAND:
            self._write()

    def __delitem__(self, key: str) -> None:
        self._write()
        if not self._ask(_REMOVE, _name(key)).rowcount:
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._find(key) is not None

    def __len__(self) -> int:
        self._write()
        return int(self._ask(_COUNT).fetchone()[0])

    def __iter__(self) -> Iterator[str]:
        return (_text(key) for (key,) in self._rows(_KEYS))

    def items(self) -> ItemsView[str, _T]:
        """Keys with their values, read one after the other."""
        return _Items(self)

    def values(self) -> ValuesView[_T]:
        """The values, read one after the other."""
        return _Values(self)

    def by_key(self) -> Iterator[tuple[str, _T]]:
        """Keys with their values in the order of the keys."""
        return self._pairs(_SORTED)

    def _pairs(self, query: str) -> Iterator[tuple[str, _T]]:
        return ((_text(key), self._load(thaw_own(value))) for key, value in self._rows(query))

    def _rows(self, query: str) -> Iterator[Any]:
        self._write()
        try:
            yield from self._connection.execute(query)
        except sqlite3.Error as error:
            raise _refused(error) from error


class _Items(ItemsView[str, _T]):
    _mapping: Shelf[_T]

    def __iter__(self) -> Iterator[tuple[str, _T]]:
        return self._mapping._pairs(_ITEMS)


class _Values(ValuesView[_T]):
    _mapping: Shelf[_T]

    def __iter__(self) -> Iterator[_T]:
        return (value for _, value in self._mapping._pairs(_ITEMS))


class Lists(Generic[_T]):
    """Lists by their names, on a shelf."""

    def __init__(self, store: Callable[[_T], Any] = _as_it_is, load: Callable[[Any], _T] = _as_it_is) -> None:
        """store, load: as of a `Shelf`, for each item."""
        self._counts = Shelf[int]()
        self._items = Shelf[_T](store, load)

    def add(self, name: str, item: _T) -> None:
        """Put one at the end of a list."""
        count = self._counts.get(name, 0)
        self._items[f"{count} {name}"] = item
        self._counts[name] = count + 1

    def __getitem__(self, name: str) -> Iterator[_T]:
        """A list's items; none where there is no list of that name."""
        return (self._items[f"{number} {name}"] for number in range(self._counts.get(name, 0)))


class Numbers(Sequence[int]):
    """Different whole numbers below 2^63, the smallest first."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._numbers = array("q", numbers)
        if any(before >= after for before, after in pairwise(self._numbers)):
            self._numbers = array("q", sorted(set(self._numbers)))

    def add(self, number: int) -> None:
        """Put one at the end; one that is there already changes nothing. Raises ValueError for a smaller one."""
        last = self._numbers[-1] if self._numbers else -1
        if number < last:
            raise ValueError(f"{number} comes after {last}")
        if number > last:
            self._numbers.append(number)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        at = bisect_left(self._numbers, number)
        return at < len(self._numbers) and self._numbers[at] == number

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[int]: ...
    def __getitem__(self, at: int | slice) -> int | Sequence[int]:
        return self._numbers[at]

    def __len__(self) -> int:
        return len(self._numbers)


def _name(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")  # what JSON may hold, though no database does


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogatepass")


def _refused(error: sqlite3.Error) -> StorageError:
    return StorageError(f"the folder for temporary files refused: {error}")
