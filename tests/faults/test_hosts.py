"""Trouble around a running host: the pictures are the same, the status says what to do, and ends are clean."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import graphs
import machine
import measuring
import pytest
from bare import put


def session(host: machine.ForkedHost) -> list[tuple[str, list[bytes]]]:
    """A few runs through the host's queue: how each ended, and the bytes of its files."""
    host.upload("picture.png", graphs.png())
    host.upload("broken.png", b"no picture")
    plain = graphs.plain(color=0x12AB34, size=96)
    runs = [host.submit(graph) for graph in (plain, graphs.invert("picture.png"), graphs.invert("broken.png"), plain)]
    made = []
    for run in runs:
        entry = host.wait(run)
        files = [item for shown in entry["outputs"].values() for item in shown.get("images", ())]
        made.append(
            (
                entry["status"]["status_str"],
                [(host.folder / item["type"] / item["subfolder"] / item["filename"]).read_bytes() for item in files],
            )
        )
    return made


@pytest.fixture
def expected(make_host: machine.MakeHost) -> list[tuple[str, list[bytes]]]:
    """The same session on a host without the pack."""
    host = make_host("plain", pack=False).start()
    made = session(host)
    host.stop()
    assert [status for status, _ in made] == ["success", "success", "error", "success"]
    return made


def first_session(host: machine.ForkedHost) -> None:
    host.start()
    host.run(graphs.plain(color=1))
    host.settled()
    host.stop()


def in_the_way(host: machine.ForkedHost) -> Callable[[], object]:
    host.ledger.mkdir(parents=True)
    (host.ledger / "sessions").write_bytes(b"")
    return (host.ledger / "sessions").unlink


def damaged(host: machine.ForkedHost) -> Callable[[], object]:
    first_session(host)
    path = host.ledger / "ledger.sqlite3"
    whole = path.read_bytes()
    path.write_bytes(b"no database" * 1000)
    return lambda: put(path, whole)


def keyless(host: machine.ForkedHost) -> Callable[[], object]:
    first_session(host)
    (key,) = host.folder.rglob("signing-key.pem")
    aside = host.folder / "aside"
    key.rename(aside)
    return lambda: aside.rename(key)


def copied(host: machine.ForkedHost) -> Callable[[], object]:
    first_session(host)
    note = host.ledger / "place.json"
    other = host.folder / "other"
    other.mkdir()
    (other / "ledger.sqlite3").write_bytes(b"")
    note.write_text(note.read_text(encoding="utf-8").replace(str(host.ledger), str(other)), encoding="utf-8")
    return note.unlink


@pytest.mark.parametrize(
    ("trouble", "advice"),
    [
        (in_the_way, "cannot write in the ledger's folder"),
        (damaged, "put a backup of"),
        (keyless, "put it back"),
        (copied, "is a copy of the one in"),
    ],
)
def test_runs_go_on_while_nothing_can_be_recorded(
    host: machine.ForkedHost,
    expected: list[tuple[str, list[bytes]]],
    trouble: Callable[[machine.ForkedHost], Callable[[], object]],
    advice: str,
) -> None:
    cure = trouble(host)
    log_before = len(host.log_text())
    host.start()
    assert session(host) == expected
    status = host.status_when("broken")
    assert not status["recording"]
    assert advice in status["reason"]
    assert "\n" not in status["reason"]
    cure()
    assert [line["status"] for line in host.settled_runs(4)] == ["success", "error", "success", "success"]
    host.stop()
    assert machine.verified(host.ledger) == []
    gaps = [said for said in machine.statements(host.ledger) if said["kind"] == "gap"]
    assert [advice in gap["reason"] for gap in gaps] == [True]
    told = host.log_text()[log_before:]
    assert told.count(advice) == 1
    assert "Traceback" not in told.replace(
        'Traceback (most recent call last):\n  File "' + str(machine.ROOT / "demo"), ""
    )


def test_the_status_is_answered_while_the_ledger_cannot_be_read(host: machine.ForkedHost) -> None:
    host.start()
    host.run(graphs.plain(color=1))
    host.settled()
    path = host.ledger / "ledger.sqlite3"
    with sqlite3.connect(path) as other:
        other.execute("DROP TABLE executions")
    status = host.status_when("broken")
    assert "damaged" in status["reason"]
    run = host.submit(graphs.plain(color=2))
    assert host.wait(run)["status"]["status_str"] == "success"


def test_two_hosts_on_one_ledger(make_host: machine.MakeHost) -> None:
    hosts = [make_host("host").start() for _ in range(2)]
    for host in hosts:
        host.status_when("recording")
    held = hosts[0].submit(graphs.held())
    runs = [host.submit(graphs.plain(color=number)) for number in range(8) for host in hosts]
    third = make_host("host").start()  # closes what dead sessions left open, and nothing else
    third.status_when("recording")
    hosts[0].let_go()
    for run in runs:
        assert hosts[0].recorded(run, "success")
    assert hosts[1].recorded(held, "success", "lost")["status"] == "success"
    for host in (*hosts, third):
        host.stop()
    assert machine.verified(third.ledger) == []
    said = machine.statements(third.ledger)
    assert [each["event"] for each in said if each["kind"] == "session" and each["event"] == "stop"] == ["stop"] * 3
    assert [each for each in said if each["kind"] == "gap"] == []


def test_an_interrupt_ends_the_session_with_everything_recorded(host: machine.ForkedHost) -> None:
    host.start().status_when("recording")
    runs = [host.submit(graphs.plain(color=number)) for number in range(10)]
    for run in runs:
        host.wait(run)
    host.stop()
    said = machine.statements(host.ledger)
    assert [each["execution"] for each in said if each["kind"] == "completion"] == runs
    assert (said[-1]["kind"], said[-1]["event"]) == ("session", "stop")
    assert machine.verified(host.ledger) == []


def test_an_interrupt_in_the_middle_of_a_run_leaves_nothing_unsaid(host: machine.ForkedHost) -> None:
    host.start().status_when("recording")
    runs = [host.submit(graphs.held()), host.submit(graphs.plain())]
    host.recorded(runs[0], "running")
    host.recorded(runs[1], "queued")
    host.stop()
    host.start()
    found = {run: host.recorded(run)["status"] for run in runs}
    assert found[runs[0]] in ("interrupted", "lost")
    assert found[runs[1]] in ("cancelled", "lost")
    host.stop()
    assert machine.verified(host.ledger) == []


def test_a_termination_is_like_a_kill(host: machine.ForkedHost) -> None:
    """ComfyUI does not handle SIGTERM, and a node pack must not: the process ends at once, without a stop entry."""
    host.start().status_when("recording")
    done = host.run(graphs.plain(color=1))
    open_run = host.submit(graphs.held())
    host.recorded(open_run, "queued", "running")
    host.signal(signal.SIGTERM)
    assert not any(each.get("event") == "stop" for each in machine.statements(host.ledger))
    host.start()
    assert host.recorded(open_run)["status"] == "lost"
    assert host.recorded(done)["status"] == "success"
    host.stop()
    assert machine.verified(host.ledger) == []


def test_a_host_can_end_while_the_ledger_is_held_by_another_program(host: machine.ForkedHost) -> None:
    host.start().status_when("recording")
    host.run(graphs.plain(color=1))
    host.settled()
    other = sqlite3.connect(host.ledger / "ledger.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    run = host.submit(graphs.plain(color=2))
    assert host.wait(run)["status"]["status_str"] == "success"
    host.stop()
    other.execute("ROLLBACK")
    other.close()
    host.start()
    assert host.recorded(host.run(graphs.plain(color=3)))["status"] == "success"
    host.stop()
    assert machine.verified(host.ledger) == []


def test_a_picture_that_is_gone_from_the_ledger_disturbs_nobody(host: machine.ForkedHost) -> None:
    host.start().status_when("recording")
    host.upload("noise.png", graphs.png(size=400))
    run = host.run(graphs.invert("noise.png"))
    for path in list((host.ledger / "objects").rglob("*")):
        if path.is_file():
            path.unlink()
    with sqlite3.connect(host.ledger / "ledger.sqlite3") as other:
        other.execute("DELETE FROM objects WHERE media_type LIKE 'image/%'")
    assert host.recorded(run)["status"] == "success"
    again = host.run(graphs.invert("noise.png", prefix="again"))
    assert host.recorded(again)["status"] == "success"
    assert host.status()["state"] == "recording"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")
def test_file_handles_do_not_grow_with_runs(host: machine.ForkedHost) -> None:
    host.start().status_when("recording")
    before = measuring.measured(host, 20, 0).files
    assert measuring.measured(host, 60, 1000).files <= before + measuring.POOLED
