"""What ComfyUI says of a finished run, in every shape it is known to take."""

from __future__ import annotations

from typing import Any

import pytest
from comfy_provenance.provenance.model import FileRef, Status
from comfy_provenance.provenance.record import report

START = ("execution_start", {"prompt_id": "p", "timestamp": 1_700_000_000_000})
CACHED = ("execution_cached", {"nodes": ["1", "2"], "prompt_id": "p", "timestamp": 1_700_000_000_001})
SUCCESS = ("execution_success", {"prompt_id": "p", "timestamp": 1_700_000_000_250})
ERROR = (
    "execution_error",
    {
        "prompt_id": "p",
        "node_id": "3",
        "node_type": "KSampler",
        "executed": ["1", "2"],
        "exception_message": "no such size",
        "exception_type": "RuntimeError",
        "traceback": ["line 1\n", "line 2\n"],
        "current_inputs": {"api_key": ["sk-secret"]},
        "current_outputs": ["1"],
        "timestamp": 1_700_000_000_300,
    },
)
INTERRUPTED = (
    "execution_interrupted",
    {"prompt_id": "p", "node_id": "3", "node_type": "KSampler", "executed": ["1"], "timestamp": 1_700_000_000_400},
)


def parsed(*messages: Any, outputs: Any = None, **rest: Any) -> report.Report:
    return report.parse({"messages": list(messages), "outputs": outputs or {}, **rest})


def test_a_success_has_its_times_and_cached_nodes() -> None:
    found = parsed(START, CACHED, SUCCESS, status_str="success", completed=True)
    assert found.status is Status.SUCCESS
    assert found.cached == ("1", "2")
    assert found.executed is None
    assert found.failure is None
    assert (found.started_ns, found.ended_ns) == (1_700_000_000_000_000_000, 1_700_000_000_250_000_000)


def test_an_error_keeps_class_message_node_and_traceback_but_no_inputs() -> None:
    found = parsed(START, CACHED, ERROR, status_str="error", completed=False)
    assert found.status is Status.ERROR
    assert found.executed == ("1", "2")
    assert found.failure is not None
    assert (found.failure.error_class, found.failure.message) == ("RuntimeError", "no such size")
    assert (found.failure.node, found.failure.node_type) == ("3", "KSampler")
    assert found.failure.traceback == "line 1\nline 2\n"
    assert "sk-secret" not in repr(found)


def test_an_interrupt_is_told_from_an_error() -> None:
    found = parsed(START, CACHED, INTERRUPTED, status_str="error", completed=False)
    assert found.status is Status.INTERRUPTED
    assert found.executed == ("1",)
    assert found.failure is None


def test_an_error_message_beats_a_status_that_says_success() -> None:
    assert parsed(START, ERROR, status_str="success", completed=True).status is Status.ERROR


def test_files_and_texts_of_any_list_are_outputs() -> None:
    outputs = {
        "9": {"images": [{"filename": "a.png", "subfolder": "x\\y", "type": "output"}], "animated": (True,)},
        "10": {"gifs": [{"filename": "b.mp4", "subfolder": "", "type": "temp", "format": "video/h264-mp4"}]},
        "11": {"text": ("first", "second")},
        "12": {"3d": [{"filename": "c.glb", "subfolder": "mesh", "type": "output"}]},
    }
    found = parsed(SUCCESS, outputs=outputs).items
    assert [(item.node, item.key, item.ordinal, item.file, item.text) for item in found] == [
        ("9", "images", 0, FileRef("output", "x/y", "a.png"), None),
        ("10", "gifs", 0, FileRef("temp", "", "b.mp4"), None),
        ("11", "text", 0, None, "first"),
        ("11", "text", 1, None, "second"),
        ("12", "3d", 0, FileRef("output", "mesh", "c.glb"), None),
    ]


@pytest.mark.parametrize(
    "outputs",
    [
        None,
        [],
        "text",
        {"1": None},
        {"1": {"images": [{"filename": 5}, {"filename": ""}, None, 3, True]}},
        {"1": {"images": {"not": "a list"}}},
    ],
)
def test_odd_outputs_are_no_outputs(outputs: Any) -> None:
    assert report.parse({"messages": [SUCCESS], "outputs": outputs}).items == ()


@pytest.mark.parametrize("messages", [None, "text", [None], [("execution_start",)], [("execution_start", None)]])
def test_odd_messages_are_passed_over(messages: Any) -> None:
    found = report.parse({"messages": messages, "outputs": {}, "status_str": "success", "completed": True})
    assert found.status is Status.SUCCESS
    assert found.started_ns is None


def test_an_unknown_folder_type_counts_as_output() -> None:
    outputs = {"1": {"images": [{"filename": "a.png", "subfolder": None, "type": "elsewhere"}]}}
    assert parsed(SUCCESS, outputs=outputs).items[0].file == FileRef("output", "", "a.png")
