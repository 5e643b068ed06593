"""Pictures and masks: loading, saving, scaling, mixing."""

from __future__ import annotations

import hashlib
import json
import secrets
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, ImageSequence
from PIL.PngImagePlugin import PngInfo
from torch.nn import functional

from ..host import cli_args, folder_paths
from ..host.registry import MAX_RESOLUTION
from ..host.v3 import ComfyNode, NodeOutput, Schema, io
from .latents import resize


def _input_files(kinds: list[str] | None = None) -> list[str]:
    names = sorted(path.name for path in Path(folder_paths.get_input_directory()).iterdir() if path.is_file())
    return names if kinds is None else folder_paths.filter_files_content_types(names, kinds)


def _digest_of(name: str) -> str:
    return hashlib.sha256(Path(folder_paths.get_annotated_filepath(name)).read_bytes()).hexdigest()


def _tensor(picture: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.asarray(picture).astype(np.float32) / 255.0)


class LoadImage:
    """A picture and its mask from the input folder, or (`name [output]`) from another."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"image": (_input_files(["image"]), {"image_upload": True})}}

    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "load_image"
    CATEGORY = "image"

    def load_image(self, image: str) -> tuple[Any, Any]:
        pictures: list[torch.Tensor] = []
        masks: list[torch.Tensor] = []
        with Image.open(folder_paths.get_annotated_filepath(image)) as file:
            for frame in ImageSequence.Iterator(file):
                upright = ImageOps.exif_transpose(frame)
                if upright.mode == "I":
                    upright = upright.point(lambda value: value * (1 / 255))
                colour = _tensor(upright.convert("RGB"))
                if pictures and colour.shape != pictures[0].shape:
                    continue
                transparent = "A" in upright.getbands() or "transparency" in upright.info
                alpha = _tensor(upright.convert("RGBA").getchannel("A")) if transparent else None
                pictures.append(colour)
                masks.append(torch.zeros(64, 64) if alpha is None else 1.0 - alpha)
        return torch.stack(pictures), torch.stack(masks)

    @classmethod
    def IS_CHANGED(cls, image: str) -> str:
        return _digest_of(image)

    @classmethod
    def VALIDATE_INPUTS(cls, image: str) -> bool | str:
        return folder_paths.exists_annotated_filepath(image) or f"Invalid image file: {image}"


class LoadImageMask:
    """One channel of a picture as a mask."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "image": (_input_files(), {"image_upload": True}),
                "channel": (["alpha", "red", "green", "blue"],),
            }
        }

    RETURN_TYPES = ("MASK",)
    FUNCTION = "load_image"
    CATEGORY = "mask"

    def load_image(self, image: str, channel: str) -> tuple[Any]:
        with Image.open(folder_paths.get_annotated_filepath(image)) as file:
            values = _tensor(ImageOps.exif_transpose(file).convert("RGBA").getchannel(channel[0].upper()))
        return ((1.0 - values if channel == "alpha" else values).unsqueeze(0),)

    @classmethod
    def IS_CHANGED(cls, image: str, channel: str) -> str:
        return _digest_of(image)

    @classmethod
    def VALIDATE_INPUTS(cls, image: str) -> bool | str:
        return folder_paths.exists_annotated_filepath(image) or f"Invalid image file: {image}"


class SaveImage:
    """PNG files in the output folder, with the graph in their text chunks."""

    def __init__(self) -> None:
        self.output_dir = folder_paths.get_output_directory()
        self.type = "output"
        self.prefix_append = ""
        self.compress_level = 4

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "images": ("IMAGE", {"tooltip": "The images to save."}),
                "filename_prefix": ("STRING", {"default": "ComfyUI", "tooltip": "The prefix for the file to save."}),
            },
            "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
        }

    RETURN_TYPES = ()
    FUNCTION = "save_images"
    OUTPUT_NODE = True
    CATEGORY = "image"
    DESCRIPTION = "Saves the input images to your ComfyUI output directory."

    def save_images(
        self,
        images: torch.Tensor,
        filename_prefix: str = "ComfyUI",
        prompt: Any = None,
        extra_pnginfo: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        folder, stem, counter, subfolder, _ = folder_paths.get_save_image_path(
            filename_prefix + self.prefix_append, self.output_dir, images[0].shape[1], images[0].shape[0]
        )
        about = None
        if not cli_args.args.disable_metadata:
            about = PngInfo()
            if prompt is not None:
                about.add_text("prompt", json.dumps(prompt))
            for key, value in (extra_pnginfo or {}).items():
                about.add_text(key, json.dumps(value))
        saved = []
        for number, image in enumerate(images):
            name = f"{stem.replace('%batch_num%', str(number))}_{counter + number:05}_.png"
            pixels = np.clip(255.0 * image.cpu().numpy(), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(Path(folder) / name, pnginfo=about, compress_level=self.compress_level)
            saved.append({"filename": name, "subfolder": subfolder, "type": self.type})
        return {"ui": {"images": saved}}


class PreviewImage(SaveImage):
    """The same in the temp folder, for looking at."""

    def __init__(self) -> None:
        super().__init__()
        self.output_dir = folder_paths.get_temp_directory()
        self.type = "temp"
        self.prefix_append = "_temp_" + secrets.token_hex(4)
        self.compress_level = 1

    DESCRIPTION = "Shows images without keeping them."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        hidden = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}
        return {"required": {"images": ("IMAGE",)}, "hidden": hidden}


class EmptyImage:
    """A plain colour."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        side = {"default": 512, "min": 1, "max": MAX_RESOLUTION, "step": 1}
        return {
            "required": {
                "width": ("INT", dict(side)),
                "height": ("INT", dict(side)),
                "batch_size": ("INT", {"default": 1, "min": 1, "max": 4096}),
                "color": ("INT", {"default": 0, "min": 0, "max": 0xFFFFFF, "step": 1, "display": "color"}),
            }
        }

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "generate"
    CATEGORY = "image"

    def generate(self, width: int, height: int, batch_size: int = 1, color: int = 0) -> tuple[Any]:
        channels = torch.tensor([(color >> shift & 0xFF) / 0xFF for shift in (16, 8, 0)])
        return (channels.expand(batch_size, height, width, 3).contiguous(),)


class ImageScale:
    """A picture at another size."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        side = {"default": 512, "min": 0, "max": MAX_RESOLUTION, "step": 1}
        return {
            "required": {
                "image": ("IMAGE",),
                "upscale_method": (["nearest-exact", "bilinear", "area", "bicubic", "lanczos"],),
                "width": ("INT", dict(side)),
                "height": ("INT", dict(side)),
                "crop": (["disabled", "center"],),
            }
        }

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "upscale"
    CATEGORY = "image/upscaling"

    def upscale(self, image: torch.Tensor, upscale_method: str, width: int, height: int, crop: str) -> tuple[Any]:
        if width == 0 and height == 0:
            return (image,)
        wide = width or max(1, round(image.shape[2] * height / image.shape[1]))
        high = height or max(1, round(image.shape[1] * width / image.shape[2]))
        return (resize(image.movedim(-1, 1), wide, high, upscale_method, crop).movedim(1, -1).clamp(0, 1),)


class ImageInvert:
    """The negative of a picture."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"image": ("IMAGE",)}}

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "invert"
    CATEGORY = "image"

    def invert(self, image: torch.Tensor) -> tuple[Any]:
        return (1.0 - image,)


class ImageBatch:
    """Two pictures as one batch; the second takes the first one's size."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"image1": ("IMAGE",), "image2": ("IMAGE",)}}

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "batch"
    CATEGORY = "image"
    DEPRECATED = True

    def batch(self, image1: torch.Tensor, image2: torch.Tensor) -> tuple[Any]:
        return (torch.cat((image1, _sized_like(image2, image1)), dim=0),)


def _sized_like(image: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    if image.shape[1:3] == other.shape[1:3]:
        return image
    return resize(image.movedim(-1, 1), other.shape[2], other.shape[1], "bilinear", "center").movedim(1, -1)


class ImageBlend(ComfyNode):
    """Two pictures mixed."""

    @classmethod
    def define_schema(cls) -> Schema:
        modes = ["normal", "multiply", "screen", "overlay", "soft_light", "difference"]
        return Schema(
            node_id="ImageBlend",
            display_name="Image Blend",
            category="image/postprocessing",
            inputs=[
                io.Image.Input("image1"),
                io.Image.Input("image2"),
                io.Float.Input("blend_factor", default=0.5, min=0.0, max=1.0, step=0.01),
                io.Combo.Input("blend_mode", options=modes),
            ],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(cls, image1: torch.Tensor, image2: torch.Tensor, blend_factor: float, blend_mode: str) -> NodeOutput:
        mixed = _mix(image1, _sized_like(image2, image1), blend_mode)
        return NodeOutput(torch.lerp(image1, mixed, blend_factor).clamp(0, 1))


def _mix(low: torch.Tensor, high: torch.Tensor, mode: str) -> torch.Tensor:
    if mode == "multiply":
        return low * high
    if mode == "screen":
        return 1 - (1 - low) * (1 - high)
    if mode == "overlay":
        return torch.where(low <= 0.5, 2 * low * high, 1 - 2 * (1 - low) * (1 - high))
    if mode == "soft_light":
        return (1 - 2 * high) * low**2 + 2 * high * low
    if mode == "difference":
        return low - high
    return high


class ImageCompositeMasked(ComfyNode):
    """One picture laid over another where a mask says so."""

    @classmethod
    def define_schema(cls) -> Schema:
        return Schema(
            node_id="ImageCompositeMasked",
            category="image",
            inputs=[
                io.Image.Input("destination"),
                io.Image.Input("source"),
                io.Int.Input("x", default=0, min=0, max=MAX_RESOLUTION, step=1),
                io.Int.Input("y", default=0, min=0, max=MAX_RESOLUTION, step=1),
                io.Boolean.Input("resize_source", default=False),
                io.Mask.Input("mask", optional=True),
            ],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(
        cls,
        destination: torch.Tensor,
        source: torch.Tensor,
        x: int,
        y: int,
        resize_source: bool,
        mask: torch.Tensor | None = None,
    ) -> NodeOutput:
        out = destination.clone()
        laid = _sized_like(source, destination) if resize_source else source
        cover = torch.ones(1, 1, *laid.shape[1:3])
        if mask is not None:
            shaped = mask.reshape(-1, 1, *mask.shape[-2:]).float()
            cover = functional.interpolate(shaped, size=laid.shape[1:3], mode="bilinear")
        high, wide = max(0, min(laid.shape[1], out.shape[1] - y)), max(0, min(laid.shape[2], out.shape[2] - x))
        part = cover.movedim(1, -1)[:, :high, :wide]
        under = out[:, y : y + high, x : x + wide]
        out[:, y : y + high, x : x + wide] = torch.lerp(under, laid[:, :high, :wide], part)
        return NodeOutput(out)


class SolidMask(ComfyNode):
    """A mask with one value."""

    @classmethod
    def define_schema(cls) -> Schema:
        return Schema(
            node_id="SolidMask",
            category="mask",
            inputs=[
                io.Float.Input("value", default=1.0, min=0.0, max=1.0, step=0.01),
                io.Int.Input("width", default=512, min=1, max=MAX_RESOLUTION, step=1),
                io.Int.Input("height", default=512, min=1, max=MAX_RESOLUTION, step=1),
            ],
            outputs=[io.Mask.Output()],
        )

    @classmethod
    def execute(cls, value: float, width: int, height: int) -> NodeOutput:
        return NodeOutput(torch.full((1, height, width), value))


NODES: dict[str, type[Any]] = {
    "LoadImage": LoadImage,
    "LoadImageMask": LoadImageMask,
    "SaveImage": SaveImage,
    "PreviewImage": PreviewImage,
    "EmptyImage": EmptyImage,
    "ImageScale": ImageScale,
    "ImageInvert": ImageInvert,
    "ImageBatch": ImageBatch,
    "ImageBlend": ImageBlend,
    "ImageCompositeMasked": ImageCompositeMasked,
    "SolidMask": SolidMask,
}
PYTHON_MODULES = {
    "ImageBlend": "comfy_extras.nodes_post_processing",
    "ImageCompositeMasked": "comfy_extras.nodes_mask",
    "SolidMask": "comfy_extras.nodes_mask",
}
DISPLAY_NAMES = {
    "LoadImage": "Load Image",
    "LoadImageMask": "Load Image (as Mask)",
    "SaveImage": "Save Image",
    "PreviewImage": "Preview Image",
    "ImageScale": "Upscale Image",
    "ImageInvert": "Invert Image",
    "ImageBatch": "Batch Images",
}
