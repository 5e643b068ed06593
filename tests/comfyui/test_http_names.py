"""Hostile names and words, and links that lead out of ComfyUI's folders: one test per attack, on a running server."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import graphs
import hosts
import pytest
from strangers import BASE, NAMES, ask, clean, quoted, state


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_prompt_id_is_an_id_like_any_other(host: hosts.Host, name: str) -> None:
    text = NAMES[name]
    prompt = graphs.plain(color=hash(name) & 0xFFFFFF, prefix="named")
    answer = ask(
        host,
        "POST",
        "/prompt",
        json.dumps({"prompt": prompt, "prompt_id": text, "extra_data": {}}).encode(),
        {"Content-Type": "application/json"},
    )
    if answer.status != 200:  # newer ComfyUIs take nothing but UUIDs
        return
    prompt_id = json.loads(answer.body)["prompt_id"]
    host.settled()
    (item,) = [each for each in host.listed() if each["execution"] == prompt_id]
    assert item["execution"] == prompt_id
    said = ask(host, "GET", f"{BASE}/executions/{quoted(prompt_id)}")
    assert clean(said)
    assert said.status == 200 or any(sign in prompt_id for sign in "/{") or len(prompt_id) > 1_000
    listing = host.command("log")
    assert listing.returncode == 0
    assert "\x1b" not in listing.stdout and "\u202e" not in listing.stdout


@pytest.mark.parametrize("name", NAMES)
def test_hostile_words_come_back_as_words(host: hosts.Host, name: str) -> None:
    text = NAMES[name]
    prompt = graphs.plain(color=hash(text) & 0xFFFFFF, prefix="words")
    prompt["1"]["_meta"] = {"title": text}
    workflow = graphs.workflow(prompt)
    workflow["nodes"][0].update(title=text, properties={text: text})
    workflow["groups"] = [{"title": text}]
    run = host.run(prompt, workflow=workflow, extra={"note": text})
    assert state(host, "labels", {"execution": run, "label": text[:200].splitlines()[0]}).status in (200, 400)
    assert state(host, "decisions", {"execution": run, "decision": "note", "reason": text}).status == 200
    found = host.get(f"{BASE}/restore/{run}")
    assert found["workflow"]["nodes"][0]["title"] == text
    for path in (f"executions/{run}", "executions?limit=3", f"restore/{run}", f"lineage/{run}", "labels"):
        said = ask(host, "GET", f"{BASE}/{path}")
        assert said.status == 200 and clean(said)
        assert said.headers["content-type"].startswith("application/json")
    document = ask(host, "GET", f"{BASE}/objects/{found['sha256']}")
    assert document.headers["content-type"] == "application/octet-stream"
    assert document.headers["content-disposition"].startswith("attachment")
    assert document.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in document.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["script", "right to left", "isolates", "device", "device with ending", "wide"])
def test_a_hostile_file_name_is_recorded_as_it_is(host: hosts.Host, name: str) -> None:
    prefix = NAMES[name].replace("/", "").replace("<", "").replace(">", "").replace('"', "")
    run = host.run(graphs.plain(color=hash(prefix) & 0xFFFFFF, prefix=prefix))
    (output,) = host.recorded(run)["outputs"]
    assert output["problem"] is None, output
    assert hashlib.sha256((host.folder / "output" / output["file"]).read_bytes()).hexdigest() == output["sha256"]
    assert ask(host, "GET", f"{BASE}/thumbnails/{output['sha256']}").status == 200
    shown = host.command("show", run)
    assert shown.returncode == 0 and "\u202e" not in shown.stdout


@pytest.mark.parametrize("prefix", ["../../outside", "/tmp/outside", "..\\outside", "a/../../outside"])
def test_a_file_name_that_leads_out_is_no_output(host: hosts.Host, prefix: str) -> None:
    prompt_id = host.submit(graphs.plain(color=99, prefix=prefix))
    host.wait(prompt_id)
    record = host.recorded(prompt_id)
    for output in record["outputs"]:  # where ComfyUI made a harmless name of it
        assert ".." not in output["file"].split("/")
    assert record["status"] in ("success", "error")


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
@pytest.mark.parametrize("linked", ["file", "folder"])
def test_a_link_out_of_the_output_folder_is_not_followed(own_host: hosts.Host, linked: str, tmp_path: Path) -> None:
    """Neither its bytes nor a small picture of it reach the ledger, and so no route."""
    host = own_host.start()
    outside = tmp_path / "private"
    outside.mkdir()
    private = graphs.png(color=(1, 2, 3), size=48)
    (outside / "linked_00001_.png").write_bytes(private)
    if linked == "folder":
        (host.folder / "output" / "linked").symlink_to(outside, target_is_directory=True)
        prompt = graphs.plain(prefix="linked/linked")
    else:
        target = host.folder / "output" / "linked_00001_.png"
        target.symlink_to(outside / "linked_00001_.png")
        prompt = {"1": graphs.node("LoadImage", image="linked_00001_.png [output]")}
        prompt["2"] = graphs.node("PreviewImage", images=["1", 0])
    prompt_id = host.submit(prompt)
    host.wait(prompt_id)
    record = host.recorded(prompt_id)
    digest = hashlib.sha256(private).hexdigest()
    if linked == "folder":
        assert all("leads out" in (output["problem"] or "") for output in record["outputs"])
    for route in ("objects", "thumbnails"):
        assert ask(host, "GET", f"{BASE}/{route}/{digest}").status == 404
    said = state(host, f"restore/{prompt_id}/inputs", {})
    assert said.status in (200, 400, 404) and clean(said)
    host.stop()
    assert private not in b"".join(path.read_bytes() for path in host.ledger.rglob("*") if path.is_file())


def test_a_file_that_no_node_may_load_is_not_copied(own_host: hosts.Host, tmp_path: Path) -> None:
    """A graph may name any path in an input that its node does not even have; the record must not fetch it."""
    private = graphs.png(color=(9, 9, 9), size=40)
    (tmp_path / "private.png").write_bytes(private)
    host = own_host.start()
    prompt = graphs.plain(prefix="asking")
    prompt["1"]["inputs"]["comment"] = str(tmp_path / "private.png")
    prompt["2"]["inputs"]["also"] = [str(tmp_path / "private.png")]
    host.run(prompt)
    host.settled()  # nothing is written while its files are read
    digest = hashlib.sha256(private).hexdigest()
    assert ask(host, "GET", f"{BASE}/objects/{digest}").status == 404
    assert private not in b"".join(path.read_bytes() for path in host.ledger.rglob("*") if path.is_file())
