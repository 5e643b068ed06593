"""Outputs that look alike: those whose perceptual hashes, of 64 bits, differ in few. Reads only.

A hash is kept in four bands of 16 bits, each with an index of its own that holds the whole hash too. Hashes that differ
in few bits differ in very few of some band: what is near there is compared.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, select

from ..errors import InputError
from . import tables
from .engine import Database, Statement

MAX_DISTANCE = 15
_output = tables.outputs.c


class Looks:
    """Finds outputs. Thread-safe; raises what the connection raises."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._candidates: dict[tuple[int, int], Statement] = {}  # by band, and how many of its values are near

    def alike(self, connection: Connection, perceptual: str, most: int) -> dict[tuple[int, int], int]:
        """(seq, item) of outputs whose hash differs in at most `most` bits -> in how many. Exact.

        Raises InputError for more than `MAX_DISTANCE` bits, and for what is no 16-digit hash.
        """
        if not 0 <= most <= MAX_DISTANCE:
            raise InputError(f"distance must be 0 to {MAX_DISTANCE}")
        value, found = _value(perceptual), dict[tuple[int, int], int]()
        for band, near in enumerate(_nearby(value, most)):
            values = {f"near{place}": each for place, each in enumerate(near)}
            for seq, item, stored in self._statement(band, len(near)).rows(connection, values):
                if isinstance(stored, bytes) and len(stored) == 9:  # else somebody changed it
                    distance = (int.from_bytes(stored[1:], "big") ^ value).bit_count()
                    if distance <= most:
                        found[seq, item] = distance
        return found

    def _statement(self, band: int, count: int) -> Statement:
        known = self._candidates.get((band, count))
        if known is None:
            near: list[Any] = [bindparam(f"near{place}") for place in range(count)]
            query = select(_output.seq, _output.item, _output.perceptual).where(_output[f"band{band}"].in_(near))
            known = self._candidates[band, count] = self._database.statement(query)
        return known


def _value(perceptual: str) -> int:
    try:
        if len(perceptual) == 16:
            return int(perceptual, 16)
    except ValueError as error:
        raise InputError(f"not a perceptual hash: {perceptual[:40]!r}") from error
    raise InputError(f"not a perceptual hash: {perceptual[:40]!r}")


def _nearby(value: int, distance: int) -> Iterator[list[int]]:
    """For each 16-bit band of a hash, the bands to look at to miss no hash within the distance.

    If each of the four bands differed in more than its radius, the hashes would differ in at least the radii's sum
    and four bits more: radii that sum up to the distance less three miss nothing.
    """
    least, more = divmod(max(distance - 3, 0), 4)
    for place, shift in enumerate((48, 32, 16, 0)):
        band = value >> shift & 0xFFFF
        yield [band ^ mask for mask in _masks(least + (place < more))]


@cache
def _masks(radius: int) -> tuple[int, ...]:
    """All 16-bit numbers with at most so many bits."""
    return tuple(
        sum(1 << bit for bit in bits)
        for count in range(radius + 1)
        for bits in itertools.combinations(range(16), count)
    )
