"""A made-up but lifelike series of runs, for all benches: one author, one graph, mostly new seeds.

The UI workflow has the size that is the median of the official templates (16.5 KB), and the API prompt that belongs to
it. Of ten runs eight change the seed only, one the prompt's words, one goes back to an earlier run and starts a branch
from there; one in twenty loads an output of an earlier run; every two hundredth begins a new work. The same number of
runs gives the same bytes each time.
"""

from __future__ import annotations

import hashlib
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import conftest  # noqa: F401  makes the package importable
from comfy_provenance.provenance.canonical import sha256_hex, snapshot_bytes
from comfy_provenance.provenance.model import (
    Asset,
    Basis,
    Edge,
    FileFacts,
    FileRef,
    Instant,
    ModelRef,
    Output,
    PromptVersion,
    Relation,
    Status,
)
from comfy_provenance.provenance.record import predicate
from comfy_provenance.provenance.seal.keys import Signer

SESSION = "5f0d6a52-1a52-4a0e-9f3a-8a4c5f6c7e10"
START_NS = 1_790_000_000_000_000_000
NODES = 20
TEXT = (
    "a an the cat crystal pendant light glass silver forest river stone morning mist soft warm cold blue golden "
    "portrait macro film grain depth of field studio shadow reflection hand carved amber moonlight ocean garden paper"
)
SYLLABLES = re.findall("..", "kalomiresutavinopedugahezotyrixekwunybejosk")
WORDS = [*TEXT.split(), *(f"{a}{b}{c}" for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES)]
CHINESE = "猫水晶吊坠光影玻璃银色森林河流石头清晨薄雾柔和温暖蓝金肖像微距胶片颗粒景深工作室倒琥珀月海洋花园" + "".join(
    chr(0x4E00 + 7 * place) for place in range(2000)
)


@dataclass(frozen=True)
class Run:
    """One run, ready to be appended: what its two entries say, and the documents of its snapshot."""

    execution: str
    documents: dict[str, bytes]
    submission: predicate.Body
    outputs: list[Output]
    thumbnail: bytes
    completion: dict[str, Any]

    def completed(self, submission: int) -> predicate.Body:
        """Body of the completion, once the submission has its place in the log."""
        return predicate.completion(submission=submission, **self.completion)


def genesis(signer: Signer) -> predicate.Body:
    """The first entry of a bench's ledger."""
    at = Instant(START_NS, 0)
    writer, key = signer.public.writer_id, signer.public.pem
    return predicate.genesis(at=at, writer=writer, public_key=key, software="comfy-provenance", version="bench")


def session() -> predicate.Body:
    """The entry that starts the session of all runs."""
    at = Instant(START_NS, 1)
    return predicate.session(session=SESSION, at=at, event="start", host="ComfyUI", host_version="0.19.3")


class Author:
    """Makes runs, one after another.

    seed_only leaves out branches, loaded images and changes of words; snapshots=False leaves the documents out, for
    ledgers that only their index is asked about; thumbnails is how many bytes each output's small picture has.
    """

    def __init__(self, *, seed_only: bool = False, snapshots: bool = True, thumbnails: int = 0) -> None:
        self._dice = random.Random(7)  # the same series each time
        self._seed_only = seed_only
        self._snapshots = snapshots
        self._thumbnails = thumbnails
        self._workflow, self._prompt = _graph(self._dice)
        self._texts = [self._text(), "blurry, low quality, watermark"]
        self._history: list[tuple[str, str]] = []  # (execution, digest of its output)

    def runs(self, count: int) -> Iterator[Run]:
        """The next `count` runs."""
        for _ in range(count):
            yield self._run()

    def _run(self) -> Run:
        number, dice = len(self._history), self._dice
        habit = 0 if self._seed_only else number % 10
        parent = self._history[-1] if self._history else None
        if habit == 9:
            parent = self._history[max(number - dice.randrange(2, 200), 0)]
        if number % 200 == 0 and not self._seed_only:
            parent = None
        if habit == 4:
            self._texts[0] = self._text()
        loaded = self._history[dice.randrange(max(number - 500, 0), number)] if number % 20 == 13 else None
        execution, seed = _uuid(dice), dice.getrandbits(64)
        documents = self._documents(seed) if self._snapshots else {"workflow": b"", "prompt": b""}
        digests = {name: sha256_hex(data) for name, data in documents.items()}
        at = Instant(START_NS + number * 5_000_000_000, number * 5_000_000_000 + 2)
        declared = None
        links = []
        if parent is not None:
            declared = predicate.Parent(parent[0], True, Basis.DECLARED, "workflow")
            links.append(Edge(execution, parent[0], Relation.REVISION_OF, Basis.DECLARED, "workflow"))
        submission = predicate.submission(
            session=SESSION,
            at=at,
            execution=execution,
            prompt_id=execution,
            number=number,
            accepted=at,
            workflow=digests["workflow"],
            prompt=digests["prompt"],
            extra=None,
            packs={},
            redactions=(),
            parent=declared,
            edges=links,
        )
        thumbnail = dice.randbytes(self._thumbnails)
        output = self._output(number, thumbnail)
        name = f"sha256:{output.facts.sha256 if output.facts else ''}"
        edges = [Edge(name, execution, Relation.GENERATED, Basis.OBSERVED, "file", via=("9",))]
        edges.append(Edge(execution, f"sha256:{MODEL}", Relation.USED_MODEL, Basis.OBSERVED, "name", via=("9",)))
        used = []
        if loaded is not None and not self._seed_only:
            source = f"sha256:{loaded[1]}"
            facts = FileFacts(loaded[1], 400_000, START_NS, "image/png", 1024, 1024, digest("pixels", loaded[1]))
            used.append(Asset("10", "image", "a.png [output]", FileRef("output", "", "a.png"), facts))
            edges.append(Edge(execution, source, Relation.USED, Basis.OBSERVED, "file-hash", via=("9",)))
            edges.append(Edge(name, source, Relation.DERIVED_FROM, Basis.OBSERVED, "file-hash", via=("10", "9")))
        completion = {
            "session": SESSION,
            "at": Instant(at.wall_ns + 4_000_000_000, at.monotonic_ns + 4_000_000_000),
            "execution": execution,
            "prompt_document": digests["prompt"],
            "status": Status.SUCCESS,
            "outputs": [output],
            "used": used,
            "prompts": [
                PromptVersion(str(6 + place), "text", "CLIPTextEncode", role, "literal", text)
                for place, (role, text) in enumerate(zip(("positive", "negative"), self._texts, strict=True))
            ],
            "models": [ModelRef("4", "ckpt_name", "checkpoints", "sd_xl_base.safetensors", 6_938_078_334, 1, MODEL)],
            "executed": [str(node) for node in range(1, NODES)],
            "timings": predicate.Timings(3.0, at.wall_ns, at.wall_ns + 4_000_000_000, 4000.0),
            "edges": edges,
        }
        self._history.append((execution, name.removeprefix("sha256:")))
        return Run(execution, documents, submission, [output], thumbnail, completion)

    def _documents(self, seed: int) -> dict[str, bytes]:
        self._workflow["nodes"][2]["widgets_values"][0] = seed
        self._workflow["nodes"][5]["widgets_values"][0] = self._texts[0]
        self._prompt["3"]["inputs"]["seed"] = seed
        self._prompt["6"]["inputs"]["text"] = self._texts[0]
        return {"workflow": snapshot_bytes(self._workflow), "prompt": snapshot_bytes(self._prompt)}

    def _output(self, number: int, thumbnail: bytes) -> Output:
        sha256 = digest("output", number)
        facts = FileFacts(
            sha256=sha256,
            size=1_400_000,
            mtime_ns=START_NS,
            media_type="image/png",
            width=1024,
            height=1024,
            pixels=digest("pixels", sha256),
            perceptual=digest("looks", number)[:16],
        )
        file = FileRef("output", "", f"ComfyUI_{number:05}_.png")
        return Output("9", "images", 0, file, facts, thumbnail=sha256_hex(thumbnail) if thumbnail else None)

    def _text(self) -> str:
        if self._dice.random() < 0.3:
            return "".join(_common(self._dice, CHINESE) for _ in range(40))
        return " ".join(_common(self._dice, WORDS) for _ in range(30))


def _common(dice: random.Random, words: Sequence[str]) -> str:
    """One of the words, the nth as often as 1/n: as words are in any language."""
    return words[int((len(words) + 1) ** dice.random()) - 1]


def digest(*names: object) -> str:
    """A SHA-256 that stands for a file that is not really there."""
    return hashlib.sha256(repr(names).encode()).hexdigest()


MODEL = digest("model")


def _uuid(dice: random.Random) -> str:
    text = f"{dice.getrandbits(128):032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _graph(dice: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """A UI workflow of 16.5 KB and the API prompt that the page makes of it."""
    nodes, prompt = [], {}
    for number in range(1, NODES + 1):
        names = ("model", "positive", "negative", "latent_image")
        text = " ".join(dice.choice(WORDS) for _ in range(14))
        values = [dice.getrandbits(64), "randomize", 20, 7.5, "euler", "normal", 1.0, text]
        kind = f"KSampler{number % 7}"
        nodes.append(
            {
                "id": number,
                "type": kind,
                "pos": [dice.randrange(2000) + 0.5, dice.randrange(2000)],
                "size": [315, 262],
                "flags": {},
                "order": number,
                "mode": 0,
                "inputs": [
                    {"localized_name": name, "name": name, "type": name.upper(), "link": number * 4 + place}
                    for place, name in enumerate(names)
                ],
                "outputs": [{"localized_name": "LATENT", "name": "LATENT", "type": "LATENT", "links": [number]}],
                "properties": {"Node name for S&R": kind, "cnr_id": "comfy-core", "ver": "0.3.64"},
                "widgets_values": values,
            }
        )
        linked = {name: [str(max(number - place - 1, 1)), 0] for place, name in enumerate(names)}
        widgets = zip(
            ("seed", "control", "steps", "cfg", "sampler_name", "scheduler", "denoise", "text"), values, strict=True
        )
        prompt[str(number)] = {"inputs": {**dict(widgets), **linked}, "class_type": kind, "_meta": {"title": kind}}
    links = [[number, number % NODES, 0, (number + 1) % NODES, number % 4, "LATENT"] for number in range(NODES * 3)]
    workflow = {"id": _uuid(dice), "revision": 0, "last_node_id": NODES, "last_link_id": NODES * 3, "nodes": nodes}
    canvas = {"ds": {"scale": 0.75, "offset": [120.5, -33.25]}, "frontendVersion": "1.27.10"}
    workflow |= {"links": links, "groups": [], "config": {}, "extra": canvas, "version": 0.4}
    return workflow, prompt
