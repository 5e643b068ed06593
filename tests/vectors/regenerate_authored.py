"""Writes a small log in which the author states and brings in things of every kind, as plain files.

usage: python tests/vectors/regenerate_authored.py

A published vector is never regenerated for the same format: new releases must go on verifying the old one. Run this
only when a new format version gets a folder of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import conftest  # noqa: F401  makes the package importable
from comfy_provenance.provenance.canonical import sha256_hex
from comfy_provenance.provenance.model import Asset, Basis, Decision, FileFacts, FileRef, Kind, Mask, Output, Status
from comfy_provenance.provenance.record import imports, predicate, recordings
from comfy_provenance.provenance.record.likeness import Likeness
from comfy_provenance.provenance.record.redact import Mark
from comfy_provenance.tests.unit.verify.simulator import START, SimulatedLog

TARGET = Path(__file__).resolve().parent / "authored"
MARKER = "[redacted:hmac-sha256:0123456789abcdef]"


def facts(log: SimulatedLog, name: str, media_type: str = "image/png") -> FileFacts:
    data = name.encode()
    likeness = ("00ff00ff00ff00ff", sha256_hex(b"pixels of " + data)) if media_type == "image/png" else (None, None)
    return FileFacts(log.keep(data), len(data), START, media_type, 64, 48, likeness[1], likeness[0])


def story(log: SimulatedLog) -> None:
    """An idea in two versions, two candidates of which one is chosen, a mask, an edit of an edit, old files, a film."""
    log.genesis()
    log.event("start")
    said = {"session": "s1"}
    small = log.keep(b"small")
    sketch = imports.BroughtFile("草图.png", facts(log, "sketch"), small, log.keep(b"sketch"), uploaded=True)
    idea = predicate.intent(**said, at=log.tick(), text="一只水晶猫", title="猫", references=[sketch], source="page")
    first = log.append(Kind.INTENT, idea)
    again = predicate.intent(**said, at=log.tick(), text="黄昏的水晶猫", revises=first, source="cli")
    log.append(Kind.INTENT, again)
    made = {}
    for run in ("e1", "e2"):
        entry = log.submit(run)
        made[run] = facts(log, f"picture of {run}")
        mask = Mask("alpha", log.keep(b"mask"), 0.25, Basis.OBSERVED, ("1", "4"))
        loaded = Asset("1", "image", "masked.png", FileRef("input", "", "masked.png"), facts(log, "masked"), mask=mask)
        output = Output("9", "images", 0, FileRef("output", "", f"{run}.png"), made[run], thumbnail=small)
        done = {"execution": run, "submission": entry, "prompt_document": sha256_hex(b"unused")}
        body = predicate.completion(
            **said, at=log.tick(), **done, status=Status.SUCCESS, outputs=[output], used=[loaded]
        )
        log.append(Kind.COMPLETION, body)
    choice = {"decision": Decision.KEEP, "reason": "手最自然", "over": [("e2", made["e2"].sha256)]}
    document = {"execution": "e1", "prompt_document": sha256_hex(b"p"), "output": made["e1"].sha256}
    log.append(Kind.DECISION, predicate.decision(**said, at=log.tick(), **document, **choice))
    likeness = Likeness(False, 31.25, 0.9312, 64, 48, "scaled", "file", "composite")
    source = imports.Source(made["e1"].sha256, "e1", None, Basis.DECLARED, "author", small, None, likeness)
    edit = imports.BroughtFile("final.png", facts(log, "final"), small, log.keep(b"final"))
    project = imports.BroughtFile("final.kra", facts(log, "kra", "application/x-krita"), small, log.keep(b"kra"))
    entry = bring(log, edit, Basis.DECLARED, project=project, of=[source], stage="finished", note="修掉手指")
    unmeasured = imports.Source(
        edit.facts.sha256, None, entry, Basis.INFERRED, "file-name", small, problem="no picture", score=0.9
    )
    later = imports.BroughtFile("final 2.png", facts(log, "final 2"), problem="not kept: larger than 512 MiB")
    bring(log, later, Basis.INFERRED, of=[unmeasured], revises=entry, source="folder")
    claims = imports.Claims(
        "comfyui",
        prompt=log.keep(b'{"1":{"class_type":"KSampler","inputs":{"key":"' + MARKER.encode() + b'"}}}'),
        workflow=log.keep(b'{"nodes":[]}'),
        execution="elsewhere",
        parameters=(("seed", str(2**64 - 1)),),
        marks=(Mark("prompt", "/1/inputs/key", MARKER),),
    )
    bring(log, imports.BroughtFile("old.png", facts(log, "old")), Basis.AFTER_THE_FACT, claims=claims)
    film(log)
    log.event("stop")


def bring(log: SimulatedLog, file: imports.BroughtFile, basis: Basis, source: str = "cli", **more: object) -> int:
    body = imports.predicate(session="s1", at=log.tick(), file=file, basis=basis, source=source, **more)
    return log.append(Kind.IMPORT, body)


def film(log: SimulatedLog) -> None:
    pieces = [b"chunk 0", b"chunk 1"]
    steps: list[recordings.Capture | recordings.Chunk | recordings.Ending] = [
        recordings.Capture("video/webm;codecs=vp9", "window", 1280, 720, 15.0),
        *(recordings.Chunk(n, 7 * n, 7, log.keep(data), 4000.0 * (n + 1)) for n, data in enumerate(pieces)),
        recordings.Ending("author", 2, 14, sha256_hex(b"".join(pieces))),
    ]
    previous = None
    for step in steps:
        note = "蒙版" if previous is None else None
        body = recordings.predicate(
            session="s1", at=log.tick(), recording="r1", step=step, previous=previous, note=note
        )
        entry = log.append(Kind.RECORDING, body)
        previous = recordings.Previous(entry, getattr(step, "sha256", None))


def main() -> None:
    log = SimulatedLog(seed=3)
    story(log)
    objects = TARGET / "objects"
    objects.mkdir(parents=True, exist_ok=True)
    for index, envelope in enumerate(log.entries):
        (TARGET / f"{index:08}.dsse.json").write_bytes(envelope)
    for digest, data in log.objects.items():
        (objects / f"{digest}.bin").write_bytes(data)
    (TARGET / "checkpoint").write_bytes(log.note)
    (TARGET / "public.pem").write_text(log.public.pem, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
