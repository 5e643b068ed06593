"""Text encoders, conditioning, and strings."""

from __future__ import annotations

import json
from typing import Any

import torch

from ..host.registry import MAX_RESOLUTION
from ..host.v3 import ComfyNode, NodeOutput, Schema, io


class CLIPTextEncode:
    """The plain encoder."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "text": ("STRING", {"multiline": True, "dynamicPrompts": True, "tooltip": "The text to be encoded."}),
                "clip": ("CLIP", {"tooltip": "The CLIP model used for encoding the text."}),
            }
        }

    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "encode"
    CATEGORY = "conditioning"
    DESCRIPTION = "Encodes a text prompt using a CLIP model into an embedding."

    def encode(self, clip: Any, text: str) -> tuple[Any]:
        if clip is None:
            raise RuntimeError("ERROR: clip input is invalid: None")
        return (clip.encode_from_tokens_scheduled(clip.tokenize(text)),)


class CLIPTextEncodeSDXL(ComfyNode):
    """The two-text encoder."""

    @classmethod
    def define_schema(cls) -> Schema:
        def size(name: str, default: int, **more: Any) -> Any:
            return io.Int.Input(name, default=default, min=0, max=MAX_RESOLUTION, **more)

        return Schema(
            node_id="CLIPTextEncodeSDXL",
            category="advanced/conditioning",
            inputs=[
                io.Clip.Input("clip"),
                size("width", 1024),
                size("height", 1024),
                size("crop_w", 0, advanced=True),
                size("crop_h", 0, advanced=True),
                size("target_width", 1024),
                size("target_height", 1024),
                io.String.Input("text_g", multiline=True, dynamic_prompts=True),
                io.String.Input("text_l", multiline=True, dynamic_prompts=True),
            ],
            outputs=[io.Conditioning.Output()],
        )

    @classmethod
    def execute(cls, clip: Any, text_g: str, text_l: str, **sizes: int) -> NodeOutput:
        tokens = {"l": clip.tokenize(text_l)["l"], "g": clip.tokenize(text_g)["g"]}
        return NodeOutput(clip.encode_from_tokens_scheduled(tokens, add_dict=dict(sizes)))


class CLIPTextEncodeFlux(ComfyNode):
    """The encoder with a long and a short text, and distilled guidance."""

    @classmethod
    def define_schema(cls) -> Schema:
        return Schema(
            node_id="CLIPTextEncodeFlux",
            category="advanced/conditioning/flux",
            inputs=[
                io.Clip.Input("clip"),
                io.String.Input("clip_l", multiline=True, dynamic_prompts=True),
                io.String.Input("t5xxl", multiline=True, dynamic_prompts=True),
                io.Float.Input("guidance", default=3.5, min=0.0, max=100.0, step=0.1),
            ],
            outputs=[io.Conditioning.Output()],
        )

    @classmethod
    def execute(cls, clip: Any, clip_l: str, t5xxl: str, guidance: float) -> NodeOutput:
        tokens = {"l": clip.tokenize(clip_l)["l"], "t5xxl": clip.tokenize(t5xxl)["t5xxl"]}
        return NodeOutput(clip.encode_from_tokens_scheduled(tokens, add_dict={"guidance": guidance}))


class ConditioningCombine:
    """Both conditionings, each with its say."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"conditioning_1": ("CONDITIONING",), "conditioning_2": ("CONDITIONING",)}}

    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "combine"
    CATEGORY = "conditioning"

    def combine(self, conditioning_1: list[Any], conditioning_2: list[Any]) -> tuple[Any]:
        return (conditioning_1 + conditioning_2,)


class ConditioningConcat:
    """One conditioning with the words of both."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"conditioning_to": ("CONDITIONING",), "conditioning_from": ("CONDITIONING",)}}

    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "concat"
    CATEGORY = "conditioning"

    def concat(self, conditioning_to: list[Any], conditioning_from: list[Any]) -> tuple[Any]:
        added = conditioning_from[0][0]
        return ([[torch.cat((rows, added), dim=1), dict(about)] for rows, about in conditioning_to],)


class ConditioningZeroOut:
    """A conditioning that says nothing."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"conditioning": ("CONDITIONING",)}}

    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "zero_out"
    CATEGORY = "advanced/conditioning"

    def zero_out(self, conditioning: list[Any]) -> tuple[Any]:
        out = []
        for rows, about in conditioning:
            kept = dict(about)
            if kept.get("pooled_output") is not None:
                kept["pooled_output"] = torch.zeros_like(kept["pooled_output"])
            out.append([torch.zeros_like(rows), kept])
        return (out,)


class PrimitiveStringMultiline(ComfyNode):
    """A text of several lines."""

    @classmethod
    def define_schema(cls) -> Schema:
        return Schema(
            node_id="PrimitiveStringMultiline",
            display_name="String (Multiline)",
            category="utils/primitive",
            inputs=[io.String.Input("value", multiline=True)],
            outputs=[io.String.Output()],
        )

    @classmethod
    def execute(cls, value: str) -> NodeOutput:
        return NodeOutput(value)


class StringConcatenate(ComfyNode):
    """Two texts in a row."""

    @classmethod
    def define_schema(cls) -> Schema:
        return Schema(
            node_id="StringConcatenate",
            display_name="Text Concatenate",
            category="utils/string",
            inputs=[
                io.String.Input("string_a", multiline=True),
                io.String.Input("string_b", multiline=True),
                io.String.Input("delimiter", default=""),
            ],
            outputs=[io.String.Output()],
        )

    @classmethod
    def execute(cls, string_a: str, string_b: str, delimiter: str) -> NodeOutput:
        return NodeOutput(delimiter.join((string_a, string_b)))


class PreviewAny:
    """Shows a value as text."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"source": ("*", {})}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "main"
    OUTPUT_NODE = True
    CATEGORY = "utils"

    def main(self, source: Any = None) -> dict[str, Any]:
        text = source if isinstance(source, str) else _as_text(source)
        return {"ui": {"text": (text,)}, "result": (text,)}


def _as_text(value: Any) -> str:
    if value is None or isinstance(value, (int, float, bool)):
        return str(value)
    try:
        return json.dumps(value, indent=4)
    except (TypeError, ValueError):
        return str(value)


NODES: dict[str, type[Any]] = {
    "CLIPTextEncode": CLIPTextEncode,
    "CLIPTextEncodeSDXL": CLIPTextEncodeSDXL,
    "CLIPTextEncodeFlux": CLIPTextEncodeFlux,
    "ConditioningCombine": ConditioningCombine,
    "ConditioningConcat": ConditioningConcat,
    "ConditioningZeroOut": ConditioningZeroOut,
    "PrimitiveStringMultiline": PrimitiveStringMultiline,
    "StringConcatenate": StringConcatenate,
    "PreviewAny": PreviewAny,
}
PYTHON_MODULES = {
    "CLIPTextEncodeSDXL": "comfy_extras.nodes_clip_sdxl",
    "CLIPTextEncodeFlux": "comfy_extras.nodes_flux",
    "PrimitiveStringMultiline": "comfy_extras.nodes_primitive",
    "StringConcatenate": "comfy_extras.nodes_string",
    "PreviewAny": "comfy_extras.nodes_preview_any",
}
DISPLAY_NAMES = {
    "CLIPTextEncode": "CLIP Text Encode (Prompt)",
    "ConditioningCombine": "Conditioning (Combine)",
    "ConditioningConcat": "Conditioning (Concat)",
    "PreviewAny": "Preview as Text",
}
