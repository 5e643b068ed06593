"""Killed at any moment: nothing acknowledged is missing, the open runs are lost, and work goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

import graphs
import killing
import machine
import pytest

KILLS = 12


def test_whatever_was_acknowledged_survives_every_kill(host: machine.ForkedHost) -> None:
    killer = killing.Killer(host, seed=20260101)
    for number in range(KILLS):
        killer.round(within=number == KILLS // 2)
    findings = killer.finish()
    assert killer.lost > 0
    assert {finding["code"] for finding in findings} <= {"execution-open"}
    assert "Traceback" not in host.log_text()


@pytest.mark.parametrize("moment", range(5))
def test_a_first_start_that_is_killed_does_not_keep_the_second_from_recording(
    make_host: Callable[..., machine.ForkedHost], moment: int
) -> None:
    """Half a ledger: a key without a database, or a database in which nothing was written yet."""
    host = make_host(f"host-{moment}")
    host.spawn()
    deadline = time.monotonic() + machine.HANG_S
    while not (host.ledger / "sessions").exists():
        assert host.alive() and time.monotonic() < deadline, host.log_text()
    time.sleep(moment * 0.01)
    host.kill()
    host.start()
    assert host.recorded(host.run(graphs.plain()))["status"] == "success"
    host.stop()
    assert machine.verified(host.ledger) == []
