"""Trusted time on a running host: chosen over HTTP, asked at once, shown with each run, checked offline by openssl."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import graphs
import hosts
import pytest
from comfy_provenance.tests.authorities import Authority, Pki, needs_openssl, openssl

pytestmark = needs_openssl
API = "/provenance/v1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with Authority(Pki(tmp_path_factory.mktemp("pki"))) as running:
        yield running


@pytest.fixture
def started(own_host: hosts.Host) -> hosts.Host:
    own_host.start()
    return own_host


def choose(host: hosts.Host, *authorities: Authority, roots: tuple[Path, ...] = ()) -> Any:
    named = [{"name": f"Local {number}", "url": each.url} for number, each in enumerate(authorities)]
    return host.post(f"{API}/settings", {"authorities": named, "trust_roots": list(map(str, roots))})


def until(condition: Callable[[], bool], timeout_s: float = hosts.RUN_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_nothing_is_asked_before_the_author_chose_and_then_at_once(started: hosts.Host, authority: Authority) -> None:
    host = started
    run = host.run(graphs.plain(color=7001))
    times = host.get(f"{API}/times")
    assert (times["chosen"], times["authorities"], times["anchors"], authority.asked) == (False, [], 0, 0)
    assert {each["name"] for each in times["known"]} >= {"DigiCert", "Sectigo", "GlobalSign", "Certum", "FreeTSA"}
    assert host.recorded(run)["times"] == {"state": "pending", "after": None, "by": None}

    saved = choose(host, authority, roots=(authority.pki.root,))
    assert saved["restart_needed"] is False and saved["running"] == saved["settings"]
    host.post(f"{API}/times/now", {})
    until(lambda: host.get(f"{API}/times")["authorities"][0]["state"] in ("idle", "waiting"))
    times = host.get(f"{API}/times")
    assert (times["chosen"], times["anchors"], times["roots"]) == (True, 1, 1)
    found = host.recorded(run)["times"]
    assert (found["state"], found["by"]["trust"], found["by"]["authority"]) == ("anchored", "trusted", "Local 0")
    later = host.run(graphs.plain(color=7002))
    found = host.recorded(later)["times"]
    assert (found["state"], found["after"]["trust"]) == ("pending", "trusted")
    (item,) = [each for each in host.get(f"{API}/executions?limit=50")["items"] if each["execution"] == later]
    assert item["times"] == found


def test_stopping_the_host_anchors_what_is_left_and_anybody_can_check_it(
    started: hosts.Host, authority: Authority, tmp_path: Path
) -> None:
    host = started
    choose(host, authority)
    for color in range(7003, 7008):  # a busy machine may not have it done in the moment that an end waits
        run = host.run(graphs.plain(color=color))
        host.stop()
        times = json.loads(host.command("show", run, "--json").stdout)["times"]
        if times["state"] == "anchored":
            break
        host.start()
    assert (times["state"], times["by"]["trust"]) == ("anchored", "unchecked")
    verified = json.loads(host.command("verify", "--root", str(authority.pki.root), "--json").stdout)
    assert [each["code"] for each in verified["findings"] if each["code"].startswith("anchor")] == []
    assert {each["trust"] for each in verified["time"]["anchors"]} == {"trusted"}


def test_a_slow_authority_delays_neither_runs_nor_the_end(started: hosts.Host, tmp_path: Path) -> None:
    host = started
    with Authority(Pki(tmp_path / "pki")) as slow:
        slow.mode, slow.delay_s = "slow", 10 * hosts.RUN_S
        choose(host, slow)
        until(lambda: slow.asked == 1)
        for color in range(7010, 7013):
            host.recorded(host.run(graphs.plain(color=color)))
        assert host.get(f"{API}/status")["state"] == "recording"
        host.stop()
        assert slow.answered == 0


def test_a_token_made_elsewhere_is_brought_in(started: hosts.Host, authority: Authority, tmp_path: Path) -> None:
    host = started
    host.run(graphs.plain(color=7020))
    found = host.get(f"{API}/checkpoint")
    note = found["note"].encode()
    token = authority.token(note)
    body = {"token": base64.b64encode(token).decode(), "checkpoint": found["note"], "name": "联合信任"}
    told = host.post(f"{API}/times/tokens", body)
    assert (told["size"], told["authority"]) == (found["checkpoint"]["size"], "联合信任")
    with pytest.raises(hosts.Answer) as again:
        host.post(f"{API}/times/tokens", body)
    assert again.value.status == 400
    with pytest.raises(hosts.Answer) as other:
        host.post(f"{API}/times/tokens", {"token": base64.b64encode(authority.token(b"x")).decode()})
    assert other.value.status == 400
    (row,) = host.get(f"{API}/times")["newest"]
    for name in ("note", "token"):
        (tmp_path / name).write_bytes(host.request("GET", f"{API}/objects/{row[name]}"))
    said = openssl(
        "ts",
        "-verify",
        "-data",
        tmp_path / "note",
        "-in",
        tmp_path / "token",
        "-token_in",
        "-CAfile",
        authority.pki.root,
    )
    assert b"OK" in said
    assert subprocess.run(["cmp", tmp_path / "note", "-"], input=note, check=False).returncode == 0
