"""Several writers, too many runs, and copies of a ledger."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bare
import machine
import pytest
from bare import errors, goes_on, kinds, recorded_once
from comfy_provenance.provenance.errors import InputError
from comfy_provenance.provenance.model import Kind, system_clock
from comfy_provenance.provenance.record import predicate
from comfy_provenance.provenance.seal import keys
from comfy_provenance.provenance.store import place
from comfy_provenance.provenance.store.ledger import Binding, Ledger

pytestmark = pytest.mark.usefixtures("short_pauses")


def test_a_queue_that_overflows_on_a_slow_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    (ledger / "settings.json").write_text('{"queue_capacity": 6}', encoding="utf-8")

    bench = bare.Bench(tmp_path)
    bench.service.start()
    bench.settle()
    bench.listening.clear()
    taken = []
    for number in range(60):
        if bench.accept(f"run-{number}"):
            taken.append(f"run-{number}")
            assert bench.finish(f"run-{number}")  # a run that was taken is recorded to its end
    assert "faster than they can be recorded" in bench.service.status()["reason"]
    assert 0 < len(taken) < 60
    bench.listening.set()
    (gap,) = goes_on(bench, *taken)
    assert gap["missed"]["submissions"] == 60 - len(taken)
    assert len(errors(caplog)) == 1


def test_two_services_that_start_at_once_begin_one_ledger(tmp_path: Path) -> None:
    benches = [bare.Bench(tmp_path) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda bench: bench.service.start(), benches))
    for number, bench in enumerate(benches):
        bench.run(f"run-{number}")
    for bench in benches:
        bench.settle()
    for bench in benches:
        bench.service.close()
    assert machine.verified(benches[0].places.ledger) == []
    said = machine.statements(benches[0].places.ledger)
    assert [each["kind"] for each in said].count("genesis") == 1
    assert sorted(each["execution"] for each in said if each["kind"] == "submission") == [f"run-{n}" for n in range(4)]
    assert {each["status"] for each in said if each["kind"] == "completion"} == {"success"}
    assert [each.name for each in benches[0].places.secrets.iterdir()] == ["signing-key.pem"]


def test_two_services_take_the_same_run_id_as_two_runs(tmp_path: Path) -> None:
    benches = [bare.Bench(tmp_path) for _ in range(2)]
    for bench in benches:
        bench.service.start()
    for bench in benches:
        bench.until("recording")
    for number in range(15):
        for bench in benches:
            bench.accept(f"run-{number}")
    for bench in benches:
        bench.settle()
    for bench in benches:
        bench.service.close()
    said = machine.statements(benches[0].places.ledger)
    assert len({each["execution"] for each in said if each["kind"] == "submission"}) == 30
    assert [each for each in said if each["kind"] == "gap"] == []


def test_a_refused_append_does_not_forget_what_another_process_wrote(tmp_path: Path) -> None:
    """The refused one had seen the other's entries; the next one must build on them all the same."""
    recorded_once(tmp_path)
    places = bare.Bench(tmp_path).places
    signer = keys.load(places.key)
    one, other = (Ledger.open(places.ledger, signer) for _ in range(2))

    def gap(binding: Binding) -> predicate.Body:
        now = system_clock()
        missed = predicate.Missed()
        return predicate.gap(at=now, session="s", reason="test", missed=missed, since=now, until=now, detail=None)

    def refused(binding: Binding) -> predicate.Body:
        raise InputError("odd")

    one.append(Kind.GAP, gap)
    other.append(Kind.GAP, gap)
    with pytest.raises(InputError, match="odd"):
        one.append(Kind.GAP, refused)
    one.append(Kind.GAP, gap)
    for ledger in (one, other):
        ledger.close()
    assert {finding["severity"] for finding in machine.verified(places.ledger)} <= {"warning"}


@pytest.fixture
def moved(tmp_path: Path) -> Callable[[str], bare.Bench]:
    recorded_once(tmp_path / "here")

    def at(name: str) -> bare.Bench:
        bench = bare.Bench(tmp_path / name)
        bench.service.start()
        bench.run("next")
        return bench

    return at


def test_a_moved_folder_goes_on(tmp_path: Path, moved: Callable[[str], bare.Bench]) -> None:
    (tmp_path / "here").rename(tmp_path / "there")
    bench = moved("there")
    assert goes_on(bench, "first", "next") == []
    assert kinds(bench).count("genesis") == 1


def test_a_copy_beside_the_original_is_not_written(tmp_path: Path, moved: Callable[[str], bare.Bench]) -> None:
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    before = (tmp_path / "there" / "ledger" / "ledger.sqlite3").read_bytes()
    bench = moved("there")
    reason = bench.until("broken")["reason"]
    assert f"a copy of the one in {tmp_path / 'here' / 'ledger'}" in reason
    assert (tmp_path / "there" / "ledger" / "ledger.sqlite3").read_bytes() == before
    (bench.places.ledger / place.NAME).unlink()  # the person says: go on here
    assert len(goes_on(bench, "first", "next")) == 1


def test_a_copy_that_was_moved_away_is_followed_by_a_new_ledger(
    tmp_path: Path, moved: Callable[[str], bare.Bench]
) -> None:
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    bench = moved("there")
    bench.until("broken")
    bench.places.ledger.rename(tmp_path / "away")
    goes_on(bench, "next")
    assert (
        machine.statements(bench.places.ledger)[0]["public_key"]
        != (machine.statements(tmp_path / "here" / "ledger")[0]["public_key"])
    )


def test_a_ledger_from_another_machine_is_not_written(
    tmp_path: Path, moved: Callable[[str], bare.Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "ledger" / place.NAME).unlink()
    monkeypatch.setattr(place, "_system_id", lambda: "machine one")
    recorded_once(tmp_path / "here", "second")
    monkeypatch.setattr(place, "_system_id", lambda: "machine two")
    bench = moved("here")
    reason = bench.until("broken")["reason"]
    assert "another machine" in reason and str(bench.places.ledger / place.NAME) in reason
    (bench.places.ledger / place.NAME).unlink()
    assert len(goes_on(bench, "first", "next")) == 1


def test_one_folder_under_two_names_is_one_ledger(tmp_path: Path, moved: Callable[[str], bare.Bench]) -> None:
    try:
        (tmp_path / "link").symlink_to(tmp_path / "here", target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    assert goes_on(moved("link"), "first", "next") == []


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"folder": 1, "machine": [], "writer": {}, "key": null}'])
def test_a_note_that_cannot_be_understood_is_written_anew(
    tmp_path: Path, moved: Callable[[str], bare.Bench], text: str
) -> None:
    (tmp_path / "here" / "ledger" / place.NAME).write_text(text, encoding="utf-8")
    assert goes_on(moved("here"), "first", "next") == []
    assert place.read(tmp_path / "here" / "ledger") is not None


def test_the_key_that_stayed_behind_is_named(tmp_path: Path, moved: Callable[[str], bare.Bench]) -> None:
    """Where the key lies apart, its folder goes by the ledger's path, and a moved ledger no longer finds it."""
    (tmp_path / "there").mkdir()
    (tmp_path / "here" / "ledger").rename(tmp_path / "there" / "ledger")
    bench = moved("there")
    assert f"move it here from {tmp_path / 'here' / 'secrets' / 'signing-key.pem'}" in bench.until("broken")["reason"]
    bench.places.secrets.mkdir()
    (tmp_path / "here" / "secrets" / "signing-key.pem").rename(bench.places.key)
    assert len(goes_on(bench, "first", "next")) == 1
