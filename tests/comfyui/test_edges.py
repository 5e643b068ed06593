"""Lineage edges on a running host: exactly those that happened, per output, with how each is known."""

from __future__ import annotations

import io
import json
from typing import Any

import graphs
import hosts
from PIL import Image


def made(host: hosts.Host, run: str, node: str | None = None) -> dict[str, Any]:
    found = [item for item in host.recorded(run)["outputs"] if node in (None, item["node"])]
    assert len(found) == 1
    return dict(found[0])


def named(output: dict[str, Any]) -> str:
    return f"sha256:{output['sha256']}"


def annotated(output: dict[str, Any]) -> str:
    return f"{output['file']} [{output['type']}]"


def edges(host: hosts.Host, ref: str, relation: str) -> list[dict[str, Any]]:
    return [edge for edge in host.get(f"/provenance/v1/lineage/{ref}")["edges"] if edge["relation"] == relation]


def test_an_image_made_from_an_earlier_output_is_derived_from_it(host: hosts.Host) -> None:
    first = made(host, host.run(graphs.plain(color=1001, prefix="source")))
    second = made(host, host.run(graphs.invert(annotated(first))))
    (edge,) = edges(host, named(second), "derived_from")
    assert (edge["from"], edge["to"]) == (named(second), named(first))
    assert (edge["basis"], edge["method"], edge["score"]) == ("observed", "sha256", None)
    assert edge["via"] == ["1", "2", "3"]


def test_a_composite_has_two_parents(host: hosts.Host) -> None:
    sources = [made(host, host.run(graphs.plain(color=1100 + number, prefix="pair"))) for number in range(2)]
    whole = made(host, host.run(graphs.composite(*map(annotated, sources))))
    assert {edge["to"] for edge in edges(host, named(whole), "derived_from")} == set(map(named, sources))


def test_lineage_is_per_output_not_per_run(host: hosts.Host) -> None:
    sources = [made(host, host.run(graphs.plain(color=1200 + number, prefix="side"))) for number in range(2)]
    run = host.run(graphs.two_outputs(*map(annotated, sources)))
    for node, source in zip(("3", "4"), sources, strict=True):
        own = [edge for edge in edges(host, run, "derived_from") if edge["from"] == named(made(host, run, node))]
        assert [edge["to"] for edge in own] == [named(source)]


def test_an_upload_is_used_and_derived_from_nothing(host: hosts.Host) -> None:
    host.upload("stranger.png", graphs.png((10, 90, 10), size=48))
    run = host.run(graphs.invert("stranger.png"))
    assert edges(host, run, "derived_from") == []
    (edge,) = edges(host, run, "used")
    assert (edge["from"], edge["basis"]) == (run, "observed")


def test_an_output_saved_again_with_the_same_pixels_is_recognized_by_them(host: hosts.Host) -> None:
    host.upload("seed.png", graphs.png((120, 30, 60), size=72))
    first = made(host, host.run(graphs.invert("seed.png", prefix="pixels")))
    picture = Image.open(host.folder / first["type"] / first["file"])
    bare = io.BytesIO()
    picture.convert("RGB").save(bare, "PNG", compress_level=1)
    host.upload("resaved.png", bare.getvalue())
    second = made(host, host.run(graphs.invert("resaved.png", prefix="pixels-again")))
    (edge,) = [e for e in edges(host, named(second), "derived_from") if e["from"] == named(second)]
    assert (edge["to"], edge["basis"], edge["score"]) == (named(first), "observed", None)
    assert "pixel" in edge["method"]


def test_a_reencoded_output_is_at_most_inferred_with_a_score(host: hosts.Host) -> None:
    host.upload("seed2.png", graphs.png((20, 130, 160), size=96))
    first = made(host, host.run(graphs.invert("seed2.png", prefix="lossy")))
    picture = Image.open(host.folder / first["type"] / first["file"])
    lossy = io.BytesIO()
    picture.convert("RGB").save(lossy, "JPEG", quality=80)
    host.upload("lossy.jpg", lossy.getvalue())
    second = made(host, host.run(graphs.invert("lossy.jpg", prefix="lossy-again")))
    found = [e for e in edges(host, named(second), "derived_from") if e["from"] == named(second)]
    assert all(edge["basis"] == "inferred" and 0 < edge["score"] <= 1 for edge in found)
    assert named(first) in {edge["to"] for edge in found}


def test_a_metadata_keeping_edit_is_at_most_inferred(host: hosts.Host) -> None:
    prompt = graphs.plain(color=1300, prefix="edited")
    run = host.run(prompt, workflow=graphs.workflow(prompt))
    output = made(host, run)
    picture = Image.open(host.folder / output["type"] / output["file"])
    assert json.loads(picture.text["workflow"])["extra"]["provenance"] == {"execution": run}
    host.upload("edited.png", graphs.png((1, 2, 3), workflow=picture.text["workflow"]))
    child = made(host, host.run(graphs.invert("edited.png", prefix="edited-child")))
    found = [e for e in edges(host, named(child), "derived_from") if e["from"] == named(child)]
    assert all(edge["basis"] == "inferred" for edge in found)


def test_the_head_rule_gives_revisions_and_siblings(host: hosts.Host) -> None:
    prompt = graphs.plain(color=1400)
    root = host.run(prompt, workflow=graphs.workflow(prompt))
    children = [
        host.run(graphs.plain(color=1401 + number), workflow=graphs.workflow(prompt, head=root)) for number in range(3)
    ]
    for child in children:
        (edge,) = [e for e in edges(host, child, "revision_of") if e["from"] == child]
        assert (edge["to"], edge["basis"]) == (root, "declared")
    lines = {line["execution"]: line for line in host.listed()}
    assert [lines[child]["parents"] for child in children] == [[root]] * 3
    assert lines[root]["parents"] == []
    assert lines[children[1]]["changes"] == ["color 1400 → 1402"]


def test_an_unknown_parent_is_kept_and_marked(host: hosts.Host) -> None:
    prompt = graphs.plain(color=1500)
    run = host.run(prompt, parent="run-of-another-ledger")
    parent = host.recorded(run)["parent"]
    assert (parent["execution"], parent["known"]) == ("run-of-another-ledger", False)
