"""Prompt inputs are found by type, and roles only where the graph tells them apart."""

from __future__ import annotations

import pytest
from comfy_provenance.provenance.model import NodeInput
from comfy_provenance.provenance.record import prompts
from comfy_provenance.provenance.record.graph import ApiGraph

TEXT = NodeInput("STRING", {"multiline": True})
DYNAMIC = NodeInput("STRING", {"dynamicPrompts": True})
LINE = NodeInput("STRING", {})
COND = NodeInput("CONDITIONING", {})
LATENT = NodeInput("LATENT", {})
IMAGE = NodeInput("IMAGE", {})

CLASSES = {
    "Encode": ({"text": TEXT, "clip": NodeInput("CLIP", {})}, ("CONDITIONING",)),
    "EncodeXL": ({"text_g": TEXT, "text_l": DYNAMIC, "clip": NodeInput("CLIP", {})}, ("CONDITIONING",)),
    "Combine": ({"conditioning_1": COND, "conditioning_2": COND}, ("CONDITIONING",)),
    "ControlNet": ({"positive": COND, "negative": COND}, ("CONDITIONING", "CONDITIONING")),
    "Inpaint": ({"positive": COND, "negative": COND, "px": IMAGE}, ("CONDITIONING", "CONDITIONING", "LATENT")),
    "Sampler": ({"positive": COND, "negative": COND, "latent_image": LATENT}, ("LATENT",)),
    "BasicGuider": ({"conditioning": COND}, ("GUIDER",)),
    "CFGGuider": ({"positive": COND, "negative": COND}, ("GUIDER",)),
    "DualGuider": ({"cond1": COND, "cond2": COND, "negative": COND}, ("GUIDER",)),
    "Guided": ({"guider": NodeInput("GUIDER", {})}, ("LATENT",)),
    "String": ({"value": TEXT}, ("STRING",)),
    "Concat": ({"a": NodeInput("STRING", {"forceInput": True}), "b": TEXT}, ("STRING",)),
    "Api": ({"prompt": TEXT, "negative_prompt": TEXT}, ("IMAGE",)),
    "ApiPlain": ({"prompt": TEXT}, ("IMAGE",)),
    "Switch": ({"on": NodeInput("*", {}), "off": NodeInput("*", {})}, ("*",)),
    "Line": ({"name": LINE}, ("STRING",)),
    "Save": ({"images": NodeInput("*", {}), "filename_prefix": LINE}, ()),
}


def found(prompt, outputs=("9",), observed=None):
    versions = prompts.find(
        ApiGraph(prompt),
        lambda name: CLASSES[name][0] if name in CLASSES else None,
        outputs,
        observed,
        node_outputs=lambda name: CLASSES[name][1] if name in CLASSES else None,
    )
    return {f"{version.node}/{version.input}": (version.role, version.source, version.text) for version in versions}


def node(class_type, **inputs):
    return {"class_type": class_type, "inputs": inputs}


def graph(**nodes):
    return {name.lstrip("n"): body for name, body in nodes.items()} | {"9": node("Save", images=["8", 0])}


ENCODERS = {"n1": node("Encode", text="a cat"), "n2": node("Encode", text="bad")}


def test_a_sampler_tells_positive_from_negative():
    prompt = graph(**ENCODERS, n8=node("Sampler", positive=["1", 0], negative=["2", 0]))
    assert found(prompt) == {"1/text": ("positive", "literal", "a cat"), "2/text": ("negative", "literal", "bad")}


def test_all_texts_of_an_encoder_share_its_role():
    prompt = graph(
        n1=node("EncodeXL", text_g="g", text_l="l"), n8=node("Sampler", positive=["1", 0], negative=["1", 0])
    )
    assert found(prompt) == {"1/text_g": ("both", "literal", "g"), "1/text_l": ("both", "literal", "l")}


@pytest.mark.parametrize("pair", ["ControlNet", "Inpaint"])
@pytest.mark.parametrize("crossed", [False, True])
def test_a_pair_passes_each_on_in_its_place(pair, crossed):
    one, two = (1, 0) if crossed else (0, 1)
    prompt = graph(
        **ENCODERS,
        n3=node(pair, positive=["1", 0], negative=["2", 0]),
        n4=node(pair, positive=["3", 0], negative=["3", 1]),
        n8=node("Sampler", positive=["4", one], negative=["4", two]),
    )
    roles = {name: role for name, (role, _, _) in found(prompt).items()}
    expected = ("negative", "positive") if crossed else ("positive", "negative")
    assert (roles["1/text"], roles["2/text"]) == expected


def test_combined_conditioning_gives_every_encoder_the_role():
    prompt = graph(
        **ENCODERS,
        n3=node("Combine", conditioning_1=["1", 0], conditioning_2=["2", 0]),
        n4=node("Switch", on=["3", 0]),
        n8=node("Sampler", positive=["4", 0]),
    )
    assert {role for role, _, _ in found(prompt).values()} == {"positive"}


@pytest.mark.parametrize(
    ("guider", "inputs", "roles"),
    [
        ("BasicGuider", {"conditioning": ["1", 0]}, ("positive", "unknown")),
        ("CFGGuider", {"positive": ["1", 0], "negative": ["2", 0]}, ("positive", "negative")),
        ("DualGuider", {"cond1": ["1", 0], "cond2": ["1", 0], "negative": ["2", 0]}, ("positive", "negative")),
    ],
)
def test_guiders_tell_roles_apart(guider, inputs, roles):
    prompt = graph(
        **ENCODERS, n5=node(guider, **inputs), n6=node("Encode", text="x"), n8=node("Guided", guider=["5", 0])
    )
    got = found(prompt)
    assert got["1/text"][0] == roles[0]
    assert got.get("2/text", ("unknown",))[0] == roles[1]
    assert "6/text" not in got, "not upstream of an output"


def test_a_role_goes_up_along_text_links_and_linked_texts_are_not_made_up():
    prompt = graph(
        n1=node("String", value="a cat"),
        n2=node("Concat", a=["1", 0], b="on a mat"),
        n3=node("Encode", text=["2", 0]),
        n8=node("Sampler", positive=["3", 0]),
    )
    assert found(prompt) == {
        "1/value": ("positive", "literal", "a cat"),
        "2/b": ("positive", "literal", "on a mat"),
        "3/text": ("positive", "linked", None),
    }
    seen = found(prompt, observed={"3": {"text": "a cat on a mat"}, "1": {}})
    assert seen["3/text"] == ("positive", "observed", "a cat on a mat")


def test_an_observed_text_counts_at_a_node_that_nothing_is_known_of():
    prompt = graph(n8=node("Wrapped", text=["7", 0], other="x"), n7=node("Line", name="y"))
    assert found(prompt, observed={"8": {"text": "seen"}}) == {"8/text": ("unknown", "observed", "seen")}


def test_names_tell_roles_where_a_node_takes_both_texts():
    assert found(graph(n8=node("Api", prompt="p", negative_prompt="n"))) == {
        "8/prompt": ("positive", "literal", "p"),
        "8/negative_prompt": ("negative", "literal", "n"),
    }
    assert found(graph(n8=node("ApiPlain", prompt="p"))) == {"8/prompt": ("unknown", "literal", "p")}


def test_unknown_classes_single_lines_and_other_branches_are_not_guessed():
    prompt = graph(n1=node("Unknown", text="t", prompt="p"), n2=node("Encode", text="x"), n8=node("Line", name="n"))
    assert found(prompt) == {}
    assert found(prompt, outputs=("2", "gone")) == {"2/text": ("unknown", "literal", "x")}


def test_a_cycle_ends():
    prompt = graph(n1=node("Combine", conditioning_1=["1", 0]), n8=node("Sampler", positive=["1", 0]))
    assert found(prompt) == {}
