"""Answers as plain values, as the HTTP routes hand them on."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from pathlib import Path

import pytest
from comfy_provenance.provenance.errors import InputError, NotFound
from comfy_provenance.provenance.model import NodeInput
from comfy_provenance.provenance.present.api import Api
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.provenance.store.presence import Presence
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from .conftest import SESSION, graph, picture, run_id


class TreeHost:
    """A host whose classes, folders and models are those of the recorded folder."""

    def __init__(self, root: Path, classes=("CLIPTextEncode", "KSampler", "SaveImage", "LoadImage")):
        self.root = root
        self.classes = classes

    def node_inputs(self, class_type):
        return {"text": NodeInput("STRING", {"multiline": True})} if class_type == "CLIPTextEncode" else None

    def node_classes(self):
        return self.classes

    def directories(self):
        return {name: str(self.root / name) for name in ("output", "temp", "input")}

    def model_folders(self):
        return {"checkpoints": (str(self.root / "models" / "checkpoints"),)}


@pytest.fixture
def ledger(recorded):
    opened = Ledger.open(recorded.root / "user" / "__provenance", read_only=True)
    yield opened
    opened.close()


@pytest.fixture
def api(ledger):
    return Api(ledger)


def test_pages_go_from_the_newest_run_to_the_oldest(api):
    first = api.page(4)
    second = api.page(4, first["next"])
    third = api.page(4, second["next"])
    ids = [item["execution"] for page in (first, second, third) for item in page["items"]]
    assert ids == [run_id(number) for number in range(9, 0, -1)]
    assert third["next"] is None
    for item, line in zip(first["items"], reversed(list(api.log(4))), strict=True):
        assert {name: item[name] for name in line} == line


def test_an_item_names_its_merges_apart_from_its_parent(api, recorded):
    items = {item["execution"]: item for item in api.page()["items"]}
    composite = items[run_id(5)]
    assert composite["parent"] == {"execution": run_id(4), "known": True, "basis": "declared", "method": "workflow"}
    assert composite["merges"] == [{"execution": run_id(1), "basis": "observed"}]
    assert (items[run_id(1)]["parent"], items[run_id(1)]["merges"]) == (None, [])
    assert items[run_id(6)]["error"] == {"class": "RuntimeError", "message": "no"}
    assert items[run_id(3)]["error"] is None
    for number in (1, 7):  # the cached run shows the picture of the run that made it
        assert items[run_id(number)]["thumbnails"] == [recorded.outputs[run_id(1)].facts.sha256]


def test_a_page_of_matches(api):
    assert [item["execution"] for item in api.page(wanted={"text": "GOLDEN fog"})["items"]] == [run_id(3)]
    assert [item["execution"] for item in api.page(wanted={"status": "error"})["items"]] == [run_id(6)]
    assert [item["execution"] for item in api.page(wanted={"status": "lost", "limit": "4"})["items"]] == [run_id(8)]
    assert api.page(wanted={"status": "queued"})["items"] == []
    assert len(api.page(wanted={"text": " ", "model": "SD15"})["items"]) == 8
    first = api.page(3, wanted={"decision": "undecided"})
    second = api.page(500, first["next"], wanted={"decision": "undecided"})
    assert len([*first["items"], *second["items"]]) == 9


def test_details_tell_of_session_and_signatures(api):
    found = api.show(run_id(1))
    assert found["session_info"]["id"] == found["session"] == SESSION
    assert found["session_info"]["host"] == {"name": "ComfyUI", "version": "0.8.0"}
    assert found["session_info"]["environment"] == found["environment"]
    assert [entry["signed"] for entry in found["entries"]] == [True, True]
    assert found["signature"]["state"] == "good"
    assert found["signature"]["key"] == api.status()["public_key"]["fingerprint"]
    assert found["signature"]["checkpoint"]["size"] == api.status()["entries"]
    assert (found["decisions"], found["label"]) == ([], None)


def test_an_entry_that_somebody_changed_shows_in_the_details(copied):
    database = copied / "user" / "__provenance" / "ledger.sqlite3"
    with sqlite3.connect(database) as connection:
        changed = "UPDATE entries SET leaf = zeroblob(32) WHERE kind = 'completion' AND number = 4"
        assert connection.execute(changed).rowcount == 1
    connection.close()
    ledger = Ledger.open(database.parent, read_only=True)
    found = Api(ledger).show(run_id(1))
    ledger.close()
    assert found["signature"]["state"] == "bad"
    assert [entry["signed"] for entry in found["entries"]] == [True, False]


@pytest.mark.parametrize(("limit", "cursor"), [(0, None), (501, None), (1, "x"), (1, "-1"), (1, "9" * 40), (1, "٣")])
def test_bad_pages_are_refused(api, limit, cursor):
    with pytest.raises(InputError):
        api.page(limit, cursor)


def test_answers_can_be_sent_as_json(api):
    for answer in (
        api.page(),
        api.show(run_id(5)),
        api.lineage(run_id(5)),
        api.diff(run_id(1), run_id(5)),
        api.restore(run_id(1)),
        api.status(),
        api.verify(),
        api.search("castle"),
    ):
        json.dumps(answer, allow_nan=False)


def test_without_leave_no_ref_reaches_the_disk(api, recorded, monkeypatch):
    monkeypatch.chdir(recorded.root)
    (recorded.root / "secret.txt").write_text("x")
    for ref in ("secret.txt", str(recorded.root / "secret.txt"), "../secret.txt", "input/secret.txt"):
        with pytest.raises(NotFound, match="names no run"):
            api.show(ref)
    assert api.show("output/sub/c.png")["outputs"][0]["execution"] == run_id(3)


def test_a_run_of_a_living_session_is_queued_or_running(ledger, recorded):
    presence = Presence(ledger.root, SESSION)
    try:
        assert Api(ledger).show(run_id(8))["status"] == "queued"
        assert Api(ledger, running=lambda run: run == run_id(8)).show(run_id(8))["status"] == "running"
    finally:
        presence.release()
    assert Api(ledger).show(run_id(8))["status"] == "lost"


def test_an_open_run_is_compared_without_pretending_to_know_its_models(api):
    assert api.show(run_id(8))["changes"] == ["seed 1 → 8"]


def test_restore_gives_the_document_and_the_drift(ledger, recorded):
    api = Api(ledger, TreeHost(recorded.root))
    found = api.restore(run_id(2))
    assert set(found) == {"execution", "kind", "sha256", "drift", "workflow", "prompt"}
    assert found["workflow"] == {"nodes": [], "seed": 2**64 - 1, "run": 2}
    assert found["prompt"] is None
    assert b"".join(api.object(found["sha256"]).blocks) == b'{"nodes":[],"seed":18446744073709551615,"run":2}'
    assert found["drift"]["nodes"] == [{"class_type": "CheckpointLoaderSimple", "pack": None, "version": None}]
    assert found["drift"]["not_checked"] == []
    assert found["drift"]["packs"] == []
    assert api.restore(run_id(5))["prompt"] == graph(cfg=5.5, image="a_00001_.png")


def test_a_model_is_compared_by_version_and_not_hashed(ledger, recorded, tmp_path):
    root = tmp_path
    (root / "models" / "checkpoints").mkdir(parents=True)
    (root / "models" / "checkpoints" / "sd15.safetensors").write_bytes(b"12345")
    (state,) = Api(ledger, TreeHost(root)).restore(run_id(2))["drift"]["models"]
    assert state["state"] == "unverified"
    (root / "models" / "checkpoints" / "sd15.safetensors").write_bytes(b"123456")
    (state,) = Api(ledger, TreeHost(root)).restore(run_id(2))["drift"]["models"]
    assert state["state"] == "changed"


def test_kept_inputs_are_not_put_back_where_the_folder_is_unknown(api):
    with pytest.raises(InputError, match="input folder is not known"):
        api.put_back(run_id(5))


def saved(tmp_path, image, name):
    path = tmp_path / name
    image.save(path)
    return path


def test_identify_by_bytes_then_pixels_then_looks(api, tmp_path):
    exact = tmp_path / "x.png"
    exact.write_bytes(picture(3))
    (found,) = api.identify(exact)["found"]
    assert (found["execution"], found["method"], found["basis"], found["score"]) == (
        run_id(3),
        "sha256",
        "observed",
        None,
    )
    image = Image.open(io.BytesIO(picture(3)))
    again = saved(tmp_path, image, "again.bmp")
    assert [(item["execution"], item["method"]) for item in api.identify(again)["found"]] == [(run_id(3), "pixels")]
    smaller = saved(tmp_path, image.resize((320, 240)), "smaller.png")
    best = api.identify(smaller)["found"][0]
    assert (best["execution"], best["method"], best["basis"]) == (run_id(3), "perceptual", "inferred")
    assert 0.84 <= best["score"] <= 1


def test_identify_by_the_id_that_a_file_carries(api, tmp_path):
    carried = PngInfo()
    carried.add_text("workflow", json.dumps({"extra": {"provenance": {"execution": run_id(4)}}}))
    path = tmp_path / "edited.png"
    Image.linear_gradient("L").save(path, pnginfo=carried)
    (found,) = api.identify(path)["found"]
    assert (found["execution"], found["file"]) == (run_id(4), "a_00004_.png")
    assert (found["method"], found["basis"]) == ("embedded-id+perceptual", "inferred")  # anybody can write an id


def test_identify_says_when_it_is_no_image_and_when_it_is_unknown(api, tmp_path):
    (tmp_path / "x.txt").write_text("hello")
    with pytest.raises(InputError, match="no image"):
        api.identify(tmp_path / "x.txt")
    unknown = saved(tmp_path, Image.radial_gradient("L"), "unknown.png")
    assert api.identify(unknown)["found"] == []
    with pytest.raises(InputError):
        api.identify(tmp_path / "absent.png")


def test_thumbnails_and_objects(api):
    digest = hashlib.sha256(picture(1)).hexdigest()
    thumbnail = api.thumbnail(digest)
    assert thumbnail.media_type == "image/webp"
    assert Image.open(io.BytesIO(b"".join(thumbnail.blocks))).size == (64, 48)
    kept = api.object(digest)
    assert (kept.media_type, kept.size) == ("image/png", len(picture(1)))
    assert b"".join(kept.blocks) == picture(1)
    for call in (api.thumbnail, api.object):
        with pytest.raises(NotFound):
            call("0" * 64)
        for bad in ("../x", "0" * 63, "A" * 64, ""):
            with pytest.raises(InputError):
                call(bad)


def test_changes_are_remembered_only_when_asked(recorded, tmp_path):
    import shutil

    root = Path(shutil.copytree(recorded.root / "user" / "__provenance", tmp_path / "ledger"))
    ledger = Ledger.open(root)
    try:
        list(Api(ledger).log())
        assert ledger.index.summaries([run_id(2)]) == {}
        first = list(Api(ledger, remember=True).log())
        assert ledger.index.summaries([run_id(2), run_id(8)]) == {run_id(2): ["seed 1 → 2"]}
        assert list(Api(ledger, remember=True).log()) == first
    finally:
        ledger.close()


def test_status_carries_the_recorder_of_a_host(ledger):
    assert Api(ledger).status()["recorder"] is None
    assert Api(ledger, service=lambda: {"recording": True}).status()["recorder"] == {"recording": True}


def test_search_finds_prompts(api):
    found = api.search("GOLDEN")
    assert [(item["execution"], item["node"], item["text"]) for item in found["items"]] == [
        (run_id(3), "2", "a castle in fog, golden hour")
    ]
    with pytest.raises(InputError):
        api.search("x", 0)


def test_a_check_tells_its_progress_up_to_the_end(api):
    told = []
    assert api.verify(progress=lambda done, total: told.append((done, total)))["ok"]
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]


def test_a_model_that_lies_in_a_subfolder_here_is_found_by_its_name(tmp_path):
    from comfy_provenance.provenance.present.machine import Machine

    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "sd15.safetensors").write_bytes(b"x")
    machine = Machine(None, None, folders={"checkpoints": [str(tmp_path)]})
    assert machine.model_of_that_name("checkpoints", "old\\sd15.safetensors") == str(Path("sub") / "sd15.safetensors")
    assert machine.model_of_that_name("checkpoints", "other.safetensors") is None
    assert machine.model_of_that_name("loras", "sd15.safetensors") is None
