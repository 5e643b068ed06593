"""What the executor promises a pack: order, lists, caching, errors, interrupts, and what is left in the history."""

from __future__ import annotations

from typing import Any

import pytest
from comfy_provenance.demo.client import Client
from comfy_provenance.demo.host import registry
from comfy_provenance.demo.host.embedded import EmbeddedHost
from prompts import node, picture, plain


def run(client: Client, prompt: dict[str, Any], **extra: Any) -> dict[str, Any]:
    return client.wait(client.queue(prompt, extra))


def events(entry: dict[str, Any]) -> list[str]:
    return [event for event, _ in entry["status"]["messages"]]


def told(entry: dict[str, Any], event: str) -> dict[str, Any]:
    return next(data for name, data in entry["status"]["messages"] if name == event)


def shown(entry: dict[str, Any], node_id: str) -> list[Any]:
    return entry["outputs"][node_id]["text"]


def test_a_run_leaves_its_outputs_and_its_events(client: Client) -> None:
    entry = run(client, picture())
    assert events(entry) == ["execution_start", "execution_cached", "execution_success"]
    assert entry["status"]["status_str"] == "success" and entry["status"]["completed"] is True
    assert entry["outputs"]["15"]["images"][0]["type"] == "output"
    assert entry["meta"]["15"] == {"node_id": "15", "display_node": "15", "parent_node": None, "real_node_id": "15"}
    assert all(isinstance(data["timestamp"], int) for _, data in entry["status"]["messages"])


def test_only_what_changed_runs_again(client: Client) -> None:
    run(client, picture("a cat"))
    entry = run(client, picture("a cat in the snow"))
    assert set(told(entry, "execution_cached")["nodes"]) == {"1", "11", "12"}


def test_a_repeated_run_shows_the_earlier_file(client: Client) -> None:
    first = run(client, plain(1))
    again = run(client, plain(1))
    assert set(told(again, "execution_cached")["nodes"]) == {"1", "2"}
    assert again["outputs"] == first["outputs"]


def test_a_cached_output_is_not_listed_again_without_a_page(host: EmbeddedHost, client: Client) -> None:
    run(client, plain(2))
    answer = client.post("/prompt", {"prompt": plain(2)})
    assert client.wait(answer["prompt_id"])["outputs"] == {}


def test_the_cache_forgets_what_the_next_prompt_does_not_use(client: Client) -> None:
    run(client, plain(3))
    run(client, plain(4))
    assert told(run(client, plain(3)), "execution_cached")["nodes"] == []


def test_lists_spread_and_gather(client: Client) -> None:
    prompt = {
        "1": node("ProbeNumbers", count=3),
        "2": node("ProbeEach", number=["1", 0], word=["1", 1]),
        "3": node("ProbeWhole", words=["2", 0]),
    }
    assert shown(run(client, prompt), "3") == ["x0@2.0", "x1@2.1", "x2@2.2"]


def test_hidden_values_arrive_and_credentials_do_not_stay(client: Client) -> None:
    workflow = {"workflow": {"nodes": []}}
    entry = run(client, {"7": node("ProbeHidden")}, extra_pnginfo=workflow, auth_token_comfy_org="secret-token")
    assert shown(entry, "7") == ["7", ["workflow"], ["7"], "secret-token"]
    assert "secret-token" not in str(entry["prompt"])
    assert len(entry["prompt"]) == 5


def test_a_change_mark_decides_whether_a_node_runs_again(client: Client) -> None:
    def prompt(mark: str) -> dict[str, Any]:
        return {"1": node("ProbeChanging", mark=mark), "2": node("PreviewAny", source=["1", 0])}

    first = shown(run(client, prompt("same")), "2")
    assert shown(run(client, prompt("same")), "2") == first
    assert shown(run(client, prompt("always")), "2") != shown(run(client, prompt("always")), "2")


def test_a_silent_blocker_stops_only_its_own_branch(client: Client) -> None:
    prompt = {
        "1": node("ProbeBlock", text="a"),
        "2": node("PreviewAny", source=["1", 0]),
        "3": node("ProbeAsync", text="b"),
    }
    entry = run(client, prompt)
    assert entry["status"]["status_str"] == "success"
    assert set(entry["outputs"]) == {"3"}


def test_a_failing_node_is_named_with_its_inputs(client: Client) -> None:
    name = client.upload("broken.png", b"not a picture")
    entry = run(client, {"1": node("LoadImage", image=name), "2": node("PreviewImage", images=["1", 0])})
    assert events(entry) == ["execution_start", "execution_cached", "execution_error"]
    assert entry["status"]["status_str"] == "error" and entry["status"]["completed"] is False
    error = told(entry, "execution_error")
    assert (error["node_id"], error["node_type"], error["executed"]) == ("1", "LoadImage", [])
    assert error["exception_type"] == "PIL.UnidentifiedImageError"
    assert error["current_inputs"] == {"image": [name]}
    assert error["traceback"] and set(error["current_outputs"]) == {"1", "2"}


def test_an_interrupt_ends_a_run_between_two_steps(client: Client) -> None:
    execution = client.queue(picture(steps=10000), {})
    assert client.wait_until_running(execution)
    client.stop(execution)
    entry = client.wait(execution)
    assert events(entry)[-1] == "execution_interrupted"
    assert told(entry, "execution_interrupted")["node_id"] in entry["prompt"][2]
    assert run(client, plain(5))["status"]["status_str"] == "success"


def test_an_interrupt_for_another_run_does_nothing(client: Client) -> None:
    client.interrupt("no such run")
    assert run(client, plain(6))["status"]["status_str"] == "success"


def test_a_cycle_beside_a_sound_output_does_not_stop_the_worker(client: Client) -> None:
    prompt = {
        "1": node("StringConcatenate", string_a=["2", 0], string_b="", delimiter=""),
        "2": node("StringConcatenate", string_a=["1", 0], string_b="", delimiter=""),
        "3": node("PreviewAny", source=["1", 0]),
        "4": node("ProbeAsync", text="sound"),
    }
    assert shown(run(client, prompt), "4") == ["sound"]


def test_a_waiting_run_can_be_deleted(client: Client) -> None:
    held = registry.NODE_CLASS_MAPPINGS["ProbeHold"].let_go
    held.clear()
    running = client.queue({"1": node("ProbeHold")}, {})
    try:
        assert client.wait_until_running(running)
        waiting = client.queue(plain(7), {})
        client.post("/queue", {"delete": [waiting]})
    finally:
        held.set()
    client.wait(running)
    run(client, plain(8))
    assert client.get(f"/history/{waiting}") == {}


def test_the_seam_sees_every_accepted_and_finished_run(host: EmbeddedHost, client: Client) -> None:
    probe = _probe("seam")
    execution = client.queue(plain(9), {"note": "seen"})
    client.wait(execution)
    item = next(item for item in probe.accepted if item[1] == execution)
    assert len(item) == 6 and item[3]["note"] == "seen" and item[4] == ["2"] and item[5] == {}
    _, args, kwargs = next(entry for entry in probe.finished if entry[0] == execution)
    assert set(kwargs) == {"status", "process_item"} and "2" in args[0]["outputs"]
    assert any(data["prompt"] == item[2] for data in probe.posted)


@pytest.mark.usefixtures("host")
def test_the_pack_cannot_be_imported_by_a_name_of_its_own() -> None:
    assert "/" in _probe("seam").__name__ or "\\" in _probe("seam").__name__
    with pytest.raises(ModuleNotFoundError):
        __import__("probe_pack_of_the_host")


def _probe(part: str) -> Any:
    import sys

    package = registry.NODE_CLASS_MAPPINGS["ProbeHidden"].__module__.rpartition(".")[0]
    return sys.modules[f"{package}.{part}"]
