"""Provenance Save Image: ComfyUI's Save Image in three formats, with a receipt in every file."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .border import guarded
from .metadata import even_webp, exif, jpeg_options, png_texts
from .port import Context, Port, Wishes

ENDINGS = {"png": "png", "jpeg": "jpg", "webp": "webp"}
MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
NAME = "ProvenanceSaveImage"


def make(port: Port) -> type:
    """Make the node class for this host."""

    class ProvenanceSaveImage:
        """Saves images, and in each the workflow and a receipt that leads back to the run that made it."""

        RETURN_TYPES: tuple[str, ...] = ()
        FUNCTION = "save_images"
        OUTPUT_NODE = True
        CATEGORY = "provenance"
        DESCRIPTION = "Saves images as PNG, JPEG or WebP. Every file carries the workflow and a receipt of its run."
        SEARCH_ALIASES = ("save image", "jpeg", "webp", "export image")

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {
                "required": {
                    "images": ("IMAGE", {"tooltip": "The images to save."}),
                    "filename_prefix": (
                        "STRING",
                        {"default": "ComfyUI", "tooltip": "Start of the file name; may name subfolders."},
                    ),
                    "format": (list(ENDINGS), {"default": "png", "tooltip": "PNG keeps every bit."}),
                    "quality": (
                        "INT",
                        {"default": 92, "min": 1, "max": 100, "tooltip": "For JPEG and for WebP that is not lossless."},
                    ),
                    "lossless_webp": ("BOOLEAN", {"default": True, "tooltip": "Keep every bit in WebP files."}),
                    "embed_workflow": (
                        "BOOLEAN",
                        {"default": True, "tooltip": "Embed the workflow, as ComfyUI's Save Image does."},
                    ),
                },
                "optional": {
                    "content_credentials": (
                        "BOOLEAN",
                        {
                            "default": False,
                            "tooltip": "Sign a Content Credential (C2PA) into the file.",
                        },
                    ),
                    "ai_label": (
                        "BOOLEAN",
                        {"default": False, "tooltip": "Put in China's implicit AI label (GB 45438-2025)."},
                    ),
                    "label_producer": (
                        "STRING",
                        {"default": "", "tooltip": "What the AI label names as the producer: a name or a code."},
                    ),
                },
                "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
            }

        def save_images(
            self,
            images: Any,
            filename_prefix: str = "ComfyUI",
            format: str = "png",
            quality: int = 92,
            lossless_webp: bool = True,
            embed_workflow: bool = True,
            content_credentials: bool = False,
            ai_label: bool = False,
            label_producer: str = "",
            prompt: Any = None,
            extra_pnginfo: Mapping[str, Any] | None = None,
        ) -> dict[str, Any]:
            note: str | None = None
            context: Context | None = None
            with guarded(port, f"{NAME} could not embed its receipt"):
                context = port.context()
                receipt = None if context is None else port.receipt(context)
                note = None if receipt is None else json.dumps(receipt)
            texts = workflow_texts(prompt, extra_pnginfo) if embed_workflow and port.embeds_workflow() else {}
            height, width = images[0].shape[:2]
            path = port.save_path(filename_prefix, int(width), int(height), "output")
            wishes = Wishes(content_credentials, ai_label, label_producer)
            saved = []
            for number, image in enumerate(images):
                data = encode(image, format, quality, lossless_webp, texts, note)
                stem = path.filename.replace("%batch_num%", str(number))
                name = f"{stem}_{path.counter + number:05}_.{ENDINGS[format]}"
                if wishes.credentials or wishes.ai_label:
                    data = finished(port, context, data, name, MEDIA_TYPES[format], prompt, wishes)
                (Path(path.folder) / name).write_bytes(data)
                saved.append({"filename": name, "subfolder": path.subfolder, "type": "output"})
            return {"ui": {"images": saved}}

    return ProvenanceSaveImage


def finished(
    port: Port, context: Context | None, data: bytes, name: str, media_type: str, prompt: Any, wishes: Wishes
) -> bytes:
    """The file with what the author asks for, as far as it can be put in; what became of it is observed."""
    with guarded(port, f"{NAME} could not put in a credential or a label"):
        data, told = port.finish(context, data, name, media_type, prompt, wishes)
        if context is not None:
            port.observe(context, NAME, {"kind": "finishing", "file": name, **told}, {})
    return data


def workflow_texts(prompt: Any, extra_pnginfo: Mapping[str, Any] | None) -> dict[str, str]:
    """Give the texts that ComfyUI's Save Image embeds, by key, in its order and its spelling."""
    texts = {} if prompt is None else {"prompt": json.dumps(prompt)}
    return texts | {str(key): json.dumps(value) for key, value in (extra_pnginfo or {}).items()}


def encode(
    image: Any, format: str, quality: int, lossless_webp: bool, texts: Mapping[str, str], receipt: str | None
) -> bytes:
    """Encode one image tensor [height, width, channels], 0..1, rounded down to 8 bits as ComfyUI does.

    JPEG drops an alpha channel. Raises what Pillow raises for pictures larger than a format can hold.
    """
    import numpy as np
    from PIL import Image

    picture = Image.fromarray(np.clip(255.0 * image.cpu().numpy(), 0, 255).astype(np.uint8))
    buffer = io.BytesIO()
    if format == "png":
        picture.save(buffer, "PNG", pnginfo=png_texts(texts, receipt), compress_level=4)
    elif format == "jpeg":
        picture.convert("RGB").save(buffer, "JPEG", quality=quality, subsampling=0, **jpeg_options(texts, receipt))
    else:
        options = {"lossless": True, "exact": True} if lossless_webp else {"quality": quality}
        picture.save(buffer, "WEBP", exif=exif(texts, receipt), **options)
        return even_webp(buffer.getvalue())
    return buffer.getvalue()
