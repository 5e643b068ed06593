"""What can be wrong with key, settings and clock: the status says what to do, and recording goes on."""

from __future__ import annotations

import os
from pathlib import Path

import bare
import machine
import pytest
from bare import errors, goes_on, put, recorded_once
from comfy_provenance.provenance.model import Instant, system_clock

pytestmark = pytest.mark.usefixtures("short_pauses")
YEAR_NS = 365 * 24 * 3600 * 10**9


def test_a_deleted_key(bench: bare.Bench) -> None:
    recorded_once(bench.host.folder)
    aside = bench.host.folder / "aside.pem"
    bench.places.key.rename(aside)
    bench.service.start()
    bench.run("meanwhile")
    reason = bench.until("broken")["reason"]
    assert str(bench.places.key) in reason and "is missing: put it back" in reason
    aside.rename(bench.places.key)
    assert len(goes_on(bench, "first", "meanwhile")) == 1


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_damaged_key(bench: bare.Bench, content: bytes) -> None:
    recorded_once(bench.host.folder)
    whole = bench.places.key.read_bytes()
    bench.places.key.write_bytes(content)
    bench.service.start()
    bench.run("meanwhile")
    assert "put it back" in bench.until("broken")["reason"]
    put(bench.places.key, whole)
    assert len(goes_on(bench, "first", "meanwhile")) == 1


def test_a_key_that_cannot_be_read(bench: bare.Bench) -> None:
    recorded_once(bench.host.folder)
    whole = bench.places.key.read_bytes()
    bench.places.key.unlink()
    bench.places.key.mkdir()  # root may read every file, but no folder as one
    bench.service.start()
    bench.run("meanwhile")
    assert "cannot be read" in bench.until("broken")["reason"]
    bench.places.key.rmdir()
    put(bench.places.key, whole)
    assert len(goes_on(bench, "first", "meanwhile")) == 1


def test_the_key_of_another_ledger(bench: bare.Bench, tmp_path: Path) -> None:
    recorded_once(bench.host.folder)
    recorded_once(tmp_path / "other")
    whole = bench.places.key.read_bytes()
    bench.places.key.write_bytes((tmp_path / "other" / "secrets" / "signing-key.pem").read_bytes())
    bench.service.start()
    bench.run("meanwhile")
    reason = bench.until("broken")["reason"]
    assert "another key" in reason and "put the right key at" in reason
    put(bench.places.key, whole)
    assert len(goes_on(bench, "first", "meanwhile")) == 1


def test_a_key_that_others_can_read_is_told(bench: bare.Bench, caplog: pytest.LogCaptureFixture) -> None:
    if os.name == "nt":
        pytest.skip("Windows has no such modes")
    recorded_once(bench.host.folder)
    bench.places.key.chmod(0o644)
    bench.service.start()
    bench.until("recording")
    assert any("can be read by others" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "[]", '{"enable": true}', '{"queue_capacity": 0}', "\xff"])
def test_broken_settings_are_told_and_the_defaults_used(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    (ledger / "settings.json").write_bytes(text.encode("latin-1"))
    bench = bare.Bench(tmp_path)
    bench.service.start()
    bench.run("first")
    bench.settle()
    status = bench.service.status()
    assert status["state"] == "recording"
    assert "setting" in status["settings_problem"] and "the defaults are used" in status["settings_problem"]
    assert len(errors(caplog)) == 1
    assert goes_on(bench, "first") == []


@pytest.mark.parametrize("years", [-40, 40, 150])
def test_a_clock_that_jumps_by_years(tmp_path: Path, years: int) -> None:
    offset = 0

    def clock() -> Instant:
        now = system_clock()
        return Instant(now.wall_ns + offset, now.monotonic_ns)

    bench = bare.Bench(tmp_path, clock=clock)
    bench.service.start()
    bench.run("before")
    bench.settle()
    bench.accept("across")
    bench.settle()
    offset = years * YEAR_NS
    bench.finish("across")
    bench.run("after")
    bench.settle()
    offset = 0
    bench.run("again")
    bench.settle()
    live = bench.service.live
    assert live is not None
    assert [live.ledger.index.execution(run) is not None for run in ("before", "across", "after", "again")] == [
        True
    ] * 4
    assert [row.id for row in live.ledger.index.page(4)] == ["again", "after", "across", "before"]  # order is the index
    bench.service.close()
    findings = machine.verified(bench.places.ledger)
    assert {finding["code"] for finding in findings} == {"clock-back"}
    assert [said for said in machine.statements(bench.places.ledger) if said["kind"] == "gap"] == []
