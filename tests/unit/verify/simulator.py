"""A writer and its log in memory: real keys, envelopes, tree and checkpoints, real predicates; no disk, no clock.

`SimulatedLog.session()` records what a small real session would. Attack tests then change `entries`, `objects` or
`note` and hand the log, which is a `verify` reader, to the verifier.
"""

from __future__ import annotations

from typing import Any

from comfy_provenance.provenance.canonical import sha256_hex
from comfy_provenance.provenance.errors import NotFound
from comfy_provenance.provenance.model import (
    Basis,
    Decision,
    FileFacts,
    FileRef,
    Instant,
    Kind,
    Output,
    SignedHead,
    Status,
    Token,
)
from comfy_provenance.provenance.record import attested, outcome, predicate, releases, schema
from comfy_provenance.provenance.seal import checkpoint, dsse, timestamp
from comfy_provenance.provenance.seal.keys import PublicKey, Signer
from comfy_provenance.provenance.seal.merkle import Frontier, leaf_hash
from comfy_provenance.provenance.verify.verifier import Report, verify

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
Body = tuple[list[dict[str, Any]], dict[str, Any]]


class SimulatedLog:
    """One writer's log. Every entry takes one second of both clocks."""

    def __init__(self, seed: int = 1) -> None:
        self.signer = Signer.from_seed(bytes([seed]) * 32)
        self.entries: list[bytes] = []
        self.objects: dict[str, bytes] = {}
        self.tree = Frontier()
        self.note = b""
        self.now = Instant(START, 5 * SECOND)

    # the reader's three methods

    def checkpoint(self) -> bytes:
        if not self.note:
            raise NotFound("no checkpoint")
        return self.note

    def entry(self, index: int) -> bytes:
        if not 0 <= index < len(self.entries) or not self.entries[index]:
            raise NotFound(f"no entry {index}")
        return self.entries[index]

    def object(self, digest: str) -> bytes | None:
        return self.objects.get(digest)

    # writing

    @property
    def public(self) -> PublicKey:
        return self.signer.public

    @property
    def origin(self) -> str:
        return checkpoint.origin_of(self.public)

    def binding(self) -> dict[str, Any]:
        return {"origin": self.origin, "index": self.tree.size, "root": self.tree.root.hex()}

    def envelope(self, kind: Kind | str, body: Body, **changes: Any) -> bytes:
        """The next entry's bytes, with members of the predicate replaced; a change to `...` leaves a member out."""
        subject, said = body
        said = {"log": self.binding(), **said, **changes}
        said = {name: value for name, value in said.items() if value is not ...}
        uri = schema.predicate_type(kind) if isinstance(kind, Kind) else kind
        return dsse.seal(dsse.statement(subject, uri, said), self.signer)

    def append(self, kind: Kind | str, body: Body, **changes: Any) -> int:
        return self.append_raw(self.envelope(kind, body, **changes))

    def append_raw(self, envelope: bytes) -> int:
        self.entries.append(envelope)
        self.tree = self.tree.append(leaf_hash(envelope))
        self.sign_checkpoint()
        return self.tree.size - 1

    def sign_checkpoint(self) -> None:
        self.note = checkpoint.sign(self.origin, self.tree.size, self.tree.root, self.signer)

    def rebuild_tree(self) -> None:
        """What a writer who holds the key can always do: sign a checkpoint over whatever the entries are now."""
        self.tree = Frontier()
        for envelope in self.entries:
            self.tree = self.tree.append(leaf_hash(envelope))
        self.sign_checkpoint()

    def tick(self) -> Instant:
        self.now = Instant(self.now.wall_ns + SECOND, self.now.monotonic_ns + SECOND)
        return self.now

    def keep(self, data: bytes) -> str:
        digest = sha256_hex(data)
        self.objects[digest] = data
        return digest

    # what a session consists of

    def genesis(self, **changes: Any) -> int:
        body = predicate.genesis(
            at=self.tick(), writer=self.public.writer_id, public_key=self.public.pem, software="test", version="1"
        )
        return self.append(Kind.GENESIS, body, **changes)

    def event(self, event: str, session: str = "s1", **changes: Any) -> int:
        environment = self.keep(b'{"python":"3.11"}') if event == "start" else None
        body = predicate.session(
            session=session, at=self.tick(), event=event, host="ComfyUI", host_version="1", environment=environment
        )
        return self.append(Kind.SESSION, body, **changes)

    def submission_body(self, execution: str, session: str = "s1") -> Body:
        return predicate.submission(
            session=session,
            at=self.tick(),
            execution=execution,
            prompt_id=execution,
            number=1,
            accepted=self.now,
            workflow=self.keep(f'{{"workflow":"{execution}"}}'.encode()),
            prompt=self.keep(f'{{"prompt":"{execution}"}}'.encode()),
            extra=None,
            packs={"KSampler": None},
            redactions=(),
            parent=predicate.Parent("e0", False, Basis.DECLARED, "workflow"),
        )

    def submit(self, execution: str, session: str = "s1", /, **changes: Any) -> int:
        return self.append(Kind.SUBMISSION, self.submission_body(execution, session), **changes)

    def decide(self, execution: str, decision: Decision = Decision.KEEP, session: str = "s1", **changes: Any) -> int:
        document = sha256_hex(f'{{"prompt":"{execution}"}}'.encode())
        body = predicate.decision(
            session=session,
            at=self.tick(),
            execution=execution,
            prompt_document=document,
            output=None,
            decision=decision,
        )
        return self.append(Kind.DECISION, body, **changes)

    def completion_body(self, execution: str, entry: int, session: str = "s1") -> Body:
        picture = f"picture of {execution}".encode()
        facts = FileFacts(sha256_hex(picture), len(picture), START, "image/png", 64, 64)
        output = Output(
            "9",
            "images",
            0,
            FileRef("output", "", f"{execution}.png"),
            facts,
            thumbnail=self.keep(b"thumbnail of " + picture),
            kept=self.keep(picture),
        )
        return predicate.completion(
            session=session,
            at=self.tick(),
            execution=execution,
            submission=entry,
            prompt_document=sha256_hex(b"unused"),
            status=Status.SUCCESS,
            outputs=(output,),
            observations=self.keep(f'{{"seen":"{execution}"}}'.encode()),
        )

    def replay(self, execution: str, original: str, completion: int, session: str = "s1", **changes: Any) -> int:
        body = outcome.replay(
            session=session,
            at=self.tick(),
            execution=execution,
            original=original,
            completion=completion,
            prompt_document=sha256_hex(b"unused"),
            comparison=outcome.Comparison(),
        )
        return self.append(Kind.REPLAY, body, **changes)

    def complete(self, execution: str, entry: int, session: str = "s1", /, **changes: Any) -> int:
        return self.append(Kind.COMPLETION, self.completion_body(execution, entry, session), **changes)

    def intent(self, text: str = "a cat of crystal", session: str = "s1", **changes: Any) -> int:
        return self.append(Kind.INTENT, predicate.intent(session=session, at=self.tick(), text=text), **changes)

    def anchor(
        self,
        token: bytes,
        note: bytes,
        *,
        said: Token | None = None,
        requested: bool = False,
        session: str = "s1",
        **changes: Any,
    ) -> int:
        """An anchor over a checkpoint's note. said: what the entry says of the token, if not what the token says."""
        head = _head(note)
        body = attested.anchor(
            session=session,
            at=self.tick(),
            checkpoint=SignedHead(self.keep(note), head.size, head.root.hex()),
            token=self.keep(token),
            said=said or timestamp.read(token),
            authority="Test",
            url=None,
            requested=requested,
        )
        return self.append(Kind.ANCHOR, body, **changes)

    def witness(self, note: bytes, name: str, public: PublicKey, at_s: int, session: str = "s1", **changes: Any) -> int:
        head = _head(note)
        body = attested.witness(
            session=session,
            at=self.tick(),
            checkpoint=SignedHead(self.keep(note), head.size, head.root.hex()),
            name=name,
            public_key=public.pem,
            cosigned_s=at_s,
        )
        return self.append(Kind.WITNESS, body, **changes)

    def release(self, *digests: str, session: str = "s1", **changes: Any) -> int:
        objects = [releases.Released(digest, releases.Role.OUTPUT, releases.Reason.IN_PLACE, 1) for digest in digests]
        body = releases.release(session=session, at=self.tick(), wish=releases.Wish(), objects=objects)
        return self.append(Kind.RELEASE, body, **changes)

    def keep_again(self, *digests: str, session: str = "s1") -> int:
        objects = [(digest, releases.Role.OUTPUT, 1) for digest in digests]
        return self.append(Kind.RELEASE, releases.returned(session=session, at=self.tick(), objects=objects))

    def session(self, runs: int = 3, last: str = "stop") -> SimulatedLog:
        """Genesis, start, `runs` executions of two entries each, a `last` event: `3 + 2 * runs` entries."""
        self.genesis()
        self.event("start")
        for number in range(1, runs + 1):
            self.complete(f"e{number}", self.submit(f"e{number}"))
        self.event(last)
        return self

    # reading

    def verify(self, **options: Any) -> Report:
        return verify(self, self.public, **options)

    def found(self, **options: Any) -> list[tuple[str, int | None]]:
        """(code, entry) of each finding."""
        return [(finding.code, finding.entry) for finding in self.verify(**options).findings]


def _head(note: bytes) -> checkpoint.Checkpoint:
    return checkpoint.read_text(checkpoint.take_apart(note)[0])
