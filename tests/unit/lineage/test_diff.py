"""What changed between two runs: matching, prompts, parameters, wiring, models, environment."""

from __future__ import annotations

import copy
import json
import random

import pytest
from comfy_provenance.provenance.lineage.diff import Side, compare, same
from comfy_provenance.provenance.model import NodeInput, PromptVersion
from hypothesis import given, settings
from hypothesis import strategies as st


def node(class_type, **inputs):
    return {"class_type": class_type, "inputs": inputs}


def graph():
    return {
        "4": node("CheckpointLoaderSimple", ckpt_name="sd15.safetensors"),
        "5": node("EmptyLatentImage", width=512, height=512, batch_size=1),
        "6": node("CLIPTextEncode", text="a castle in fog", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="blurry", clip=["4", 1]),
        "3": node(
            "KSampler",
            seed=2**64 - 1,
            steps=20,
            cfg=7,
            model=["4", 0],
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["5", 0],
        ),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="ComfyUI"),
    }


DECLARED = {
    "CLIPTextEncode": {"text": NodeInput("STRING", {"multiline": True}), "clip": NodeInput("CLIP", {})},
    "Text": {"value": NodeInput("STRING", {"dynamicPrompts": True})},
    "SaveImage": {"filename_prefix": NodeInput("STRING", {"default": "ComfyUI"})},
}


def diff(before, after, **more):
    return compare(Side(before, inputs=DECLARED.get, **more), Side(after, inputs=DECLARED.get, **more)).to_json()


EMPTY = {
    "prompts": [],
    "params": [],
    "graph": {"added": [], "removed": [], "rewired": []},
    "models": [],
    "environment": [],
}


def renumbered(prompt, names):
    text = copy.deepcopy(prompt)
    for body in text.values():
        for name, value in body["inputs"].items():
            if isinstance(value, list) and value[0] in names:
                body["inputs"][name] = [names[value[0]], value[1]]
    return {names.get(key, key): body for key, body in text.items()}


def test_equal_graphs_have_no_changes():
    assert diff(graph(), graph()) == EMPTY
    assert not compare(Side(graph()), Side(graph()))


def test_order_and_cosmetics_do_not_show():
    other = dict(reversed(list(graph().items())))
    for body in other.values():
        body["_meta"] = {"title": "renamed"}
        body["is_changed"] = [True]
        body["inputs"] = dict(reversed(list(body["inputs"].items())))
    before = {"nodes": [{"id": 3, "pos": [0, 0], "color": "#111"}]}
    after = {"nodes": [{"id": 3, "pos": [9, 9], "color": "#222", "size": [1, 1]}]}
    assert compare(Side(graph(), before), Side(other, after)).to_json() == EMPTY


def test_widget_changes_are_params_by_widget_name_and_integers_stay_whole():
    after = graph()
    after["3"]["inputs"] |= {"seed": 2**64 - 2, "cfg": 5.5}
    assert diff(graph(), after)["params"] == [
        {"node": "3", "class_type": "KSampler", "input": "seed", "before": 2**64 - 1, "after": 2**64 - 2},
        {"node": "3", "class_type": "KSampler", "input": "cfg", "before": 7, "after": 5.5},
    ]


def test_prompt_changes_carry_hunks_and_are_not_params():
    after = graph()
    after["6"]["inputs"]["text"] = "a castle in rain"
    assert diff(graph(), after) == EMPTY | {
        "prompts": [
            {
                "node": "6",
                "input": "text",
                "before": "a castle in fog",
                "after": "a castle in rain",
                "hunks": [
                    {"op": "equal", "text": "a castle in "},
                    {"op": "delete", "text": "fog"},
                    {"op": "insert", "text": "rain"},
                ],
            }
        ]
    }


def test_a_single_line_string_is_a_parameter():
    after = graph()
    after["9"]["inputs"]["filename_prefix"] = "castle"
    changed = diff(graph(), after)
    assert changed["prompts"] == []
    assert [change["input"] for change in changed["params"]] == ["filename_prefix"]


def test_prompt_versions_tell_prompts_where_classes_are_unknown():
    after = graph()
    after["6"]["inputs"]["text"] = "a castle in rain"
    versions = (PromptVersion("6", "text", "CLIPTextEncode", "positive", "literal", "a castle in fog"),)
    found = compare(Side(graph(), versions=versions), Side(after))
    assert [(change.node, change.role) for change in found.prompts] == [("6", "positive")]
    assert found.params == ()


def test_text_seen_at_run_time_counts_although_the_graph_did_not_change():
    seen = [(PromptVersion("6", "text", "CLIPTextEncode", "positive", "observed", text),) for text in ("fog", "rain")]
    found = compare(Side(graph(), versions=seen[0]), Side(graph(), versions=seen[1])).to_json()
    assert [(change["before"], change["after"]) for change in found["prompts"]] == [("fog", "rain")]


def test_an_edited_wildcard_shows_although_the_same_text_came_out():
    after = graph()
    after["6"]["inputs"]["text"] = "a castle in {fog|mist}"
    seen = (PromptVersion("6", "text", "CLIPTextEncode", "positive", "observed", "a castle in fog"),)
    found = compare(Side(graph(), versions=seen), Side(after, versions=seen)).to_json()
    assert found["prompts"][0]["after"] == "a castle in {fog|mist}"


def linked(text):
    return graph() | {"6": node("CLIPTextEncode", text=["20", 0], clip=["4", 1]), "20": node("Text", value=text)}


def test_a_linked_prompt_is_told_once_where_it_is_written():
    seen = [(PromptVersion("6", "text", "CLIPTextEncode", "positive", "observed", text),) for text in ("fog", "rain")]
    before = Side(linked("fog"), versions=seen[0], inputs=DECLARED.get)
    after = Side(linked("rain"), versions=seen[1], inputs=DECLARED.get)
    assert [change.node for change in compare(before, after).prompts] == ["20"]


def test_a_linked_prompt_that_nobody_saw_is_a_change_of_wiring():
    found = diff(graph(), linked("fog"))
    assert found["prompts"] == []
    assert found["graph"]["added"] == [{"node": "20", "class_type": "Text"}]
    assert found["graph"]["rewired"] == [
        {"node": "6", "class_type": "CLIPTextEncode", "input": "text", "before": "a castle in fog", "after": ["20", 0]}
    ]


def test_a_node_put_between_is_added_and_its_neighbour_rewired():
    after = graph()
    after["10"] = node("LoraLoader", lora_name="detail.safetensors", strength_model=0.6, model=["4", 0], clip=["4", 1])
    after["3"]["inputs"]["model"] = ["10", 0]
    assert diff(graph(), after) == EMPTY | {
        "graph": {
            "added": [{"node": "10", "class_type": "LoraLoader"}],
            "removed": [],
            "rewired": [
                {"node": "3", "class_type": "KSampler", "input": "model", "before": ["4", 0], "after": ["10", 0]}
            ],
        }
    }


def test_another_slot_is_rewired():
    after = graph()
    after["8"]["inputs"]["vae"] = ["4", 0]
    assert [change["input"] for change in diff(graph(), after)["graph"]["rewired"]] == ["vae"]


def test_an_id_given_to_another_class_is_removed_and_added_without_rewiring_noise():
    after = graph()
    after["5"] = node("VAEEncode", pixels=["10", 0], vae=["4", 2])
    after["10"] = node("LoadImage", image="x.png")
    found = diff(graph(), after)["graph"]
    assert found["removed"] == [{"node": "5", "class_type": "EmptyLatentImage"}]
    assert [item["node"] for item in found["added"]] == ["5", "10"]
    assert found["rewired"] == []


def test_a_drop_in_replacement_keeps_its_values_compared():
    after = graph()
    after["3"]["class_type"] = "ProvenanceKSampler"
    after["3"]["inputs"]["seed"] = 5
    found = diff(graph(), after)
    assert found["graph"]["removed"] == [{"node": "3", "class_type": "KSampler"}]
    assert found["graph"]["added"] == [{"node": "3", "class_type": "ProvenanceKSampler"}]
    assert [change["input"] for change in found["params"]] == ["seed"]


def test_a_recreated_node_is_the_same_node():
    after = renumbered(graph(), {"3": "31", "6": "32"})
    after["31"]["inputs"]["seed"] = 1
    assert diff(graph(), after) == EMPTY | {
        "params": [{"node": "31", "class_type": "KSampler", "input": "seed", "before": 2**64 - 1, "after": 1}]
    }


def test_a_graph_pasted_with_all_new_ids_is_the_same_graph():
    after = renumbered(graph(), {key: str(int(key) + 100) for key in graph()})
    after["106"]["inputs"]["text"] = "a castle in rain"
    found = diff(graph(), after)
    assert found["graph"] == EMPTY["graph"]
    assert [change["node"] for change in found["prompts"]] == ["106"]


def test_the_positive_and_the_negative_encoder_are_told_apart_by_wiring():
    after = renumbered(graph(), {"6": "17", "7": "16"})
    after["17"]["inputs"]["text"], after["16"]["inputs"]["text"] = "a castle at dawn", "blurry, low"
    changes = {change["before"]: change["after"] for change in diff(graph(), after)["prompts"]}
    assert changes == {"a castle in fog": "a castle at dawn", "blurry": "blurry, low"}


def test_ids_in_subgraphs_are_ids():
    before = {"12:3": node("KSampler", seed=1), "12": node("X")}
    after = {"12:3": node("KSampler", seed=2), "12": node("X")}
    assert [change["node"] for change in diff(before, after)["params"]] == ["12:3"]


def test_an_absent_input_is_null():
    after = graph()
    del after["3"]["inputs"]["cfg"]
    after["3"]["inputs"]["denoise"] = 0.5
    assert [(c["input"], c["before"], c["after"]) for c in diff(graph(), after)["params"]] == [
        ("denoise", None, 0.5),
        ("cfg", 7, None),
    ]


def test_values_are_compared_as_json_means_them():
    assert same(7, 7.0)
    assert same(float("nan"), float("nan"))
    assert not same(True, 1)
    assert not same(2**53 + 1, float(2**53))
    assert not same([1, [2]], [1, [3]])
    assert not same({"a": None}, {})
    deep_a: list = []
    deep_b: list = []
    for _ in range(5000):
        deep_a, deep_b = [deep_a], [deep_b]
    assert same(deep_a, deep_b)


def test_numbers_that_json_does_not_have_become_strings():
    after = graph()
    after["3"]["inputs"]["cfg"] = float("nan")
    after["3"]["inputs"]["steps"] = {"a": [float("inf"), float("-inf")]}
    text = json.dumps(diff(graph(), after), allow_nan=False)
    assert '"NaN"' in text and '"Infinity"' in text and '"-Infinity"' in text


def test_wrapped_lists_are_values_not_links():
    before, after = ({"1": node("X", area={"__value__": ["4", n]}), "4": node("Y")} for n in (1, 2))
    assert diff(before, after)["params"] == [
        {"node": "1", "class_type": "X", "input": "area", "before": ["4", 1], "after": ["4", 2]}
    ]


def test_large_graphs_with_new_ids_are_matched():
    count = 10_000
    before = {"0": node("LoadImage", image="x.png")}
    for n in range(1, count):
        before[str(n)] = node("Blur", image=[str(n - 1), 0], radius=n % 7)
    after = renumbered(before, {key: str(int(key) + 100_000) if n % 3 else key for n, key in enumerate(before)})
    after["107777"]["inputs"]["radius"] = 99
    found = diff(before, after)
    assert len(found["params"]) == 1
    assert found["graph"] == EMPTY["graph"]


def test_titles_come_from_the_prompt_or_the_workflow():
    prompt = graph()
    prompt["6"]["_meta"] = {"title": "Positive"}
    prompt["3"]["_meta"] = {"title": "KSampler"}
    prompt["12:1:5"] = node("Blur")
    workflow = {
        "nodes": [{"id": 7, "type": "CLIPTextEncode", "title": "Negative"}, {"id": 12, "type": "sub", "title": "Sub"}],
        "definitions": {
            "subgraphs": [
                {"id": "sub", "nodes": [{"id": 1, "type": "inner"}]},
                {"id": "inner", "nodes": [{"id": 5, "type": "inner", "title": "Soft"}]},
            ]
        },
    }
    titles = compare(Side(prompt, workflow), Side(prompt, workflow)).titles
    assert titles["6"] == "Positive" and titles["7"] == "Negative" and titles["12:1:5"] == "Soft"
    assert "3" not in titles


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.tuples(st.text("123"), st.integers(0, 2)).map(list),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=4), children, max_size=3),
    max_leaves=8,
)
any_graph = st.dictionaries(
    st.text("123:", min_size=1, max_size=3),
    st.builds(
        lambda kind, inputs: {"class_type": kind, "inputs": inputs},
        st.sampled_from(["A", "B", "CLIPTextEncode"]),
        st.dictionaries(st.sampled_from(["text", "x", "y"]), json_values, max_size=3),
    )
    | json_values,
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(any_graph, any_graph)
def test_any_two_documents_compare_and_can_be_written_as_json(before, after):
    found = diff(before, after)
    json.dumps(found, allow_nan=False)
    assert not compare(Side(before), Side(before))


@settings(max_examples=50, deadline=None)
@given(st.randoms(use_true_random=False))
def test_renaming_ids_never_adds_or_removes(source: random.Random):
    ids = list(graph())
    new = [str(n) for n in source.sample(range(100, 999), len(ids))]
    names = {old: fresh for old, fresh in zip(ids, new, strict=True) if source.random() < 0.7}
    assert diff(graph(), renumbered(graph(), names)) == EMPTY


@pytest.mark.parametrize(
    "prompt", [None, [], "x", {"1": None}, {"1": {}}, {"1": {"class_type": 3, "inputs": []}}, {1: {}}]
)
def test_what_is_no_graph_has_no_nodes(prompt):
    assert diff(prompt, prompt) == EMPTY
