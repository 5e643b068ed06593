"""The HTTP answers, and what the routes refuse."""

from __future__ import annotations

import hashlib
import json
import time
import urllib.parse
from typing import Any

import graphs
import hosts
import pytest

BASE = "/provenance/v1"


@pytest.fixture(scope="module")
def pair(host: hosts.Host) -> tuple[str, str]:
    """Two runs, the second a revision of the first."""
    first = graphs.plain(color=5001, prefix="http")
    one = host.run(first, workflow=graphs.workflow(first))
    two = host.run(graphs.plain(color=5002, prefix="http"), workflow=graphs.workflow(first, head=one))
    return one, two


def refused(host: hosts.Host, method: str, path: str, **options: Any) -> hosts.Answer:
    with pytest.raises(hosts.Answer) as answer:
        host.request(method, path, **options)
    return answer.value


def test_pages_are_newest_first_and_reach_every_run_once(host: hosts.Host, pair: tuple[str, str]) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = host.get(f"{BASE}/executions?limit=2{cursor}")
        assert len(page["items"]) <= 2
        seen += [item["execution"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == len(set(seen))
    assert seen.index(pair[1]) < seen.index(pair[0])
    assert seen == [line["execution"] for line in reversed(host.listed())]


def test_a_unique_prefix_names_a_run(host: hosts.Host, pair: tuple[str, str]) -> None:
    assert host.get(f"{BASE}/executions/{pair[0][:13]}")["execution"] == pair[0]


def test_the_difference_speaks_in_widget_names(host: hosts.Host, pair: tuple[str, str]) -> None:
    found = host.get(f"{BASE}/diff?a={pair[0]}&b={pair[1]}")
    assert set(found) == {"prompts", "params", "graph", "models", "environment"}
    assert found["params"] == [
        {"node": "1", "class_type": "EmptyImage", "input": "color", "before": 5001, "after": 5002}
    ]
    assert found["graph"] == {"added": [], "removed": [], "rewired": []}


def test_the_status_tells_that_runs_are_recorded(host: hosts.Host) -> None:
    status = host.settled()
    assert (status["recording"], status["state"], status["reason"]) == (True, "recording", None)
    assert status["entries"] > 0
    assert status["checkpoint"]["size"] == status["entries"]
    assert "PRIVATE" not in json.dumps(status)


def test_a_thumbnail_is_a_small_picture_without_metadata(host: hosts.Host, pair: tuple[str, str]) -> None:
    (output,) = host.recorded(pair[0])["outputs"]
    picture = host.request("GET", f"{BASE}/thumbnails/{output['sha256']}")
    assert picture[:4] == b"RIFF"
    assert picture[8:12] == b"WEBP"
    assert b"EXIF" not in picture
    assert b"XMP " not in picture


def test_an_object_is_served_by_its_digest(host: hosts.Host, pair: tuple[str, str]) -> None:
    digest = host.get(f"{BASE}/restore/{pair[0]}")["sha256"]
    data = host.request("GET", f"{BASE}/objects/{digest}")
    assert hashlib.sha256(data).hexdigest() == digest


def test_verification_runs_in_the_background_with_progress(host: hosts.Host, pair: tuple[str, str]) -> None:
    deadline = time.monotonic() + hosts.RUN_S
    state = host.get(f"{BASE}/verify?again=1")
    while state["running"] and time.monotonic() < deadline:
        time.sleep(0.05)
        state = host.get(f"{BASE}/verify")
    assert state["error"] is None
    assert set(state["report"]) == {"ok", "entries", "released", "resumed", "checkpoint", "findings", "time"}
    assert state["report"]["ok"], state["report"]["findings"]


def test_a_file_is_identified(host: hosts.Host, pair: tuple[str, str]) -> None:
    (output,) = host.recorded(pair[1])["outputs"]
    data = (host.folder / output["type"] / output["file"]).read_bytes()
    body, kind = form(data)
    found = json.loads(host.request("POST", f"{BASE}/identify", body, {"Content-Type": kind}))
    assert found["sha256"] == output["sha256"]
    assert [(item["execution"], item["method"]) for item in found["found"]] == [(pair[1], "sha256")]


def form(data: bytes) -> tuple[bytes, str]:
    head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="../../x.png"\r\n\r\n'
    return head + data + b"\r\n--edge--\r\n", "multipart/form-data; boundary=edge"


def test_a_file_that_is_no_picture_gets_one_clear_line(host: hosts.Host) -> None:
    body, kind = form(b"neither a picture nor known")
    answer = refused(host, "POST", f"{BASE}/identify", body=body, headers={"Content-Type": kind})
    assert answer.status == 400
    assert "no image" in json.loads(answer.body)["error"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("executions/no-such-run", 404),
        ("executions?limit=0", 400),
        ("executions?limit=x", 400),
        ("executions?cursor=x", 400),
        ("diff", 400),
        ("diff?a=no-such&b=no-such", 404),
        ("restore/no-such-run", 404),
        ("thumbnails/" + "0" * 64, 404),
        ("objects/" + "0" * 64, 404),
        ("objects/abc", 400),
        ("objects/..%2F..%2Fsecrets%2Fsigning-key.pem", 400),
        ("objects/%2Fetc%2Fpasswd", 400),
        ("executions/..%2F..%2Fsecrets%2Fsigning-key.pem", 404),
        ("lineage/%2Fetc%2Fpasswd", 404),
        ("lineage/" + urllib.parse.quote("output/../user/__provenance/secrets/signing-key.pem", safe=""), 404),
    ],
)
def test_what_is_not_there_or_not_meant_gets_a_clear_answer(host: hosts.Host, path: str, status: int) -> None:
    answer = refused(host, "GET", f"{BASE}/{path}")
    assert answer.status == status
    error = json.loads(answer.body)["error"]
    assert "\n" not in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
    ],
    ids=["origin", "fetch-site", "opaque"],
)
@pytest.mark.parametrize("route", ["executions", "status"])
def test_another_site_is_refused(host: hosts.Host, route: str, headers: dict[str, str]) -> None:
    assert refused(host, "GET", f"{BASE}/{route}", headers=headers).status == 403


@pytest.mark.parametrize("body", [b"", b"{}", b"--edge--\r\n"])
def test_identify_takes_a_form_with_a_file_and_nothing_else(host: hosts.Host, body: bytes) -> None:
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=edge"):
        answer = refused(host, "POST", f"{BASE}/identify", body=body, headers={"Content-Type": kind})
        assert answer.status in (400, 415)


def test_the_key_is_reached_by_no_route_of_the_host(host: hosts.Host) -> None:
    for path in (
        "/userdata/..%2F__provenance%2Fsecrets%2Fsigning-key.pem",
        "/userdata/__provenance%2Fsecrets%2Fsigning-key.pem",
        "/view?filename=signing-key.pem&subfolder=../user/__provenance/secrets&type=output",
        "/view?filename=../../user/__provenance/secrets/signing-key.pem&type=output",
    ):
        assert refused(host, "GET", path).status in (400, 403, 404)
