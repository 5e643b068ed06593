"""A small grid of variations around one recorded run: a word left out, a parameter changed. Pure.

What a sheet shows is what this graph does on this machine when one thing is changed. It says nothing about what an
author had in mind, and nothing about any other machine. Cell 0 repeats the run unchanged: it tells how far a replay
here can be compared with the original at all.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from ..canonical import parse_json
from ..errors import InputError
from ..model import Json
from ..record.graph import ApiGraph
from .words import parts

MOST_CELLS = 100
USUAL_MOST = 25
MOST_AXES = 2


@dataclass(frozen=True, slots=True)
class Variant:
    """One value in place of the recorded one, and its name on the sheet. without: the piece of text that it omits."""

    name: str
    value: Json
    without: str | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """An input of one node and the values it is to take besides the recorded one."""

    node: str
    input: str
    variants: tuple[Variant, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of the grid. `changes` is empty in cell 0; row and column are 0 where that axis is unchanged."""

    place: int
    row: int
    column: int
    changes: tuple[tuple[Axis, Variant], ...]

    @property
    def name(self) -> str:
        """What differs, in words; empty for the run as recorded."""
        return "; ".join(variant.name for _, variant in self.changes)


def without(prompt: Json, node: str, name: str, words: Sequence[str] = ()) -> Axis:
    """An axis that leaves out one piece of a text at a time.

    words: the pieces to leave out, each once, as they stand in the text. When none are given: every phrase between
    commas, or, in a text without commas, every word. Raises InputError for an input that holds no text of its own
    (a link, a number) and for a piece that is not in it.
    """
    text = _literal(prompt, node, name)
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"input {name} of node {node} holds no text to leave a word out of")
    pieces = list(dict.fromkeys(word for word in words if word.strip())) or parts(text)
    variants = []
    for piece in pieces:
        start = text.find(piece)
        if start < 0:
            raise InputError(f"the text of node {node} does not contain {piece[:80]!r}")
        variants.append(Variant(f"without “{piece}”", _cut(text, start, start + len(piece)), piece))
    return Axis(node, name, tuple(variants))


def instead(prompt: Json, node: str, name: str, values: Sequence[Json]) -> Axis:
    """An axis that gives an input other values. Raises InputError for an input that is a link or is not there.

    A text in the place of a number is read as one. Not checked: whether ComfyUI accepts the values.
    """
    before = _literal(prompt, node, name)
    values = [_read(value, before) for value in values]
    others = [value for value in values if not (type(value) is type(before) and value == before)]
    if not others:
        raise InputError(f"input {name} of node {node} is to take no value but the recorded one")
    return Axis(node, name, tuple(Variant(f"{name} {_shown(value)}", value) for value in others))


def grid(axes: Sequence[Axis], most: int = USUAL_MOST) -> tuple[Cell, ...]:
    """All cells: the first axis gives rows, the second columns, each with the recorded value first.

    Raises InputError for no axis, more than two, two for the same input, or more cells than `most` (at most 100).
    """
    if not 1 <= len(axes) <= MOST_AXES:
        raise InputError(f"a sheet varies one or {MOST_AXES} inputs")
    if len({(axis.node, axis.input) for axis in axes}) < len(axes):
        raise InputError("both axes vary the same input")
    if not 2 <= most <= MOST_CELLS:
        raise InputError(f"a sheet may have 2 to {MOST_CELLS} cells")
    rows, columns = [*axes, None][:MOST_AXES]
    cells = tuple(_cells(rows, columns))
    if len(cells) > most:
        raise InputError(f"that makes {len(cells)} runs; at most {most} are allowed")
    return cells


def applied(prompt: Json, changes: Sequence[tuple[str, str, Json]]) -> Json:
    """The prompt with (node, input, value) set; the one given is not touched. Raises InputError as `instead` does."""
    varied = copy.deepcopy(prompt)
    for node, name, value in changes:
        _literal(varied, node, name)
        varied[node]["inputs"][name] = value
    return varied


def changes_of(cell: Cell) -> tuple[tuple[str, str, Json], ...]:
    """What `applied` needs for a cell."""
    return tuple((axis.node, axis.input, variant.value) for axis, variant in cell.changes)


def _read(value: Json, before: Json) -> Json:
    """A text as the number or switch that it is to replace; as it is where it is none."""
    if not isinstance(value, str) or isinstance(before, str):
        return value
    try:
        found = parse_json(value.strip().encode())
    except InputError:
        return value
    return found if isinstance(found, (bool, int, float)) else value


def _cells(rows: Axis | None, columns: Axis | None) -> Iterator[Cell]:
    steps = [[None, *(axis.variants if axis is not None else ())] for axis in (rows, columns)]
    for place, ((row, first), (column, second)) in enumerate(product(*(enumerate(step) for step in steps))):
        taken = ((rows, first), (columns, second))
        changes = tuple((axis, variant) for axis, variant in taken if axis is not None and variant is not None)
        yield Cell(place, row, column, changes)


def _literal(prompt: Json, node: str, name: str) -> Json:
    graph = ApiGraph(prompt)
    inputs = prompt.get(node, {}).get("inputs") if node in graph else None
    if not isinstance(inputs, Mapping) or name not in inputs:
        raise InputError(f"the recorded graph has no input {name} at a node {node}")
    if any(link.input == name for link in graph.links(node)):
        raise InputError(f"input {name} of node {node} comes from another node: vary that one")
    return inputs[name]


def _cut(text: str, start: int, end: int) -> str:
    """The text without a piece, and without the comma or space that is left over."""
    before, after = text[:start].rstrip(" "), text[end:].lstrip(" ")
    if after.startswith(_COMMAS) and (not before or before.endswith(_COMMAS)):
        after = after[1:].lstrip(" ")
    elif not after and before.endswith(_COMMAS):
        before = before[:-1].rstrip(" ")
    joint = " " if before and after and text[start - 1] == " " and not after.startswith(_STOPS) else ""
    return f"{before}{joint}{after}"


_COMMAS = (",", "，", "、")
_STOPS = (*_COMMAS, ".", ";", ":")


def _shown(value: Json) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
