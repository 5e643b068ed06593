"""The doors through which bytes from outside come in, each with sound bytes to begin from.

A door may refuse anything with an error of `provenance.errors`; nothing else may come out of it. `tests/property` tries
them on changed copies in every run of the tests, `make fuzz` lets a fuzzer look for the rest.
"""

from __future__ import annotations

import io
import json
import math
import struct
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from comfy_provenance.provenance import canonical
from comfy_provenance.provenance.errors import ProvenanceError
from comfy_provenance.provenance.model import NodeInput
from comfy_provenance.provenance.record import (
    assets,
    foreign,
    media,
    models,
    picture,
    predicate,
    projects,
    prompts,
    report,
    snapshot,
)
from comfy_provenance.provenance.record.graph import ApiGraph
from comfy_provenance.provenance.record.redact import Redactor
from comfy_provenance.provenance.seal import checkpoint, cosign, dsse, timestamp, tlog_proof
from comfy_provenance.provenance.store import deltas, names
from comfy_provenance.provenance.verify import dossier, statements
from comfy_provenance.tests.unit.verify.simulator import SimulatedLog
from PIL import Image, PngImagePlugin

LOG = SimulatedLog(seed=1).session(runs=2)
DECLARED = {"text": NodeInput("STRING", {"multiline": True}), "ckpt": NodeInput("COMBO", {}, ("a.safetensors",))}


@dataclass(frozen=True)
class Door:
    """`enter` takes any bytes. `seeds` are bytes that it takes for what they are."""

    enter: Callable[[bytes], object]
    seeds: Callable[[], list[bytes]]


def envelope(data: bytes) -> None:
    dsse.read_unverified(data)


def statement(data: bytes) -> None:
    """A payload that somebody signed: its signature is good, what it says may be anything."""
    said = statements.read(dsse.seal(data, LOG.signer), LOG.public)
    for _ in statements.objects(said):
        pass


def entry(data: bytes) -> None:
    """In place of an entry of a log that is checked as a whole: the check never raises."""
    log = SimulatedLog(seed=1).session(runs=1)
    log.entries[2] = data
    assert not log.verify().ok or data == SimulatedLog(seed=1).session(runs=1).entries[2]


def note(data: bytes) -> None:
    for door in (lambda: checkpoint.open(data, LOG.public), lambda: cosign.names_of(data, LOG.public)):
        with suppress(ProvenanceError):
            door()
    with suppress(ProvenanceError):
        cosign.open(data, "witness", LOG.public)


def token(data: bytes) -> None:
    with suppress(ProvenanceError):
        timestamp.token_of(data)
    timestamp.check(data, LOG.note)


def proof(data: bytes) -> None:
    tlog_proof.read(data)


def offer(data: bytes) -> None:
    cosign.read_offer(data)


def image(data: bytes) -> None:
    assert picture.look(data) is not None
    media.media_type(data[: media.HEAD], "x.png")


def project(data: bytes) -> None:
    for kind in ("image/vnd.adobe.photoshop", "application/x-krita", "image/openraster", "application/x-procreate"):
        projects.composite(io.BytesIO(data), kind)


def container(data: bytes) -> None:
    dossier.Dossier(io.BytesIO(data))


def safetensors(data: bytes) -> None:
    path = Path(_folder()) / "x.safetensors"
    path.write_bytes(data)
    found = models.safetensors_header(path)
    assert found is None or canonical.statement_bytes(found)


def workflow(data: bytes) -> None:
    """A graph as a client may post it, through all that reads it; what comes of it is always JSON."""
    found = json.loads(data)
    redactor = Redactor(b"salt", lambda class_type: ("text", "ckpt") if class_type == "A" else None)
    clean = redactor.graph(found, found, {"extra": found})
    kept = snapshot.build(clean)
    assert canonical.parse_json(kept.prompt) is not None or clean.prompt is None
    graph = ApiGraph(clean.prompt)
    folders = {name: _folder() for name in ("input", "output", "temp")}
    versions = prompts.find(graph, _inputs, tuple(graph.nodes)[:20], None, node_outputs=lambda name: ("STRING",))
    assets.find(graph, _inputs, folders)
    models.find(graph, _inputs, {"checkpoints": (_folder(),)}, frozenset({".safetensors"}), versions)
    for node in tuple(graph.nodes)[:20]:
        graph.upstream(node)
    for version in versions:
        canonical.statement_bytes(predicate._body([{"t": version.text}], None, _now(), {"x": version.node})[1])


def ending(data: bytes) -> None:
    """What a node pack may put into a run's result."""
    found = json.loads(data)
    for value in (found, {"outputs": found, "messages": found}, {"outputs": {"1": found}, "messages": [["m", found]]}):
        if isinstance(value, dict):
            report.parse(value)


def claims(data: bytes) -> None:
    """What other programs write into pictures and files."""
    text = data.decode("utf-8", "replace")
    foreign.of_texts({"parameters": text, "prompt": text, "workflow": text})
    foreign.of_json(data)
    foreign.infotext(text)


def stored(data: bytes) -> None:
    """What lies in the database, changed by somebody."""
    names.unpack(data)
    restored = deltas.restored(b"the base, which is sound" * 20, data, 1 << 16)
    assert len(restored) <= (1 << 16) + 1


def _inputs(class_type: str) -> dict[str, NodeInput] | None:
    return DECLARED if class_type in ("A", "KSampler", "CLIPTextEncode") else None


def _now() -> Any:
    return LOG.now


@cache
def _folder() -> str:
    return tempfile.mkdtemp(prefix="provenance-fuzz-")


def _pictures() -> list[bytes]:
    plain, made = Image.new("RGB", (16, 12), (9, 90, 200)), []
    texts = PngImagePlugin.PngInfo()
    texts.add_text("workflow", json.dumps({"extra": {"provenance": {"execution": "e1"}}}))
    texts.add_itxt("provenance", '{"v": 1, "execution": "e1"}', zip=True)
    texts.add_text("parameters", "a cat\nSteps: 20, Seed: 1", zip=True)
    exif = Image.Exif()
    exif[0x010E] = 'workflow:{"extra":{"provenance":{"execution":"e1"}}}'
    exif[0x9286] = b"UNICODE\0" + "parameters".encode("utf-16-be")
    for form, options in (("PNG", {"pnginfo": texts}), ("JPEG", {"exif": exif}), ("WEBP", {"exif": exif}), ("GIF", {})):
        out = io.BytesIO()
        plain.save(out, form, **options)
        made.append(out.getvalue())
    return made


def _graphs() -> list[bytes]:
    prompt = {
        "1": {"class_type": "A", "inputs": {"text": "a cat", "ckpt": "a.safetensors", "seed": 2**64 - 1}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "api_key": "x" * 20}},
    }
    page = {"nodes": [{"id": 1, "type": "A", "widgets_values": ["a", None]}], "links": [[1, 1, 0, 2, 0, "IMAGE"]]}
    odd = b'{"1":{"class_type":"A","inputs":{"x":NaN,"y":Infinity,"text":"\\ud83d","text":2,"z":[["1",0]]}}}'
    return [json.dumps(prompt).encode(), json.dumps(page).encode(), odd, b"[]", b"null"]


def _endings() -> list[bytes]:
    image = {"filename": "a.png", "subfolder": "", "type": "output"}
    error = {"exception_type": "E", "exception_message": "m", "traceback": ["t"], "node_id": "1", "executed": ["1"]}
    whole = {
        "outputs": {"9": {"images": [image], "text": ["t"], "animated": [True]}},
        "messages": [["execution_start", {"timestamp": 1.5}], ["execution_error", {**error, "timestamp": math.inf}]],
        "status_str": "error",
    }
    return [json.dumps(whole).encode(), json.dumps({"images": [image]}).encode()]


def _headers() -> list[bytes]:
    header = json.dumps(
        {
            "__metadata__": {"modelspec.title": "x", "ss_tag": "y" * 600},
            "w": {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]},
        }
    ).encode()
    return [struct.pack("<Q", len(header)) + header + bytes(12), struct.pack("<Q", 2**63) + b"{}"]


def _payloads() -> list[bytes]:
    return [dsse.open(each, LOG.public) for each in LOG.entries]


def _deltas() -> list[bytes]:
    base = b"the base, which is sound" * 20
    return [deltas.difference(base, base.replace(b"sound", b"other", 3)), names.pack("ab" * 32) or b""]


def _texts() -> list[bytes]:
    return [b"a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 8x8", *_graphs()]


DOORS: dict[str, Door] = {
    "envelope": Door(envelope, lambda: list(LOG.entries)),
    "statement": Door(statement, _payloads),
    "entry": Door(entry, lambda: list(LOG.entries)),
    "note": Door(note, lambda: [LOG.note]),
    "token": Door(token, lambda: [bytes.fromhex("30030201003006020101300101"), b""]),
    "proof": Door(proof, lambda: [tlog_proof.write(0, [bytes(32)], LOG.note)]),
    "offer": Door(offer, lambda: [b"old 0\n\n" + LOG.note]),
    "image": Door(image, _pictures),
    "project": Door(project, _pictures),
    "container": Door(container, lambda: [b"PK\5\6" + bytes(18), b""]),
    "safetensors": Door(safetensors, _headers),
    "workflow": Door(workflow, _graphs),
    "ending": Door(ending, _endings),
    "claims": Door(claims, _texts),
    "stored": Door(stored, _deltas),
}


def try_door(name: str, data: bytes) -> None:
    """Enter, and let pass only what a door may refuse with."""
    if name in ("workflow", "ending"):
        try:
            json.loads(data)
        except (ValueError, RecursionError):
            return  # no JSON: the host itself refuses that
    with suppress(ProvenanceError):
        DOORS[name].enter(data)
