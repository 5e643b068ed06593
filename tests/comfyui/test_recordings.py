"""Screen recordings as a page sends them: chunks are signed as they come, survive a power cut, and play again."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import hosts
import pytest
from forms import API, form

CAPTURE = {"media_type": "video/webm;codecs=vp9", "surface": "window", "width": 1280, "height": 720, "audio": False}


def begin(host: hosts.Host, **more: Any) -> str:
    return str(host.post(f"{API}/recordings", {**CAPTURE, **more})["recording"])


def chunk(host: hosts.Host, recording: str, number: int, data: bytes, **headers: str) -> dict[str, Any]:
    statement = {"number": number, "until_ms": 4000.0 * (number + 1)}
    return form(host, f"recordings/{recording}/chunks", statement, [("chunk", "chunk", data)], **headers)


def status_of(call: Any) -> int:
    with pytest.raises(hosts.Answer) as answer:
        call()
    return answer.value.status


def piece(number: int, size: int = 100_000) -> bytes:
    """Large pieces become files, small ones rows of the database."""
    return bytes([number]) * (size if number % 2 else 500)


def test_chunks_are_a_chain_and_give_the_file_back(host: hosts.Host, tmp_path: Path) -> None:
    host.settled()
    recording = begin(host, note="painting the mask, 蒙版")
    pieces = [piece(number) for number in range(4)]
    told = [chunk(host, recording, number, data) for number, data in enumerate(pieces)]
    assert chunk(host, recording, 3, pieces[3]) == told[3], "an answer that was lost may be asked for again"
    assert status_of(lambda: chunk(host, recording, 3, b"another")) == 400
    assert status_of(lambda: chunk(host, recording, 5, b"too early")) == 400
    assert status_of(lambda: chunk(host, recording, 4, b"")) == 400
    assert status_of(lambda: chunk(host, "nobody", 0, b"x")) == 404
    assert status_of(lambda: chunk(host, recording, 4, b"x", Origin="https://elsewhere.example")) == 403
    assert host.get(f"{API}/status")["background"]["filming"] >= 1
    ended = host.post(f"{API}/recordings/{recording}/stop", {"reason": "author"})
    whole = b"".join(pieces)
    digest = hashlib.sha256(whole).hexdigest()
    assert (ended["chunks"], ended["size"], ended["sha256"]) == (4, len(whole), digest)
    assert status_of(lambda: chunk(host, recording, 4, b"late")) == 404
    assert host.request("GET", f"{API}/recordings/{recording}/file") == whole
    steps = host.get(f"{API}/recordings/{recording}")["steps"]
    assert [(step["number"], step["sha256"]) for step in steps] == [
        (number, hashlib.sha256(data).hexdigest()) for number, data in enumerate(pieces)
    ]
    out = tmp_path / "film.webm"
    done = host.command("recording", recording[:8], "-o", str(out))
    assert (done.returncode, out.read_bytes()) == (0, whole)
    assert recording in host.command("recording").stdout
    assert host.command("verify").returncode == 0


def test_a_recording_that_cannot_be_one_is_refused(host: hosts.Host) -> None:
    host.settled()
    for wrong in ({"media_type": "text/html"}, {"surface": "wall"}, {"audio": "yes"}, {"width": -1}, {"surprise": 1}):
        assert status_of(lambda wrong=wrong: host.post(f"{API}/recordings", {**CAPTURE, **wrong})) == 400
    plain = {"Content-Type": "text/plain"}
    assert status_of(lambda: host.request("POST", f"{API}/recordings", json.dumps(CAPTURE).encode(), plain)) == 415


def test_a_recording_survives_a_power_cut_up_to_the_last_chunk(own_host: hosts.Host) -> None:
    host = own_host.start()
    host.settled()
    recording = begin(host)
    pieces = [piece(number) for number in range(3)]
    for number, data in enumerate(pieces):
        chunk(host, recording, number, data)
    host.kill()
    host.start()
    host.settled()
    deadline = time.monotonic() + hosts.RUN_S
    while host.get(f"{API}/recordings/{recording}")["reason"] is None and time.monotonic() < deadline:
        time.sleep(0.1)
    found = host.get(f"{API}/recordings/{recording}")
    whole = b"".join(pieces)
    assert (found["reason"], found["chunks"], found["size"]) == ("lost", 3, len(whole))
    assert found["sha256"] == hashlib.sha256(whole).hexdigest()
    assert host.request("GET", f"{API}/recordings/{recording}/file") == whole
    assert status_of(lambda: chunk(host, recording, 3, b"x")) == 404
    assert host.command("verify").returncode == 0


def test_a_recording_ends_at_its_size_limit_and_with_its_session(own_host: hosts.Host) -> None:
    own_host.ledger.mkdir(parents=True, exist_ok=True)
    (own_host.ledger / "settings.json").write_text('{"screen_limit_mib": 1}', encoding="utf-8")
    host = own_host.start()
    host.settled()
    recording = begin(host)
    assert chunk(host, recording, 0, b"a" * 700_000)["ended"] is None
    told = chunk(host, recording, 1, b"b" * 700_000)
    assert (told["ended"], told["chunks"], told["size"]) == ("limit", 1, 700_000)
    other = begin(host)
    chunk(host, other, 0, b"x")
    host.stop()
    done = host.command("recording", "--json")
    reasons = {item["recording"]: item["reason"] for item in map(json.loads, done.stdout.splitlines())}
    assert reasons == {recording: "limit", other: "session-ended"}
    assert host.command("verify").returncode == 0
