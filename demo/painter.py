"""The demo's model: a closed-form denoiser over drawn pictures.

The pictures a prompt stands for are taken as a mixture of Gaussians: one component per composition, around the drawn
picture, with a smooth (stationary) covariance, and a broad one for pictures in general. For such a mixture the best
possible denoiser is known in closed form: a Wiener filter towards each component, weighted by how likely the component
is. So nothing is trained, and yet sampling is real: noise decides the composition and the colour drift, guidance
sharpens, a negative prompt pushes away, and a start from another picture keeps what the noise did not reach.

A latent is the picture in -1..1 with each 8 x 8 block folded into channels (192, height / 8, width / 8), which loses
nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from torch.nn import functional

from .drawing import DEFAULT_PALETTE, VARIANTS, draw
from .host import wrappers
from .words import CONCEPTS, WIDTH, Scene, embed, tokenize

BLOCK = 8
CHANNELS = 3 * BLOCK * BLOCK
_DRAWN: dict[tuple[Any, ...], tuple[torch.Tensor, torch.Tensor]] = {}
_DRAWN_LIMIT = 64


def fold(pictures: torch.Tensor) -> torch.Tensor:
    """(batch, height, width, 3) in 0..1 to latents; sides are cut to multiples of 8."""
    height, width = (side // BLOCK * BLOCK for side in pictures.shape[1:3])
    channels_first = pictures[:, :height, :width, :3].movedim(-1, 1).float() * 2 - 1
    return functional.pixel_unshuffle(channels_first, BLOCK)


def unfold(latents: torch.Tensor) -> torch.Tensor:
    """Latents to (batch, height, width, 3) in 0..1."""
    return ((functional.pixel_shuffle(latents.float(), BLOCK).movedim(1, -1) + 1) / 2).clamp(0, 1).contiguous()


class LatentFormat:
    """What other nodes may ask about the latents."""

    latent_channels = CHANNELS
    latent_dimensions = 2
    spacial_downscale_ratio = BLOCK
    scale_factor = 1.0


class ModelSampling:
    """The range of noise levels."""

    def __init__(self) -> None:
        from .samplers import training_sigmas

        self.sigmas = training_sigmas()
        self.sigma_min, self.sigma_max = self.sigmas[0], self.sigmas[-1]


class Painter:
    """The weights: a palette and how far pictures of one prompt may differ."""

    def __init__(self, palette: torch.Tensor, spread: float) -> None:
        self.palette = palette
        self.spread = spread
        self.latent_format = LatentFormat()
        self.model_sampling = ModelSampling()

    def process_latent_in(self, latent: torch.Tensor) -> torch.Tensor:
        """Latents are what the model works on."""
        return latent

    def process_latent_out(self, latent: torch.Tensor) -> torch.Tensor:
        """Latents are what the model works on."""
        return latent

    def denoise(self, x: torch.Tensor, sigma: float, rows: torch.Tensor, loose: bool = False) -> torch.Tensor:
        """The expected picture behind `x` at noise level `sigma`, for a conditioning tensor (1, words, WIDTH).

        `loose` takes every picture near the prompt's for possible: what a negative prompt is asked.
        """
        scene = Scene(rows)
        height, width = x.shape[-2] * BLOCK, x.shape[-1] * BLOCK
        noisy = torch.fft.rfft2(functional.pixel_shuffle(x, BLOCK), norm="ortho")
        target, energy = self._targets(scene, height, width)
        narrow, broad = _spectra(height, width, self.spread)
        if scene.empty or loose:
            mean, keep = target[:1], broad / (broad + sigma**2)
        else:
            trust = 1.0 / (narrow + sigma**2)
            # log-likelihood of each composition up to what all share: |x|^2 drops out, so two dot products are enough
            likeness = torch.view_as_real(noisy * trust).flatten(1) @ torch.view_as_real(target).flatten(1).T
            weights = torch.softmax(2 * likeness - (energy * trust).sum(dim=(1, 2)), dim=1)
            mean = torch.einsum("bv,vchw->bchw", weights.to(target.dtype), target)
            faithful = _faithful(noisy - mean, narrow, broad, sigma)
            keep = faithful * narrow * trust + (1 - faithful) * broad / (broad + sigma**2)
        best = torch.fft.irfft2(mean + keep * (noisy - mean), s=(height, width), norm="ortho")
        return functional.pixel_unshuffle(best, BLOCK)

    def _targets(self, scene: Scene, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Spectra of the scene's pictures (variants, 3, height, width // 2 + 1), and their energy per frequency."""
        key = (scene.key(), self.palette.numpy().tobytes(), height, width)
        if key not in _DRAWN:
            if len(_DRAWN) >= _DRAWN_LIMIT:
                _DRAWN.pop(next(iter(_DRAWN)))
            variants = 1 if scene.empty else VARIANTS
            pictures = [draw(scene, height, width, v, self.palette) * 2 - 1 for v in range(variants)]
            spectra = torch.fft.rfft2(torch.stack(pictures), norm="ortho")
            _DRAWN[key] = (spectra, torch.view_as_real(spectra).square().sum(dim=(1, -1)))
        return _DRAWN[key]


@lru_cache(maxsize=16)
def _spectra(height: int, width: int, spread: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Variance per frequency (height, width // 2 + 1) of pictures of one prompt, and of pictures in general.

    The first is mostly slow drifts of colour; the second falls with the square of the frequency, as in photographs.
    """
    fy = torch.fft.fftfreq(height) * height
    fx = torch.fft.rfftfreq(width) * width
    squared = fy.view(-1, 1) ** 2 + fx**2
    area = height * width
    return spread**2 * area / 60.0 / (1.0 + squared / 4.0) ** 2.5 + 2e-4, area / 700.0 / (1.0 + squared)


def _faithful(apart: torch.Tensor, narrow: torch.Tensor, broad: torch.Tensor, sigma: float) -> torch.Tensor:
    """How much (0..1, per picture) `x` looks like the prompt's picture rather than like some other picture.

    The ratio of the two likelihoods, tempered: untempered it would jump from 0 to 1 in an image-to-image run, as
    millions of pixels agree. The bias lets a run from pure noise follow its prompt from the start.
    """
    near, far = narrow + sigma**2, broad + sigma**2
    misfit = torch.view_as_real(apart).square().sum(dim=(1, -1))
    evidence = (misfit * (1 / far - 1 / near)).sum(dim=(1, 2)) + 3 * (far / near).log().sum()
    pixels = apart.shape[-2] * (apart.shape[-1] - 1) * 2
    return torch.sigmoid(evidence * 32.0 / (3 * pixels) + 1.5).view(-1, 1, 1, 1)


class Model:
    """A MODEL: the painter, and what nodes hang on it."""

    def __init__(self, painter: Painter) -> None:
        self.model = painter
        self.model_options: dict[str, Any] = {"transformer_options": {}}
        self.wrappers: dict[str, dict[str | None, list[Callable[..., Any]]]] = {}
        self.load_device = self.offload_device = torch.device("cpu")

    def clone(self) -> Model:
        """A copy that shares the painter; options and wrappers can be changed without touching this one."""
        other = Model(self.model)
        other.model_options = wrappers.copy_nested(self.model_options)
        other.wrappers = {kind: {k: list(w) for k, w in keyed.items()} for kind, keyed in self.wrappers.items()}
        return other

    def model_dtype(self) -> torch.dtype:
        """The dtype of the computation."""
        return torch.float32

    def model_size(self) -> int:
        """Bytes of weights."""
        return self.model.palette.numel() * 4

    def get_model_object(self, name: str) -> Any:
        """`latent_format` or `model_sampling`."""
        return getattr(self.model, name)

    def add_wrapper(self, wrapper_type: str, wrapper: Callable[..., Any]) -> None:
        """Add a wrapper without a key."""
        self.add_wrapper_with_key(wrapper_type, None, wrapper)

    def add_wrapper_with_key(self, wrapper_type: str, key: str | None, wrapper: Callable[..., Any]) -> None:
        """Have `wrapper(executor, *args)` called around a stage of sampling; here the stage is `outer_sample`."""
        self.wrappers.setdefault(wrapper_type, {}).setdefault(key, []).append(wrapper)

    def remove_wrappers_with_key(self, wrapper_type: str, key: str | None) -> None:
        """Take a key's wrappers away again."""
        self.wrappers.get(wrapper_type, {}).pop(key, None)

    def get_all_wrappers(self, wrapper_type: str) -> list[Callable[..., Any]]:
        """A stage's wrappers, outermost first."""
        return [wrapper for keyed in self.wrappers.get(wrapper_type, {}).values() for wrapper in keyed]

    def paint_over(self, delta: torch.Tensor, strength: float) -> Model:
        """A copy whose palette is shifted: what a LoRA does."""
        other = self.clone()
        other.model = Painter((self.model.palette + strength * delta).clamp(0, 1), self.model.spread)
        return other


@dataclass
class Clip:
    """A CLIP: reads words, and may lean towards some of them."""

    lean: torch.Tensor = field(default_factory=lambda: torch.zeros(WIDTH))

    def clone(self) -> Clip:
        """An independent copy."""
        return copy.deepcopy(self)

    def tokenize(self, text: str) -> dict[str, list[tuple[str, float]]]:
        """The words under every encoder name that the stock encoder nodes look for."""
        words = tokenize(text)
        return {name: list(words) for name in ("l", "g", "t5xxl")}

    def encode_from_tokens_scheduled(
        self, tokens: dict[str, list[tuple[str, float]]], add_dict: dict[str, Any] | None = None
    ) -> list[list[Any]]:
        """CONDITIONING: `[[rows (1, words, WIDTH), {"pooled_output": (1, WIDTH), ...}]]`."""
        words = list(tokens["l"])
        words += [word for word in tokens.get("g", tokens.get("t5xxl", [])) if word not in words]
        words += [word for word in tokens.get("t5xxl", []) if word not in words]
        rows = embed(words)
        if words:
            rows[:, 0] += self.lean
        return [[rows, {"pooled_output": rows.mean(dim=1), **(add_dict or {})}]]

    def learn(self, lean: torch.Tensor, strength: float) -> Clip:
        """A copy that leans further: what a LoRA does."""
        return Clip(self.lean + strength * lean)


class Vae:
    """A VAE: folds and unfolds, and tones the picture by the file it was loaded from."""

    def __init__(self, tone: torch.Tensor) -> None:
        self.tone = tone

    def spacial_compression_encode(self) -> int:
        """Pixels per latent cell."""
        return BLOCK

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pictures (batch, height, width, 3) to latents."""
        return fold((pixels[..., :3] / self.tone).clamp(0, 1))

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents to pictures (batch, height, width, 3)."""
        return (unfold(latents) * self.tone).clamp(0, 1)


def load_painter(state: dict[str, torch.Tensor]) -> Model:
    """A MODEL from a demo checkpoint or diffusion model. ValueError when the file is something else."""
    palette = state.get("painter.palette")
    if palette is None or palette.shape != (len(DEFAULT_PALETTE), 3):
        raise ValueError("Could not detect model type: the embedded host only knows the demo's own painter files.")
    return Model(Painter(palette.float(), float(state["painter.spread"])))


def load_clip(state: dict[str, torch.Tensor]) -> Clip:
    """A CLIP from a demo file. ValueError when the file is something else."""
    lean = state.get("text.lean")
    if lean is None or lean.shape != (WIDTH,):
        raise ValueError("clip input is invalid: the embedded host only knows the demo's own text encoder files.")
    return Clip(lean.float())


def load_vae(state: dict[str, torch.Tensor]) -> Vae:
    """A VAE from a demo file. ValueError when the file is something else."""
    if "vae.tone" not in state:
        raise ValueError("VAE is invalid: the embedded host only knows the demo's own VAE files.")
    return Vae(state["vae.tone"].float())


def lean_towards(**strengths: float) -> torch.Tensor:
    """A lean vector for the named concepts."""
    lean = torch.zeros(WIDTH)
    for concept, strength in strengths.items():
        lean[CONCEPTS.index(concept)] = strength
    return lean
