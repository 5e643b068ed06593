"""Wrapped samplers: what was really sampled, from what, to what.

An observation of kind `sampling` has

    inputs        every scalar input as the stock node received it: seed, steps, cfg, sampler, scheduler, denoise, ...
    passes        one per run of a sampler over a list of sigmas (stock nodes make one): sigmas, seed, sampler, setup_ms
                  (loading the model), step_ms, steps_run, total_ms
    noise_seed    of a NOISE object, where the node takes one
    guider        class and scalar settings (cfg, ...) of a GUIDER, where the node takes one
    conditioning  the scalar members of each conditioning item, by input
    previews      pass, step and file of each preview that was asked for
    latent        the file the latent was saved to, when asked for

and the tensors `latent_in.samples`, `latent_in.noise_mask`, `positive.<item>.cond`, ..., `sigmas.<pass>` and
`latent_out.<output>.samples`. Previews go to ComfyUI's temp folder and the latent to its output folder; both are told
to the page as this node's ui, so that the record takes them for what they are: files that this run made.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .border import guarded
from .latents import write_latent
from .plain import scalar, scalars
from .port import Port, StockNode
from .previews import png
from .sampling import Listener, describe_sampler
from .wrapping import Call, can_wrap, wrap

STOCK = ("KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced")
CATEGORY = "provenance/sampling"


class Sampling(Call):
    """One call of a sampler node."""

    kind = "sampling"
    extras = {  # noqa: RUF012 - a ClassVar in the base
        "preview_every": (
            "INT",
            {
                "default": 0,
                "min": 0,
                "max": 10000,
                "tooltip": "Keep a small preview of every N-th step with the record. 0 keeps none.",
            },
        ),
        "save_latent": (
            "BOOLEAN",
            {
                "default": False,
                "tooltip": "Save the resulting latent to the output folder, so that work can go on from it.",
            },
        ),
    }

    def __init__(self, port: Port, class_type: str, inputs: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        super().__init__(port, class_type, inputs, options)
        self.listener = Listener(port, class_type, int(options.get("preview_every") or 0))

    def begin(self) -> None:
        self.copies.latent("latent_in", self.inputs.get("latent_image"))
        conditioning = {
            name: self.copies.conditioning(name, self.inputs[name])
            for name in ("positive", "negative")
            if name in self.inputs
        }
        noise, guider, sampler = (self.inputs.get(name) for name in ("noise", "guider", "sampler"))
        if noise is not None:
            self.values["noise_seed"] = scalar(getattr(noise, "seed", None))
            self.values["noise_class"] = type(noise).__name__
        if guider is not None:
            settings = scalars(vars(guider)) if hasattr(guider, "__dict__") else {}
            self.values["guider"] = {"class": type(guider).__name__, **settings}
            originals = getattr(guider, "original_conds", None)
            if isinstance(originals, Mapping):
                conditioning |= {str(name): self.copies.conditioning(str(name), c) for name, c in originals.items()}
        if sampler is not None:
            self.values |= describe_sampler(sampler)
        self.values["conditioning"] = conditioning

    def attach(self) -> None:
        model = self.inputs.get("model")
        self.listener.attach(model if model is not None else getattr(self.inputs.get("guider"), "model_patcher", None))

    def detach(self) -> None:
        self.listener.detach()

    def end(self, outputs: tuple[Any, ...]) -> Mapping[str, Any]:
        self.values["passes"] = self.listener.passes
        if self.context is not None:
            for index, sigmas in enumerate(self.listener.sigmas):
                self.copies.add(f"sigmas.{index}", sigmas)
            for index, output in enumerate(outputs):
                self.copies.latent(f"latent_out.{index}", output)
        ui: dict[str, Any] = {}
        if outputs and self.listener.previews:
            with guarded(self.port, f"{self.class_type} could not keep its previews"):
                ui["images"] = self._save_previews()
        if outputs and self.options.get("save_latent"):
            with guarded(self.port, f"{self.class_type} could not save its latent"):
                ui["latents"] = [self._save_latent(outputs[0])]
        return ui

    def _save_previews(self) -> list[dict[str, str]]:
        height, width = self.listener.previews[0][2].shape[:2]
        path = self.port.save_path("provenance/previews/step", width, height, "temp")
        files, noted = [], []
        for counter, (ordinal, step, rgb) in enumerate(self.listener.previews, path.counter):
            name = f"{path.filename}_{counter:05}_.png"
            (Path(path.folder) / name).write_bytes(png(rgb))
            files.append({"filename": name, "subfolder": path.subfolder, "type": "temp"})
            noted.append({"pass": ordinal, "step": step, "file": name})
        self.values["previews"] = noted
        return files

    def _save_latent(self, latent: Mapping[str, Any]) -> dict[str, str]:
        path = self.port.save_path("provenance/latents/latent", 0, 0, "output")
        name = f"{path.filename}_{path.counter:05}_.safetensors"
        receipt = self.port.receipt(self.context) if self.context is not None else None
        write_latent(Path(path.folder) / name, latent, receipt)
        file = {"filename": name, "subfolder": path.subfolder, "type": "output"}
        self.values["latent"] = file
        return file


def wrapper(port: Port, stock_id: str, node: StockNode) -> type | None:
    """Wrap a stock class if it is one of the core samplers."""
    return wrap(port, stock_id, node, Sampling, CATEGORY) if stock_id in STOCK and can_wrap(node.cls) else None
