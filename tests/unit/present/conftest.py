"""A small ComfyUI folder with a ledger of nine runs, made by the code that makes real ones."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from comfy_provenance.provenance import canonical
from comfy_provenance.provenance.model import (
    Asset,
    Basis,
    Edge,
    FileRef,
    Instant,
    Kind,
    ModelRef,
    Output,
    PromptVersion,
    Relation,
    Status,
)
from comfy_provenance.provenance.present.cli import main
from comfy_provenance.provenance.record import files, predicate
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store.ledger import Ledger
from PIL import Image, ImageDraw

START = 1_763_865_600_000_000_000  # 2025-11-23T02:40:00Z
SESSION = "11111111-2222-3333-4444-555555555555"
MODEL_SHA = "c" * 64


def run_id(number: int) -> str:
    """Runs 8 and 9 begin alike."""
    return f"{min(number, 8):04x}{'ab' * 2}-0000-4000-8000-{number:012x}"


def picture(number: int) -> bytes:
    image = Image.new("RGB", (64, 48))
    draw = ImageDraw.Draw(image)
    for step in range(12):
        shade = (step * 37 + number * 91) % 256
        draw.rectangle([step * 5, (step * number) % 40, step * 5 + 9, 48], fill=(shade, 255 - shade, number * 20 % 256))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def graph(seed=1, cfg=7.0, text="a castle in fog", image=None):
    nodes = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": ["1", 1]}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["1", 1]}},
        "4": {
            "class_type": "KSampler",
            "inputs": {"seed": seed, "cfg": cfg, "model": ["1", 0], "positive": ["2", 0], "negative": ["3", 0]},
        },
        "9": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "a"}},
    }
    if image is not None:
        nodes["5"] = {"class_type": "LoadImage", "inputs": {"image": image}}
    return nodes


@dataclass
class Story:
    """Appends runs to a ledger in a ComfyUI folder. `root` is that folder."""

    root: Path
    ledger: Ledger
    tick: int = 0
    outputs: dict[str, Output] = field(default_factory=dict)

    def at(self) -> Instant:
        self.tick += 1
        return Instant(START + self.tick * 1_000_000_000, self.tick)

    def submit(self, number, prompt, parent=None, workflow=True):
        document = canonical.snapshot_bytes(prompt)
        ui = canonical.snapshot_bytes({"nodes": [], "seed": 2**64 - 1, "run": number}) if workflow else None
        link = None if parent is None else predicate.Parent(parent, True, Basis.DECLARED, "workflow")
        said = predicate.submission(
            session=SESSION,
            at=self.at(),
            execution=run_id(number),
            prompt_id=run_id(number),
            number=number,
            accepted=self.at(),
            workflow=None if ui is None else canonical.sha256_hex(ui),
            prompt=canonical.sha256_hex(document),
            extra=None,
            packs={node["class_type"]: None for node in prompt.values()},
            redactions=[],
            parent=link,
            edges=[]
            if link is None
            else [Edge(run_id(number), parent, Relation.REVISION_OF, Basis.DECLARED, "workflow")],
        )
        objects = [(document, "application/json"), *([] if ui is None else [(ui, "application/json")])]
        return self.ledger.append(Kind.SUBMISSION, lambda binding: said, objects=objects), document

    def finish(self, number, submitted, status=Status.SUCCESS, outputs=(), used=(), prompts=(), edges=(), objects=()):
        entry, document = submitted
        said = predicate.completion(
            session=SESSION,
            at=self.at(),
            execution=run_id(number),
            submission=entry.index,
            prompt_document=canonical.sha256_hex(document),
            status=status,
            outputs=outputs,
            used=used,
            prompts=prompts,
            models=[ModelRef("1", "ckpt_name", "checkpoints", "sd15.safetensors", 5, 7, MODEL_SHA)],
            executed=["4", "9"],
            edges=edges,
            error=predicate.Failure("RuntimeError", "no", "4") if status is Status.ERROR else None,
        )
        self.ledger.append(Kind.COMPLETION, lambda binding: said, objects=list(objects))

    def save(self, number, name, data=None):
        path = self.root / "output" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(number) if data is None else data)
        read = files.look(path)
        subfolder, _, filename = name.rpartition("/")
        thumbnail = canonical.sha256_hex(read.thumbnail)
        output = Output("9", "images", 0, FileRef("output", subfolder, filename), read.facts, thumbnail)
        return output, (read.thumbnail, "image/webp")

    def image_run(self, number, parent=None, sources=(), workflow=True, name=None, data=None, **changes):
        prompt = graph(**changes)
        submitted = self.submit(number, prompt, parent, workflow)
        output, thumbnail = self.save(number, name or f"a_{number:05d}_.png", data)
        target = f"sha256:{output.facts.sha256}"
        used = [
            Asset(
                str(50 + place),
                "image",
                source.file.filename,
                FileRef("input", "", source.file.filename),
                source.facts,
                kept=source.facts.sha256,
            )
            for place, source in enumerate(sources)
        ]
        links = [Edge(target, run_id(number), Relation.GENERATED, Basis.OBSERVED, "history", None, ("9",))]
        links += [
            Edge(target, f"sha256:{source.facts.sha256}", Relation.DERIVED_FROM, Basis.OBSERVED, "sha256", None, ("9",))
            for source in sources
        ]
        texts = [
            PromptVersion("2", "text", "CLIPTextEncode", "positive", "literal", prompt["2"]["inputs"]["text"]),
            PromptVersion("3", "text", "CLIPTextEncode", "negative", "literal", "blurry"),
        ]
        kept = [((self.root / "output" / source.file.filename).read_bytes(), "image/png") for source in sources]
        self.finish(
            number, submitted, outputs=[output], used=used, prompts=texts, edges=links, objects=[thumbnail, *kept]
        )
        self.outputs[run_id(number)] = output
        return output


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """A ComfyUI folder: eight ended runs with a branch, a composite, a failure, a cached run and one that made the
    bytes of another, and one run left open."""
    root = tmp_path_factory.mktemp("comfy")
    for folder in ("custom_nodes", "output", "input", "models/checkpoints", "user"):
        (root / folder).mkdir(parents=True)
    signer = Signer.from_seed(bytes(range(32)))
    story = Story(root, None)

    def genesis(binding):
        return predicate.genesis(
            at=story.at(),
            writer=signer.public.writer_id,
            public_key=signer.public.pem,
            software="comfy-provenance",
            version="0",
        )

    story.ledger = Ledger.create(root / "user" / "__provenance", signer, genesis)
    started = predicate.session(session=SESSION, at=story.at(), event="start", host="ComfyUI", host_version="0.8.0")
    story.ledger.append(Kind.SESSION, lambda binding: started)
    survey = json.dumps({"comfyui": {"version": "0.8.0"}, "packs": {}}, sort_keys=True, separators=(",", ":")).encode()
    said = predicate.session(
        session=SESSION,
        at=story.at(),
        event="environment",
        host="ComfyUI",
        host_version="0.8.0",
        environment=canonical.sha256_hex(survey),
    )
    story.ledger.append(Kind.SESSION, lambda binding: said, objects=[(survey, "application/json")])
    first = story.image_run(1)
    story.image_run(2, run_id(1), seed=2)
    third = story.image_run(3, run_id(2), seed=2, text="a castle in fog, golden hour", name="sub/c.png")
    fourth = story.image_run(4, run_id(1), [first], image="a_00001_.png")
    story.outputs[run_id(3)] = third
    story.image_run(5, run_id(4), [fourth, first], workflow=False, image="a_00001_.png", cfg=5.5)
    story.finish(6, story.submit(6, graph(seed=6), run_id(5)), Status.ERROR)
    cached = story.submit(7, graph(), run_id(1))
    again = Output("9", "images", 0, first.file, first.facts, reused=True)
    link = Edge(f"sha256:{first.facts.sha256}", run_id(1), Relation.REUSED, Basis.OBSERVED, "execution_cached")
    story.finish(7, cached, outputs=[again], edges=[link])
    story.submit(8, graph(seed=8), run_id(7))
    story.image_run(9, seed=2, data=picture(2))
    story.ledger.close()
    return story


@pytest.fixture
def cli(recorded, capsys, monkeypatch):
    """Runs one command inside the ComfyUI folder and gives (exit code, stdout, stderr)."""
    monkeypatch.chdir(recorded.root)
    monkeypatch.delenv("COMFY_PROVENANCE_LEDGER", raising=False)

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        found = capsys.readouterr()
        return code, found.out, found.err

    return run


@pytest.fixture
def copied(recorded, tmp_path):
    """A private copy of the ComfyUI folder."""
    return Path(shutil.copytree(recorded.root, tmp_path / "copy"))
