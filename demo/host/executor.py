"""Runs one prompt: which nodes, in what order, what is sent on the way, and what is left in the history."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
import traceback
from typing import Any

import torch

from . import model_management, progress, registry
from .caching import CacheEntry, OutputCache
from .calls import gather_inputs, map_over_lists, unpack_returns
from .graph import DynamicPrompt, ExecutionBlocker, ExecutionList
from .v3 import is_v3
from .validation import full_type_name

_PRINTABLE = (int, float, bool, str)


class _NodeFailure(Exception):
    """A node's function raised; carries what the error message says about it."""

    def __init__(self, node_id: str, cause: Exception, details: dict[str, Any]) -> None:
        super().__init__(str(cause))
        self.node_id = node_id
        self.cause = cause
        self.details = details


class PromptExecutor:
    """One executor lives as long as the host, because the cache lives in it.

    After `execute`, `history_result`, `success` and `status_messages` describe the run; `execute` itself raises nothing
    that a node raised.
    """

    def __init__(self, server: Any) -> None:
        self.server = server
        self.reset()

    def reset(self) -> None:
        """Drop every cached result and node instance."""
        self.outputs = OutputCache()
        self._instances: dict[tuple[str, str], Any] = {}
        self.status_messages: list[tuple[str, dict[str, Any]]] = []
        self.success = True
        self.history_result: dict[str, Any] = {"outputs": {}, "meta": {}}

    def add_message(self, event: str, data: dict[str, Any], broadcast: bool) -> None:
        """Put an event on the run's record and send it to the page that asked (to all, if `broadcast`)."""
        data = {**data, "timestamp": int(time.time() * 1000)}
        self.status_messages.append((event, data))
        if self.server.client_id is not None or broadcast:
            self.server.send_sync(event, data, self.server.client_id)

    def execute(
        self, prompt: dict[str, Any], prompt_id: str, extra_data: dict[str, Any], execute_outputs: list[str]
    ) -> None:
        """Run the prompt to its end, its failure or its interruption, in the calling thread."""
        asyncio.run(self.execute_async(prompt, prompt_id, extra_data, execute_outputs))

    async def execute_async(
        self, prompt: dict[str, Any], prompt_id: str, extra_data: dict[str, Any], execute_outputs: list[str]
    ) -> None:
        """As `execute`, on the running event loop."""
        registry.interrupt_processing(False)
        self.server.client_id = extra_data.get("client_id")
        self.status_messages = []
        self.success = True
        self.add_message("execution_start", {"prompt_id": prompt_id}, broadcast=False)
        run = _Run(self, prompt, prompt_id, extra_data)
        with torch.inference_mode():
            await run.prepare()
            cached = [node_id for node_id in prompt if self.outputs.get(node_id) is not None]
            self.add_message("execution_cached", {"nodes": cached, "prompt_id": prompt_id}, broadcast=False)
            try:
                await run.all(execute_outputs)
                self.add_message("execution_success", {"prompt_id": prompt_id}, broadcast=False)
            except _NodeFailure as failure:
                self.success = False
                self._report(run, failure)
        self.history_result = {
            "outputs": {node_id: shown["output"] for node_id, shown in run.shown.items()},
            "meta": {node_id: shown["meta"] for node_id, shown in run.shown.items()},
        }
        self.server.last_node_id = None

    def instance(self, node_id: str, class_type: str) -> Any:
        """The node's instance, which keeps its state for as long as the prompts hold that node."""
        key = (node_id, class_type)
        if key not in self._instances:
            self._instances[key] = registry.NODE_CLASS_MAPPINGS[class_type]()
        return self._instances[key]

    def keep_instances(self, prompt: dict[str, Any]) -> None:
        """Drop the instances of nodes that a new prompt does not hold."""
        wanted = {(node_id, node["class_type"]) for node_id, node in prompt.items()}
        self._instances = {key: node for key, node in self._instances.items() if key in wanted}

    def _report(self, run: _Run, failure: _NodeFailure) -> None:
        about = {
            "prompt_id": run.prompt_id,
            "node_id": failure.node_id,
            "node_type": run.prompt.get_node(failure.node_id)["class_type"],
            "executed": list(run.executed),
        }
        if isinstance(failure.cause, model_management.InterruptProcessingException):
            logging.info("Processing interrupted")
            self.add_message("execution_interrupted", about, broadcast=True)
        else:
            # ComfyUI lists here every node that the output cache knows of, run or not.
            known = {"current_outputs": self.outputs.node_ids()}
            self.add_message("execution_error", {**about, **failure.details, **known}, broadcast=False)


class _Run:
    """The state of one prompt while it runs."""

    def __init__(
        self, owner: PromptExecutor, prompt: dict[str, Any], prompt_id: str, extra_data: dict[str, Any]
    ) -> None:
        self.owner = owner
        self.server = owner.server
        self.prompt = DynamicPrompt(prompt)
        self.prompt_id = prompt_id
        self.extra_data = extra_data
        self.executed: set[str] = set()
        self.shown: dict[str, dict[str, Any]] = {}
        self.results: dict[str, CacheEntry] = {}
        self.progress = progress.begin(owner.server, prompt_id, self.prompt)

    async def prepare(self) -> None:
        """Bring the caches to this prompt."""
        marks = {node_id: await self._changed(node_id) for node_id in self.prompt.original_prompt}
        self.owner.outputs.begin(self.prompt, marks)
        self.owner.keep_instances(self.prompt.original_prompt)

    async def all(self, outputs: list[str]) -> None:
        """Run the wanted outputs and what they need. Raises _NodeFailure."""
        todo = ExecutionList(self.prompt, lambda node_id: self.owner.outputs.get(node_id) is not None)
        for node_id in outputs:
            todo.add(node_id)
        while todo:
            node_id = todo.next()
            if node_id is None:
                stuck = next(iter(self.prompt.original_prompt))
                error = RuntimeError("Dependency cycle detected")
                raise _NodeFailure(stuck, error, _describe(error, None))
            await self.one(node_id)
            todo.done(node_id)

    async def one(self, node_id: str) -> None:
        """Serve a node from the cache or run it."""
        cached = self.owner.outputs.get(node_id)
        if cached is not None:
            self._show_cached(node_id, cached)
            self.progress.finish_progress(node_id)
            self.results[node_id] = cached
            return
        node = self.prompt.get_node(node_id)
        cls = self.prompt.node_class(node_id)
        inputs: dict[str, list[Any]] | None = None
        try:
            self.progress.start_progress(node_id)
            inputs, hidden = gather_inputs(node_id, node, cls, self._slots, self.prompt, self.extra_data)
            if self.server.client_id is not None:
                self.server.last_node_id = node_id
                about = {"node": node_id, "display_node": node_id, "prompt_id": self.prompt_id}
                self.server.send_sync("executing", about, self.server.client_id)
            target = self.owner.instance(node_id, node["class_type"])
            returned = await map_over_lists(
                self.prompt_id,
                node_id,
                target,
                inputs,
                cls.FUNCTION,
                hidden,
                interruptible=True,
                on_block=lambda blocker: self._blocked(node_id, blocker),
            )
            slots, ui = unpack_returns(returned, cls)
        except Exception as error:  # a node's code: whatever it raises ends the run, not the host
            raise _NodeFailure(node_id, error, _describe(error, inputs)) from error
        if ui:
            meta = {"node_id": node_id, "display_node": node_id, "parent_node": None, "real_node_id": node_id}
            self.shown[node_id] = {"meta": meta, "output": ui}
            if self.server.client_id is not None:
                told = {"node": node_id, "display_node": node_id, "output": ui, "prompt_id": self.prompt_id}
                self.server.send_sync("executed", told, self.server.client_id)
        entry = CacheEntry(self.shown.get(node_id), slots)
        self.results[node_id] = entry
        self.owner.outputs.set(node_id, entry)
        self.progress.finish_progress(node_id)
        self.executed.add(node_id)

    def _slots(self, node_id: str) -> list[Any] | None:
        entry = self.results.get(node_id) or self.owner.outputs.get(node_id)
        return entry.outputs if entry else None

    def _show_cached(self, node_id: str, cached: CacheEntry) -> None:
        # As in ComfyUI: without a page that asked for the run, a cached output is not listed again.
        if self.server.client_id is None:
            return
        output = (cached.ui or {}).get("output")
        about = {"node": node_id, "display_node": node_id, "output": output, "prompt_id": self.prompt_id}
        self.server.send_sync("executed", about, self.server.client_id)
        if cached.ui is not None:
            self.shown[node_id] = cached.ui

    def _blocked(self, node_id: str, blocker: ExecutionBlocker) -> ExecutionBlocker:
        if blocker.message is None:
            return blocker
        about = {
            "prompt_id": self.prompt_id,
            "node_id": node_id,
            "node_type": self.prompt.get_node(node_id)["class_type"],
            "executed": list(self.executed),
            "exception_message": f"Execution Blocked: {blocker.message}",
            "exception_type": "ExecutionBlocked",
            "traceback": [],
            "current_inputs": [],
            "current_outputs": [],
        }
        self.server.send_sync("execution_error", about, self.server.client_id)
        return ExecutionBlocker(None)

    async def _changed(self, node_id: str) -> Any:
        node = self.prompt.get_node(node_id)
        cls = self.prompt.node_class(node_id)
        name = "fingerprint_inputs" if is_v3(cls) else "IS_CHANGED"
        if not hasattr(cls, name):
            return False
        if "is_changed" not in node:
            # ComfyUI leaves the mark in the queued prompt itself; packs that read the prompt see it there too.
            try:
                inputs, hidden = gather_inputs(node_id, node, cls)
                answers = await map_over_lists(self.prompt_id, node_id, cls, inputs, name, hidden)
                node["is_changed"] = [None if isinstance(a, ExecutionBlocker) else a for a in answers]
            except Exception as error:  # a node's code: its failure means "run it again"
                logging.warning("WARNING: %s", error)
                node["is_changed"] = float("nan")
        return node["is_changed"]


def _describe(error: Exception, inputs: dict[str, list[Any]] | None) -> dict[str, Any]:
    if isinstance(error, model_management.InterruptProcessingException):
        return {}
    logging.error("!!! Exception during processing !!! %s", error)
    logging.error(traceback.format_exc())
    out_of_memory = "This error means you ran out of memory." if model_management.is_oom(error) else ""
    shown = {
        name: [value if value is None or isinstance(value, _PRINTABLE) else str(value) for value in values]
        for name, values in (inputs or {}).items()
    }
    return {
        "exception_message": f"{error}\n{out_of_memory}",
        "exception_type": full_type_name(type(error)),
        "traceback": traceback.format_tb(sys.exc_info()[2]),
        "current_inputs": shown,
    }
