"""No false hit on the official workflow templates, where they are installed."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, files

import pytest
from comfy_provenance.provenance.canonical import parse_json, snapshot_bytes
from comfy_provenance.provenance.record import graph, redact, snapshot

PACKAGES = ("json", "core", "media-api", "media-image", "media-video", "media-other")


def templates():
    found = []
    for name in ("comfyui-workflow-templates", *(f"comfyui-workflow-templates-{part}" for part in PACKAGES)):
        try:
            listed = files(name) or ()
        except PackageNotFoundError:
            continue
        paths = (path for path in listed if path.suffix == ".json" and path.parent.name == "templates")
        found += [path for path in paths if not path.name.startswith("index.")]
    return {path.name: path.locate() for path in found}


TEMPLATES = templates()


@pytest.mark.skipif(not TEMPLATES, reason="no comfyui-workflow-templates package is installed")
@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_passes_unchanged(name):
    received = json.loads(TEMPLATES[name].read_text(encoding="utf-8"))
    result = redact.Redactor(b"salt", lambda class_type: None).graph({}, received, {})
    assert result.marks == ()
    assert result.workflow is received
    kept = snapshot.build(result)
    assert kept.workflow is not None
    assert snapshot_bytes(parse_json(kept.workflow)) == kept.workflow
    assert repr(parse_json(kept.workflow)) == repr(received)
    assert graph.ApiGraph(received).nodes is not None
