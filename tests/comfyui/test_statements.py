"""What the author says himself, over HTTP: decisions, labels, pauses, filters, settings, inputs put back."""

from __future__ import annotations

import json
from typing import Any

import graphs
import hosts
import pytest

API = "/provenance/v1"


def refused(host: hosts.Host, path: str, body: Any, content_type: str = "application/json", **headers: str) -> int:
    """The status of a request that must not succeed; the error must be one line."""
    with pytest.raises(hosts.Answer) as answer:
        host.request("POST", f"{API}/{path}", json.dumps(body).encode(), {"Content-Type": content_type, **headers})
    if answer.value.body:  # what the host itself refuses comes without one
        assert "\n" not in json.loads(answer.value.body)["error"]
    return answer.value.status


def say(host: hosts.Host, run: str, decision: str, output: str | None = None, **said: Any) -> Any:
    return host.post(f"{API}/decisions", {"execution": run, "output": output, "decision": decision, **said})


def item(host: hosts.Host, run: str) -> dict[str, Any]:
    (found,) = [each for each in host.get(f"{API}/executions?limit=500")["items"] if each["execution"] == run]
    return dict(found)


def ids(host: hosts.Host, query: str) -> list[str]:
    return [each["execution"] for each in host.get(f"{API}/executions?limit=500&{query}")["items"]]


def test_a_decision_is_signed_before_it_is_answered(host: hosts.Host) -> None:
    run = host.run(graphs.plain(color=3100))
    (output,) = host.recorded(run)["outputs"]
    kept = say(host, run, "keep", reason="光线最好")
    rated = say(host, run, "rate", rating=4)
    noted = say(host, run, "note", output["sha256"], reason="try it wider")
    assert kept["entry"] < rated["entry"] < noted["entry"]
    record = host.get(f"{API}/executions/{run}")
    assert [(each["entry"], each["decision"]) for each in record["decisions"]] == [
        (kept["entry"], "keep"),
        (rated["entry"], "rate"),
        (noted["entry"], "note"),
    ]
    assert {(each["index"], each["kind"], each["signed"]) for each in record["entries"]} >= {
        (kept["entry"], "decision", True)
    }
    assert (record["signature"]["state"], record["signature"]["covered"]) == ("good", True)
    assert item(host, run)["decision"] == {
        "decision": "keep",
        "rating": 4,
        "note": "try it wider",
        "reason": "光线最好",
        "label": None,
    }
    assert "光线最好" in host.command("show", run).stdout
    assert host.command("verify").returncode == 0


def test_the_latest_decision_stands_and_clear_takes_back_all_but_the_label(host: hosts.Host) -> None:
    run = host.run(graphs.plain(color=3101))
    say(host, run, "keep")
    host.post(f"{API}/labels", {"execution": run, "label": "黄昏"})
    say(host, run, "reject", reason="hands")
    assert (item(host, run)["decision"]["decision"], item(host, run)["decision"]["reason"]) == ("reject", "hands")
    say(host, run, "clear")
    left = item(host, run)["decision"]
    assert (left["decision"], left["reason"], left["label"]) == (None, None, "黄昏")
    assert {"label": "黄昏", "execution": run} in [
        {name: each[name] for name in ("label", "execution")} for each in host.get(f"{API}/labels")["items"]
    ]
    host.post(f"{API}/labels", {"execution": run, "label": ""})
    assert item(host, run)["decision"] is None
    assert len(host.get(f"{API}/executions/{run}")["decisions"]) == 5


def test_runs_are_found_by_what_was_said_about_them(host: hosts.Host) -> None:
    kept, rejected, open_one = (host.run(graphs.plain(color=3110 + number)) for number in range(3))
    (output,) = host.recorded(kept)["outputs"]
    say(host, kept, "keep", output["sha256"], reason="Kristall-Anhänger")
    say(host, rejected, "reject")
    host.post(f"{API}/labels", {"execution": kept, "label": "水晶猫 v2"})
    assert set(ids(host, "decision=kept")) & {kept, rejected, open_one} == {kept}
    assert set(ids(host, "decision=rejected")) & {kept, rejected, open_one} == {rejected}
    assert set(ids(host, "decision=undecided")) & {kept, rejected, open_one} == {open_one}
    assert ids(host, "label=%E6%B0%B4%E6%99%B6") == [kept]
    assert ids(host, "text=kristall-ANH%C3%84NGER") == [kept]
    assert ids(host, "text=%E6%B0%B4%E6%99%B6%E7%8C%AB") == [kept]
    assert ids(host, "decision=kept&label=v2&status=success&since=2020-01-01") == [kept]
    assert ids(host, "label=v2&until=2020-01-01") == []


def test_a_page_of_matches_goes_on_where_it_ended(host: hosts.Host) -> None:
    runs = [host.run(graphs.plain(color=3120 + number)) for number in range(3)]
    for run in runs:
        host.post(f"{API}/labels", {"execution": run, "label": "pages"})
    first = host.get(f"{API}/executions?label=pages&limit=2")
    rest = host.get(f"{API}/executions?label=pages&limit=2&cursor={first['next']}")
    assert [each["execution"] for each in (*first["items"], *rest["items"])] == runs[::-1]
    assert rest["next"] is None


def test_a_failed_run_says_in_the_list_what_went_wrong(host: hosts.Host) -> None:
    host.upload("broken-3125.png", b"no picture at all")
    run = host.run(graphs.invert("broken-3125.png"))
    found = item(host, run)
    full = host.recorded(run, "error")["error"]
    assert found["error"] == {"class": full["class"], "message": full["message"][:500]}
    assert run in ids(host, "status=error,interrupted")
    assert run not in ids(host, "status=success,lost,queued")


def test_an_image_to_image_run_names_its_merge_beside_its_parent(host: hosts.Host) -> None:
    source = host.run(graphs.plain(color=3130, prefix="merge-source"))
    head = host.run(graphs.plain(color=3131))
    name = host.recorded(source)["outputs"][0]["file"]
    run = host.run(graphs.invert(f"{name} [output]"), parent=head)
    found = item(host, run)
    assert found["parent"] == {"execution": head, "known": True, "basis": "declared", "method": "extra_data"}
    assert found["merges"] == [{"execution": source, "basis": "observed"}]
    assert found["parents"] == [head, source]
    (thumbnail,) = found["thumbnails"]
    assert host.request("GET", f"{API}/thumbnails/{thumbnail}")
    assert found["prompt_id"] == run
    assert found["duration_ms"] is not None
    assert found["ended_at"] > found["submitted_at"]


def test_what_cannot_be_said(host: hosts.Host) -> None:
    run = host.run(graphs.plain(color=3140))
    assert refused(host, "decisions", {"execution": "no-such-run", "decision": "keep"}) == 404
    assert refused(host, "decisions", {"execution": run, "output": "0" * 64, "decision": "keep"}) == 404
    for odd in (
        {"decision": "love"},
        {"decision": "label"},
        {"decision": "rate"},
        {"decision": "rate", "rating": 6},
        {"decision": "rate", "rating": True},
        {"decision": "keep", "rating": 3},
        {"decision": "note", "reason": "  "},
        {"decision": "keep", "reason": "x" * 10_001},
        {"decision": "keep", "surprise": 1},
        {"decision": "keep", "output": "../x"},
    ):
        assert refused(host, "decisions", {"execution": run, **odd}) == 400, odd
    assert refused(host, "decisions", [run]) == 400
    assert refused(host, "labels", {"execution": run, "label": "two\nlines"}) == 400
    assert refused(host, "decisions", {"execution": run, "decision": "keep"}, "text/plain") == 415
    for other in ({"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert refused(host, "decisions", {"execution": run, "decision": "keep"}, **other) == 403
    assert item(host, run)["decision"] is None


def test_filters_that_make_no_sense_are_refused(host: hosts.Host) -> None:
    for query in (
        "status=lovely",
        "decision=maybe",
        "since=yesterday",
        "until=2025-13-01",
        "text=" + "+".join("abcdefghi"),
    ):
        with pytest.raises(hosts.Answer) as answer:
            host.get(f"{API}/executions?{query}")
        assert answer.value.status == 400, query


def test_a_note_holds_no_secret(host: hosts.Host) -> None:
    secret = "sk-proj-" + "Zb3dEf6hIj9kLm2nOp5q" * 2
    run = host.run(graphs.plain(color=3150))
    said = say(host, run, "note", reason=f"my key is {secret}")
    assert secret not in json.dumps(said) + json.dumps(host.get(f"{API}/executions/{run}"))


def test_while_recording_is_paused_runs_are_neither_recorded_nor_stamped(own_host: hosts.Host) -> None:
    own_host.start()
    before = own_host.run(graphs.plain(color=1))
    assert own_host.post(f"{API}/recording", {"state": "paused", "reason": "客户保密"})["entry"] is not None
    status = own_host.get(f"{API}/status")
    assert (status["state"], status["recording"], status["reason"]) == ("paused", False, "客户保密")
    assert own_host.post(f"{API}/recording", {"state": "paused"})["entry"] is None
    sent = graphs.workflow(graphs.plain(color=2), head=before)
    hidden = own_host.submit(graphs.plain(color=2), workflow=sent)
    history = own_host.wait(hidden)
    assert history["prompt"][3]["extra_pnginfo"]["workflow"]["extra"]["provenance"]["execution"] == before
    say(own_host, before, "keep")
    own_host.post(f"{API}/recording", {"state": "recording"})
    assert own_host.get(f"{API}/status")["state"] == "recording"
    after = own_host.run(graphs.plain(color=3), workflow=graphs.workflow(graphs.plain(color=3), head=before))
    assert [each["execution"] for each in own_host.listed()] == [before, after]
    own_host.post(f"{API}/recording", {"state": "paused"})
    own_host.stop()
    own_host.start()
    assert own_host.settled()["state"] == "recording"
    done = own_host.command("verify", "--json")
    assert json.loads(done.stdout)["findings"] == []


def test_a_run_that_was_accepted_before_a_pause_is_recorded_to_its_end(own_host: hosts.Host) -> None:
    own_host.start()
    run = own_host.submit(graphs.held())
    own_host.recorded(run, "running")
    own_host.post(f"{API}/recording", {"state": "paused"})
    own_host.let_go()
    assert own_host.recorded(run, "success")["outputs"]


def test_settings_are_checked_saved_and_applied_at_the_next_start(own_host: hosts.Host) -> None:
    own_host.start()
    before = own_host.get(f"{API}/settings")
    assert before["settings"] == before["running"] == before["defaults"]
    changed = own_host.post(f"{API}/settings", {"thumbnails": False, "keep_limit_mib": 64})
    assert (changed["settings"]["thumbnails"], changed["running"]["thumbnails"]) == (False, True)
    assert (changed["restart_needed"], changed["applies"]) == (True, "at the next start")
    for odd in ({"thumbnail": False}, {"thumbnails": 0}, {"keep_limit_mib": 0}, {"keep_limit_mib": "64"}):
        assert refused(own_host, "settings", odd) == 400
    own_host.stop()
    own_host.start()
    after = own_host.get(f"{API}/settings")
    assert after["running"] == changed["settings"]
    run = own_host.run(graphs.plain(color=9))
    assert item(own_host, run)["thumbnails"] == []


def test_a_kept_input_comes_back_under_a_new_name(host: hosts.Host) -> None:
    host.upload("origin-3160.png", graphs.png((31, 60, 0)))
    run = host.run(graphs.invert("origin-3160.png"))
    (host.folder / "input" / "origin-3160.png").unlink()
    (written,) = host.post(f"{API}/restore/{run}/inputs", {})["written"]
    assert written["name"] == "origin-3160.png"
    assert (host.folder / "input" / written["new_name"]).read_bytes() == graphs.png((31, 60, 0))


def test_storage_says_what_takes_room(host: hosts.Host) -> None:
    host.run(graphs.preview(color=3170))
    host.settled()
    found = host.get(f"{API}/storage")
    assert found["ledger"]["bytes"] > 0
    assert found["objects"]["count"] >= found["thumbnails"]["count"] + found["kept"]["outputs"]["count"] > 1
    assert found["entries"]["count"] == host.get(f"{API}/status")["entries"]
