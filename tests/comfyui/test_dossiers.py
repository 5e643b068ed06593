"""A dossier over HTTP: written with progress, fetched, stopped, and refused."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path
from typing import Any

import graphs
import hosts
import pytest
from comfy_provenance.provenance.present import dossiers

BASE = "/provenance/v1/dossiers"


@pytest.fixture(scope="module")
def run(host: hosts.Host) -> str:
    first = graphs.plain(color=6001, prefix="dossier")
    one = host.run(first, workflow=graphs.workflow(first))
    two = host.run(graphs.plain(color=6002, prefix="dossier"), workflow=graphs.workflow(first, head=one))
    for execution in (one, two):
        host.recorded(execution, "success")
    return two


def ended(host: hosts.Host, told: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + hosts.RUN_S
    while told["state"] == "running" and time.monotonic() < deadline:
        time.sleep(0.05)
        told = host.get(f"{BASE}/{told['id']}")
    return told


def fetched(host: hosts.Host, told: dict[str, Any], path: Path) -> Path:
    with urllib.request.urlopen(f"http://127.0.0.1:{host.port}{BASE}/{told['id']}/file", timeout=hosts.RUN_S) as answer:
        assert answer.headers["Content-Type"] == "application/zip"
        assert "dossier.zip" in answer.headers["Content-Disposition"]
        path.write_bytes(answer.read())
    return path


def test_a_dossier_is_written_checked_and_fetched(host: hosts.Host, run: str, tmp_path: Path) -> None:
    told = ended(host, host.post(BASE, {"refs": [run], "title": "Two colours", "language": "zh"}))
    assert (told["state"], told["error"]) == ("done", None)
    assert told["result"]["signed"] and told["result"]["check"]["ok"], told["result"]
    found = dossiers.verify(fetched(host, told, tmp_path / "d.zip"))
    assert found["ok"] and found["dossier"]["signed"], found["findings"]
    assert found["dossier"]["sha256"] == told["result"]["sha256"]
    assert found["dossier"]["works"][0]["execution"] == run


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"refs": []}, 400),
        ({"refs": ["no-such-run-at-all"]}, 404),
        ({"refs": "x"}, 400),
        ({"refs": ["x"], "scope": "galaxy"}, 400),
        ({"refs": ["x"], "withhold": [1]}, 400),
        ({"refs": ["x"], "surprise": 1}, 400),
        ({"refs": ["/etc/passwd"]}, 404),
    ],
)
def test_what_cannot_be_used_is_refused(host: hosts.Host, body: dict[str, Any], status: int) -> None:
    with pytest.raises(hosts.Answer) as answer:
        host.post(BASE, body)
    assert answer.value.status == status


def test_an_unknown_dossier_is_not_found(host: hosts.Host) -> None:
    for path in (f"{BASE}/nothing", f"{BASE}/nothing/file"):
        with pytest.raises(hosts.Answer) as answer:
            host.get(path)
        assert answer.value.status == 404


def test_it_can_be_stopped(host: hosts.Host, run: str) -> None:
    begun = host.post(BASE, {"refs": [run]})
    host.post(f"{BASE}/{begun['id']}/cancel", {})
    told = ended(host, begun)
    assert told["state"] in ("cancelled", "done")  # a small one may be faster than we are
    if told["state"] == "cancelled":
        with pytest.raises(hosts.Answer):
            host.get(f"{BASE}/{begun['id']}/file")
