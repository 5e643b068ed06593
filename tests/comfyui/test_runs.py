"""Every run is recorded as it happened, whatever its end."""

from __future__ import annotations

import hashlib
from typing import Any

import graphs
import hosts
import pytest


def outputs(record: dict[str, Any]) -> list[dict[str, Any]]:
    return list(record["outputs"])


def path_of(host: hosts.Host, output: dict[str, Any]) -> Any:
    return host.folder / output["type"] / output["file"]


def test_a_successful_run_names_its_outputs_by_content(host: hosts.Host) -> None:
    run = host.run(graphs.plain(color=1, prefix="success"))
    record = host.recorded(run, "success")
    (output,) = outputs(record)
    assert output["node"] == "2"
    assert output["type"] == "output"
    assert not output["reused"]
    assert output["sha256"] == hashlib.sha256(path_of(host, output).read_bytes()).hexdigest()
    (line,) = [line for line in host.listed() if line["execution"] == run]
    assert line["status"] == "success"
    assert line["parents"] == []
    assert [(item["node"], item["sha256"], item["reused"]) for item in line["outputs"]] == [
        ("2", output["sha256"], False)
    ]


def test_a_failed_run_names_the_error_and_the_node(host: hosts.Host) -> None:
    host.upload("broken.png", b"this is no picture")
    run = host.submit(graphs.invert("broken.png"))
    host.wait(run)
    record = host.recorded(run)
    assert record["status"] == "error"
    assert record["outputs"] == []
    assert record["error"]["node"] == "1"
    assert record["error"]["node_type"] == "LoadImage"
    assert record["error"]["class"]


def test_an_interrupted_run_is_interrupted(host: hosts.Host) -> None:
    run = host.submit(graphs.held())
    host.wait_until_held()
    host.post("/interrupt", {})
    host.wait(run)
    record = host.recorded(run, "interrupted")
    assert record["outputs"] == []


def test_runs_deleted_from_the_queue_are_cancelled(host: hosts.Host) -> None:
    blocker = host.submit(graphs.held())
    host.wait_until_held()
    waiting = [host.submit(graphs.plain(color=900 + number)) for number in range(3)]
    host.post("/queue", {"delete": [waiting[1]]})
    host.recorded(waiting[1], "cancelled")
    host.post("/queue", {"clear": True})
    for run in (waiting[0], waiting[2]):
        host.recorded(run, "cancelled")
    host.post("/interrupt", {})
    host.recorded(blocker, "interrupted")


def test_a_preview_is_recorded_and_its_file_kept(host: hosts.Host) -> None:
    run = host.run(graphs.preview(color=77))
    (output,) = outputs(host.recorded(run, "success"))
    assert output["type"] == "temp"
    kept = host.request("GET", f"/provenance/v1/objects/{output['sha256']}")
    assert hashlib.sha256(kept).hexdigest() == output["sha256"]


@pytest.mark.parametrize("client", ["page", None], ids=["page", "headless"])
def test_a_cached_run_reuses_and_points_to_the_run_that_made_it(host: hosts.Host, client: str | None) -> None:
    prompt = graphs.plain(color=4242 if client else 4343, prefix="cached")
    first = host.run(prompt, client=client)
    second = host.run(prompt, client=client)
    (made,) = outputs(host.recorded(first, "success"))
    record = host.recorded(second, "success")
    (reused,) = outputs(record)
    assert (reused["sha256"], reused["reused"], reused["made_by"]) == (made["sha256"], True, first)
    assert record["executed"] == []
    assert set(record["cached"]) == {"1", "2"}
    edges = host.get(f"/provenance/v1/lineage/sha256:{made['sha256']}")["edges"]
    assert [(edge["from"], edge["basis"], edge["method"]) for edge in edges if edge["relation"] == "reused"] == [
        (f"sha256:{made['sha256']}", "observed", "execution_cached")
    ]


def test_a_partly_cached_run_executes_only_what_changed(host: hosts.Host) -> None:
    host.run(graphs.plain(color=51, prefix="partly-a"))
    record = host.recorded(host.run(graphs.plain(color=51, prefix="partly-b")), "success")
    assert record["cached"] == ["1"]
    assert record["executed"] == ["2"]


def test_a_repeated_prompt_id_is_two_executions(host: hosts.Host) -> None:
    host.submit(graphs.plain(color=61), prompt_id="the-same")
    host.recorded("the-same", "success")
    host.submit(graphs.plain(color=62), prompt_id="the-same")
    assert host.recorded("the-same~2", "success")["prompt_id"] == "the-same"


def test_a_refused_graph_is_no_run(host: hosts.Host) -> None:
    before = len(host.listed())
    broken = graphs.plain()
    broken["1"]["inputs"]["width"] = -5
    with pytest.raises(hosts.Answer) as refused:
        host.submit(broken)
    assert refused.value.status == 400
    assert len(host.listed()) == before


def test_a_kill_leaves_the_open_run_lost_and_everything_else_there(own_host: hosts.Host) -> None:
    own_host.start()
    done = own_host.run(graphs.plain(color=7))
    open_run = own_host.submit(graphs.held())
    own_host.recorded(open_run, "queued", "running")
    own_host.kill()
    own_host.start()
    assert own_host.recorded(open_run, "lost")["outputs"] == []
    assert own_host.recorded(done, "success")["outputs"]
    assert own_host.command("verify").returncode == 0


def test_a_prompt_id_of_an_earlier_session_is_another_execution(own_host: hosts.Host) -> None:
    own_host.start()
    own_host.submit(graphs.plain(color=1), prompt_id="job")
    own_host.recorded("job", "success")
    own_host.stop()
    own_host.start()
    own_host.submit(graphs.plain(color=2), prompt_id="job")
    assert own_host.recorded("job~2", "success")["prompt_id"] == "job"


def test_a_stopped_host_leaves_a_clean_ledger_and_log(own_host: hosts.Host) -> None:
    own_host.start()
    own_host.run(graphs.plain(color=3))
    own_host.stop()
    done = own_host.command("verify", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    log = own_host.log_text()
    assert "Cannot import" not in "".join(line for line in log.splitlines() if "comfy-provenance" in line)
    assert "custom_nodes/comfy-provenance/" not in log  # a traceback through our files
    assert "could not be recorded" not in log
