"""A QR code (ISO/IEC 18004) for a checkpoint's short form: version 3, error correction M, alphanumeric. Pure.

Written here because whoever checks a dossier makes its pages again, on a machine that has three packages (ADR 0014);
this one kind of code is small. A test compares every module with an independent encoder's.
"""

from __future__ import annotations

from collections.abc import Iterator

from .html import Markup, tag

SIZE = 29
LONGEST = 61
_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_DATA, _CORRECTION = 44, 26  # code words, in one block
_FORMAT = 0b101010000010010  # level M, mask 0, with its own check bits and mask
_QUIET = 4


def svg(text: str, label: str) -> Markup:
    """The code as a drawing; empty for a text that does not fit."""
    if len(text) > LONGEST or set(text) - set(_SIGNS):
        return ""
    dark = "".join(
        f"M{x + _QUIET} {y + _QUIET}h1v1h-1z" for y, row in enumerate(matrix(text)) for x, on in enumerate(row) if on
    )
    side = SIZE + 2 * _QUIET
    path = tag("path", d=dark, fill="#000")
    white = tag("rect", width=side, height=side, fill="#fff")
    return tag("svg", white + path, viewBox=f"0 0 {side} {side}", class_="qr", role="img", aria_label=label)


def matrix(text: str) -> list[list[bool]]:
    """Rows of modules, dark where true. The text must fit."""
    modules = _patterns()
    bits = (word >> shift & 1 for word in _words(text) for shift in range(7, -1, -1))
    for x, y in _places(modules):
        modules[y, x] = bool(next(bits, 0)) ^ ((x + y) % 2 == 0)
    return [[modules[y, x] for x in range(SIZE)] for y in range(SIZE)]


def _words(text: str) -> list[int]:
    bits = f"0010{len(text):09b}"
    for at in range(0, len(text), 2):
        pair = [_SIGNS.index(sign) for sign in text[at : at + 2]]
        bits += f"{pair[0] * 45 + pair[1]:011b}" if len(pair) == 2 else f"{pair[0]:06b}"
    bits += "0" * min(4, 8 * _DATA - len(bits))
    bits += "0" * (-len(bits) % 8)
    data = [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]
    data += [0xEC, 0x11] * _DATA
    return data[:_DATA] + _correction(data[:_DATA])


def _correction(data: list[int]) -> list[int]:
    """Reed-Solomon code words over GF(256) with the polynomial 0x11d."""
    generator = [1]
    for power in range(_CORRECTION):
        root = _power(power)
        shifted = [*generator, 0]
        generator = [a ^ _times(b, root) for a, b in zip(shifted, [0, *generator], strict=True)]
    rest = [*data, *[0] * _CORRECTION]
    for at in range(len(data)):
        lead = rest[at]
        for place, factor in enumerate(generator):
            rest[at + place] ^= _times(factor, lead)
    return rest[len(data) :]


def _power(exponent: int) -> int:
    value = 1
    for _ in range(exponent):
        value = _times(value, 2)
    return value


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a = a << 1 ^ (0x11D if a & 0x80 else 0)
        b >>= 1
    return product


def _patterns() -> dict[tuple[int, int], bool]:
    """The modules that do not depend on the text, by (row, column)."""
    found: dict[tuple[int, int], bool] = {}
    for top, left in ((0, 0), (0, SIZE - 7), (SIZE - 7, 0)):
        for y in range(-1, 8):
            for x in range(-1, 8):
                ring = max(abs(y - 3), abs(x - 3))
                if 0 <= top + y < SIZE and 0 <= left + x < SIZE:
                    found[top + y, left + x] = ring in (0, 1, 3)
    for at in range(8, SIZE - 8):
        found[6, at] = found[at, 6] = at % 2 == 0
    for y in range(-2, 3):
        for x in range(-2, 3):
            found[SIZE - 7 + y, SIZE - 7 + x] = max(abs(y), abs(x)) != 1
    for bit in range(15):
        on = bool(_FORMAT >> bit & 1)
        first = (bit if bit < 6 else bit + 1, 8) if bit < 8 else (8, 7 if bit == 8 else 14 - bit)
        second = (8, SIZE - 1 - bit) if bit < 8 else (SIZE - 15 + bit, 8)
        found[first] = found[second] = on
    found[SIZE - 8, 8] = True
    return found


def _places(taken: dict[tuple[int, int], bool]) -> Iterator[tuple[int, int]]:
    """Where the bits go, as (column, row): up and down in columns of two, from the right."""
    free = {(y, x) for y in range(SIZE) for x in range(SIZE)} - taken.keys()
    upward = True
    for right in (*range(SIZE - 1, 6, -2), *range(5, 0, -2)):
        rows = range(SIZE - 1, -1, -1) if upward else range(SIZE)
        for y in rows:
            yield from ((x, y) for x in (right, right - 1) if (y, x) in free)
        upward = not upward
