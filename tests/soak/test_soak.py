"""Two hundred kills, and thousands of runs in one session."""

from __future__ import annotations

from pathlib import Path

import killing
import machine
import measuring
import pytest

pytestmark = [pytest.mark.soak, pytest.mark.timeout(4 * 3600)]
KILLS = 200
RUNS = 5_000
STEP = 500
MIB = 1 << 20


def test_two_hundred_kills(host: machine.ForkedHost) -> None:
    killer = killing.Killer(host, seed=20260102)
    for number in range(KILLS):
        killer.round(within=number % 20 == 0)
    findings = killer.finish()
    assert killer.lost > 0
    assert {finding["code"] for finding in findings} <= {"execution-open"}
    assert "Traceback" not in host.log_text()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="memory and open files are read from /proc")
def test_memory_files_and_time_do_not_grow_with_runs(
    host: machine.ForkedHost, make_host: machine.MakeHost, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = make_host("bare", pack=False).start()
    host.start().status_when("recording")
    found, without = [], []
    for number in range(RUNS // STEP):
        found.append(measuring.measured(host, STEP, number * STEP))
        without.append(measuring.measured(bare, STEP, number * STEP))
        with capsys.disabled():
            print(f"\n{(number + 1) * STEP} runs: {found[-1]}; without the pack: {without[-1]}", end="")
    # The host keeps a history of its own: what it grows by without the pack is not ours. The memory of reused outputs
    # and of read files has a limit that this many runs do not reach (docs/limits.md), hence the allowance per run.
    grown = found[-1].memory - found[1].memory - (without[-1].memory - without[1].memory)
    assert grown < 64 * MIB
    assert found[-1].files <= found[1].files + measuring.POOLED
    assert found[-1].seconds <= 2 * found[1].seconds
    host.stop()
    bare.stop()
    assert machine.verified(host.ledger) == []
