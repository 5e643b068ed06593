"""What Provenance Save Image puts into a file on request, on a running host: label and credential, signed last."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import graphs
import hosts
import pytest
from comfy_provenance.provenance.record import credentials, label
from comfy_provenance.provenance.seal import certificate, content
from PIL import Image

KINDS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


def saving(source: dict[str, Any], form: str, **wishes: Any) -> dict[str, Any]:
    image = "2" if "2" in source and source["2"]["class_type"] != "SaveImage" else "1"
    inputs = {"images": [image, 0], "filename_prefix": "carry", "format": form, "quality": 90, "lossless_webp": True}
    save = graphs.node("ProvenanceSaveImage", **inputs, embed_workflow=True, **wishes)
    return {**{name: node for name, node in source.items() if node["class_type"] != "SaveImage"}, "9": save}


def saved(host: hosts.Host, run: str) -> tuple[dict[str, Any], bytes]:
    record = host.recorded(run, "success")
    (output,) = record["outputs"]
    data = (host.folder / output["type"] / output["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == output["sha256"]  # the ledger holds the file as it is, finished
    return record, data


@pytest.mark.parametrize("form", list(KINDS))
def test_a_saved_file_carries_label_workflow_receipt_and_credential(host: hosts.Host, form: str) -> None:
    if not content.available():
        pytest.skip("c2pa-python is not installed here")
    source = graphs.held(until=f"save-{form}", color=0x2244AA)
    graph = saving(source, form, content_credentials=True, ai_label=True, label_producer="工作室")
    run = host.submit(graph, workflow=graphs.workflow(graph))
    host.recorded(run, "running")  # what is saved before its run is written can name no entry
    host.let_go(f"save-{form}")
    record, data = saved(host, run)
    found = content.read(data, KINDS[form])
    assert record["redactions"] == []
    (told,) = [each for each in record["observations"]["nodes"] if each.get("kind") == "finishing"]
    if told["c2pa"].startswith("Content Credentials need"):  # this host's Python has no c2pa
        assert found is None
    else:
        assert found is not None
        assert (found.state, found.codes, told["c2pa"]) == ("Valid", ("signingCredential.untrusted",), "put in")
        assert found.manifest["signature_info"]["issuer"] == certificate.MADE_HERE
        said = {each["label"]: each["data"] for each in found.manifest["assertions"]}[credentials.RECORD]
        assert said["execution"] == run
        entry = next(each for each in record["entries"] if each["kind"] == "submission")
        assert (said.get("entry"), said.get("leaf")) == (entry["index"], entry["leaf"])
    assert json.loads(label.of(data, KINDS[form]) or "")["ContentProducer"] == "工作室"
    assert json.loads(label.of(data, KINDS[form]) or "")["ProduceID"] == run
    with Image.open(io.BytesIO(data)) as image:
        image.load()


def test_a_credential_names_what_went_in(host: hosts.Host) -> None:
    host.upload("went-in.png", graphs.png((3, 90, 200)))
    run = host.run(saving(graphs.invert("went-in.png"), "png", content_credentials=True))
    data = saved(host, run)[1]
    found = content.read(data, "image/png") if content.available() else None
    if found is None:
        pytest.skip("no c2pa-python in this host's Python or here")
    (ingredient,) = found.manifest["ingredients"]
    assert (ingredient["title"], ingredient["relationship"]) == ("went-in.png", "parentOf")
    assert "c2pa.ai-disclosure" not in [each["label"] for each in found.manifest["assertions"]]  # no model took part


def test_an_unusable_certificate_costs_the_credential_and_nothing_else(own_host: hosts.Host) -> None:
    host = own_host.start()
    run = host.run(graphs.plain(color=1))
    status = host.settled()
    place = hosts.Path(status["key_file"]).parent / certificate.FILE
    place.write_text("no certificate", encoding="utf-8")
    run = host.run(saving(graphs.plain(color=2), "png", content_credentials=True, ai_label=True))
    record, data = saved(host, run)
    (told,) = [each for each in record["observations"]["nodes"] if each.get("kind") == "finishing"]
    assert told["c2pa"] not in ("put in", "not wanted")
    assert told["label"] == "put in"
    assert label.of(data, "image/png") is not None
    assert "is not in the file" in host.log_text()


def test_nothing_is_put_in_unasked(host: hosts.Host) -> None:
    run = host.run(saving(graphs.plain(color=0x5511AA), "png"))
    record, data = saved(host, run)
    assert record["observations"] is None
    assert label.of(data, "image/png") is None
    assert b"c2pa" not in data
