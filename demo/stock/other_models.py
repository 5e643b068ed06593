"""Loaders for kinds of model that the painter has no use for.

Frontends up to 1.27 name these classes whenever they draw any model loader, and draw none if one is missing. They list
and read files like the others; the value is the file's tensors, and no node of this host takes it.
"""

from __future__ import annotations

from typing import Any

from safetensors.torch import load_file

from ..host import folder_paths


def _loader(class_name: str, kind: str, input_name: str, outputs: tuple[str, ...], category: str) -> type[Any]:
    def input_types(cls: type[Any]) -> dict[str, Any]:
        return {"required": {input_name: (folder_paths.get_filename_list(kind),)}}

    def load(self: Any, **given: str) -> tuple[Any, ...]:
        state = load_file(folder_paths.get_full_path_or_raise(kind, given[input_name]))
        return (state,) * len(outputs)

    body = {
        "__doc__": f"Reads a file of the kind `{kind}`.",
        "INPUT_TYPES": classmethod(input_types),
        "RETURN_TYPES": outputs,
        "FUNCTION": "load",
        "CATEGORY": category,
        "load": load,
    }
    return type(class_name, (), body)


NODES: dict[str, type[Any]] = {
    name: _loader(name, *about)
    for name, about in {
        "ControlNetLoader": ("controlnet", "control_net_name", ("CONTROL_NET",), "loaders"),
        "UpscaleModelLoader": ("upscale_models", "model_name", ("UPSCALE_MODEL",), "loaders"),
        "StyleModelLoader": ("style_models", "style_model_name", ("STYLE_MODEL",), "loaders"),
        "GLIGENLoader": ("gligen", "gligen_name", ("GLIGEN",), "loaders"),
        "CLIPVisionLoader": ("clip_vision", "clip_name", ("CLIP_VISION",), "loaders"),
        "ImageOnlyCheckpointLoader": (
            "checkpoints",
            "ckpt_name",
            ("MODEL", "CLIP_VISION", "VAE"),
            "loaders/video_models",
        ),
    }.items()
}
PYTHON_MODULES = {
    "UpscaleModelLoader": "comfy_extras.nodes_upscale_model",
    "ImageOnlyCheckpointLoader": "comfy_extras.nodes_video_model",
}
DISPLAY_NAMES = {
    "ControlNetLoader": "Load ControlNet Model",
    "UpscaleModelLoader": "Load Upscale Model",
    "StyleModelLoader": "Load Style Model",
    "CLIPVisionLoader": "Load CLIP Vision",
    "ImageOnlyCheckpointLoader": "Image Only Checkpoint Loader (img2vid model)",
}
