"""What of an earlier run can be served again: ComfyUI's classic cache.

A result is found again by what made it: the node's class, its own change mark (IS_CHANGED), its literal inputs, and the
same of everything upstream. Results that the current prompt does not use are dropped when it starts.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .graph import DynamicPrompt, is_link


class CacheEntry(NamedTuple):
    """A node's result: what it showed (None if nothing) and its output slots, each a list."""

    ui: dict[str, Any] | None
    outputs: list[Any]


class OutputCache:
    """Results by signature, for one prompt at a time."""

    def __init__(self) -> None:
        self._entries: dict[str, CacheEntry] = {}
        self._signatures: dict[str, str] = {}

    def begin(self, prompt: DynamicPrompt, marks: Mapping[str, Any]) -> None:
        """Adopt a prompt: sign its nodes and forget every result that it does not use.

        `marks` holds each node's change mark.
        """
        self._signatures = {}
        for node_id in prompt.original_prompt:
            self._sign(prompt, node_id, marks)
        wanted = set(self._signatures.values())
        self._entries = {key: entry for key, entry in self._entries.items() if key in wanted}

    def get(self, node_id: str) -> CacheEntry | None:
        """The stored result of a node of the current prompt."""
        return self._entries.get(self._signatures.get(node_id, ""))

    def set(self, node_id: str, entry: CacheEntry) -> None:
        """Keep a result for this prompt and the ones after it."""
        self._entries[self._signatures[node_id]] = entry

    def node_ids(self) -> list[str]:
        """Every node of the current prompt."""
        return list(self._signatures)

    def _sign(self, prompt: DynamicPrompt, node_id: str, marks: Mapping[str, Any]) -> str:
        if node_id in self._signatures:
            return self._signatures[node_id]
        if not prompt.has_node(node_id):
            return uuid.uuid4().hex
        # Until it is known: a node that is reached from itself never matches anything.
        self._signatures[node_id] = uuid.uuid4().hex
        node = prompt.get_node(node_id)
        cls = prompt.node_class(node_id)
        parts: list[Any] = [node["class_type"], _stable(marks[node_id])]
        if _depends_on_own_id(cls):
            parts.append(node_id)
        for name in sorted(node["inputs"]):
            value = node["inputs"][name]
            if is_link(value):
                parts.append((name, "link", self._sign(prompt, value[0], marks), value[1]))
            else:
                parts.append((name, "value", _stable(value)))
        self._signatures[node_id] = hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()
        return self._signatures[node_id]


def _depends_on_own_id(cls: type[Any]) -> bool:
    if getattr(cls, "NOT_IDEMPOTENT", False):
        return True
    hidden = cls.INPUT_TYPES().get("hidden", {})
    kinds = [kind[0] if isinstance(kind, (tuple, list)) else kind for kind in hidden.values()]
    return "UNIQUE_ID" in kinds


def _stable(value: Any) -> Any:
    """A form whose repr is equal exactly when the values are; unknown objects and NaN never equal anything."""
    if isinstance(value, float) and value != value:
        return uuid.uuid4().hex
    if isinstance(value, (int, float, str, bool, bytes, type(None))):
        return value
    if isinstance(value, Mapping):
        return tuple((_stable(key), _stable(value[key])) for key in sorted(value, key=repr))
    if isinstance(value, Sequence):
        return tuple(_stable(item) for item in value)
    return uuid.uuid4().hex
