"""Noise schedules and integrators, as textbooks give them (Karras et al. 2022; Lu et al. 2022).

A model is a function `(x, sigma) -> denoised`, with x = picture + sigma * noise. Sigmas fall to 0; a list without a
final 0 leaves the result with that much noise. `step(i, x, denoised)` is called after each model call that counts as a
step, and may raise to stop.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

Model = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Step = Callable[[int, torch.Tensor, torch.Tensor], None]
SIGMA_MIN, SIGMA_MAX = 0.0291675, 14.614642


def karras(steps: int) -> torch.Tensor:
    """Spacing by the seventh root: small steps where the picture is decided."""
    ramp = torch.linspace(0, 1, steps)
    low, high = SIGMA_MIN ** (1 / 7), SIGMA_MAX ** (1 / 7)
    return _end((high + ramp * (low - high)) ** 7)


def exponential(steps: int) -> torch.Tensor:
    """Equal ratios."""
    return _end(torch.linspace(math.log(SIGMA_MAX), math.log(SIGMA_MIN), steps).exp())


def simple(steps: int) -> torch.Tensor:
    """Every n-th of the thousand training levels, the noisiest first."""
    table = training_sigmas()
    return _end(torch.stack([table[-1 - int(i * len(table) / steps)] for i in range(steps)]))


def normal(steps: int) -> torch.Tensor:
    """Evenly spaced over the training levels, both ends included."""
    table = training_sigmas()
    positions = torch.linspace(len(table) - 1, 0, steps)
    low, high = positions.floor().long(), positions.ceil().long()
    part = positions - low
    return _end(((1 - part) * table[low].log() + part * table[high].log()).exp())


def training_sigmas() -> torch.Tensor:
    """The noise levels of the usual scaled-linear schedule with a thousand steps, rising."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    kept = torch.cumprod(1 - betas, dim=0)
    return ((1 - kept) / kept).sqrt().float()


def _end(sigmas: torch.Tensor) -> torch.Tensor:
    return torch.cat((sigmas, sigmas.new_zeros(1)))


def euler(model: Model, x: torch.Tensor, sigmas: torch.Tensor, step: Step, seed: int | None) -> torch.Tensor:
    """First order, deterministic."""
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        step(i, x, denoised)
        x = x + (x - denoised) / sigmas[i] * (sigmas[i + 1] - sigmas[i])
    return x


def euler_ancestral(model: Model, x: torch.Tensor, sigmas: torch.Tensor, step: Step, seed: int | None) -> torch.Tensor:
    """First order with fresh noise after each step, drawn from the seed."""
    generator = torch.Generator().manual_seed(((seed or 0) + 1) % 2**64)
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        step(i, x, denoised)
        now, then = sigmas[i], sigmas[i + 1]
        up = torch.minimum(then, (then**2 * (now**2 - then**2) / now**2).clamp(min=0).sqrt())
        down = (then**2 - up**2).clamp(min=0).sqrt()
        x = x + (x - denoised) / now * (down - now)
        if then > 0:
            x = x + up * torch.randn(x.shape, generator=generator)
    return x


def heun(model: Model, x: torch.Tensor, sigmas: torch.Tensor, step: Step, seed: int | None) -> torch.Tensor:
    """Second order: the slope is averaged over the step."""
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        step(i, x, denoised)
        slope = (x - denoised) / sigmas[i]
        width = sigmas[i + 1] - sigmas[i]
        guess = x + slope * width
        if sigmas[i + 1] > 0:
            slope = (slope + (guess - model(guess, sigmas[i + 1])) / sigmas[i + 1]) / 2
        x = x + slope * width
    return x


def dpmpp_2m(model: Model, x: torch.Tensor, sigmas: torch.Tensor, step: Step, seed: int | None) -> torch.Tensor:
    """DPM-Solver++(2M): second order from the previous step's prediction, one model call per step."""
    before: torch.Tensor | None = None
    width_before = torch.zeros(())
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        step(i, x, denoised)
        if sigmas[i + 1] <= 0:
            return denoised
        width = (sigmas[i] / sigmas[i + 1]).log()
        best = denoised
        if before is not None:
            share = width / (2 * width_before)
            best = (1 + share) * denoised - share * before
        x = sigmas[i + 1] / sigmas[i] * x - torch.expm1(-width) * best
        before, width_before = denoised, width
    return x


SAMPLERS: dict[str, Callable[..., torch.Tensor]] = {
    "euler": euler,
    "euler_ancestral": euler_ancestral,
    "heun": heun,
    "dpmpp_2m": dpmpp_2m,
}
SCHEDULERS: dict[str, Callable[[int], torch.Tensor]] = {
    "simple": simple,
    "karras": karras,
    "exponential": exponential,
    "normal": normal,
}


def sigmas_for(scheduler: str, steps: int, denoise: float = 1.0) -> torch.Tensor:
    """`steps` steps of a schedule; with `denoise` below 1 only the last part of a longer one, with 0 none at all."""
    if denoise <= 0.0:
        return torch.zeros(0)
    if denoise > 0.9999:
        return SCHEDULERS[scheduler](steps)
    return SCHEDULERS[scheduler](int(steps / denoise))[-(steps + 1) :]
