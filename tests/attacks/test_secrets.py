"""Made-up secrets of every known shape, planted in every place of a run: none is anywhere in the ledger, in what the
routes answer, in the log, or in a picture's metadata."""

from __future__ import annotations

import base64
import json
import sqlite3
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import bare
import pytest
from comfy_provenance.provenance import canonical
from comfy_provenance.provenance.model import Accepted, Decision, Finished, Judged, Observation, Ready, Switched
from comfy_provenance.provenance.present.api import Api
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.tests.unit.record.secret_corpus import BY_SHAPE, IN_CONTEXT
from PIL import Image

TEXTS = [*BY_SHAPE.values(), *(template.format(secret) for template, secret in IN_CONTEXT.values())]
SECRETS = {*BY_SHAPE.values(), *(secret for _, secret in IN_CONTEXT.values())}
Document = dict[str, Any]
Plant = Callable[[Document, list[str]], None]


def test_the_corpus_has_the_shapes_it_promises() -> None:
    assert len(BY_SHAPE) >= 60 and len(SECRETS) >= 80


def given() -> Document:
    """A run as the page sends it, with one of everything that can hold text."""

    def node(number: int, **members: Any) -> Document:
        return {"id": number, "type": "Text", "mode": 0, "widgets_values": [], "properties": {}, **members}

    inner = {"id": "in", "name": "inner", "nodes": [node(20)], "links": [], "groups": [{"title": "g"}]}
    outer = {"id": "out", "name": "outer", "nodes": [node(10)], "definitions": {"subgraphs": [inner]}}
    nodes = [node(1), node(2, mode=2), node(3, mode=4), node(4, type="Note"), node(5, type="MarkdownNote")]
    return {
        "workflow": {
            "nodes": nodes,
            "links": [],
            "groups": [{"title": "g", "bounding": [0, 0, 1, 1]}],
            "definitions": {"subgraphs": [outer]},
            "config": {},
            "extra": {"ds": {"scale": 1}},
            "version": 0.4,
        },
        "prompt": {
            "1": {"class_type": "Text", "inputs": {"text": "a cat"}, "_meta": {"title": "t"}},
            "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
            "4": {"class_type": "ProvenanceIntent", "inputs": {"text": "idea", "title": "t"}},
        },
        "extra": {"extra_pnginfo": {"other": {}}},
        "report": {
            "outputs": {"2": {"images": [{"filename": "odd.png", "subfolder": "", "type": "output"}], "text": ["x"]}},
            "messages": [["execution_error", {"node_id": "1", "node_type": "Text", "executed": []}]],
            "status_str": "error",
            "completed": False,
        },
        "seen": {"text": "a cat"},
    }


def error(run: Document) -> Document:
    told: Document = run["report"]["messages"][0][1]
    return told


PLACES: dict[str, Plant] = {
    "widgets": lambda run, texts: run["workflow"]["nodes"][0].update(widgets_values=texts),
    "widgets by name": lambda run, texts: run["workflow"]["nodes"][0].update(
        widgets_values={f"w{place}": text for place, text in enumerate(texts)}
    ),
    "widgets of a muted node": lambda run, texts: run["workflow"]["nodes"][1].update(widgets_values=texts),
    "widgets of a bypassed node": lambda run, texts: run["workflow"]["nodes"][2].update(widgets_values=texts),
    "notes": lambda run, texts: run["workflow"]["nodes"][3].update(widgets_values=["\n".join(texts)]),
    "markdown notes": lambda run, texts: run["workflow"]["nodes"][4].update(widgets_values=["\n\n* ".join(texts)]),
    "a title": lambda run, texts: run["workflow"]["nodes"][0].update(title=" ".join(texts)),
    "properties": lambda run, texts: run["workflow"]["nodes"][0].update(properties={"list": texts}),
    "group titles": lambda run, texts: run["workflow"].update(groups=[{"title": text} for text in texts]),
    "a subgraph": lambda run, texts: run["workflow"]["definitions"]["subgraphs"][0]["nodes"][0].update(
        widgets_values=texts
    ),
    "a subgraph in a subgraph": lambda run, texts: run["workflow"]["definitions"]["subgraphs"][0]["definitions"][
        "subgraphs"
    ][0]["nodes"][0].update(widgets_values=texts),
    "a subgraph's name": lambda run, texts: run["workflow"]["definitions"]["subgraphs"][0].update(name=" ".join(texts)),
    "a subgraph's groups": lambda run, texts: run["workflow"]["definitions"]["subgraphs"][0]["definitions"][
        "subgraphs"
    ][0].update(groups=[{"title": text} for text in texts]),
    "the workflow's extra": lambda run, texts: run["workflow"]["extra"].update(info={"deep": [texts]}),
    "the workflow's config": lambda run, texts: run["workflow"]["config"].update(list=texts),
    "keys": lambda run, texts: run["workflow"]["extra"].update({text: {"n": 1} for text in texts}),
    "JSON inside a text": lambda run, texts: run["workflow"]["extra"].update(json=json.dumps({"list": texts})),
    "inputs of the prompt": lambda run, texts: run["prompt"]["1"]["inputs"].update(
        {f"i{place}": text for place, text in enumerate(texts)}
    ),
    "a prompt text": lambda run, texts: run["prompt"]["1"]["inputs"].update(text="a cat, " + "\n".join(texts)),
    "nested inputs of the prompt": lambda run, texts: run["prompt"]["1"]["inputs"].update(nested={"list": [texts]}),
    "titles of the prompt": lambda run, texts: run["prompt"]["1"].update(_meta={"title": " ".join(texts)}),
    "an intent": lambda run, texts: run["prompt"]["4"]["inputs"].update(text="\n".join(texts), title=texts[0]),
    "extra data": lambda run, texts: run["extra"].update(list=texts, api_key_comfy_org="comfy " + texts[0]),
    "image metadata": lambda run, texts: run["extra"]["extra_pnginfo"].update(other={"list": texts}),
    "an error message": lambda run, texts: error(run).update(exception_message="refused: " + " ".join(texts)),
    "an error's type": lambda run, texts: error(run).update(exception_type=texts[0]),
    "a traceback": lambda run, texts: error(run).update(traceback=[f'  File "x.py"\n    call("{t}")\n' for t in texts]),
    "the inputs of a failed node": lambda run, texts: error(run).update(current_inputs={"text": texts}),
    "texts that a node shows": lambda run, texts: run["report"]["outputs"]["2"].update(text=texts),
    "what a node saw": lambda run, texts: run["seen"].update(text="\n".join(texts), list=texts),
}


def play(bench: bare.Bench, run: str, document: Document) -> None:
    parts = {name: document[name] for name in ("workflow", "prompt", "extra")}
    frozen = canonical.freeze({**parts, "outputs": ["2"]})
    bench.service.offer(Accepted(run, run, 1.0, None, None, frozen, bench.clock()))
    bench.service.offer(Observation(run, "1", "Text", document["seen"]))
    bench.service.offer(Finished(run, canonical.freeze(document["report"]), bench.clock()))
    bench.settle()


def everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Whatever the ledger's folder holds, as it lies there and unpacked, with where it is from."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()
    database = sqlite3.connect(folder / "ledger.sqlite3")
    digests = [row[0].hex() for row in database.execute("SELECT digest FROM objects")]
    database.close()
    ledger = Ledger.open(folder, read_only=True)
    for digest in digests:
        yield f"object {digest}", ledger.objects.get(digest) or b""
    for place in range(ledger.index.counts().entries):
        yield f"entry {place}", base64.b64decode(json.loads(ledger.index.entry(place).envelope)["payload"])
    ledger.close()


def answers(bench: bare.Bench, runs: list[str]) -> Iterator[tuple[str, bytes]]:
    """What the routes answer about these runs."""
    assert bench.service.live is not None
    api = Api(bench.service.live.ledger, service=bench.service.status)
    asked: dict[str, Callable[[], Any]] = {"page": lambda: api.page(500, None, {}), "status": api.status}
    asked |= {"labels": api.labels, "search": lambda: api.search("cat"), "storage": api.storage}
    for run in runs:
        for name in ("show", "lineage", "restore"):
            asked[f"{name} {run}"] = lambda run=run, name=name: getattr(api, name)(run)
        asked[f"diff {run}"] = lambda run=run: api.diff(runs[0], run)
    for name, question in asked.items():
        yield name, json.dumps(question(), ensure_ascii=False, default=str).encode()


def written(secret: str) -> set[bytes]:
    """The ways in which a text may stand in bytes."""
    forms = {secret, json.dumps(secret)[1:-1], json.dumps(json.dumps(secret))[3:-3], repr(secret)[1:-1]}
    forms |= {urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)}
    return {form.encode() for form in forms}


def leaks(where: str, data: bytes) -> set[str]:
    return {f"{where}: {secret[:12]}…" for secret in SECRETS if any(form in data for form in written(secret))}


def test_no_secret_is_anywhere(bench: bare.Bench, caplog: pytest.LogCaptureFixture) -> None:
    Image.new("RGB", (8, 8)).save(bench.host.folder / "output" / "odd.png")
    bench.service.start()
    bench.service.offer(Ready(bench.clock()))
    runs = []
    for name, plant in PLACES.items():
        document = given()
        plant(document, list(TEXTS))
        assert leaks(name, json.dumps(document, ensure_ascii=False).encode())  # the net would catch it
        play(bench, name, document)
        runs.append(name)
    for text in TEXTS:
        bench.service.say(Judged(runs[0], None, Decision.NOTE, None, f"note: {text}", None, Future()))
        bench.service.say(Judged(runs[0], None, Decision.LABEL, None, None, text.splitlines()[0], Future()))
        bench.service.problem(f"a pack failed: ValueError: {text}")
    bench.service.say(Switched(True, "\n".join(TEXTS), Future()))
    bench.service.say(Switched(False, None, Future()))
    bench.settle()
    found: set[str] = set()
    for where, data in answers(bench, runs):
        found |= leaks(where, data)
    for event in bench.heard:
        found |= leaks(f"websocket, {event['kind']}", json.dumps(event, ensure_ascii=False).encode())
    live = bench.service.live
    assert live is not None
    rows = {row.id: row for row in live.ledger.index.executions(runs)}
    bench.service.close()
    for where, data in everything(bench.places.ledger):
        found |= leaks(where, data)
    found |= leaks("log", caplog.text.encode())
    assert sorted(found) == []
    assert set(rows) == set(runs)
    assert {row.status for row in rows.values()} == {"error"}
