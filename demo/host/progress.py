"""Progress of the running prompt, as the page draws it: the content of `comfy_execution.progress`, and ProgressBar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import model_management
from .context import get_executing_context
from .graph import DynamicPrompt
from .wire import PREVIEW_IMAGE_WITH_METADATA, UNENCODED_PREVIEW_IMAGE

PROGRESS_BAR_ENABLED = True
Hook = Callable[..., None]
_hook: Hook | None = None
_registry: ProgressRegistry | None = None


class ProgressRegistry:
    """State of each node that has started, sent whole at every change as `progress_state`."""

    def __init__(self, server: Any, prompt_id: str, prompt: DynamicPrompt) -> None:
        self.server = server
        self.prompt_id = prompt_id
        self.dynprompt = prompt
        self.nodes: dict[str, dict[str, Any]] = {}

    def start_progress(self, node_id: str) -> None:
        """The node's function is about to be called."""
        self.nodes[node_id] = {"state": "running", "value": 0.0, "max": 1.0}
        self._send()

    def update_progress(self, node_id: str, value: float, max_value: float, image: Any = None) -> None:
        """The node got `value` of `max_value` done; `image` is (format, picture, greatest side) or None."""
        self.nodes[node_id] = {"state": "running", "value": value, "max": max_value}
        self._send()
        if image is not None and self.server.client_supports("supports_preview_metadata"):
            about = {"node_id": node_id, "prompt_id": self.prompt_id, **self._ids(node_id)}
            self.server.send_sync(PREVIEW_IMAGE_WITH_METADATA, (image, about), self.server.client_id)

    def finish_progress(self, node_id: str) -> None:
        """The node has a result, new or cached."""
        most = self.nodes.get(node_id, {}).get("max", 1)
        self.nodes[node_id] = {"state": "finished", "value": most, "max": most}
        self._send()

    def _ids(self, node_id: str) -> dict[str, str | None]:
        return {
            "display_node_id": self.dynprompt.get_display_node_id(node_id),
            "parent_node_id": self.dynprompt.get_parent_node_id(node_id),
            "real_node_id": self.dynprompt.get_real_node_id(node_id),
        }

    def _send(self) -> None:
        states = {
            node_id: {**state, "node_id": node_id, "prompt_id": self.prompt_id, **self._ids(node_id)}
            for node_id, state in self.nodes.items()
        }
        self.server.send_sync("progress_state", {"prompt_id": self.prompt_id, "nodes": states}, self.server.client_id)


def begin(server: Any, prompt_id: str, prompt: DynamicPrompt) -> ProgressRegistry:
    """Start afresh for a new run."""
    global _registry
    _registry = ProgressRegistry(server, prompt_id, prompt)
    return _registry


def get_progress_state() -> ProgressRegistry | None:
    """The registry of the latest run; None before the first."""
    return _registry


def set_progress_bar_global_hook(hook: Hook | None) -> None:
    """Where every ProgressBar reports to."""
    global _hook
    _hook = hook


def report_to(server: Any) -> None:
    """Make every ProgressBar report to this server's page, and stop there when the author cancelled."""

    def hook(
        value: float, total: float, preview: Any, prompt_id: str | None = None, node_id: str | None = None
    ) -> None:
        where = get_executing_context()
        prompt_id = prompt_id or (where.prompt_id if where else server.last_prompt_id)
        node_id = node_id or (where.node_id if where else server.last_node_id)
        model_management.throw_exception_if_processing_interrupted()
        if _registry is not None and node_id is not None:
            _registry.update_progress(node_id, value, total, preview)
        about = {"value": value, "max": total, "prompt_id": prompt_id, "node": node_id}
        server.send_sync("progress", about, server.client_id)
        if preview is not None and not server.client_supports("supports_preview_metadata"):
            server.send_sync(UNENCODED_PREVIEW_IMAGE, preview, server.client_id)

    set_progress_bar_global_hook(hook)


class ProgressBar:
    """What a node counts its steps with: the content of `comfy.utils.ProgressBar`."""

    def __init__(self, total: int, node_id: str | None = None) -> None:
        self.total = total
        self.current = 0
        self.node_id = node_id
        self.hook = _hook

    def update_absolute(self, value: int, total: int | None = None, preview: Any = None) -> None:
        """Set the count; raises InterruptProcessingException when the author cancelled."""
        if total is not None:
            self.total = total
        self.current = min(value, self.total)
        if self.hook is not None:
            self.hook(self.current, self.total, preview, node_id=self.node_id)

    def update(self, value: int) -> None:
        """Count on by `value`."""
        self.update_absolute(self.current + value)
