"""The scripted session of the demo, on every host: exactly the runs, statuses, outputs and edges that happened."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hosts
import pytest
from comfy_provenance.demo.session import DEMO_MODEL, ModelPart, Painting, Run, paint, run_session

MODELS = os.environ.get("COMFYUI_SMALL_MODELS", "")  # unet,clip,vae,clip type
NO_MODELS = "no small models: set COMFYUI_SMALL_MODELS=unet,clip,vae,cliptype to file names that ComfyUI lists"


def model_part(kind: hosts.Kind) -> ModelPart:
    if not kind.real:
        return DEMO_MODEL
    if not MODELS:
        pytest.skip(NO_MODELS)
    unet, clip, vae, clip_type = MODELS.split(",")
    return ModelPart(
        nodes={
            "1": {"class_type": "UNETLoader", "inputs": {"unet_name": unet, "weight_dtype": "default"}},
            "2": {"class_type": "CLIPLoader", "inputs": {"clip_name": clip, "type": clip_type}},
            "3": {"class_type": "VAELoader", "inputs": {"vae_name": vae}},
        },
        model=("1", 0),
        clip=("2", 0),
        vae=("3", 0),
    )


class Played:
    """The session as it was played, and the ledger's word on it."""

    def __init__(self, host: hosts.Host, runs: list[Run]) -> None:
        self.host = host
        self.runs = {run.name: run for run in runs}
        self.order = [run.execution for run in runs]
        for run in runs:
            host.recorded(run.execution)
        host.settled()
        self.lines = {line["execution"]: line for line in host.listed()}

    def line(self, name: str) -> dict[str, Any]:
        return self.lines[self.runs[name].execution]

    def edges(self, name: str, relation: str) -> list[dict[str, Any]]:
        """Edges that start at the run or at one of its outputs."""
        execution = self.runs[name].execution
        own = {execution, *(f"sha256:{item['sha256']}" for item in self.line(name)["outputs"])}
        found = self.host.get(f"/provenance/v1/lineage/{execution}")["edges"]
        return [edge for edge in found if edge["relation"] == relation and edge["from"] in own]


@pytest.fixture(scope="module")
def played(kind: hosts.Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    part = model_part(kind)
    with hosts.running(kind, tmp_path_factory.mktemp("session")) as host:
        yield Played(host, run_session(f"http://127.0.0.1:{host.port}", model=part, size=128 if kind.real else 256))


def test_every_run_is_there_in_order_with_its_status(played: Played) -> None:
    assert list(played.lines) == played.order
    for run in played.runs.values():
        assert played.lines[run.execution]["status"] == run.status, run.name


def test_every_output_is_there_with_the_digest_of_its_file(played: Played) -> None:
    for run in played.runs.values():
        recorded = [(item["node"], item["type"], item["file"]) for item in played.line(run.name)["outputs"]]
        made = [
            (item["node"], item["type"], "/".join(part for part in (item["subfolder"], item["filename"]) if part))
            for item in run.outputs
        ]
        if made:  # newer hosts do not list what a run without a page took from the cache
            assert recorded == made, run.name
        for item in played.line(run.name)["outputs"]:
            data = (played.host.folder / item["type"] / item["file"]).read_bytes()
            assert item["sha256"] == hashlib.sha256(data).hexdigest()


def test_the_canvas_history_is_the_tree_that_was_drawn(played: Played) -> None:
    for run in played.runs.values():
        revisions = [edge["to"] for edge in played.edges(run.name, "revision_of")]
        assert revisions == ([run.parent] if run.parent else []), run.name


def test_the_changes_are_told_in_words(played: Played) -> None:
    assert played.line("first idea")["changes"] == []
    assert played.line("another seed")["changes"] == ["seed 7 → 21"]
    assert any("golden hour" in change for change in played.line("golden hour")["changes"])
    assert any("cfg 7" in change and "11" in change for change in played.line("branch: stronger")["changes"])


def test_prompt_edits_are_edges_with_their_words(played: Played) -> None:
    child, parent = (played.runs[name].execution for name in ("golden hour", "first idea"))
    found = played.host.get(f"/provenance/v1/lineage/{child}")["edges"]
    (edge,) = [edge for edge in found if edge["relation"] == "edits"]
    assert (edge["from"], edge["to"]) == (f"prompt:{child}/10/text", f"prompt:{parent}/10/text")
    assert edge["basis"] == "observed"
    hunks = played.host.get(f"/provenance/v1/diff?a={parent}&b={child}")["prompts"][0]["hunks"]
    assert "golden hour" in "".join(hunk["text"] for hunk in hunks if hunk["op"] == "insert")


def test_image_to_image_and_the_composite_name_their_parents(played: Played) -> None:
    def output(name: str) -> str:
        return f"sha256:{played.line(name)['outputs'][0]['sha256']}"

    (edge,) = played.edges("image to image", "derived_from")
    assert (edge["to"], edge["basis"], edge["method"]) == (output("by moonlight"), "observed", "sha256")
    parents = {edge["to"] for edge in played.edges("two become one", "derived_from")}
    assert parents == {output("image to image"), output("branch: stronger")}


def test_the_cached_run_reuses(played: Played) -> None:
    reused, made = played.line("the same again")["outputs"], played.line("two become one")["outputs"]
    assert [item["reused"] for item in reused] == [True]
    assert [item["sha256"] for item in reused] == [item["sha256"] for item in made]
    (edge,) = played.edges("the same again", "reused")
    assert (edge["to"], edge["basis"]) == (played.runs["two become one"].execution, "observed")


def test_models_are_fingerprinted_and_named(played: Played) -> None:
    edges = played.edges("first idea", "used_model")
    assert len(edges) == (3 if played.host.kind.real else 1)
    assert {edge["basis"] for edge in edges} == {"observed"}


def test_the_ledger_verifies(played: Played) -> None:
    done = played.host.command("verify", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["ok"], report["findings"]) == (0, True, [])


def test_the_graph_of_a_run_three_branches_back_is_restored_to_the_byte(played: Played) -> None:
    run = played.runs["golden hour"]
    target = played.host.folder / "restored.json"
    assert played.host.command("restore", run.execution, "-o", str(target)).returncode == 0
    assert target.read_bytes() == json.dumps(run.workflow, ensure_ascii=False, separators=(",", ":")).encode()


def test_a_model_file_is_hashed_once_and_never_again_after_a_restart(own_host: hosts.Host, tmp_path: Path) -> None:
    part = model_part(own_host.kind)

    def fingerprints(seed: int) -> set[str]:
        own_host.start()
        own_host.run(paint(part, Painting("a lake", seed=seed, size=64, steps=1)))
        own_host.settled()
        folder = tmp_path / str(seed)
        assert own_host.command("envelopes", "-o", str(folder)).returncode == 0
        own_host.stop()
        entries = {path.name: json.loads(path.read_bytes())["payload"] for path in folder.glob("*.dsse.json")}
        return {name for name, payload in entries.items() if b"/model/v1" in base64.b64decode(payload)}

    first = fingerprints(1)
    assert len(first) == len(part.nodes)
    assert fingerprints(2) == first
