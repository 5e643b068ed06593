"""Where a document keeps its texts, and which of them are secrets by their place. Pure and iterative.

Works on any JSON: keys name their values, also in pairs such as `{"name": "Authorization", "value": ...}`, and what
stands below a strong name is secret as a whole. What ComfyUI's own documents add is in `secret_widgets`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..model import Json
from .secret_names import Strength, hides, strength, trivial
from .secret_widgets import Names, fed_inputs, fed_nodes, feeds, widget_positions

_CONTAINERS = frozenset({dict, list, tuple})

Replace = Callable[[str], str]


class _Frame(NamedTuple):
    """One container, and how to reach it: `parent` indexes the list of frames."""

    value: Any
    parent: int
    key: Any
    inherited: bool


@dataclass(frozen=True, slots=True)
class Document:
    """One surveyed document: every text in it, and the places that are secrets as a whole."""

    frames: list[_Frame]
    texts: set[str]
    hits: set[tuple[int, Any]]

    @property
    def secrets(self) -> Iterator[str]:
        """Texts that are secrets by their place."""
        return (self.frames[frame].value[key] for frame, key in self.hits)

    def rewritten(self, whole: Replace, inside: Replace) -> tuple[Json, list[tuple[str, str]]]:
        """The document with its secrets replaced, and (JSON pointer, new text) of each change, breadth first.

        Containers without a change are shared with the original. Pointers speak of the new document.
        """
        changes: dict[int, dict[Any, Any]] = {}
        renamed: dict[int, dict[Any, str]] = {}
        for index, frame in enumerate(self.frames):
            for key, item in _items(frame.value):
                if isinstance(key, str) and (new_key := inside(key)) != key:
                    renamed.setdefault(index, {})[key] = new_key
                if isinstance(item, str):
                    new = whole(item) if (index, key) in self.hits else inside(item)
                    if new != item:
                        changes.setdefault(index, {})[key] = new
        marks = [
            (self._pointer(index, key, renamed), new)
            for index, new_by in changes.items()
            for key, new in new_by.items()
        ]
        marks += [
            (self._pointer(index, key, renamed), new)
            for index, new_by in renamed.items()
            for key, new in new_by.items()
        ]
        for index in range(len(self.frames) - 1, 0, -1):  # children stand after their parents
            if index in changes or index in renamed:
                frame = self.frames[index]
                new_value = _copied(frame.value, changes.pop(index, {}), renamed.get(index, {}))
                changes.setdefault(frame.parent, {})[frame.key] = new_value
        root = self.frames[0].value[0]
        return changes.get(0, {}).get(0, root), marks

    def _pointer(self, index: int, key: Any, renamed: dict[int, dict[Any, str]]) -> str:
        steps: list[str] = []
        while index > 0:
            shown = str(renamed.get(index, {}).get(key, key))
            steps.append(shown.replace("~", "~0").replace("/", "~1"))
            frame = self.frames[index]
            index, key = frame.parent, frame.key
        return "".join(f"/{step}" for step in reversed(steps))


def survey(document: Json, names: Names, *, api: bool) -> Document:
    """Walk a document. `api` says that it is an API prompt; UI workflows are known by their shape."""
    walk = _Walk(names, fed_inputs(document) if api else {})
    walk.frames.append(_Frame([document], -1, None, False))
    index = 0
    while index < len(walk.frames):
        walk.visit(index)
        index += 1
    return Document(walk.frames, walk.texts, walk.hits)


class _Walk:
    """The state of one survey."""

    def __init__(self, names: Names, fed: dict[int, Strength]) -> None:
        self.frames: list[_Frame] = []
        self.texts: set[str] = set()
        self.hits: set[tuple[int, Any]] = set()
        self._names = names
        self._fed = fed  # id() of containers that feed a secret input; they live as long as the document
        self._positions: dict[int, frozenset[int]] = {}  # id() of widgets_values -> secret places in it

    def visit(self, index: int) -> None:
        """Look at one container; what it contains is put at the end of the frames."""
        frame = self.frames[index]
        if isinstance(frame.value, dict):
            self._visit_dict(index, frame.value, frame.inherited)
            return
        positions = self._positions.get(id(frame.value), frozenset())
        for place, item in enumerate(frame.value):
            self._visit_item(index, place, item, frame.inherited or place in positions)

    def _visit_dict(self, index: int, value: dict[Any, Json], inherited: bool) -> None:
        level = self._prepare(value)
        pair = value.get("name", value.get("key")) if "value" in value else None
        for key, item in value.items():
            kind = type(item)
            if type(key) is not str:  # Python callers may use numbers, which JSON writes as text
                self._visit_item(index, key, item, inherited)
                continue
            self.texts.add(key)
            if kind is str:
                self.texts.add(item)
                secret = inherited or hides(key, item) or (level and feeds(level, item))
                if not secret and pair is not None and key == "value" and isinstance(pair, str):
                    secret = hides(pair, item)
                if secret and not trivial(item):
                    self.hits.add((index, key))
            elif kind in _CONTAINERS and item:
                below = inherited or (strength(key) is Strength.STRONG and not _is_link(item))
                self.frames.append(_Frame(item, index, key, below))

    def _visit_item(self, index: int, key: Any, item: Json, inherited: bool) -> None:
        if isinstance(item, str):
            self.texts.add(item)
            if inherited and not trivial(item):
                self.hits.add((index, key))
        elif type(item) in _CONTAINERS and item:
            self.frames.append(_Frame(item, index, key, inherited))

    def _prepare(self, value: dict[Any, Json]) -> Strength:
        """Note what the container tells about those below it; say whether it feeds a secret input itself."""
        if "links" in value:
            self._fed.update(fed_nodes(value))
        level = self._fed.get(id(value), Strength.NONE) if self._fed else Strength.NONE
        values = value.get("widgets_values")
        if isinstance(values, list):
            self._positions[id(values)] = widget_positions(value, self._names, level)
        return level


def _is_link(value: Json) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], (str, int)) and type(value[1]) is int


def _items(container: Any) -> Iterable[tuple[Any, Json]]:
    return container.items() if isinstance(container, dict) else enumerate(container)


def _copied(container: Any, changes: dict[Any, Any], renamed: dict[Any, str]) -> Any:
    if not isinstance(container, dict):
        return [changes.get(place, item) for place, item in enumerate(container)]
    copy: dict[Any, Any] = {}
    for key, item in container.items():
        new_key: Any = renamed.get(key, key)
        while new_key in copy or (new_key != key and new_key in container):
            new_key += "~"  # never lose a value to a clash of names
        copy[new_key] = changes.get(key, item)
    return copy
