"""Which node is executing now: the content of `comfy_execution.utils`."""

from __future__ import annotations

import contextvars
from types import TracebackType
from typing import NamedTuple


class ExecutionContext(NamedTuple):
    """The run, the node, and the position in a list input that a node function is being called for."""

    prompt_id: str
    node_id: str
    list_index: int | None


_current: contextvars.ContextVar[ExecutionContext | None] = contextvars.ContextVar("executing_node", default=None)


def get_executing_context() -> ExecutionContext | None:
    """The context of the running node function, or None outside one (also in threads that a node starts)."""
    return _current.get()


class CurrentNodeContext:
    """`with CurrentNodeContext(prompt_id, node_id, index):` marks the block as that node's execution."""

    def __init__(self, prompt_id: str, node_id: str, list_index: int | None = None) -> None:
        self.context = ExecutionContext(prompt_id, node_id, list_index)
        self._token: contextvars.Token[ExecutionContext | None] | None = None

    def __enter__(self) -> CurrentNodeContext:
        self._token = _current.set(self.context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)
