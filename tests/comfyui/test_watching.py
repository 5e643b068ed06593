"""A folder that the author edits in is watched: what is saved there comes in by itself, as an inferred later edit."""

from __future__ import annotations

import io
import json
import shutil
import time
from pathlib import Path
from typing import Any

import graphs
import hosts
import pytest
from PIL import Image

API = "/provenance/v1"


@pytest.fixture
def watched(own_host: hosts.Host) -> Path:
    folder = own_host.folder / "edits"
    own_host.ledger.mkdir(parents=True, exist_ok=True)
    chosen = {"watch_folder": str(folder), "watch_seconds": 1}
    (own_host.ledger / "settings.json").write_text(json.dumps(chosen), encoding="utf-8")
    return folder


def painted(path: Path, level: int) -> bytes:
    with Image.open(path) as image:
        image = image.convert("RGB")
        image.paste((level, level, level), (0, 0, 12, 12))
        data = io.BytesIO()
        image.save(data, "PNG")
    return data.getvalue()


def imports(host: hosts.Host, count: int) -> list[dict[str, Any]]:
    """What was brought in, oldest first, once there is so much."""
    deadline = time.monotonic() + hosts.RUN_S
    while True:
        items = list(reversed(host.get(f"{API}/imports")["items"]))
        if len(items) >= count or time.monotonic() > deadline:
            return items
        time.sleep(0.1)


def watching(host: hosts.Host, problem: str | None) -> None:
    """Wait until this is what keeps the folder from being watched; None: nothing does."""
    deadline = time.monotonic() + hosts.RUN_S
    while True:
        told = host.get(f"{API}/status")["background"]["watching"]["problem"]
        if told is problem or (problem and told and problem in told):
            return
        assert time.monotonic() < deadline, told
        time.sleep(0.1)


def test_what_is_saved_in_the_watched_folder_comes_in_with_each_version(own_host: hosts.Host, watched: Path) -> None:
    host = own_host.start()
    host.settled()
    run = host.run(graphs.invert_of(host, "base.png"))
    (output,) = host.recorded(run)["outputs"]
    made = host.folder / "output" / output["file"]
    watching(host, "no folder")
    aside = host.folder / "aside"
    aside.mkdir()
    (aside / "there before.png").write_bytes(graphs.png((5, 5, 5)))
    aside.rename(watched)
    watching(host, None)  # the first look only noted what is there
    Image.radial_gradient("L").save(watched / "unrelated.png")
    (watched / "unrelated.psd").write_bytes(b"8BPS and nothing of a picture")
    edit = watched / f"{Path(output['file']).stem} retouched.png"
    edit.write_bytes(painted(made, 250))
    (first,) = imports(host, 1)
    assert (first["name"], first["basis"], first["source"]) == (edit.name, "inferred", "folder")
    assert [(each["output"], each["method"]) for each in first["of"]] == [(output["sha256"], "file-name")]
    edit.write_bytes(painted(made, 200))
    _, second = imports(host, 2)
    assert second["revises"] == first["entry"]
    shutil.copy(made, watched / "copy.png")
    time.sleep(3)
    assert len(imports(host, 2)) == 2, "neither what was there, nor what fits nothing, nor a copy of an output"
    lineage = host.get(f"{API}/lineage/{second['sha256']}")
    (link,) = [
        edge for edge in lineage["edges"] if edge["relation"] == "derived_from" and second["sha256"] in edge["from"]
    ]
    assert link["basis"] == "inferred"
    assert host.get(f"{API}/status")["background"]["watching"] == {"folder": str(watched), "problem": None}
    shutil.rmtree(watched)
    watching(host, "no folder")
    assert host.get(f"{API}/status")["state"] == "recording", "a folder that is gone keeps no run from being recorded"
    assert host.command("verify").returncode == 0
