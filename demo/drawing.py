"""Pictures drawn from a scene by plain formulas: sky, land, water, a subject, and a finish.

Everything is a soft mask over a coordinate grid, so a picture is the same at every size up to its sharpness. Colours
come from a palette, which is what the demo's model files hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from .words import Scene

ROLES = (
    "night_top", "night_low", "sunset_top", "sunset_low", "dawn_top", "dawn_low", "day_top", "day_low",
    "storm_top", "storm_low", "sea", "land", "foliage", "sand", "glow", "ink",
)  # fmt: skip
DEFAULT_PALETTE = (
    (0.02, 0.03, 0.12), (0.10, 0.13, 0.32), (0.25, 0.16, 0.42), (0.99, 0.56, 0.26), (0.42, 0.56, 0.82),
    (0.98, 0.80, 0.72), (0.25, 0.52, 0.87), (0.78, 0.89, 0.97), (0.17, 0.20, 0.25), (0.44, 0.47, 0.50),
    (0.07, 0.25, 0.42), (0.25, 0.27, 0.38), (0.08, 0.24, 0.17), (0.83, 0.68, 0.44), (1.00, 0.91, 0.68),
    (0.07, 0.07, 0.10),
)  # fmt: skip
_TINTS = {
    "red": (0.85, 0.15, 0.15), "orange": (0.95, 0.50, 0.10), "gold": (0.98, 0.78, 0.25), "green": (0.15, 0.65, 0.30),
    "teal": (0.10, 0.65, 0.65), "blue": (0.15, 0.35, 0.90), "violet": (0.50, 0.25, 0.80), "pink": (0.95, 0.50, 0.70),
    "white": (0.97, 0.97, 0.97), "black": (0.05, 0.05, 0.06),
}  # fmt: skip
VARIANTS = 4
Colour = Sequence[float] | torch.Tensor


class Canvas:
    """A picture in the making: colours (3, height, width) in 0..1, y downwards from 0 to 1, x from 0 to the aspect."""

    def __init__(self, height: int, width: int, variant: int) -> None:
        self.aspect = width / height
        self.soft = 1.5 / height
        rows = (torch.arange(height) + 0.5) / height
        columns = (torch.arange(width) + 0.5) / height
        self.y, self.x = torch.meshgrid(rows, columns, indexing="ij")
        self.rgb = torch.zeros(3, height, width)
        self.variant = variant
        self._phase = 1.7 + 2.3 * variant

    def place(self, *choices: float) -> float:
        """One of the given positions, by variant."""
        return choices[self.variant % len(choices)]

    def noise(self, scale: float, octaves: int = 4, stretch: float = 1.0) -> torch.Tensor:
        """Smooth texture in about -1..1, the same for the same variant."""
        total, size = torch.zeros_like(self.x), 0.0
        for octave in range(octaves):
            f = scale * 2.0**octave
            p = self._phase * (octave + 1)
            wave = torch.sin(f * self.x / stretch + p + 1.3 * torch.sin(f * 0.7 * self.y + p))
            total += (
                wave * torch.cos(f * self.y * 1.1 - p + 0.9 * torch.sin(f * 0.5 * self.x / stretch))
            ) / 1.7**octave
            size += 1.0 / 1.7**octave
        return total / size

    def ridge(self, scale: float, seed: float) -> torch.Tensor:
        """A jagged line over x in about -1..1."""
        x, total = self.x[:1], torch.zeros_like(self.x[:1])
        for octave in range(5):
            f = scale * 2.1**octave
            total += (2.0 * torch.abs((f * x / 3.1 + seed * (octave + 1)) % 2.0 - 1.0) - 1.0) / 2.0**octave
        return total / 1.6

    def paint(self, colour: Colour, mask: torch.Tensor | float) -> None:
        """Lay a colour, flat (3) or varying (3, height, width), over the picture where the mask (0..1) is."""
        over = torch.as_tensor(colour, dtype=torch.float32)
        over = over.view(3, 1, 1) if over.dim() == 1 else over
        self.rgb = torch.lerp(self.rgb, over.expand_as(self.rgb), torch.as_tensor(mask).clamp(0, 1).expand_as(self.x))

    def inside(self, distance: torch.Tensor) -> torch.Tensor:
        """A mask for where a signed distance is negative, one pixel soft."""
        return (0.5 - distance / self.soft).clamp(0, 1)

    def disc(self, cx: float, cy: float, radius: float, squash: float = 1.0) -> torch.Tensor:
        """A filled ellipse."""
        return self.inside(torch.hypot(self.x - cx, (self.y - cy) / squash) - radius)

    def polygon(self, points: Sequence[tuple[float, float]]) -> torch.Tensor:
        """A filled convex polygon, corners clockwise as seen on the picture."""
        distance = torch.full_like(self.x, -1e9)
        for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True):
            length = math.hypot(x1 - x0, y1 - y0) or 1.0
            edge = ((y1 - y0) * (self.x - x0) - (x1 - x0) * (self.y - y0)) / length
            distance = torch.maximum(distance, edge)
        return self.inside(distance)

    def glow(self, cx: float, cy: float, radius: float) -> torch.Tensor:
        """A halo that fades with the square of the distance."""
        return 1.0 / (1.0 + ((self.x - cx) ** 2 + (self.y - cy) ** 2) / radius**2)


def draw(scene: Scene, height: int, width: int, variant: int, palette: torch.Tensor) -> torch.Tensor:
    """The picture (3, height, width) in 0..1 for a scene, in one of VARIANTS compositions.

    `palette` is (len(ROLES), 3). An empty scene is a plain grey field.
    """
    from . import subjects  # subjects draw on a Canvas: imported here to keep the two files apart without a cycle

    canvas = Canvas(height, width, variant)
    if scene.empty:
        canvas.rgb[:] = 0.5
        return canvas.rgb
    colours = {role: palette[row] for row, role in enumerate(ROLES)}
    colours["accent"] = _accent(scene)
    _sky(canvas, scene, colours)
    horizon = canvas.place(0.62, 0.66, 0.58, 0.64)
    _land(canvas, scene, colours, horizon)
    subjects.add(canvas, scene, colours, horizon)
    _finish(canvas, scene, colours)
    return canvas.rgb.clamp(0, 1)


def _accent(scene: Scene) -> torch.Tensor:
    """The colour that named colours ask for; unknown words turn its hue."""
    total, weight = torch.zeros(3), 0.0
    for name, tint in _TINTS.items():
        strength = max(scene[name], 0.0)
        total += strength * torch.tensor(tint)
        weight += strength
    if weight > 0:
        return total / weight
    angle = math.atan2(float(scene.accents[1]), float(scene.accents[0]))
    hues = [0.55 + 0.4 * math.cos(angle + turn) for turn in (0.0, -2.094, 2.094)]
    return torch.tensor(hues)


def _sky(canvas: Canvas, scene: Scene, colours: dict[str, torch.Tensor]) -> None:
    times = {name: max(scene[name], 0.0) for name in ("night", "sunset", "dawn", "day", "storm")}
    times["night"] += 0.8 * max(scene["moon"], scene["stars"], scene["aurora"], 0.0)
    times["day"] += 0.05
    total = sum(times.values())
    top = sum((w / total * colours[f"{name}_top"] for name, w in times.items()), torch.zeros(3))
    low = sum((w / total * colours[f"{name}_low"] for name, w in times.items()), torch.zeros(3))
    fade = (canvas.y / 0.7).clamp(0, 1).sqrt()
    canvas.rgb = top.view(3, 1, 1) * (1 - fade) + low.view(3, 1, 1) * fade
    # Unknown words leave a broad wash of their own colour in the sky.
    strength = float(scene.accents.abs().mean())
    scale = 3.0 + 5.0 * abs(float(scene.accents[2]))
    canvas.paint(colours["accent"], strength * 0.8 * (0.5 + 0.5 * canvas.noise(scale, 3)))
    night = times["night"] / total
    if night > 0.3 or scene["stars"] > 0:
        _stars(canvas, 0.5 * night + scene["stars"])
    if scene["aurora"] > 0:
        bands = torch.exp(-((canvas.y - 0.3 - 0.08 * torch.sin(5 * canvas.x + canvas.variant)) ** 2) / 0.012)
        curtain = (0.5 + 0.5 * torch.sin(38 * canvas.x + 4 * canvas.y)) * 0.5 + 0.5
        canvas.paint((0.25, 0.95, 0.60), 0.75 * scene["aurora"] * bands * curtain)
    cx = canvas.aspect * canvas.place(0.72, 0.28, 0.5, 0.8)
    if scene["sun"] > 0 or scene["sunset"] > 0 or scene["dawn"] > 0:
        cy = 0.5 if scene["sunset"] + scene["dawn"] > 0.3 else 0.2
        canvas.paint(colours["glow"], 0.85 * canvas.glow(cx, cy, 0.12))
        canvas.paint((1.0, 0.97, 0.86), canvas.disc(cx, cy, 0.075))
    if scene["moon"] > 0:
        cy = canvas.place(0.24, 0.2, 0.18, 0.27)
        radius = 0.07 + 0.03 * min(scene["moon"], 2.0)
        canvas.paint((0.75, 0.80, 1.0), 0.6 * canvas.glow(cx, cy, radius))
        face = 0.93 + 0.05 * canvas.noise(22, 3)
        canvas.paint(torch.stack((face, face * 0.98, face * 0.9)), canvas.disc(cx, cy, radius))
    if scene["cloud"] > 0 or scene["storm"] > 0:
        cover = canvas.noise(7, 5, stretch=2.0) + 0.25 * (scene["cloud"] + scene["storm"]) - 0.1
        shade = (0.85, 0.86, 0.9) if scene["storm"] <= 0 else (0.3, 0.32, 0.36)
        canvas.paint(shade, (cover * 1.6).clamp(0, 0.85) * (1 - canvas.y))


def _stars(canvas: Canvas, strength: float) -> None:
    cells = 34.0
    gx, gy = torch.floor(canvas.x * cells), torch.floor(canvas.y * cells)
    chance = torch.frac(torch.sin(gx * 12.9898 + gy * 78.233 + canvas.variant) * 43758.5453).abs()
    px, py = torch.frac(chance * 17.3) * 0.7 + 0.15, torch.frac(chance * 31.7) * 0.7 + 0.15
    distance = torch.hypot(canvas.x * cells - gx - px, canvas.y * cells - gy - py)
    spark = torch.exp(-((distance / 0.09) ** 2)) * (chance > 0.78) * (1 - canvas.y)
    canvas.paint((1.0, 1.0, 0.95), spark * min(strength, 1.5))


def _land(canvas: Canvas, scene: Scene, colours: dict[str, torch.Tensor], horizon: float) -> None:
    y = canvas.y
    if scene["mountain"] > 0:
        for layer in range(3):
            height = (0.26 - 0.07 * layer) * min(scene["mountain"], 1.6)
            line = (
                horizon - 0.02 - height * (0.55 + 0.75 * canvas.ridge(4.4 + 2 * layer, layer + 0.61 * canvas.variant))
            )
            haze = torch.lerp(colours["land"], canvas.rgb.mean(dim=(1, 2)), 0.5 - 0.22 * layer)
            mask = canvas.inside(line - y)
            canvas.paint(haze, mask)
            if layer == 0:
                snow = (0.35 + scene["snow"]) * canvas.inside(y - line - 0.04 - 0.02 * canvas.noise(40, 2))
                canvas.paint((0.95, 0.96, 1.0), mask * snow)
    ground = canvas.inside(horizon - y)
    depth = ((y - horizon) / (1 - horizon)).clamp(0, 1)
    if scene["sea"] > 0:
        sky = torch.flip(canvas.rgb, dims=(1,))
        water = torch.lerp(sky, colours["sea"].view(3, 1, 1).expand_as(sky), 0.55)
        waves = torch.sin((1.3 - depth) * 90 * (y - horizon) / (0.2 + depth) + 5 * canvas.noise(9, 3, stretch=4.0))
        canvas.paint(water + 0.07 * waves, ground)
        if scene["moon"] > 0 or scene["sun"] > 0 or scene["sunset"] > 0:
            cx = canvas.aspect * canvas.place(0.72, 0.28, 0.5, 0.8)
            path = torch.exp(-(((canvas.x - cx) / (0.05 + 0.12 * depth)) ** 2)) * (0.5 + 0.5 * waves)
            canvas.paint(colours["glow"], 0.7 * path * ground)
    elif scene["desert"] > 0:
        dunes = 0.5 + 0.5 * torch.sin(6 * canvas.x + 14 * depth + 3 * canvas.noise(3, 2))
        canvas.paint(colours["sand"].view(3, 1, 1) * (0.7 + 0.35 * dunes), ground)
    elif scene["snow"] > 0:
        canvas.paint((0.92, 0.94, 0.98), ground * (0.9 + 0.1 * canvas.noise(6, 3)))
    else:
        meadow = torch.lerp(colours["land"], colours["foliage"], 0.6).view(3, 1, 1)
        canvas.paint(meadow * (0.75 + 0.25 * canvas.noise(25, 4, stretch=3.0)), ground)


def _finish(canvas: Canvas, scene: Scene, colours: dict[str, torch.Tensor]) -> None:
    y = canvas.y
    if scene["mist"] > 0:
        canvas.paint((0.85, 0.87, 0.9), scene["mist"] * 0.6 * torch.exp(-(((y - 0.6) / 0.16) ** 2)))
    if scene["snow"] > 0:
        _stars(canvas, 0.7 * scene["snow"])
    if scene["rain"] > 0 or scene["storm"] > 0.5:
        streak = torch.sin(160 * canvas.x + 28 * y + 6 * canvas.noise(11, 2)) > 0.93
        canvas.paint((0.75, 0.8, 0.88), 0.35 * streak.float() * max(scene["rain"], 0.5))
    tinted = max((scene[name] for name in _TINTS), default=0.0)
    if tinted > 0:
        grey = canvas.rgb.mean(dim=0, keepdim=True)
        canvas.rgb = torch.lerp(
            canvas.rgb, grey * 0.5 + grey * colours["accent"].view(3, 1, 1), 0.25 * min(tinted, 1.5)
        )
    if scene["watercolor"] > 0:
        canvas.rgb = canvas.rgb + 0.10 * scene["watercolor"] * canvas.noise(18, 5)
        canvas.paint((0.97, 0.95, 0.9), 0.2 * scene["watercolor"])
    grey = canvas.rgb.mean(dim=0, keepdim=True)
    canvas.rgb = torch.lerp(grey.expand_as(canvas.rgb), canvas.rgb, 1 + 0.5 * (scene["vivid"] - scene["pastel"]))
    if scene["ink"] > 0:
        canvas.rgb = torch.lerp(canvas.rgb, grey.expand_as(canvas.rgb), min(scene["ink"], 1.0))
    if scene["pastel"] > 0:
        canvas.paint((1.0, 0.97, 0.95), 0.35 * scene["pastel"])
    canvas.rgb = canvas.rgb * (1 + 0.35 * (scene["bright"] - scene["dark"]))
    centre = torch.hypot(canvas.x - canvas.aspect / 2, y - 0.5)
    canvas.rgb = canvas.rgb * (1 - 0.35 * (centre / 0.9) ** 2)
