"""Node classes shaped like ComfyUI's own, V1 and V3, on real tensors, and a port that keeps what it is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from comfy_provenance.nodes.port import Context, Finish, SavePath, StockNode, Wishes
from comfy_provenance.provenance.model import system_clock
from comfy_provenance.provenance.pipeline import finishing
from comfy_provenance.provenance.record import credentials


class RecordingPort:
    """Keeps observations and problems; writes below a folder of its own."""

    def __init__(self, root: Path, stock: Mapping[str, type]) -> None:
        self.root = root
        self.stock = stock
        self.current: Context | None = Context("run-1", "7", 0)
        self.seen: list[tuple[Context, str, dict[str, Any], dict[str, torch.Tensor]]] = []
        self.problems: list[str] = []
        self.outputs: dict[str, list[str]] = {"image": [], "latent": []}
        self.metadata = True
        self.receipts: Mapping[str, Any] | None = {"v": 1, "execution": "run-1", "ledger": "studio/1", "key": "ab12"}

    def context(self) -> Context | None:
        return self.current

    def observe(
        self, context: Context, class_type: str, values: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]
    ) -> None:
        self.seen.append((context, class_type, dict(values), dict(tensors)))

    def problem(self, text: str) -> None:
        self.problems.append(text)

    def stock_nodes(self) -> Mapping[str, StockNode]:
        return {name: StockNode(cls, f"Stock {name}") for name, cls in self.stock.items()}

    def recent_outputs(self, kind: str) -> list[str]:
        return self.outputs[kind]

    def save_path(self, prefix: str, width: int, height: int, kind: str) -> SavePath:
        subfolder, stem = os.path.split(prefix.replace("%width%", str(width)).replace("%height%", str(height)))
        folder = self.root / kind / subfolder
        folder.mkdir(parents=True, exist_ok=True)
        taken = [int(path.stem.rsplit("_", 2)[-2]) for path in folder.iterdir()]
        return SavePath(str(folder), stem, max(taken, default=0) + 1, subfolder)

    def embeds_workflow(self) -> bool:
        return self.metadata

    def receipt(self, context: Context) -> Mapping[str, Any] | None:
        return self.receipts

    def finish(
        self, context: Context | None, data: bytes, name: str, media_type: str, prompt: Any, wishes: Wishes
    ) -> Finish:
        """As the host does it, with a key of its own and without a record."""
        claim = credentials.Claim(name, media_type, ["model.safetensors"])
        asked = finishing.Wishes(wishes.credentials, wishes.ai_label, wishes.producer)
        done = finishing.finish(data, claim, asked, "run-1", self.root / "secrets", system_clock)
        return Finish(done.data, done.to_json())


class Model:
    """A model that carries sampling wrappers the way ComfyUI's ModelPatcher does."""

    def __init__(self, factors: list[list[float]] | None = None) -> None:
        self.wrappers: dict[str, dict[str, list[Callable[..., Any]]]] = {}
        self.model = SimpleNamespace(latent_format=SimpleNamespace(latent_rgb_factors=factors))

    def add_wrapper_with_key(self, kind: str, key: str, wrapper: Callable[..., Any]) -> None:
        self.wrappers.setdefault(kind, {}).setdefault(key, []).append(wrapper)

    def remove_wrappers_with_key(self, kind: str, key: str) -> None:
        self.wrappers.get(kind, {}).pop(key, None)

    def run(self, kind: str, function: Callable[..., Any], *args: Any) -> Any:
        for group in list(self.wrappers.get(kind, {}).values()):
            for wrapper in group:
                function = _bind(wrapper, function)
        return function(*args)


def _bind(wrapper: Callable[..., Any], inner: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: wrapper(inner, *args, **kwargs)


def sample_euler(model: Model, x: torch.Tensor, sigmas: torch.Tensor, callback: Callable[..., Any]) -> torch.Tensor:
    for step in range(len(sigmas) - 1):
        denoised = x * 0.5
        callback(step, denoised, x, len(sigmas) - 1)
        x = denoised + (x - denoised) * sigmas[step + 1] / sigmas[step]
    return x


def integrate(model: Model, noise: torch.Tensor, sampler: Any, sigmas: torch.Tensor, seed: int) -> torch.Tensor:
    calls: list[int] = []

    def inner(x: torch.Tensor) -> torch.Tensor:
        return sampler.sampler_function(model, x, sigmas, outer.callback)

    def outer(
        noise: Any, latent: Any, sampler: Any, sigmas: Any, mask: Any, callback: Any, bar: Any, seed: Any
    ) -> torch.Tensor:
        outer.callback = callback
        return model.run("sampler_sample", inner, noise * sigmas[0])

    def callback(step: int, denoised: torch.Tensor, x: torch.Tensor, total: int) -> None:
        calls.append(step)

    return model.run("outer_sample", outer, noise, torch.zeros_like(noise), sampler, sigmas, None, callback, True, seed)


EULER = SimpleNamespace(sampler_function=sample_euler, extra_options={"eta": 0.5, "noise_sampler": None})


class KSampler:
    """V1."""

    RETURN_TYPES = ("LATENT",)
    OUTPUT_TOOLTIPS = ("The denoised latent.",)
    FUNCTION = "sample"
    CATEGORY = "sampling"
    DESCRIPTION = "Denoises."
    schedulers = ("simple", "karras")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": ("MODEL", {}),
                "seed": ("INT", {"default": 0, "max": 2**64 - 1, "control_after_generate": True}),
                "steps": ("INT", {"default": 20}),
                "cfg": ("FLOAT", {"default": 8.0}),
                "scheduler": (list(cls.schedulers), {}),
                "positive": ("CONDITIONING",),
                "negative": ("CONDITIONING",),
                "latent_image": ("LATENT",),
                "denoise": ("FLOAT", {"default": 1.0}),
            }
        }

    def sample(
        self,
        model: Any,
        seed: int,
        steps: int,
        cfg: float,
        scheduler: str,
        positive: Any,
        negative: Any,
        latent_image: dict[str, Any],
        denoise: float = 1.0,
    ) -> tuple[dict[str, Any]]:
        generator = torch.Generator().manual_seed(seed % 2**63)
        noise = torch.randn(latent_image["samples"].shape, generator=generator)
        sigmas = torch.linspace(10.0, 0.0, steps + 1)
        if not isinstance(model, Model):
            return ({**latent_image, "samples": noise},)
        return ({**latent_image, "samples": integrate(model, noise, EULER, sigmas, seed)},)


class NodeOutput:
    """What V3 functions return."""

    def __init__(self, *args: Any, ui: Any = None) -> None:
        self.args, self.ui, self.expand, self.block_execution = args, ui, None, None

    @property
    def result(self) -> Any:
        return self.args or None


class ComfyNode:
    """The V3 interface: class methods only, optional ones with defaults that raise."""

    FUNCTION = "EXECUTE_NORMALIZED"
    RETURN_TYPES: list[str] = []  # noqa: RUF012

    @classmethod
    def define_schema(cls) -> Any:
        raise NotImplementedError

    @classmethod
    def GET_SCHEMA(cls) -> Any:
        return cls.define_schema()

    @classmethod
    def GET_BASE_CLASS(cls) -> type:
        return ComfyNode

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return cls.define_schema()

    @classmethod
    def validate_inputs(cls, **inputs: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def fingerprint_inputs(cls, **inputs: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def check_lazy_status(cls, **inputs: Any) -> Any:
        return []

    @classmethod
    def EXECUTE_NORMALIZED(cls, **inputs: Any) -> NodeOutput:
        return cls.execute(**inputs)

    @classmethod
    async def EXECUTE_NORMALIZED_ASYNC(cls, **inputs: Any) -> NodeOutput:
        return await cls.execute(**inputs)


class SamplerCustomAdvanced(ComfyNode):
    """V3, samples through a guider."""

    RETURN_TYPES = ["LATENT", "LATENT"]  # noqa: RUF012
    RETURN_NAMES = ["output", "denoised_output"]  # noqa: RUF012

    @classmethod
    def define_schema(cls) -> Any:
        inputs = {"noise": "NOISE", "guider": "GUIDER", "sampler": "SAMPLER", "sigmas": "SIGMAS"}
        return {"required": {**{k: (v, {}) for k, v in inputs.items()}, "latent_image": ("LATENT", {})}}

    @classmethod
    def execute(cls, noise: Any, guider: Any, sampler: Any, sigmas: Any, latent_image: Any) -> NodeOutput:
        start = torch.full_like(latent_image["samples"], float(noise.seed))
        samples = integrate(guider.model_patcher, start, sampler, sigmas, noise.seed)
        return NodeOutput({"samples": samples}, {"samples": samples * 0.5})


class CLIPTextEncode:
    """V1."""

    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "encode"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"text": ("STRING", {"multiline": True}), "clip": ("CLIP", {})}}

    def encode(self, clip: Any, text: str) -> Any:
        return ([[clip(text), {"pooled_output": clip(text)[0], "guidance": 3.5}]],)


class CLIPTextEncodeFlux(ComfyNode):
    """V3, two texts and a number, an own check of its inputs."""

    RETURN_TYPES = ["CONDITIONING"]  # noqa: RUF012

    @classmethod
    def define_schema(cls) -> Any:
        kinds = {"clip": "CLIP", "clip_l": "STRING", "t5xxl": "STRING", "guidance": "FLOAT"}
        return {"required": {name: (kind, {}) for name, kind in kinds.items()}}

    @classmethod
    def validate_inputs(cls, guidance: float) -> Any:
        return True if guidance >= 0 else "guidance is negative"

    @classmethod
    def execute(cls, clip: Any, clip_l: str, t5xxl: str, guidance: float) -> NodeOutput:
        return NodeOutput([[clip(clip_l + t5xxl), {"guidance": guidance}]])


class TextEncodeLater(CLIPTextEncodeFlux):
    """V3, asynchronous."""

    FUNCTION = "EXECUTE_NORMALIZED_ASYNC"

    @classmethod
    async def execute(cls, clip: Any, clip_l: str, t5xxl: str, guidance: float) -> NodeOutput:
        return NodeOutput([[clip(t5xxl), {"guidance": guidance}]])


class LazyEncoder(CLIPTextEncode):
    """Needs what a plain wrapper does not carry."""

    def check_lazy_status(self, **inputs: Any) -> Any:
        return []


class Broken:
    """A class that cannot be asked about itself."""

    RETURN_TYPES = ("CONDITIONING",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        raise RuntimeError("no models folder")


class LoadImage:
    """V1 loader with change detection and validation."""

    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "load_image"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"image": (["a.png"], {"image_upload": True})}}

    def load_image(self, image: str) -> Any:
        return (f"pixels of {image}", f"mask of {image}")

    @classmethod
    def IS_CHANGED(cls, image: str) -> str:
        return f"digest of {image}"

    @classmethod
    def VALIDATE_INPUTS(cls, image: str) -> Any:
        return True if "gone" not in image else f"Invalid image file: {image}"


STOCK: dict[str, type] = {
    "KSampler": KSampler,
    "SamplerCustomAdvanced": SamplerCustomAdvanced,
    "CLIPTextEncode": CLIPTextEncode,
    "CLIPTextEncodeFlux": CLIPTextEncodeFlux,
    "TextEncodeLater": TextEncodeLater,
    "LazyEncoder": LazyEncoder,
    "LoadImage": LoadImage,
}


def clip(text: str) -> torch.Tensor:
    """A text encoder: one row per word."""
    words = [[float(ord(letter)) for letter in f"{word:8.8}"] for word in text.split() or [""]]
    return torch.tensor(words)
