"""Secrets never enter; what is no secret is never touched."""

from __future__ import annotations

import copy
import json
import re

import pytest
from comfy_provenance.provenance.model import NodeInput
from comfy_provenance.provenance.record.redact import Redactor, widget_names

from .secret_corpus import BY_SHAPE, IN_CONTEXT, NAMES, NOT_NAMES

MARKER = re.compile(r"\[redacted:hmac-sha256:[0-9a-f]{16}\]")
CLASSES = {"Ask": ("model", "api_key", "seed", "text"), "Full": ("clip", "api_key", "text")}
PLAIN = "correct horse"  # looks like nothing; only its name can give it away


def redactor(salt=b"salt"):
    return Redactor(salt, CLASSES.get)


def clean(workflow, prompt=None, extra=None, **kw):
    prompt, extra = prompt or {}, extra or {}
    before = copy.deepcopy((prompt, workflow, extra))
    result = redactor(**kw).graph(prompt, workflow, extra)
    assert (prompt, workflow, extra) == before, "inputs were changed"
    again = redactor(**kw).graph(result.prompt, result.workflow, result.extra)
    assert again.marks == ()
    assert again.workflow is result.workflow
    return result


def api(**inputs):
    return {"1": {"class_type": "X", "inputs": inputs}}


def node(**members):
    return {"nodes": [{"id": 1, "type": "Unknown", "mode": 0, "inputs": [], "outputs": [], **members}], "links": []}


def at(document, pointer):
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document


@pytest.mark.parametrize("secret", BY_SHAPE.values(), ids=BY_SHAPE)
def test_a_secret_is_known_by_its_shape(secret):
    for text in (secret, f"use {secret} please", f'{{"x":"{secret}"}}', f"({secret})"):
        result = clean(node(widgets_values=[text, 1]), extra={"note": text})
        assert secret not in json.dumps([result.workflow, result.extra])
        assert MARKER.search(result.workflow["nodes"][0]["widgets_values"][0])
        assert at(result.workflow, result.marks[0].path)


@pytest.mark.parametrize(("template", "secret"), IN_CONTEXT.values(), ids=IN_CONTEXT)
def test_a_secret_is_known_by_the_text_around_it(template, secret):
    text = template.format(secret)
    cleaned = redactor().text(text)
    assert secret not in cleaned
    assert MARKER.search(cleaned)
    assert cleaned[:2] == text[:2], "text around the secret stays"


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_is_known_by_its_name(name):
    result = clean({"extra": {name: PLAIN}}, api(**{name: PLAIN}), {name: PLAIN})
    assert MARKER.fullmatch(result.prompt["1"]["inputs"][name])
    assert MARKER.fullmatch(result.workflow["extra"][name])
    assert MARKER.fullmatch(result.extra[name])
    assert {mark.document for mark in result.marks} == {"prompt", "workflow", "extra"}


@pytest.mark.parametrize("name", NOT_NAMES)
@pytest.mark.parametrize("value", [PLAIN, "word", "<|endoftext|>", 77, True, None, ["4", 0]])
def test_names_that_only_sound_alike_hide_nothing(name, value):
    prompt, workflow, extra = api(**{name: value}), node(properties={name: value}), {name: value}
    result = clean(workflow, prompt, extra)
    assert (result.prompt is prompt, result.workflow is workflow, result.extra is extra) == (True, True, True)
    assert result.marks == ()


@pytest.mark.parametrize(
    "text",
    [
        "a task-oriented desk-lamp, risk-averse sk-learn fan, masked 1girl, (best quality:1.2), token of love",
        "sk-model-v15-fp16.safetensors",
        "the ring bearer standing at the altar, bearer bonds",
        "cookie: chocolate chips with secret: ingredients, key: mysterious",
        "https://huggingface.co/Comfy-Org/x/resolve/main/split_files/vae/ae.safetensors?download=true",
        "https://github.com/a/b/issues/1#issuecomment-2345678901",
        "mailto:someone@example.net and http://localhost:8188/view?filename=a.png&type=output",
        "Set api_key=YOUR_API_KEY or api_key: <your key here> in the .env file",
        "2f8a1c3e-5b7d-4f9a-8c1e-3d5f7a9b1c2d",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        "hf_transfer_enabled_by_default_now",
        "一位密码学家在解密，密码 是 谜",
    ],
)
def test_innocent_text_stays(text):
    workflow = node(widgets_values=[text], title=text)
    assert clean(workflow).workflow is workflow
    assert redactor().text(text) == text


def test_an_untouched_graph_is_the_very_same_object():
    prompt, workflow, extra = (
        api(text="a cat", seed=2**64 - 1),
        node(widgets_values=[2**64 - 1, "x"]),
        {"client_id": "c"},
    )
    result = redactor().graph(prompt, workflow, extra)
    assert result.prompt is prompt
    assert result.workflow is workflow
    assert result.extra is extra


def test_only_the_changed_path_is_copied():
    workflow = {"nodes": [{"id": 1, "widgets_values": ["x"]}, {"id": 2, "properties": {"api_key": PLAIN}}], "links": []}
    result = clean(workflow).workflow
    assert result["nodes"][0] is workflow["nodes"][0]
    assert list(result) == list(workflow)


def test_links_numbers_and_empty_text_under_a_secret_name_stay():
    prompt = api(api_key=["2", 0], password="", secret=12345678, token_a=None)
    prompt["2"] = {"class_type": "Y", "inputs": {}}
    assert clean({}, prompt).prompt is prompt


@pytest.mark.parametrize(
    "members",
    [
        {"type": "Ask", "widgets_values": ["m", PLAIN, 5, "randomize", "a cat"]},
        {"type": "Ask", "mode": 4, "widgets_values": ["m", PLAIN, 5, "a cat"]},
        {"type": "Ask", "mode": 2, "widgets_values": ["m", PLAIN]},
        {"widgets_values": {"model": "m", "api_key": PLAIN}},
        {"type": "Full", "inputs": [{"name": "clip", "type": "CLIP", "link": 1}], "widgets_values": [PLAIN, "a cat"]},
        {
            "inputs": [{"name": n, "widget": {"name": n}, "link": None} for n in ("seed", "api_key")],
            "widgets_values": [7, "fixed", PLAIN],
        },
        {"type": "PrimitiveNode", "outputs": [{"widget": {"name": "api_key"}}], "widgets_values": [PLAIN, "fixed"]},
        {"properties": {"proxyWidgets": [["3", "seed"], ["5", "password"]]}, "widgets_values": [7, PLAIN]},
        {"properties": {"credentials": {"user": {"name": PLAIN}}}},
        {"properties": {"headers": [{"name": "Authorization", "value": PLAIN}]}},
        {"properties": {"headers": [{"key": "X-Api-Key", "value": PLAIN}]}},
    ],
)
@pytest.mark.parametrize("depth", [0, 3])
def test_a_widget_is_known_by_position_name_or_pair_at_any_depth(members, depth):
    workflow = node(**members)
    for _ in range(depth):
        workflow = {"nodes": [], "links": [], "definitions": {"subgraphs": [{"id": "u", "name": "s", **workflow}]}}
    result = clean(workflow)
    assert PLAIN not in json.dumps(result.workflow)
    assert MARKER.search(json.dumps(result.workflow))
    kept = [f'"{v}"' for v in ("m", "a cat") if f'"{v}"' in json.dumps(workflow)]
    assert all(value in json.dumps(result.workflow) for value in kept)


def test_a_seed_s_control_value_does_not_shift_the_names():
    workflow = node(type="Ask", widgets_values=["m", PLAIN, 5, "randomize", "a cat"])
    assert [mark.path for mark in clean(workflow).marks] == ["/nodes/0/widgets_values/1"]


def test_values_that_do_not_fit_the_names_hide_what_looks_random():
    secret = "k9" * 12
    workflow = node(type="Ask", widgets_values=["m", "extra", "extra", 5, "randomize", "a cat", secret, "x"])
    assert secret not in json.dumps(clean(workflow).workflow)


@pytest.mark.parametrize("reroute", [False, True])
def test_a_primitive_that_feeds_a_secret_input_holds_a_secret(reroute):
    nodes = [
        {"id": 1, "type": "PrimitiveString", "widgets_values": [PLAIN], "inputs": []},
        {"id": 2, "type": "Reroute", "inputs": [{"name": "", "link": 1}]},
        {"id": 3, "type": "Muted", "mode": 2, "inputs": [{"name": "api_key", "link": 2 if reroute else 3}]},
    ]
    links = [[1, 1, 0, 2, 0, "*"], [2, 2, 0, 3, 0, "*"], {"id": 3, "origin_id": 1, "target_id": 3}]
    assert PLAIN not in json.dumps(clean({"nodes": nodes, "links": links}).workflow)
    prompt = {
        "1": {"class_type": "PrimitiveString", "inputs": {"value": PLAIN}},
        "2": {"class_type": "Pass", "inputs": {"x": ["1", 0]}},
        "3": {"class_type": "Call", "inputs": {"api_key": ["2" if reroute else "1", 0], "text": "a cat"}},
    }
    result = clean({}, prompt)
    assert MARKER.fullmatch(result.prompt["1"]["inputs"]["value"])
    assert result.prompt["3"] is prompt["3"]


@pytest.mark.parametrize("where", ["title", "note", "group", "extra", "property", "prompt", "key", "inside"])
def test_a_secret_known_by_name_is_replaced_wherever_it_recurs(where):
    workflow = {**node(title="t"), "groups": [{"title": "g"}], "extra": {}}
    prompt = api(api_key=PLAIN, text="a cat")
    spot = workflow["nodes"][0]
    if where == "title":
        spot["title"] = PLAIN
    elif where == "note":
        spot["widgets_values"] = [f"remember: {PLAIN}!"]
    elif where == "group":
        workflow["groups"][0]["title"] = f"{PLAIN} {PLAIN}"
    elif where == "extra":
        workflow["extra"]["deep"] = [[{"x": PLAIN}]]
    elif where == "property":
        spot["properties"] = {"p": PLAIN}
    elif where == "key":
        workflow["extra"][PLAIN] = {"n": [1]}
    elif where == "prompt":
        prompt["1"]["inputs"]["text"] = f"a cat, {PLAIN}"
    else:
        workflow["extra"]["json"] = json.dumps({"x": PLAIN})
    result = clean(workflow, prompt)
    assert PLAIN not in json.dumps([result.prompt, result.workflow])
    assert len({mark.marker for mark in result.marks}) == 1, "one secret, one marker"
    for mark in result.marks:
        assert PLAIN not in mark.path


def test_error_texts_lose_the_secrets_that_the_graph_gave_away():
    used = redactor()
    used.graph(api(password='pass"wörd\n1'), {}, {})
    in_url = "GET /login?name=x&word=pass%22w%C3%B6rd%0A1"
    assert "rd%0A1" not in used.text(in_url)
    for written in ('pass"wörd\n1', json.dumps('pass"wörd\n1'), repr('pass"wörd\n1')):
        assert "rd\\n1" not in used.text(f"ValueError: {written} refused")
        assert "wörd" not in used.text(f"ValueError: {written} refused")
    assert used.value({"text": ['seen pass"wörd\n1']})["text"][0].startswith("seen [redacted:")


def test_a_short_secret_is_replaced_under_its_name_only():
    result = clean(node(title="a cat"), api(password="cat"))
    assert MARKER.fullmatch(result.prompt["1"]["inputs"]["password"])
    assert result.workflow["nodes"][0]["title"] == "a cat"


def test_markers_tell_equal_secrets_and_depend_on_the_salt():
    one = clean({}, api(password=PLAIN, api_key="another one")).prompt["1"]["inputs"]
    same = clean({}, api(password=PLAIN)).prompt["1"]["inputs"]
    other = clean({}, api(password=PLAIN), salt=b"other").prompt["1"]["inputs"]
    assert one["password"] == same["password"] != other["password"]
    assert one["password"] != one["api_key"]


def test_value_gives_back_the_same_object_when_there_is_nothing_to_hide():
    value = {"text": ["a cat", {"n": 2**70}]}
    assert redactor().value(value) is value
    assert redactor().value("a cat") == "a cat"
    assert MARKER.fullmatch(redactor().value({"api_key": PLAIN})["api_key"])
    assert redactor().value(7) == 7


def test_a_document_10_000_levels_deep_is_walked():
    document = {"api_key": PLAIN}
    for _ in range(5_000):
        document = {"x": [document]}
    result = redactor().graph({}, document, {})
    (mark,) = result.marks
    assert mark.path == "/x/0" * 5_000 + "/api_key"
    found = result.workflow
    for _ in range(5_000):
        found = found["x"][0]
    assert MARKER.fullmatch(found["api_key"])


@pytest.mark.parametrize(
    "document", [None, [], {}, "x", 7, {"nodes": 7, "links": {}}, {"nodes": [None], "links": [None, [], [1]]}]
)
def test_documents_of_any_shape_are_taken(document):
    result = redactor().graph(document, document, document)
    assert result.workflow is document


def test_lone_surrogates_and_odd_keys_are_taken():
    result = redactor().graph({1: {"inputs": None}}, {"password": "\udcff secret", 2: {3: "x"}}, None)
    assert MARKER.fullmatch(result.workflow["password"])


def test_two_keys_that_become_alike_keep_both_values():
    marker = redactor().graph({"password": PLAIN}, None, None).prompt["password"]
    result = redactor().graph({"password": PLAIN}, {PLAIN: 1, marker: 2}, None)
    assert sorted(result.workflow.values()) == [1, 2]


def test_widget_names_are_the_inputs_that_the_page_shows_as_widgets():
    inputs = {
        "model": NodeInput("MODEL", {}),
        "seed": NodeInput("INT", {}),
        "sampler": NodeInput("COMBO", {}, ("euler",)),
        "text": NodeInput("STRING", {"forceInput": True}),
        "api_key": NodeInput("STRING", {}),
    }
    assert widget_names(inputs) == ("seed", "sampler", "api_key")
    assert widget_names(None) is None


@pytest.mark.parametrize("piece", ["authorization:", "a:key:", "secret:", "key=b=", "eyJ", "://", "machine "])
def test_a_long_text_made_of_nothing_but_hints_is_read(piece):
    """In time that grows with its length: with its square, this would be stopped as hanging."""
    text = piece * (1_500_000 // len(piece))
    redactor().text(text)
    assert redactor().graph({}, node(widgets_values=[text]), {}) is not None
