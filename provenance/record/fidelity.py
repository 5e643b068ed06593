"""How far two pictures are apart, sample by sample: PSNR and SSIM. Pure; needs Pillow only.

PSNR: peak 255 over the 8-bit samples of R, G and B, and of A where either picture has transparency.
SSIM: Wang, Bovik, Sheikh and Simoncelli 2004, of the luma (ITU-R 601), with K1 = 0.01, K2 = 0.03 and equal weights
in windows of 8 by 8 samples every 4 samples (the paper's windows are Gaussian); the mean over all windows. What lies
beyond the last whole window at the right and lower edge does not count in SSIM.

Both say how alike pictures are and nothing about where one comes from.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageChops, ImageMath

from ..errors import InputError
from . import picture
from .likeness import Likeness

WINDOW, STEP = 8, 4
SAME_SHAPE = 1.02  # by how much two ratios of width to height may differ
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


@dataclass(frozen=True, slots=True)
class Fidelity:
    """same: whether all samples of all frames are equal; None when that cannot be told. psnr_db in decibels: None where
    the samples are equal (it is infinite) or not measured. ssim in -1..1.

    `problem` says in a few words what could not be measured.
    """

    same: bool | None = None
    psnr_db: float | None = None
    ssim: float | None = None
    problem: str | None = None


def measure(one: bytes, other: bytes) -> Fidelity:
    """Compare two still images given as files. Raises nothing for any bytes: `problem` says what went wrong.

    Of several frames the first is measured. EXIF orientation is not applied: what is stored is compared.
    """
    try:
        (a, more), (b, others) = picture.decoded(one), picture.decoded(other)
    except InputError as error:
        return Fidelity(problem=str(error))
    if a.size != b.size:
        return Fidelity(False, problem=f"{a.width}x{a.height} and {b.width}x{b.height} pixels cannot be compared")
    return _measured(a, b, more == others)


def alike(before: bytes, after: bytes, *, stand_in: str = "file", shown: str = "file") -> Likeness:
    """How alike two still images are, given as files, after bringing them to one size: the smaller of the two.

    stand_in, shown: what stands for the earlier and for the later picture. Of several frames the first counts, EXIF
    orientation is not applied. Raises InputError that says in a few words why they cannot be compared.
    """
    a, b = picture.decoded(before)[0], picture.decoded(after)[0]
    size = min(a.size, b.size, key=lambda each: each[0] * each[1])
    aligned = "same-size"
    if a.size != b.size:
        shapes = [width / height for width, height in (a.size, b.size)]
        aligned = "scaled" if max(shapes) / min(shapes) <= SAME_SHAPE else "stretched"
        a, b = (each if each.size == size else each.resize(size, Image.Resampling.LANCZOS) for each in (a, b))
    found = _measured(a, b, True)
    return Likeness(bool(found.same), found.psnr_db, found.ssim, *size, aligned, stand_in, shown)


def _measured(a: Image.Image, b: Image.Image, same_others: bool) -> Fidelity:
    psnr = _psnr(a, b)
    same = psnr is None and a.tobytes() == b.tobytes() and same_others
    if min(a.size) < WINDOW:
        return Fidelity(same, psnr, None, f"too small for SSIM: less than {WINDOW} pixels")
    ssim = _ssim(a.convert("RGB").convert("L"), b.convert("RGB").convert("L"))
    return Fidelity(same, psnr, ssim, None if ssim is not None else "SSIM needs Pillow 10.3")


def _psnr(a: Image.Image, b: Image.Image) -> float | None:
    opaque = all(each.getchannel("A").getextrema() == (255, 255) for each in (a, b))
    mode = "RGB" if opaque else "RGBA"
    counts = ImageChops.difference(a.convert(mode), b.convert(mode)).histogram()
    squares = sum(count * (level % 256) ** 2 for level, count in enumerate(counts))
    if squares == 0:
        return None
    return round(10 * math.log10(255**2 * sum(counts) / squares), 3)


def _ssim(a: Image.Image, b: Image.Image) -> float | None:
    evaluate: Callable[..., Any] | None = getattr(ImageMath, "lambda_eval", None)
    if evaluate is None:
        return None
    x, y = (_whole(each).convert("F") for each in (a, b))
    mean_x, mean_y = _windows(evaluate, x), _windows(evaluate, y)
    mean_xx = _windows(evaluate, evaluate(lambda of: of["x"] * of["x"], x=x))
    mean_yy = _windows(evaluate, evaluate(lambda of: of["y"] * of["y"], y=y))
    mean_xy = _windows(evaluate, evaluate(lambda of: of["x"] * of["y"], x=x, y=y))

    def index(of: Any) -> Any:
        mu_x, mu_y = of["mx"], of["my"]
        variances = of["xx"] - mu_x * mu_x + of["yy"] - mu_y * mu_y
        covariance = of["xy"] - mu_x * mu_y
        top = (mu_x * mu_y * 2 + _C1) * (covariance * 2 + _C2)
        return top / ((mu_x * mu_x + mu_y * mu_y + _C1) * (variances + _C2))

    found = evaluate(index, mx=mean_x, my=mean_y, xx=mean_xx, yy=mean_yy, xy=mean_xy)
    mean: Any = found.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    return round(max(-1.0, min(1.0, float(mean))), 4)


def _whole(image: Image.Image) -> Image.Image:
    """Without what lies beyond the last whole step."""
    return image.crop((0, 0, image.width // STEP * STEP, image.height // STEP * STEP))


def _windows(evaluate: Callable[..., Any], image: Image.Image) -> Any:
    """Means over all windows: each is four neighbouring blocks of a step's size."""
    blocks = image.reduce(STEP)
    right, low = blocks.width - 1, blocks.height - 1
    corners = {f"b{left}{top}": blocks.crop((left, top, left + right, top + low)) for left in (0, 1) for top in (0, 1)}
    return evaluate(lambda of: (of["b00"] + of["b10"] + of["b01"] + of["b11"]) / 4, **corners)
