"""What the author brings in, over HTTP and from the command line: ideas, choices, edits, files from before, masks."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import graphs
import hosts
import pytest
from forms import form
from PIL import Image, PngImagePlugin

API = "/provenance/v1"
INFOTEXT = (
    "a crystal cat, (best quality:1.2)\nNegative prompt: lowres, hands\n"
    'Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 18446744073709551615, Size: 512x512, Model: "a, b", Version: 1.9'
)


@pytest.fixture(autouse=True)
def opened(host: hosts.Host) -> None:
    host.settled()


def status_of(call: Any) -> int:
    with pytest.raises(hosts.Answer) as answer:
        call()
    assert "\n" not in json.loads(answer.value.body)["error"]
    return answer.value.status


def only_output(host: hosts.Host, run: str) -> dict[str, Any]:
    (output,) = host.recorded(run)["outputs"]
    return dict(output)


def file_of(host: hosts.Host, output: dict[str, Any]) -> Path:
    return host.folder / "output" / str(output["file"])


def edited(path: Path, **options: Any) -> bytes:
    """The picture with a corner painted over, as another program would save it."""
    with Image.open(path) as image:
        image = image.convert("RGB")
        image.paste((250, 250, 250), (0, 0, image.width // 4, image.height // 4))
        data = io.BytesIO()
        image.save(data, "PNG", **options)
    return data.getvalue()


def krita(picture: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("mimetype", "application/x-krita")
        archive.writestr("mergedimage.png", picture)
    return data.getvalue()


def edge(found: dict[str, Any], source: str, target: str) -> dict[str, Any]:
    (link,) = [each for each in found["edges"] if each["from"].endswith(source) and each["to"].endswith(target)]
    return dict(link)


# ideas


def test_an_idea_and_its_versions_are_kept_with_what_they_refer_to(host: hosts.Host) -> None:
    sketch = graphs.png((1, 2, 3))
    first = form(
        host,
        "intents",
        {"title": "猫", "text": "A cat cut out of crystal, 黄昏", "source": "page"},
        [("reference", "sketch.png", sketch)],
    )
    second = host.post(f"{API}/intents", {"text": "A cat of crystal at dusk, rim light", "revises": first["entry"]})
    third = host.command("intent", "The same, from below", "--revises", str(second["entry"]), "--json")
    assert third.returncode == 0, third.stderr
    items = {item["entry"]: item for item in host.get(f"{API}/intents")["items"]}
    versions = [first["entry"], second["entry"], json.loads(third.stdout)["entry"]]
    assert [items[entry]["versions"] for entry in versions] == [versions] * 3
    assert [items[entry]["latest"] for entry in versions] == [False, False, True]
    assert [items[entry]["source"] for entry in versions] == ["page", "http", "cli"]
    (reference,) = items[first["entry"]]["references"]
    assert host.request("GET", f"{API}/objects/{reference['kept']}") == sketch
    assert host.get(f"{API}/search?text=crystal")["items"]
    assert host.command("verify").returncode == 0


def test_an_idea_that_cannot_be_used_is_refused(host: hosts.Host) -> None:
    for body in ({}, {"text": "  "}, {"text": "x", "revises": -1}, {"text": "x", "surprise": 1}, {"text": 3}):
        assert status_of(lambda body=body: host.post(f"{API}/intents", body)) == 400
    assert status_of(lambda: host.post(f"{API}/intents", {"text": "x", "revises": 0})) == 404
    foreign = {"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}
    with pytest.raises(hosts.Answer) as answer:
        host.request("POST", f"{API}/intents", b'{"text": "x"}', foreign)
    assert answer.value.status == 403


def test_a_choice_names_what_it_was_chosen_over(host: hosts.Host) -> None:
    runs = [host.run(graphs.plain(color=0x515200 + number)) for number in range(3)]
    outputs = [only_output(host, run)["sha256"] for run in runs]
    said = host.post(
        f"{API}/decisions",
        {
            "execution": runs[0],
            "output": outputs[0],
            "decision": "keep",
            "reason": "手最自然",
            "over": [{"execution": run, "output": output} for run, output in zip(runs, outputs, strict=True)],
        },
    )
    (decision,) = host.recorded(runs[0])["decisions"]
    assert (
        decision["over"]
        == said["over"]
        == [{"execution": run, "output": output} for run, output in zip(runs[1:], outputs[1:], strict=True)]
    )
    assert host.recorded(runs[1])["decisions"] == [], "what was not chosen is not rejected by that"
    again = host.command("choose", outputs[1], "--over", outputs[2], runs[0], "--reason", "calmer", "--json")
    assert again.returncode == 0, again.stderr
    assert [each["execution"] for each in json.loads(again.stdout)["over"]] == [runs[2], runs[0]]
    refused = {"execution": runs[0], "output": None, "decision": "keep", "over": [{"execution": "nobody"}]}
    assert status_of(lambda: host.post(f"{API}/decisions", refused)) == 404
    assert host.command("verify").returncode == 0


# later edits


def test_a_later_edit_is_a_child_of_its_output_with_a_measured_likeness(host: hosts.Host) -> None:
    run = host.run(graphs.invert_of(host, "edit-source.png"))
    output = only_output(host, run)
    final = edited(file_of(host, output))
    said = form(
        host,
        "imports",
        {"of": [output["sha256"]], "stage": "finished", "note": "painted the corner", "source": "page"},
        [("file", "final.png", final), ("project", "final.kra", krita(final))],
    )
    (source,) = said["of"]
    likeness = source["likeness"]
    assert (source["execution"], source["basis"], source["kept"]) == (run, "declared", output["sha256"])
    assert (likeness["width"], likeness["aligned"], likeness["before"]) == (64, "same-size", "file")
    assert not likeness["equal"]
    assert 5 < likeness["psnr_db"] < 40
    assert -1 <= likeness["ssim"] < 1
    brought = host.get(f"{API}/imports/{said['entry']}")
    assert (brought["basis"], brought["stage"], brought["source"]) == ("declared", "finished", "page")
    assert brought["project"]["media_type"] == "application/x-krita"
    assert brought["project"]["width"] == 64, "the picture that the project file carries of itself"
    assert host.request("GET", f"{API}/objects/{brought['file']['kept']}") == final
    assert host.request("GET", f"{API}/objects/{source['kept']}") == file_of(host, output).read_bytes()
    lineage = host.get(f"{API}/lineage/sha256:{said['sha256']}")
    link = edge(lineage, said["sha256"], output["sha256"])
    assert (link["relation"], link["basis"]) == ("derived_from", "declared")
    assert run in {node["id"] for node in lineage["nodes"]}
    assert {node["kind"] for node in lineage["nodes"] if node["id"].endswith(said["sha256"])} == {"import"}
    assert [edit["entry"] for edit in host.recorded(run)["edits"]] == [said["entry"]]
    assert host.command("verify").returncode == 0


def test_an_edit_that_goes_back_into_a_graph_leads_to_the_run_that_it_was_made_from(host: hosts.Host) -> None:
    run = host.run(graphs.invert_of(host, "edit-again.png"))
    output = only_output(host, run)
    final = edited(file_of(host, output))
    path = host.folder / "edited-by-hand.png"
    path.write_bytes(final)
    done = host.command("import", str(path), "--of", run, "--note", "by hand", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    host.upload("edited-by-hand.png", final)
    later = host.run(graphs.invert("edited-by-hand.png"))
    (made,) = host.recorded(later)["outputs"]
    lineage = host.get(f"{API}/lineage/{made['sha256']}")
    assert edge(lineage, made["sha256"], said["sha256"])["basis"] == "declared"
    assert edge(lineage, said["sha256"], output["sha256"])["basis"] == "declared"
    assert run in {node["id"] for node in lineage["nodes"]}
    (item,) = [each for each in host.listed() if each["execution"] == later]
    assert item["parents"] == [run]
    (loaded,) = host.recorded(later)["inputs"]
    assert loaded["brought_in"] == {"entry": said["entry"], "basis": "declared"}
    assert host.command("verify").returncode == 0


def test_an_import_that_cannot_be_used_is_refused(host: hosts.Host) -> None:
    run = host.run(graphs.plain(color=0x414141))
    picture = [("file", "x.png", graphs.png((9, 9, 9)))]
    for statement in ({}, {"of": [run], "before": True}, {"of": "x"}, {"of": [run], "stage": "done"}, {"before": 1}):
        assert status_of(lambda statement=statement: form(host, "imports", statement, picture)) == 400
    assert status_of(lambda: form(host, "imports", {"of": ["0" * 64]}, picture)) == 404
    assert status_of(lambda: form(host, "imports", {"of": [run]}, [])) == 400
    assert status_of(lambda: host.post(f"{API}/imports", {"of": [run]})) == 415
    secret = str(host.ledger / "place.json")
    assert status_of(lambda: form(host, "imports", {"of": [secret]}, picture)) == 404, "no REF of a client is a path"
    with pytest.raises(hosts.Answer) as answer:
        form(host, "imports", {"of": [run]}, picture, Origin="https://elsewhere.example")
    assert answer.value.status == 403


# from before


def test_what_is_from_before_is_marked_everywhere_and_never_an_original(host: hosts.Host, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    (old / "a1111.png").write_bytes(graphs.png((7, 1, 1), parameters=INFOTEXT))
    workflow = {"nodes": [], "links": [], "extra": {"provenance": {"execution": "somebody-elses"}}}
    prompt = {"1": {"class_type": "KSampler", "inputs": {"seed": 2**64 - 1, "steps": 20, "cfg": 7.0}}}
    texts = {"prompt": json.dumps(prompt), "workflow": json.dumps(workflow)}
    (old / "comfyui.png").write_bytes(graphs.png((7, 2, 2), **texts))
    flow = {
        "state-txt2img_prompt": "a crystal cat",
        "state-txt2img_seed": 2**64 - 1,
        "state-setting_sd_model_checkpoint": "deliberate_v2.safetensors [9aba26abdf]",
    }
    (old / "work.flow").write_text(json.dumps(flow), encoding="utf-8")
    done = host.command("import", "--before", str(old), "--json")
    assert done.returncode == 0, done.stderr
    said = {item["file"]: item for item in map(json.loads, done.stdout.splitlines())}
    claims = {name: host.get(f"{API}/imports/{item['entry']}")["claims"] for name, item in said.items()}
    assert {name: each["format"] for name, each in claims.items()} == {
        "a1111.png": "a1111",
        "comfyui.png": "comfyui",
        "work.flow": "flow",
    }
    for each in claims.values():
        assert {"name": "seed", "value": str(2**64 - 1)} in each["parameters"]
    assert {"name": "model", "value": "a, b"} in claims["a1111.png"]["parameters"]
    assert claims["comfyui.png"]["execution"] == "somebody-elses"
    assert {item["basis"] for item in said.values()} == {"after-the-fact"}

    host.upload("a1111.png", (old / "a1111.png").read_bytes())
    run = host.run(graphs.invert("a1111.png"))
    record = host.recorded(run)
    (made,) = record["outputs"]
    digest = said["a1111.png"]["sha256"]
    assert record["inputs"][0]["brought_in"]["basis"] == "after-the-fact"
    lineage = host.get(f"{API}/lineage/{made['sha256']}")
    assert edge(lineage, made["sha256"], digest)["basis"] == "after-the-fact"
    (node,) = [each for each in lineage["nodes"] if each["id"].endswith(digest)]
    assert (node["kind"], node["imports"][0]["basis"]) == ("import", "after-the-fact")
    (item,) = [each for each in host.listed() if each["execution"] == run]
    assert item["parents"] == []

    again = host.command("import", "--before", str(old / "a1111.png"))
    assert (again.returncode, "brought in before" in again.stderr) == (2, True)
    ours = host.command("import", "--before", str(file_of(host, made)))
    assert (ours.returncode, "is an output of recorded run" in ours.stderr) == (2, True)
    assert host.command("verify").returncode == 0


def test_secrets_in_what_a_file_says_of_itself_never_enter(host: hosts.Host, tmp_path: Path) -> None:
    token = "sk-proj-" + "Zq9" * 16
    prompt = {"1": {"class_type": "LLM", "inputs": {"api_key": token, "text": f"use {token}"}}}
    path = tmp_path / "leaky.png"
    path.write_bytes(graphs.png((7, 3, 3), prompt=json.dumps(prompt), Comment=token))
    done = host.command("import", "--before", str(path), "--note", f"key {token}", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    entry = host.get(f"{API}/imports/{said['entry']}")
    assert entry["file"]["kept"] is None
    assert "not kept" in entry["file"]["problem"]
    assert entry["claims"]["redactions"]
    document = host.request("GET", f"{API}/objects/{entry['claims']['prompt']}").decode()
    assert "redacted" in document
    host.settled()  # nothing is written while its files are read
    for place in [*host.ledger.rglob("*"), host.log]:
        assert not place.is_file() or token.encode() not in place.read_bytes(), place


# masks


def masked(size: int = 64) -> bytes:
    """A picture whose alpha channel cuts out its lower half, as the mask editor saves it."""
    image = Image.new("RGBA", (size, size), (40, 90, 160, 255))
    image.paste((40, 90, 160, 0), (0, size // 2, size, size))
    data = io.BytesIO()
    image.save(data, "PNG", pnginfo=PngImagePlugin.PngInfo())
    return data.getvalue()


def inpaint(loader: dict[str, Any], slot: int) -> dict[str, Any]:
    """A picture put over another where a mask lets it."""
    places = {"x": 0, "y": 0, "resize_source": True}
    return {
        "1": loader,
        "2": graphs.node("EmptyImage", width=64, height=64, batch_size=1, color=0x102030),
        "3": graphs.node("EmptyImage", width=64, height=64, batch_size=1, color=0xF0E0D0),
        "4": graphs.node("ImageCompositeMasked", destination=["2", 0], source=["3", 0], mask=["1", slot], **places),
        "5": graphs.node("SaveImage", images=["4", 0], filename_prefix="masked"),
    }


def test_a_mask_is_marked_as_such_and_kept_as_a_picture(host: hosts.Host) -> None:
    host.upload("masked.png", masked())
    (loaded,) = host.recorded(host.run(inpaint(graphs.node("LoadImage", image="masked.png"), 1)))["inputs"]
    mask = loaded["mask"]
    assert (mask["channel"], mask["basis"], mask["via"], mask["coverage"]) == ("alpha", "observed", ["1", "4"], 0.5)
    with Image.open(io.BytesIO(host.request("GET", f"{API}/objects/{mask['picture']}"))) as drawn:
        assert (drawn.mode, drawn.getpixel((0, 0)), drawn.getpixel((0, 63))) == ("L", 0, 255)
    assert loaded["kept"], "the picture that carries it is kept too"


def test_a_picture_whose_mask_nobody_takes_is_no_mask(host: hosts.Host) -> None:
    host.upload("unused-mask.png", masked(48))
    (loaded,) = host.recorded(host.run(graphs.invert("unused-mask.png")))["inputs"]
    assert loaded["mask"] is None


def test_a_mask_from_the_mask_editors_own_folder_is_found(host: hosts.Host) -> None:
    folder = host.folder / "input" / "clipspace"
    folder.mkdir(exist_ok=True)
    (folder / "clipspace-mask-7.png").write_bytes(masked(32))
    loader = graphs.node("LoadImageMask", image="clipspace/clipspace-mask-7.png [input]", channel="red")
    (loaded,) = host.recorded(host.run(inpaint(loader, 0)))["inputs"]
    assert (loaded["mask"]["channel"], loaded["mask"]["coverage"]) == ("red", round(40 / 255, 6))
