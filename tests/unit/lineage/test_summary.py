"""Comparisons as lines for people."""

from __future__ import annotations

import copy

import pytest
from comfy_provenance.provenance.lineage.diff import Side, compare
from comfy_provenance.provenance.lineage.summary import one_line, shown, summary
from comfy_provenance.provenance.model import ModelRef, NodeInput, PromptVersion

DECLARED = {"CLIPTextEncode": {"text": NodeInput("STRING", {"multiline": True})}}


def node(class_type, **inputs):
    return {"class_type": class_type, "inputs": inputs}


def graph():
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name="sd15.safetensors"),
        "2": node("CLIPTextEncode", text="a castle in fog", clip=["1", 1]),
        "3": node("CLIPTextEncode", text="blurry", clip=["1", 1]),
        "4": node("KSampler", seed=1, steps=20, cfg=7.0, model=["1", 0], positive=["2", 0], negative=["3", 0]),
        "5": node("LoadImage", image="x.png"),
        "6": node("SaveImage", images=["4", 0], filename_prefix="a"),
    }


def lines(change, *, versions=(), models=((), ()), before=None):
    old = before or graph()
    new = copy.deepcopy(old)
    change(new)
    sides = [
        Side(prompt, versions=versions, models=refs, inputs=DECLARED.get)
        for prompt, refs in zip((old, new), models, strict=True)
    ]
    return summary(compare(*sides))


def setting(node_id, **values):
    return lambda prompt: prompt[node_id]["inputs"].update(values)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda prompt: None, []),
        (setting("4", seed=2), ["seed 1 → 2"]),
        (setting("4", seed=2**64 - 1, cfg=5.5), [f"seed 1 → {2**64 - 1}", "cfg 7 → 5.5"]),
        (setting("5", image="y.png"), ["image x.png → y.png"]),
        (setting("2", text="a castle in fog, golden hour"), ['+ "golden hour"']),
        (setting("2", text="a castle"), ['\u2212 "in fog"']),
        (setting("2", text="a castle in mist"), ['"fog" → "mist"']),
        (setting("2", text="a castle in fog,"), ["text punctuation"]),
        (setting("1", ckpt_name="sdxl.safetensors"), ["ckpt_name sd15.safetensors → sdxl.safetensors"]),
        (setting("4", add_noise=True), ["add_noise none → true"]),
        (setting("6", images=["5", 0]), ["images KSampler → LoadImage"]),
        (setting("4", positive=["1", 1]), ["positive CLIPTextEncode → CheckpointLoaderSimple"]),
        (setting("4", negative=["2", 0]), ["negative CLIPTextEncode #3:0 → CLIPTextEncode #2:0"]),
        (setting("4", model=["1", 2]), ["model CheckpointLoaderSimple #1:0 → CheckpointLoaderSimple #1:2"]),
        (setting("4", steps=["1", 2]), ["steps 20 → CheckpointLoaderSimple"]),
        (lambda prompt: prompt.pop("5"), ["\u2212 LoadImage x.png"]),
        (lambda prompt: prompt.update({"9": node("VAEDecode")}), ["+ VAEDecode"]),
        (lambda prompt: prompt.update({n: node("Blur") for n in "789"}), ["+ Blur \u00d7 3"]),
    ],
)
def test_lines(change, expected):
    assert lines(change) == expected


def test_an_added_lora_is_one_line_with_file_and_strength():
    def add(prompt):
        prompt["9"] = node("LoraLoader", model=["1", 0], lora_name="detail.safetensors", strength_model=0.6)
        prompt["4"]["inputs"]["model"] = ["9", 0]

    assert lines(add) == ["+ LoraLoader detail.safetensors 0.6"]


def test_a_weight_is_shown_with_what_it_weighs():
    before = {"2": node("CLIPTextEncode", text="a (white cat:1.2), fog")}
    changed = lines(setting("2", text="a (white cat:1.35), fog"), before=before)
    assert changed == ['"(white cat:1.2)" → "(white cat:1.35)"']


def test_chinese_prompts_are_shown_by_the_characters_that_changed():
    before = {"2": node("CLIPTextEncode", text="一只猫，水晶吊坠")}
    assert lines(setting("2", text="一只狗，水晶吊坠，金色时刻"), before=before) == ['"猫" → "狗"', '+ "金色时刻"']


def test_two_changed_nodes_of_a_class_are_told_apart_by_id():
    def change(prompt):
        prompt["2"]["inputs"]["text"] = "a castle in mist"
        prompt["3"]["inputs"]["text"] = "blurry, low"

    assert lines(change) == ['"fog" → "mist" (#2)', '+ "low" (#3)']


def test_two_changed_nodes_of_a_class_are_told_apart_by_title_where_it_tells():
    before = graph()
    for key, title in {"2": "Scene", "3": "Avoid"}.items():
        before[key]["_meta"] = {"title": title}

    def change(prompt):
        prompt["2"]["inputs"]["text"] = "a castle in mist"
        prompt["3"]["inputs"]["text"] = "blurry, low"

    assert lines(change, before=before) == ['"fog" → "mist" (Scene)', '+ "low" (Avoid)']
    for key in "23":
        before[key]["_meta"] = {"title": "CLIP Text Encode (Prompt)"}
    assert lines(change, before=before) == ['"fog" → "mist" (#2)', '+ "low" (#3)']


def test_the_same_input_of_two_classes_is_told_apart():
    before = {"1": node("A", width=1), "2": node("B", width=1)}

    def change(prompt):
        prompt["1"]["inputs"]["width"] = prompt["2"]["inputs"]["width"] = 2

    assert lines(change, before=before) == ["width 1 → 2 (#1)", "width 1 → 2 (#2)"]


def test_a_negative_prompt_says_so():
    versions = (PromptVersion("3", "text", "CLIPTextEncode", "negative", "literal", "blurry"),)
    assert lines(setting("3", text="blurry, low"), versions=versions) == ['+ "low" (negative)']


def test_two_changed_prompts_are_told_apart_by_role_where_it_is_known():
    versions = [
        PromptVersion(n, "text", "CLIPTextEncode", r, "literal", "") for n, r in (("2", "positive"), ("3", "negative"))
    ]

    def change(prompt):
        prompt["2"]["inputs"]["text"] = "a castle in mist"
        prompt["3"]["inputs"]["text"] = "blurry, low"

    assert lines(change, versions=versions) == ['"fog" → "mist" (positive)', '+ "low" (negative)']


def test_a_prompt_that_was_written_anew_is_shown_whole():
    before = {"2": node("CLIPTextEncode", text="cat, fog, day, tree, red")}
    changed = lines(setting("2", text="dog, sun, night, moss, blue"), before=before)
    assert changed == ['"cat, fog, day, tree, red" → "dog, sun, night, moss, blue"']


def ref(name, sha, node_id="1", field="ckpt_name"):
    return ModelRef(node_id, field, "checkpoints", name, 1, 1, sha)


def test_models_are_told_only_where_no_widget_says_it():
    other = lines(
        setting("1", ckpt_name="b.safetensors"),
        models=([ref("sd15.safetensors", "a" * 64)], [ref("b.safetensors", "b" * 64)]),
    )
    assert other == ["ckpt_name sd15.safetensors → b.safetensors"]
    bytes_changed = lines(
        lambda prompt: None, models=([ref("sd15.safetensors", "a" * 64)], [ref("sd15.safetensors", "b" * 64)])
    )
    assert bytes_changed == ["sd15.safetensors has other bytes (sha256 aaaaaaaa → bbbbbbbb)"]
    folder_changed = lines(lambda prompt: None, models=([], [ref("x.pt", None, "2", "text")]))
    assert folder_changed == ["+ x.pt"]
    gone = lines(lambda prompt: None, models=([ref("x.pt", None, "2", "text")], []))
    assert gone == ["\u2212 x.pt"]


def test_environment_is_told_last():
    sides = Side(graph(), environment={"comfyui": "0.8.0"}), Side(graph(), environment={"comfyui": "0.19.3"})
    assert summary(compare(*sides)) == ["comfyui 0.8.0 → 0.19.3"]


def test_many_changes_end_in_a_count():
    before = {"1": node("X", **{f"i{n}": 0 for n in range(100)})}
    found = lines(setting("1", **{f"i{n}": 1 for n in range(100)}), before=before)
    assert len(found) == 24
    assert found[-1] == "… 77 more changes"


def test_what_was_cut_away_still_counts_as_changed():
    before = {"1": node("X", note="a" * 100 + "b" + "c" * 100)}
    (line,) = lines(setting("1", note="a" * 100 + "d" + "c" * 100), before=before)
    assert line.endswith("(changed)")


def test_no_text_can_steer_a_terminal_or_reverse_a_line():
    line = one_line("a\x1b[31mb\u202ec\nd\x00\ud800e\u200b")
    assert line == "a\\u001b[31mb\\u202ec d\\u0000\\ud800e\\u200b"
    assert one_line("👩\u200d🎨") == "👩\u200d🎨"
    assert one_line("\n\n x \t y ") == "x y"
    assert len(one_line("x" * 10_000_000)) == 48
    assert shown("") == '""'
    assert shown("  ") == '"  "'
    assert shown({"a": [1, True]}) == '{"a": [1, true]}'
    assert shown(float("nan")) == "nan"
    assert shown(1e300) == "1e+300"
