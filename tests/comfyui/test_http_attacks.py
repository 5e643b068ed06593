"""What strangers try over HTTP, one test per attack, against a running server: embedded, and a real ComfyUI."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import graphs
import hosts
import pytest
import strangers
from strangers import BASE, TRAVERSALS, ask, clean, state

ROUTES = strangers.every_route()
NAMED = [route for route in ROUTES if route.has_name]
POSTS = [route for route in ROUTES if route.method == "POST"]
STATING = [route for route in POSTS if not route.path.endswith("/identify")]
SOME = "0" * 64


@pytest.fixture(scope="module")
def run(host: hosts.Host) -> str:
    """A recorded run with a picture."""
    return host.run(graphs.plain(color=0xA77AC4, prefix="attacked"))


def unharmed(host: hosts.Host) -> None:
    """The server answers, runs are recorded, and the ledger is sound."""
    assert host.settled()["state"] == "recording"
    checked = host.command("verify", "--json")
    assert json.loads(checked.stdout)["ok"], checked.stdout


# other sites


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.elsewhere.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "file://"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "surprise"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
def test_no_route_answers_a_page_of_another_site(host: hosts.Host, headers: dict[str, str]) -> None:
    for route in ROUTES:
        body = b"{}" if route.method == "POST" else None
        said = ask(host, route.method, route.with_name(SOME), body, {"Content-Type": "application/json", **headers})
        assert said.status == 403, route
        assert not any(name.startswith("access-control-") for name in said.headers), route


def test_no_route_lets_another_site_ask_for_leave(host: hosts.Host) -> None:
    """A preflight: without its consent a browser sends no JSON to another site's server."""
    asking = {"Origin": "http://elsewhere.example", "Access-Control-Request-Method": "POST"}
    for route in POSTS:
        said = ask(host, "OPTIONS", route.with_name(SOME), None, asking)
        assert said.headers.get("access-control-allow-origin") is None, route


@pytest.mark.parametrize(
    "media_type",
    ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=edge", "", "text/json", "json"],
)
def test_no_form_can_state_anything(host: hosts.Host, run: str, media_type: str) -> None:
    """What a form of another site can send without a preflight, and what calls itself a form with files and is none."""
    body = json.dumps({"execution": run, "decision": "reject", "state": "paused", "enabled": False}).encode()
    before = host.settled()["entries"]
    for route in STATING:
        said = ask(host, "POST", route.with_name(run), body, {"Content-Type": media_type} if media_type else {})
        assert said.status == 415, route
    assert host.get(f"{BASE}/status")["entries"] == before


def test_reads_change_nothing(host: hosts.Host, run: str) -> None:
    before = host.settled()["checkpoint"]
    for route in ROUTES:
        if route.method == "GET":
            ask(host, "GET", route.with_name(run) + "?state=paused&execution=x&again=0&enabled=false")
    assert host.get(f"{BASE}/status")["checkpoint"] == before
    assert host.get(f"{BASE}/status")["state"] == "recording"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_other_methods_are_not_there(host: hosts.Host, run: str, method: str) -> None:
    for route in ROUTES:
        assert ask(host, method, route.with_name(run), b"{}").status in (403, 404, 405, 501), route


# paths


@pytest.mark.parametrize("name", TRAVERSALS, ids=ascii)
def test_no_name_leads_to_a_file(host: hosts.Host, run: str, name: str) -> None:
    for route in NAMED:
        body, headers = (b"{}", {"Content-Type": "application/json"}) if route.method == "POST" else (None, {})
        said = ask(host, route.method, route.with_name(name), body, headers)
        assert 400 <= said.status < 500, (route, said.status)
        assert clean(said), route
        assert "\n" not in said.error


@pytest.mark.parametrize("name", TRAVERSALS[:6], ids=ascii)
def test_no_question_leads_to_a_file(host: hosts.Host, run: str, name: str) -> None:
    for query in ("text", "cursor", "label", "model", "since", "status", "a"):
        path = f"{BASE}/executions?{query}=" if query != "a" else f"{BASE}/diff?b={run}&a="
        said = ask(host, "GET", path + strangers.quoted(name))
        assert said.status in (200, 400, 404) and clean(said), (query, said)


@pytest.mark.parametrize("name", [*TRAVERSALS[:6], "\0", "x" * 100_000], ids=lambda name: ascii(name)[:30])
def test_a_form_s_file_name_is_not_used(host: hosts.Host, name: str) -> None:
    picture = graphs.png()
    named = strangers.quoted(name, "/\\:.")[:8_000]
    head = f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{named}"\r\n\r\n'.encode()
    said = ask(
        host,
        "POST",
        f"{BASE}/identify",
        head + picture + b"\r\n--edge--\r\n",
        {"Content-Type": "multipart/form-data; boundary=edge"},
    )
    assert said.status == 200, said
    assert json.loads(said.body)["sha256"] == hashlib.sha256(picture).hexdigest()


# bodies


def test_a_huge_statement_is_refused(host: hosts.Host, run: str) -> None:
    body = json.dumps({"execution": run, "decision": "note", "reason": "x" * (8 << 20)}).encode()
    for route in STATING:
        assert state(host, route.with_name(run).removeprefix(BASE + "/"), body).status in (400, 413, 415), route
    unharmed(host)


def test_a_statement_that_never_ends_is_refused(host: hosts.Host) -> None:
    """Sent in pieces, without a length."""
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=hosts.RUN_S)
    connection.putrequest("POST", f"{BASE}/decisions")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    status = None
    with contextlib.suppress(OSError):  # the server hangs up, before or after we have sent all of it
        for _ in range(2_000):
            connection.send(b"10000\r\n" + b"[" * 0x10000 + b"\r\n")
        status = connection.getresponse().status
    connection.close()
    assert status in (None, 400, 413)
    assert host.get(f"{BASE}/status")["state"] == "recording"


BODIES: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"{",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    b'{"execution": NaN, "state": Infinity}',
    b'{"execution": 1e999}',
    b'{"execution": ' + b"9" * 5_000 + b"}",
    b'{"execution": "\\ud800", "decision": "\\udfff"}',
    b'{"execution": "a", "execution": {"$ne": null}}',
    b'{"__proto__": {"enabled": false}, "constructor": 1}',
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: ascii(body[:24]))
def test_a_body_that_says_nothing_is_refused_in_one_line(host: hosts.Host, body: bytes) -> None:
    for route in STATING:
        said = state(host, route.with_name("no-such-run").removeprefix(BASE + "/"), body)
        if said.status == 200:  # a route that takes an object with nothing in it
            assert isinstance(json.loads(body or b"{}"), dict), (route, said)
            continue
        assert 400 <= said.status < 500, (route, said)
        assert "\n" not in said.error and clean(said)


WRONG: list[Any] = [None, True, 7, -1, 1.5, 2**70, [], ["x"], {}, {"x": 1}, "", "x" * 20_000, "\0", "\ud800", "../x"]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: ascii(value)[:20])
def test_a_value_of_a_wrong_type_is_refused_or_means_nothing(host: hosts.Host, run: str, wrong: Any) -> None:
    good = {
        "decisions": {"execution": run, "output": None, "decision": "keep", "rating": None, "reason": None},
        "labels": {"execution": run, "label": "x"},
        "recording": {"state": "recording", "reason": None},
    }
    for path, body in good.items():
        for member in body:
            said = state(host, path, {**body, member: wrong})
            assert said.status in (200, 400, 404, 409), (path, member, said)
            assert clean(said)
            if said.status != 200:
                assert "\n" not in said.error
    assert host.get(f"{BASE}/status")["state"] == "recording"
    unharmed(host)


# races


def at_once(count: int, do: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(do, range(count)))


def test_statements_at_once_are_all_recorded(host: hosts.Host, run: str) -> None:
    said = at_once(24, lambda n: state(host, "decisions", {"execution": run, "decision": "rate", "rating": n % 5 + 1}))
    assert [each.status for each in said] == [200] * 24
    assert len({json.loads(each.body)["entry"] for each in said}) == 24
    unharmed(host)


def test_switching_at_once_ends_in_one_state(own_host: hosts.Host) -> None:
    host = own_host.start()
    host.run(graphs.plain(color=3))
    said = at_once(16, lambda n: state(host, "recording", {"state": ("paused", "recording")[n % 2], "reason": None}))
    assert {each.status for each in said} == {200}
    assert state(host, "recording", {"state": "recording", "reason": None}).status == 200
    host.run(graphs.plain(color=4))
    unharmed(host)


def test_settings_saved_at_once_are_all_saved(own_host: hosts.Host) -> None:
    host = own_host.start()
    host.run(graphs.plain(color=3))
    wanted: list[dict[str, Any]] = [{"keep_outputs": True}, {"keep_inputs": False}, {"keep_limit_mib": 77}] * 4
    wanted += [{"thumbnails": False}, {"fingerprint_models": False}]
    said = at_once(len(wanted), lambda n: state(host, "settings", wanted[n]))
    assert [each.status for each in said] == [200] * len(wanted)
    saved = host.get(f"{BASE}/settings")["settings"]
    for change in wanted:
        assert change.items() <= saved.items()
    assert [path.name for path in host.ledger.iterdir() if "partial" in path.name] == []


def test_files_identified_at_once_are_told_apart(host: hosts.Host) -> None:
    pictures = [graphs.png(color=(n, 7, 7)) for n in range(16)]

    def identify(n: int) -> str:
        head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n'
        kind = {"Content-Type": "multipart/form-data; boundary=edge"}
        said = ask(host, "POST", f"{BASE}/identify", head + pictures[n] + b"\r\n--edge--\r\n", kind)
        return str(json.loads(said.body)["sha256"])

    assert at_once(16, identify) == [hashlib.sha256(picture).hexdigest() for picture in pictures]


def test_checks_asked_for_at_once_are_one_check(host: hosts.Host, run: str) -> None:
    said = at_once(12, lambda n: ask(host, "GET", f"{BASE}/verify?again=1"))
    assert {each.status for each in said} == {200}
    unharmed(host)


def test_runs_submitted_while_everything_is_asked_are_recorded(host: hosts.Host, run: str) -> None:
    def do(n: int) -> str | None:
        if n % 3:
            route = ROUTES[n % len(ROUTES)]
            ask(host, "GET", route.with_name(run))
            return None
        return host.submit(graphs.plain(color=0xB00000 + n, prefix="race"))

    for prompt_id in filter(None, at_once(36, do)):
        host.wait(prompt_id)
        assert host.recorded(prompt_id)["status"] == "success"
    unharmed(host)
