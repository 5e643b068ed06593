"""Letting go of kept copies: what goes, what never goes, and what can be had again."""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import graphs
import hosts
import pytest
from PIL import Image

CLEAN = "/provenance/v1/storage/clean"
SIZE = 224  # noise of this size is more than the database takes in a row


@pytest.fixture(scope="module")
def studio(kind: hosts.Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hosts.Host]:
    """A host of this module's own that keeps outputs too."""
    host = hosts.Host(kind, tmp_path_factory.mktemp(f"cleaning-{kind.name}"))
    host.ledger.mkdir(parents=True)
    (host.ledger / "settings.json").write_text('{"keep_outputs": true}', encoding="utf-8")
    yield host.start()
    host.stop()


def noise(seed: int) -> bytes:
    image = Image.frombytes("RGB", (SIZE, SIZE), random.Random(seed).randbytes(SIZE * SIZE * 3))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def load(host: hosts.Host, seed: int) -> tuple[str, dict[str, Any]]:
    """Upload noise, run a graph that loads it; the file's name and the run's record."""
    name = f"noise-{seed}.png"
    host.upload(name, noise(seed))
    return name, host.recorded(host.run(graphs.invert(name, prefix=f"inverted-{seed}")))


def clean(host: hosts.Host, **wish: Any) -> dict[str, Any]:
    """What a clean-up comes to, once it is done."""
    host.settled()
    return done(host, CLEAN, {"dry_run": False, **wish})


def done(host: hosts.Host, path: str, body: dict[str, Any]) -> dict[str, Any]:
    host.post(path, body)
    deadline = time.monotonic() + hosts.RUN_S
    while (state := host.get(CLEAN))["running"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert state["error"] is None, state
    return dict(state["result"])


def copies(run: dict[str, Any]) -> tuple[str, str]:
    """Digests of the kept input and the kept output."""
    (used,), (output,) = run["inputs"], run["outputs"]
    return used["kept"], output["kept"]


def is_here(host: hosts.Host, digest: str) -> bool:
    try:
        host.request("GET", f"/provenance/v1/objects/{digest}")
    except hosts.Answer as answer:
        assert answer.status == 404, answer
        return False
    return True


def verified(host: hosts.Host) -> dict[str, Any]:
    told = host.command("verify", "--json")
    assert told.returncode == 0, told.stdout + told.stderr
    return dict(json.loads(told.stdout))


def test_a_dry_run_gives_figures_and_changes_nothing(studio: hosts.Host) -> None:
    _, run = load(studio, 1)
    entries = studio.settled()["entries"]
    found = clean(studio, dry_run=True)
    used, output = copies(run)
    assert found["released"] is None
    assert found["roles"]["input"]["count"] >= 1
    assert found["roles"]["output"]["count"] >= 1
    assert found["roles"]["thumbnail"] == {"count": 0, "bytes": 0}
    assert found["bytes"] == sum(heap["bytes"] for heap in found["roles"].values())
    assert found["reasons"]["in-place"]["count"] == found["count"]
    assert is_here(studio, used)
    assert is_here(studio, output)
    assert studio.settled()["entries"] == entries


def test_a_copy_whose_file_is_in_place_goes_and_the_record_stays_whole(studio: hosts.Host) -> None:
    _, run = load(studio, 2)
    used, output = copies(run)
    before = studio.get("/provenance/v1/storage")
    found = clean(studio)
    assert found["released"]["left"] == 0
    assert not is_here(studio, used)
    assert not is_here(studio, output)
    after = studio.get("/provenance/v1/storage")
    assert after["released"]["count"] >= 2
    assert after["ledger"]["bytes"] < before["ledger"]["bytes"]
    assert after["kept"]["inputs"]["bytes"] < before["kept"]["inputs"]["bytes"]
    report = verified(studio)
    assert report["findings"] == []
    assert report["released"] == after["released"]["count"]
    with pytest.raises(hosts.Answer, match="released this copy by entry"):
        studio.request("GET", f"/provenance/v1/objects/{used}")
    assert studio.get(f"/provenance/v1/restore/{run['execution']}")["kind"] == "prompt"


def test_what_is_loaded_again_is_kept_again(studio: hosts.Host) -> None:
    name, run = load(studio, 3)
    used, _ = copies(run)
    clean(studio)
    assert not is_here(studio, used)
    again = studio.recorded(studio.run(graphs.invert(name, prefix="again")))
    assert copies(again)[0] == used
    assert is_here(studio, used)
    assert verified(studio)["findings"] == []


def test_released_copies_are_kept_again_on_demand(studio: hosts.Host) -> None:
    name, run = load(studio, 4)
    used, output = copies(run)
    clean(studio)
    (studio.folder / "input" / name).write_bytes(b"another file")
    told = done(studio, "/provenance/v1/storage/keep-again", {})
    assert told["count"] >= 1
    assert told["left"] >= 1
    assert is_here(studio, output)
    assert not is_here(studio, used)
    assert verified(studio)["findings"] == []


def test_a_changed_or_missing_file_keeps_its_copy(studio: hosts.Host) -> None:
    name, run = load(studio, 5)
    used, output = copies(run)
    (studio.folder / "input" / name).write_bytes(noise(6))
    (studio.folder / "output" / run["outputs"][0]["file"]).unlink()
    clean(studio)
    assert is_here(studio, used)
    assert is_here(studio, output)


def test_nothing_of_a_run_that_the_author_keeps_goes(studio: hosts.Host) -> None:
    _, run = load(studio, 7)
    studio.post(
        "/provenance/v1/decisions",
        {"execution": run["execution"], "output": run["outputs"][0]["sha256"], "decision": "keep"},
    )
    found = clean(studio, rejected=True, before="2100-01-01", thumbnails=True)
    assert found["spared"] >= 3
    assert all(is_here(studio, digest) for digest in copies(run))


def test_a_rejected_output_goes_even_if_its_file_is_gone(studio: hosts.Host) -> None:
    _, run = load(studio, 8)
    _, output = copies(run)
    (studio.folder / "output" / run["outputs"][0]["file"]).unlink()
    studio.post("/provenance/v1/decisions", {"execution": run["execution"], "decision": "reject"})
    found = clean(studio, in_place=False, rejected=True)
    assert found["reasons"]["rejected"]["count"] >= 1
    assert not is_here(studio, output)
    assert verified(studio)["findings"] == []


def test_age_takes_what_was_submitted_before(studio: hosts.Host) -> None:
    _, run = load(studio, 9)
    clean(studio, in_place=False, before="2020-01-01")
    assert all(is_here(studio, digest) for digest in copies(run))
    clean(studio, in_place=False, before="2100-01-01")
    assert not any(is_here(studio, digest) for digest in copies(run))


def test_a_released_thumbnail_is_shown_all_the_same(studio: hosts.Host) -> None:
    _, run = load(studio, 10)
    (output,) = run["outputs"]
    shown = studio.request("GET", f"/provenance/v1/thumbnails/{output['sha256']}")
    clean(studio, thumbnails=True)
    assert not is_here(studio, output["thumbnail"])
    assert studio.request("GET", f"/provenance/v1/thumbnails/{output['sha256']}") == shown
    assert verified(studio)["findings"] == []


def test_documents_stay_whatever_is_asked(studio: hosts.Host) -> None:
    _, run = load(studio, 11)
    clean(studio, rejected=True, before="2100-01-01", thumbnails=True)
    documents = [digest for digest in (*run["snapshot"].values(), run["environment"]) if digest is not None]
    assert documents
    assert all(is_here(studio, digest) for digest in documents)


def test_nothing_goes_while_a_run_is_under_way(studio: hosts.Host) -> None:
    _, run = load(studio, 12)
    studio.settled()
    held = studio.submit(graphs.held())
    studio.wait_until_held()
    studio.recorded(held, "running")
    studio.post(CLEAN, {"dry_run": False})
    while (state := studio.get(CLEAN))["running"]:
        time.sleep(0.05)
    assert "not over yet" in str(state["error"])
    assert all(is_here(studio, digest) for digest in copies(run))
    studio.post("/interrupt", {})
    studio.recorded(held)


def test_an_empty_or_odd_wish_is_refused(studio: hosts.Host) -> None:
    for body in ({"dry_run": True, "in_place": False}, {"dry_run": True, "before": "soon"}, {"in_place": True}):
        with pytest.raises(hosts.Answer) as answer:
            studio.post(CLEAN, body)
        assert answer.value.status == 400


def test_the_command_line_does_the_same_beside_a_stopped_host(kind: hosts.Kind, tmp_path: Path) -> None:
    with hosts.running(kind, tmp_path / "host") as host:
        _, run = load(host, 20)
        used = run["inputs"][0]["kept"]
        host.settled()
    looked = host.command("clean", "--dry-run", "--json")
    assert looked.returncode == 0, looked.stderr
    assert json.loads(looked.stdout)["count"] == 1
    assert host.command("clean").returncode == 2  # nobody is there to say yes
    released = host.command("clean", "--yes")
    assert released.stdout.startswith("1 object, "), released.stdout + released.stderr
    assert not any((host.ledger / "objects").rglob(used[2:]))
    report = verified(host)
    assert (report["findings"], report["released"]) == ([], 1)
    back = host.command("clean", "--undo")
    assert back.stdout.startswith("1 object, "), back.stdout + back.stderr
    assert any((host.ledger / "objects").rglob(used[2:]))
    assert verified(host)["released"] == 0
