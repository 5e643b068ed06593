"""Samplers, guiders, noise and schedules."""

from __future__ import annotations

from typing import Any

import torch

from .. import guidance, samplers
from ..host.v3 import ComfyNode, NodeOutput, Schema, io

_SEED_MAX = 0xFFFFFFFFFFFFFFFF
_SAMPLERS = list(samplers.SAMPLERS)
_SCHEDULERS = list(samplers.SCHEDULERS)
_CFG = {"default": 8.0, "min": 0.0, "max": 100.0, "step": 0.1, "round": 0.01}


def _sample_latent(
    model: Any,
    seed: int,
    cfg: float,
    sampler_name: str,
    sigmas: torch.Tensor,
    positive: Any,
    negative: Any,
    latent: dict[str, Any],
    add_noise: bool = True,
) -> dict[str, Any]:
    start = guidance.fit_empty_latent(latent["samples"])
    noise = guidance.noise_for(start, seed) if add_noise else torch.zeros_like(start)
    guider = guidance.CFGGuider(model)
    guider.set_conds(positive, negative)
    guider.set_cfg(cfg)
    callback = guidance.prepare_callback(model, max(len(sigmas) - 1, 1))
    sampler = guidance.Sampler(sampler_name)
    done = guider.sample(noise, start, sampler, sigmas, latent.get("noise_mask"), callback, seed=seed)
    return _with_samples(latent, done)


def _with_samples(latent: dict[str, Any], samples: torch.Tensor) -> dict[str, Any]:
    kept = {key: value for key, value in latent.items() if key != "downscale_ratio_spacial"}
    return {**kept, "samples": samples}


class KSampler:
    """Everything in one node."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        seed = {"default": 0, "min": 0, "max": _SEED_MAX, "control_after_generate": True}
        return {
            "required": {
                "model": ("MODEL", {"tooltip": "The model used for denoising the input latent."}),
                "seed": ("INT", {**seed, "tooltip": "The random seed used for creating the noise."}),
                "steps": ("INT", {"default": 20, "min": 1, "max": 10000}),
                "cfg": ("FLOAT", dict(_CFG)),
                "sampler_name": (_SAMPLERS, {"tooltip": "The algorithm used when sampling."}),
                "scheduler": (_SCHEDULERS, {"tooltip": "How noise is gradually removed to form the image."}),
                "positive": ("CONDITIONING", {"tooltip": "What you want to include in the image."}),
                "negative": ("CONDITIONING", {"tooltip": "What you want to exclude from the image."}),
                "latent_image": ("LATENT", {"tooltip": "The latent image to denoise."}),
                "denoise": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.01}),
            }
        }

    RETURN_TYPES = ("LATENT",)
    OUTPUT_TOOLTIPS = ("The denoised latent.",)
    FUNCTION = "sample"
    CATEGORY = "sampling"
    DESCRIPTION = "Uses the provided model, positive and negative conditioning to denoise the latent image."

    def sample(
        self,
        model: Any,
        seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        positive: Any,
        negative: Any,
        latent_image: dict[str, Any],
        denoise: float = 1.0,
    ) -> tuple[Any]:
        sigmas = samplers.sigmas_for(scheduler, steps, denoise)
        return (_sample_latent(model, seed, cfg, sampler_name, sigmas, positive, negative, latent_image),)


class KSamplerAdvanced:
    """A stretch of the steps, with or without fresh noise."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        seed = {"default": 0, "min": 0, "max": _SEED_MAX, "control_after_generate": True}
        return {
            "required": {
                "model": ("MODEL",),
                "add_noise": (["enable", "disable"], {"advanced": True}),
                "noise_seed": ("INT", seed),
                "steps": ("INT", {"default": 20, "min": 1, "max": 10000}),
                "cfg": ("FLOAT", dict(_CFG)),
                "sampler_name": (_SAMPLERS,),
                "scheduler": (_SCHEDULERS,),
                "positive": ("CONDITIONING",),
                "negative": ("CONDITIONING",),
                "latent_image": ("LATENT",),
                "start_at_step": ("INT", {"default": 0, "min": 0, "max": 10000, "advanced": True}),
                "end_at_step": ("INT", {"default": 10000, "min": 0, "max": 10000, "advanced": True}),
                "return_with_leftover_noise": (["disable", "enable"], {"advanced": True}),
            }
        }

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "sample"
    CATEGORY = "sampling"

    def sample(
        self,
        model: Any,
        add_noise: str,
        noise_seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        positive: Any,
        negative: Any,
        latent_image: dict[str, Any],
        start_at_step: int,
        end_at_step: int,
        return_with_leftover_noise: str,
        denoise: float = 1.0,
    ) -> tuple[Any]:
        sigmas = samplers.sigmas_for(scheduler, steps, denoise)
        if end_at_step < len(sigmas) - 1:
            sigmas = sigmas[: end_at_step + 1].clone()
            if return_with_leftover_noise == "disable":
                sigmas[-1] = 0.0
        sigmas = sigmas[start_at_step:] if start_at_step < len(sigmas) - 1 else sigmas[:0]
        fresh = add_noise == "enable"
        return (_sample_latent(model, noise_seed, cfg, sampler_name, sigmas, positive, negative, latent_image, fresh),)


class RandomNoiseSource:
    """A NOISE: a seed and the noise it stands for."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def generate_noise(self, input_latent: dict[str, Any]) -> torch.Tensor:
        """Noise in the latent's shape."""
        return guidance.noise_for(input_latent["samples"], self.seed)


def _custom(
    guider: Any, noise: torch.Tensor, seed: int, sampler: Any, sigmas: torch.Tensor, latent: dict[str, Any]
) -> NodeOutput:
    seen: dict[str, torch.Tensor] = {}
    callback = guidance.prepare_callback(guider.model_patcher, max(sigmas.shape[-1] - 1, 1), seen)
    done = guider.sample(noise, latent["samples"], sampler, sigmas, latent.get("noise_mask"), callback, seed=seed)
    out = _with_samples(latent, done)
    return NodeOutput(out, _with_samples(latent, seen["x0"]) if "x0" in seen else out)


def _fitted(latent: dict[str, Any]) -> dict[str, Any]:
    return {**latent, "samples": guidance.fit_empty_latent(latent["samples"])}


class SamplerCustom(ComfyNode):
    """A sampler with its sigmas given."""

    @classmethod
    def define_schema(cls) -> Schema:
        return Schema(
            node_id="SamplerCustom",
            category="sampling/custom_sampling",
            inputs=[
                io.Model.Input("model"),
                io.Boolean.Input("add_noise", default=True, advanced=True),
                io.Int.Input("noise_seed", default=0, min=0, max=_SEED_MAX, control_after_generate=True),
                io.Float.Input("cfg", **_CFG),
                io.Conditioning.Input("positive"),
                io.Conditioning.Input("negative"),
                io.Sampler.Input("sampler"),
                io.Sigmas.Input("sigmas"),
                io.Latent.Input("latent_image"),
            ],
            outputs=[io.Latent.Output("output"), io.Latent.Output("denoised_output")],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        add_noise: bool,
        noise_seed: int,
        cfg: float,
        positive: Any,
        negative: Any,
        sampler: Any,
        sigmas: torch.Tensor,
        latent_image: dict[str, Any],
    ) -> NodeOutput:
        latent = _fitted(latent_image)
        noise = RandomNoiseSource(noise_seed).generate_noise(latent)
        guider = guidance.CFGGuider(model)
        guider.set_conds(positive, negative)
        guider.set_cfg(cfg)
        return _custom(guider, noise if add_noise else torch.zeros_like(noise), noise_seed, sampler, sigmas, latent)


class SamplerCustomAdvanced(ComfyNode):
    """A sampler with noise, guider and sigmas given."""

    @classmethod
    def define_schema(cls) -> Schema:
        return Schema(
            node_id="SamplerCustomAdvanced",
            category="sampling/custom_sampling",
            inputs=[
                io.Noise.Input("noise"),
                io.Guider.Input("guider"),
                io.Sampler.Input("sampler"),
                io.Sigmas.Input("sigmas"),
                io.Latent.Input("latent_image"),
            ],
            outputs=[io.Latent.Output("output"), io.Latent.Output("denoised_output")],
        )

    @classmethod
    def execute(
        cls, noise: Any, guider: Any, sampler: Any, sigmas: torch.Tensor, latent_image: dict[str, Any]
    ) -> NodeOutput:
        latent = _fitted(latent_image)
        return _custom(guider, noise.generate_noise(latent), noise.seed, sampler, sigmas, latent)


class BasicGuider(ComfyNode):
    """Guidance by one prompt."""

    @classmethod
    def define_schema(cls) -> Schema:
        return Schema(
            node_id="BasicGuider",
            category="sampling/custom_sampling/guiders",
            inputs=[io.Model.Input("model"), io.Conditioning.Input("conditioning")],
            outputs=[io.Guider.Output()],
        )

    @classmethod
    def execute(cls, model: Any, conditioning: Any) -> NodeOutput:
        guider = guidance.BasicGuider(model)
        guider.set_conds(conditioning)
        return NodeOutput(guider)


class CFGGuider(ComfyNode):
    """Guidance by a positive and a negative prompt."""

    @classmethod
    def define_schema(cls) -> Schema:
        return Schema(
            node_id="CFGGuider",
            category="sampling/custom_sampling/guiders",
            inputs=[
                io.Model.Input("model"),
                io.Conditioning.Input("positive"),
                io.Conditioning.Input("negative"),
                io.Float.Input("cfg", **_CFG),
            ],
            outputs=[io.Guider.Output()],
        )

    @classmethod
    def execute(cls, model: Any, positive: Any, negative: Any, cfg: float) -> NodeOutput:
        guider = guidance.CFGGuider(model)
        guider.set_conds(positive, negative)
        guider.set_cfg(cfg)
        return NodeOutput(guider)


class RandomNoise(ComfyNode):
    """Noise from a seed."""

    @classmethod
    def define_schema(cls) -> Schema:
        return Schema(
            node_id="RandomNoise",
            category="sampling/custom_sampling/noise",
            inputs=[io.Int.Input("noise_seed", default=0, min=0, max=_SEED_MAX, control_after_generate=True)],
            outputs=[io.Noise.Output()],
        )

    @classmethod
    def execute(cls, noise_seed: int) -> NodeOutput:
        return NodeOutput(RandomNoiseSource(noise_seed))


class BasicScheduler(ComfyNode):
    """A schedule's sigmas."""

    @classmethod
    def define_schema(cls) -> Schema:
        return Schema(
            node_id="BasicScheduler",
            category="sampling/custom_sampling/schedulers",
            inputs=[
                io.Model.Input("model"),
                io.Combo.Input("scheduler", options=_SCHEDULERS),
                io.Int.Input("steps", default=20, min=1, max=10000),
                io.Float.Input("denoise", default=1.0, min=0.0, max=1.0, step=0.01),
            ],
            outputs=[io.Sigmas.Output()],
        )

    @classmethod
    def execute(cls, model: Any, scheduler: str, steps: int, denoise: float) -> NodeOutput:
        return NodeOutput(samplers.sigmas_for(scheduler, steps, denoise))


class KSamplerSelect(ComfyNode):
    """A sampler by name."""

    @classmethod
    def define_schema(cls) -> Schema:
        return Schema(
            node_id="KSamplerSelect",
            category="sampling/custom_sampling/samplers",
            inputs=[io.Combo.Input("sampler_name", options=_SAMPLERS)],
            outputs=[io.Sampler.Output()],
        )

    @classmethod
    def execute(cls, sampler_name: str) -> NodeOutput:
        return NodeOutput(guidance.Sampler(sampler_name))


NODES: dict[str, type[Any]] = {
    "KSampler": KSampler,
    "KSamplerAdvanced": KSamplerAdvanced,
    "SamplerCustom": SamplerCustom,
    "SamplerCustomAdvanced": SamplerCustomAdvanced,
    "BasicGuider": BasicGuider,
    "CFGGuider": CFGGuider,
    "RandomNoise": RandomNoise,
    "BasicScheduler": BasicScheduler,
    "KSamplerSelect": KSamplerSelect,
}
PYTHON_MODULES = {name: "comfy_extras.nodes_custom_sampler" for name in NODES if not name.startswith("KSampler")}
PYTHON_MODULES["KSamplerSelect"] = "comfy_extras.nodes_custom_sampler"
DISPLAY_NAMES = {"KSamplerAdvanced": "KSampler (Advanced)"}
