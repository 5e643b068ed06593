"""What is refused, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from comfy_provenance.demo.client import Client, Refused
from prompts import node, plain


def refused(client: Client, prompt: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(Refused) as caught:
        client.queue(prompt, {})
    assert caught.value.status == 400
    return caught.value.body


def kinds(body: dict[str, Any], node_id: str) -> list[str]:
    return [error["type"] for error in body["node_errors"][node_id]["errors"]]


def changed(**inputs: Any) -> dict[str, Any]:
    prompt = plain()
    prompt["1"]["inputs"].update(inputs)
    return prompt


def test_no_prompt(client: Client) -> None:
    with pytest.raises(Refused) as caught:
        client.post("/prompt", {})
    assert caught.value.body["error"]["type"] == "no_prompt"


def test_an_unknown_class(client: Client) -> None:
    assert refused(client, {"1": node("NoSuchNode")})["error"]["type"] == "missing_node_type"


def test_a_node_without_a_class(client: Client) -> None:
    assert refused(client, {"1": {"inputs": {}}})["error"]["type"] == "missing_node_type"


def test_a_prompt_without_outputs(client: Client) -> None:
    prompt = plain()
    del prompt["2"]
    assert refused(client, prompt)["error"]["type"] == "prompt_no_outputs"


@pytest.mark.parametrize(
    ("inputs", "kind"),
    [
        ({"width": 0}, "value_smaller_than_min"),
        ({"batch_size": 10**6}, "value_bigger_than_max"),
        ({"color": "blue"}, "invalid_input_type"),
        ({"width": ["1"]}, "bad_linked_input"),
    ],
)
def test_bad_literals_are_named(client: Client, inputs: dict[str, Any], kind: str) -> None:
    body = refused(client, changed(**inputs))
    assert body["error"]["type"] == "prompt_outputs_failed_validation"
    assert kinds(body, "1") == [kind]
    assert body["node_errors"]["1"]["dependent_outputs"] == ["2"]
    assert body["node_errors"]["1"]["class_type"] == "EmptyImage"


def test_a_missing_input(client: Client) -> None:
    prompt = plain()
    del prompt["1"]["inputs"]["width"]
    assert kinds(refused(client, prompt), "1") == ["required_input_missing"]


def test_types_that_do_not_fit(client: Client) -> None:
    prompt = plain()
    prompt["1"] = node("EmptyLatentImage", width=64, height=64, batch_size=1)
    assert kinds(refused(client, prompt), "2") == ["return_type_mismatch"]


def test_a_value_outside_the_list(client: Client) -> None:
    prompt = plain()
    prompt["3"] = node("ImageScale", image=["1", 0], upscale_method="magic", width=8, height=8, crop="disabled")
    prompt["2"]["inputs"]["images"] = ["3", 0]
    assert kinds(refused(client, prompt), "3") == ["value_not_in_list"]


def test_a_file_that_is_not_there(client: Client) -> None:
    prompt = {"1": node("LoadImage", image="gone.png"), "2": node("PreviewImage", images=["1", 0])}
    assert kinds(refused(client, prompt), "1") == ["custom_validation_failed"]


def test_a_cycle(client: Client) -> None:
    prompt = {
        "1": node("StringConcatenate", string_a=["2", 0], string_b="", delimiter=""),
        "2": node("StringConcatenate", string_a=["1", 0], string_b="", delimiter=""),
        "3": node("PreviewAny", source=["1", 0]),
    }
    assert "dependency_cycle" in kinds(refused(client, prompt), "1")


def test_text_numbers_are_converted_before_they_are_queued(client: Client) -> None:
    execution = client.queue(changed(width="16", color=3.0), {})
    kept = client.wait(execution)["prompt"][2]["1"]["inputs"]
    assert kept["width"] == 16 and kept["color"] == 3


def test_a_sound_output_runs_beside_an_unsound_one(client: Client) -> None:
    prompt = plain()
    prompt["3"] = node("LoadImage", image="gone.png")
    prompt["4"] = node("PreviewImage", images=["3", 0])
    answer = client.post("/prompt", {"prompt": prompt, "client_id": client.client_id})
    assert set(answer["node_errors"]) == {"3"}
    assert set(client.wait(answer["prompt_id"])["outputs"]) == {"2"}
