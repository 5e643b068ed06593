"""A recorded run is queued again, is labelled as a replay everywhere, and is compared with its original."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import graphs
import hosts


def command(host: hosts.Host, *arguments: str) -> subprocess.CompletedProcess[str]:
    return host.command(*arguments, "--server", f"http://127.0.0.1:{host.port}")


def replayed(host: hosts.Host, run: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = command(host, "replay", run, "--json", *arguments)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_replay_makes_the_same_bytes_and_says_what_it_is(host: hosts.Host) -> None:
    run = host.run(graphs.plain(color=0x112233, prefix="again"))
    code, told = replayed(host, run)
    assert (code, told["status"], told["caches_freed"]) == (0, "success", True)
    again = told["replay"]
    assert (again["of"], again["known"], again["outcome"]) == (run, True, "same-bytes")
    assert (again["same_graph"], again["fresh"], again["cached"]) == (True, True, [])
    assert [(pair["node"], pair["verdict"]) for pair in again["outputs"]] == [("2", "same-bytes")]
    record = host.recorded(told["execution"])
    assert (record["parent"], record["parents"]) == (None, [])
    assert {"1", "2"} <= set(record["executed"])
    original = host.recorded(run)
    assert (original["replay"], original["children"]) == (None, [])
    assert [item["execution"] for item in original["replays"]] == [told["execution"]]


def test_a_replay_whose_files_carry_the_id_of_their_run_has_the_same_pixels(host: hosts.Host) -> None:
    graph = graphs.plain(color=0x445566, prefix="stamped")
    run = host.run(graph, workflow=graphs.workflow(graph, head="somebody"))
    code, told = replayed(host, run)
    assert code == 0
    assert told["replay"]["outcome"] == "same-content"
    (pair,) = told["replay"]["outputs"]
    assert (pair["verdict"], pair["psnr_db"], pair["ssim"]) == ("same-pixels", None, 1.0)
    record = host.recorded(told["execution"])
    assert record["parent"] is None  # though the recorded workflow names a head
    assert record["snapshot"]["workflow"] == host.recorded(run)["snapshot"]["workflow"]


def test_a_replay_is_labelled_in_the_log_and_the_ledger_verifies(host: hosts.Host) -> None:
    run = host.run(graphs.plain(color=0x778899, prefix="label"))
    _, told = replayed(host, run)
    (line,) = [line for line in host.listed() if line["execution"] == told["execution"]]
    assert (line["replay"]["of"], line["replay"]["outcome"]) == (run, "same-bytes")
    text = host.command("log").stdout
    assert f"[REPLAY of {run[:8]}: every byte the same]" in text
    shown = host.command("log", "--graph").stdout
    assert "[REPLAY of" in shown
    host.settled()
    checked = host.command("verify", "--json")
    assert json.loads(checked.stdout)["ok"], checked.stdout


def test_work_on_an_output_descends_from_the_original_and_not_from_a_replay_of_it(host: hosts.Host) -> None:
    """The replay wrote the same bytes later: it is not taken for their maker."""
    run = host.run(graphs.plain(color=0x0A0B0C, prefix="origin"))
    _, told = replayed(host, run)
    (output,) = host.recorded(run)["outputs"]
    child = host.run(graphs.invert(f"{output['file']} [output]", prefix="onward"))
    (line,) = [line for line in host.listed() if line["execution"] == child]
    assert line["parents"] == [run]
    found = json.loads(host.command("show", output["sha256"], "--json").stdout)
    assert (found["run"]["execution"], found["run"]["replay"]) == (run, None)
    assert json.loads(host.command("diff", output["sha256"], child, "--json").stdout)
    lineage = json.loads(host.command("lineage", told["execution"], "--json").stdout)
    assert [node["replay_of"] for node in lineage["nodes"] if node["kind"] == "execution"] == [run]
    assert f"is a REPLAY of {run}" in host.command("lineage", told["execution"]).stdout


def test_a_changed_input_explains_a_different_result_and_a_kept_copy_gives_the_same(host: hosts.Host) -> None:
    host.upload("source.png", graphs.png((10, 200, 30)))
    run = host.run(graphs.invert("source.png", prefix="changed"))
    host.upload("source.png", graphs.png((200, 20, 30)))
    code, told = replayed(host, run)
    assert code == 1
    assert told["plan"]["drift"]["inputs"][0]["state"] == "changed"
    assert told["replay"]["outcome"] == "different"
    (pair,) = told["replay"]["outputs"]
    assert pair["verdict"] == "different"
    assert pair["psnr_db"] is not None
    assert [(item["what"], item["name"]) for item in told["replay"]["drift"]] == [("input", "source.png")]
    code, told = replayed(host, run, "--put-back")
    assert (code, told["replay"]["outcome"]) == (0, "same-bytes") or told["replay"]["outcome"] == "same-content"
    assert told["replay"]["same_graph"] is False
    assert told["replay"]["graph"]["changed"] == [{"node": "1", "input": "image"}]


def test_a_run_that_cannot_run_here_is_refused_before_anything_is_queued(host: hosts.Host) -> None:
    host.upload("gone.png", graphs.png((1, 2, 3)))
    run = host.run(graphs.invert("gone.png", prefix="gone"))
    (host.folder / "input" / "gone.png").unlink()
    before = host.listed()
    done = command(host, "replay", run)
    assert done.returncode == 2
    assert "input gone.png is missing" in done.stderr
    assert host.listed() == before
    assert json.loads(command(host, "replay", run, "--dry-run", "--json").stdout)["hindrances"]


def test_while_recording_is_paused_nothing_is_replayed(host: hosts.Host) -> None:
    """It would run and leave no trace, and whoever waits for its outcome would wait for ever."""
    run = host.run(graphs.plain(color=4, prefix="paused"))
    host.post("/provenance/v1/recording", {"state": "paused", "reason": "a client's work"})
    try:
        done = command(host, "replay", run)
        assert (done.returncode, "nothing is recorded now: a client's work" in done.stderr) == (2, True)
        assert command(host, "vary", run, "--set", "1.color=1").returncode == 2
    finally:
        host.post("/provenance/v1/recording", {"state": "recording"})


def test_a_sheet_varies_one_thing_at_a_time_and_is_labelled(host: hosts.Host, tmp_path: Any) -> None:
    graph = graphs.plain(color=0x223344, size=48, prefix="vary")
    run = host.run(graph, workflow=graphs.workflow(graph))
    page = tmp_path / "sheet.html"
    done = command(host, "vary", run, "--set", "1.color=1122,3344", "--set", "1.width=32", "-o", str(page), "--json")
    assert done.returncode == 0, done.stderr
    sheet = json.loads(done.stdout)
    assert (sheet["of"], sheet["cells"]) == (run, 6)
    assert [item["cell"] for item in sheet["items"]] == list(range(6))
    assert sheet["columns"] == 2, "one axis gives rows, the other columns"
    assert sheet["items"][0]["differs"] == []
    assert sheet["items"][0]["replay"]["outcome"] in ("same-bytes", "same-content")
    assert sheet["items"][1]["differs"] == ["width 48 → 32"]
    assert {item["replay"]["outcome"] for item in sheet["items"][1:]} == {"different"}
    assert len({item["outputs"][0]["sha256"] for item in sheet["items"]}) == 6
    for item in sheet["items"]:
        assert host.recorded(item["execution"])["parent"] is None
    text = page.read_text(encoding="utf-8")
    assert text.count("<figure") == 7
    assert (text.count('scope="row"'), text.count('scope="col"')) == (3, 2)
    assert "data:image/webp;base64," in text
    assert "<script" not in text and "http" not in text
    again = command(host, "sheet", sheet["sheet"])
    assert "width 48 → 32" in again.stdout


def test_ctrl_c_takes_the_rest_of_a_sheet_back(host: hosts.Host) -> None:
    run = host.run(graphs.plain(color=77, prefix="stop"))
    host.let_go("sheet")
    original = host.run(graphs.held("sheet"))
    host.hold("sheet")  # the first of its variations runs from now on until it is interrupted
    command = ("vary", original, "--set", "1.color=1,2,3,4,5,6,7,8", "--server", f"http://127.0.0.1:{host.port}")
    vary = subprocess.Popen(
        [sys.executable, str(hosts.ROOT), *command],
        env={**os.environ, "COMFY_PROVENANCE_LEDGER": str(host.ledger)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + hosts.RUN_S
        while len(host.recorded(original)["replays"]) < 9:  # the first one is as the original
            assert vary.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        host.wait_until_held("sheet")
        vary.send_signal(signal.SIGINT)
        _, told = vary.communicate(timeout=hosts.RUN_S)
    finally:
        vary.kill()
        host.let_go("sheet")
    assert vary.returncode == 130
    assert "cancelled" in told
    ended = [host.recorded(cell["execution"])["status"] for cell in host.recorded(original)["replays"]]
    assert ended.count("interrupted") == 1
    assert set(ended) <= {"success", "cancelled", "interrupted"}, "success: one that was on its way to the queue"
    assert ended.count("cancelled") >= 7
    host.recorded(host.run(graphs.plain(color=78, prefix="after")), "success")  # the queue goes on
    assert host.recorded(run)["replays"] == []


def test_more_variations_than_the_cap_are_refused(host: hosts.Host) -> None:
    run = host.run(graphs.plain(color=5, prefix="cap"))
    done = command(host, "vary", run, "--set", "1.color=1,2,3,4", "--most", "4")
    assert (done.returncode, "5 runs" in done.stderr) == (2, True)
    done = command(host, "vary", run, "--set", "2.images=1")
    assert (done.returncode, "comes from another node" in done.stderr) == (2, True)


def test_a_killed_host_compares_its_replay_at_the_next_start(own_host: hosts.Host) -> None:
    """A replay whose outcome was not written yet is compared when the ledger is opened again."""
    host = own_host.start()
    run = host.run(graphs.plain(color=9, prefix="killed"))
    body = json.loads(host.request("POST", f"/provenance/v1/replays/{run}/prompt", b"{}", hosts.JSON))
    replay = str(host.post("/prompt", body)["prompt_id"])
    host.recorded(replay, "queued", "running", "success")  # accepted and written, its outcome perhaps not
    host.kill()
    host.start()
    record = host.recorded(replay)
    host.settled()
    assert record["replay"]["of"] == run
    outcome = host.recorded(replay)["replay"]["outcome"]
    assert outcome == ("same-bytes" if record["status"] == "success" else "incomplete")
    assert json.loads(host.command("verify", "--json").stdout)["ok"]
