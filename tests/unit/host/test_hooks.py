"""The seam, on the embedded host's real queue: what is observed, what is stamped, and that nothing else changes."""

from __future__ import annotations

import copy
from itertools import count
from typing import Any

import pytest
from comfy_provenance.demo.host.queue import PromptQueue
from comfy_provenance.host.hooks import QueueHooks, execution_of
from comfy_provenance.provenance import canonical
from comfy_provenance.provenance.model import Accepted, Finished, Instant, Repeat, Withdrawn

PROMPT = {"1": {"class_type": "KSampler", "inputs": {"seed": 2**64 - 1, "cfg": 7.0, "steps": 20}}}
SUCCESS = PromptQueue.ExecutionStatus("success", True, [("execution_success", {"prompt_id": "p"})])


class Server:
    def queue_updated(self) -> None:
        """What the queue calls after each change."""


class Seam:
    """A queue with the hooks on it, and everything they reported."""

    def __init__(self, *, takes: bool = True) -> None:
        self.queue = PromptQueue(Server())
        self.events: list[Any] = []
        self.problems: list[str] = []
        self.takes = takes
        ticks = count(1)
        self.hooks = QueueHooks(
            self.queue, self._offer, self.problems.append, lambda: Instant(next(ticks), next(ticks))
        )
        self.hooks.install()

    def _offer(self, event: Any) -> bool:
        if self.takes:
            self.events.append(event)
        return self.takes

    def put(self, prompt_id: str = "p", workflow: Any = None, number: float = 0, **extra: Any) -> tuple[Any, ...]:
        extra_data = {"client_id": "socket", "create_time": 5, **extra}
        if workflow is not None:
            extra_data["extra_pnginfo"] = {"workflow": workflow}
        item = (number, prompt_id, copy.deepcopy(PROMPT), extra_data, ["1"], {})
        self.queue.put(item)
        return item


def thawed(event: Accepted | Finished) -> Any:
    return canonical.thaw(event.frozen)


def test_put_reports_the_graph_as_received_and_stamps_afterwards() -> None:
    seam = Seam()
    workflow = {"nodes": [], "extra": {"ds": {"scale": 1}}}
    item = seam.put("p", workflow)
    (event,) = seam.events
    assert (event.execution, event.prompt_id, event.parent) == ("p", "p", None)
    received = thawed(event)
    assert received["prompt"] == PROMPT
    assert received["workflow"] == {"nodes": [], "extra": {"ds": {"scale": 1}}}
    assert received["extra"] == {}
    assert received["outputs"] == ["1"]
    assert item[3]["extra_pnginfo"]["workflow"]["extra"] == {"ds": {"scale": 1}, "provenance": {"execution": "p"}}
    assert execution_of(item) == "p"
    assert seam.queue.queue == [item]


def test_a_run_that_repeats_another_has_no_parent_whatever_its_workflow_says() -> None:
    seam = Seam()
    workflow = {"nodes": [], "extra": {"provenance": {"execution": "head"}}}
    item = seam.put("p", workflow, provenance={"replay_of": "old", "sheet": {"id": "s", "cell": 2, "cells": 9}})
    (event,) = seam.events
    assert (event.parent, event.parent_method) == (None, None)
    assert event.repeat == Repeat("old", "s", 2, 9)
    assert item[3]["extra_pnginfo"]["workflow"]["extra"]["provenance"] == {"execution": "p"}
    assert thawed(event)["workflow"] == {"nodes": [], "extra": {"provenance": {"execution": "head"}}}


@pytest.mark.parametrize(
    ("stamp", "repeat"),
    [
        ({"replay_of": "old"}, Repeat("old")),
        ({"replay_of": "old", "sheet": {"id": "s", "cell": 9, "cells": 9}}, Repeat("old")),
        ({"replay_of": "old", "sheet": {"id": "", "cell": 0, "cells": 1}}, Repeat("old")),
        ({"replay_of": "old", "sheet": "s"}, Repeat("old")),
        ({"replay_of": 7}, None),
        ({"replay_of": ""}, None),
        ({"replay_of": "x" * 201}, None),
        ("odd", None),
    ],
)
def test_what_a_client_says_of_a_replay_is_taken_only_where_it_can_be(stamp: Any, repeat: Repeat | None) -> None:
    seam = Seam()
    seam.put("p", provenance=stamp)
    assert seam.events[0].repeat == repeat
    assert seam.problems == []


def test_the_key_order_of_the_workflow_survives() -> None:
    seam = Seam()
    seam.put("p", {"z": 1, "a": {"y": 1, "b": 2}, "extra": {}})
    received = thawed(seam.events[0])["workflow"]
    assert list(received) == ["z", "a", "extra"]
    assert list(received["a"]) == ["y", "b"]


def test_what_nodes_change_later_does_not_reach_the_record() -> None:
    seam = Seam()
    workflow = {"nodes": [{"id": 1}], "extra": {}}
    item = seam.put("p", workflow)
    workflow["nodes"][0]["id"] = 99
    item[2]["1"]["inputs"]["seed"] = 0
    received = thawed(seam.events[0])
    assert received["workflow"]["nodes"] == [{"id": 1}]
    assert received["prompt"]["1"]["inputs"]["seed"] == 2**64 - 1


def test_the_stamp_of_an_earlier_run_is_the_parent() -> None:
    seam = Seam()
    workflow = {"extra": {"provenance": {"execution": "earlier"}}}
    item = seam.put("p", workflow)
    event = seam.events[0]
    assert (event.parent, event.parent_method) == ("earlier", "workflow")
    assert thawed(event)["workflow"] == {"extra": {"provenance": {"execution": "earlier"}}}
    assert item[3]["extra_pnginfo"]["workflow"]["extra"]["provenance"] == {"execution": "p"}


def test_a_client_without_a_workflow_names_the_parent_itself() -> None:
    seam = Seam()
    item = seam.put("p", provenance={"parent": "earlier"})
    assert (seam.events[0].parent, seam.events[0].parent_method) == ("earlier", "extra_data")
    assert item[3]["provenance"] == {"parent": "earlier", "execution": "p"}


@pytest.mark.parametrize("stamp", [None, 5, "x", {"execution": 5}, {"execution": ""}, {"execution": "x" * 500}, []])
def test_an_odd_stamp_is_no_parent(stamp: Any) -> None:
    seam = Seam()
    seam.put("p", {"extra": {"provenance": stamp}})
    assert seam.events[0].parent is None
    assert seam.problems == []


@pytest.mark.parametrize("workflow", [[], "text", 5, {"extra": None}, {"extra": []}, {}])
def test_an_odd_workflow_never_stops_a_run(workflow: Any) -> None:
    seam = Seam()
    item = seam.put("p", workflow)
    assert seam.queue.queue == [item]
    assert len(seam.events) == 1
    assert seam.problems == []


def test_one_batch_press_gives_siblings() -> None:
    seam = Seam()
    for prompt_id in ("a", "b", "c"):
        seam.put(prompt_id, {"extra": {"provenance": {"execution": "head"}}})
    assert [event.parent for event in seam.events] == ["head", "head", "head"]


def test_a_repeated_prompt_id_makes_another_execution() -> None:
    seam = Seam()
    for number in range(3):
        seam.put("same", number=number)
    assert [event.execution for event in seam.events] == ["same", "same~2", "same~3"]
    assert {event.prompt_id for event in seam.events} == {"same"}


def test_task_done_reports_the_run_that_ended_even_when_ids_repeat() -> None:
    seam = Seam()
    seam.put("same", number=1)
    seam.put("same", number=2)
    for expected in ("same", "same~2"):
        _, item_id = seam.queue.get()
        assert seam.hooks.running() == expected
        seam.queue.task_done(item_id, {"outputs": {"1": {"images": []}}}, status=SUCCESS)
        event = seam.events[-1]
        assert isinstance(event, Finished)
        assert event.execution == expected
        assert thawed(event)["status_str"] == "success"
    assert seam.hooks.running() is None


def test_outputs_that_json_does_not_know_are_named_and_the_run_still_ends() -> None:
    seam = Seam()
    seam.put("p")
    _, item_id = seam.queue.get()
    seam.queue.task_done(item_id, {"outputs": {"1": {"thing": [object()], "text": ("a",)}}}, status=SUCCESS)
    assert thawed(seam.events[-1])["outputs"] == {"1": {"thing": [{"$unrecorded": "object"}], "text": ["a"]}}
    assert "p" in seam.queue.history


def test_deleting_and_wiping_withdraws_what_waited_and_nothing_else() -> None:
    seam = Seam()
    for number, prompt_id in enumerate(("running", "a", "b", "c")):
        seam.put(prompt_id, number=number)
    seam.queue.get()
    assert seam.queue.delete_queue_item(lambda item: item[1] == "b")
    assert not seam.queue.delete_queue_item(lambda item: item[1] == "nothing")
    assert [event.execution for event in seam.events if isinstance(event, Withdrawn)] == ["b"]
    seam.queue.wipe_queue()
    assert [event.execution for event in seam.events if isinstance(event, Withdrawn)] == ["b", "a", "c"]


def test_when_the_event_is_not_taken_nothing_is_stamped() -> None:
    seam = Seam(takes=False)
    workflow = {"extra": {"provenance": {"execution": "head"}}}
    item = seam.put("p", workflow)
    assert workflow == {"extra": {"provenance": {"execution": "head"}}}
    assert execution_of(item) is None
    assert seam.queue.queue == [item]
    _, item_id = seam.queue.get()
    seam.queue.task_done(item_id, {"outputs": {}}, status=SUCCESS)
    assert seam.events == []


def test_a_client_that_writes_the_stamp_itself_ends_nothing() -> None:
    seam = Seam(takes=False)
    seam.put("p", provenance={"execution": "some-other-run"})
    _, item_id = seam.queue.get()
    seam.takes = True
    seam.queue.task_done(item_id, {"outputs": {}}, status=SUCCESS)
    assert seam.events == []


def test_a_failure_of_ours_is_reported_and_the_run_goes_on() -> None:
    seam = Seam()
    seam.queue.put((0, "odd"))
    assert seam.queue.queue == [(0, "odd")]
    assert len(seam.problems) == 1
    assert "could not be observed" in seam.problems[0]


def test_a_failure_of_the_queue_passes_through_and_a_run_that_is_queued_all_the_same_stays_open() -> None:
    seam = Seam()
    seam.put("a", number=1)
    with pytest.raises(TypeError):  # the heap cannot compare two dicts, but has taken the item
        seam.put("a", number=1)
    assert [event.execution for event in seam.events] == ["a", "a~2"]


def test_a_run_that_the_queue_refused_is_withdrawn() -> None:
    seam = Seam()

    def full(item: Any) -> None:
        raise RuntimeError("no room")

    queue = PromptQueue(Server())
    queue.put = full  # type: ignore[method-assign]
    events: list[Any] = []

    def offer(event: Any) -> bool:
        events.append(event)
        return True

    QueueHooks(queue, offer, seam.problems.append, lambda: Instant(1, 1)).install()
    with pytest.raises(RuntimeError, match="no room"):
        queue.put((0, "p", {}, {}, [], {}))
    assert [type(event) for event in events] == [Accepted, Withdrawn]


def test_the_seam_says_when_it_has_been_replaced() -> None:
    seam = Seam()
    assert seam.hooks.intact()
    ours = seam.queue.put
    seam.queue.put = lambda item: None
    assert not seam.hooks.intact()

    def polite(item: Any) -> None:
        ours(item)

    polite.__wrapped__ = ours  # type: ignore[attr-defined]
    seam.queue.put = polite
    assert seam.hooks.intact()
