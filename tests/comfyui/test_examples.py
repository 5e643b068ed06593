"""The example workflows name nodes that every host has, with a picture beside each."""

from __future__ import annotations

import json
from pathlib import Path

import hosts
import pytest

EXAMPLES = sorted((hosts.ROOT / "example_workflows").glob("*.json"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_uses_nodes_that_are_there(host: hosts.Host, path: Path) -> None:
    workflow = json.loads(path.read_text(encoding="utf-8"))
    known = host.get("/object_info")
    for node in workflow["nodes"]:
        declared = known[node["type"]]["input"]
        names = {*declared.get("required", {}), *declared.get("optional", {})}
        assert {socket["name"] for socket in node["inputs"]} <= names
    assert path.with_suffix(".jpg").read_bytes()[:2] == b"\xff\xd8"
