"""The things that stand in a picture. Each is drawn if the scene asks for it, far ones first."""

from __future__ import annotations

import torch

from .drawing import Canvas
from .words import Scene

Colours = dict[str, torch.Tensor]


def add(canvas: Canvas, scene: Scene, colours: Colours, horizon: float) -> None:
    """Draw every wanted subject."""
    worn = scene["cat"] > 0 and scene["pendant"] > 0
    for name, paint in _SUBJECTS.items():
        if worn and name in ("crystal", "pendant"):
            continue
        if scene[name] > 0:
            paint(canvas, colours, horizon, min(scene[name], 2.0))
    if worn:
        _worn_pendant(canvas, colours)


def _city(c: Canvas, colours: Colours, horizon: float, strength: float) -> None:
    cell = torch.floor(c.x * 14)
    height = torch.frac(torch.sin(cell * 12.9898 + c.variant) * 43758.5453).abs()
    walls = c.inside(horizon - 0.05 - 0.25 * strength * height - c.y) * c.inside(c.y - horizon)
    c.paint(colours["ink"] + 0.06, walls)
    windows = (torch.frac(c.x * 14 * 4) > 0.5) & (torch.frac(c.y * 46) > 0.5)
    lit = torch.frac(torch.sin(torch.floor(c.x * 56) * 3.1 + torch.floor(c.y * 46) * 7.7) * 917.3).abs() > 0.55
    c.paint(colours["glow"], walls * (windows & lit).float() * 0.9)


def _forest(c: Canvas, colours: Colours, horizon: float, strength: float) -> None:
    for layer in range(2):
        count = 13.0 - 4 * layer
        cell = torch.floor(c.x * count + 0.37 * layer)
        tall = 0.16 + 0.1 * layer + 0.1 * torch.frac(torch.sin(cell * 57.3 + c.variant) * 9176.1).abs()
        across = torch.abs(torch.frac(c.x * count + 0.37 * layer) - 0.5)
        base = horizon + 0.03 + 0.09 * layer
        up = (base - c.y) / (tall * strength)
        edge = 0.48 * (1 - up) * (0.75 + 0.25 * torch.frac(up * 4))
        mask = c.inside((across - edge) / count) * (up > 0) * (up < 1)
        c.paint(colours["foliage"] * (1.15 - 0.45 * layer), mask)


def _castle(c: Canvas, colours: Colours, horizon: float, strength: float) -> None:
    cx, base = c.aspect * c.place(0.35, 0.65, 0.4, 0.6), horizon + 0.02
    stone = colours["land"] * 0.8
    for dx, width, tall in ((0.0, 0.07, 0.30), (-0.12, 0.05, 0.22), (0.12, 0.05, 0.24)):
        left, right, top = cx + dx - width, cx + dx + width, base - tall * strength**0.3
        c.paint(stone, c.polygon([(left, top), (right, top), (right, base), (left, base)]))
        c.paint(colours["accent"] * 0.7, c.polygon([(left - 0.01, top), (cx + dx, top - 0.1), (right + 0.01, top)]))
        c.paint(colours["glow"], c.disc(cx + dx, top + 0.07, 0.014, 1.6))


def _lighthouse(c: Canvas, colours: Colours, horizon: float, strength: float) -> None:
    cx, base = c.aspect * c.place(0.22, 0.76, 0.3, 0.7), horizon + 0.06
    top = base - 0.42
    beam = torch.exp(-(((c.y - top - 0.02) / (0.01 + 0.12 * (c.x - cx).abs())) ** 2)) * (0.6 - (c.x - cx).abs()).clamp(
        0, 1
    )
    c.paint(colours["glow"], beam * strength)
    tower = c.polygon([(cx - 0.03, top), (cx + 0.03, top), (cx + 0.05, base), (cx - 0.05, base)])
    c.paint((0.93, 0.92, 0.9), tower)
    c.paint((0.75, 0.15, 0.15), tower * (torch.frac((c.y - top) * 9) > 0.5))
    c.paint(colours["glow"], c.disc(cx, top - 0.02, 0.03))
    c.paint(colours["ink"], c.polygon([(cx - 0.04, top - 0.04), (cx, top - 0.08), (cx + 0.04, top - 0.04)]))


def _boat(c: Canvas, colours: Colours, horizon: float, strength: float) -> None:
    cx, cy = c.aspect * c.place(0.38, 0.62, 0.7, 0.3), horizon + 0.1
    s = 0.1 * strength**0.5
    c.paint(
        colours["ink"],
        c.polygon([(cx - s, cy), (cx + s, cy), (cx + 0.7 * s, cy + 0.35 * s), (cx - 0.7 * s, cy + 0.35 * s)]),
    )
    c.paint((0.96, 0.94, 0.88), c.polygon([(cx, cy - 1.7 * s), (cx + 0.9 * s, cy - 0.1 * s), (cx, cy - 0.1 * s)]))
    c.paint(
        colours["accent"],
        c.polygon([(cx - 0.05 * s, cy - 1.4 * s), (cx - 0.05 * s, cy - 0.1 * s), (cx - 0.7 * s, cy - 0.1 * s)]),
    )


def _bird(c: Canvas, colours: Colours, horizon: float, strength: float) -> None:
    for index in range(int(2 + 3 * strength)):
        cx = c.aspect * ((0.15 + 0.23 * index + 0.11 * c.variant) % 0.9 + 0.05)
        cy = 0.2 + 0.07 * ((index * 7 + c.variant) % 4)
        wing = (c.x - cx).abs()
        line = (c.y - cy + 0.5 * wing - 7 * wing**2).abs() - 0.004
        c.paint(colours["ink"], c.inside(line) * (wing < 0.045))


def _flower(c: Canvas, colours: Colours, horizon: float, strength: float) -> None:
    for index in range(int(4 + 4 * strength)):
        cx = c.aspect * ((0.07 + 0.137 * index + 0.05 * c.variant) % 1.0)
        cy = 0.82 + 0.05 * ((index * 5) % 3)
        stem = c.inside((c.x - cx).abs() - 0.004) * (c.y > cy) * (c.y < cy + 0.15)
        c.paint(colours["foliage"], stem)
        dx, dy = c.x - cx, c.y - cy
        petals = 0.032 * (1 + 0.35 * torch.cos(5 * torch.atan2(dy, dx) + index))
        c.paint(colours["accent"], c.inside(torch.hypot(dx, dy) - petals))
        c.paint(colours["glow"], c.disc(cx, cy, 0.011))


def _lantern(c: Canvas, colours: Colours, horizon: float, strength: float) -> None:
    for index in range(int(2 + 2 * strength)):
        cx, cy = c.aspect * ((0.2 + 0.27 * index + 0.07 * c.variant) % 1.0), 0.3 + 0.12 * (index % 3)
        c.paint((1.0, 0.7, 0.3), 0.5 * c.glow(cx, cy, 0.05))
        c.paint((1.0, 0.55, 0.2), c.disc(cx, cy, 0.032, 1.3))
        c.paint((1.0, 0.9, 0.6), c.disc(cx, cy, 0.014, 1.5))


def _cat(c: Canvas, colours: Colours, horizon: float, strength: float) -> None:
    cx, cy = c.aspect * c.place(0.5, 0.42, 0.6, 0.5), 0.78
    s = 0.2 * strength**0.3
    fur = torch.lerp(colours["ink"], colours["accent"], 0.25)
    tail_x = cx + 0.85 * s + 0.18 * s * torch.sin((c.y - cy) * 9)
    c.paint(fur, c.inside((c.x - tail_x).abs() - 0.09 * s) * (c.y > cy - 0.5 * s) * (c.y < cy + s))
    c.paint(fur, c.disc(cx, cy + 0.35 * s, 0.62 * s, 1.25))
    c.paint(fur, c.disc(cx, cy - 0.62 * s, 0.46 * s, 0.92))
    for side in (-1, 1):
        ear = [
            (cx + side * 0.42 * s, cy - 0.72 * s),
            (cx + side * 0.36 * s, cy - 1.32 * s),
            (cx + side * 0.06 * s, cy - 0.95 * s),
        ]
        c.paint(fur, c.polygon(ear if side < 0 else ear[::-1]))
        c.paint((0.95, 0.85, 0.25), c.disc(cx + side * 0.18 * s, cy - 0.64 * s, 0.09 * s, 1.1))
        c.paint((0.05, 0.05, 0.05), c.disc(cx + side * 0.18 * s, cy - 0.64 * s, 0.032 * s, 2.4))
    c.paint((0.85, 0.5, 0.5), c.disc(cx, cy - 0.47 * s, 0.045 * s, 0.8))


def _facets(c: Canvas, cx: float, cy: float, s: float, colour: torch.Tensor) -> None:
    top, middle, tip = cy - s, cy - 0.45 * s, cy + s
    corners = [(cx - 0.55 * s, middle), (cx - 0.25 * s, top), (cx + 0.25 * s, top), (cx + 0.55 * s, middle), (cx, tip)]
    c.paint((1.0, 1.0, 1.0), 0.45 * c.glow(cx, cy, 0.5 * s))
    stone = c.polygon(corners)
    c.paint(colour, stone)
    angle = torch.atan2(c.y - middle, c.x - cx)
    facet = torch.frac(torch.sin(torch.floor(angle * 2.6) * 12.98) * 437.5).abs()
    c.paint((1.0, 1.0, 1.0), stone * (0.1 + 0.5 * facet) * (1 - 0.4 * (c.y - top) / (2 * s)).clamp(0, 1))
    c.paint((1.0, 1.0, 1.0), 0.8 * stone * c.inside((c.y - middle).abs() - 0.004))


def _crystal(c: Canvas, colours: Colours, horizon: float, strength: float) -> None:
    cx = c.aspect * c.place(0.5, 0.58, 0.42, 0.5)
    colour = torch.lerp(colours["accent"], torch.tensor((0.6, 0.85, 1.0)), 0.45)
    for dx, size in ((-0.14, 0.09), (0.14, 0.1), (0.0, 0.16)):
        _facets(c, cx + dx, 0.7 - 0.3 * size, size * strength**0.3, colour)


def _pendant(c: Canvas, colours: Colours, horizon: float, strength: float) -> None:
    cx, cy = c.aspect * c.place(0.5, 0.5, 0.45, 0.55), 0.6
    along = torch.frac(torch.hypot(c.x - cx, c.y) * 48)
    chain = ((c.x - cx).abs() - 0.30 * (1 - c.y / 0.5).clamp(0, 1) ** 0.7).abs() - 0.006
    c.paint(colours["glow"] * 0.9, c.inside(chain) * (c.y < 0.5) * (0.6 + 0.4 * (along > 0.5)))
    c.paint(colours["glow"] * 0.8, c.inside((torch.hypot(c.x - cx, c.y - 0.49) - 0.022).abs() - 0.007))
    _facets(c, cx, cy, 0.12 * strength**0.3, torch.lerp(colours["accent"], torch.tensor((0.75, 0.85, 1.0)), 0.3))


def _worn_pendant(c: Canvas, colours: Colours) -> None:
    """A cat and a pendant in one picture: the cat wears it."""
    cx = c.aspect * c.place(0.5, 0.42, 0.6, 0.5)
    c.paint(colours["glow"], c.inside((torch.hypot(c.x - cx, (c.y - 0.71) * 2.2) - 0.085).abs() - 0.007) * (c.y > 0.71))
    _facets(c, cx, 0.8, 0.07, torch.lerp(colours["accent"], torch.tensor((0.6, 0.85, 1.0)), 0.5))


def _portrait(c: Canvas, colours: Colours, horizon: float, strength: float) -> None:
    cx, s = c.aspect * c.place(0.5, 0.45, 0.55, 0.5), 0.2 * strength**0.3
    skin = torch.tensor((0.86, 0.68, 0.57))
    c.paint(colours["accent"], c.disc(cx, 0.98, 1.35 * s, 0.9))
    c.paint(colours["ink"], c.disc(cx, 0.5, 1.08 * s, 1.15))
    c.paint(skin * 0.9, c.disc(cx, 0.76, 0.35 * s, 1.3))
    c.paint(skin, c.disc(cx, 0.55, 0.82 * s, 1.25))
    for side in (-1, 1):
        c.paint((0.98, 0.98, 0.98), c.disc(cx + side * 0.32 * s, 0.52, 0.13 * s, 0.6))
        c.paint(colours["ink"], c.disc(cx + side * 0.32 * s, 0.52, 0.06 * s))
    smile = (c.y - 0.66 + 0.9 * (c.x - cx) ** 2 / s).abs() - 0.008
    c.paint((0.7, 0.3, 0.3), c.inside(smile) * ((c.x - cx).abs() < 0.3 * s))


_SUBJECTS = {
    "city": _city,
    "castle": _castle,
    "lighthouse": _lighthouse,
    "forest": _forest,
    "bird": _bird,
    "boat": _boat,
    "lantern": _lantern,
    "flower": _flower,
    "portrait": _portrait,
    "cat": _cat,
    "crystal": _crystal,
    "pendant": _pendant,
}
