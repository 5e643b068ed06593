"""The API prompt as a graph, and the order in which its nodes run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import registry


class ExecutionBlocker:
    """A value that stops everything downstream of it, silently or (with a message) as an error notice."""

    def __init__(self, message: str | None) -> None:
        self.message = message


class NodeNotFoundError(Exception):
    """A link names a node that the prompt does not hold."""


def is_link(value: object) -> bool:
    """Whether an input is `[node id, output index]`."""
    if not isinstance(value, list) or len(value) != 2:
        return False
    return isinstance(value[0], str) and type(value[1]) in (int, float)


class DynamicPrompt:
    """Read access to one prompt. This host does not expand nodes into subgraphs, so every id is its own display id."""

    def __init__(self, original_prompt: dict[str, Any]) -> None:
        self.original_prompt = original_prompt

    def get_original_prompt(self) -> dict[str, Any]:
        """The prompt as it was queued, the same object."""
        return self.original_prompt

    def has_node(self, node_id: str) -> bool:
        """Whether the prompt holds this node."""
        return node_id in self.original_prompt

    def get_node(self, node_id: str) -> dict[str, Any]:
        """The node's `class_type` and `inputs`; NodeNotFoundError if it is not there."""
        if node_id not in self.original_prompt:
            raise NodeNotFoundError(f"Node {node_id} not found")
        return self.original_prompt[node_id]

    def node_class(self, node_id: str) -> type[Any]:
        """The registered class of a node."""
        return registry.NODE_CLASS_MAPPINGS[self.get_node(node_id)["class_type"]]

    def all_node_ids(self) -> set[str]:
        """Every id in the prompt."""
        return set(self.original_prompt)

    def get_real_node_id(self, node_id: str) -> str:
        """The id in the author's graph."""
        return node_id

    def get_display_node_id(self, node_id: str) -> str:
        """The id that the page highlights."""
        return node_id

    def get_parent_node_id(self, node_id: str) -> str | None:
        """The node that expanded into this one: none here."""
        return None


def get_input_info(
    class_def: type[Any], input_name: str, valid_inputs: dict[str, Any] | None = None
) -> tuple[Any, str | None, dict[str, Any] | None]:
    """(type, category, options) of an input; three Nones when the class has no such input."""
    inputs = valid_inputs if valid_inputs is not None else class_def.INPUT_TYPES()
    for category in ("required", "optional", "hidden"):
        if input_name in inputs.get(category, {}):
            entry = inputs[category][input_name]
            return entry[0], category, entry[1] if len(entry) > 1 else {}
    return None, None, None


class ExecutionList:
    """What is still to run, for the wanted outputs, without what the cache already holds.

    Lazy inputs are treated as ordinary ones: their sources always run.
    """

    def __init__(self, prompt: DynamicPrompt, is_cached: Callable[[str], bool]) -> None:
        self._prompt = prompt
        self._is_cached = is_cached
        self._waiting_for: dict[str, set[str]] = {}
        self._feeds: dict[str, list[str]] = {}

    def add(self, node_id: str) -> None:
        """Plan a node and everything upstream of it that has no cached result."""
        pending = [node_id]
        while pending:
            current = pending.pop()
            if current in self._waiting_for:
                continue
            needs: set[str] = set()
            self._waiting_for[current] = needs
            self._feeds.setdefault(current, [])
            for value in self._prompt.get_node(current)["inputs"].values():
                if is_link(value) and not self._is_cached(value[0]):
                    needs.add(value[0])
                    self._feeds.setdefault(value[0], []).append(current)
                    pending.append(value[0])

    def __bool__(self) -> bool:
        return bool(self._waiting_for)

    def next(self) -> str | None:
        """A node whose inputs are all there; nodes close to an output first, so that pictures show early.

        None means that only a cycle is left.
        """
        ready = [node_id for node_id, needs in self._waiting_for.items() if not needs]
        for distance in range(3):
            for node_id in ready:
                if self._feeds_output(node_id, distance):
                    return node_id
        return ready[0] if ready else None

    def done(self, node_id: str) -> None:
        """The node has a result: what waited for it may go on."""
        del self._waiting_for[node_id]
        for fed in self._feeds.pop(node_id):
            if fed in self._waiting_for:
                self._waiting_for[fed].discard(node_id)

    def _feeds_output(self, node_id: str, distance: int) -> bool:
        if distance == 0:
            return getattr(self._prompt.node_class(node_id), "OUTPUT_NODE", False) is True
        return any(self._feeds_output(fed, distance - 1) for fed in self._feeds[node_id])
