"""From conditioning to a sampled latent: classifier-free guidance around the painter, and the sampling loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch.nn import functional

from . import samplers
from .host import cli_args, progress, wrappers
from .painter import BLOCK, CHANNELS, Model

# The painter follows its prompt closely already; at full strength the usual cfg of 8 would tear the picture apart.
_GUIDANCE = 0.15
Callback = Callable[[int, torch.Tensor, torch.Tensor, int], None]


@dataclass(frozen=True)
class Sampler:
    """A SAMPLER: the integrator's name."""

    name: str

    def sample(
        self, model: samplers.Model, x: torch.Tensor, sigmas: torch.Tensor, step: samplers.Step, seed: int | None
    ) -> torch.Tensor:
        """Integrate from the first sigma to the last."""
        return samplers.SAMPLERS[self.name](model, x, sigmas, step, seed)


class CFGGuider:
    """A GUIDER with the attributes packs rely on: `model_patcher`, `model_options`, `original_conds`, `cfg`."""

    def __init__(self, model_patcher: Model) -> None:
        self.model_patcher = model_patcher
        self.model_options = model_patcher.model_options
        self.original_conds: dict[str, Any] = {}
        self.cfg = 1.0

    def set_conds(self, positive: Any, negative: Any) -> None:
        """Both conditionings, as nodes pass them."""
        self.original_conds = {"positive": positive, "negative": negative}

    def set_cfg(self, cfg: float) -> None:
        """How far beyond the positive prompt to go; 1 ignores the negative one."""
        self.cfg = cfg

    def predict_noise(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """The guided, denoised latent (the name is ComfyUI's)."""
        positive = self._expected(x, float(sigma), self.original_conds.get("positive"))
        negative = self.original_conds.get("negative")
        if negative is None or abs(self.cfg - 1.0) < 1e-9:
            return positive
        other = self._expected(x, float(sigma), negative, loose=True)
        return positive + (positive - other) * (self.cfg - 1.0) * _GUIDANCE

    def _expected(self, x: torch.Tensor, sigma: float, conditioning: Any, loose: bool = False) -> torch.Tensor:
        painter = self.model_patcher.model
        # Combined conditionings each have their say.
        guesses = [painter.denoise(x, sigma, rows.cpu(), loose) for rows, _ in conditioning]
        return torch.stack(guesses).mean(dim=0)

    def sample(
        self,
        noise: torch.Tensor,
        latent_image: torch.Tensor,
        sampler: Sampler,
        sigmas: torch.Tensor,
        denoise_mask: torch.Tensor | None = None,
        callback: Callback | None = None,
        disable_pbar: bool = False,
        seed: int | None = None,
    ) -> torch.Tensor:
        """Sample; an empty sigma list returns `latent_image` as it is."""
        if sigmas.shape[-1] == 0:
            return latent_image
        before = self.model_options
        self.model_options = wrappers.copy_nested(before)
        for wrapper in self.model_patcher.get_all_wrappers(wrappers.WrappersMP.OUTER_SAMPLE):
            wrappers.add_wrapper(wrappers.WrappersMP.OUTER_SAMPLE, wrapper, self.model_options, is_model_options=True)
        found = wrappers.get_all_wrappers(wrappers.WrappersMP.OUTER_SAMPLE, self.model_options, is_model_options=True)
        executor = wrappers.WrapperExecutor.new_class_executor(self.outer_sample, self, found)
        try:
            return executor.execute(
                noise,
                latent_image,
                sampler,
                sigmas,
                denoise_mask,
                callback,
                disable_pbar,
                seed,
                latent_shapes=[noise.shape],
            )
        finally:
            self.model_options = before

    def outer_sample(
        self,
        noise: torch.Tensor,
        latent_image: torch.Tensor,
        sampler: Sampler,
        sigmas: torch.Tensor,
        denoise_mask: torch.Tensor | None = None,
        callback: Callback | None = None,
        disable_pbar: bool = False,
        seed: int | None = None,
        latent_shapes: Any = None,
    ) -> torch.Tensor:
        """The stage that wrappers surround. Where the mask is 0 the start picture stays."""
        noise, latent_image, sigmas = noise.float(), latent_image.float(), sigmas.float()
        mask = None
        if denoise_mask is not None:
            shaped = denoise_mask.reshape(-1, 1, *denoise_mask.shape[-2:]).float()
            mask = functional.interpolate(shaped, size=noise.shape[-2:], mode="bilinear")

        def model(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
            if mask is None:
                return self.predict_noise(x, sigma)
            x = x * mask + (latent_image + noise * sigma) * (1 - mask)
            return self.predict_noise(x, sigma) * mask + latent_image * (1 - mask)

        total = len(sigmas) - 1

        def step(index: int, x: torch.Tensor, denoised: torch.Tensor) -> None:
            if callback is not None:
                callback(index, denoised, x, total)

        result = sampler.sample(model, latent_image + noise * sigmas[0], sigmas, step, seed)
        return result if mask is None else result * mask + latent_image * (1 - mask)


class BasicGuider(CFGGuider):
    """A guider without a negative prompt."""

    def set_conds(self, positive: Any, negative: Any = None) -> None:
        """The one conditioning."""
        self.original_conds = {"positive": positive}


def fit_empty_latent(latent: torch.Tensor) -> torch.Tensor:
    """An all-zero latent gets the painter's channels; any other latent must have them already."""
    if latent.shape[1] == CHANNELS:
        return latent
    if torch.count_nonzero(latent) > 0:
        raise RuntimeError(f"This model's latents have {CHANNELS} channels, not {latent.shape[1]}.")
    return latent.new_zeros(latent.shape[0], CHANNELS, *latent.shape[2:])


def noise_for(latent: torch.Tensor, seed: int) -> torch.Tensor:
    """The noise of a seed; seeds reach 2**64 - 1."""
    return torch.randn(latent.shape, generator=torch.manual_seed(seed), dtype=torch.float32)


def preview_of(latent: torch.Tensor) -> Image.Image:
    """A small picture of a latent: the mean colour of each block."""
    blocks = latent[0].float().view(3, BLOCK * BLOCK, *latent.shape[-2:]).mean(dim=1)
    return Image.fromarray(((blocks.movedim(0, -1) + 1) * 127.5).clamp(0, 255).to(torch.uint8).numpy())


def prepare_callback(model: Model, steps: int, x0_output: dict[str, torch.Tensor] | None = None) -> Callback:
    """A callback that moves the progress bar, sends previews, and keeps the latest denoised latent in `x0_output`."""
    bar = progress.ProgressBar(steps)

    def callback(step: int, x0: torch.Tensor, x: torch.Tensor, total: int) -> None:
        if x0_output is not None:
            x0_output["x0"] = x0
        wanted = cli_args.args.preview_method != "none"
        bar.update_absolute(step + 1, total, ("JPEG", preview_of(x0), cli_args.args.preview_size) if wanted else None)

    return callback
