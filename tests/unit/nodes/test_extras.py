"""What the sampler wrappers add on demand: previews and the latent itself."""

from __future__ import annotations

import json

import pytest
import torch
from comfy_provenance.nodes.latents import write_latent
from comfy_provenance.nodes.previews import latent_to_rgb
from PIL import Image
from provenance_test_stock import EULER, KSampler, Model, NodeOutput, SimpleNamespace
from safetensors import safe_open
from safetensors.torch import load_file

FACTORS = [[0.5, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.5], [0.1, 0.1, 0.1]]


def inputs(model, **more):
    return {
        "model": model,
        "seed": 3,
        "steps": 4,
        "cfg": 1.0,
        "scheduler": "simple",
        "positive": [],
        "negative": [],
        "latent_image": {"samples": torch.zeros(2, 4, 6, 5)},
        **more,
    }


def test_previews_of_every_second_step_are_files_of_this_run(port, nodes):
    stock = KSampler().sample(**inputs(Model(FACTORS)))
    result = nodes["ProvenanceKSampler"]().run(**inputs(Model(FACTORS)), preview_every=2, save_latent=False)
    assert torch.equal(result["result"][0]["samples"], stock[0]["samples"])
    images = result["ui"]["images"]
    assert [image["type"] for image in images] == ["temp", "temp"]
    values = port.seen[0][2]
    assert [(p["pass"], p["step"]) for p in values["previews"]] == [(0, 2), (0, 4)]
    for image, preview in zip(images, values["previews"], strict=True):
        assert image["filename"] == preview["file"]
        with Image.open(port.root / "temp" / image["subfolder"] / image["filename"]) as picture:
            assert (picture.mode, picture.size) == ("RGB", (5, 6))
    assert port.problems == []


def test_saved_latent_has_every_bit_and_the_receipt(port, nodes):
    result = nodes["ProvenanceKSampler"]().run(**inputs(Model()), save_latent=True)
    [file] = result["ui"]["latents"]
    assert file["type"] == "output"
    assert file["subfolder"] == "provenance/latents"
    assert port.seen[0][2]["latent"] == file
    path = port.root / "output" / file["subfolder"] / file["filename"]
    stored = load_file(path)
    assert set(stored) == {"latent_tensor", "latent_format_version_0"}
    assert torch.equal(stored["latent_tensor"], result["result"][0]["samples"])
    with safe_open(path, "pt") as opened:
        assert json.loads(opened.metadata()["provenance"]) == port.receipts


def test_v3_result_is_repacked_only_when_there_is_something_to_show(port, nodes):
    def run(**more):
        return nodes["ProvenanceSamplerCustomAdvanced"]().run(
            noise=SimpleNamespace(seed=5),
            guider=SimpleNamespace(model_patcher=Model()),
            sampler=EULER,
            sigmas=torch.tensor([4.0, 1.0, 0.0]),
            latent_image={"samples": torch.zeros(1, 4, 4, 4)},
            **more,
        )

    plain, shown = run(), run(save_latent=True)
    assert isinstance(plain, NodeOutput)
    assert isinstance(shown, dict)
    assert len(shown["result"]) == 2
    assert torch.equal(shown["result"][1]["samples"], plain.args[1]["samples"])


def test_latent_that_cannot_be_saved_costs_the_file_only(port, nodes, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(port, "save_path", full)
    result = nodes["ProvenanceKSampler"]().run(**inputs(Model(FACTORS)), save_latent=True, preview_every=1)
    assert isinstance(result, tuple)
    assert len(port.problems) == 2
    assert all("No space left on device" in problem for problem in port.problems)
    assert port.seen[0][2]["passes"][0]["steps_run"] == 4


def test_half_written_latent_is_not_left_behind(tmp_path):
    with pytest.raises(ValueError, match="dense"):
        write_latent(tmp_path / "a.safetensors", {"samples": [torch.zeros(1)]}, None)
    (tmp_path / "b.safetensors").mkdir()
    with pytest.raises(OSError):
        write_latent(tmp_path / "b.safetensors", {"samples": torch.zeros(1)}, None)
    assert [path.name for path in tmp_path.iterdir()] == ["b.safetensors"]


def test_preview_colours_follow_the_models_own_factors():
    latent = torch.zeros(1, 4, 1, 2)
    latent[0, 0, 0, 1] = 2.0  # red, full
    shape = SimpleNamespace(latent_rgb_factors=FACTORS, latent_rgb_factors_bias=[0.0, -1.0, 0.0])
    rgb = latent_to_rgb(latent, shape)
    assert rgb is not None
    assert rgb.tolist() == [[[127, 0, 127], [255, 0, 127]]]


@pytest.mark.parametrize(
    ("latent", "factors"),
    [
        (torch.zeros(1, 16, 4, 4), FACTORS),  # another model's channels
        (torch.zeros(1, 4, 9), FACTORS),  # packed, or sound
        (torch.zeros(1, 4, 4, 4), None),
        (None, FACTORS),
    ],
)
def test_latents_without_a_colour_mix_have_no_preview(latent, factors):
    assert latent_to_rgb(latent, SimpleNamespace(latent_rgb_factors=factors)) is None


def test_video_latent_shows_its_first_frame():
    latent = torch.zeros(1, 4, 3, 2, 2)
    latent[:, 0, 0] = 2.0
    rgb = latent_to_rgb(latent, SimpleNamespace(latent_rgb_factors=FACTORS))
    assert rgb is not None
    assert rgb[0, 0].tolist() == [255, 127, 127]
