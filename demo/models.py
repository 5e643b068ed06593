"""The demo's model files: small, real safetensors files, made on the first start.

Their bytes are what the painter paints with, so a fingerprint of a file tells pictures apart as it does with real
models.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from .drawing import DEFAULT_PALETTE, ROLES
from .painter import lean_towards
from .words import WIDTH

CHECKPOINT = "demo_painter.safetensors"
CHECKPOINT_COLD = "demo_painter_cold.safetensors"
LORA = "demo_golden.safetensors"


def write_models(models_dir: Path) -> list[Path]:
    """Write the files that are missing and return the path of each; existing files are left as they are."""
    palette = torch.tensor(DEFAULT_PALETTE)
    cold = (palette * torch.tensor((0.78, 0.95, 1.12))).clamp(0, 1)
    painter = {"painter.palette": palette, "painter.spread": torch.tensor(0.18)}
    text = {"text.lean": torch.zeros(WIDTH)}
    vae = {"vae.tone": torch.ones(3)}
    golden = torch.zeros(len(ROLES), 3)
    for role in ("sunset_top", "sunset_low", "day_top", "day_low", "glow", "land", "foliage", "sea"):
        golden[ROLES.index(role)] = torch.tensor((0.22, 0.10, -0.12))
    lora = {"painter.palette.delta": golden, "text.lean.delta": lean_towards(sunset=0.5, gold=0.3)}
    warm = {"vae.tone": torch.tensor((1.0, 0.97, 0.90))}
    files = {
        f"checkpoints/{CHECKPOINT}": ({**painter, **text, **vae}, "Demo painter"),
        f"checkpoints/{CHECKPOINT_COLD}": ({**painter, "painter.palette": cold, **text, **vae}, "Demo painter, cold"),
        "diffusion_models/demo_painter_unet.safetensors": (painter, "Demo painter, model only"),
        "text_encoders/demo_words.safetensors": (text, "Demo text encoder"),
        "vae/demo_fold.safetensors": (vae, "Demo VAE"),
        "vae/demo_warm.safetensors": (warm, "Demo VAE, warm"),
        f"loras/{LORA}": (lora, "Demo LoRA: golden hour"),
    }
    paths = []
    for name, (tensors, title) in files.items():
        path = models_dir / name
        paths.append(path)
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        about = {
            "modelspec.title": title,
            "modelspec.author": "comfy-provenance demo",
            "modelspec.license": "Apache-2.0",
        }
        save_file({key: value.contiguous().clone() for key, value in tensors.items()}, path, metadata=about)
    return paths
