"""What changed between two runs: models and environment."""

from __future__ import annotations

import pytest
from comfy_provenance.provenance.lineage.diff import Side, compare
from comfy_provenance.provenance.model import ModelRef


def graph(loader="4"):
    return {
        loader: {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a"}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a castle", "clip": [loader, 1]}},
    }


def model(node_id, name, sha, size=1, field="ckpt_name"):
    return ModelRef(node_id, field, "checkpoints", name, size, 0, sha)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([model("4", "a", "1" * 64)], [model("4", "a", "1" * 64)], []),
        ([model("4", "a", "1" * 64)], [model("4", "a", "2" * 64)], [("a", "1" * 64, "a", "2" * 64)]),
        ([model("4", "a", None)], [model("4", "b", "2" * 64)], [("a", None, "b", "2" * 64)]),
        ([model("4", "a", None, 5)], [model("4", "a", "2" * 64, 5)], []),
        ([model("4", "a", None, 5)], [model("4", "a", None, 6)], [("a", None, "a", None)]),
        ([], [model("6", "e", None, field="text")], [(None, None, "e", None)]),
    ],
)
def test_models(before, after, expected):
    found = compare(Side(graph(), models=before), Side(graph(), models=after)).to_json()["models"]
    rows = [
        tuple(side and side[key] for side in (change["before"], change["after"]) for key in ("name", "sha256"))
        for change in found
    ]
    assert rows == expected


def test_models_of_a_recreated_node_are_compared_with_it():
    after = graph("40")
    sides = Side(graph(), models=[model("4", "a", None)]), Side(after, models=[model("40", "a", None)])
    assert not compare(*sides)


def test_models_that_one_side_does_not_know_are_not_compared():
    known = Side(graph(), models=[model("4", "a", None)])
    assert not compare(known, Side(graph(), models=None))
    assert not compare(Side(graph(), models=None), known)


def test_two_embeddings_in_one_prompt():
    names = {"before": ["x", "y"], "after": ["y", "z", "w"]}
    sides = {k: [model("6", name, None, field="text") for name in v] for k, v in names.items()}
    found = compare(Side(graph(), models=sides["before"]), Side(graph(), models=sides["after"])).models
    assert [(c.before and c.before.name, c.after and c.after.name) for c in found] == [
        ("x", None),
        (None, "z"),
        (None, "w"),
    ]


def test_environment_speaks_in_paths():
    before = {"comfyui": "0.8.0", "packs": [{"name": "a.b", "version": "1"}, {"name": "c", "version": "1"}], "x": [1]}
    after = {"comfyui": "0.19.3", "packs": [{"name": "a.b", "version": "2"}], "x": [1]}
    found = compare(Side({}, environment=before), Side({}, environment=after)).to_json()["environment"]
    assert found == [
        {"path": "comfyui", "before": "0.8.0", "after": "0.19.3"},
        {"path": "packs/a.b/version", "before": "1", "after": "2"},
        {"path": "packs/c/version", "before": "1", "after": None},
    ]
    assert compare(Side({}, environment=None), Side({}, environment=after)).environment == ()
