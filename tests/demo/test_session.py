"""The scripted session and the workflows it sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from comfy_provenance.demo.client import Client, Refused
from comfy_provenance.demo.host import folder_paths
from comfy_provenance.demo.host.embedded import EmbeddedHost
from comfy_provenance.demo.session import ModelPart, Run, as_data, run_session
from comfy_provenance.demo.workflow import to_workflow
from PIL import Image
from prompts import picture

PARENTS = {
    "first idea": None,
    "golden hour": "first idea",
    "another seed": "golden hour",
    "by moonlight": "another seed",
    "branch: snow": "golden hour",
    "branch: stronger": "branch: snow",
    "image to image": "by moonlight",
    "two become one": "image to image",
    "the same again": "two become one",
    "a broken file": "two become one",
    "cancelled": "by moonlight",
}


@pytest.fixture(scope="module")
def runs(host: EmbeddedHost) -> list[Run]:
    return run_session(host.url, size=64, prefix="play")


def test_the_story_is_told_in_order(runs: list[Run]) -> None:
    by_id = {run.execution: run.name for run in runs}
    assert {run.name: by_id.get(run.parent or "") for run in runs} == PARENTS
    statuses = {run.name: run.status for run in runs if run.status != "success"}
    assert statuses == {"a broken file": "error", "cancelled": "interrupted"}


def test_the_loaded_files_are_earlier_outputs(runs: list[Run]) -> None:
    by_name = {run.name: run for run in runs}
    assert by_name["image to image"].used == [by_name["by moonlight"].file()]
    assert by_name["two become one"].used == [by_name["image to image"].file(), by_name["branch: stronger"].file()]


def test_the_repeated_run_is_wholly_cached(runs: list[Run]) -> None:
    by_name = {run.name: run for run in runs}
    assert set(by_name["the same again"].cached) == set(by_name["the same again"].prompt)
    assert by_name["the same again"].outputs == by_name["two become one"].outputs


def test_each_picture_carries_the_workflow_it_was_queued_with(runs: list[Run]) -> None:
    for run in runs[:8]:
        path = Path(folder_paths.get_output_directory()) / run.outputs[0]["filename"]
        with Image.open(path) as saved:
            assert json.loads(saved.text["workflow"]) == run.workflow
        head = run.workflow["extra"].get("provenance", {}).get("execution")
        assert head == run.parent


def test_the_runs_are_plain_data(runs: list[Run]) -> None:
    assert json.loads(json.dumps(as_data(runs)))[0]["name"] == "first idea"


def test_a_model_part_that_does_not_fit_is_refused(host: EmbeddedHost) -> None:
    nodes = {"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "none.safetensors"}}}
    part = ModelPart(nodes, ("1", 0), ("1", 1), ("1", 2))
    with pytest.raises(Refused):
        run_session(host.url, model=part)


def queued_again(workflow: dict[str, Any], classes: dict[str, Any]) -> dict[str, Any]:
    """The API prompt that a page makes of a workflow."""
    sources = {link[0]: [str(link[1]), link[2]] for link in workflow["links"]}
    prompt: dict[str, Any] = {}
    for made in workflow["nodes"]:
        values = list(made["widgets_values"])
        inputs: dict[str, Any] = {}
        for entry in made["inputs"]:
            if "widget" in entry:
                inputs[entry["name"]] = values.pop(0)
                if entry["name"] in ("seed", "noise_seed"):
                    values.pop(0)
                if entry["name"] == "image":
                    values.pop(0)
            if entry["link"] is not None:
                inputs[entry["name"]] = sources[entry["link"]]
        assert values == []
        prompt[str(made["id"])] = {"class_type": made["type"], "inputs": inputs}
    return prompt


def test_a_workflow_queues_the_prompt_it_was_made_from(client: Client) -> None:
    classes = client.get("/object_info")
    for prompt in (picture(seed=2**64 - 1), picture(start="a.png [output]")):
        workflow = to_workflow(prompt, classes)
        assert queued_again(workflow, classes) == prompt
        assert workflow["version"] == 0.4 and workflow["last_link_id"] == len(workflow["links"])


def test_a_linked_widget_keeps_its_place_among_the_values(client: Client) -> None:
    prompt = picture()
    prompt["20"] = {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "a cat"}}
    prompt["10"]["inputs"]["text"] = ["20", 0]
    workflow = to_workflow(prompt, client.get("/object_info"))
    encoder = next(made for made in workflow["nodes"] if made["id"] == 10)
    text = next(entry for entry in encoder["inputs"] if entry["name"] == "text")
    assert text["widget"] == {"name": "text"} and text["link"] is not None
    assert encoder["widgets_values"] == [""]
    link = next(link for link in workflow["links"] if link[0] == text["link"])
    assert link[1:] == [20, 0, 10, encoder["inputs"].index(text), "STRING"]


def test_the_head_is_written_where_the_page_keeps_it(client: Client) -> None:
    classes = client.get("/object_info")
    assert "provenance" not in to_workflow(picture(), classes)["extra"]
    assert to_workflow(picture(), classes, execution="e")["extra"]["provenance"] == {"execution": "e"}
