"""Text to image on the models that a host has, with stock nodes or with their wrappers."""

from __future__ import annotations

import os
from typing import Any

import hosts
import pytest
from graphs import node

MODELS = os.environ.get("COMFYUI_SMALL_MODELS", "")  # unet,clip,vae,clip type
NO_MODELS = "no small models: set COMFYUI_SMALL_MODELS=unet,clip,vae,cliptype to file names that ComfyUI lists"


def painting(host: hosts.Host, wrapped: bool, **sampler: Any) -> dict[str, Any]:
    """Text to image, with stock nodes or with their wrappers, on the model this host has."""
    ours = "Provenance" if wrapped else ""
    if not host.kind.real:
        (name, *_) = host.get("/object_info/CheckpointLoaderSimple")["CheckpointLoaderSimple"]["input"]["required"][
            "ckpt_name"
        ][0]
        nodes = {"1": node("CheckpointLoaderSimple", ckpt_name=name)}
        model, clip, vae, empty = ["1", 0], ["1", 1], ["1", 2], "EmptyLatentImage"
    elif MODELS:
        unet, text, decoder, kind = MODELS.split(",")
        nodes = {
            "1": node("UNETLoader", unet_name=unet, weight_dtype="default"),
            "2": node("CLIPLoader", clip_name=text, type=kind),
            "3": node("VAELoader", vae_name=decoder),
        }
        model, clip, vae = ["1", 0], ["2", 0], ["3", 0]
        empty = "EmptySD3LatentImage" if kind == "sd3" else "EmptyLatentImage"
    else:
        pytest.skip(NO_MODELS)
    settings = {"seed": 42, "steps": 2, "cfg": 4.0, "sampler_name": "euler", "scheduler": "simple", "denoise": 1.0}
    links = {"model": model, "positive": ["4", 0], "negative": ["5", 0], "latent_image": ["6", 0]}
    return {
        **nodes,
        "4": node(f"{ours}CLIPTextEncode", text="a cat crystal pendant", clip=clip),
        "5": node(f"{ours}CLIPTextEncode", text="blurry", clip=clip),
        "6": node(empty, width=128, height=128, batch_size=1),
        "7": node(f"{ours}KSampler", **links, **settings, **(sampler if wrapped else {})),
        "8": node("VAEDecode", samples=["7", 0], vae=vae),
        "9": node("SaveImage", images=["8", 0], filename_prefix="wrapped" if wrapped else "stock"),
    }
