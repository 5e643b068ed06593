"""Collections on disk do what a dict, lists and a sorted list do, and memory does not grow with them."""

from __future__ import annotations

import gc
import sqlite3
import tracemalloc
from unittest import mock

import pytest
from comfy_provenance.provenance import shelf as shelf_module
from comfy_provenance.provenance.errors import StorageError
from comfy_provenance.provenance.shelf import Lists, Numbers, Shelf
from hypothesis import given
from hypothesis import strategies as st

KEYS = st.text(max_size=3)  # half a character among them: JSON may hold it
STEPS = st.lists(st.tuples(st.sampled_from(("put", "remove", "pop", "default")), KEYS, st.integers()), max_size=30)


@given(STEPS, st.sampled_from((0, 20, shelf_module.AT_HAND)))
def test_a_shelf_does_what_a_dict_does(steps, at_hand) -> None:
    shelf, plain = Shelf[int](), {}
    with mock.patch.object(shelf_module, "AT_HAND", at_hand):
        for what, key, value in steps:
            for each in (shelf, plain):
                if what == "put":
                    each[key] = value
                elif what == "default":
                    each.setdefault(key, value)
                elif what == "pop":
                    each.pop(key, None)
                elif key in each:
                    del each[key]
            assert shelf.get(key) == plain.get(key) and shelf.get(key, "none") == plain.get(key, "none")
            assert (key in shelf) == (key in plain)
    assert list(shelf) == list(plain)
    assert list(shelf.items()) == list(plain.items())
    assert list(shelf.values()) == list(plain.values())
    assert list(shelf.by_key()) == sorted(plain.items())
    assert len(shelf) == len(plain) and shelf == plain
    assert [shelf.get(key) for _, key, _ in steps] == [plain.get(key) for _, key, _ in steps]


def test_what_is_not_there_is_missing() -> None:
    shelf = Shelf[int]()
    assert None not in shelf and 1 not in shelf
    with pytest.raises(KeyError):
        shelf["a"]
    with pytest.raises(KeyError):
        del shelf["a"]


def test_values_come_back_as_they_were_or_as_they_are_told_to() -> None:
    value = (1, 2**70, -0.5, None, True, "\ud800", b"\0", {"a": [1, ("b",)]})
    shelf = Shelf[object]()
    shelf["a"] = value
    assert shelf["a"] == value and type(shelf["a"]) is tuple
    numbers = Shelf[complex](lambda number: (number.real, number.imag), lambda row: complex(*row))
    numbers["a"] = 1 + 2j
    assert numbers["a"] == 1 + 2j


def test_memory_does_not_grow_with_a_shelf() -> None:
    tracemalloc.start()
    try:
        shelf = Shelf[tuple[int, int]]()
        for number in range(20_000):
            shelf[f"{number:064}"] = number, number
        assert sum(before for before, _ in shelf.values()) == sum(range(20_000))
        assert tracemalloc.get_traced_memory()[1] < 200_000  # as a dict, some 5 MB
    finally:
        tracemalloc.stop()


def test_a_shelf_leaves_no_open_file_behind(monkeypatch) -> None:
    opened, connect = [], sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **how: opened.append(connect(*args, **how)) or opened[-1])
    shelf = Shelf[int]()
    shelf["a"] = 1
    del shelf
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")


def test_a_folder_that_takes_no_more_is_a_storage_error(monkeypatch) -> None:
    shelf = Shelf[bytes]()
    shelf._ask("PRAGMA max_page_count=100")
    with pytest.raises(StorageError, match="folder for temporary files refused: database or disk is full"):
        shelf.update((str(number), bytes(4096)) for number in range(200))
    gone = Shelf[bytes]()
    gone["a"] = bytes(shelf_module.AT_HAND)
    gone._connection.close()
    with pytest.raises(StorageError):
        gone["a"]
    with pytest.raises(StorageError):
        next(iter(gone))

    def refuse(*args, **how):
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(sqlite3, "connect", refuse)
    with pytest.raises(StorageError, match="unable to open"):
        Shelf[int]()


@given(st.lists(st.tuples(KEYS, KEYS), max_size=20))
def test_lists_keep_their_items_in_order(given) -> None:
    lists, plain = Lists(), {}
    for name, item in given:
        lists.add(name, item)
        plain.setdefault(name, []).append(item)
    assert all(list(lists[name]) == items for name, items in plain.items())
    assert list(lists["never added"]) == []


@given(st.lists(st.integers(0, 2**63 - 1), max_size=20), st.lists(st.integers(0, 2**63 - 1), max_size=20))
def test_numbers_are_each_there_once_the_smallest_first(first, more) -> None:
    numbers = Numbers(first)
    assert list(numbers) == sorted(set(first)) and len(numbers) == len(set(first))
    assert list(numbers[:2]) == sorted(set(first))[:2]
    for number in sorted(more):
        if not first or number >= max(first):
            numbers.add(number)
            assert number in numbers and numbers[-1] == number
    assert all((number in numbers) == (number in list(numbers)) for number in more)
    assert "1" not in numbers


def test_numbers_only_grow() -> None:
    numbers = Numbers([3, 5])
    numbers.add(5)
    with pytest.raises(ValueError, match="4 comes after 5"):
        numbers.add(4)
    assert list(numbers) == [3, 5]
