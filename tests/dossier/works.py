"""A ledger in which somebody made a small work the way an illustrator would, and something else beside it.

Written by the code that writes real ones: an idea and its revision, prompt versions, two models, candidates of which
some are kept and some rejected with reasons, a failure, an interruption, a region painted over, an edit in another
program, a pause, a gap, a time token in the middle, and a run of another work.
"""

from __future__ import annotations

import io
import json
import random
import time
from pathlib import Path

from comfy_provenance.provenance import canonical
from comfy_provenance.provenance.model import (
    Asset,
    Basis,
    Decision,
    Edge,
    FileRef,
    Kind,
    Mask,
    ModelRef,
    PromptVersion,
    Relation,
    Status,
    system_clock,
)
from comfy_provenance.provenance.record import attested, files, imports, predicate
from comfy_provenance.provenance.seal import checkpoint, cosign, timestamp
from comfy_provenance.provenance.seal.keys import Signer, create
from comfy_provenance.provenance.store import place
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.tests.authorities import Authority
from comfy_provenance.tests.sm2 import Sm2Authority
from comfy_provenance.tests.unit.present.conftest import SESSION, Story, graph, picture, run_id
from PIL import Image

IDEA = "A lighthouse keeper's cat that has outlived the lighthouse."
BETTER_IDEA = "The cat keeps the light now: dusk, one warm window, no people."
SKETCH_TEXT = "confidential client sketch"
MODELS = ("sd15.safetensors", "painter_xl.safetensors")
TEXTS = (
    "a cat in a lighthouse",
    "an old cat in a lighthouse, dusk",
    "an old cat at the window of a lighthouse, dusk",
    "an old cat at the only lit window of a lighthouse, dusk, calm sea",
)


class Illustrator(Story):
    """Appends the work to a ledger in a ComfyUI folder."""

    def at(self):
        """The machine's own clocks, which a time token has to agree with."""
        return system_clock()

    def say(self, kind: Kind, body, objects=()):
        return self.ledger.append(kind, lambda binding: body, objects=list(objects))

    def idea(self, text, title=None, revises=None, execution=None, references=()):
        body = predicate.intent(
            session=SESSION, at=self.at(), text=text, title=title, execution=execution, revises=revises, source="page",
            references=references,
        )  # fmt: skip
        return self.say(Kind.INTENT, body).index

    def decide(self, number, decision, reason=None, output=True, **said):
        made = self.outputs.get(run_id(number))
        body = predicate.decision(
            session=SESSION,
            at=self.at(),
            execution=run_id(number),
            prompt_document=canonical.sha256_hex(b"prompt"),
            output=made.facts.sha256 if output and made is not None and decision is not Decision.LABEL else None,
            decision=decision,
            reason=reason,
            **said,
        )
        return self.say(Kind.DECISION, body).index

    def paint(self, number, parent=None, text=TEXTS[0], model=0, source=None, mask=None, reference=None, **changes):
        """One run that ends well and makes one picture."""
        prompt = graph(text=text, **changes)
        prompt["1"]["inputs"]["ckpt_name"] = MODELS[model]
        submitted = self.submit(number, prompt, None if parent is None else run_id(parent))
        output, thumbnail = self.save(number, f"light_{number:05d}_.png")
        objects, used = [thumbnail], []
        target = f"sha256:{output.facts.sha256}"
        edges = [Edge(target, run_id(number), Relation.GENERATED, Basis.OBSERVED, "reported", None, ("9",))]
        if source is not None:
            before = self.outputs[run_id(source)]
            data = (self.root / "output" / before.file.filename).read_bytes()
            shape = (
                None if mask is None else Mask("alpha", canonical.sha256_hex(mask), 0.25, Basis.OBSERVED, ("5", "4"))
            )
            used.append(
                Asset("5", "image", before.file.filename, before.file, before.facts, before.facts.sha256, mask=shape)
            )
            edges.append(
                Edge(
                    target,
                    f"sha256:{before.facts.sha256}",
                    Relation.DERIVED_FROM,
                    Basis.OBSERVED,
                    "sha256",
                    None,
                    ("5", "9"),
                )
            )
            objects += [(data, "image/png"), *([] if mask is None else [(mask, "image/png")])]
        if reference is not None:
            path = self.root / "input" / "sketch.png"
            path.write_bytes(reference)
            read = files.look(path)
            used.append(
                Asset("6", "image", "sketch.png", FileRef("input", "", "sketch.png"), read.facts, read.facts.sha256)
            )
            objects.append((reference, "image/png"))
        self.end(number, submitted, text, model, outputs=[output], used=used, edges=edges, objects=objects)
        self.outputs[run_id(number)] = output
        return output

    def end(self, number, submitted, text, model, status=Status.SUCCESS, objects=(), **said):
        entry, document = submitted
        body = predicate.completion(
            session=SESSION,
            at=self.at(),
            execution=run_id(number),
            submission=entry.index,
            prompt_document=canonical.sha256_hex(document),
            status=status,
            prompts=[
                PromptVersion("2", "text", "CLIPTextEncode", "positive", "literal", text),
                PromptVersion("3", "text", "CLIPTextEncode", "negative", "literal", "blurry"),
            ],
            models=[ModelRef("1", "ckpt_name", "checkpoints", MODELS[model], 5_000_000, 7)],
            executed=["4", "9"],
            timings=predicate.Timings(12.0, None, None, 4200.0),
            error=predicate.Failure("OutOfMemoryError", "not enough memory", "4") if status is Status.ERROR else None,
            **said,
        )
        self.say(Kind.COMPLETION, body, objects)

    def unfinished(self, number, parent, status, text=TEXTS[0]):
        self.end(number, self.submit(number, graph(seed=number, text=text), run_id(parent)), text, 0, status)

    def fingerprint(self, which, runs):
        body = predicate.model(
            session=SESSION, at=self.at(), folder="checkpoints", name=MODELS[which], size=5_000_000, mtime_ns=7,
            sha256=canonical.sha256_hex(MODELS[which].encode()), executions=[run_id(run) for run in runs],
        )  # fmt: skip
        self.say(Kind.MODEL, body)

    def edit(self, of, note, name="lighthouse_final.png"):
        """A file finished in another program, with its project file."""
        path = self.root / name
        before = self.outputs[run_id(of)]
        image = Image.open(io.BytesIO((self.root / "output" / before.file.filename).read_bytes())).rotate(3)
        image.save(path)
        read = files.look(path)
        data = path.read_bytes()
        project = self.root / "lighthouse.psd"
        project.write_bytes(b"8BPS" + random.Random(8).randbytes(20_000))
        psd = files.look(project)
        brought = imports.BroughtFile(
            name, read.facts, canonical.sha256_hex(read.thumbnail), canonical.sha256_hex(data), uploaded=True
        )
        source = imports.Source(
            before.facts.sha256, run_id(of), None, Basis.DECLARED, "author", before.thumbnail, None, None
        )
        body = imports.predicate(
            session=SESSION,
            at=self.at(),
            file=brought,
            basis=Basis.DECLARED,
            source="page",
            project=imports.BroughtFile(project.name, psd.facts, None, psd.facts.sha256),
            of=[source],
            stage="finished",
            note=note,
        )
        kept = [(read.thumbnail, "image/webp"), (data, "image/png"), (project.read_bytes(), "application/octet-stream")]
        self.say(Kind.IMPORT, body, kept)
        return read.facts.sha256

    def anchor(self, authority: Authority, name="Test Authority"):
        """A time token of a real authority over the newest checkpoint."""
        note = self.ledger.index.latest_checkpoint()
        signed = self._head(note)
        token = timestamp.token_of(authority.reply(timestamp.request(note).der))
        body = attested.anchor(
            session=SESSION, at=self.at(), checkpoint=signed, token=canonical.sha256_hex(token),
            said=timestamp.read(token), authority=name, url="https://tsa.example/tsr", requested=True,
        )  # fmt: skip
        return self.say(Kind.ANCHOR, body, [(note, "text/plain"), (token, "application/timestamp-token")]).index

    def bring_token(self, sm2: Sm2Authority, name="SM2 Authority"):
        """A token by SM2 that was made elsewhere, over the newest checkpoint."""
        note = self.ledger.index.latest_checkpoint()
        token = sm2.token(note)
        body = attested.anchor(
            session=SESSION, at=self.at(), checkpoint=self._head(note), token=canonical.sha256_hex(token),
            said=timestamp.read(token), authority=name, url=None, requested=False, signature_checked=False,
        )  # fmt: skip
        return self.say(Kind.ANCHOR, body, [(note, "text/plain"), (token, "application/timestamp-token")]).index

    def cosigned(self, witness: Signer, label=None):
        """A colleague's cosignature over the newest checkpoint."""
        name = checkpoint.origin_of(witness.public)
        at_s = int(time.time())
        note = cosign.add(self.ledger.index.latest_checkpoint(), self.ledger.public, name, witness, at_s)
        body = attested.witness(
            session=SESSION, at=self.at(), checkpoint=self._head(note), name=name, public_key=witness.public.pem,
            cosigned_s=at_s, label=label,
        )  # fmt: skip
        return self.say(Kind.WITNESS, body, [(note, "text/plain")]).index

    def _head(self, note):
        head = checkpoint.open(note, self.ledger.public)
        return attested.SignedHead(canonical.sha256_hex(note), head.size, head.root.hex())


def mask_picture() -> bytes:
    """A grey picture, white in one quarter."""
    image = Image.new("L", (64, 48))
    image.paste(255, (0, 0, 32, 24))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def begin(root: Path) -> Illustrator:
    """A ComfyUI folder with a new ledger, its key and its session."""
    for folder in ("custom_nodes", "output", "input", "models/checkpoints", "user/secret"):
        (root / folder).mkdir(parents=True)
    story = Illustrator(root, None)
    key = root / "user" / "secret" / "signing-key.pem"
    signer = create(key)
    home = root / "user" / "__provenance"

    def genesis(binding):
        return predicate.genesis(
            at=story.at(), writer=signer.public.writer_id, public_key=signer.public.pem,
            software="comfy-provenance", version="0",
        )  # fmt: skip

    story.ledger = Ledger.create(home, signer, genesis)
    place.claim(place.Place(str(home), None, signer.public.writer_id, str(key)), "ledger.sqlite3")
    survey = {
        "comfyui": {"version": "0.19.3"},
        "python": {"version": "3.11.7"},
        "packs": {"some_pack": {"version": "1"}},
    }
    data = json.dumps(survey, sort_keys=True).encode()
    for event, objects in (("start", ()), ("environment", ((data, "application/json"),))):
        body = predicate.session(
            session=SESSION, at=story.at(), event=event, host="ComfyUI", host_version="0.19.3",
            environment=canonical.sha256_hex(data) if objects else None,
        )  # fmt: skip
        story.say(Kind.SESSION, body, objects)
    return story


def make(root: Path, authority: Authority | None = None) -> Illustrator:
    """The whole work. Runs 1 to 12 belong to it, run 20 to another. The final file is `lighthouse_final.png`."""
    story = begin(root)
    first = story.idea(IDEA, "Keeper")
    story.idea(BETTER_IDEA, "Keeper", revises=first)
    story.paint(20, text="an unrelated dragon", seed=99)
    story.paint(1)
    story.paint(2, 1, TEXTS[1], seed=2)
    story.fingerprint(0, [1, 2])
    story.unfinished(3, 2, Status.ERROR)
    if authority is not None:
        story.anchor(authority)
    story.paint(4, 2, TEXTS[2], seed=2, reference=picture(77))
    for number in (5, 6, 7):
        story.paint(number, 4, TEXTS[2], seed=number)
    story.unfinished(8, 4, Status.INTERRUPTED)
    story.decide(5, Decision.REJECT, "the window is too bright")
    story.decide(6, Decision.KEEP, "one lit window, as meant")
    story.decide(6, Decision.RATE, rating=5)
    story.decide(6, Decision.LABEL, label="Evening")
    for event in ("pause", "resume"):
        story.say(
            Kind.SESSION,
            predicate.session(
                session=SESSION, at=story.at(), event=event, host="ComfyUI", host_version="0.19.3", reason="lunch"
            ),
        )
    story.paint(9, 6, TEXTS[3], model=1, seed=9)
    story.paint(10, 9, TEXTS[3], model=1, seed=10, source=9, mask=mask_picture())
    story.fingerprint(1, [9, 10])
    gap = predicate.gap(
        session=SESSION,
        at=story.at(),
        reason="disk-full",
        missed=predicate.Missed(3, 1, 1),
        since=story.at(),
        until=story.at(),
    )
    story.say(Kind.GAP, gap)
    story.decide(10, Decision.KEEP, "the hand-painted light works")
    story.final = story.edit(10, "painted the sea again, straightened the horizon")
    if authority is not None:
        story.anchor(authority)
    story.paint(11, 10, TEXTS[3], model=1, seed=11)
    return story
