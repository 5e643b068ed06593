"""The one seam: four methods of ComfyUI's prompt queue, observed on the instance and passed through untouched.

`put` says what was accepted, `task_done` how it ended, `delete_queue_item` and `wipe_queue` what was withdrawn while
it waited. All of it runs on ComfyUI's event loop or worker thread, so it copies, stamps and hands over; nothing else.
A failure of ours is reported and swallowed at this border (`_guarded`), a failure of ComfyUI's passes through.

Item layout: `(number, prompt_id, prompt, extra_data, outputs_to_execute[, sensitive])`.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from typing import Any

from ..provenance import canonical
from ..provenance.errors import InputError
from ..provenance.model import Accepted, Clock, Event, Finished, Repeat, Withdrawn

LOG = logging.getLogger("comfy-provenance")
STAMP = "provenance"
LONGEST_ID = 200
LONGEST_SHEET = 64
MOST_TOLD = 50


class QueueHooks:
    """Observes one prompt queue.

    offer: takes an event without blocking; False when it could not be taken, and then nothing is stamped.
    problem: told in one line about failures of our own.
    """

    def __init__(
        self, queue: Any, offer: Callable[[Event], bool], problem: Callable[[str], None], clock: Clock
    ) -> None:
        self.queue = queue
        self._offer = offer
        self._problem = problem
        self._clock = clock
        self._lock = threading.Lock()
        self._used: dict[str, int] = {}
        self._open: dict[str, None] = {}
        self._told: set[str] = set()

    def install(self) -> None:
        """Wrap the queue's methods. Raises AttributeError when one of them does not exist."""
        put, done = self.queue.put, self.queue.task_done
        wipe, delete = self.queue.wipe_queue, self.queue.delete_queue_item

        @functools.wraps(put)
        def observed_put(*args: Any, **kwargs: Any) -> Any:
            self._guarded(self._accept, _argument(args, kwargs, 0, "item"))
            try:
                return put(*args, **kwargs)
            except BaseException:  # the item may be in the queue all the same, and then it runs
                self._guarded(self._withdraw_missing)
                raise

        @functools.wraps(done)
        def observed_done(*args: Any, **kwargs: Any) -> Any:
            finished = self._guarded(self._finish, args, kwargs)
            try:
                return done(*args, **kwargs)
            finally:
                if finished is not None:
                    self._offer(finished)

        @functools.wraps(wipe)
        def observed_wipe(*args: Any, **kwargs: Any) -> Any:
            result = wipe(*args, **kwargs)
            self._guarded(self._withdraw_missing)
            return result

        @functools.wraps(delete)
        def observed_delete(*args: Any, **kwargs: Any) -> Any:
            result = delete(*args, **kwargs)
            if result:
                self._guarded(self._withdraw_missing)
            return result

        self.queue.put, self.queue.task_done = observed_put, observed_done
        self.queue.wipe_queue, self.queue.delete_queue_item = observed_wipe, observed_delete
        self._installed = (observed_put, observed_done)

    def intact(self) -> bool:
        """Whether calls still come through us: false when somebody put the methods back or replaced them unwrapped."""
        found = (self.queue.put, self.queue.task_done)
        return all(_wraps(outer, ours) for outer, ours in zip(found, self._installed, strict=True))

    def running(self) -> str | None:
        """The execution that ComfyUI works on right now, None between runs or for a run that is not recorded."""
        for item in tuple(self.queue.currently_running.values()):
            execution = execution_of(item)
            return execution if execution in self._open else None
        return None

    def _guarded(self, action: Callable[..., Any], *args: Any) -> Any:
        try:
            return action(*args)
        except Exception as error:  # the border: a generation never fails because of us
            reason = f"a run could not be observed: {type(error).__name__}: {error}"
            if reason not in self._told and len(self._told) < MOST_TOLD:
                self._told.add(reason)
                LOG.exception("%s", reason)
            self._problem(reason)
            return None

    def _accept(self, item: Any) -> None:
        at = self._clock()
        number, prompt_id, prompt, extra_data, outputs = item[:5]
        png_info = extra_data.get("extra_pnginfo")
        workflow = png_info.get("workflow") if isinstance(png_info, dict) else None
        if not isinstance(workflow, dict):
            workflow = None
        repeat = _repeat(extra_data)
        parent, method = (None, None) if repeat is not None else _parent(workflow, extra_data)
        received = {"prompt": prompt, "extra": _remaining(extra_data), "outputs": list(outputs)}
        if workflow is not None:
            received["workflow"] = workflow
        frozen = _frozen(received)
        execution = self._new_id(str(prompt_id))
        self._open[execution] = None
        if not self._offer(Accepted(execution, str(prompt_id), float(number), parent, method, frozen, at, repeat)):
            self._open.pop(execution, None)
            return
        _stamp(workflow, extra_data, execution)

    def _new_id(self, prompt_id: str) -> str:
        """The prompt id itself the first time, then with a count: two runs are two executions."""
        with self._lock:
            count = self._used[prompt_id] = self._used.get(prompt_id, 0) + 1
        return prompt_id if count == 1 else f"{prompt_id}~{count}"

    def _finish(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Finished | None:
        at = self._clock()
        item = self.queue.currently_running.get(_argument(args, kwargs, 0, "item_id"))
        execution = execution_of(item)
        if execution is None or execution not in self._open:  # not recorded, or a client's own words
            return None
        del self._open[execution]
        history = _argument(args, kwargs, 1, "history_result") or {}
        status = _argument(args, kwargs, 2, "status")
        report = {
            "outputs": history.get("outputs", {}),
            "messages": list(getattr(status, "messages", ())),
            "status_str": getattr(status, "status_str", None),
            "completed": getattr(status, "completed", None),
        }
        return Finished(execution, _frozen(report), at)

    def _withdraw_missing(self) -> None:
        with self.queue.mutex:
            present = {execution_of(item) for item in self.queue.queue}
            present.update(execution_of(item) for item in self.queue.currently_running.values())
        at = self._clock()
        for execution in [known for known in tuple(self._open) if known not in present]:
            self._open.pop(execution, None)
            self._offer(Withdrawn(execution, at))


def execution_of(item: Any) -> str | None:
    """The execution id that `put` stamped into a queue item; None when there is none."""
    try:
        found = item[3][STAMP]["execution"]
    except (TypeError, KeyError, IndexError):
        return None
    return found if isinstance(found, str) else None


def _frozen(value: dict[str, Any]) -> bytes:
    try:
        return canonical.freeze(value)
    except InputError:  # other packs may put any object into extra_data, and nodes into their ui result
        return canonical.freeze(canonical.plain(value))


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], place: int, name: str) -> Any:
    return args[place] if len(args) > place else kwargs.get(name)


def _wraps(outer: Any, ours: Any) -> bool:
    while outer is not None and outer is not ours:
        outer = getattr(outer, "__wrapped__", None)
    return outer is ours


def _parent(workflow: dict[str, Any] | None, extra_data: dict[str, Any]) -> tuple[str | None, str | None]:
    extra = workflow.get("extra") if workflow else None
    for holder, member, method in ((extra, "execution", "workflow"), (extra_data, "parent", "extra_data")):
        stamp = holder.get(STAMP) if isinstance(holder, dict) else None
        found = stamp.get(member) if isinstance(stamp, dict) else None
        if isinstance(found, str) and 0 < len(found) <= LONGEST_ID:
            return found, method
    return None, None


def _repeat(extra_data: dict[str, Any]) -> Repeat | None:
    """The run that a client says this one repeats, at `extra_data.provenance.replay_of`, and its cell on a sheet."""
    stamp = extra_data.get(STAMP)
    original = stamp.get("replay_of") if isinstance(stamp, dict) else None
    if not isinstance(original, str) or not 0 < len(original) <= LONGEST_ID:
        return None
    match stamp.get("sheet"):
        case {"id": str(sheet), "cell": int(cell), "cells": int(cells)} if sheet and 0 <= cell < cells:
            return Repeat(original, sheet[:LONGEST_SHEET], cell, cells)
    return Repeat(original)


def _remaining(extra_data: dict[str, Any]) -> dict[str, Any]:
    """What a client sent beside the graph, without the socket's id and without what the snapshot holds elsewhere."""
    rest = {key: value for key, value in extra_data.items() if key not in ("client_id", "create_time", STAMP)}
    png_info = rest.get("extra_pnginfo")
    if isinstance(png_info, dict):
        others = {key: value for key, value in png_info.items() if key != "workflow"}
        if others:
            rest["extra_pnginfo"] = others
        else:
            del rest["extra_pnginfo"]
    return rest


def _stamp(workflow: dict[str, Any] | None, extra_data: dict[str, Any], execution: str) -> None:
    if workflow is not None:
        extra = workflow.get("extra")
        if not isinstance(extra, dict):
            extra = workflow["extra"] = {}
        _write_stamp(extra, execution)
    _write_stamp(extra_data, execution)


def _write_stamp(holder: dict[str, Any], execution: str) -> None:
    given = holder.get(STAMP)
    holder[STAMP] = {**(given if isinstance(given, dict) else {}), "execution": execution}
