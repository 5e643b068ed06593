"""A video that ComfyUI wrote, marked by the command line: what is said in it, and that it is the same video."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import hosts
import pytest
from comfy_provenance.provenance.record import credentials, label
from comfy_provenance.provenance.seal import content
from graphs import node
from paintings import painting

MP4 = "video/mp4"
FRAMES = 4


@pytest.fixture(scope="module")
def run(host: hosts.Host) -> str:
    """A painting that is saved as a video."""
    if not content.available():
        pytest.skip("c2pa-python is not installed here")
    if "SaveVideo" not in host.get("/object_info"):
        pytest.skip("this host has no SaveVideo")
    graph = painting(host, wrapped=False)
    graph["9"] = node("RepeatImageBatch", image=["8", 0], amount=FRAMES)
    graph["10"] = node("CreateVideo", images=["9", 0], fps=8.0)
    graph["11"] = node("SaveVideo", video=["10", 0], filename_prefix="moving", format="mp4", codec="h264")
    made = host.run(graph)
    host.settled()
    return made


@pytest.fixture(scope="module")
def marked(host: hosts.Host, run: str) -> Path:
    done = host.command("credential", str(saved(host, run)), "--label", "--producer", "工作室", "--json")
    assert done.returncode == 0, done.stderr
    return Path(json.loads(done.stdout)["file"])


def saved(host: hosts.Host, run: str) -> Path:
    (output,) = host.recorded(run, "success")["outputs"]
    assert (output["media_type"], output["problem"]) == (MP4, None)
    return host.folder / output["type"] / output["file"]


def frames(host: hosts.Host, video: Path) -> list[str]:
    """What ComfyUI decodes of a video: a digest of each frame's pixels."""
    shutil.copyfile(video, host.folder / "input" / video.name)
    graph = {
        "1": node("LoadVideo", file=video.name),
        "2": node("GetVideoComponents", video=["1", 0]),
        "3": node("SaveImage", images=["2", 0], filename_prefix="frame"),
    }
    return [output["pixels"] for output in host.recorded(host.run(graph), "success")["outputs"]]


def test_a_video_says_what_made_it_and_leads_to_its_entry(host: hosts.Host, run: str, marked: Path) -> None:
    record = host.recorded(run)
    found = content.read(marked.read_bytes(), MP4)
    assert found is not None
    assert (found.state, found.codes) == ("Valid", ("signingCredential.untrusted",))
    said: dict[str, Any] = {each["label"]: each["data"] for each in found.manifest["assertions"]}
    (action,) = said["c2pa.actions.v2"]["actions"]
    assert action["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    named = said["c2pa.ai-disclosure"]["modelName"].split(", ")
    assert named == [Path(model["name"]).name for model in record["models"]]
    entry = next(each for each in record["entries"] if each["kind"] == "submission")
    told = said[credentials.RECORD]
    assert (told["execution"], told["entry"], told["leaf"]) == (run, entry["index"], entry["leaf"])


def test_a_video_carries_the_label_that_china_asks_for(run: str, marked: Path) -> None:
    told = json.loads(label.of(marked.read_bytes(), MP4) or "")
    assert (told["ContentProducer"], told["ProduceID"]) == ("工作室", run)


def test_a_marked_video_is_the_same_video(host: hosts.Host, run: str, marked: Path) -> None:
    before = saved(host, run)
    found = frames(host, before)
    assert len(found) == FRAMES
    assert frames(host, marked) == found
    assert b"SaveVideo" in before.read_bytes() and b"SaveVideo" in marked.read_bytes(), (
        "the workflow is in it as it was"
    )
    assert label.of(before.read_bytes(), MP4) is None, "the file itself stays as it is"


def test_a_video_that_was_changed_after_it_was_signed_is_refused(marked: Path) -> None:
    data = bytearray(marked.read_bytes())
    data[data.index(b"mdat") + 64] ^= 1
    found = content.read(bytes(data), MP4)
    assert found is None or found.state == "Invalid"
