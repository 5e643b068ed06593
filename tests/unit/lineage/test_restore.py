"""Getting an earlier graph back, and the drift report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from comfy_provenance.provenance.lineage.restore import ModelHere, Recorded, has_drifted, new_name, plan
from comfy_provenance.provenance.model import Asset, FileFacts, FileRef, ModelRef
from hypothesis import given
from hypothesis import strategies as st

ALL = ("nodes", "models", "packs", "inputs")


@dataclass
class Machine:
    """A machine described by literal tables."""

    able: tuple[str, ...] = ALL
    classes: set[str] = field(default_factory=set)
    pack_versions: dict[str, str] = field(default_factory=dict)
    models: dict[tuple[str, str], ModelHere] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    elsewhere: dict[str, str] = field(default_factory=dict)

    def checks(self):
        return self.able

    def node_classes(self):
        return self.classes

    def versions(self):
        return self.pack_versions

    def model(self, folder, name):
        return self.models.get((folder, name))

    def model_of_that_name(self, folder, name):
        return self.elsewhere.get(name)

    def model_with_hash(self, folder, sha256):
        return next((n for (f, n), m in self.models.items() if f == folder and m.sha256 == sha256), None)

    def input_sha256(self, asset):
        return self.inputs.get(asset.name)

    def is_kept(self, digest):
        return digest in self.kept


A, B = "a" * 64, "b" * 64
PROMPT = b'{"1":{"class_type":"KSampler","inputs":{}},"2":{"class_type":"Impact","inputs":{}}}'
FACTS = FileFacts(A, 1, 1, "image/png")
RECORDED = Recorded(
    execution="run",
    workflow=b'{"nodes": [ ], "seed":18446744073709551615}',
    prompt=PROMPT,
    graph={"1": {"class_type": "KSampler", "inputs": {}}, "2": {"class_type": "Impact", "inputs": {}}},
    packs={"Impact": "Impact-Pack", "KSampler": None},
    versions={"Impact-Pack": "8.1", "ComfyUI": "0.8.0", "other": "1"},
    models=[ModelRef("4", "ckpt_name", "checkpoints", "sd15.safetensors", 10, 20, A)],
    inputs=[Asset("5", "image", "x.png", FileRef("input", "", "x.png"), FACTS, kept=A)],
    redactions=[{"document": "workflow", "path": "/nodes/0"}, {"document": "prompt", "path": "/1/inputs/key"}],
)
SAME = Machine(
    classes={"KSampler", "Impact"},
    pack_versions={"Impact-Pack": "8.1", "ComfyUI": "0.8.0"},
    models={("checkpoints", "sd15.safetensors"): ModelHere(10, 20, A)},
    inputs={"x.png": A},
)


def test_the_workflow_comes_back_byte_for_byte():
    restored = plan(RECORDED, SAME)
    assert (restored.kind, restored.data) == ("workflow", RECORDED.workflow)


def test_a_run_without_a_workflow_gives_its_prompt_and_says_so():
    restored = plan(replace(RECORDED, workflow=None), SAME)
    assert (restored.kind, restored.data) == ("prompt", PROMPT)
    assert restored.drift["redacted"] == [{"document": "prompt", "path": "/1/inputs/key"}]


def test_an_unchanged_machine_has_no_drift():
    drift = plan(replace(RECORDED, redactions=()), SAME).drift
    assert drift == {name: [] for name in (*ALL, "redacted", "not_checked")}
    assert not has_drifted(drift)


def test_missing_node_classes_name_their_pack_and_its_version():
    drift = plan(RECORDED, replace(SAME, classes={"KSampler"})).drift
    assert drift["nodes"] == [{"class_type": "Impact", "pack": "Impact-Pack", "version": "8.1"}]
    assert has_drifted(drift)


@pytest.mark.parametrize(
    ("recorded_sha", "here", "state"),
    [
        (A, None, "missing"),
        (A, ModelHere(10, 20, B), "changed"),
        (A, ModelHere(10, 99, A), None),
        (A, ModelHere(11, 20, None), "changed"),
        (A, ModelHere(10, 21, None), "unverified"),
        (A, ModelHere(10, 20, None), None),
        (None, ModelHere(10, 20, None), "unverified"),
        (None, ModelHere(10, 21, A), "unverified"),
        (None, ModelHere(12, 20, A), "changed"),
    ],
)
def test_model_states(recorded_sha, here, state):
    recorded = replace(RECORDED, models=[replace(RECORDED.models[0], sha256=recorded_sha)])
    models = {} if here is None else {("checkpoints", "sd15.safetensors"): here}
    found = plan(recorded, replace(SAME, models=models)).drift["models"]
    assert [item["state"] for item in found] == ([] if state is None else [state])


def test_a_model_under_another_name_is_named_but_not_put_in_its_place():
    restored = plan(RECORDED, replace(SAME, models={("checkpoints", "renamed.safetensors"): ModelHere(10, 20, A)}))
    assert restored.drift["models"] == [
        {
            "folder": "checkpoints",
            "name": "sd15.safetensors",
            "sha256": A,
            "state": "missing",
            "same_hash": "renamed.safetensors",
            "same_name": None,
        }
    ]
    assert restored.data == RECORDED.workflow


def test_a_file_of_that_name_elsewhere_is_named_only_where_the_model_is_missing_and_its_bytes_are_nowhere():
    there = {"sd15.safetensors": "old/sd15.safetensors"}
    (item,) = plan(RECORDED, replace(SAME, models={}, elsewhere=there)).drift["models"]
    assert (item["state"], item["same_hash"], item["same_name"]) == ("missing", None, "old/sd15.safetensors")
    changed = {("checkpoints", "sd15.safetensors"): ModelHere(10, 20, B)}
    (item,) = plan(RECORDED, replace(SAME, models=changed, elsewhere=there)).drift["models"]
    assert (item["state"], item["same_name"]) == ("changed", None)


def test_a_model_used_twice_is_reported_once():
    recorded = replace(RECORDED, models=[*RECORDED.models, replace(RECORDED.models[0], node="9")])
    assert len(plan(recorded, replace(SAME, models={})).drift["models"]) == 1


def test_versions_of_used_packs_and_of_comfyui_are_compared():
    drift = plan(RECORDED, replace(SAME, pack_versions={"ComfyUI": "0.19.3"})).drift
    assert drift["packs"] == [
        {"name": "ComfyUI", "before": "0.8.0", "after": "0.19.3"},
        {"name": "Impact-Pack", "before": "8.1", "after": None},
    ]


@pytest.mark.parametrize(
    ("inputs", "kept", "expected"),
    [
        ({"x.png": A}, set(), []),
        ({}, set(), [("missing", None)]),
        ({}, {A}, [("missing", A)]),
        ({"x.png": B}, {A}, [("changed", A)]),
    ],
)
def test_inputs(inputs, kept, expected):
    found = plan(RECORDED, replace(SAME, inputs=inputs, kept=kept)).drift["inputs"]
    assert [(item["state"], item["kept"]) for item in found] == expected


def test_an_input_that_could_not_be_read_then_is_only_missed_when_it_is_gone():
    recorded = replace(RECORDED, inputs=[replace(RECORDED.inputs[0], facts=None, kept=None)])
    assert plan(recorded, SAME).drift["inputs"] == []
    assert plan(recorded, replace(SAME, inputs={})).drift["inputs"][0]["state"] == "missing"


def test_what_cannot_be_told_here_is_said_and_not_guessed():
    drift = plan(replace(RECORDED, redactions=()), Machine(able=("models",), models=SAME.models)).drift
    assert drift["not_checked"] == ["nodes", "packs", "inputs"]
    assert not has_drifted(drift)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("photo.png", "photo (restored aaaaaaaa).png"),
        ("sub/photo.png [output]", "photo (restored aaaaaaaa).png"),
        ("../../etc/passwd", "passwd (restored aaaaaaaa)"),
        ("..\\..\\x.png", "x (restored aaaaaaaa).png"),
        ("con.png", "input (restored aaaaaaaa).png"),
        ("a\x00\u202eb.png", "a__b (restored aaaaaaaa).png"),
        ("", "input (restored aaaaaaaa)"),
        (".png", "png (restored aaaaaaaa)"),
        ("水晶.webp", "水晶 (restored aaaaaaaa).webp"),
        ("x" * 300 + ".png", "x" * 120 + " (restored aaaaaaaa).png"),
    ],
)
def test_new_names(name, expected):
    assert new_name(name, A, lambda _: False) == expected


def test_a_new_name_is_never_taken():
    taken: set[str] = set()
    for _ in range(6):
        found = new_name("photo.png", A, taken.__contains__)
        assert found not in taken
        taken.add(found)


@given(st.text())
def test_a_new_name_is_one_plain_file_name(name):
    found = new_name(name, A, lambda _: False)
    assert not set(found) & set('/\\:*?"<>|\x00')
    assert found not in ("", ".", "..")
    assert len(found.encode()) <= 255
