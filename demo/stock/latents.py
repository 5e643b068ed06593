"""Latents: empty ones, to and from pictures, scaled, saved and loaded."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from ..host import cli_args, folder_paths
from ..host.registry import MAX_RESOLUTION


class EmptyLatentImage:
    """A blank start; like ComfyUI's it has four channels, and the sampler fits it to the model."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        side = {"default": 512, "min": 16, "max": MAX_RESOLUTION, "step": 8}
        return {
            "required": {
                "width": ("INT", {**side, "tooltip": "The width of the latent images in pixels."}),
                "height": ("INT", {**side, "tooltip": "The height of the latent images in pixels."}),
                "batch_size": ("INT", {"default": 1, "min": 1, "max": 4096}),
            }
        }

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "generate"
    CATEGORY = "latent"

    def generate(self, width: int, height: int, batch_size: int = 1) -> tuple[Any]:
        return ({"samples": torch.zeros(batch_size, 4, height // 8, width // 8), "downscale_ratio_spacial": 8},)


class VAEDecode:
    """Latents to pictures."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples": ("LATENT", {"tooltip": "The latent to be decoded."}),
                "vae": ("VAE", {"tooltip": "The VAE model used for decoding the latent."}),
            }
        }

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "decode"
    CATEGORY = "latent"

    def decode(self, vae: Any, samples: dict[str, Any]) -> tuple[Any]:
        return (vae.decode(samples["samples"]),)


class VAEEncode:
    """Pictures to latents."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"pixels": ("IMAGE",), "vae": ("VAE",)}}

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "encode"
    CATEGORY = "latent"

    def encode(self, vae: Any, pixels: torch.Tensor) -> tuple[Any]:
        return ({"samples": vae.encode(pixels)},)


class LatentUpscale:
    """Latents at another size."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        side = {"default": 512, "min": 0, "max": MAX_RESOLUTION, "step": 8}
        return {
            "required": {
                "samples": ("LATENT",),
                "upscale_method": (["nearest-exact", "bilinear", "area", "bicubic", "bislerp"],),
                "width": ("INT", dict(side)),
                "height": ("INT", dict(side)),
                "crop": (["disabled", "center"],),
            }
        }

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "upscale"
    CATEGORY = "latent"

    def upscale(self, samples: dict[str, Any], upscale_method: str, width: int, height: int, crop: str) -> tuple[Any]:
        if width == 0 and height == 0:
            return (samples,)
        latent = samples["samples"]
        wide = max(64, width or round(latent.shape[-1] * height / latent.shape[-2])) // 8
        high = max(64, height or round(latent.shape[-2] * width / latent.shape[-1])) // 8
        # Spherical interpolation is not offered here; straight lines are close enough for a painter's latents.
        method = "bilinear" if upscale_method == "bislerp" else upscale_method
        return ({**samples, "samples": resize(latent, wide, high, method, crop)},)


def resize(pictures: torch.Tensor, width: int, height: int, method: str, crop: str) -> torch.Tensor:
    """(batch, channels, height, width) at another size; `center` cuts what the new shape has no room for."""
    if crop == "center":
        old_width, old_height = pictures.shape[-1], pictures.shape[-2]
        cut_x = max(0, round((old_width - old_height * width / height) / 2))
        cut_y = max(0, round((old_height - old_width * height / width) / 2))
        pictures = pictures[..., cut_y : old_height - cut_y, cut_x : old_width - cut_x]
    if method == "lanczos":
        return functional.interpolate(pictures, size=(height, width), mode="bicubic", antialias=True)
    return functional.interpolate(pictures, size=(height, width), mode=method)


class SetLatentNoiseMask:
    """Limits sampling to a mask."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"samples": ("LATENT",), "mask": ("MASK",)}}

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "set_mask"
    CATEGORY = "latent/inpaint"

    def set_mask(self, samples: dict[str, Any], mask: torch.Tensor) -> tuple[Any]:
        return ({**samples, "noise_mask": mask.reshape(-1, 1, *mask.shape[-2:])},)


class SaveLatent:
    """A latent as a safetensors file with the graph in its header."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {"samples": ("LATENT",), "filename_prefix": ("STRING", {"default": "latents/ComfyUI"})},
            "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
        }

    RETURN_TYPES = ()
    FUNCTION = "save"
    OUTPUT_NODE = True
    CATEGORY = "_for_testing"

    def save(
        self, samples: dict[str, Any], filename_prefix: str = "ComfyUI", prompt: Any = None, extra_pnginfo: Any = None
    ) -> dict[str, Any]:
        folder, stem, counter, subfolder, _ = folder_paths.get_save_image_path(
            filename_prefix, folder_paths.get_output_directory()
        )
        about = None
        if not cli_args.args.disable_metadata:
            about = {"prompt": json.dumps(prompt) if prompt is not None else ""}
            about.update({key: json.dumps(value) for key, value in (extra_pnginfo or {}).items()})
        name = f"{stem}_{counter:05}_.latent"
        tensors = {"latent_tensor": samples["samples"].contiguous(), "latent_format_version_0": torch.tensor([])}
        save_file(tensors, Path(folder) / name, metadata=about)
        return {"ui": {"latents": [{"filename": name, "subfolder": subfolder, "type": "output"}]}}


class LoadLatent:
    """A latent from the input folder."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        folder = Path(folder_paths.get_input_directory())
        return {"required": {"latent": [sorted(path.name for path in folder.glob("*.latent"))]}}

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "load"
    CATEGORY = "_for_testing"

    def load(self, latent: str) -> tuple[Any]:
        state = load_file(folder_paths.get_annotated_filepath(latent))
        # Files from before the format was versioned hold latents scaled for the first Stable Diffusion.
        scale = 1.0 if "latent_format_version_0" in state else 1.0 / 0.18215
        return ({"samples": state["latent_tensor"].float() * scale},)

    @classmethod
    def IS_CHANGED(cls, latent: str) -> str:
        return hashlib.sha256(Path(folder_paths.get_annotated_filepath(latent)).read_bytes()).hexdigest()

    @classmethod
    def VALIDATE_INPUTS(cls, latent: str) -> bool | str:
        return folder_paths.exists_annotated_filepath(latent) or f"Invalid latent file: {latent}"


NODES: dict[str, type[Any]] = {
    "EmptyLatentImage": EmptyLatentImage,
    "VAEDecode": VAEDecode,
    "VAEEncode": VAEEncode,
    "LatentUpscale": LatentUpscale,
    "SetLatentNoiseMask": SetLatentNoiseMask,
    "SaveLatent": SaveLatent,
    "LoadLatent": LoadLatent,
}
PYTHON_MODULES: dict[str, str] = {}
DISPLAY_NAMES = {
    "EmptyLatentImage": "Empty Latent Image",
    "VAEDecode": "VAE Decode",
    "VAEEncode": "VAE Encode",
    "LatentUpscale": "Upscale Latent",
    "SetLatentNoiseMask": "Set Latent Noise Mask",
}
