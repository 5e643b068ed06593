"""From words to a scene: the vocabulary behind the demo's text encoder.

A scene is a vector: one strength per known concept, and a few accents that unknown words mix their hash into, so that
every word changes the picture, known or not.
"""

from __future__ import annotations

import hashlib
import re

import torch

CONCEPTS = (
    "night", "sunset", "dawn", "day", "storm", "sea", "mountain", "forest", "desert", "city", "moon", "sun",
    "stars", "cloud", "snow", "rain", "cat", "crystal", "pendant", "boat", "lighthouse", "flower", "castle",
    "bird", "lantern", "portrait", "mist", "aurora", "red", "orange", "gold", "green", "teal", "blue", "violet",
    "pink", "white", "black", "ink", "watercolor", "pastel", "vivid", "dark", "bright",
)  # fmt: skip
ACCENTS = 8
WIDTH = 64
ACCENT_AT = WIDTH - ACCENTS

_ALIASES: dict[str, str] = {
    "midnight": "night",
    "nocturnal": "night",
    "evening": "sunset",
    "dusk": "sunset",
    "twilight": "sunset",
    "sunrise": "dawn",
    "morning": "dawn",
    "daylight": "day",
    "noon": "day",
    "sunny": "sun",
    "stormy": "storm",
    "thunder": "storm",
    "ocean": "sea",
    "lake": "sea",
    "water": "sea",
    "waves": "sea",
    "river": "sea",
    "beach": "desert",
    "mountains": "mountain",
    "hills": "mountain",
    "peak": "mountain",
    "alps": "mountain",
    "trees": "forest",
    "tree": "forest",
    "woods": "forest",
    "pine": "forest",
    "dunes": "desert",
    "sand": "desert",
    "skyline": "city",
    "town": "city",
    "buildings": "city",
    "moonlight": "moon",
    "moonlit": "moon",
    "star": "stars",
    "starry": "stars",
    "clouds": "cloud",
    "cloudy": "cloud",
    "snowy": "snow",
    "winter": "snow",
    "ice": "snow",
    "rainy": "rain",
    "kitten": "cat",
    "cats": "cat",
    "crystals": "crystal",
    "gem": "crystal",
    "jewel": "crystal",
    "diamond": "crystal",
    "necklace": "pendant",
    "amulet": "pendant",
    "ship": "boat",
    "sail": "boat",
    "sailboat": "boat",
    "flowers": "flower",
    "rose": "flower",
    "blossom": "flower",
    "tower": "castle",
    "palace": "castle",
    "birds": "bird",
    "gull": "bird",
    "lamp": "lantern",
    "lanterns": "lantern",
    "face": "portrait",
    "fog": "mist",
    "foggy": "mist",
    "misty": "mist",
    "crimson": "red",
    "golden": "gold",
    "yellow": "gold",
    "emerald": "green",
    "turquoise": "teal",
    "cyan": "teal",
    "azure": "blue",
    "navy": "blue",
    "purple": "violet",
    "magenta": "pink",
    "grey": "ink",
    "monochrome": "ink",
    "sketch": "ink",
    "watercolour": "watercolor",
    "painting": "watercolor",
    "saturated": "vivid",
    "colorful": "vivid",
    "gloomy": "dark",
    "shadow": "dark",
    "light": "bright",
    "glowing": "bright",
    "northern": "aurora",
}
_PHRASES: dict[str, str] = {
    "golden hour": "sunset gold", "northern lights": "aurora", "blue hour": "dawn blue",
    "猫": " cat ", "水晶": " crystal ", "吊坠": " pendant ", "月": " moon ", "夜": " night ", "海": " sea ",
    "山": " mountain ",
    "森林": " forest ", "日落": " sunset ", "雪": " snow ", "云": " cloud ", "花": " flower ", "城": " castle ",
}  # fmt: skip
_STOP_WORDS = frozenset(
    ["a", "an", "the", "of", "in", "on", "at", "by", "with", "and", "or", "over", "under", "from", "to", "for", "is"]
)
_PIECE = re.compile(r"\(([^():]+):([0-9.]+)\)|([^()]+)")


def tokenize(text: str) -> list[tuple[str, float]]:
    """The words that count, each with its weight: `(golden hour:1.3)` weighs 1.3, plain words 1."""
    found: list[tuple[str, float]] = []
    for weighted, weight, plain in _PIECE.findall(text.lower()):
        part = weighted or plain
        for phrase, meaning in _PHRASES.items():
            part = part.replace(phrase, meaning)
        strength = _weight(weight) if weighted else 1.0
        found += [(word, strength) for word in re.findall(r"\w+", part) if word not in _STOP_WORDS]
    return found


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


def embed(tokens: list[tuple[str, float]]) -> torch.Tensor:
    """One row per word, shape (1, words, WIDTH); an empty prompt is a single zero row."""
    rows = torch.zeros(1, max(len(tokens), 1), WIDTH)
    for position, (word, weight) in enumerate(tokens):
        name = _ALIASES.get(word, word)
        if name in CONCEPTS:
            rows[0, position, CONCEPTS.index(name)] = weight
            continue
        digest = hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()
        rows[0, position, ACCENT_AT:] = torch.tensor([byte / 127.5 - 1.0 for byte in digest[:ACCENTS]]) * weight
    return rows


class Scene:
    """Strengths read back from a conditioning tensor."""

    def __init__(self, rows: torch.Tensor) -> None:
        """`rows` is (1, words, WIDTH) as `embed` makes it, or anything computed from such tensors."""
        flat = rows[0].float()
        self.vector = flat.sum(dim=0)
        self.accents = torch.tanh(self.vector[ACCENT_AT:])
        # Words that say nothing known still fill the picture: they count as content.
        self.empty = bool(self.vector.abs().max() < 1e-6)
        # Earlier words lead, as the main subject of a prompt does.
        order = torch.linspace(1.0, 0.7, flat.shape[0]).unsqueeze(1)
        self._strengths = (flat[:, : len(CONCEPTS)] * order).sum(dim=0)

    def __getitem__(self, concept: str) -> float:
        return float(self._strengths[CONCEPTS.index(concept)].clamp(-2.0, 2.0))

    def key(self) -> bytes:
        """Equal for scenes that look the same."""
        return torch.cat((self._strengths, self.accents)).numpy().tobytes()
