"""The pack's nodes in a running host: what the page is told of them, and whole runs with and without them."""

from __future__ import annotations

import io
import json
from typing import Any

import hosts
import numpy as np
import pytest
from graphs import node, workflow
from paintings import painting
from PIL import Image
from safetensors.numpy import load_file


def pixels(host: hosts.Host, record: dict[str, Any], at: str) -> np.ndarray:
    (output,) = [output for output in record["outputs"] if output["node"] == at]
    with Image.open(host.folder / output["type"] / output["file"]) as image:
        return np.asarray(image)


def replayed(host: hosts.Host, run: str) -> dict[str, Any]:
    host.settled()
    done = host.command("replay", run, "--server", f"http://127.0.0.1:{host.port}", "--json")
    assert done.returncode == 0, (done.stdout, done.stderr)
    return dict(json.loads(done.stdout))


def test_a_replay_of_a_wrapped_painting_has_the_same_latents(host: hosts.Host) -> None:
    replay = replayed(host, host.run(painting(host, wrapped=True)))["replay"]
    assert replay["outcome"] in ("same-bytes", "same-content")
    equal = {(each["node"], each["name"]): each["equal"] for each in replay["tensors"]}
    assert {node for node, _ in equal} >= {"4", "5", "7"}
    assert set(equal.values()) == {True}
    assert (replay["fresh"], replay["drift"], replay["not_compared"]) == (True, [], [])


def test_a_replay_of_a_painting_that_kept_its_latent_keeps_the_same_one(host: hosts.Host) -> None:
    """Equal as the node saw it, and as it lies in the file; a run with another seed has another."""
    graph = painting(host, wrapped=True, save_latent=True)
    run = host.run(graph)
    told = replayed(host, run)
    equal = {each["name"]: each["equal"] for each in told["replay"]["tensors"] if each["node"] == "7"}
    assert equal["latent_out.0.samples"] is True
    (kept,) = [pair for pair in told["replay"]["outputs"] if pair["node"] == "7"]
    assert kept["verdict"] == "same-tensors"  # the file also names its run
    graph["7"]["inputs"]["seed"] += 1
    first, again, other = (latent(host, each) for each in (run, told["execution"], host.run(graph)))
    assert np.array_equal(first, again)
    assert first.shape == other.shape and not np.array_equal(first, other)


def latent(host: hosts.Host, run: str) -> np.ndarray:
    """What lies in the file that the sampler kept."""
    (output,) = [each for each in host.recorded(run, "success")["outputs"] if each["node"] == "7"]
    tensors = load_file(host.folder / output["type"] / output["file"])
    return tensors["latent_tensor"]


def test_the_page_is_told_the_stock_inputs_with_ours_behind_them(host: hosts.Host) -> None:
    told = host.get("/object_info")
    wrappers = {name: info for name, info in told.items() if info["category"].startswith("provenance/")}
    assert {"ProvenanceKSampler", "ProvenanceCLIPTextEncode"} <= set(wrappers)
    for name, info in wrappers.items():
        stock = told[name.removeprefix("Provenance")]
        for member in ("output", "output_is_list", "output_name", "output_node"):
            assert info[member] == stock[member], (name, member)
        assert info["display_name"] == f"{stock['display_name'] or stock['name']} (Provenance)"
        for section in ("required", "optional"):
            declared, ours = stock["input"].get(section, {}), info["input"].get(section, {})
            assert {key: ours[key] for key in declared} == declared, name
            assert list(ours)[: len(declared)] == list(declared), name
            assert set(ours) - set(declared) <= {"preview_every", "save_latent"}, name


def test_a_wrapped_painting_has_the_same_pixels_and_its_text_and_sigmas_are_recorded(host: hosts.Host) -> None:
    stock = host.recorded(host.run(painting(host, wrapped=False)), "success")
    run = host.recorded(host.run(painting(host, wrapped=True, preview_every=1, save_latent=True)), "success")
    assert np.array_equal(pixels(host, stock, "9"), pixels(host, run, "9"))
    seen = {item["node"]: item for item in run["observations"]["nodes"]}
    assert seen["4"]["texts"] == {"text": "a cat crystal pendant"}
    assert seen["7"]["inputs"]["seed"] == 42
    assert len(seen["7"]["passes"][0]["sigmas"]) == 3
    assert {"latent_in.samples", "latent_out.0.samples", "positive.0.cond"} <= set(seen["7"]["tensors"])
    sources = {prompt["node"]: prompt["source"] for prompt in run["prompts"]}
    assert sources["4"] == sources["5"] == "observed"
    assert [output for output in run["outputs"] if output["node"] == "7" and output["file"].endswith(".safetensors")]


def test_a_painting_goes_on_from_a_saved_latent(host: hosts.Host) -> None:
    first = host.recorded(host.run(painting(host, wrapped=True, save_latent=True, preview_every=0)), "success")
    (latent,) = [output for output in first["outputs"] if output["file"].endswith(".safetensors")]
    graph = painting(host, wrapped=True)
    graph["8"]["inputs"]["samples"] = ["10", 0]
    graph["10"] = node("ProvenanceLoadLatent", latent=f"{latent['file']} [output]")
    if "ProvenanceLoadLatent" not in host.get("/object_info"):
        pytest.skip("this host has no LoadLatent")
    again = host.recorded(host.run(graph), "success")
    assert np.array_equal(pixels(host, first, "9"), pixels(host, again, "9"))


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_saved_files_carry_the_receipt_and_the_workflow(host: hosts.Host, format: str) -> None:
    graph = {
        "1": node("EmptyImage", width=48, height=32, batch_size=1, color=0x3366CC),
        "2": node(
            "ProvenanceSaveImage",
            images=["1", 0],
            filename_prefix=f"kept/{format}",
            format=format,
            quality=90,
            lossless_webp=True,
            embed_workflow=True,
        ),
    }
    run = host.run(graph, workflow=workflow(graph))
    (output,) = host.recorded(run, "success")["outputs"]
    data = (host.folder / output["type"] / output["file"]).read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        if format == "png":
            receipt, kept = json.loads(image.text["provenance"]), json.loads(image.text["workflow"])
        else:
            exif = image.getexif()
            receipt = json.loads(exif.get_ifd(0x8769)[0x9286][8:])
            kept = json.loads(exif[0x010F].partition(":")[2])
    assert receipt["v"] == 1
    assert receipt["execution"] == run
    assert kept["extra"]["provenance"]["execution"] == run


def test_an_earlier_output_is_offered_and_loaded_with_an_edge(host: hosts.Host) -> None:
    first = host.run(
        {
            "1": node("EmptyImage", width=40, height=24, batch_size=1, color=0x884422),
            "2": node("SaveImage", images=["1", 0], filename_prefix="earlier"),
        }
    )
    (output,) = host.recorded(first, "success")["outputs"]
    name = f"{output['file']} [output]"
    offered = host.get("/object_info/ProvenanceLoadOutput")["ProvenanceLoadOutput"]["input"]["required"]["image"][0]
    assert name in offered
    second = host.run(
        {
            "1": node("ProvenanceLoadOutput", image=name),
            "2": node("ImageInvert", image=["1", 0]),
            "3": node("SaveImage", images=["2", 0], filename_prefix="later"),
        }
    )
    used = host.recorded(second, "success")["inputs"]
    assert [asset["sha256"] for asset in used] == [output["sha256"]]
    lineage = host.get(f"/provenance/v1/lineage/{second}")
    assert any(edge["relation"] == "derived_from" and edge["basis"] == "observed" for edge in lineage["edges"])


def test_a_name_outside_the_folder_is_refused(host: hosts.Host) -> None:
    graph = {
        "1": node("ProvenanceLoadOutput", image="../user/secret.png [output]"),
        "2": node("PreviewImage", images=["1", 0]),
    }
    with pytest.raises(hosts.Answer) as refused:
        host.submit(graph)
    assert refused.value.status == 400


def test_an_unconnected_intent_runs_and_is_recorded(host: hosts.Host) -> None:
    graph = {
        "1": node("EmptyImage", width=16, height=16, batch_size=1, color=1),
        "2": node("PreviewImage", images=["1", 0]),
        "3": node("ProvenanceIntent", title="Pendant", text="a cat in crystal, lit from below"),
    }
    record = host.recorded(host.run(graph), "success")
    assert [(intent["title"], intent["text"]) for intent in record["intents"]] == [
        ("Pendant", "a cat in crystal, lit from below")
    ]
