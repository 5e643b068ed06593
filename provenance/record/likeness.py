"""How alike two pictures look: a 64-bit difference hash, and what a measurement of two pictures says. Pure.

Each bit says whether a cell of an 8 by 8 grid is darker than its right neighbour. It survives re-encoding, scaling and
small edits, and says nothing about authorship: likeness gives `inferred` edges at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GRID = (9, 8)  # columns, rows of grey values
LIKE = 0.84  # at least this score counts as alike: up to 10 bits differ

_CONTRAST = 12
_STEP = 2
_STEPS = 12


@dataclass(frozen=True, slots=True)
class Likeness:
    """A measured similarity, as `schemas/import.v1.json` describes it. psnr_db: None for equal pictures."""

    equal: bool
    psnr_db: float | None
    ssim: float | None
    width: int
    height: int
    aligned: str
    before: str
    after: str


def difference_hash(grey: Sequence[int]) -> str | None:
    """The hash of 72 grey values (0..255, row by row) as 16 hex digits; None for pictures too flat to tell apart.

    Flat means: less than 12 levels between darkest and lightest cell, or fewer than 12 visible steps.
    """
    columns, rows = GRID
    pairs = [(grey[y * columns + x], grey[y * columns + x + 1]) for y in range(rows) for x in range(columns - 1)]
    steps = sum(abs(left - right) >= _STEP for left, right in pairs)
    if max(grey) - min(grey) < _CONTRAST or steps < _STEPS:
        return None
    bits = 0
    for left, right in pairs:
        bits = bits << 1 | (left < right)
    return f"{bits:016x}"


def score(one: str, other: str) -> float:
    """Likeness in 0..1 of two hashes: the share of equal bits. Unrelated pictures are near 0.5."""
    return round(1 - (int(one, 16) ^ int(other, 16)).bit_count() / 64, 4)


def bands(value: str) -> tuple[str, str, str, str]:
    """The hash in four parts of 16 bits. Two hashes that differ in at most 3 bits share a part."""
    return value[:4], value[4:8], value[8:12], value[12:16]
