"""PSNR and SSIM, held against their definitions computed number by number."""

from __future__ import annotations

import io
import math
import random

import pytest
from comfy_provenance.provenance.record.fidelity import measure
from PIL import Image

SIDE = 30  # not a multiple of the step: the edge is left out of SSIM


def noise(seed: int, mode: str = "RGB", size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    made = random.Random(seed)
    bands = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, size, bytes(made.randrange(256) for _ in range(size[0] * size[1] * bands)))


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def psnr_by_definition(a: Image.Image, b: Image.Image) -> float:
    pairs = list(zip(a.tobytes(), b.tobytes(), strict=True))
    return 10 * math.log10(255**2 / (sum((x - y) ** 2 for x, y in pairs) / len(pairs)))


def ssim_by_definition(a: Image.Image, b: Image.Image) -> float:
    x, y = a.convert("L").load(), b.convert("L").load()
    scores = []
    for top in range(0, a.height - 7, 4):
        for left in range(0, a.width - 7, 4):
            at = [(left + i, top + j) for i in range(8) for j in range(8)]
            xs, ys = [x[p] for p in at], [y[p] for p in at]
            mx, my = sum(xs) / 64, sum(ys) / 64
            vx = sum((v - mx) ** 2 for v in xs) / 64
            vy = sum((v - my) ** 2 for v in ys) / 64
            cov = sum((v - mx) * (w - my) for v, w in zip(xs, ys, strict=True)) / 64
            c1, c2 = 2.55**2, 7.65**2
            scores.append((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return sum(scores) / len(scores)


@pytest.mark.parametrize("strength", [0.01, 0.2, 0.7, 1.0])
def test_both_numbers_are_those_of_the_definitions(strength: float) -> None:
    one = noise(1).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    other = Image.blend(one, noise(2), strength)
    found = measure(png(one), png(other))
    assert found.psnr_db == pytest.approx(psnr_by_definition(one, other), abs=1e-3)
    assert found.ssim == pytest.approx(ssim_by_definition(one, other), abs=2e-4)
    assert found.problem is None


def test_one_changed_sample_is_seen() -> None:
    one = noise(3)
    other = one.copy()
    red, green, blue = other.getpixel((5, 5))
    other.putpixel((5, 5), (red ^ 1, green, blue))
    found = measure(png(one), png(other))
    assert found.psnr_db == pytest.approx(10 * math.log10(255**2 * 3 * SIDE * SIDE), abs=1e-3)
    assert found.ssim is not None and 0.999 < found.ssim <= 1


def test_equal_samples_have_no_noise_to_measure() -> None:
    one = noise(4)
    out = io.BytesIO()
    one.save(out, "WEBP", lossless=True)
    found = measure(png(one), out.getvalue())
    assert (found.psnr_db, found.ssim, found.problem) == (None, 1.0, None)


def test_a_difference_in_transparency_alone_counts() -> None:
    one = noise(5, "RGBA")
    other = one.copy()
    other.putalpha(Image.new("L", one.size, 255))
    assert measure(png(one), png(other)).psnr_db == pytest.approx(psnr_by_definition(one, other), abs=1e-3)


def test_opposites_are_unlike() -> None:
    white, black = Image.new("RGB", (64, 64), "white"), Image.new("RGB", (64, 64))
    found = measure(png(white), png(black))
    assert found.psnr_db == 0.0
    assert found.ssim is not None and found.ssim < 0.001


@pytest.mark.parametrize(
    ("one", "other", "problem"),
    [
        (png(noise(1)), png(noise(1, size=(31, 30))), "30x30 and 31x30 pixels cannot be compared"),
        (png(noise(1)), b"no picture", "cannot be decoded: UnidentifiedImageError"),
        (png(noise(1))[:200], png(noise(1)), "cannot be decoded: OSError"),
    ],
)
def test_what_cannot_be_compared_says_why(one: bytes, other: bytes, problem: str) -> None:
    found = measure(one, other)
    assert (found.psnr_db, found.ssim, found.problem) == (None, None, problem)


def test_a_picture_smaller_than_a_window_has_psnr_only() -> None:
    found = measure(png(noise(1, size=(7, 40))), png(noise(2, size=(7, 40))))
    assert found.psnr_db is not None
    assert (found.ssim, found.problem) == (None, "too small for SSIM: less than 8 pixels")
