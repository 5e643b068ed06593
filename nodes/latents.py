"""Latent files in the form that ComfyUI's own Save Latent writes and its Load Latent reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch


def write_latent(path: Path, latent: Mapping[str, Any], receipt: Mapping[str, Any] | None) -> None:
    """Write the samples of a LATENT, bit by bit, and the receipt as metadata.

    The form holds `samples` alone: a noise mask or a batch index is not kept. Raises ValueError for samples that are
    not one dense tensor (a video with its sound), OSError when the disk refuses. No half-written file is left behind.
    """
    from safetensors.torch import save

    samples = latent["samples"]
    if not isinstance(samples, torch.Tensor) or samples.layout != torch.strided:
        raise ValueError("these samples are not one dense tensor")
    tensors = {
        "latent_tensor": samples.detach().to("cpu").contiguous(),
        "latent_format_version_0": torch.tensor([]),
    }
    metadata = {"provenance": json.dumps(receipt)} if receipt is not None else None
    half = path.with_name(path.name + ".part")
    try:
        half.write_bytes(save(tensors, metadata=metadata))
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
