"""Writes runs into a ledger as the pipeline does, without a host."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from comfy_provenance.provenance.model import (
    Asset,
    Basis,
    Decision,
    Edge,
    FileFacts,
    FileRef,
    Instant,
    Kind,
    ModelRef,
    Output,
    PromptVersion,
    Relation,
    SignedHead,
    Status,
    Token,
)
from comfy_provenance.provenance.record import attested, imports, outcome, predicate, recordings, releases
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store.ledger import Binding, Ledger

SEED = b"store tests, never used elsewhere"[:32]


def genesis_of(signer: Signer) -> Callable[[Binding], predicate.Body]:
    return lambda binding: predicate.genesis(
        at=Instant(1_700_000_000_000_000_000, 0),
        writer=signer.public.writer_id,
        public_key=signer.public.pem,
        software="comfy-provenance",
        version="0",
    )


def digest_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


@dataclass
class Recorder:
    """Writes entries of every kind. Digests are made of names, clocks of a counter."""

    ledger: Ledger
    ticks: Iterator[int] = field(default_factory=itertools.count)

    def now(self) -> Instant:
        tick = next(self.ticks)
        return Instant(1_700_000_000_000_000_000 + tick * 1_000_000, tick)

    def submit(
        self,
        run: str,
        parent: str | None = None,
        prompt_id: str | None = None,
        known: bool = True,
        repeats: predicate.Repeats | None = None,
    ) -> int:
        documents = {name: f'{{"{name}": "{run}"}}'.encode() for name in ("workflow", "prompt")}
        objects = {name: self.ledger.objects.prepare(data, "application/json") for name, data in documents.items()}
        body = predicate.submission(
            session="s1",
            at=self.now(),
            execution=run,
            prompt_id=prompt_id or run,
            number=1,
            accepted=self.now(),
            workflow=objects["workflow"].digest,
            prompt=objects["prompt"].digest,
            extra=None,
            packs={},
            redactions=(),
            parent=None if parent is None else predicate.Parent(parent, known, Basis.DECLARED, "workflow"),
            repeats=repeats,
            edges=[Edge(run, parent, Relation.REVISION_OF, Basis.DECLARED, "workflow")] if parent else (),
        )
        return self.ledger.append(Kind.SUBMISSION, lambda binding: body, objects=tuple(objects.values())).index

    def complete(self, run: str, submission: int, status: Status = Status.SUCCESS, **said: Any) -> int:
        body = predicate.completion(
            session="s1",
            at=self.now(),
            execution=run,
            submission=submission,
            prompt_document=digest_of("prompt"),
            status=status,
            timings=predicate.Timings(started_ns=1, ended_ns=2, duration_ms=1.5),
            **said,
        )
        return self.ledger.append(Kind.COMPLETION, lambda binding: body).index

    def run(self, run: str, parent: str | None = None, made: Sequence[str] = (), **said: Any) -> str:
        """A whole run that made the named files at node 9; returns its id."""
        outputs = [output(name) for name in made]
        names = [f"sha256:{digest_of(name)}" for name in made]
        generated = [Edge(name, run, Relation.GENERATED, Basis.OBSERVED, "file", via=("9",)) for name in names]
        edges = [*generated, *said.pop("edges", ())]
        self.complete(run, self.submit(run, parent), outputs=outputs, edges=edges, **said)
        return run

    def decide(self, run: str, decision: Decision, output: str | None = None, **said: Any) -> int:
        body = predicate.decision(
            session="s1",
            at=self.now(),
            execution=run,
            prompt_document=digest_of("prompt"),
            output=output,
            decision=decision,
            **said,
        )
        return self.ledger.append(Kind.DECISION, lambda binding: body).index

    def replay(self, run: str, original: str, completion: int, **said: Any) -> int:
        body = outcome.replay(
            session="s1",
            at=self.now(),
            execution=run,
            original=original,
            completion=completion,
            prompt_document=digest_of("prompt"),
            comparison=outcome.Comparison(**said),
        )
        return self.ledger.append(Kind.REPLAY, lambda binding: body).index

    def release(self, *names: str, **said: Any) -> int:
        """Let go of the objects of these names."""
        objects = [
            releases.Released(digest_of(name), releases.Role.OUTPUT, releases.Reason.REJECTED, 5) for name in names
        ]
        body = releases.release(session="s1", at=self.now(), wish=releases.Wish(**said), objects=objects)
        return self.ledger.append(Kind.RELEASE, lambda binding: body).index

    def bring(self, name: str, basis: Basis = Basis.DECLARED, **said: Any) -> int:
        file = imports.BroughtFile(name, facts(name))
        body = imports.predicate(session="s1", at=self.now(), file=file, basis=basis, source="cli", **said)
        return self.ledger.append(Kind.IMPORT, lambda binding: body).index

    def film(
        self, recording: str, step: recordings.Capture | recordings.Chunk | recordings.Ending, previous: int | None
    ) -> int:
        before = None if previous is None else recordings.Previous(previous, None)
        body = recordings.predicate(session="s1", at=self.now(), recording=recording, step=step, previous=before)
        return self.ledger.append(Kind.RECORDING, lambda binding: body).index

    def everything(self) -> None:
        """At least one row in every index table."""
        host = {"session": "s1", "host": "ComfyUI", "host_version": "0.3.64"}
        session = predicate.session(at=self.now(), event="start", environment=digest_of("machine"), **host)
        self.ledger.append(Kind.SESSION, lambda binding: session)
        self.run("run-1", made=["a.png"], prompts=[prompt("a cat")])
        self.run(
            "run-2",
            parent="run-1",
            made=["b.png"],
            prompts=[prompt("Ein ＣＡＴ"), prompt(None, node="7")],
            used=[Asset("10", "image", "a.png [output]", FileRef("output", "", "a.png"), facts("a.png"), "0" * 64)],
            models=[ModelRef("4", "ckpt_name", "checkpoints", "sd.safetensors", 5, 6)],
            edges=[Edge("run-2", f"sha256:{digest_of('a.png')}", Relation.USED, Basis.OBSERVED, "file", via=("10",))],
        )
        failed = predicate.Failure("RuntimeError", "out of memory")
        self.complete("run-4", self.submit("run-4"), Status.ERROR, error=failed)
        self.submit("run-3", parent="gone", known=False)
        model = predicate.model(
            session="s1",
            at=self.now(),
            folder="checkpoints",
            name="sd.safetensors",
            size=5,
            mtime_ns=6,
            sha256=digest_of("sd"),
            executions=["run-2"],
            edges=[Edge("run-2", f"sha256:{digest_of('sd')}", Relation.USED_MODEL, Basis.OBSERVED, "file")],
        )
        self.ledger.append(Kind.MODEL, lambda binding: model)
        intent = predicate.intent(session="s1", at=self.now(), text="A quiet Kätzchen", title="Cats", execution="run-2")
        self.ledger.append(Kind.INTENT, lambda binding: intent)
        self.decide("run-1", Decision.KEEP, output=digest_of("a.png"), reason="Das Licht, 光线")
        self.decide("run-2", Decision.RATE, rating=4)
        self.decide("run-2", Decision.LABEL, label="Evening")
        again = self.submit("run-5", repeats=predicate.Repeats("run-1", True, "sheet-1", 0, 4))
        pair = outcome.OutputPair("9", "images", 0, digest_of("a.png"), digest_of("a.png"), outcome.Verdict.SAME_BYTES)
        self.replay("run-5", "run-1", self.complete("run-5", again, outputs=[output("a.png")]), outputs=[pair])
        source = imports.Source(digest_of("b.png"), "run-2", None, Basis.DECLARED, "author")
        self.bring("b-edited.png", of=[source], note="retouched")
        started = self.film("film", recordings.Capture("video/webm", "window"), None)
        self.film("film", recordings.Chunk(0, 0, 4, digest_of("chunk")), started)
        head = SignedHead(digest_of("note"), 5, digest_of("root"))
        said = Token("1.2.3", "1", self.now().wall_ns, 1_000_000, "ff", "sha256", head.object, "CN=Authority")
        anchor = attested.anchor(
            session="s1",
            at=self.now(),
            checkpoint=head,
            token=digest_of("token"),
            said=said,
            authority="Authority",
            url="https://tsa.example/tsr",
            requested=True,
        )
        self.ledger.append(Kind.ANCHOR, lambda binding: anchor)
        witness = attested.witness(
            session="s1", at=self.now(), checkpoint=head, name="a/b", public_key="PEM", cosigned_s=1, label="李"
        )
        self.ledger.append(Kind.WITNESS, lambda binding: witness)
        gap = predicate.gap(session="s1", at=self.now(), reason="disk-full", missed=predicate.Missed(3, 1, 1))
        self.ledger.append(Kind.GAP, lambda binding: gap)
        self.release("copy")


def facts(name: str, perceptual: str | None = None) -> FileFacts:
    return FileFacts(
        sha256=digest_of(name),
        size=100,
        mtime_ns=1,
        media_type="image/png",
        width=64,
        height=32,
        pixels=digest_of("pixels of " + name),
        perceptual=perceptual or digest_of(name)[:16],
    )


def output(name: str, node: str = "9", reused: bool = False) -> Output:
    return Output(node, "images", 0, FileRef("output", "", name), facts(name), thumbnail=None, kept=None, reused=reused)


def prompt(text: str | None, node: str = "6") -> PromptVersion:
    return PromptVersion(node, "text", "CLIPTextEncode", "positive", "literal" if text else "linked", text)
