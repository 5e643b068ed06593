"""What a run ran on: machine, Python, packages that shape images, ComfyUI and node packs. I/O: reads files, asks git.

Paths, host names and user names stay out of it.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping
from pathlib import Path

from ..model import Json
from .checkout import commit, modified, project

_DISTRIBUTIONS = (
    "accelerate", "av", "bitsandbytes", "comfy-aimdo", "comfy-kitchen", "comfyui-embedded-docs",
    "comfyui-frontend-package", "comfyui-workflow-templates", "controlnet-aux", "diffusers", "einops", "flash-attn",
    "gguf", "insightface", "kornia", "numpy", "onnxruntime", "onnxruntime-gpu", "opencv-python",
    "opencv-python-headless", "pillow", "safetensors", "sageattention", "scipy", "sentencepiece", "spandrel",
    "tokenizers", "torch", "torch-directml", "torchaudio", "torchsde", "torchvision", "transformers", "triton",
    "triton-windows", "xformers",
)  # fmt: skip
_TAKEN = frozenset({"comfyui", "packs", "classes"})


def survey(host: Mapping[str, Json]) -> dict[str, Json]:
    """Describe the environment as a JSON object whose equal values mean an equal environment.

    `host` is `model.Host.environment()`: {"comfyui": {"version", "folder"}, "packs": {name: folder}, ...}; further
    plain members (device, frontend) are taken over. Version, commit and `modified` are null where they cannot be
    told. Raises nothing for folders that are gone or unreadable.
    """
    comfyui = host.get("comfyui")
    packs = host.get("packs")
    return {
        "os": {"system": platform.system(), "release": platform.release(), "machine": platform.machine()},
        "cpu": {"name": _cpu(), "cores": os.cpu_count()},
        "python": {"version": platform.python_version(), "implementation": platform.python_implementation()},
        "distributions": _distributions(),
        "comfyui": _comfyui(comfyui) if isinstance(comfyui, Mapping) else None,
        "packs": {
            name: _pack(folder)
            for name, folder in sorted(packs.items() if isinstance(packs, Mapping) else ())
            if isinstance(folder, str)
        },
        **{name: value for name, value in sorted(host.items()) if name not in _TAKEN},
    }


def _comfyui(facts: Mapping[str, Json]) -> dict[str, Json]:
    folder = facts.get("folder")
    given = {name: value for name, value in facts.items() if name != "folder"}
    if not isinstance(folder, str):
        return given
    return {"commit": commit(Path(folder)), "modified": modified(Path(folder)), **given}


def _pack(folder: str) -> dict[str, Json]:
    place = Path(folder)
    name, version = project(place)
    return {"registry": name, "version": version, "commit": commit(place), "modified": modified(place)}


def _distributions() -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _cpu() -> str | None:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip() or None
    except OSError:  # not Linux
        return platform.processor() or None
    return platform.processor() or None
