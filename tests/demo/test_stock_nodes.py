"""Stock nodes look as ComfyUI 0.19.3 shows them: `stock_signatures.json` holds what its /object_info says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from comfy_provenance.demo.client import Client
from comfy_provenance.demo.host import registry
from comfy_provenance.demo.host.v3 import is_v3
from prompts import node

SIGNATURES = json.loads((Path(__file__).parent / "stock_signatures.json").read_text(encoding="utf-8"))
V3 = (
    "CLIPTextEncodeSDXL",
    "CLIPTextEncodeFlux",
    "SamplerCustom",
    "SamplerCustomAdvanced",
    "BasicGuider",
    "CFGGuider",
    "RandomNoise",
    "BasicScheduler",
    "KSamplerSelect",
    "ImageBlend",
    "ImageCompositeMasked",
    "SolidMask",
    "PrimitiveStringMultiline",
    "StringConcatenate",
)


def kind(entry: Any) -> Any:
    first = entry[0] if isinstance(entry, list) else entry
    return "COMBO" if isinstance(first, list) else first


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_inputs_and_outputs_are_those_of_comfyui(client: Client, name: str) -> None:
    info = client.get(f"/object_info/{name}")[name]
    known = SIGNATURES[name]
    inputs = [
        [category, key, kind(info["input"][category][key])]
        for category, keys in info["input_order"].items()
        for key in keys
    ]
    assert inputs == known["inputs"]
    assert [list(pair) for pair in zip(info["output"], info["output_name"], strict=True)] == known["outputs"]
    assert info["output_node"] is known["output_node"] and info["python_module"] == known["module"]


@pytest.mark.usefixtures("host")
def test_both_kinds_of_classes_are_there() -> None:
    found = {name for name, cls in registry.NODE_CLASS_MAPPINGS.items() if is_v3(cls)}
    assert found == set(V3)
    cls = registry.NODE_CLASS_MAPPINGS["StringConcatenate"]
    assert cls.FUNCTION == "EXECUTE_NORMALIZED"
    assert cls.EXECUTE_NORMALIZED(string_a="a", string_b="b", delimiter="-").result == ("a-b",)
    assert cls.INPUT_TYPES()["required"]["delimiter"] == ("STRING", {"multiline": False, "default": ""})


def advanced() -> dict[str, Any]:
    """Two stretches of one sampling, with the noise of the first handed to the second."""
    shared = {
        "model": ["1", 0], "positive": ["2", 0], "negative": ["3", 0], "noise_seed": 3, "steps": 8, "cfg": 5.0,
        "sampler_name": "euler", "scheduler": "normal",
    }  # fmt: skip
    first = {"latent_image": ["4", 0], "add_noise": "enable", "start_at_step": 0, "end_at_step": 4}
    second = {"latent_image": ["5", 0], "add_noise": "disable", "start_at_step": 4, "end_at_step": 10000}
    return {
        "1": node("UNETLoader", unet_name="demo_painter_unet.safetensors", weight_dtype="default"),
        "10": node("CLIPLoader", clip_name="demo_words.safetensors", type="sd3", device="default"),
        "11": node("VAELoader", vae_name="demo_fold.safetensors"),
        "2": node("CLIPTextEncodeFlux", clip=["10", 0], clip_l="moon", t5xxl="a boat on the sea", guidance=3.5),
        "3": node("ConditioningZeroOut", conditioning=["2", 0]),
        "4": node("EmptyLatentImage", width=64, height=64, batch_size=2),
        "5": node("KSamplerAdvanced", **shared, **first, return_with_leftover_noise="enable"),
        "6": node("KSamplerAdvanced", **shared, **second, return_with_leftover_noise="disable"),
        "7": node("VAEDecode", samples=["6", 0], vae=["11", 0]),
        "8": node("SaveImage", images=["7", 0], filename_prefix="advanced"),
        "9": node("SaveLatent", samples=["6", 0], filename_prefix="latents/advanced"),
    }


def custom() -> dict[str, Any]:
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name="demo_painter.safetensors"),
        "2": node("LoraLoader", model=["1", 0], clip=["1", 1], lora_name="demo_golden.safetensors",
                  strength_model=0.7, strength_clip=0.5),
        "3": node("CLIPTextEncodeSDXL", clip=["2", 1], width=64, height=64, crop_w=0, crop_h=0, target_width=64,
                  target_height=64, text_g="a castle", text_l="forest"),
        "4": node("CLIPTextEncode", clip=["2", 1], text="night"),
        "5": node("ConditioningCombine", conditioning_1=["3", 0], conditioning_2=["4", 0]),
        "6": node("CFGGuider", model=["2", 0], positive=["5", 0], negative=["4", 0], cfg=4.0),
        "7": node("RandomNoise", noise_seed=2**64 - 1),
        "8": node("KSamplerSelect", sampler_name="dpmpp_2m"),
        "9": node("BasicScheduler", model=["2", 0], scheduler="karras", steps=5, denoise=1.0),
        "10": node("EmptyLatentImage", width=64, height=48, batch_size=1),
        "11": node("SamplerCustomAdvanced", noise=["7", 0], guider=["6", 0], sampler=["8", 0], sigmas=["9", 0],
                   latent_image=["10", 0]),
        "12": node("VAEDecode", samples=["11", 1], vae=["1", 2]),
        "13": node("ImageScale", image=["12", 0], upscale_method="lanczos", width=32, height=32, crop="center"),
        "14": node("EmptyImage", width=40, height=40, batch_size=1, color=0xFF0000),
        "15": node("SolidMask", value=0.5, width=32, height=32),
        "16": node("ImageCompositeMasked", destination=["14", 0], source=["13", 0], x=20, y=4, resize_source=False,
                   mask=["15", 0]),
        "17": node("PreviewImage", images=["16", 0]),
    }  # fmt: skip


@pytest.mark.parametrize("prompt", [advanced(), custom()], ids=["advanced", "custom"])
def test_the_longer_graphs_run(client: Client, prompt: dict[str, Any]) -> None:
    entry = client.wait(client.queue(prompt, {}))
    assert entry["status"]["status_str"] == "success", entry["status"]


@pytest.mark.usefixtures("host")
def test_every_blend_mode_stays_a_picture() -> None:
    blend = registry.NODE_CLASS_MAPPINGS["ImageBlend"]
    low, high = torch.rand(1, 8, 8, 3), torch.rand(1, 4, 4, 3)
    for mode in blend.INPUT_TYPES()["required"]["blend_mode"][1]["options"]:
        made = blend.EXECUTE_NORMALIZED(image1=low, image2=high, blend_factor=0.7, blend_mode=mode)[0]
        assert made.shape == low.shape and made.min() >= 0 and made.max() <= 1


def test_a_picture_comes_back_with_its_mask_from_the_output_folder(client: Client) -> None:
    saved = client.wait(
        client.queue(
            {
                "1": node("EmptyImage", width=16, height=16, batch_size=1, color=0x804020),
                "2": node("SaveImage", images=["1", 0], filename_prefix="sub/there"),
            },
            {},
        )
    )["outputs"]["2"]["images"][0]
    name = f"{saved['subfolder']}/{saved['filename']} [output]"
    loaded = registry.NODE_CLASS_MAPPINGS["LoadImage"]().load_image(name)
    assert loaded[0].shape == (1, 16, 16, 3) and loaded[1].shape == (1, 64, 64)
    assert torch.allclose(loaded[0][0, 0, 0] * 255, torch.tensor([128.0, 64.0, 32.0]))
