"""The routes a page and a pack use, and what they refuse."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from comfy_provenance.demo.client import Client
from comfy_provenance.demo.host import folder_paths
from comfy_provenance.demo.host.embedded import EmbeddedHost
from prompts import plain


def ask(
    host: EmbeddedHost, path: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection(urlsplit(host.url).netloc, timeout=120)
    connection.request(method, path, body=body, headers=headers or {})
    answer = connection.getresponse()
    found = answer.status, answer.read(), dict(answer.getheaders())
    connection.close()
    return found


def asked(host: EmbeddedHost, path: str) -> Any:
    status, body, _ = ask(host, path)
    assert status == 200, (path, status)
    return json.loads(body)


PAGE_NEEDS = [
    "/users",
    "/settings",
    "/system_stats",
    "/extensions",
    "/object_info",
    "/i18n",
    "/queue",
    "/history",
    "/experiment/models",
    "/features",
    "/node_replacements",
    "/global_subgraphs",
    "/workflow_templates",
    "/embeddings",
    "/prompt",
]


@pytest.mark.parametrize("path", PAGE_NEEDS)
def test_every_route_exists_with_and_without_the_prefix(host: EmbeddedHost, path: str) -> None:
    plain_answer, prefixed = asked(host, path), asked(host, "/api" + path)
    assert path == "/system_stats" or plain_answer == prefixed


def test_the_page_is_served(host: EmbeddedHost) -> None:
    status, body, headers = ask(host, "/")
    assert status == 200 and b"page" in body and "no-store" in headers["Cache-Control"]


def test_a_packs_scripts_and_translations_reach_the_page(host: EmbeddedHost) -> None:
    found = asked(host, "/api/extensions")
    assert "/extensions/core/one.js" in found and "/extensions/probe.pack/main.js" in found
    assert ask(host, "/extensions/probe.pack/main.js")[0] == 200
    words = asked(host, "/api/i18n")["en"]
    assert words["probe"] == {"title": "Probe"} and "ProbeHidden" in words["nodeDefs"]


def test_a_packs_nodes_name_their_pack(host: EmbeddedHost) -> None:
    info = asked(host, "/object_info/ProbeHidden")["ProbeHidden"]
    assert info["python_module"] == "custom_nodes.probe.pack"
    assert info["display_name"] == "Probe: hidden" and info["output_node"] is True


def test_a_packs_route_has_its_twin(host: EmbeddedHost) -> None:
    answer = asked(host, "/api/probe/v1/where")
    assert answer == asked(host, "/probe/v1/where")
    assert answer["private"].endswith("__probe")


def test_private_user_folders_are_out_of_reach(host: EmbeddedHost) -> None:
    from pathlib import Path

    private = Path(folder_paths.get_system_user_directory("probe"))
    private.mkdir()
    (private / "key").write_text("secret", encoding="utf-8")
    for path in ("../__probe/key", "..%2F__probe%2Fkey", "/etc/passwd", "../../user/__probe/key"):
        assert ask(host, "/userdata/" + quote(path, safe=""))[0] in (403, 404), path
    assert ask(host, "/userdata?dir=..")[0] == 403
    assert ask(host, "/v2/userdata?path=..")[0] == 400
    with pytest.raises(ValueError):
        folder_paths.get_system_user_directory("_x")
    with pytest.raises(ValueError):
        folder_paths.get_system_user_directory("../x")


def test_workflows_are_kept_moved_and_deleted(host: EmbeddedHost) -> None:
    name = quote("workflows/mine.json", safe="")
    assert ask(host, "/api/userdata/" + name)[0] == 404
    assert ask(host, "/api/userdata/" + name, "POST", b'{"a": 1}')[1] == b'"workflows/mine.json"'
    assert ask(host, "/api/userdata/" + name + "?overwrite=false", "POST", b"{}")[0] == 409
    listed = asked(host, "/api/userdata?dir=workflows&recurse=true&full_info=true")
    assert [(entry["path"], entry["size"]) for entry in listed] == [("mine.json", 8)]
    other = quote("workflows/other.json", safe="")
    assert ask(host, f"/api/userdata/{name}/move/{other}", "POST")[0] == 200
    assert ask(host, "/api/userdata/" + other)[1] == b'{"a": 1}'
    assert ask(host, "/api/userdata/" + other, "DELETE")[0] == 204
    assert asked(host, "/api/userdata?dir=workflows") == []


def test_settings_are_kept(host: EmbeddedHost, client: Client) -> None:
    client.post("/settings", {"Comfy.Locale": "zh"})
    client.post("/settings/Comfy.Other", 3)
    assert asked(host, "/api/settings") == {"Comfy.Locale": "zh", "Comfy.Other": 3}
    assert asked(host, "/settings/Comfy.Locale") == "zh" and asked(host, "/settings/none") is None


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 404),
        ("?filename=../x.png", 400),
        ("?filename=/etc/passwd", 400),
        ("?filename=nope.png", 404),
        ("?filename=seen_00001_.png&subfolder=../..", 403),
        ("?filename=seen_00001_.png&type=models", 400),
        ("?filename=seen_00001_.png", 200),
        ("?filename=seen_00001_.png%20[output]&type=input", 200),
    ],
)
def test_pictures_are_shown_from_three_folders_only(
    host: EmbeddedHost, client: Client, query: str, status: int
) -> None:
    client.wait(client.queue(plain(11, "seen"), {}))
    assert ask(host, "/view" + query)[0] == status


def test_pictures_are_shown_smaller_and_by_channel(host: EmbeddedHost, client: Client) -> None:
    client.wait(client.queue(plain(12, "channel"), {}))
    for query, kind in (("&preview=webp;80", "image/webp"), ("&channel=rgb", "image/png"), ("&channel=a", "image/png")):
        status, body, headers = ask(host, "/view?filename=channel_00001_.png" + query)
        assert (status, headers["Content-Type"]) == (200, kind) and body


def test_what_looks_like_a_page_is_not_shown_as_one(host: EmbeddedHost, client: Client) -> None:
    client.upload("evil.html", b"<script>1</script>")
    assert ask(host, "/view?filename=evil.html&type=input")[2]["Content-Type"] == "application/octet-stream"


def test_an_upload_keeps_what_was_there(client: Client) -> None:
    assert client.upload("same.png", b"one") == "same.png"
    assert client.upload("same.png", b"one") == "same.png"
    assert client.upload("same.png", b"two") == "same (1).png"
    assert client.upload("../../escape.png", b"three") == "escape.png"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_requests_from_other_sites_are_refused(host: EmbeddedHost, headers: dict[str, str], status: int) -> None:
    assert ask(host, "/interrupt", "POST", b"{}", headers)[0] == status


def test_the_pages_own_origin_is_welcome(host: EmbeddedHost) -> None:
    assert ask(host, "/interrupt", "POST", b"{}", {"Origin": host.url})[0] == 200


def test_jobs_are_listed_sorted_and_found(host: EmbeddedHost, client: Client) -> None:
    execution = client.queue(plain(13), {"extra_pnginfo": {"workflow": {"id": "w-1"}}})
    client.wait(execution)
    page = asked(host, "/api/jobs?limit=1&status=completed&workflow_id=w-1")
    assert [job["id"] for job in page["jobs"]] == [execution] and page["pagination"]["has_more"] is False
    job = asked(host, f"/api/jobs/{execution}")
    assert job["status"] == "completed" and job["outputs"]["2"]["images"] and job["preview_output"]["nodeId"] == "2"
    assert ask(host, "/api/jobs/none")[0] == 404
    for query in ("status=odd", "limit=0", "limit=x", "sort_by=x", "sort_order=x"):
        assert ask(host, "/api/jobs?" + query)[0] == 400, query


def test_history_can_be_read_in_part_and_wiped(host: EmbeddedHost, client: Client) -> None:
    for color in (21, 22, 23):
        last = client.queue(plain(color), {})
        client.wait(last)
    assert list(asked(host, "/history?max_items=1")) == [last]
    assert len(asked(host, "/history?max_items=2&offset=0")) == 2
    client.post("/history", {"delete": [last]})
    assert asked(host, f"/history/{last}") == {}
    client.post("/history", {"clear": True})
    assert asked(host, "/history") == {}


def test_model_files_tell_what_they_are(host: EmbeddedHost) -> None:
    about = asked(host, "/view_metadata/checkpoints?filename=demo_painter.safetensors")
    assert about["modelspec.title"] == "Demo painter"
    assert ask(host, "/view_metadata/checkpoints?filename=../x.safetensors")[0] == 404
    assert "demo_golden.safetensors" in asked(host, "/models/loras")
    assert ask(host, "/models/none")[0] == 404
