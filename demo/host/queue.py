"""The queue of prompts and the thread that works it off.

The attribute names and the item layout `(number, prompt_id, prompt, extra_data, outputs_to_execute, sensitive)` are
part of the contract: packs observe `put` and `task_done` on the instance.
"""

from __future__ import annotations

import copy
import heapq
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from .executor import PromptExecutor

MAXIMUM_HISTORY_SIZE = 10000
SENSITIVE_EXTRA_DATA_KEYS = ("auth_token_comfy_org", "api_key_comfy_org")
STOP_FLAG = "embedded_host_stop"
Item = tuple[Any, ...]


class PromptQueue:
    """Waiting, running and finished prompts; safe to use from any thread."""

    class ExecutionStatus(NamedTuple):
        """How a run ended, with the events that led there."""

        status_str: Literal["success", "error"]
        completed: bool
        messages: list[Any]

    def __init__(self, server: Any) -> None:
        self.server = server
        self.mutex = threading.RLock()
        self.not_empty = threading.Condition(self.mutex)
        self.task_counter = 0
        self.queue: list[Item] = []
        self.currently_running: dict[int, Item] = {}
        self.history: dict[str, dict[str, Any]] = {}
        self.flags: dict[str, Any] = {}

    def put(self, item: Item) -> None:
        """Accept a prompt; the lowest number runs first."""
        with self.mutex:
            heapq.heappush(self.queue, item)
            self.server.queue_updated()
            self.not_empty.notify()

    def get(self, timeout: float | None = None) -> tuple[Item, int] | None:
        """The next prompt and its running id; None when the time is over or a flag was set meanwhile."""
        with self.not_empty:
            while not self.queue:
                self.not_empty.wait(timeout=timeout)
                if timeout is not None and not self.queue:
                    return None
            item = heapq.heappop(self.queue)
            item_id = self.task_counter
            self.currently_running[item_id] = copy.deepcopy(item)
            self.task_counter += 1
            self.server.queue_updated()
            return item, item_id

    def task_done(
        self,
        item_id: int,
        history_result: dict[str, Any],
        status: ExecutionStatus | None,
        process_item: Callable[[Item], Item] | None = None,
    ) -> None:
        """Move a running prompt to the history; `process_item` takes out of it what must not be kept."""
        with self.mutex:
            item = self.currently_running.pop(item_id)
            if len(self.history) > MAXIMUM_HISTORY_SIZE:
                del self.history[next(iter(self.history))]
            if process_item is not None:
                item = process_item(item)
            entry = {
                "prompt": item,
                "outputs": {},
                "status": copy.deepcopy(status._asdict()) if status is not None else None,
            }
            entry.update(history_result)
            self.history[item[1]] = entry
            self.server.queue_updated()

    def get_current_queue(self) -> tuple[list[Item], list[Item]]:
        """(running, waiting); the waiting items are deep copies."""
        with self.mutex:
            return list(self.currently_running.values()), copy.deepcopy(self.queue)

    def get_current_queue_volatile(self) -> tuple[list[Item], list[Item]]:
        """(running, waiting) without copying the items: read only."""
        with self.mutex:
            return list(self.currently_running.values()), list(self.queue)

    def get_tasks_remaining(self) -> int:
        """How many prompts wait or run."""
        with self.mutex:
            return len(self.queue) + len(self.currently_running)

    def wipe_queue(self) -> None:
        """Forget every waiting prompt; the running one goes on."""
        with self.mutex:
            self.queue = []
            self.server.queue_updated()

    def delete_queue_item(self, function: Callable[[Item], bool]) -> bool:
        """Forget the first waiting prompt for which `function` is true, and say whether there was one."""
        with self.mutex:
            for position, item in enumerate(self.queue):
                if function(item):
                    if len(self.queue) == 1:
                        self.wipe_queue()
                    else:
                        del self.queue[position]
                        heapq.heapify(self.queue)
                    self.server.queue_updated()
                    return True
            return False

    def get_history(
        self,
        prompt_id: str | None = None,
        max_items: int | None = None,
        offset: int = -1,
        map_function: Callable[[dict[str, Any]], Any] | None = None,
    ) -> dict[str, Any]:
        """Finished prompts by id, oldest first: one, a stretch, or (`max_items` alone) the latest."""
        with self.mutex:
            if prompt_id is not None:
                if prompt_id not in self.history:
                    return {}
                entry = self.history[prompt_id]
                return {prompt_id: map_function(entry) if map_function else copy.deepcopy(entry)}
            first = offset
            if offset < 0 and max_items is not None:
                first = len(self.history) - max_items
            chosen = list(self.history.items())[max(first, 0) :]
            if max_items is not None:
                chosen = chosen[:max_items]
            return {key: map_function(entry) if map_function else entry for key, entry in chosen}

    def wipe_history(self) -> None:
        """Forget every finished prompt."""
        with self.mutex:
            self.history = {}

    def delete_history_item(self, id_to_delete: str) -> None:
        """Forget one finished prompt."""
        with self.mutex:
            self.history.pop(id_to_delete, None)

    def set_flag(self, name: str, data: Any) -> None:
        """Leave word for the worker."""
        with self.mutex:
            self.flags[name] = data
            self.not_empty.notify()

    def get_flags(self, reset: bool = True) -> dict[str, Any]:
        """The words left, taken away unless `reset` is false."""
        with self.mutex:
            flags = dict(self.flags)
            if reset:
                self.flags = {}
            return flags


def without_sensitive(items: list[Item]) -> list[Item]:
    """Items as they may be shown: without the sixth element, which holds credentials."""
    return [item[:5] for item in items]


def work(queue: PromptQueue, server: Any) -> None:
    """Run prompts until the stop flag is set. Meant as a thread's whole life."""
    executor = PromptExecutor(server)
    while True:
        taken = queue.get(timeout=1000.0)
        if taken is not None:
            _run_one(queue, server, executor, *taken)
        flags = queue.get_flags()
        if STOP_FLAG in flags:
            return
        if flags.get("free_memory"):
            executor.reset()


def _run_one(queue: PromptQueue, server: Any, executor: PromptExecutor, item: Item, item_id: int) -> None:
    started = time.perf_counter()
    prompt_id = item[1]
    server.last_prompt_id = prompt_id
    # Credentials travel apart from extra_data, so that neither queue nor history ever shows them.
    executor.execute(item[2], prompt_id, {**item[3], **item[5]}, item[4])
    queue.task_done(
        item_id,
        executor.history_result,
        status=PromptQueue.ExecutionStatus(
            status_str="success" if executor.success else "error",
            completed=executor.success,
            messages=executor.status_messages,
        ),
        process_item=lambda kept: kept[:5] + kept[6:],
    )
    if server.client_id is not None:
        server.send_sync("executing", {"node": None, "prompt_id": prompt_id}, server.client_id)
    logging.info("Prompt executed in %.2f seconds", time.perf_counter() - started)
