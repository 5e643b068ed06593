"""Runs inside a real ComfyUI's Python: stock samplers beside their wrappers on a small network with random weights.

Usage: python wrappers_inside.py COMFYUI_FOLDER NODES_FOLDER [--cpu]. Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import statistics
import sys
import time
from pathlib import Path

COMFYUI, NODES = Path(sys.argv[1]), Path(sys.argv[2])
sys.argv = ["main.py", *sys.argv[3:]]
sys.path[0] = str(COMFYUI)
os.chdir(COMFYUI)

import comfy.options  # noqa: E402

comfy.options.enable_args_parsing()
import comfy.model_management  # noqa: E402
import comfy.model_patcher  # noqa: E402
import comfy.ops  # noqa: E402
import comfy.sample  # noqa: E402
import comfy.samplers  # noqa: E402
import comfy.supported_models  # noqa: E402
import torch  # noqa: E402

import nodes as comfyui_nodes  # noqa: E402


def load_ours():
    """Load `nodes/` under a name of its own, with nothing else of the pack: it needs nothing else."""
    spec = importlib.util.spec_from_file_location(
        "provenance_nodes", NODES / "__init__.py", submodule_search_locations=[str(NODES)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["provenance_nodes"] = module
    spec.loader.exec_module(module)
    return module


class Port:
    """Keeps what it is told."""

    def __init__(self, ours):
        self.ours = ours
        self.seen = []
        self.problems = []

    def context(self):
        return self.ours.Context("run", "1", None)

    def observe(self, context, class_type, values, tensors):
        self.seen.append((class_type, values, tensors))

    def problem(self, text):
        self.problems.append(text)

    def stock_nodes(self):
        names = comfyui_nodes.NODE_DISPLAY_NAME_MAPPINGS
        return {
            name: self.ours.StockNode(cls, names.get(name, name))
            for name, cls in comfyui_nodes.NODE_CLASS_MAPPINGS.items()
        }

    def recent_outputs(self, kind):
        return []

    def embeds_workflow(self):
        return True

    def receipt(self, context):
        return None


def small_model():
    """A UNet of Stable Diffusion 1.5's kind, a few thousand weights, through ComfyUI's own model classes."""
    unet = {
        "image_size": 32, "in_channels": 4, "out_channels": 4, "model_channels": 32, "num_res_blocks": [1, 1],
        "channel_mult": [1, 2], "transformer_depth": [1, 1], "transformer_depth_output": [1, 1, 1, 1],
        "transformer_depth_middle": 1, "num_heads": 2, "num_head_channels": -1, "use_spatial_transformer": True,
        "context_dim": 8, "legacy": False, "use_linear_in_transformer": False, "adm_in_channels": None,
        "use_temporal_attention": False, "use_temporal_resblock": False, "disable_self_attentions": None,
        "dtype": torch.float32,
    }  # fmt: skip
    config = comfy.supported_models.SD15(unet)
    config.set_inference_dtype(torch.float32, None)
    torch.manual_seed(1)
    model = config.get_model({}, "", device="cpu")
    for weights in model.diffusion_model.parameters():
        torch.nn.init.normal_(weights.data, std=0.05)
    device = comfy.model_management.get_torch_device()
    return comfy.model_patcher.ModelPatcher(model, load_device=device, offload_device=torch.device("cpu"))


def conditioning(seed):
    generator = torch.Generator().manual_seed(seed)
    return [[torch.randn(1, 4, 8, generator=generator), {"pooled_output": torch.randn(1, 8, generator=generator)}]]


def latent(masked):
    generator = torch.Generator().manual_seed(9)
    made = {"samples": torch.randn(2, 4, 8, 8, generator=generator)}
    return {**made, "noise_mask": (torch.arange(64.0).reshape(1, 8, 8) > 20).float()} if masked else made


def call(cls, **inputs):
    target = cls if hasattr(cls, "define_schema") else cls()
    result = getattr(target, cls.FUNCTION)(**inputs)
    return tuple(result.args if hasattr(result, "args") else result)


def sampling(port, ours):
    """Run each sampler node and its wrapper on the same inputs, several ways."""
    model = small_model()
    report = {}
    stock = comfyui_nodes.NODE_CLASS_MAPPINGS
    euler = comfy.samplers.sampler_object("euler_ancestral")
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "karras", 4)

    def guider():
        made = comfy.samplers.CFGGuider(model)
        made.set_conds(conditioning(1), conditioning(2))
        made.set_cfg(3.0)
        return made

    class Noise:
        seed = 11

        def generate_noise(self, given):
            return comfy.sample.prepare_noise(given["samples"], self.seed, None)

    common = {"positive": conditioning(1), "negative": conditioning(2), "cfg": 3.5}
    plain = {"steps": 4, "sampler_name": "dpmpp_2m_sde", "scheduler": "karras"}
    cases = {
        "KSampler": {"model": model, "seed": 2**64 - 1, "denoise": 0.7, **common, **plain},
        "KSamplerAdvanced": {
            "model": model, "noise_seed": 5, "add_noise": "enable", "start_at_step": 1, "end_at_step": 3,
            "return_with_leftover_noise": "enable", **common, **plain,
        },
        "SamplerCustom": {
            "model": model, "noise_seed": 7, "add_noise": True, "sampler": euler, "sigmas": sigmas, **common,
        },
        "SamplerCustomAdvanced": {"noise": Noise(), "guider": guider(), "sampler": euler, "sigmas": sigmas},
    }  # fmt: skip
    for name, inputs in cases.items():
        for masked in (False, True):
            port.seen.clear()
            expected = call(stock[name], **inputs, latent_image=latent(masked))
            observed = call(ours[f"Provenance{name}"], **inputs, latent_image=latent(masked))
            after = call(stock[name], **inputs, latent_image=latent(masked))
            ((class_type, values, tensors),) = port.seen
            json.dumps(values, allow_nan=False)
            report[f"{name}{' masked' if masked else ''}"] = {
                "class_type": class_type,
                "same": all(
                    torch.equal(a["samples"], b["samples"]) and torch.equal(a["samples"], c["samples"])
                    for a, b, c in zip(expected, observed, after, strict=True)
                ),
                "out_as_observed": torch.equal(tensors["latent_out.0.samples"], expected[0]["samples"]),
                "left_on_model": [key for group in model.wrappers.values() for key in group],
                "tensors": sorted(tensors),
                "values": values,
            }
    report["KSampler"]["sigmas"] = comfy.samplers.KSampler(
        model, 4, "cpu", "dpmpp_2m_sde", "karras", 0.7, model.model_options
    ).sigmas.tolist()
    report["SamplerCustom"]["sigmas"] = sigmas.tolist()
    return report


def overhead(port, ours):
    """Time of a wrapped call beside the bare one on an encoder that does nothing, in ms: ours alone, tensors small."""

    class Clip:
        def tokenize(self, text):
            return text

        def encode_from_tokens_scheduled(self, tokens):
            return [[torch.zeros(1, 1, 1), {}]]

    wrapper, clip = ours["ProvenanceCLIPTextEncode"](), Clip()
    times = []
    for _ in range(2000):
        begun = time.perf_counter_ns()
        wrapper.run(clip=clip, text="a cat")
        times.append((time.perf_counter_ns() - begun) / 1e6)
    port.seen.clear()
    return {"p50_ms": statistics.median(times), "p99_ms": statistics.quantiles(times, n=100)[98]}


def declared(ours):
    """What each class says about itself, stock beside wrapper."""
    told = {}
    for class_type, wrapper in ours.items():
        stock = comfyui_nodes.NODE_CLASS_MAPPINGS.get(class_type.removeprefix("Provenance"))
        if stock is None or not wrapper.CATEGORY.startswith("provenance/"):  # our other nodes wrap nothing
            continue
        told[class_type] = {
            "stock": [{k: list(v) for k, v in stock.INPUT_TYPES().items()}, list(stock.RETURN_TYPES)],
            "wrapper": [{k: list(v) for k, v in wrapper.INPUT_TYPES().items()}, list(wrapper.RETURN_TYPES)],
            "specs_equal": all(
                wrapper.INPUT_TYPES()[section][name] == spec
                for section, inputs in stock.INPUT_TYPES().items()
                for name, spec in inputs.items()
            ),
        }
    return told


def main():
    asyncio.run(comfyui_nodes.init_extra_nodes(init_custom_nodes=False, init_api_nodes=False))
    ours = load_ours()
    port = Port(ours)
    begun = time.perf_counter()
    classes, names = ours.build(port)
    built_ms = (time.perf_counter() - begun) * 1e3
    with torch.inference_mode():
        report = {
            "built_ms": built_ms,
            "names": names,
            "declared": declared(classes),
            "sampling": sampling(port, classes),
            "overhead": overhead(port, classes),
            "device": str(comfy.model_management.get_torch_device()),
            "problems": port.problems,
        }
    sys.stdout.write("\n@@" + json.dumps(report) + "\n")


main()
