"""Trouble around a running host, a real ComfyUI too: the same pictures as without the pack, a status that says what to
do, and once it is put right everything is recorded and a gap tells of it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import graphs
import hosts
import pytest
from comfy_provenance.provenance.seal import dsse
from comfy_provenance.provenance.store.ledger import Ledger

Cure = Callable[[], object]
PATIENCE_S = hosts.RUN_S


def pictures(host: hosts.Host, prefix: str) -> list[bytes]:
    """Two runs that succeed and what they wrote."""
    made = []
    for number in range(2):
        entry = host.wait(host.submit(graphs.plain(color=0x123450 + number, size=48, prefix=prefix)))
        assert entry["status"]["status_str"] == "success"
        (item,) = entry["outputs"]["2"]["images"]
        made.append((host.folder / item["type"] / item["subfolder"] / item["filename"]).read_bytes())
    return made


def status_when(host: hosts.Host, state: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = dict(host.get("/provenance/v1/status"))
        if found["state"] == state:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def keyless(host: hosts.Host) -> Cure:
    (key,) = (path for path in host.folder.rglob("signing-key.pem"))
    aside = host.folder / "aside.pem"
    host.stop()
    key.rename(aside)
    host.start()
    return lambda: aside.rename(key)


def damaged(host: hosts.Host) -> Cure:
    host.stop()
    path = host.ledger / "ledger.sqlite3"
    whole = path.read_bytes()
    path.write_bytes(b"no database" * 1000)
    host.start()
    back = path.with_name("back")
    back.write_bytes(whole)
    return lambda: back.replace(path)  # at once: a moment with half a file would be one more damage


def held(host: hosts.Host) -> Cure:
    other = sqlite3.connect(host.ledger / "ledger.sqlite3", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")

    def release() -> None:
        other.execute("ROLLBACK")
        other.close()

    return release


def moved_away(host: hosts.Host) -> Cure:
    away = host.folder / "away"
    host.ledger.rename(away)
    return lambda: away.rename(host.ledger)


@pytest.mark.parametrize(
    ("trouble", "advice"),
    [
        (keyless, "put it back"),
        (damaged, "put a backup of"),
        (held, "another process is writing"),
        (moved_away, "cannot be opened"),
    ],
)
def test_runs_go_on_and_are_recorded_afterwards(
    kind: hosts.Kind, own_host: hosts.Host, tmp_path: Path, trouble: Callable[[hosts.Host], Cure], advice: str
) -> None:
    with hosts.running(kind, tmp_path / "plain", pack=False) as bare:
        expected = pictures(bare, "trouble")
    host = own_host.start()
    host.run(graphs.plain(prefix="before"))
    host.settled()
    cure = trouble(host)
    assert pictures(host, "trouble") == expected
    status = status_when(host, "broken")
    deadline = time.monotonic() + PATIENCE_S
    while advice not in status["reason"]:
        assert time.monotonic() < deadline, status
        time.sleep(0.1)
        status = status_when(host, "broken")
    cure()
    status_when(host, "recording")
    host.settled()
    assert len(host.listed()) == 3
    host.stop()
    said = statements(host.ledger)
    assert [each["reason"] for each in said if "missed" in each]
    checked = host.command("verify", "--json")
    assert json.loads(checked.stdout)["ok"], checked.stdout


def test_five_kills_lose_nothing(own_host: hosts.Host) -> None:
    runs = []
    for number in range(5):
        host = own_host.start()
        runs.append(host.run(graphs.plain(color=number)))
        host.submit(graphs.held())
        host.kill()
    own_host.start()
    own_host.settled()
    listed = {item["execution"]: item["status"] for item in own_host.listed()}
    assert {run for run, status in listed.items() if status == "success"} == set(runs)
    assert set(listed.values()) <= {"success", "lost"}
    checked = own_host.command("verify", "--json")
    assert json.loads(checked.stdout)["ok"], checked.stdout


def statements(folder: Path) -> list[dict[str, Any]]:
    ledger = Ledger.open(folder, read_only=True)
    try:
        places = range(ledger.index.counts().entries)
        return [json.loads(dsse.read_unverified(ledger.index.entry(n).envelope).payload)["predicate"] for n in places]
    finally:
        ledger.close()
