"""Small pictures of a latent while it is being denoised, without a decoder: one colour mix per latent pixel."""

from __future__ import annotations

import io
from typing import Any

import torch


def latent_to_rgb(x0: Any, latent_format: Any) -> torch.Tensor | None:
    """Mix the channels of the first image (first frame) of a denoised latent into RGB, uint8 [height, width, 3], CPU.

    The factors are the model's own (`latent_rgb_factors`); None where it has none or they do not fit the latent,
    as with latents that are packed or are sound. One small matrix product; the copy waits for the device.
    """
    factors = getattr(latent_format, "latent_rgb_factors", None)
    if factors is None or not isinstance(x0, torch.Tensor):
        return None
    reshape = getattr(latent_format, "latent_rgb_factors_reshape", None)
    image = reshape(x0) if reshape is not None else x0
    if image.ndim == 5:
        image = image[:, :, 0]
    if image.ndim != 4 or image.shape[1] != len(factors):
        return None
    image = image[0].detach().to(torch.float32)
    weights = torch.tensor(factors, dtype=torch.float32, device=image.device)
    bias = getattr(latent_format, "latent_rgb_factors_bias", None)
    mixed = image.movedim(0, -1) @ weights
    if bias is not None:
        mixed = mixed + torch.tensor(bias, dtype=torch.float32, device=image.device)
    return ((mixed + 1.0) / 2.0).nan_to_num().clamp(0, 1).mul(255.0).to("cpu", torch.uint8)


def png(rgb: torch.Tensor) -> bytes:
    """Encode an RGB picture. No metadata is embedded: the record names these files by their digest."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb.contiguous().numpy()).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
